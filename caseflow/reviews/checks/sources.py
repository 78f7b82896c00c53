"""Sources of facts about a subject, behind one interface: what is asked, what may be answered.

A source that does not answer raises `Unavailable`: nothing is recorded, and nothing has passed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

from caseflow.kernel.errors import Unavailable

REST: Final = timedelta(seconds=60)
"""How long a source that failed `FAILURES` times in a row is left alone."""
FAILURES: Final = 3


@dataclass(frozen=True)
class Question:
    """One query: of which kind, about whom. Asked again under the same `id` it is the same query.

    `holder` is the credit code, for individuals the number of their document.
    """

    id: str
    kind: str
    point: str
    holder: str
    holder_type: str
    name: str


@dataclass(frozen=True)
class Answer:
    """What a source said, and `snapshot`, the bytes in which it said so."""

    result: str
    note: str
    snapshot: bytes
    media_type: str


class Source(Protocol):
    """Somebody who can be asked. `valid_days`: how long what it says counts."""

    @property
    def name(self) -> str:
        """Return the name by which a city's file knows it."""

    @property
    def title(self) -> str:
        """Return what people call it."""

    @property
    def valid_days(self) -> int:
        """Return for how many days an answer counts."""

    def ask(self, question: Question, at: datetime) -> Answer:
        """Return its answer.

        Raises:
            Unavailable: it did not answer, or not as agreed.
        """


def query_id(*parts: str) -> str:
    """Return the id of a query, made of what it is about; no part of it is a person's own data.

    With the check that stands so far among the parts, it is the same until it is answered, and
    another one after that.
    """
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


class Breaker:
    """Leaves a source alone for a while after it failed several times in a row.

    Then one question is let through: its answer closes the circuit, its failure opens it again.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._failures = 0
        self._until: datetime | None = None

    def refuse_open(self, at: datetime) -> None:
        """Raise `Unavailable` while the source is left alone."""
        if self._until is not None and at < self._until:
            raise Unavailable(f"{self._title}连续无应答，暂停查询至 {self._until.isoformat()}。")

    def failed(self, at: datetime) -> None:
        """Count a failure."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._until = at + REST

    def answered(self) -> None:
        """Count an answer: whatever was, the source is well."""
        self._failures = 0
        self._until = None
