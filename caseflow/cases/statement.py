"""The one statement: every write of one act, or of a whole set of acts, in one round trip.

Only the parts that have rows are in it: a part without any still opens its table and every index of
it. There are few such sets of parts; each is one prepared statement with one plan.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from psycopg import RawCursor

from caseflow.cases.part import (
    DISTRICT_PASSES,
    DUTIES,
    HOLDS,
    HOLDS_LIFTED,
    MOVED,
    OPENED,
    WRITTEN,
)
from caseflow.database.parts import Part, packed
from caseflow.database.road import ask
from caseflow.deadlines.part import CLOCKS, FIRED, TIMERS
from caseflow.funds.awards.part import AWARDS, AWARDS_MOVED, DECISIONS, MATTERS, MATTERS_DROPPED
from caseflow.funds.bars.part import BARS, BARS_LIFTED
from caseflow.funds.caps.part import CAP_USES, CAPS
from caseflow.funds.equity.part import PARTS as EQUITY_PARTS
from caseflow.funds.ledger import ENTRIES
from caseflow.funds.part import ACCOUNTS_RENEWED, AMOUNTS, PAYMENTS, PAYMENTS_MOVED
from caseflow.funds.recoveries.part import (
    PAYMENT_OFFSETS,
    RECEIPTS,
    RECOVERIES,
    RECOVERIES_ORDERED,
    RECOVERIES_WITHDRAWN,
)
from caseflow.history.part import EVENTS
from caseflow.notifications.part import DELIVERIES, NOTICES
from caseflow.reviews.checks.part import CHECK_USES
from caseflow.reviews.experts.part import PARTS as EXPERT_PARTS
from caseflow.reviews.experts.part import PLACES, SHORTLISTS
from caseflow.reviews.part import (
    COPIES,
    OBJECTIONS,
    RECUSALS,
    TASKS_CHANGED,
    TASKS_CLOSED,
    TASKS_OPENED,
)

PARTS: Final[tuple[Part, ...]] = (
    MOVED, OPENED, WRITTEN, EVENTS, DUTIES, HOLDS, HOLDS_LIFTED, CLOCKS, TIMERS, FIRED,
    TASKS_CLOSED, TASKS_OPENED, OBJECTIONS, AMOUNTS, PAYMENTS, PAYMENTS_MOVED,
    ACCOUNTS_RENEWED, ENTRIES, NOTICES, DELIVERIES, *EQUITY_PARTS, CAPS, CAP_USES,
    RECOVERIES, RECOVERIES_ORDERED, RECOVERIES_WITHDRAWN, RECEIPTS, BARS, BARS_LIFTED,
    MATTERS, MATTERS_DROPPED, DECISIONS, AWARDS, AWARDS_MOVED, TASKS_CHANGED, COPIES, RECUSALS,
    *EXPERT_PARTS, PAYMENT_OFFSETS, CHECK_USES, DISTRICT_PASSES,
)  # fmt: skip

NEEDS: Final = {
    OPENED.name: MOVED.name,
    TASKS_OPENED.name: TASKS_CLOSED.name,
    DELIVERIES.name: NOTICES.name,
    CAP_USES.name: CAPS.name,
    PLACES.name: SHORTLISTS.name,
}
"""Parts that read what another part returns."""
NOTHING: Final = "SELECT NULL::bigint AS id WHERE false"
PARAMETER: Final = re.compile(r"%\((\w+)\)s")


@dataclass
class Writes:
    """The rows of the parts, by the part's name; `add` is the only way in."""

    rows: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def add(self, part: Part, *rows: Any) -> None:
        """Put `rows` under `part`."""
        if rows:
            self.rows[part.name].extend(rows)

    def merge(self, others: Iterable["Writes"]) -> "Writes":
        """Take over the rows of `others`, so that many acts become one statement."""
        for other in others:
            for name, rows in other.rows.items():
                self.rows[name].extend(rows)
        return self

    def used(self) -> tuple[str, ...]:
        """Return the names of the parts that have rows, and of those that they need, in order."""
        return _in_order(frozenset(name for name, rows in self.rows.items() if rows))


def write(connection: Any, writes: Writes) -> set[int]:
    """Run the statement on a psycopg connection; returns the ids of the cases it wrote."""
    return {int(number) for number in ask(connection, *_said(writes))}


def send(connection: Any, writes: Writes) -> Any:
    """Send the statement through a pipeline; nothing is waited for."""
    sql, rows = _said(writes)
    return RawCursor(connection).execute(sql, [text.decode() for text in rows], prepare=True)


def _said(writes: Writes) -> tuple[bytes, list[bytes]]:
    """Return the statement that the rows take, and the rows of each of its parts."""
    used = writes.used()
    return statement(used), [packed(writes.rows[name]) for name in used]


def written_by(cursor: Any) -> set[int]:
    """Return the ids of the cases that a statement wrote, once its answer has come.

    Raises:
        psycopg.IntegrityError: the database refuses it.
    """
    return {row[0] for row in cursor.fetchall()}


@cache
def _in_order(filled: frozenset[str]) -> tuple[str, ...]:
    """Return the names of these parts, and of those that they need, in the statement's order."""
    wanted = filled | {NEEDS[name] for name in filled & NEEDS.keys()}
    return tuple(part.name for part in PARTS if part.name in wanted)


@cache
def statement(used: tuple[str, ...]) -> bytes:
    """Return the statement of these parts; `$n` is the rows of the n-th as JSON."""
    parts = [_written(used) if part is WRITTEN else part for part in PARTS]
    joined = ", ".join(
        f"{part.name} AS ({part.sql})" for part in parts if part.name in {*used, WRITTEN.name}
    )
    numbered = PARAMETER.sub(lambda found: f"${used.index(found[1]) + 1}::jsonb", joined)
    return f"WITH {numbered} SELECT id FROM {WRITTEN.name}".encode()


def _written(used: tuple[str, ...]) -> Part:
    """Return the part of all ids that the others may write for."""
    sources = [f"SELECT id FROM {part.name}" for part in (MOVED, OPENED) if part.name in used]
    if WRITTEN.name in used:
        sources.append(WRITTEN.sql)
    return Part(WRITTEN.name, " UNION ALL ".join(sources) or NOTHING)
