"""Sweeps: what is due is claimed by its row and acted on in sets, by any number of workers."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row

from caseflow.batches.bulk.running import run_due
from caseflow.batches.life import LifeSwept, sweep_life
from caseflow.batches.publicity import close_due
from caseflow.cases.acting import Act
from caseflow.cases.desk import asked
from caseflow.cases.notices import add_notice, told
from caseflow.cases.part import WRITTEN
from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.service import Cases, Request
from caseflow.cases.statement import Writes, write
from caseflow.deadlines.part import FIRED
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError, NotFound
from caseflow.kernel.workflow.model import SEAT_MARK, Clock, Workflow, clock_of
from caseflow.notifications.rules import HOLDER

CLAIM: Final = """
    SELECT t.id, t.case_id, t.kind, t.clock_name, t.generation, t.rule, t.due_on, t.due_at
    FROM timer t JOIN "case" c ON c.id = t.case_id
    WHERE t.fired_at IS NULL AND t.due_at <= %s
    ORDER BY t.due_at, t.id LIMIT %s
    FOR NO KEY UPDATE OF t, c SKIP LOCKED
"""
STALE: Final = """
    UPDATE timer SET fired_at = %(at)s WHERE id IN (
        SELECT t.id FROM timer t
        WHERE t.fired_at IS NULL AND t.due_at <= %(at)s AND t.kind <> 'wake' AND NOT EXISTS (
            SELECT FROM clock k WHERE k.case_id = t.case_id AND k.name = t.clock_name
            AND k.generation = t.generation)
        ORDER BY t.due_at, t.id LIMIT %(limit)s FOR UPDATE OF t SKIP LOCKED)
"""
"""A clock's generation only rises: a timer of an older one is stale for good, no case is read."""
HEARTBEAT: Final = """
    INSERT INTO sweep (name, last_at, acted) VALUES (%s, %s, %s)
    ON CONFLICT (name) DO UPDATE SET last_at = greatest(sweep.last_at, excluded.last_at),
        acted = sweep.acted + excluded.acted
"""
OVERDUE: Final = "overdue"


@dataclass(frozen=True)
class TimersSwept:
    """What one batch of due timers came to, and how many were claimed."""

    claimed: int = 0
    acted: int = 0
    reminded: int = 0
    stale: int = 0
    refused: int = 0

    def __add__(self, other: "TimersSwept") -> "TimersSwept":
        names = self.__dataclass_fields__
        return TimersSwept(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True)
class Swept:
    """What a sweep of everything came to."""

    timers: TimersSwept
    publicised: int
    life: LifeSwept
    bulk: int = 0


def sweep_all(
    cases: Cases,
    at: datetime,
    *,
    limit: int = 500,
    progress: Callable[[int], None] = lambda _: None,
) -> Swept:
    """Sweep until nothing is due at `at`: the life of policies, publicities, timers, bulk acts."""
    life = sweep_life(cases, at)
    publicised, timers, bulk = 0, TimersSwept(), 0
    while True:
        moved = close_due(cases, at)
        batch = sweep_timers(cases, at, limit=limit)
        items = run_due(cases, at, limit=limit).items
        publicised, timers, bulk = publicised + moved, timers + batch, bulk + items
        progress(batch.claimed)
        if not moved and not batch.claimed and not items:
            return Swept(timers=timers, publicised=publicised, life=life, bulk=bulk)


def sweep_timers(cases: Cases, at: datetime, *, limit: int = 500) -> TimersSwept:
    """Act on up to `limit` due timers, one a case, in one transaction.

    A timer whose clock has changed since is stale and dies; one whose event is refused keeps the
    reason. Either way it is marked in the transaction that acts: it acts once, whatever restarts.
    """
    with cases.connect() as connection, connection.transaction():
        stale = connection.execute(STALE, {"at": at, "limit": limit}, prepare=True).rowcount
        cursor = connection.cursor(row_factory=namedtuple_row)
        claimed = _one_a_case(cursor.execute(CLAIM, (at, limit), prepare=True).fetchall())
        if not claimed:
            return TimersSwept(claimed=stale, stale=stale)
        sweep = _Sweep(cases, connection, at)
        asker = Asker(cases.office.system_id, at)
        for reading in read_locked(connection, list(claimed), asker):
            sweep.fire(claimed[reading.id], reading)
        sweep.write()
        counts = sweep.counts
        connection.execute(HEARTBEAT, ("timers", at, counts["acted"]))
    return TimersSwept(
        claimed=stale + len(claimed),
        acted=counts["acted"],
        reminded=counts["reminded"],
        stale=stale + counts["stale"],
        refused=counts["refused"],
    )


def _clock(workflow: Workflow, name: str) -> Clock:
    if clock_of(name) not in workflow.clocks:
        raise NotFound(f"工作流 {workflow.name} 没有时限 {name!r}。")
    return workflow.clock(name)


def _seat(clock_name: str) -> str:
    """Return the seat whose own clock this is, nothing for a clock of the whole state."""
    return clock_name.partition(SEAT_MARK)[2]


def _of_seat(workflow: Workflow, reading: Reading, clock_name: str) -> dict[str, Any]:
    """Return whose time is up, and, where a clause counts silence as consent, what that says."""
    seat = _seat(clock_name)
    if not seat:
        return {}
    silent = {"verdict": "pass"} if workflow.states[reading.state].silence else {}
    return {"seat": seat, **silent}


def _one_a_case(rows: list[Any]) -> dict[int, Any]:
    """Return the first due timer of each case; the others are still due in the next batch."""
    first: dict[int, Any] = {}
    for row in rows:
        first.setdefault(row.case_id, row)
    return first


class _Sweep:
    """One batch in the making."""

    def __init__(self, cases: Cases, connection: Any, at: datetime) -> None:
        self._cases = cases
        self._connection = connection
        self._at = at
        self._acts: list[Act] = []
        self._reminders = Writes()
        self.counts: Counter[str] = Counter()

    def fire(self, timer: Any, reading: Reading) -> None:
        """Decide what `timer` does to its case."""
        problem = None
        try:
            result = self._result(timer, reading)
        except CaseflowError as error:
            result, problem = "refused", error.message
        self.counts[result] += 1
        fired = {"id": timer.id, "fired_at": self._at, "problem": problem}
        self._reminders.add(FIRED, fired)

    def _result(self, timer: Any, reading: Reading) -> str:
        if timer.kind == "wake":
            act = self._cases.wake(self._connection, reading, self._at)
            if act is None:
                return "stale"
            self._acts.append(act)
            return "acted"
        clock = next((c for c in reading.clocks or [] if c["name"] == timer.clock_name), None)
        if clock is None or clock["generation"] != timer.generation:
            return "stale"
        if timer.kind == "reminder":
            self._remind(timer, reading)
            return "reminded"
        self._acts.append(self._expire(timer, reading))
        return "acted"

    def _expire(self, timer: Any, reading: Reading) -> Act:
        workflow = self._cases.pinned.runner(self._connection, reading.workflow_hash).workflow
        event = _clock(workflow, timer.clock_name).expiry
        payload = _of_seat(workflow, reading, timer.clock_name)
        request = Request(event, self._cases.office.system_id, self._at, payload)
        return self._cases.decide(self._connection, reading, request, expired=timer.clock_name)

    def _remind(self, timer: Any, reading: Reading) -> None:
        """Tell those who hold the case; once for each (case, rule, due date, person)."""
        workflow = self._cases.pinned.runner(self._connection, reading.workflow_hash).workflow
        measure = self._cases.pinned.measure(self._connection, reading.measure_version_id)
        facts = {
            "number": reading.number,
            "case": reading.public_id,
            "title": reading.title,
            "measure": measure.title,
            "measure_code": measure.code,
            "applicant": reading.applicant_title,
            "state": workflow.states[reading.state].title,
            "clock": _clock(workflow, timer.clock_name).title,
            "due_on": timer.due_on.isoformat(),
        }
        if timer.rule == OVERDUE:
            trigger, days = "clock_overdue", (local_date(self._at) - timer.due_on).days
        else:
            trigger, days = "clock_due", int(timer.rule.removeprefix("T-"))
        for rule in self._cases.office.notices.for_trigger(trigger, days=days):
            places = told(workflow, reading.state, reading.parties, rule.seats)
            seat = _seat(timer.clock_name)
            if seat and HOLDER in rule.seats:
                others = [name for name in rule.seats if name != HOLDER]
                places = told(workflow, reading.state, reading.parties, others)
                places += [asked(task) for task in reading.present if task.seat == seat]
            add_notice(
                self._reminders,
                rule,
                places,
                case_id=reading.id,
                rule_name=f"{timer.clock_name}:{timer.rule}",
                due_on=timer.due_on,
                facts={**facts, "days": days},
                at=self._at,
            )
        self._reminders.add(WRITTEN, reading.id)

    def write(self) -> None:
        """Write everything by one statement."""
        gathered = self._cases.gather(self._connection, self._acts).merge([self._reminders])
        write(self._connection, gathered)
