"""The rows that effects write of their own: objections, payment orders, holds."""

from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.part import HOLDS, HOLDS_LIFTED
from caseflow.cases.recoveries.effects import RECOVERY_WRITERS
from caseflow.cases.statement import Writes
from caseflow.funds.part import PAYMENTS, PAYMENTS_MOVED
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.workflow.effects import OPEN_PAYMENT
from caseflow.kernel.workflow.machine import Move
from caseflow.reviews.part import OBJECTIONS

AUDIT_HOLD: Final = "audit_hold"


def add_effects(act: Act, writes: Writes, seq: int, move: Move) -> None:
    """Put the rows that the effects of `move` write of their own, event number `seq`."""
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
    """退票 of the order that waits, else of the last one paid; one returned before stays so."""
    found = act.reading.payments_by_status
    waits = found["ordered"] + found["returned"]
    for instalment, share, _ in (found["ordered"] if waits else found["paid"])[-1:]:
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
    """Return the kind of hold; the audit office has its own, and only that one (审计法 38)."""
    kind = str(move.payload["hold_kind"])
    if (kind == AUDIT_HOLD) != (act.seat == "auditor"):
        raise NotAllowed("审计暂停拨付只能由审计机关登记和解除，其他暂停情形由财政部门登记和解除。")
    return kind


_WRITERS: Final = {
    "record_objection": _record_objection,
    "settle_objection": _settle_objection,
    "open_payment": _open_payment,
    "confirm_payment": _confirm_payment,
    "return_payment": _return_payment,
    "place_hold": _place_hold,
    "lift_hold": _lift_hold,
    **RECOVERY_WRITERS,
}
