"""Reporting periods: months, quarters, half years and years of the calendar, by their codes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from caseflow.kernel.errors import InvalidInput

MONTHS: Final = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
"""The kinds of periods, and how many months each has; the first of a year begins in January."""

MARKS: Final = {"month": "M", "quarter": "Q", "half_year": "H", "year": ""}
TITLES: Final = {"month": "月", "quarter": "季度", "half_year": "半年", "year": "年度"}
MONTHS_OF_A_YEAR: Final = 12
_CODE: Final = re.compile(r"([0-9]{4})(?:([MQH])([0-9]{1,2}))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Period:
    """A period with its first and its last day, both inside; codes are 2026M09, 2026Q3, 2026."""

    first: date
    last: date
    code: str
    kind: str

    @property
    def title(self) -> str:
        """Return the period as a report names it: 2026年第3季度, 2026年上半年, 2026年9月."""
        number = self.last.month // MONTHS[self.kind]
        said = {
            "month": f"{number}月",
            "quarter": f"第{number}季度",
            "half_year": "上半年" if number == 1 else "下半年",
            "year": "度",
        }
        return f"{self.first.year}年{said[self.kind]}"


def period_of(kind: str, day: date) -> Period:
    """Return the period of that kind in which `day` lies."""
    months = MONTHS[kind]
    number = (day.month - 1) // months
    first = date(day.year, number * months + 1, 1)
    last = _first_after(first, months) - timedelta(days=1)
    code = f"{day.year}{MARKS[kind]}"
    if kind == "month":
        code += f"{number + 1:02d}"
    elif kind != "year":
        code += str(number + 1)
    return Period(first, last, code, kind)


def period_named(kind: str, code: str) -> Period:
    """Return the period of that kind under `code`.

    Raises:
        InvalidInput: no code of such a period, written as `Period.code` has it.
    """
    found = _CODE.fullmatch(code)
    months = MONTHS[kind]
    year, number = (int(found[1]), int(found[3] or 1)) if found else (0, 0)
    if year and 1 <= number <= MONTHS_OF_A_YEAR // months:
        made = period_of(kind, date(year, number * months, 1))
        if made.code == code:
            return made
    example = period_of(kind, date(2026, 9, 30)).code
    reason = f"须为{TITLES[kind]}的代码，例如 {example}"
    raise InvalidInput(f"period：{code!r} {reason}。", fields={"period": reason})


def period_under(code: str) -> Period:
    """Return the period under a code of whatever kind; the mark in it says which.

    Raises:
        InvalidInput: no code of a period.
    """
    found = _CODE.fullmatch(code)
    mark = (found[2] or "") if found else ""
    kind = next(kind for kind, known in MARKS.items() if known == mark)
    return period_named(kind, code)


def periods(kind: str, begin: date, end: date) -> Iterator[Period]:
    """Yield, in order, the periods that reach into the days from `begin` to `end`, both inside."""
    period = period_of(kind, begin)
    while period.first <= end:
        yield period
        period = period_of(kind, period.last + timedelta(days=1))


def day_after(period: Period, day: int) -> date:
    """Return that `day` of the month that follows the period."""
    return (period.last + timedelta(days=1)).replace(day=day)


def _first_after(first: date, months: int) -> date:
    month = first.month + months
    if month > MONTHS_OF_A_YEAR:
        return date(first.year + 1, 1, 1)
    return first.replace(month=month)
