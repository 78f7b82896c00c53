"""Moving a case to another version: its pins, state, clocks, timers, tasks, and the event of it.

The pins change by a statement of their own, which the database takes only beside the item of an
approved migration that names the case, both versions and the number of the event.
"""

from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from caseflow.cases.acting import Office
from caseflow.cases.notices import add_notice, told
from caseflow.cases.part import MOVED
from caseflow.cases.reading import Reading
from caseflow.cases.remarks import unmoved
from caseflow.cases.statement import Writes
from caseflow.cases.tasks import CANCELLED
from caseflow.cases.timekeeping import timer_rows, wake_row
from caseflow.cases.versions.assessing import Prospect
from caseflow.deadlines.part import CLOCKS, TIMERS
from caseflow.history.part import EVENTS, Draft, chained
from caseflow.kernel.clocks import to_row
from caseflow.reviews.part import TASKS_CLOSED, TASKS_OPENED

EVENT: Final = "case_migrated"
REPIN: Final = """
    UPDATE "case" SET measure_version_id = %s, policy_version_id = %s, workflow_hash = %s,
        parties = %s WHERE id = %s
"""


def repin(connection: Any, prospect: Prospect) -> None:
    """Change what the case pins; its item must be written before, its event in this transaction.

    Raises:
        psycopg.errors.IntegrityError: no item of an approved migration says so.
    """
    target = prospect.target
    connection.execute(
        REPIN,
        (
            target.measure.version_id,
            target.measure.policy_version_id,
            target.workflow_hash,
            Jsonb(prospect.parties),
            prospect.reading.id,
        ),
    )


def add_move(
    writes: Writes, prospect: Prospect, *, migration: str, actor_id: int, office: Office
) -> None:
    """Put every row of the move into `writes`; `migration` is the public id of the act."""
    reading, at = prospect.reading, prospect.at
    (event,) = chained(
        [_draft(prospect, migration, actor_id)],
        stream=reading.id,
        seq=reading.head_seq,
        head=bytes(reading.head_hash),
        signer=office.signer,
    )
    writes.add(EVENTS, event)
    row = {**unmoved(reading, event), "state": prospect.state, "previous_state": prospect.previous}
    writes.add(MOVED, row)
    _add_clocks(writes, prospect)
    _add_tasks(writes, prospect, seq=event["seq"], actor_id=actor_id)
    writes.add(
        TIMERS,
        wake_row(
            owner=reading.id, case_id=reading.id, reason=f"migration:{migration}",
            seq=event["seq"], at=at,
        ),
    )  # fmt: skip
    _add_notices(writes, prospect, office, seq=event["seq"])


def _draft(prospect: Prospect, migration: str, actor_id: int) -> Draft:
    reading, target = prospect.reading, prospect.target
    return Draft(
        name=EVENT,
        actor_id=actor_id,
        at=prospect.at,
        payload={
            "migration": migration,
            "from_workflow": reading.workflow_hash,
            "to_workflow": target.workflow_hash,
            "from_version": reading.measure_version_id,
            "to_version": target.measure.version_id,
            "clocks": [
                {"clock": clock.name, "status": clock.status, "due_on": clock.due_on.isoformat()}
                for clock in prospect.carried.changed
            ],
        },
        seat="system",
        from_state=reading.state,
        to_state=prospect.state,
        workflow_hash=target.workflow_hash,
    )


def _add_clocks(writes: Writes, prospect: Prospect) -> None:
    for clock in prospect.carried.changed:
        writes.add(CLOCKS, {"case_id": prospect.reading.id, **to_row(clock)})
        known = clock.status in {"running", "expired"}
        remind = prospect.new.clock(clock.name).remind if known else ()
        writes.add(TIMERS, *timer_rows(prospect.reading.id, clock, remind=remind))


def _add_tasks(writes: Writes, prospect: Prospect, *, seq: int, actor_id: int) -> None:
    case, at = {"case_id": prospect.reading.id}, prospect.at
    tasks = prospect.tasks
    closing = {"status": CANCELLED, "at": at, "closed_by": actor_id, "closed_for": None,
               "closed_seq": seq, "verdict": None}  # fmt: skip
    writes.add(TASKS_CLOSED, *({**case, **closing, "id": task.id} for task in tasks.closed))
    present = [] if prospect.is_entered_anew else prospect.reading.present
    stay = max((task.round for task in present), default=seq)
    opening = {"state": prospect.state, "at": at, "round": stay, "added_seq": None}
    writes.add(TASKS_OPENED, *({**case, **opening, **task} for task in tasks.opened))


def _add_notices(writes: Writes, prospect: Prospect, office: Office, *, seq: int) -> None:
    """Tell the applicant and who holds the case now; once, by the number of the event."""
    reading: Reading = prospect.reading
    running = [c for c in prospect.carried.after.values() if c.status == "running"]
    nearest = min((clock.due_on for clock in running), default=None)
    facts = {
        "number": reading.number,
        "case": reading.public_id,
        "title": reading.title,
        "measure": prospect.target.measure.title,
        "measure_code": prospect.target.measure.code,
        "applicant": reading.applicant_title,
        "state": prospect.new.states[prospect.state].title,
        "due_on": nearest.isoformat() if nearest else None,
    }
    at: datetime = prospect.at
    for rule in office.notices.for_trigger(EVENT):
        places = told(prospect.new, prospect.state, prospect.parties, rule.seats)
        name = f"{rule.rule}#{seq}"
        add_notice(writes, rule, places, case_id=reading.id, rule_name=name, facts=facts, at=at)
