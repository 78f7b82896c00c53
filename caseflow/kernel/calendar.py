"""Working days as data: which days count, where a period ends, when its last day is over.

A year is exact once its State Council notice is imported and confirmed by a second person. Other
years hold weekends and the statutory days alone (no 调休), and whatever is computed with them is
provisional. Dates are Asia/Shanghai, instants are UTC. Sources: 民法典 201–203;
全国年节及纪念日放假办法 2, 6, 7; domain §6.2–6.3.
"""

import calendar as gregorian
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from caseflow.kernel.errors import CalendarMissing, InvalidInput
from caseflow.kernel.workflow.model import Unit

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Beijing time: eight hours ahead, without summer time since 1991."""

ONE_DAY: Final = timedelta(days=1)
SATURDAY: Final = 5
MONTHS_OF_A_YEAR: Final = 12
REMEMBERED: Final = 4_096
"""So many days and instants a process keeps beside what they come to: sets of cases share a few."""


class Deadline(NamedTuple):
    """The last day of a period, whether a missing notice may still move it, and why it is that."""

    on: date
    provisional: bool
    rule: str


@dataclass(frozen=True)
class Calendar:
    """The days known to be off or worked against the week, and the years that are certain."""

    off: frozenset[date]
    working: frozenset[date]
    confirmed_years: frozenset[int]
    version: int = 0

    def is_working(self, day: date) -> bool:
        """Return whether `day` is a working day, 调休 weekends included."""
        return day in self.working or (day.weekday() < SATURDAY and day not in self.off)

    def received_on(self, day: date) -> date:
        """Return the day on which what arrives on `day` counts as received: `day` or the next WD.

        Source: domain §6.3.
        """
        while not self.is_working(day):
            day += ONE_DAY
        return day

    def add_working_days(self, start: date, working_days: int) -> date:
        """Return the date `working_days` after `start` was received; that day is not counted.

        Raises:
            CalendarMissing: the period reaches into a year that is not confirmed.
        Source: 民法典 201; domain §6.3.
        """
        on = self.advance(start, working_days)
        missing = self._missing_years(start, on)
        if missing:
            raise CalendarMissing(
                f"自{start}起{working_days}个工作日涉及{missing[0]}年，该年放假安排尚未导入并确认；"
                f"请先导入{missing[0]}年国务院办公厅放假通知。",
                year=missing[0],
            )
        return on

    def project(self, start: date, limit: int, unit: Unit) -> Deadline:
        """Return the deadline `limit` units after `start`, provisional where a year is missing.

        Working days count from the day of receipt; a period of natural days or months that ends on
        a day off ends on the next working day. Source: 民法典 201–203.
        """
        if unit == "working_days":
            return _working_deadline(self, start, limit)
        nominal = nominal_end(start, limit, unit)
        on = self.received_on(nominal)
        named = "日" if unit == "days" else "个月"
        rule = f"自{start}次日起{limit}{named}（民法典第二百零一条、第二百零二条）"
        if on != nominal:
            rule += f"；末日{nominal}为休息日，顺延至{on}（民法典第二百零三条）"
        return self.deadline(nominal, on, rule)

    def working_days_between(self, after: date, until: date) -> int:
        """Count the working days after `after` up to and including `until`; 0 when none."""
        days = (until - after).days
        return sum(self.is_working(after + timedelta(days=n)) for n in range(1, days + 1))

    def deadline(self, first: date, on: date, rule: str) -> Deadline:
        """Return the deadline; `first` to `on` are the days whose kind decided it."""
        missing = self._missing_years(first, on)
        if missing:
            years = "、".join(str(year) for year in missing)
            rule += f"；{years}年放假安排尚未确认，为暂定"
        return Deadline(on, provisional=bool(missing), rule=rule)

    def advance(self, start: date, working_days: int) -> date:
        """Return the date `working_days` after `start` was received, in whatever years."""
        _refuse_negative(working_days)
        day = self.received_on(start)
        left = working_days
        while left:
            day += ONE_DAY
            left -= self.is_working(day)
        return day

    def _missing_years(self, first: date, last: date) -> list[int]:
        return [
            year for year in range(first.year, last.year + 1) if year not in self.confirmed_years
        ]


@lru_cache(maxsize=REMEMBERED)
def _working_deadline(calendar: Calendar, start: date, working_days: int) -> Deadline:
    """Count only once what many cases ask on one day: a calendar never changes, it is replaced."""
    received = calendar.received_on(start)
    on = calendar.advance(start, working_days)
    rule = f"自{received}次日起第{working_days}个工作日"
    if received != start:
        rule = f"{start}为休息日，视为{received}收到；{rule}"
    return calendar.deadline(start, on, rule)


def nominal_end(start: date, limit: int, unit: Unit) -> date:
    """Return the last day of a natural period (`days` or `months`) before any move to a WD.

    A month that has no such day ends the period on its last day. Source: 民法典 201–202.
    """
    _refuse_negative(limit)
    if unit == "days":
        return start + timedelta(days=limit)
    months = start.year * MONTHS_OF_A_YEAR + start.month - 1 + limit
    year, month = divmod(months, MONTHS_OF_A_YEAR)
    last = gregorian.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last))


def due_at(on: date) -> datetime:
    """Return the UTC instant at which `on` is over: its 24:00 in Shanghai. Source: 民法典 203."""
    return shanghai_instant(on + ONE_DAY, hour=0)


@lru_cache(maxsize=REMEMBERED)
def due_text(on: date) -> str:
    """Return `due_at` as ISO text, as every row of a clock tells it."""
    return due_at(on).isoformat()


@lru_cache(maxsize=REMEMBERED)
def shanghai_instant(on: date, *, hour: int) -> datetime:
    """Return the UTC instant of `hour`:00 Asia/Shanghai on `on`."""
    return datetime.combine(on, time(hour), SHANGHAI).astimezone(UTC)


@lru_cache(maxsize=REMEMBERED)
def local_date(at: datetime) -> date:
    """Return the Shanghai date of an instant; one without a zone is refused."""
    if at.tzinfo is None:
        raise InvalidInput(f"时刻 {at} 没有时区；请使用 UTC 时刻。")
    return at.astimezone(SHANGHAI).date()


def _refuse_negative(limit: int) -> None:
    if limit < 0:
        raise InvalidInput(f"期限不能为负数：{limit}。")
