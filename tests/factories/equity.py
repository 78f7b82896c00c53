"""An agreement, a round and its cap table, with figures that can be checked by hand.

100,000,000 元 before the money over 9,000,000 shares: 10000/9 fen a share, at 10 % off 1000 fen.
The round's 25,000,000 元 bought 2,250,000 shares, so that there are 11,250,000 after it, and a
tenth of all is reached with 1,250,000 new ones.
"""

from datetime import date
from typing import Any

from caseflow.kernel.equity.conversion import Holder, Limit, Round
from caseflow.kernel.equity.terms import Terms, Trigger

PRICE = 1000
TENTH = 1_250_000
TOTAL = 11_250_000


def terms(**changes: Any) -> Terms:
    """An agreement: 10 % off the pre-money price, at most 10 %, 3.45 % within five years."""
    agreed: dict[str, Any] = {
        "triggers": (
            Trigger("financing", threshold_fen=2_500_000_000),
            Trigger("listing"),
            Trigger("fixed_date", on=date(2029, 12, 31)),
        ),
        "valuation": "pre_money",
        "discount_percent": 10,
        "cap_percent": 10,
        "may_be_largest": False,
        "rate_basis_points": 345,
        "buyback_years": 5,
        "interest_from": "transfer",
    }
    return Terms(**{**agreed, **changes})


def funding_round(**changes: Any) -> Round:
    """The round of the module's words."""
    entered: dict[str, Any] = {
        "title": "A轮",
        "on": date(2027, 6, 30),
        "pre_money_fen": 10_000_000_000,
        "raised_fen": 2_500_000_000,
        "shares_before": 9_000_000,
        "shares_issued": 2_250_000,
        "holders": (Holder("创始人", 9_000_000), Holder("甲基金", 2_250_000)),
    }
    return Round(**{**entered, **changes})


def limit(cap_percent: int = 10, *, may_be_largest: bool = False) -> Limit:
    """What was agreed, or something else."""
    return Limit(cap_percent, may_be_largest, "三方协议")


def entered_terms(**changes: Any) -> dict[str, Any]:
    """The facts that the agreement's act enters for `terms`."""
    facts: dict[str, Any] = {
        "conversion_triggers": "市场化融资、上市或固定日期",
        "financing_trigger_fen": 2_500_000_000,
        "revenue_trigger_fen": 0,
        "listing_trigger": True,
        "merger_trigger": False,
        "conversion_on": "2029-12-31",
        "price_rule": "投前估值九折",
        "valuation_basis": "pre_money",
        "discount_percent": 10,
        "agreed_share_cap": 10,
        "may_be_largest": False,
        "buyback_rate_bp": 345,
        "buyback_years": 5,
        "interest_from": "transfer",
        "buyback_terms": "五年内本金加利息回购",
        "exemption_terms": "勤勉尽责的免责",
        "information_duties": "半年报告",
    }
    return {**facts, **changes}


def entered_round(**changes: Any) -> dict[str, Any]:
    """The round of `funding_round` as an act enters it, converting 500,000 shares and 55 fen."""
    entered: dict[str, Any] = {
        "converted_fen": 500_000_055,
        "round_title": "A轮",
        "round_on": "2027-06-30",
        "pre_money_fen": 10_000_000_000,
        "raised_fen": 2_500_000_000,
        "shares_before": 9_000_000,
        "shares_issued": 2_250_000,
        "holders": ["创始人：9000000", "甲基金：2250000"],
    }
    return {**entered, **changes}


def computed(**changes: Any) -> dict[str, Any]:
    """What follows from `entered_round`, as the act must enter it."""
    figures: dict[str, Any] = {
        "share_price_fen": 1000,
        "shares_held": 500_000,
        "shares_total": 11_750_000,
        "share_percent": 5,
        "largest_shareholder": False,
    }
    return {**figures, **changes}
