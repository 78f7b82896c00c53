"""What effects do to the facts of a case: pure, so that automatic events see them at once.

The writes that go with an effect are made in `cases`, from the same names.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from caseflow.kernel.cuts import ROUNDING
from caseflow.kernel.equity.acts import is_within_cap
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.ledger import ORDERED, PAID, RETURNED, Order
from caseflow.kernel.offsets import set_off
from caseflow.kernel.recovery import refuse_undecidable, take_receipt
from caseflow.kernel.scoring import Panel
from caseflow.kernel.shares import CITY, DISTRICT, WHOLE, Share, split_of
from caseflow.kernel.workflow.equity_effects import EQUITY_EFFECTS, TRANSFER_EFFECTS
from caseflow.kernel.workflow.vocabulary import PREVIOUS_STATE, SILENCE
from caseflow.kernel.workflow.voting import DECIDING, VETO, vote

if TYPE_CHECKING:
    from caseflow.kernel.workflow.machine import Move

Facts = dict[str, Any]
ORDERS: Final = "orders"
"""The payment orders of a case so far, a tuple of `Order`: a fact of the engine only."""
CITY_PERCENT: Final = "city_percent"
"""What the city bears in percent, None while that is not settled: a fact of the engine only."""
ORDERED_BEFORE: Final = "ordered_before_fen"
"""What others have been ordered of the same commitment (redemptions of one voucher), in fen."""
LAST_PAID: Final = "last_paid_fen"
"""The fen of the order that the act has just confirmed, for who is told of it."""
OVERLAP_ALLOWED: Final = "overlap_allowed_fen"
"""The most that may be planned beside other awards for the matter, None where nothing bounds it."""
PANEL: Final = "panel"
"""The panel that judges the case, a `Panel`, None where none was drawn."""
CALL_QUOTA: Final = "call_quota"
"""The last rank that the call lets in, None where it says none."""
PLACE_FREE: Final = "place_free"
"""Whether every quota that binds the case has a place left."""
CLAUSE_CEILING: Final = "clause_ceiling_fen"
"""The highest figure of the clause that one case may reach, whatever others have taken."""
ENGINE_FACTS: Final = frozenset(
    {
        ORDERS,
        CITY_PERCENT,
        ORDERED_BEFORE,
        LAST_PAID,
        OVERLAP_ALLOWED,
        DECIDING,
        "votes_for",
        PANEL,
        CALL_QUOTA,
        CLAUSE_CEILING,
        ROUNDING,
    }
)


UNORDERED: Final = MappingProxyType(
    {
        "payments_open": 0,
        "payments_paid": 0,
        "city_payments_open": 0,
        "district_payments_open": 0,
        "paid_fen": 0,
    }
)
"""What the payment orders come to before the first of them."""


def apply(move: "Move", facts: Mapping[str, Any]) -> Facts:
    """Return the facts after the step's effects."""
    after = dict(facts)
    for effect in move.step.effects:
        if effect.startswith("open_child:"):
            _add(after, "children_open", 1)
            _add(after, "children_total", 1)
        else:
            _EFFECTS[effect](after, move)
    return after


def derive(facts: Mapping[str, Any]) -> Facts:
    """Return the facts that are computed from others: the order among the amounts.

    Where nothing is publicised (a period of an allowance), the plan binds the approval.
    """
    planned, approved = facts.get("planned_fen"), facts.get("approved_fen")
    publicised, ceiling = facts.get("publicised_fen"), facts.get("ceiling_fen")
    bound = planned if publicised is None else publicised
    allowed = facts.get(OVERLAP_ALLOWED)
    return {
        "plan_within_ceiling": planned is None or ceiling is None or planned <= ceiling,
        "plan_within_overlap": planned is None or allowed is None or planned <= allowed,
        "approval_within_publicity": approved is None or bound is None or approved <= bound,
        "conversion_within_cap": is_within_cap(facts),
        "within_quota": _within_quota(facts),
        **money(facts),
    }


def _within_quota(facts: Mapping[str, Any]) -> bool:
    """Whether a place is free, and the rank within what the call lets in."""
    rank, quota = facts.get("rank"), facts.get(CALL_QUOTA)
    return bool(facts.get(PLACE_FREE)) and (rank is None or quota is None or rank <= quota)


def money(facts: Mapping[str, Any]) -> Facts:
    """Return the facts that the payment orders and the approval settle between them."""
    orders: tuple[Order, ...] = facts.get(ORDERS, ())
    if not orders:
        return {**UNORDERED, "unpaid_fen": facts.get("approved_fen") or 0}
    paid = [order for order in orders if order.status == PAID]
    waiting = [order for order in orders if order.status != PAID]
    paid_fen = sum(order.settled_fen for order in orders)
    return {
        "payments_open": len(waiting),
        "payments_paid": len(paid),
        "city_payments_open": sum(order.share == CITY for order in waiting),
        "district_payments_open": sum(order.share == DISTRICT for order in waiting),
        "paid_fen": paid_fen,
        "unpaid_fen": (facts.get("approved_fen") or 0) - paid_fen,
    }


def _add(facts: Facts, name: str, count: int) -> None:
    facts[name] = facts.get(name, 0) + count


def _count_correction(facts: Facts, _move: "Move") -> None:
    _add(facts, "corrections_made", 1)


def _answer_seat(facts: Facts, move: "Move") -> None:
    _add(facts, "seats_waiting", -1)
    _add(facts, "vetoes" if move.payload.get("verdict") == VETO else "votes_for", 1)
    facts["vote"] = vote(facts)


def _wait_for(seats: int) -> Callable[[Facts, "Move"], None]:
    def wait(facts: Facts, _move: "Move") -> None:
        _add(facts, "seats_waiting", seats)
        facts["vote"] = vote(facts)

    return wait


def _record_objection(facts: Facts, _move: "Move") -> None:
    _add(facts, "open_objections", 1)


def _settle_objection(facts: Facts, _move: "Move") -> None:
    _add(facts, "open_objections", -1)


def _list_publicity(facts: Facts, move: "Move") -> None:
    facts["publicised_fen"] = facts.get("planned_fen")
    facts["publicity_listed"] = True
    facts["publicity_over"] = False
    facts["publicity_ends_on"] = move.payload["publicity_ends_on"]


def _open_payment(facts: Facts, move: "Move") -> None:
    """下达: an order for every share of the instalment, of all that is not yet ordered if not told.

    Raises:
        InvalidInput: more than is left, nothing, or nobody has said yet who bears what.
    """
    orders: tuple[Order, ...] = facts.get(ORDERS, ())
    ordered = sum(order.fen for order in orders)
    left = (facts.get("approved_fen") or 0) - ordered
    fen = move.payload.get("instalment_fen", left)
    if not 0 < fen <= left:
        raise InvalidInput(
            f"本期应拨 {fen} 分，须大于零且不超过尚未拨付的 {left} 分。",
            fields={"instalment_fen": f"大于 0，至多 {left}"},
        )
    number = max((order.instalment for order in orders), default=0) + 1
    before = facts.get(ORDERED_BEFORE, 0) + ordered
    parts = split_of(fen, _percent(facts), before=before)
    opened = (Order(number, share, part, ORDERED) for share, part in parts.items() if part)
    _keep(facts, (*orders, *opened))


def _keep(facts: Facts, orders: tuple[Order, ...]) -> None:
    """Keep the orders as they are now, and what follows from them."""
    facts[ORDERS] = orders
    facts.update(money(facts))


def _percent(facts: Facts) -> Fraction:
    percent: Fraction | None = facts.get(CITY_PERCENT, WHOLE)
    if percent is None:
        raise InvalidInput(
            "市区两级按现行财政体制分担，本属地的分担比例尚未录入，请财政部门先行录入。",
            fields={"split": "未录入"},
        )
    return percent


def _confirm(share: Share) -> Callable[[Facts, "Move"], None]:
    def confirm(facts: Facts, _move: "Move") -> None:
        orders: tuple[Order, ...] = facts[ORDERS]
        order = [each for each in orders if each.share == share and each.status != PAID][-1]
        facts[LAST_PAID] = order.net_fen
        _keep(facts, _moved(orders, order, PAID))

    return confirm


def _return(share: Share) -> Callable[[Facts, "Move"], None]:
    def give_back(facts: Facts, _move: "Move") -> None:
        """退票: an order that waits waits again; where none does, the last one paid does.

        Only the last instalment comes back: what went before has gone on (拨投股: from the trustee
        to the company). An order that was wholly set off (抵扣) was never with a bank.
        """
        orders: tuple[Order, ...] = facts.get(ORDERS, ())
        last = max((order.instalment for order in orders), default=0)
        own = [each for each in orders if each.share == share and each.instalment == last]
        mine = [order for order in own if order.net_fen]
        if own and not mine:
            raise InvalidInput("本级的拨付单已全部抵扣，不经银行支付，没有可以退票的资金。")
        waiting = [order for order in mine if order.status != PAID]
        found = [order for order in waiting if order.status == ORDERED] if waiting else mine
        for order in found[-1:]:
            _keep(facts, _moved(orders, order, RETURNED))

    return give_back


def _moved(orders: tuple[Order, ...], moved: Order, status: str) -> tuple[Order, ...]:
    return tuple(replace(each, status=status) if each == moved else each for each in orders)


def _offset_payment(facts: Facts, move: "Move") -> None:
    _keep(facts, set_off(facts.get(ORDERS, ()), move.payload["offset_fen"]))


def _renew_account(_facts: Facts, _move: "Move") -> None:
    """The orders that came back take the account now registered; no fact changes."""


def _place_hold(facts: Facts, _move: "Move") -> None:
    _add(facts, "holds", 1)


def _lift_hold(facts: Facts, _move: "Move") -> None:
    _add(facts, "holds", -1)


def _remember_state(facts: Facts, move: "Move") -> None:
    facts[PREVIOUS_STATE] = move.source


def _only_written(_facts: Facts, _move: "Move") -> None:
    """Some effects change no fact: what they do is written, and read again by the next act."""


def _order_recovery(facts: Facts, move: "Move") -> None:
    refuse_undecidable(move.payload, facts["recoverable_fen"])
    facts["recovery_left_fen"] = move.payload["recovery_fen"]


def _receive(name: str) -> Callable[[Facts, "Move"], None]:
    def receive(facts: Facts, move: "Move") -> None:
        fen = move.payload[name]
        facts["recovery_left_fen"] = take_receipt(fen, facts["recovery_left_fen"], name=name)
        _add(facts, "recovery_received_fen", fen)

    return receive


def _withdraw_recovery(facts: Facts, _move: "Move") -> None:
    """A decision withdrawn claims nothing any more."""
    facts["recovery_left_fen"] = 0


def _score_case(facts: Facts, move: "Move") -> None:
    _judge(facts, _panel(facts).scored(move.payload["scores"], move.payload["note"]))


def _decline_review(facts: Facts, _move: "Move") -> None:
    _judge(facts, _panel(facts).left())


def _panel(facts: Facts) -> Panel:
    panel: Panel | None = facts.get(PANEL)
    if panel is None:
        raise NotAllowed("本办件没有抽取专家组，不能评分。")
    return panel


def _judge(facts: Facts, panel: Panel) -> None:
    facts.update({PANEL: panel, **panel_facts(panel)})


def panel_facts(panel: Panel) -> Facts:
    """Return what guards know of a panel; the score is cut to whole points (向下取整)."""
    return {"sheets_waiting": panel.waiting, "panel_score": int(panel.mean)}


_EFFECTS: Final[dict[str, Callable[[Facts, "Move"], None]]] = {
    "count_correction": _count_correction,
    "answer_seat": _answer_seat,
    "record_objection": _record_objection,
    "settle_objection": _settle_objection,
    "list_publicity": _list_publicity,
    "pass_district": _only_written,
    "open_payment": _open_payment,
    "confirm_payment": _confirm(CITY),
    "confirm_district_payment": _confirm(DISTRICT),
    "return_payment": _return(CITY),
    "return_district_payment": _return(DISTRICT),
    "renew_account": _renew_account,
    "place_hold": _place_hold,
    "lift_hold": _lift_hold,
    "remember_state": _remember_state,
    "escalate": _only_written,
    **EQUITY_EFFECTS,
    "order_recovery": _order_recovery,
    "record_receipt": _receive("receipt_fen"),
    "withdraw_recovery": _withdraw_recovery,
    "name_matters": _only_written,
    "drop_matters": _only_written,
    "check_overlap": _only_written,
    "decide_overlap": _only_written,
    "choose_award": _only_written,
    SILENCE: _answer_seat,
    "claim_task": _only_written,
    "release_task": _only_written,
    "hand_over": _only_written,
    "entrust": _only_written,
    "report_back": _only_written,
    "add_seat": _wait_for(+1),
    "remove_seat": _wait_for(-1),
    "urge": _only_written,
    "copy_to": _only_written,
    "revoke_copy": _only_written,
    "recuse": _only_written,
    "send_back": _only_written,
    "take_back": _only_written,
    "seat_panel": _only_written,
    "score_case": _score_case,
    "decline_review": _decline_review,
    "replace_expert": _only_written,
    "take_place": _only_written,
    "issue_title": _only_written,
    "offset_payment": _offset_payment,
    "record_offset": _receive("offset_fen"),
    **TRANSFER_EFFECTS,
    "note_veto": _only_written,
}
