"""Leaving a holding: founders' buy-back by day, a sale, a listing, a liquidation; gain and loss."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from caseflow.kernel.benefits.parts import DAYS_OF_INTEREST
from caseflow.kernel.benefits.rounding import days, rounded
from caseflow.kernel.calendar import nominal_end
from caseflow.kernel.equity.explaining import EquityLine, written
from caseflow.kernel.equity.position import Movement, Position, came_back, moved
from caseflow.kernel.equity.terms import MOST_BASIS_POINTS, Terms
from caseflow.kernel.errors import InvalidInput

BUYBACK: Final = "founder_buyback"
MONTHS_A_YEAR: Final = 12
ROUNDING: Final = "half_up_fen"
"""Interest is rounded once, to the nearest fen. 惯例（手册§4.8 的计息取整）"""
DAY_COUNT: Final = "exclusive"
"""算头不算尾: the first day of a stretch counts, the last does not. 惯例（手册§4.8）"""


@dataclass(frozen=True)
class Settlement:
    """What came of an exit. `rest_fen` is money that had not been converted and comes back too."""

    cost_fen: int
    principal_fen: int
    gain_fen: int
    rest_fen: int
    loss_fen: int
    movements: tuple[Movement, ...]
    lines: tuple[EquityLine, ...]


@dataclass(frozen=True)
class Came:
    """What an exit says came in: principal and gain of the shares, and the rest at the company."""

    principal_fen: int
    gain_fen: int
    rest_fen: int


def buyback_ends(terms: Terms, converted_on: date) -> date:
    """Return the last day on which founders buy back as agreed, `buyback_years` after it."""
    return nominal_end(converted_on, terms.buyback_years * MONTHS_A_YEAR, "months")


def stretches(position: Position, terms: Terms) -> list[tuple[date, int]]:
    """Return (first day, fen) of what the shares cost; the earliest tranche was converted first."""
    assert position.converted_on is not None
    if terms.interest_from == "conversion":
        return [(position.converted_on, position.equity_fen)]
    left, found = position.equity_fen, []
    for day, fen in sorted(position.tranches):
        taken = min(left, fen)
        if taken:
            found.append((day, taken))
        left -= taken
    return found


def interest(position: Position, terms: Terms, until: date) -> tuple[int, tuple[EquityLine, ...]]:
    """Return the interest in fen on what the shares cost, to `until`, and how it came about.

    Principal × rate × days ÷ 360, each tranche from its own day; rounded once.

    Raises:
        InvalidInput: `until` lies before a stretch begins.
    """
    rate = Fraction(terms.rate_basis_points, MOST_BASIS_POINTS)
    total, lines = Fraction(0), []
    for day, fen in stretches(position, terms):
        count = days(day, until, DAY_COUNT)
        part = fen * rate * Fraction(count, DAYS_OF_INTEREST)
        total += part
        lines.append(
            EquityLine(
                "interest",
                f"{day} 起 {count} 天的利息",
                int(part),
                "fen",
                written(part),
                f"{fen}分×{terms.rate_basis_points}/10000×{count}/{DAYS_OF_INTEREST}",
            )
        )
    return rounded(total, ROUNDING), tuple(lines)


def settle(
    position: Position, terms: Terms, route: str, *, on: date, came: Came, minutes_no: str | None
) -> Settlement:
    """Return what an exit on `on` comes to.

    Raises:
        InvalidInput: a buy-back that is late or not principal and interest to the fen; a gain
            without the whole principal; more back than there was; a loss without minutes.
    """
    cost = position.equity_fen
    lines = [EquityLine("cost", "转股本金", cost, "fen")]
    if route == BUYBACK:
        lines += _check_buyback(position, terms, on, came)
    if came.gain_fen and came.principal_fen != cost:
        raise _wrong("exit_principal_fen", f"本金 {cost} 分尚未收足，不得记收益", cost)
    if came.principal_fen > cost:
        raise _wrong("exit_principal_fen", f"收回本金不得超过转股本金 {cost} 分", cost)
    if came.rest_fen > position.granted_fen:
        most = position.granted_fen
        raise _wrong("rest_returned_fen", f"未转股余额只有 {most} 分", most)
    loss = cost - came.principal_fen + position.granted_fen - came.rest_fen
    if loss and minutes_no is None:
        raise InvalidInput(
            f"本次退出损失 {loss} 分，须填写联席会会议纪要编号。", fields={"minutes_no": "必填"}
        )
    lines += _explain(came, loss)
    return Settlement(
        cost_fen=cost,
        principal_fen=came.principal_fen,
        gain_fen=came.gain_fen,
        rest_fen=came.rest_fen,
        loss_fen=loss,
        movements=_movements(position, came),
        lines=tuple(lines),
    )


def _movements(position: Position, came: Came) -> tuple[Movement, ...]:
    return (
        *came_back("equity", came.principal_fen),
        *came_back("granted", came.rest_fen),
        *moved(
            ("gain", "available", came.gain_fen),
            ("equity", "lost", position.equity_fen - came.principal_fen),
            ("granted", "lost", position.granted_fen - came.rest_fen),
        ),
    )


def _check_buyback(
    position: Position, terms: Terms, on: date, came: Came
) -> tuple[EquityLine, ...]:
    assert position.converted_on is not None
    last = buyback_ends(terms, position.converted_on)
    if on > last:
        raise InvalidInput(
            f"约定回购期至 {last}，{on} 已过期，须按转让等其他方式退出。",
            fields={"exit_route": "回购期已过"},
        )
    due, lines = interest(position, terms, on)
    if came.principal_fen != position.equity_fen:
        raise _wrong("exit_principal_fen", "创始人回购须付清本金", position.equity_fen)
    if came.gain_fen != due:
        raise _wrong("exit_gain_fen", f"创始人回购的利息应为 {due} 分", due)
    return lines


def _explain(came: Came, loss: int) -> list[EquityLine]:
    return [
        EquityLine("principal", "收回本金", came.principal_fen, "fen"),
        EquityLine("gain", "收益", came.gain_fen, "fen"),
        EquityLine("rest", "退回未转股余额", came.rest_fen, "fen"),
        EquityLine("loss", "损失", loss, "fen"),
    ]


def _wrong(name: str, why: str, expected: int) -> InvalidInput:
    return InvalidInput(f"{why}。", fields={name: f"应为 {expected}"})
