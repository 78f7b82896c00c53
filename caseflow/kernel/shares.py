"""Who bears what of an amount (市区分担): the city the floor to the fen, the district the rest."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, Literal

from caseflow.kernel.errors import InvalidInput

Share = Literal["city", "district"]
CITY: Final = "city"
DISTRICT: Final = "district"
SHARES: Final[tuple[Share, ...]] = (CITY, DISTRICT)
WHOLE: Final = Fraction(100)
CITY_TREASURY: Final = "prefecture"
"""The fiscal level at which the city's own treasury pays: parks under the city (手册§5.3)."""


def city_percent(
    split: Mapping[str, Any] | None, fiscal_level: str, *, entered: Fraction | None = None
) -> Fraction | None:
    """Return what the city bears of an award in percent, None where it must be entered first.

    A text that says 由市级财政 leaves the city to bear all; so does a place that has no treasury of
    its own. Where the text leaves it open, `entered` counts: one that is silent leaves the city to
    bear all until something is entered, 现行财政体制 (`fiscal_system`) names no figures at all.
    """
    if fiscal_level == CITY_TREASURY:
        return WHOLE
    if split is None:
        return WHOLE if entered is None else entered
    if split["rule"] == "city_alone":
        return WHOLE
    if split["rule"] == "fiscal_system":
        return entered
    return Fraction(next(each["percent"] for each in split["shares"] if each["party"] == CITY))


def is_open(split: Mapping[str, Any] | None) -> bool:
    """Return whether a text leaves it to the treasuries who bears what."""
    return split is None or split["rule"] == "fiscal_system"


def split_of(fen: int, percent: Fraction, *, before: int = 0) -> dict[Share, int]:
    """Return the shares of `fen` that come after `before` fen of the same award.

    Instalments are split by their running total, so that their city shares add up to the city
    share of the whole: 4:6 of 100.01 yuan is 40.00 and 60.01, in however many instalments.

    Raises:
        InvalidInput: a percentage outside 0 to 100.
    """
    if not 0 <= percent <= WHOLE:
        raise InvalidInput(f"市级承担比例须在 0 与 100 之间，不是 {percent}。")
    city = _floor(before + fen, percent) - _floor(before, percent)
    return {CITY: city, DISTRICT: fen - city}


def _floor(fen: int, percent: Fraction) -> int:
    return int(fen * percent // WHOLE)
