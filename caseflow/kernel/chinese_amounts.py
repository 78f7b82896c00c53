"""Amounts of money and percentages as official Chinese texts write them: 1亿元, 2000万元, 20%."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_UNITS: Final = {"": 1, "万": 10_000, "亿": 100_000_000}
_AMOUNT: Final = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)(万|亿|)元")
_PERCENT: Final = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)[%％]")


@dataclass(frozen=True)
class WrittenAmount:
    """An amount as it stands in a text, in whole yuan, with its words."""

    yuan: int
    words: str


def written_amounts(text: str) -> tuple[WrittenAmount, ...]:
    """Return every amount of `text` in its order; white space inside the text does not matter.

    Raises:
        ValueError: an amount is not a whole number of yuan, e.g. 0.00001万元.
    """
    return tuple(_written(match) for match in _AMOUNT.finditer(_joined(text)))


def amounts_yuan(text: str) -> list[int]:
    """Return the yuan of every amount of `text`, in its order."""
    return [amount.yuan for amount in written_amounts(text)]


def percentages(text: str) -> list[str]:
    """Return every percentage of `text` in its order, as written but without the sign."""
    return [match[1] for match in _PERCENT.finditer(_joined(text))]


def _written(match: re.Match[str]) -> WrittenAmount:
    yuan = Decimal(match[1]) * _UNITS[match[2]]
    if yuan != yuan.to_integral_value():
        raise ValueError(f"{match[0]} is not a whole number of yuan")
    return WrittenAmount(yuan=int(yuan), words=match[0])


def _joined(text: str) -> str:
    return "".join(text.split())
