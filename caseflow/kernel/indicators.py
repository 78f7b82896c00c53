"""Indicators: values as exact decimals, and how they stand to their target."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Final

from caseflow.kernel.errors import InvalidInput

COMPARISONS: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = MappingProxyType(
    {
        "at_least": lambda value, target: value >= target,
        "more_than": lambda value, target: value > target,
        "at_most": lambda value, target: value <= target,
        "less_than": lambda value, target: value < target,
    }
)
"""When a target is reached; 以上、以下 include the number, 超过、低于 do not. (民法典 1259)"""

COMPARISON_TITLES: Final = MappingProxyType(
    {
        "at_least": "达到（含本数）",
        "more_than": "超过（不含本数）",
        "at_most": "不超过（含本数）",
        "less_than": "低于（不含本数）",
    }
)
MOST_DIGITS: Final = 15
TENTH: Final = Decimal("0.1")
_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


def read_value(text: str, *, decimals: int) -> Decimal:
    """Return a reported value: digits, and at most so many behind the point.

    Raises:
        InvalidInput: anything else; signs, exponents, separators and full-width digits included.
    """
    found = _NUMBER.fullmatch(text)
    behind = len(found[1] or "") if found else 0
    if found is None or behind > decimals or len(text) > MOST_DIGITS:
        kind = f"最多{decimals}位小数的非负数" if decimals else "非负整数"
        reason = f"须为{kind}，最长{MOST_DIGITS}个字符"
        raise InvalidInput(f"value：{text!r} {reason}。", fields={"value": reason})
    return Decimal(text)


def written(value: Decimal) -> str:
    """Return a value in plain digits, without zeros behind the point that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_reached(value: Decimal, target: Decimal, comparison: str) -> bool:
    """Return whether `value` reaches `target` by a word of `COMPARISONS`."""
    return COMPARISONS[comparison](value, target)


def percent_of(value: Decimal, target: Decimal) -> Decimal | None:
    """Return `value` in percent of `target`, cut (never rounded up) to a tenth; None of nothing."""
    if not target:
        return None
    return (value * 100 / target).quantize(TENTH, rounding=ROUND_DOWN)


def compared(reported: Decimal, counted: Decimal) -> str:
    """Return how what was reported stands to what was counted: `equal`, `more`, or `fewer`."""
    if reported == counted:
        return "equal"
    return "more" if reported > counted else "fewer"
