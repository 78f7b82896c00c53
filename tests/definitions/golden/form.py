"""The form of a golden table: what one policy must say, written from its text by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

FAMILY_OF_LETTER = {
    "a": "equity",
    "b": "talent",
    "c": "scenarios",
    "d": "events",
    "e": "vouchers",
    "f": "investment",
    "g": "titles",
    "h": "interest",
    "i": "guarantees",
    "j": "funds",
    "k": "platforms",
    "l": "deals",
    "m": "research",
    "t": "allocations",
}

Row = tuple[str, list[int], list[str], str, str]
"""Number, yuan, percent, bureaus, bounds.

Yuan: every ceiling, fixed amount and upper end of a range, in the order of the text. Bounds: one
letter for each rate, then one for each amount; c ceiling, f fixed, r range.
"""


@dataclass(frozen=True)
class Golden:
    """One policy. Numbers are ids without the prefix, e.g. `4a`; several stand in one string.

    `questions` are those of handbook 1.3 that name a measure, `also` those that do not name it
    but are asked by its words too.
    """

    code: str
    prefix: str
    title: str
    doc_no: str | None
    status: str
    issued_on: date | None
    effective_from: date | None
    effective_to: date
    text_sha256: str
    articles: int
    rows: Sequence[Row]
    families: Mapping[str, str]
    processes: Mapping[str, str]
    questions: Mapping[str, str]
    also: Mapping[str, str] = field(default_factory=dict)
    yearly: str = ""
    monthly: str = ""
    range_lows: Mapping[str, list[int]] = field(default_factory=dict)
    by_the_government: str = ""

    def id(self, number: str) -> str:
        return f"{self.prefix}-{number}"

    def ids(self, numbers: str) -> list[str]:
        return [self.id(number) for number in numbers.split()]

    def family_of(self) -> dict[str, str]:
        return {
            id_: FAMILY_OF_LETTER[letter]
            for letter, numbers in self.families.items()
            for id_ in self.ids(numbers)
        }

    def process_of(self) -> dict[str, str]:
        return {id_: name for name, numbers in self.processes.items() for id_ in self.ids(numbers)}

    def asked(self, questions: Mapping[str, str]) -> dict[str, set[str]]:
        """Return by measure the questions of `questions`."""
        asked: dict[str, set[str]] = {}
        for question, numbers in questions.items():
            for id_ in self.ids(numbers):
                asked.setdefault(id_, set()).add(question)
        return asked
