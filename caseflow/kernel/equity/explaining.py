"""The lines with which a figure explains itself, and exact rationals written out."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Unit = Literal["fen", "shares", "percent", "days"]


@dataclass(frozen=True)
class EquityLine:
    """One step of a computation. `exact` is the unrounded value; empty where `value` is exact."""

    name: str
    title: str
    value: int
    unit: Unit
    exact: str = ""
    words: str = ""


def written(exact: Fraction) -> str:
    """Return a rational as numerator/denominator, a whole number as it is."""
    return str(exact)


def ceil_of(exact: Fraction) -> int:
    """Return the smallest whole number that is not below `exact`."""
    return -(-exact.numerator // exact.denominator)
