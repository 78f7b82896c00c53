"""After a year's calendar is imported: every open deadline that reaches into it, computed anew."""

from datetime import datetime
from typing import Any, Final

from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.remarks import add_remarks
from caseflow.cases.service import Cases
from caseflow.cases.statement import Writes, write
from caseflow.cases.timekeeping import timer_rows
from caseflow.deadlines.part import CLOCKS, TIMERS
from caseflow.deadlines.queries import clocks_to_recompute, load_calendar
from caseflow.history.part import Draft
from caseflow.kernel import clocks
from caseflow.kernel.calendar import Calendar

EVENT: Final = "deadline_recomputed"


def recompute_deadlines(cases: Cases, year: int, *, actor_id: int, at: datetime) -> int:
    """Compute anew the open clocks that `year` may move; how many moved or became certain.

    Each change is an event of its case that says from when to when, and by which rule.
    """
    changed, after = 0, (0, "")
    while True:
        with cases.connect() as connection, connection.transaction():
            page = clocks_to_recompute(connection, year, after=after)
            if not page:
                return changed
            after = (page[-1].case_id, page[-1].clock.name)
            calendar = load_calendar(connection)
            asker = Asker(actor_id, at)
            readings = read_locked(connection, sorted({each.case_id for each in page}), asker)
            gathered = Writes()
            for reading in readings:
                changed += _recompute(cases, connection, reading, calendar, gathered, asker)
            write(connection, gathered)


def _recompute(
    cases: Cases, connection: Any, reading: Reading, calendar: Calendar, writes: Writes, by: Asker
) -> int:
    workflow = cases.pinned.runner(connection, reading.workflow_hash).workflow
    before = [clocks.from_row(row) for row in reading.clocks]
    pairs = [(clock, clocks.recompute(clock, calendar)) for clock in before]
    moved = [(old, new) for old, new in pairs if new != old]
    if not moved:
        return 0
    drafts = [_draft(reading, old, new, by) for old, new in moved]
    add_remarks(writes, reading, drafts, cases.office.signer)
    for old, new in moved:
        writes.add(CLOCKS, {"case_id": reading.id, **clocks.to_row(new)})
        if new.generation != old.generation:
            remind = workflow.clock(new.name).remind
            writes.add(TIMERS, *timer_rows(reading.id, new, remind=remind))
    return len(moved)


def _draft(reading: Reading, old: clocks.ClockState, new: clocks.ClockState, by: Asker) -> Draft:
    return Draft(
        name=EVENT,
        actor_id=by.actor_id,
        at=by.at,
        payload={
            "clock": new.name,
            "from": old.due_on.isoformat(),
            "to": new.due_on.isoformat(),
            "provisional": new.provisional,
            "rule": new.rule,
        },
        seat="system",
        from_state=reading.state,
        to_state=reading.state,
        workflow_hash=reading.workflow_hash,
    )
