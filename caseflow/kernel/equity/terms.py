"""The terms of a 三方协议 as values, and the triggers that they agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from caseflow.kernel.errors import InvalidInput

WHOLE: Final = 100
MOST_BASIS_POINTS: Final = 10_000
VALUATIONS: Final = ("pre_money", "post_money")
"""Which valuation of the round the price follows: before its money (投前) or after it (投后)."""
INTEREST_BEGINS: Final = ("transfer", "conversion")
"""Interest of a buy-back runs from the money's arrival at the company or from the conversion."""
TRIGGERS: Final = ("financing", "revenue", "listing", "merger", "fixed_date")
WITH_THRESHOLD: Final = {
    "financing": "financing_trigger_fen",
    "revenue": "revenue_trigger_fen",
}
"""Triggers that a figure sets off, with the fact that says which; 0 is not agreed."""
ON_WORD: Final = {"listing": "listing_trigger", "merger": "merger_trigger"}


@dataclass(frozen=True)
class Trigger:
    """One agreed trigger: a threshold in fen, or a date, or only its kind."""

    kind: str
    threshold_fen: int | None = None
    on: date | None = None


@dataclass(frozen=True)
class Terms:
    """What was agreed: percents are whole, the rate is in basis points (1/100 of a percent)."""

    triggers: tuple[Trigger, ...]
    valuation: str
    discount_percent: int
    cap_percent: int
    may_be_largest: bool
    rate_basis_points: int
    buyback_years: int
    interest_from: str


def terms_of(facts: Mapping[str, Any]) -> Terms:
    """Return the terms that an agreement's act entered.

    Raises:
        InvalidInput: a discount of everything, a cap outside 1 to 99, no year to buy back in.
    """
    terms = Terms(
        triggers=tuple(_triggers(facts)),
        valuation=facts["valuation_basis"],
        discount_percent=facts["discount_percent"],
        cap_percent=facts["agreed_share_cap"],
        may_be_largest=facts["may_be_largest"],
        rate_basis_points=facts["buyback_rate_bp"],
        buyback_years=facts["buyback_years"],
        interest_from=facts["interest_from"],
    )
    wrong = {
        "discount_percent": terms.discount_percent < WHOLE or "转股折扣须小于 100%",
        "agreed_share_cap": 0 < terms.cap_percent < WHOLE or "持股上限须在 1% 与 99% 之间",
        "buyback_rate_bp": terms.rate_basis_points <= MOST_BASIS_POINTS or "年利率不得超过 100%",
        "buyback_years": 0 < terms.buyback_years < WHOLE or "回购期须为 1 至 99 年",
    }
    fields = {name: why for name, why in wrong.items() if why is not True}
    if fields:
        raise InvalidInput(f"协议条款有误：{'；'.join(map(str, fields.values()))}。", fields=fields)
    return terms


def _triggers(facts: Mapping[str, Any]) -> list[Trigger]:
    figures = [
        Trigger(kind, threshold_fen=facts[name])
        for kind, name in WITH_THRESHOLD.items()
        if facts[name]
    ]
    words = [Trigger(kind) for kind, name in ON_WORD.items() if facts[name]]
    return [*figures, *words, Trigger("fixed_date", on=date.fromisoformat(facts["conversion_on"]))]


def match_trigger(terms: Terms, kind: str, *, fen: int, on: date) -> Trigger:
    """Return the agreed trigger that came true; 以上 includes the figure and the day itself.

    Raises:
        InvalidInput: it is not agreed, or the figure or the day is not reached; says by what.
    """
    agreed = next((each for each in terms.triggers if each.kind == kind), None)
    if agreed is None:
        known = "、".join(each.kind for each in terms.triggers)
        raise InvalidInput(
            f"协议没有约定触发条件 {kind}；约定的是：{known}。",
            fields={"trigger_kind": f"须为 {known} 之一"},
        )
    if agreed.threshold_fen is not None and fen < agreed.threshold_fen:
        raise InvalidInput(
            f"触发条件为 {agreed.threshold_fen} 分，所报 {fen} 分未达到，"
            f"差 {agreed.threshold_fen - fen} 分。",
            fields={"trigger_fen": f"至少 {agreed.threshold_fen}"},
        )
    if agreed.on is not None and on < agreed.on:
        raise InvalidInput(
            f"固定转股日为 {agreed.on}，所报成就日 {on} 尚早。",
            fields={"trigger_on": f"不早于 {agreed.on}"},
        )
    return agreed
