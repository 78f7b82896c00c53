"""From a decision to the rows of the one statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

from caseflow.cases.part import DUTIES, HOLDS, HOLDS_LIFTED, MOVED
from caseflow.cases.reading import Reading, iso
from caseflow.cases.seats import holders
from caseflow.cases.statement import Writes
from caseflow.cases.timekeeping import Timekeeper, wake_row
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.deadlines.part import CLOCKS, TIMERS
from caseflow.funds.part import AMOUNTS, PAYMENTS, PAYMENTS_MOVED
from caseflow.history.part import EVENTS, Draft, Signer, chained
from caseflow.kernel.calendar import Calendar, local_date
from caseflow.kernel.clocks import to_row
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.workflow.effects import OPEN_PAYMENT
from caseflow.kernel.workflow.machine import Decision, Move
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS as AMOUNT_FACTS
from caseflow.kernel.workflow.vocabulary import SEATS, SYSTEM_FACTS
from caseflow.notifications.part import DELIVERIES, NOTICES
from caseflow.notifications.rules import HOLDER, NoticeBook, NoticeRule
from caseflow.reviews.part import OBJECTIONS, TASKS_CLOSED, TASKS_OPENED

AUDIT_HOLD: Final = "audit_hold"
MATTER_ON: Final = "matter_on"
KEPT: Final = frozenset({*SYSTEM_FACTS, OPEN_PAYMENT, "ceiling_fen", "last_paid_fen"})
"""Facts that are computed at each reading and so never stored among the entered ones."""


@dataclass(frozen=True)
class Act:
    """One act on one case, decided: everything that its rows are made of."""

    reading: Reading
    workflow: Workflow
    measure: MeasureInfo
    decision: Decision
    timekeeper: Timekeeper
    actor_id: int
    system_id: int
    seat: str
    at: datetime
    request_id: str | None = None
    request_hash: bytes | None = None

    @property
    def case_id(self) -> int:
        """Return the case's id."""
        return int(self.reading.id)

    def numbered(self) -> Iterator[tuple[int, Move]]:
        """Yield each move with the number of its event."""
        return enumerate(self.decision.moves, start=self.reading.head_seq + 1)


@dataclass(frozen=True)
class Office:
    """What all acts of a process share."""

    signer: Signer
    notices: NoticeBook
    system_id: int


def keep_time(
    reading: Reading,
    workflow: Workflow,
    decision: Decision,
    *,
    calendar: Calendar,
    at: datetime,
    expired: str | None = None,
) -> Timekeeper:
    """Return the case's clocks after the moves of `decision`."""
    keeper = Timekeeper(workflow, reading.clocks or [], calendar)
    if expired:
        keeper.expire(expired)
    for move in decision.moves:
        keeper.follow(move, decision.facts, local_date(at))
    return keeper


def writes_of(act: Act, office: Office) -> Writes:
    """Return every row that `act` writes, child cases aside."""
    writes = Writes()
    events = _events(act, office.signer)
    writes.add(EVENTS, *events)
    writes.add(MOVED, _case_row(act, events[-1]))
    writes.add(CLOCKS, *({"case_id": act.case_id, **to_row(c)} for c in act.timekeeper.changed))
    writes.add(TIMERS, *act.timekeeper.timers(act.case_id), *_wake_parent(act))
    _add_tasks(act, writes)
    _add_amounts(act, writes)
    for seq, move in act.numbered():
        _add_effects(act, writes, seq, move)
        if move.step.duty and act.seat != "system":
            writes.add(DUTIES, _duty(act, move.step.duty))
    _add_notices(act, writes, office.notices)
    return writes


def _events(act: Act, signer: Signer) -> list[dict[str, Any]]:
    drafts = []
    for index, (_, move) in enumerate(act.numbered()):
        first = index == 0
        payload = dict(move.payload)
        if "documents_complete" in move.step.guards:
            payload["files"] = act.reading.documents or []
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
    party = seat if seat.startswith("cosign.") else seat.split(".", maxsplit=1)[0]
    found = act.reading.parties.get(party)
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
    """Close the tasks of a state that is left and open those of the one that is entered."""
    moved = any(not move.stays for move in act.decision.moves)
    answered = act.decision.moves[0].step.effects
    for task_id, seat, _ in act.reading.open_tasks:
        mine = seat == act.seat
        if moved or (mine and "answer_seat" in answered):
            writes.add(TASKS_CLOSED, _closed(act, task_id, done=mine))
    if moved and act.workflow.states[act.decision.state].end is None:
        for holder in holders(act.workflow, act.decision.state, act.reading.parties):
            task = {"case_id": act.case_id, "state": act.decision.state, "at": act.at, **holder}
            writes.add(TASKS_OPENED, task)


def _closed(act: Act, task_id: int, *, done: bool) -> dict[str, Any]:
    return {
        "case_id": act.case_id,
        "id": task_id,
        "status": "done" if done else "cancelled",
        "at": act.at,
        "closed_by": act.actor_id,
        "verdict": act.decision.moves[0].payload.get("verdict") if done else None,
    }


def _add_amounts(act: Act, writes: Writes) -> None:
    reason = act.decision.moves[0].payload.get("reason")
    for name in AMOUNT_FACTS:
        fen = act.decision.facts.get(name)
        if fen is not None and fen != act.reading.facts.get(name):
            row = {"case_id": act.case_id, "seq": act.reading.head_seq + 1, "fen": fen}
            writes.add(AMOUNTS, {**row, "kind": name.removesuffix("_fen"), "reason": reason})


def _duty(act: Act, duty: str) -> dict[str, Any]:
    return {"case_id": act.case_id, "person_id": act.actor_id, "duty": duty}


def _wake_parent(act: Act) -> Sequence[dict[str, Any]]:
    if act.reading.parent_id is None or act.workflow.states[act.decision.state].end is None:
        return ()
    reason = f"child:{act.case_id}"
    seq = act.reading.head_seq + 1
    row = wake_row(
        owner=act.case_id, case_id=act.reading.parent_id, reason=reason, seq=seq, at=act.at
    )
    return (row,)


# --- effects that write rows of their own


def _add_effects(act: Act, writes: Writes, seq: int, move: Move) -> None:
    for effect in move.step.effects:
        writer = _WRITERS.get(effect)
        if writer:
            writer(act, writes, seq, move)


def _record_objection(act: Act, writes: Writes, seq: int, move: Move) -> None:
    row = _objection(act, seq, status="open")
    writes.add(OBJECTIONS, {**row, "grounds": move.payload.get("grounds", "")})


def _settle_objection(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    ended = act.workflow.states[move.target].end == "rejected"
    row = _objection(act, act.reading.objection_seq, status="upheld" if ended else "dismissed")
    writes.add(OBJECTIONS, {**row, "grounds": ""})


def _objection(act: Act, seq: int, *, status: str) -> dict[str, Any]:
    return {
        "case_id": act.case_id,
        "seq": seq,
        "publicity_id": act.reading.publicity_id,
        "objector_id": act.actor_id,
        "at": act.at,
        "status": status,
    }


def _open_payment(act: Act, writes: Writes, _seq: int, _move: Move) -> None:
    payments = act.reading.payments or []
    row = {
        "case_id": act.case_id,
        "instalment": len(payments) + 1,
        "share": "city",
        "fen": act.decision.facts[OPEN_PAYMENT],
        "at": act.at,
    }
    writes.add(PAYMENTS, row)


def _confirm_payment(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    waiting = act.reading.payments_by_status
    instalment, share, _ = (waiting["ordered"] + waiting["returned"])[-1]
    row = _payment_moved(act, instalment, share, status="paid")
    writes.add(PAYMENTS_MOVED, {**row, "voucher_no": move.payload["voucher_no"]})


def _return_payment(act: Act, writes: Writes, _seq: int, _move: Move) -> None:
    found = act.reading.payments_by_status
    instalment, share, _ = (found["paid"] + found["ordered"])[-1]
    writes.add(PAYMENTS_MOVED, _payment_moved(act, instalment, share, status="returned"))


def _payment_moved(act: Act, instalment: int, share: str, *, status: str) -> dict[str, Any]:
    row = {"case_id": act.case_id, "instalment": instalment, "share": share}
    return {**row, "status": status, "at": act.at, "voucher_no": None}


def _place_hold(act: Act, writes: Writes, seq: int, move: Move) -> None:
    kind = _hold_kind(act, move)
    row = {"case_id": act.case_id, "seq": seq, "kind": kind, "by_id": act.actor_id, "at": act.at}
    writes.add(HOLDS, row)


def _lift_hold(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    kind = _hold_kind(act, move)
    if kind not in (act.reading.holds or []):
        raise InvalidInput(f"本办件没有 {kind} 可解除。", fields={"hold_kind": "未登记"})
    row = {"case_id": act.case_id, "kind": kind, "by_id": act.actor_id, "at": act.at}
    writes.add(HOLDS_LIFTED, row)


def _hold_kind(act: Act, move: Move) -> str:
    """Return the kind of hold; the audit office's is its own to place and lift (审计法 38)."""
    kind = str(move.payload["hold_kind"])
    if kind == AUDIT_HOLD and act.seat != "auditor":
        raise NotAllowed("审计暂停拨付只能由审计机关登记和解除。")
    return kind


_WRITERS: Final = {
    "record_objection": _record_objection,
    "settle_objection": _settle_objection,
    "open_payment": _open_payment,
    "confirm_payment": _confirm_payment,
    "return_payment": _return_payment,
    "place_hold": _place_hold,
    "lift_hold": _lift_hold,
}


# --- notices


def _add_notices(act: Act, writes: Writes, book: NoticeBook) -> None:
    """Tell the seats of each move; the new task is told of once, where the case comes to rest."""
    for seq, move in act.numbered():
        rests = move is act.decision.moves[-1] and not move.stays
        ended = act.workflow.states[move.target].end
        for rule in book.for_event(move.step.event, to_state=move.target, ended=ended):
            seats = rule.seats if rests else [seat for seat in rule.seats if seat != HOLDER]
            places = told(act.workflow, move.target, act.reading.parties, seats)
            facts = notice_facts(act, move)
            name = f"{rule.rule}#{seq}"
            add_notice(
                writes, rule, places, case_id=act.case_id, rule_name=name, facts=facts, at=act.at
            )


def add_notice(
    writes: Writes,
    rule: NoticeRule,
    places: Sequence[Mapping[str, Any]],
    *,
    case_id: int,
    rule_name: str,
    facts: Mapping[str, Any],
    at: datetime,
    due_on: date | None = None,
) -> None:
    """Put a notice for every person in `places` into the inbox and, if so ruled, the outbox.

    (case, `rule_name`, `due_on` or today, person) is told once.
    """
    row = {
        "case_id": case_id,
        "notice": rule.notice,
        "rule": rule_name,
        "due_on": (due_on or local_date(at)).isoformat(),
        "facts": facts,
        "at": at,
    }
    told_before = len(writes.rows[NOTICES.name])
    numbered = enumerate(places, start=told_before)
    writes.add(NOTICES, *({**row, **place, "place": number} for number, place in numbered))
    if "email" in rule.channels:
        writes.add(DELIVERIES, rule.notice)


def notice_facts(act: Act, move: Move) -> dict[str, Any]:
    """Return what a notice may say of the case and the move; facts, not sentences."""
    clock = act.timekeeper.running(move.target)
    facts = act.decision.facts
    return {
        "number": act.reading.number,
        "case": act.reading.public_id,
        "title": act.reading.title,
        "measure": act.measure.title,
        "measure_code": act.measure.code,
        "applicant": act.reading.applicant_title,
        "event": move.step.title,
        "state": act.workflow.states[move.target].title,
        "due_on": iso(clock.due_on) if clock else None,
        "provisional": bool(clock and clock.provisional),
        "bureau": act.measure.definition["bureaus"][0],
        "payload": dict(move.payload),
        "amounts": {name: facts[name] for name in AMOUNT_FACTS if facts.get(name) is not None},
        "cuts": cuts(facts),
        "amount_fen": facts.get("last_paid_fen")
        if "confirm_payment" in move.step.effects
        else None,
        "paid_fen": facts.get("paid_fen") or None,
        "publicity_ends_on": facts.get("publicity_ends_on"),
    }


def cuts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each step of the amount history that took something away, and how much."""
    known = [(fact.title, facts[name]) for name, fact in AMOUNT_FACTS.items() if facts.get(name)]
    return [
        {"words": title, "fen": before - fen}
        for (_, before), (title, fen) in pairwise(known)
        if fen < before
    ]


def told(
    workflow: Workflow, state: str, parties: Mapping[str, Any], seats: Sequence[str]
) -> list[dict[str, Any]]:
    """Return organisation and role of each seat; `holder` stands for those who hold `state`."""
    found = []
    for name in seats:
        if name == HOLDER:
            found += [
                {"organisation_id": holder["organisation_id"], "role": holder["role"]}
                for holder in holders(workflow, state, parties)
            ]
        elif parties.get(SEATS[name].party) is not None:
            seat = SEATS[name]
            found.append({"organisation_id": parties[seat.party], "role": seat.role})
    return found
