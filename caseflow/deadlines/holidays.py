"""Calendar years out of packages: announced notices to import, statutory days to make do with.

`chinesecalendar` holds the State Council's yearly notices (all 调休 included) up to 2026.
`holidays` computes the statutory days of any year from the lunar calendar, without 调休: only good
for provisional deadlines (domain §6.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Literal

from caseflow.kernel.calendar import SATURDAY
from caseflow.kernel.errors import CalendarMissing

Kind = Literal["off", "work"]


@dataclass(frozen=True, order=True)
class Day:
    """A day that differs from the week: off on Monday–Friday, or worked on a weekend."""

    day: date
    kind: Kind
    name: str

    @property
    def differs(self) -> bool:
        """Return whether the day really differs from what the week says."""
        return (self.kind == "off") == (self.day.weekday() < SATURDAY)


@dataclass(frozen=True)
class Year:
    """A year's differing days and where they are from."""

    year: int
    source: str
    days: tuple[Day, ...]


def announced_years() -> tuple[int, ...]:
    """Return the years whose notice the package knows, in order."""
    from chinese_calendar import constants

    return tuple(sorted({day.year for day in constants.holidays}))


def announced_year(year: int) -> Year:
    """Return the days of the State Council's notice for `year`.

    Raises:
        CalendarMissing: the installed package does not know that notice.
    """
    from chinese_calendar import constants

    if year not in announced_years():
        raise CalendarMissing(
            f"软件包 chinesecalendar {version('chinesecalendar')} 没有{year}年放假安排；"
            "请在通知发布后更新软件包，或手工导入。",
            year=year,
        )
    titles = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    off = (Day(day, "off", titles[key]) for day, key in constants.holidays.items())
    work = (Day(day, "work", f"{titles[key]}调休") for day, key in constants.workdays.items())
    source = (
        f"国务院办公厅关于{year}年部分节假日安排的通知"
        f"（chinesecalendar {version('chinesecalendar')}）"
    )
    return Year(year, source, differing([*off, *work], year))


def statutory_year(year: int) -> Year:
    """Return the statutory days of `year`, made-up days included, for provisional deadlines.

    Source: 全国年节及纪念日放假办法 2, 7 (a holiday on a weekend is made up on a working day).
    """
    from holidays import country_holidays

    named = country_holidays("CN", years=year, language="zh_CN")
    days = [Day(day, "off", name) for day, name in named.items()]
    source = f"全国年节及纪念日放假办法（holidays {version('holidays')}，不含调休）"
    return Year(year, source, differing(days, year))


def differing(days: Iterable[Day], year: int) -> tuple[Day, ...]:
    """Return the days of `year` that differ from the week, in order."""
    return tuple(sorted(each for each in days if each.day.year == year and each.differs))
