"""What the effects of 拨投股 do to the facts of a case, checked by `kernel.equity`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from caseflow.kernel.equity.acts import ACTS, POSITION, limited

if TYPE_CHECKING:
    from caseflow.kernel.workflow.machine import Move

Facts = dict[str, Any]


def _effect(name: str) -> Callable[[Facts, "Move"], None]:
    def effect(facts: Facts, move: "Move") -> None:
        effected = ACTS[name](facts, move.payload)
        if effected.movements:
            facts[POSITION] = effected.position.to_data()

    return effect


def _seal_terms(_facts: Facts, _move: "Move") -> None:
    """Sealing changes no fact; it makes the terms binding."""


def _limit_conversion(facts: Facts, move: "Move") -> None:
    facts.update(limited(move.payload))


EQUITY_EFFECTS: Final[dict[str, Callable[[Facts, "Move"], None]]] = {
    "fix_equity_terms": _effect("fix_equity_terms"),
    "seal_equity_terms": _seal_terms,
    "match_trigger": _effect("match_trigger"),
    "grant_from_pool": _effect("grant_from_pool"),
    "limit_conversion": _limit_conversion,
    "convert_equity": _effect("convert_equity"),
    "exit_equity": _effect("exit_equity"),
    "repay_pool": _effect("repay_pool"),
    "recover_pool": _effect("recover_pool"),
    "lose_equity": _effect("lose_equity"),
    "keep_grant": _effect("keep_grant"),
}
TRANSFER_EFFECTS: Final = {"return_to_trustee": _effect("return_to_trustee")}
"""What undoes a transfer; its words stand among those of money."""
