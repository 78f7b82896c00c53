"""The one statement: every write of one act, or of a whole set of acts, in one round trip."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from caseflow.cases.part import DUTIES, HOLDS, HOLDS_LIFTED, MOVED, OPENED, WRITTEN
from caseflow.database.parts import Part, packed
from caseflow.deadlines.part import CLOCKS, FIRED, TIMERS
from caseflow.funds.part import AMOUNTS, PAYMENTS, PAYMENTS_MOVED
from caseflow.history.part import EVENTS
from caseflow.notifications.part import DELIVERIES, NOTICES
from caseflow.reviews.part import OBJECTIONS, TASKS_CLOSED, TASKS_OPENED

PARTS: Final[tuple[Part, ...]] = (
    MOVED, OPENED, WRITTEN, EVENTS, DUTIES, HOLDS, HOLDS_LIFTED, CLOCKS, TIMERS, FIRED,
    TASKS_CLOSED, TASKS_OPENED, OBJECTIONS, AMOUNTS, PAYMENTS, PAYMENTS_MOVED, NOTICES, DELIVERIES,
)  # fmt: skip

STATEMENT: Final = (
    "WITH "
    + ", ".join(f"{part.name} AS ({part.sql})" for part in PARTS)
    + " SELECT id FROM written"
)


@dataclass
class Writes:
    """The rows of the parts, by the part's name; `add` is the only way in."""

    rows: dict[str, list[Any]] = field(default_factory=lambda: {part.name: [] for part in PARTS})

    def add(self, part: Part, *rows: Any) -> None:
        """Put `rows` under `part`."""
        self.rows[part.name].extend(rows)

    def merge(self, others: Iterable["Writes"]) -> "Writes":
        """Take over the rows of `others`, so that many acts become one statement."""
        for other in others:
            for name, rows in other.rows.items():
                self.rows[name].extend(rows)
        return self

    def parameters(self) -> dict[str, bytes]:
        """Return the statement's parameters."""
        return {name: packed(rows) for name, rows in self.rows.items()}


def write(connection: Any, writes: Writes) -> set[int]:
    """Run the statement on a psycopg connection; returns the ids of the cases it wrote."""
    parameters = {name: text.decode() for name, text in writes.parameters().items()}
    return {row[0] for row in connection.execute(STATEMENT, parameters, prepare=True).fetchall()}
