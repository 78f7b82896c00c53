"""The rows that effects write of their own: objections, payment orders, holds."""

from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.equity_effects import EQUITY_WRITERS
from caseflow.cases.experts.effects import EXPERT_WRITERS
from caseflow.cases.part import DISTRICT_PASSES, HOLDS, HOLDS_LIFTED
from caseflow.cases.recoveries.effects import RECOVERY_WRITERS
from caseflow.cases.statement import Writes
from caseflow.funds.part import ACCOUNTS_RENEWED, PAYMENTS, PAYMENTS_MOVED
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.ledger import PAID, Order
from caseflow.kernel.workflow.effects import ORDERED_BEFORE, ORDERS
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import DRAWS_ON_PARENT
from caseflow.reviews.part import OBJECTIONS

AUDIT_HOLD: Final = "audit_hold"
GROUNDS: Final = ("real_name", "contact", "grounds", "proof")
"""What an objection says, and nobody changes afterwards."""


def add_effects(act: Act, writes: Writes, seq: int, move: Move) -> None:
    """Put the rows that the effects of `move` write of their own, event number `seq`."""
    for effect in move.step.effects:
        writer = _WRITERS.get(effect)
        if writer:
            writer(act, writes, seq, move)


def _record_objection(act: Act, writes: Writes, seq: int, move: Move) -> None:
    row = _objection(act, seq, status="open")
    writes.add(OBJECTIONS, {**row, **{name: move.payload[name] for name in GROUNDS}})


def _settle_objection(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    ended = act.workflow.states[move.target].end == "rejected"
    row = _objection(act, act.reading.objection_seq, status="upheld" if ended else "dismissed")
    writes.add(OBJECTIONS, {**row, **dict.fromkeys(GROUNDS, "")})


def _objection(act: Act, seq: int, *, status: str) -> dict[str, Any]:
    return {
        "case_id": act.case_id,
        "seq": seq,
        "publicity_id": act.reading.publicity_id,
        "objector_id": act.actor_id,
        "at": act.at,
        "status": status,
    }


def add_orders(act: Act, writes: Writes) -> None:
    """Put the payment orders that the act makes and those that it moves, told by their states.

    An order of which nothing is left to pay after an offset is paid by the database itself.
    """
    known = {(order.instalment, order.share): order for order in act.reading.orders}
    for order in act.decision.facts[ORDERS]:
        before = known.get((order.instalment, order.share))
        if before is None:
            writes.add(PAYMENTS, _new_order(act, order))
        elif before.status != order.status and order.net_fen:
            writes.add(PAYMENTS_MOVED, _moved_order(act, order))


def _new_order(act: Act, order: Order) -> dict[str, Any]:
    """Return an order's row; a child says what it took its siblings to have been ordered."""
    draws = act.workflow.commits == DRAWS_ON_PARENT
    return {
        "case_id": act.case_id,
        "instalment": order.instalment,
        "share": order.share,
        "fen": order.fen,
        "at": act.at,
        "payee_id": act.reading.parties[act.workflow.payee],
        "document_no": _given(act, "document_no"),
        "siblings_fen": act.decision.facts.get(ORDERED_BEFORE) if draws else None,
    }


def _moved_order(act: Act, order: Order) -> dict[str, Any]:
    row = {"case_id": act.case_id, "instalment": order.instalment, "share": order.share}
    said = ("voucher_no", "paid_on") if order.status == PAID else ()
    return {**row, "status": order.status, "at": act.at, **{n: _given(act, n) for n in said}}


def _given(act: Act, name: str) -> Any:
    return next((m.payload[name] for m in act.decision.moves if name in m.payload), None)


def _pass_district(act: Act, writes: Writes, seq: int, _move: Move) -> None:
    """Where the measure hides a case from the city until then, the town or park has passed it."""
    if act.measure.definition.get("recommended_by"):
        writes.add(DISTRICT_PASSES, {"case_id": act.case_id, "seq": seq, "at": act.at})


def _renew_account(act: Act, writes: Writes, _seq: int, _move: Move) -> None:
    writes.add(ACCOUNTS_RENEWED, act.case_id)


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
    "pass_district": _pass_district,
    "renew_account": _renew_account,
    "place_hold": _place_hold,
    "lift_hold": _lift_hold,
    **EQUITY_WRITERS,
    **RECOVERY_WRITERS,
    **EXPERT_WRITERS,
}
