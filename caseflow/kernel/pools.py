"""Short pools (资金池不足): who gets what when more is wanted than there is. Pure; fen only.

The call says which rule holds. Nobody gets more than was wanted, the sum is never over the pool,
and every cut says which rule made it (手册§5.2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN, Money

PoolRule = Literal[
    "proportional", "rank", "rank_whole", "first_come", "first_come_whole", "carry_over"
]
TITLES: Final[dict[PoolRule, str]] = {
    "proportional": "同比例折减",
    "rank": "按名次安排，末位取余额",
    "rank_whole": "按名次安排，不足额不安排",
    "first_come": "按提交先后安排，末位取余额",
    "first_come_whole": "按提交先后安排，不足额不安排",
    "carry_over": "按提交先后足额安排，其余结转下年",
}
"""The words a call may choose from; §5.2 has four rules, two of them in two ways to end."""
RULES: Final[tuple[PoolRule, ...]] = tuple(TITLES)


@dataclass(frozen=True)
class Claim:
    """What one case wants of the pool: fen, its rank (1 is first), when it was submitted."""

    key: str
    fen: int
    submitted_at: datetime
    rank: int | None = None


@dataclass(frozen=True)
class Allotment:
    """What a claim gets. `reason` says why it was cut, empty if it was not; `waits`: next year."""

    key: str
    wanted_fen: int
    fen: int
    reason: str
    waits: bool = False

    @property
    def cut_fen(self) -> int:
        """Return what the claim does not get."""
        return self.wanted_fen - self.fen


def divide(rule: PoolRule, claims: Sequence[Claim], pool_fen: int) -> tuple[Allotment, ...]:
    """Return what each claim gets of the pool, in the order of the claims.

    Raises:
        InvalidInput: no such rule, a sum out of bounds, a key twice, a rank missing or taken twice.
    """
    _check(rule, claims, pool_fen)
    if sum(claim.fen for claim in claims) <= pool_fen:
        return tuple(Allotment(each.key, each.fen, each.fen, "") for each in claims)
    got = _DIVIDERS[rule](claims, pool_fen)
    return tuple(_told(rule, claim, got[claim.key], pool_fen) for claim in claims)


def _check(rule: PoolRule, claims: Sequence[Claim], pool_fen: int) -> None:
    if rule not in TITLES:
        raise InvalidInput(
            f"没有资金不足时的安排办法 {rule!r}。", fields={"short_pool": "、".join(RULES)}
        )
    for fen in (pool_fen, *(claim.fen for claim in claims)):
        if type(fen) is not int or not 0 <= fen <= MOST_FEN:
            raise InvalidInput(f"金额须为不小于零的整数（分），不是 {fen!r:.30}。")
    if len({claim.key for claim in claims}) < len(claims):
        raise InvalidInput("同一办件在资金池中出现两次。")
    if rule in ("rank", "rank_whole"):
        _check_ranks(claims)


def _check_ranks(claims: Sequence[Claim]) -> None:
    missing = [claim.key for claim in claims if claim.rank is None]
    if missing:
        raise InvalidInput(f"按名次安排须先评定名次，尚无名次：{'、'.join(missing)}。")
    if len({claim.rank for claim in claims}) < len(claims):
        raise InvalidInput("有办件名次相同，须先排定先后。")


def _proportional(claims: Sequence[Claim], pool_fen: int) -> dict[str, int]:
    """Return equal parts of what each wants (最大余额法): floors, then a fen for the largest rests.

    Of two equal rests the one who submitted first gets the fen, then the smaller key.
    """
    total = sum(claim.fen for claim in claims)
    got = {claim.key: claim.fen * pool_fen // total for claim in claims}
    left = pool_fen - sum(got.values())
    order = sorted(
        claims, key=lambda each: (-(each.fen * pool_fen % total), each.submitted_at, each.key)
    )
    for claim in order[:left]:
        got[claim.key] += 1
    return got


def _in_turn(order: Sequence[Claim], pool_fen: int, *, rest: bool) -> dict[str, int]:
    """Return everything to each in turn; nobody is served after the first who does not fit."""
    got: dict[str, int] = {}
    left = pool_fen
    for claim in order:
        fits = claim.fen <= left
        got[claim.key] = claim.fen if fits else left * rest
        left = left - claim.fen if fits else 0
    return got


def _by_rank(claims: Sequence[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim.rank is None, claim.rank or 0))


def _by_submission(claims: Sequence[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim.submitted_at, claim.key))


_DIVIDERS: Final[dict[PoolRule, Callable[[Sequence[Claim], int], dict[str, int]]]] = {
    "proportional": _proportional,
    "rank": lambda claims, pool: _in_turn(_by_rank(claims), pool, rest=True),
    "rank_whole": lambda claims, pool: _in_turn(_by_rank(claims), pool, rest=False),
    "first_come": lambda claims, pool: _in_turn(_by_submission(claims), pool, rest=True),
    "first_come_whole": lambda claims, pool: _in_turn(_by_submission(claims), pool, rest=False),
    "carry_over": lambda claims, pool: _in_turn(_by_submission(claims), pool, rest=False),
}


def _told(rule: PoolRule, claim: Claim, fen: int, pool_fen: int) -> Allotment:
    if fen == claim.fen:
        return Allotment(claim.key, claim.fen, fen, "")
    waits = rule == "carry_over"
    words = "结转下年安排" if waits else f"安排 {Money(fen)}" if fen else "不予安排"
    reason = f"资金池 {Money(pool_fen)} 不足，{TITLES[rule]}：应安排 {Money(claim.fen)}，{words}。"
    return Allotment(claim.key, claim.fen, fen, reason, waits=waits)
