"""Figures of 拨投股 that agree with the arithmetic, for whoever plays a case."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from caseflow.kernel.equity.acts import TODAY, conversion_of, position_in
from caseflow.kernel.equity.exits import BUYBACK, interest
from caseflow.kernel.equity.terms import terms_of
from caseflow.kernel.workflow.model import Step

TIMES_WORTH: Final = 20
"""A sample company is worth so many times what is converted: the share stays small."""
FOUNDER, INVESTOR = 10_000_000, 2_500_000


def equity_figures(
    step: Step, facts: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the figures of an equity act, empty for any other; `given` is already decided."""
    for effect in step.effects:
        if effect in _FIGURES:
            return _FIGURES[effect](facts, given)
    return {}


def _round(facts: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    fen = position_in(facts).granted_fen
    entered = {
        "converted_fen": fen,
        "round_title": "A轮",
        "round_on": facts[TODAY],
        "pre_money_fen": max(fen * TIMES_WORTH, FOUNDER),
        "raised_fen": max(fen * TIMES_WORTH // 4, INVESTOR),
        "shares_before": FOUNDER,
        "shares_issued": INVESTOR,
        "holders": [f"创始人：{FOUNDER}", f"领投方：{INVESTOR}"],
        **given,
    }
    made = conversion_of(facts, entered)
    return {
        **entered,
        "share_price_fen": int(made.price),
        "shares_held": made.wanted.held,
        "shares_total": made.wanted.total,
        "share_percent": made.wanted.percent,
        "largest_shareholder": made.wanted.is_largest,
    }


def _exit(facts: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    position = position_in(facts)
    until = date.fromisoformat(given.get("exit_on", facts[TODAY]))
    is_buyback = facts["exit_route"] == BUYBACK
    return {
        "exit_principal_fen": position.equity_fen,
        "exit_gain_fen": interest(position, terms_of(facts), until)[0] if is_buyback else 0,
        "rest_returned_fen": position.granted_fen,
    }


def _came_back(road: str, complete: str) -> Callable[[Any, Any], dict[str, Any]]:
    def figures(facts: Mapping[str, Any], _given: Mapping[str, Any]) -> dict[str, Any]:
        position = position_in(facts)
        return {road: getattr(position, road) + position.outstanding_fen, complete: True}

    return figures


def _loss(facts: Mapping[str, Any], _given: Mapping[str, Any]) -> dict[str, Any]:
    return {"loss_fen": position_in(facts).outstanding_fen}


def _bounced(facts: Mapping[str, Any], _given: Mapping[str, Any]) -> dict[str, Any]:
    tranches = position_in(facts).tranches
    return {"bounced_fen": tranches[-1][1]} if tranches else {}


_FIGURES: Final[dict[str, Callable[[Any, Any], dict[str, Any]]]] = {
    "return_to_trustee": _bounced,
    "convert_equity": _round,
    "exit_equity": _exit,
    "repay_pool": _came_back("repaid_fen", "repayment_complete"),
    "recover_pool": _came_back("recovered_fen", "recovery_complete"),
    "lose_equity": _loss,
}
