"""Where the money of a case stands in its budget line, and what moves when the case moves. Pure.

A line has accounts of these kinds; a case takes its money along them: 可用 → 拟支持占用 → 已审定 →
已下达 → 已拨付. A transfer takes fen from one and puts them into the next, never anything else, so
that what was appropriated is always the sum of all other accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

from caseflow.kernel.shares import Share, split_of

AccountKind = Literal[
    "appropriation", "available", "reserved", "committed", "released", "paid", "recovered"
]
SOURCE: Final = "appropriation"
"""The account all money comes from: its balance is what was appropriated, below zero."""
ORDERED, PAID, RETURNED = "ordered", "paid", "returned"
"""What becomes of a payment order; one that came back (退票) waits to be paid again."""
ROAD: Final[tuple[AccountKind, ...]] = ("available", "reserved", "committed", "released", "paid")


@dataclass(frozen=True)
class Order:
    """A payment order (拨付单): one share of one instalment; `ordered`, `paid` or `returned`.

    `fen` is what the award gives (gross); `offset_fen` of it was set off against a recovery (抵扣)
    and stays paid whatever the bank answers: only the rest (net) is ever paid or comes back (退票).
    """

    instalment: int
    share: Share
    fen: int
    status: str
    offset_fen: int = 0

    @property
    def net_fen(self) -> int:
        """Return what the treasury pays."""
        return self.fen - self.offset_fen

    @property
    def settled_fen(self) -> int:
        """Return what the payee has had: all of a paid order, else what was set off."""
        return self.fen if self.status == PAID else self.offset_fen


@dataclass(frozen=True)
class Standing:
    """What a case has taken of one share: at least reserved, committed, released, paid, in fen."""

    reserved: int = 0
    committed: int = 0
    released: int = 0
    paid: int = 0

    @property
    def levels(self) -> tuple[int, int, int, int]:
        """Return the four sums; each contains those behind it."""
        return self.reserved, self.committed, self.released, self.paid


@dataclass(frozen=True)
class Transfer:
    """Fen that leave one account of a line for another."""

    share: Share
    source: AccountKind
    target: AccountKind
    fen: int


def standing_of(
    share: Share,
    *,
    planned: int | None,
    approved: int | None,
    orders: Sequence[Order],
    percent: Fraction,
    ended: bool,
) -> Standing:
    """Return how a case stands: a plan reserves, an approval commits, an end frees the rest."""
    mine = [order for order in orders if order.share == share]
    paid = sum(order.settled_fen for order in mine)
    if ended:
        return Standing(paid, paid, paid, paid)
    committed = split_of(approved or 0, percent)[share]
    reserved = committed if approved is not None else split_of(planned or 0, percent)[share]
    return Standing(reserved, committed, sum(order.fen for order in mine), paid)


def transfers_between(
    share: Share,
    before: Sequence[int],
    after: Sequence[int],
    *,
    road: Sequence[AccountKind] = ROAD,
) -> tuple[Transfer, ...]:
    """Return the transfers from one standing's levels to the next's, never overdrawing on the way.

    First what goes forward, from the near end of the road; then what comes back, from the far one.
    """
    changes = [late - early for early, late in zip(before, after, strict=True)]
    steps = list(zip(pairwise(road), changes, strict=True))
    forward = [Transfer(share, near, far, fen) for (near, far), fen in steps if fen > 0]
    backward = [Transfer(share, far, near, -fen) for (near, far), fen in steps if fen < 0]
    return (*forward, *reversed(backward))
