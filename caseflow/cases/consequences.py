"""From a decision to the rows of the one statement."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from caseflow.cases.acting import Act, Office
from caseflow.cases.caps import add_caps
from caseflow.cases.checks.relying import add_uses, told
from caseflow.cases.cutting import add_amounts
from caseflow.cases.desk import Desk
from caseflow.cases.effects import add_effects, add_orders
from caseflow.cases.experts.effects import drawn
from caseflow.cases.ledger import add_entries
from caseflow.cases.notices import add_notices
from caseflow.cases.overlaps import CHECKED, add_award, add_overlap_effects, seen
from caseflow.cases.part import DUTIES, MOVED
from caseflow.cases.reading import Reading, iso
from caseflow.cases.seats import task_of
from caseflow.cases.statement import Writes
from caseflow.cases.tasks import DONE, SeatTask
from caseflow.cases.timekeeping import Timekeeper, wake_row
from caseflow.deadlines.part import CLOCKS, TIMERS
from caseflow.history.part import EVENTS, Draft, Signer, chained
from caseflow.kernel.calendar import Calendar, local_date
from caseflow.kernel.clocks import to_row
from caseflow.kernel.equity.acts import TODAY
from caseflow.kernel.workflow.effects import ENGINE_FACTS
from caseflow.kernel.workflow.machine import Decision
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import SEATS, SYSTEM_FACTS
from caseflow.reviews.part import COPIES, RECUSALS, TASKS_CHANGED, TASKS_CLOSED, TASKS_OPENED

MATTER_ON: Final = "matter_on"
KEPT: Final = frozenset({*SYSTEM_FACTS, *ENGINE_FACTS, "ceiling_fen", TODAY})
"""Facts that are computed at each reading and so never stored among the entered ones."""


def keep_time(
    reading: Reading,
    workflow: Workflow,
    decision: Decision,
    *,
    desk: Desk,
    calendar: Calendar,
    at: datetime,
    expired: str | None = None,
) -> Timekeeper:
    """Return the case's clocks after the moves of `decision`, those of the seats included."""
    keeper = Timekeeper(workflow, reading.clocks or [], calendar)
    if expired:
        keeper.expire(expired)
    for move in decision.moves:
        keeper.follow(move, decision.facts, local_date(at))
    if workflow.states[decision.state].decide:
        keeper.follow_seats(reading.state, desk, decision.facts, local_date(at))
    return keeper


def writes_of(act: Act, office: Office) -> Writes:
    """Return every row that `act` writes, child cases aside."""
    writes = Writes()
    events = _events(act, office.signer)
    writes.add(EVENTS, *events)
    writes.add(MOVED, _case_row(act, events[-1]))
    writes.add(CLOCKS, *[{"case_id": act.case_id, **to_row(c)} for c in act.timekeeper.changed])
    writes.add(TIMERS, *act.timekeeper.timers(act.case_id), *_wake_parent(act))
    _add_tasks(act, writes)
    add_amounts(act, writes)
    add_orders(act, writes)
    add_entries(act, writes)
    add_caps(act, writes)
    for seq, move in act.numbered():
        add_effects(act, writes, seq, move)
        add_overlap_effects(act, writes, seq, move, office)
        add_uses(act, writes, seq, move)
        if move.step.duty and act.seat != "system":
            writes.add(DUTIES, *_duties(act, move.step.duty))
    add_award(act, writes, office, events[-1]["hash"])
    add_notices(act, writes, office.notices)
    return writes


def _events(act: Act, signer: Signer) -> list[dict[str, Any]]:
    drafts = []
    for index, (_, move) in enumerate(act.numbered()):
        first = index == 0
        payload = dict(move.payload)
        if "documents_complete" in move.step.guards:
            payload["files"] = act.reading.documents or []
        if CHECKED in move.step.effects:
            payload |= {"overlaps": met} if (met := seen(act)) else {}
        payload |= drawn(act, move)
        payload |= told(act, move)
        seat = act.seat if first else "system"
        drafts.append(
            Draft(
                name=move.step.event,
                actor_id=act.actor_id if first else act.system_id,
                at=act.at,
                payload=payload,
                seat=seat,
                organisation_id=_organisation(act, seat) if first else None,
                from_state=move.source,
                to_state=move.target,
                workflow_hash=act.reading.workflow_hash,
                guards=move.step.guards,
                request_id=act.request_id if first else None,
                request_hash=act.request_hash if first else None,
                cause_seq=None if first else act.reading.head_seq + 1,
                acting_for_id=act.acting_for_id if first else None,
            )
        )
    reading = act.reading
    return chained(
        drafts,
        stream=act.case_id,
        seq=reading.head_seq,
        head=bytes(reading.head_hash),
        signer=signer,
    )


def _organisation(act: Act, seat: str) -> int | None:
    """Return whose seat it is: where the task was handed over (转办), that of who took it over."""
    task = task_of(act.reading, seat)
    party = SEATS[seat].party if seat in SEATS else seat
    found = task.organisation_id if task else act.reading.parties.get(party)
    return int(found) if found is not None else None


def _case_row(act: Act, last_event: Mapping[str, Any]) -> dict[str, Any]:
    reading, facts = act.reading, act.decision.facts
    state = act.workflow.states[act.decision.state]
    publicity_id = next(
        (m.payload["publicity_id"] for m in act.decision.moves if "publicity_id" in m.payload),
        reading.publicity_id,
    )
    return {
        "id": act.case_id,
        "expected_seq": reading.head_seq,
        "state": state.code,
        "previous_state": facts.get("previous_state"),
        "outcome": state.end,
        "head_seq": last_event["seq"],
        "head_hash": last_event["hash"],
        "facts": stored(facts),
        "corrections_made": facts["corrections_made"],
        "publicity_id": publicity_id,
        "publicity_ends_on": facts.get("publicity_ends_on"),
        "approved_fen": facts.get("approved_fen"),
        "matter_on": facts.get(MATTER_ON) or iso(reading.matter_on),
        "submitted_at": _submitted_at(act),
        "ended_at": act.at if state.end else None,
    }


def _submitted_at(act: Act) -> datetime | None:
    """Return when the case first left its initial state for another that is no end."""
    known: datetime | None = act.reading.submitted_at
    left = act.reading.state == act.workflow.initial != act.decision.state
    if known is None and left and act.workflow.states[act.decision.state].end is None:
        return act.at
    return known


def stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entered facts: what a case keeps in its own row."""
    return {name: value for name, value in facts.items() if name not in KEPT}


def _add_tasks(act: Act, writes: Writes) -> None:
    """Write what the act does to the tasks, who may read besides, and who is recused."""
    desk, case = act.desk, {"case_id": act.case_id}
    common = {**case, "at": act.at, "by_id": act.actor_id}
    writes.add(TASKS_CLOSED, *[_closed(act, *closed) for closed in desk.closed])
    writes.add(TASKS_CHANGED, *[task.row(act.case_id) for task in desk.changed])
    writes.add(TASKS_OPENED, *[{**case, **task} for task in desk.opened])
    writes.add(COPIES, *[{**common, **copy} for copy in desk.copies])
    writes.add(RECUSALS, *[{**common, **recusal} for recusal in desk.recusals])


def _closed(act: Act, task: SeatTask, status: str, verdict: str | None) -> dict[str, Any]:
    return {
        "case_id": act.case_id,
        "id": task.id,
        "status": status,
        "at": act.at,
        "closed_by": act.actor_id,
        "closed_for": act.acting_for_id if status == DONE else None,
        "closed_seq": act.reading.head_seq + 1,
        "verdict": verdict,
    }


def _duties(act: Act, duty: str) -> Iterator[dict[str, Any]]:
    """Yield the control role for who took it, and for whom they stood in."""
    for person in (act.actor_id, act.acting_for_id):
        if person is not None:
            yield {"case_id": act.case_id, "person_id": person, "duty": duty}


def _wake_parent(act: Act) -> Sequence[dict[str, Any]]:
    if act.reading.parent_id is None or act.workflow.states[act.decision.state].end is None:
        return ()
    reason = f"child:{act.case_id}"
    seq = act.reading.head_seq + 1
    row = wake_row(
        owner=act.case_id, case_id=act.reading.parent_id, reason=reason, seq=seq, at=act.at
    )
    return (row,)
