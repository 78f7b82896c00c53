"""Carrying bulk acts: set after set, each committed with its items, by any number of workers.

An item is claimed by its row and marked in the transaction that acts: a process that is killed
leaves a set undone or done, never in between, and nothing is done twice.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from psycopg.rows import class_row, namedtuple_row
from sqlalchemy.orm import Session

from caseflow.batches.bulk.queries import BulkView, bulk_act, find_own
from caseflow.batches.bulk.wanted import requests_of
from caseflow.cases.service import Cases, Outcome
from caseflow.cases.sets import SIZE, Results, act_on_set
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import CaseflowError, InvalidInput

MOST_AT_ONCE: Final = 20
"""How many bulk acts one look takes a set of, the oldest first: a long one holds up no other."""
RUNNING: Final = "SELECT id FROM bulk_act WHERE status = 'running' ORDER BY id LIMIT %s"
ASKED: Final = """
    SELECT id, public_id, event, payload, actor_id FROM bulk_act
    WHERE id = %s AND status = 'running' FOR SHARE
"""
CLAIM: Final = """
    SELECT i.line, i.case_id AS id, c.root_id, i.payload
    FROM bulk_item i JOIN "case" c ON c.id = i.case_id
    WHERE i.bulk_act_id = %s AND i.status = 'pending'
    ORDER BY i.line LIMIT %s FOR NO KEY UPDATE OF i SKIP LOCKED
"""
MARK: Final = """
    UPDATE bulk_item i SET status = r.status, reason = r.reason, seq = r.seq, at = %(at)s
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (line int, status text, reason text, seq int)
    WHERE i.bulk_act_id = %(id)s AND i.line = r.line
"""
FINISH: Final = """
    UPDATE bulk_act b SET status = 'done', finished_at = %(at)s
    WHERE b.id = %(id)s AND b.status = 'running'
    AND NOT EXISTS (SELECT FROM bulk_item i WHERE i.bulk_act_id = b.id AND i.status = 'pending')
"""


class Ran(NamedTuple):
    """What one or several sets came to: items done, items refused."""

    done: int = 0
    refused: int = 0

    @property
    def items(self) -> int:
        """Return how many items are over."""
        return self.done + self.refused


@dataclass(frozen=True)
class _Asked:
    id: int
    public_id: str
    event: str
    payload: dict[str, Any]
    actor_id: int


def run_due(cases: Cases, at: datetime, *, limit: int = SIZE) -> Ran:
    """Do one set of each bulk act that is not over; what others are at is left to them."""
    with cases.connect() as connection:
        numbers = connection.execute(RUNNING, (MOST_AT_ONCE,)).fetchall()
    sets = [_run(cases, row[0], at, limit) for row in numbers]
    return Ran(sum(each.done for each in sets), sum(each.refused for each in sets))


def run_whole(
    cases: Cases,
    actor: Actor,
    public_id: str,
    now: Callable[[], datetime],
    *,
    limit: int = SIZE,
    progress: Callable[[int], None] = lambda _: None,
) -> BulkView:
    """Do the actor's bulk act to its end, set after set; `now` gives the instant of each set.

    What a worker is at is left to it: the view may still be `running`.

    Raises:
        NotFound: no such bulk act of the actor's.
    """
    with cases.database.session() as session:
        number = find_own(session, actor, public_id)
    while (ran := _run(cases, number, now(), limit)).items:
        progress(ran.items)
    return bulk_act(cases, actor, public_id)


def _run(cases: Cases, number: int, at: datetime, limit: int) -> Ran:
    """Do one set of the bulk act in one transaction; then close it if nothing is left."""
    with cases.database.batch() as session:
        ran = _act(session, cases, number, at, limit)
    if ran.items < limit:
        with cases.connect() as connection:
            connection.execute(FINISH, {"id": number, "at": at})
    return ran


def _act(session: Session, cases: Cases, number: int, at: datetime, limit: int) -> Ran:
    driver: Any = session.connection().connection.driver_connection
    asked = driver.cursor(row_factory=class_row(_Asked)).execute(ASKED, (number,)).fetchone()
    if asked is None:
        return Ran()
    cursor = driver.cursor(row_factory=namedtuple_row)
    items = cursor.execute(CLAIM, (number, limit)).fetchall()
    if not items:
        return Ran()
    results: Results = {}
    for part in _apart(items):
        results |= _results(cases, driver, asked, part, at)
    rows = [_row(item.line, results[item.id]) for item in items]
    driver.execute(MARK, {"id": number, "at": at, "rows": orjson.dumps(rows).decode()})
    done = sum(row["status"] == "done" for row in rows)
    return Ran(done, len(rows) - done)


def _results(
    cases: Cases, driver: Any, asked: _Asked, items: Sequence[Any], at: datetime
) -> Results:
    try:
        requests = requests_of(
            cases, asked.event, asked.payload, items, actor_id=asked.actor_id, at=at,
            public_id=asked.public_id,
        )  # fmt: skip
    except InvalidInput as error:
        return {item.id: error for item in items}
    return act_on_set(cases, driver, requests)


def _apart(items: Sequence[Any]) -> list[list[Any]]:
    """Return the items in sets in which no two belong to one case: the next sees what one did."""
    sets: list[list[Any]] = []
    seen: Counter[int] = Counter()
    for item in items:
        if seen[item.root_id] == len(sets):
            sets.append([])
        sets[seen[item.root_id]].append(item)
        seen[item.root_id] += 1
    return sets


def _row(line: int, result: Outcome | CaseflowError) -> dict[str, Any]:
    if isinstance(result, CaseflowError):
        return {"line": line, "status": "refused", "reason": result.message, "seq": None}
    first = result.version - len(result.events) + 1
    return {"line": line, "status": "done", "reason": None, "seq": first}
