"""The parts of the one statement: each feature owns the `WITH` part that writes its tables.

A part reads one parameter of its own name, a JSON array that may be empty, and joins `written`, the
cases whose version was still the expected one: what is stale writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Part:
    """One data-modifying `WITH` part; `name` is its parameter and its name in the statement."""

    name: str
    sql: str


def packed(rows: Sequence[Any]) -> bytes:
    """Return `rows` as the JSON text that a part's parameter takes."""
    return orjson.dumps(rows)
