"""Named rounding of money, and days counted as a call says (domain handbook 4.5)."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Final

from caseflow.kernel.errors import InvalidInput

FEN: Final = 1
YUAN: Final = 100
WAN_4DP: Final = 100
"""万元 with four decimals is whole yuan: 0.0001万元 = 1元."""
WAN: Final = 1_000_000


def _down_to(unit: int) -> Callable[[Fraction], int]:
    return lambda fen: fen // unit * unit


def _half_up(fen: Fraction) -> int:
    return (2 * fen + 1) // 2


ROUNDINGS: Final[dict[str, Callable[[Fraction], int]]] = {
    "trunc_fen": _down_to(FEN),
    "trunc_yuan": _down_to(YUAN),
    "trunc_4dp_wan": _down_to(WAN_4DP),
    "trunc_wan": _down_to(WAN),
    "half_up_fen": _half_up,
}
"""How a call rounds; all but the last round down, the last at half a fen up."""

DAY_COUNTS: Final = ("exclusive", "inclusive")
"""Whether the first day of a period counts: 03-01 to 12-31 is 305 days exclusive, 306 inclusive."""


def rounded(fen: Fraction, how: str) -> int:
    """Return `fen` rounded as named.

    Raises:
        InvalidInput: no such rounding.
    """
    if how not in ROUNDINGS:
        raise InvalidInput(f"There is no rounding {how!r}; there are {', '.join(ROUNDINGS)}.")
    return ROUNDINGS[how](fen)


def days(first: date, last: date, how: str) -> int:
    """Return the days of a period.

    Raises:
        InvalidInput: it ends before it begins, or there is no such way of counting.
    """
    if how not in DAY_COUNTS:
        raise InvalidInput(f"There is no day count {how!r}; there are {', '.join(DAY_COUNTS)}.")
    if last < first:
        raise InvalidInput(f"The period ends on {last}, before it begins on {first}.")
    return (last - first).days + (how == "inclusive")
