"""The events of cases as miners of processes read them: a trace a case, the oldest event first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

BATCH: Final = 5_000

LOG: Final = """
    SELECT e.stream, e.seq, c.number, p.code AS policy, m.code AS measure, c.child_kind,
        parent.number AS parent, c.workflow_hash, e.at, e.name, e.seat, o.code AS office,
        e.from_state, e.to_state
    FROM event e JOIN "case" c ON c.id = e.stream JOIN measure m ON m.id = c.measure_id
    JOIN policy p ON p.id = m.policy_id
    LEFT JOIN "case" parent ON parent.id = c.parent_id
    LEFT JOIN organisation o ON o.id = e.organisation_id
    WHERE (e.stream, e.seq) > (%(stream)s, %(seq)s)
      AND (%(measures)s::text[] IS NULL OR m.code = ANY(%(measures)s))
    ORDER BY e.stream, e.seq LIMIT %(limit)s
"""
COUNT: Final = """
    SELECT count(*) FROM "case" c JOIN measure m ON m.id = c.measure_id
    WHERE %(measures)s::text[] IS NULL OR m.code = ANY(%(measures)s)
"""


@dataclass(frozen=True)
class LoggedEvent:
    """One event of a case, without anybody's name.

    `office` is the code of the public body that acted; applicants have no code.
    """

    stream: int
    seq: int
    number: str
    policy: str
    measure: str
    child_kind: str | None
    parent: str | None
    workflow_hash: str
    at: datetime
    name: str
    seat: str | None
    office: str | None
    from_state: str | None
    to_state: str | None


def event_log(
    connection: Any, measures: Sequence[str] | None = None, *, batch: int = BATCH
) -> Iterator[LoggedEvent]:
    """Yield every event of every case (of some measures only), case by case, oldest first."""
    parameters = {"stream": -1, "seq": 0, "limit": batch, "measures": _listed(measures)}
    with connection.cursor(row_factory=class_row(LoggedEvent)) as cursor:
        while rows := cursor.execute(LOG, parameters).fetchall():
            yield from rows
            parameters |= {"stream": rows[-1].stream, "seq": rows[-1].seq}


def cases_in_log(connection: Any, measures: Sequence[str] | None = None) -> int:
    """Return how many cases `event_log` will tell of."""
    found = connection.execute(COUNT, {"measures": _listed(measures)}).fetchone()
    return int(found[0])


def _listed(measures: Sequence[str] | None) -> list[str] | None:
    return None if measures is None else list(measures)
