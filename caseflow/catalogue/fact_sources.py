"""Who tells a city facts about applicants (核查来源), as data without addresses and secrets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from marshmallow import fields, validate

from caseflow.catalogue.records import Record, number, text, word
from caseflow.kernel.checks import KINDS, VALID_DAYS
from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.source import Source
from caseflow.settings import SOURCES

HTTP, FILE = "http", "file"
VARIABLE: Final = f"{SOURCES}[A-Z0-9_]+"


@dataclass(frozen=True)
class FactSource:
    """Somebody who tells facts about applicants: asked over HTTP, or by the files it sends.

    `address`, `token` and `secret` name variables of the environment, never hold a value. What it
    says counts for `valid_days`; it is tried `attempts` times, `timeout_seconds` each.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    adapter: str
    source: str
    address: str | None = None
    token: str | None = None
    secret: str | None = None
    valid_days: int = VALID_DAYS
    timeout_seconds: int = 5
    attempts: int = 3


class FactSourceRecord(Record):
    """See `FactSource`."""

    makes = FactSource
    name = text(pattern="[a-z][a-z0-9_]*")
    title = text()
    kinds = fields.List(word(*KINDS), required=True, validate=validate.Length(min=1))
    adapter = word(HTTP, FILE)
    source = text()
    address = text(required=False, pattern=VARIABLE)
    token = text(required=False, pattern=VARIABLE)
    secret = text(required=False, pattern=VARIABLE)
    valid_days = number(required=False)
    timeout_seconds = number(required=False)
    attempts = number(required=False)


def unfit_sources(sources: Sequence[FactSource], file: Source) -> Iterator[Problem]:
    """Yield what is wrong with a city's sources: no address to ask, or nothing to be asked for."""
    for index, each in enumerate(sources):
        path = ("sources", index)
        if (each.adapter == HTTP) != (each.address is not None):
            message = f"{each.name}: http has an address (a variable's name), file has none"
            yield file.problem(path, "source-address", message)
        own = [kind for kind in each.kinds if KINDS[kind].computed and not KINDS[kind].by_hand]
        if own:
            message = f"{each.name}: {', '.join(own)} is computed from this house's own records"
            yield file.problem(path, "source-kind", message)
