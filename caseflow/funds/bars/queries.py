"""The bars of an organisation that nobody has lifted, as a column of a `SELECT`."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from caseflow.kernel.bars import Bar

STANDING: Final = """
    (SELECT json_agg(json_build_array(b.from_on, b.to_on, b.basis)) FROM bar b
      WHERE b.organisation_id = {organisation} AND b.lifted_at IS NULL)
"""
"""`{organisation}` is the column with its id; past ones are in it, the kernel knows the day."""


def bars_of(rows: Iterable[Any] | None) -> tuple[Bar, ...]:
    """Return the bars that the column holds, most organisations none."""
    return tuple(
        Bar(date.fromisoformat(first), date.fromisoformat(last), basis)
        for first, last, basis in rows or ()
    )
