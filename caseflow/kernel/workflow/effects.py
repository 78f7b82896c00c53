"""What effects do to the facts of a case: pure, so that automatic events see them at once.

The writes that go with an effect are made in `cases`, from the same names.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.workflow.vocabulary import PREVIOUS_STATE

if TYPE_CHECKING:
    from caseflow.kernel.workflow.machine import Move

Facts = dict[str, Any]
OPEN_PAYMENT: Final = "open_payment_fen"
"""The fen of the order that waits to be paid: a fact of the engine, not of definitions."""
OVERLAP_ALLOWED: Final = "overlap_allowed_fen"
"""The most that may be planned beside other awards for the matter, None where nothing bounds it."""


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
        "unpaid_fen": (approved or 0) - facts.get("paid_fen", 0),
    }


def _add(facts: Facts, name: str, count: int) -> None:
    facts[name] = facts.get(name, 0) + count


def _count_correction(facts: Facts, _move: "Move") -> None:
    _add(facts, "corrections_made", 1)


def _answer_seat(facts: Facts, move: "Move") -> None:
    _add(facts, "seats_waiting", -1)
    if move.payload.get("verdict") == "veto":
        _add(facts, "vetoes", 1)


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
    unpaid = facts["unpaid_fen"]
    fen = move.payload.get("instalment_fen", unpaid)
    if not 0 < fen <= unpaid:
        raise InvalidInput(
            f"本期应拨 {fen} 分，须大于零且不超过尚未拨付的 {unpaid} 分。",
            fields={"instalment_fen": f"大于 0，至多 {unpaid}"},
        )
    facts[OPEN_PAYMENT] = fen
    _add(facts, "payments_open", 1)


def _confirm_payment(facts: Facts, _move: "Move") -> None:
    fen = facts[OPEN_PAYMENT]
    facts["last_paid_fen"] = fen
    _add(facts, "payments_open", -1)
    _add(facts, "payments_paid", 1)
    _add(facts, "paid_fen", fen)
    _add(facts, "unpaid_fen", -fen)


def _return_payment(facts: Facts, _move: "Move") -> None:
    """退票: an order that waits only waits again; one that was paid is open and unpaid again."""
    if facts.get("payments_open", 0) == 0 and facts.get("payments_paid", 0) > 0:
        fen = facts["last_paid_fen"]
        facts[OPEN_PAYMENT] = fen
        _add(facts, "payments_open", 1)
        _add(facts, "payments_paid", -1)
        _add(facts, "paid_fen", -fen)
        _add(facts, "unpaid_fen", fen)


def _place_hold(facts: Facts, _move: "Move") -> None:
    _add(facts, "holds", 1)


def _lift_hold(facts: Facts, _move: "Move") -> None:
    _add(facts, "holds", -1)


def _remember_state(facts: Facts, move: "Move") -> None:
    facts[PREVIOUS_STATE] = move.source


def _only_written(_facts: Facts, _move: "Move") -> None:
    """Some effects change no fact: what they do is written, and read again by the next act."""


_EFFECTS: Final[dict[str, Callable[[Facts, "Move"], None]]] = {
    "count_correction": _count_correction,
    "answer_seat": _answer_seat,
    "record_objection": _record_objection,
    "settle_objection": _settle_objection,
    "list_publicity": _list_publicity,
    "open_payment": _open_payment,
    "confirm_payment": _confirm_payment,
    "return_payment": _return_payment,
    "place_hold": _place_hold,
    "lift_hold": _lift_hold,
    "remember_state": _remember_state,
    "escalate": _only_written,
    "name_matters": _only_written,
    "drop_matters": _only_written,
    "check_overlap": _only_written,
    "decide_overlap": _only_written,
    "choose_award": _only_written,
}
