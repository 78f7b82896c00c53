"""Conversion: money ÷ (price of the round × (1 − discount)), in whole shares, within the caps.

Shares are integers, prices exact rationals, money is fen. What buys no whole share stays money and
has a name. Source: 手册§4.1.2 (shares = converted amount ÷ round price × (1 − discount); cap; not
the largest holder), read as a discount on the price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

from caseflow.kernel.equity.explaining import EquityLine, ceil_of, written
from caseflow.kernel.equity.terms import WHOLE, Terms
from caseflow.kernel.errors import InvalidInput

TRUSTEE: Final = "受托机构"
"""Under this name a cap table has what the trustee holds already."""
SEPARATOR: Final = "："


@dataclass(frozen=True)
class Holder:
    """Who holds how many shares."""

    name: str
    shares: int


@dataclass(frozen=True)
class Round:
    """A round of financing, or an appraisal where nothing is raised, and who holds what after it.

    `shares_before` counts all shares before the round, `shares_issued` what its money bought.
    """

    title: str
    on: date
    pre_money_fen: int
    raised_fen: int
    shares_before: int
    shares_issued: int
    holders: tuple[Holder, ...]

    @property
    def total(self) -> int:
        """Return all shares after the round."""
        return self.shares_before + self.shares_issued

    @property
    def trustee_shares(self) -> int:
        """Return what the trustee holds before this conversion."""
        return sum(each.shares for each in self.holders if each.name == TRUSTEE)

    @property
    def largest_other(self) -> int:
        """Return the shares of the largest holder beside the trustee."""
        return max((each.shares for each in self.holders if each.name != TRUSTEE), default=0)

    def price(self, valuation: str) -> Fraction:
        """Return the fen of one share by the pre- or the post-money valuation."""
        if valuation == "pre_money":
            return Fraction(self.pre_money_fen, self.shares_before)
        return Fraction(self.pre_money_fen + self.raised_fen, self.total)

    def check(self) -> None:
        """Refuse a cap table that does not add up.

        Raises:
            InvalidInput: `fields` names what is wrong, with what it should be.
        """
        held = sum(each.shares for each in self.holders)
        names = [each.name for each in self.holders]
        wrong = {
            "pre_money_fen": self.pre_money_fen > 0 or "投前估值须大于零",
            "shares_before": self.shares_before > 0 or "本轮前总股本须大于零",
            "shares_issued": (self.raised_fen > 0) == (self.shares_issued > 0)
            or "有融资须有新增股份，无融资不得有新增股份",
            "holders": (len(set(names)) == len(names) and held == self.total)
            or f"各持股人合计 {held} 股，本轮后总股本 {self.total} 股，须相等且不得重名",
        }
        fields = {name: why for name, why in wrong.items() if why is not True}
        if fields:
            raise InvalidInput(
                f"股权结构有误：{'；'.join(map(str, fields.values()))}。", fields=fields
            )


@dataclass(frozen=True)
class Limit:
    """How much the trustee may hold, and who says so."""

    cap_percent: int
    may_be_largest: bool
    words: str


@dataclass(frozen=True)
class Stake:
    """New shares, what they cost in fen, and what the trustee then holds of how many.

    `percent` is rounded up to the whole (不足1%按1%计), so that a whole cap binds exactly.
    """

    shares: int
    cost_fen: int
    held: int
    total: int
    percent: int
    is_largest: bool

    @property
    def part(self) -> Fraction:
        """Return the trustee's exact part of all shares."""
        return Fraction(self.held, self.total)


@dataclass(frozen=True)
class Conversion:
    """What an amount converts into: what was asked for, what the caps allow, what is left over.

    `amount_fen` = `allowed.cost_fen` + `over_fen` + `remainder_fen`.
    """

    amount_fen: int
    round_price: Fraction
    price: Fraction
    wanted: Stake
    allowed: Stake
    remainder_fen: int
    over_fen: int
    limit: Limit
    lines: tuple[EquityLine, ...]

    @property
    def is_within(self) -> bool:
        """Return whether all that was asked for may be converted."""
        return self.wanted == self.allowed


def holders_of(listed: Sequence[str]) -> tuple[Holder, ...]:
    """Return the holders written as 名称：股数.

    Raises:
        InvalidInput: one is not written so, or holds no share.
    """
    found = []
    for text in listed:
        name, _, shares = text.replace(":", SEPARATOR).rpartition(SEPARATOR)
        if not name.strip() or not (shares.isascii() and shares.isdigit() and int(shares)):
            raise InvalidInput(
                f"持股人写作“名称：股数”，股数为正整数，而不是 {text[:40]!r}。",
                fields={"holders": "名称：股数"},
            )
        found.append(Holder(name.strip(), int(shares)))
    return tuple(found)


def convert(amount_fen: int, round_: Round, terms: Terms, limit: Limit) -> Conversion:
    """Return what `amount_fen` converts into.

    Raises:
        InvalidInput: the cap table does not add up, or the amount buys no whole share.
    """
    round_.check()
    round_price = round_.price(terms.valuation)
    price = round_price * Fraction(WHOLE - terms.discount_percent, WHOLE)
    shares = amount_fen // price
    if shares == 0:
        raise InvalidInput(
            f"转股金额 {amount_fen} 分不足一股：每股 {written(price)} 分。",
            fields={"converted_fen": f"至少 {ceil_of(price)}"},
        )
    wanted = _stake(shares, price, round_)
    allowed = _stake(min(shares, most_shares(round_, limit)), price, round_)
    made = Conversion(
        amount_fen=amount_fen,
        round_price=round_price,
        price=price,
        wanted=wanted,
        allowed=allowed,
        remainder_fen=amount_fen - wanted.cost_fen,
        over_fen=wanted.cost_fen - allowed.cost_fen,
        limit=limit,
        lines=(),
    )
    return _explained(made, terms)


def most_shares(round_: Round, limit: Limit) -> int:
    """Return how many new shares the caps leave: percent reached is allowed, a tie at the top not.

    (held + n) ÷ (total + n) ≤ cap, and held + n below the largest other holder's.
    """
    held, total = round_.trustee_shares, round_.total
    by_percent = (limit.cap_percent * total - WHOLE * held) // (WHOLE - limit.cap_percent)
    by_rank = by_percent if limit.may_be_largest else round_.largest_other - 1 - held
    return max(0, min(by_percent, by_rank))


def _stake(shares: int, price: Fraction, round_: Round) -> Stake:
    held, total = round_.trustee_shares + shares, round_.total + shares
    return Stake(
        shares=shares,
        cost_fen=ceil_of(shares * price),
        held=held,
        total=total,
        percent=ceil_of(Fraction(held * WHOLE, total)),
        is_largest=held >= round_.largest_other,
    )


def _explained(made: Conversion, terms: Terms) -> Conversion:
    basis = {"pre_money": "投前估值÷本轮前总股本", "post_money": "投后估值÷本轮后总股本"}
    lines = [
        EquityLine("amount", "转股金额", made.amount_fen, "fen"),
        EquityLine(
            "round_price",
            "本轮每股价格",
            int(made.round_price),
            "fen",
            written(made.round_price),
            basis[terms.valuation],
        ),
        EquityLine(
            "price",
            "转股价格（折扣后）",
            int(made.price),
            "fen",
            written(made.price),
            f"本轮每股价格×（1－{terms.discount_percent}%）",
        ),
        EquityLine(
            "shares",
            "可得股数（舍至整股）",
            made.wanted.shares,
            "shares",
            written(made.amount_fen / made.price),
            "转股金额÷转股价格",
        ),
        EquityLine("remainder", "不足一股的余额（留在企业，仍应返还）", made.remainder_fen, "fen"),
        EquityLine(
            "percent",
            "转股后持股比例（进至整数）",
            made.wanted.percent,
            "percent",
            written(made.wanted.part * WHOLE),
            f"{made.wanted.held}股÷{made.wanted.total}股",
        ),
    ]
    if not made.is_within:
        lines += _capped(made)
    return replace(made, lines=tuple(lines))


def _capped(made: Conversion) -> list[EquityLine]:
    most = made.allowed
    words = f"{made.limit.words}：持股不超过{made.limit.cap_percent}%"
    if not made.limit.may_be_largest:
        words += "且不为第一大股东"
    return [
        EquityLine(
            "allowed",
            "上限内最多可转股数",
            most.shares,
            "shares",
            written(most.part * WHOLE),
            words,
        ),
        EquityLine("allowed_cost", "上限内最多可转金额", most.cost_fen, "fen"),
        EquityLine(
            "over",
            "超出上限、不得转股的金额",
            made.over_fen,
            "fen",
            words="减少转股金额，或提请联席会审议",
        ),
    ]
