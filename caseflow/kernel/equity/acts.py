"""What each act on an equity case makes of what was entered: figures are checked, never taken.

An act reads the case's facts (the agreement's terms, its position, `today`, `paid_fen`) and the
payload. A figure that does not agree with the arithmetic is refused with the one that does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from caseflow.kernel.equity.conversion import Conversion, Limit, Round, convert, holders_of
from caseflow.kernel.equity.exits import Came, settle
from caseflow.kernel.equity.position import (
    Movement,
    Position,
    granted,
    moved,
    pooled,
    position_of,
    taken_back,
    undone,
)
from caseflow.kernel.equity.terms import match_trigger, terms_of
from caseflow.kernel.errors import InvalidInput

POSITION: Final = "equity_position"
"""The case's fact that holds its position; kept by the acts below, entered by nobody."""
TODAY: Final = "today"
MEETING_CAP: Final = "meeting_share_cap"
MEETING_LARGEST: Final = "meeting_may_be_largest"
MEETING_MINUTES: Final = "meeting_minutes_no"
MOST_PERCENT: Final = 99
"""The trustee never takes a whole company."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Effected:
    """What an act comes to: the position after it, the movements, and what was computed."""

    position: Position
    movements: tuple[Movement, ...] = ()
    made: Any = None


def position_in(facts: Facts) -> Position:
    """Return the position among a case's facts."""
    return position_of(facts.get(POSITION))


def at_trustee(facts: Facts) -> int:
    """Return what finance paid to the trustee and was passed on neither to company nor to pool.

    None of it for cases without an agreement, or with one from before there was a pool.
    """
    if "valuation_basis" not in facts:
        return 0
    return max(0, int(facts.get("paid_fen", 0)) - position_in(facts).pooled_fen)


def outstanding_in(facts: Facts) -> int:
    """Return the fen of a case that nobody has accounted for: with it, the case does not end."""
    return position_in(facts).outstanding_fen + at_trustee(facts)


def limit_of(facts: Facts) -> Limit:
    """Return how much the trustee may hold: as agreed, or as the meeting decided."""
    cap, largest = facts.get(MEETING_CAP), facts.get(MEETING_LARGEST)
    agreed_largest = facts.get("may_be_largest", False)
    if cap is None and largest is None:
        return Limit(facts["agreed_share_cap"], agreed_largest, "三方协议")
    return Limit(
        facts["agreed_share_cap"] if cap is None else cap,
        agreed_largest if largest is None else largest,
        f"联席会纪要{facts.get(MEETING_MINUTES) or ''}",
    )


def is_within_cap(facts: Facts) -> bool:
    """Return whether the entered holding keeps the cap; true where none was entered yet."""
    if facts.get("share_percent") is None or facts.get("agreed_share_cap") is None:
        return True
    limit = limit_of(facts)
    is_largest = facts["largest_shareholder"] and not limit.may_be_largest
    return bool(facts["share_percent"] <= limit.cap_percent and not is_largest)


def _day(facts: Facts, payload: Facts, name: str, *, not_before: date | None = None) -> date:
    """Return the day entered, today where none was; never a day to come."""
    today = date.fromisoformat(facts[TODAY])
    day = date.fromisoformat(payload.get(name, facts[TODAY]))
    if day > today or (not_before is not None and day < not_before):
        since = f"{not_before} 至 " if not_before else "不晚于 "
        raise InvalidInput(f"日期 {day} 须为 {since}{today}。", fields={name: f"{since}{today}"})
    return day


def _fix_terms(facts: Facts, _payload: Facts) -> Effected:
    terms = terms_of(facts)
    fixed_on = terms.triggers[-1].on
    if fixed_on is not None and fixed_on <= date.fromisoformat(facts[TODAY]):
        raise InvalidInput(
            f"固定转股日 {fixed_on} 须晚于今日 {facts[TODAY]}。", fields={"conversion_on": "已过"}
        )
    return Effected(position_in(facts), made=terms)


def _match_trigger(facts: Facts, payload: Facts) -> Effected:
    on = date.fromisoformat(payload["trigger_on"])
    agreed = match_trigger(
        terms_of(facts), payload["trigger_kind"], fen=payload["trigger_fen"], on=on
    )
    return Effected(position_in(facts), made=agreed)


def _grant(facts: Facts, payload: Facts) -> Effected:
    position = position_in(facts)
    fen = facts["paid_fen"] - position.transferred_fen
    if fen <= 0:
        raise InvalidInput(
            f"已拨付 {facts['paid_fen']} 分均已转入企业，没有待转资金。",
            fields={"paid_fen": "无待转资金"},
        )
    arrived = (_day(facts, payload, "arrived_on"), fen)
    movements = granted(fen)
    after = replace(position, tranches=(*position.tranches, arrived)).after(movements)
    return Effected(after, movements)


def _return(facts: Facts, payload: Facts) -> Effected:
    """Undo the last transfer: the bank returned it, so the money is at the trustee again."""
    position = position_in(facts)
    if not position.tranches:
        raise InvalidInput("没有转入企业的资金可以退汇。", fields={"bounced_fen": "无已转资金"})
    arrived_on, fen = position.tranches[-1]
    _refuse_other(payload, {"bounced_fen": fen})
    if fen > position.granted_fen:
        raise InvalidInput(
            f"最近一笔转拨 {fen} 分，企业账上只余 {position.granted_fen} 分，不能按退汇冲回。",
            fields={"bounced_fen": f"至多 {position.granted_fen}"},
        )
    _day(facts, payload, "bounced_on", not_before=arrived_on)
    movements = undone(granted(fen))
    after = replace(position, tranches=position.tranches[:-1]).after(movements)
    return Effected(after, movements)


def round_of(payload: Facts) -> Round:
    """Return the round that an act entered."""
    return Round(
        title=payload["round_title"],
        on=date.fromisoformat(payload["round_on"]),
        pre_money_fen=payload["pre_money_fen"],
        raised_fen=payload["raised_fen"],
        shares_before=payload["shares_before"],
        shares_issued=payload["shares_issued"],
        holders=holders_of(payload["holders"]),
    )


def conversion_of(facts: Facts, payload: Facts) -> Conversion:
    """Return what the entered amount converts into, as agreed and within the limits of `facts`.

    Raises:
        InvalidInput: more than is at the company, or what `convert` refuses.
    """
    position, fen = position_in(facts), payload["converted_fen"]
    if fen > position.granted_fen:
        raise InvalidInput(
            f"转股金额 {fen} 分超过拨在企业的 {position.granted_fen} 分。",
            fields={"converted_fen": f"至多 {position.granted_fen}"},
        )
    return convert(fen, round_of(payload), terms_of(facts), limit_of(facts))


def _convert(facts: Facts, payload: Facts) -> Effected:
    position, made = position_in(facts), conversion_of(facts, payload)
    wanted = made.wanted
    _refuse_other(
        payload,
        {
            "share_price_fen": int(made.price),
            "shares_held": wanted.held,
            "shares_total": wanted.total,
            "share_percent": wanted.percent,
            "largest_shareholder": wanted.is_largest,
        },
    )
    round_on = date.fromisoformat(payload["round_on"])
    on = _day(facts, payload, "registered_on", not_before=round_on)
    if not made.is_within:
        return Effected(position, made=made)
    movements = moved(("granted", "equity", wanted.cost_fen))
    return Effected(replace(position.after(movements), converted_on=on), movements, made)


def _refuse_other(payload: Facts, expected: Facts) -> None:
    """Refuse entered figures that are not the computed ones, naming these."""
    fields = {name: f"应为 {value}" for name, value in expected.items() if payload[name] != value}
    if fields:
        listed = "；".join(f"{name} 填 {payload[name]}，{why}" for name, why in fields.items())
        raise InvalidInput(f"所填与按协议计算的结果不符：{listed}。", fields=fields)


def _exit(facts: Facts, payload: Facts) -> Effected:
    position = position_in(facts)
    made = settle(
        position,
        terms_of(facts),
        facts["exit_route"],
        on=_day(facts, payload, "exit_on", not_before=position.converted_on),
        came=Came(
            principal_fen=payload["exit_principal_fen"],
            gain_fen=payload["exit_gain_fen"],
            rest_fen=payload["rest_returned_fen"],
        ),
        minutes_no=payload.get("minutes_no"),
    )
    return Effected(position.after(made.movements), made.movements, made)


def _come_back(road: str, complete: str) -> Callable[[Facts, Facts], Effected]:
    """Return the act of principal that comes back by a road whose sum so far is entered."""

    def act(facts: Facts, payload: Facts) -> Effected:
        position, total = position_in(facts), payload[road]
        fen, most = total - getattr(position, road), position.outstanding_fen
        if not 0 <= fen <= most:
            low = getattr(position, road)
            raise InvalidInput(
                f"累计金额 {total} 分须在已登记的 {low} 分与 {low + most} 分之间。",
                fields={road: f"{low} 至 {low + most}"},
            )
        movements = pooled(at_trustee(facts)) + taken_back(position, fen)
        after = replace(position.after(movements), **{road: total})
        _refuse_other(payload, {complete: after.outstanding_fen == 0})
        return Effected(after, movements)

    return act


def _lose(facts: Facts, payload: Facts) -> Effected:
    position, salvaged = position_in(facts), payload.get("salvaged_fen", 0)
    if payload["loss_fen"] + salvaged != position.outstanding_fen:
        raise InvalidInput(
            f"核销 {payload['loss_fen']} 分与核销时收回 {salvaged} 分之和，"
            f"须等于尚未收回的 {position.outstanding_fen} 分。",
            fields={"loss_fen": f"应为 {position.outstanding_fen - salvaged}"},
        )
    back = taken_back(position, salvaged)
    rest = position.after(back)
    lost = moved(("granted", "lost", rest.granted_fen), ("equity", "lost", rest.equity_fen))
    return Effected(rest.after(lost), back + lost)


def _keep(facts: Facts, _payload: Facts) -> Effected:
    position = position_in(facts)
    movements = moved(("granted", "kept", position.granted_fen))
    return Effected(position.after(movements), movements)


ACTS: Final[dict[str, Callable[[Facts, Facts], Effected]]] = {
    "fix_equity_terms": _fix_terms,
    "match_trigger": _match_trigger,
    "grant_from_pool": _grant,
    "return_to_trustee": _return,
    "convert_equity": _convert,
    "exit_equity": _exit,
    "repay_pool": _come_back("repaid_fen", "repayment_complete"),
    "recover_pool": _come_back("recovered_fen", "recovery_complete"),
    "lose_equity": _lose,
    "keep_grant": _keep,
}
"""Acts by the name of their effect."""


def limited(payload: Facts) -> dict[str, Any]:
    """Return the facts of what the joint meeting decided about the limits; None takes back.

    Raises:
        InvalidInput: a cap outside 1 to 99 percent.
    """
    cap = payload.get(MEETING_CAP)
    if cap is not None and not 0 < cap <= MOST_PERCENT:
        raise InvalidInput(
            f"联席会同意的持股上限 {cap}% 须在 1% 与 {MOST_PERCENT}% 之间。",
            fields={MEETING_CAP: f"1 至 {MOST_PERCENT}"},
        )
    return {
        MEETING_CAP: cap,
        MEETING_LARGEST: payload.get(MEETING_LARGEST),
        MEETING_MINUTES: payload["minutes_no"],
    }
