"""Clocks: how much of a limit is used, when it is due, how it stops and resumes.

A clock is stored as what is known (limit, start, stops); its due date follows. The day it stops
counts as used, the day it resumes is not counted. Working-day clocks are counted in working days;
clocks in days, in months or with a fixed date in natural days. The generation is raised exactly
when the status or the due date changes, so that a timer armed for another generation is stale.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from caseflow.kernel.calendar import (
    ONE_DAY,
    Calendar,
    Deadline,
    due_text,
    nominal_end,
    shanghai_instant,
)
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.workflow.model import Unit

Status = Literal["running", "stopped", "ended", "expired"]
Light = Literal["green", "yellow", "red", "black", "off"]

REMIND_HOUR: Final = 9
"""Reminders go out at 09:00 Asia/Shanghai."""

OVERDUE: Final = "overdue"
YELLOW_PERCENT: Final = 30
RED_WORKING_DAYS: Final = 1
WHOLE_PERCENT: Final = 100


class Stop(NamedTuple):
    """A time in which a clock stood still; `resumed_on` is None while it lasts."""

    on: date
    resumed_on: date | None
    reason: str


class ClockState(NamedTuple):
    """One clock of one case. `limit` and `unit` are None where the due date is fixed.

    `consumed` holds the finished stretches before `running_since`, in working days for a
    working-day clock and in natural days for every other one.
    """

    name: str
    limit: int | None
    unit: Unit | None
    status: Status
    started_on: date
    running_since: date | None
    consumed: int
    due_on: date
    provisional: bool
    generation: int
    rule: str
    stops: tuple[Stop, ...] = ()


class Reminder(NamedTuple):
    """What reminds (`T-3`, `overdue`) and the UTC instant at which it does."""

    rule: str
    at: datetime


def start(
    name: str,
    on: date,
    calendar: Calendar,
    *,
    limit: int,
    unit: Unit,
    generation: int = 1,
) -> ClockState:
    """Return a clock running from `on`, which is not counted.

    A clock that is armed again under the same name goes on with the next `generation`.
    """
    deadline = calendar.project(on, limit, unit)
    return ClockState(
        name=name,
        limit=limit,
        unit=unit,
        status="running",
        started_on=on,
        running_since=on,
        consumed=0,
        due_on=deadline.on,
        provisional=deadline.provisional,
        generation=generation,
        rule=deadline.rule,
    )


def start_until(
    name: str, on: date, until: date, *, rule: str = "固定日期", generation: int = 1
) -> ClockState:
    """Return a clock due on the fixed date `until`, which no stop and no day off moves."""
    return ClockState(
        name=name,
        limit=None,
        unit=None,
        status="running",
        started_on=on,
        running_since=on,
        consumed=0,
        due_on=until,
        provisional=False,
        generation=generation,
        rule=f"{rule}：{until}",
    )


def stop(clock: ClockState, on: date, reason: str, calendar: Calendar) -> ClockState:
    """Return the clock standing still from the end of `on`; one that does not run stays as is."""
    if clock.status != "running":
        return clock
    return _change(
        clock,
        status="stopped",
        consumed=used(clock, on, calendar),
        running_since=None,
        stops=(*clock.stops, Stop(on, None, reason)),
    )


def resume(clock: ClockState, on: date, calendar: Calendar) -> ClockState:
    """Return the clock running again with what was left; one that is not stopped stays as is.

    Raises:
        InvalidInput: `on` lies before the day on which it stopped.
    """
    if clock.status != "stopped":
        return clock
    *earlier, last = clock.stops
    if on < last.on:
        raise InvalidInput(f"时限 {clock.name} 于{last.on}停止，不能在此前的{on}恢复。")
    stops = (*earlier, last._replace(resumed_on=on))
    return _project(clock._replace(stops=stops, running_since=on), calendar)


def end(clock: ClockState) -> ClockState:
    """Return the clock ended: what it waited for has happened."""
    return _change(clock, status="ended", running_since=None)


def expire(clock: ClockState) -> ClockState:
    """Return the clock expired, its limit used up; one that does not run stays as is."""
    if clock.status != "running":
        return clock
    return _change(clock, status="expired", running_since=None, consumed=_total(clock))


def rearm(clock: ClockState, on: date, calendar: Calendar) -> ClockState:
    """Return a repeating clock's next period.

    After the due date it begins where the last period ended by its own count (not `on`, and not
    the working day it was moved to), so that a late sweep loses no period and no period drifts.
    Up to the due date it begins on `on`.

    Raises:
        InvalidInput: the clock has a fixed date.
    """
    if clock.limit is None or clock.unit is None:
        raise InvalidInput(f"时限 {clock.name} 为固定日期，不能重新起算。")
    late = clock.status in {"running", "expired"} and clock.due_on < on
    begin = _nominal_due(clock) if late else on
    deadline = calendar.project(begin, clock.limit, clock.unit)
    return _change(
        clock,
        **_due(deadline),
        status="running",
        started_on=begin,
        running_since=begin,
        consumed=0,
        stops=(),
    )


def recompute(clock: ClockState, calendar: Calendar) -> ClockState:
    """Return the open clock under a changed calendar; its generation rises if the due date moved.

    What was used is counted anew as well, because an imported day may lie in the past.
    """
    if clock.status not in {"running", "stopped"}:
        return clock
    finished = (_span(clock, first, last, calendar) for first, last in _stretches(clock))
    counted = clock._replace(consumed=sum(finished))
    if clock.running_since is None:
        return counted
    return _project(counted, calendar)


def used(clock: ClockState, on: date, calendar: Calendar) -> int:
    """Return how much of the limit is used at the end of `on`, in the clock's unit of count."""
    if clock.status == "expired":
        return clock.consumed + _span(clock, clock.due_on, on, calendar)
    if clock.running_since is None:
        return clock.consumed
    return clock.consumed + _span(clock, clock.running_since, on, calendar)


def remaining(clock: ClockState, on: date, calendar: Calendar) -> int:
    """Return what is left after `on`: 0 on the last day, negative when overdue, 0 when ended.

    Working days for a working-day clock, natural days (up to the moved due date) for others.
    """
    if clock.status == "ended":
        return 0
    if clock.unit == "working_days" or clock.status == "stopped":
        return _total(clock) - used(clock, on, calendar)
    return (clock.due_on - on).days


def light(clock: ClockState, on: date, calendar: Calendar) -> Light:
    """Return the traffic light: green > 30 % left, yellow, red ≤ 1 WD, black overdue, off ended.

    Source: domain §6.4.
    """
    if clock.status == "ended":
        return "off"
    left = remaining(clock, on, calendar)
    if left < 0:
        return "black"
    if _working_days_left(clock, left, on, calendar) <= RED_WORKING_DAYS:
        return "red"
    whole = left + used(clock, on, calendar)
    return "green" if left * WHOLE_PERCENT > whole * YELLOW_PERCENT else "yellow"


def reminders(clock: ClockState, remind: tuple[int, ...]) -> list[Reminder]:
    """Return when to remind: `T-n` n natural days before the due date, `overdue` the day after.

    Days not after the clock's start (or last resumption) are left out; a clock that does not ask
    for reminders has none; an expired clock has only `overdue`.
    """
    if not remind or clock.status not in {"running", "expired"}:
        return []
    begun = clock.running_since or clock.due_on
    days = [(f"T-{n}", clock.due_on - timedelta(days=n)) for n in sorted(set(remind), reverse=True)]
    days.append((OVERDUE, clock.due_on + ONE_DAY))
    return [
        Reminder(rule, shanghai_instant(day, hour=REMIND_HOUR)) for rule, day in days if day > begun
    ]


def to_row(clock: ClockState) -> dict[str, Any]:
    """Return JSON data named as the columns of table `clock`, `due_at` included."""
    return {
        "name": clock.name,
        "status": clock.status,
        "limit_count": clock.limit,
        "unit": clock.unit,
        "started_on": clock.started_on.isoformat(),
        "running_since": _iso(clock.running_since),
        "consumed": clock.consumed,
        "due_on": clock.due_on.isoformat(),
        "due_at": due_text(clock.due_on),
        "provisional": clock.provisional,
        "generation": clock.generation,
        "rule": clock.rule,
        "stops": [
            {"on": each.on.isoformat(), "resumed_on": _iso(each.resumed_on), "reason": each.reason}
            for each in clock.stops
        ],
    }


def from_row(row: Mapping[str, Any]) -> ClockState:
    """Rebuild a clock from `to_row`'s result or a database row (dates as dates or ISO text)."""
    return ClockState(
        name=row["name"],
        limit=row["limit_count"],
        unit=row["unit"],
        status=row["status"],
        started_on=_day(row["started_on"]),
        running_since=_optional_day(row["running_since"]),
        consumed=row["consumed"],
        due_on=_day(row["due_on"]),
        provisional=row["provisional"],
        generation=row["generation"],
        rule=row["rule"],
        stops=tuple(
            Stop(_day(each["on"]), _optional_day(each["resumed_on"]), each["reason"])
            for each in row["stops"]
        ),
    )


def _change(clock: ClockState, **changes: Any) -> ClockState:
    """Return the changed clock, its generation raised if its status or due date is another."""
    changed = clock._replace(**changes)
    is_same = changed.status == clock.status and changed.due_on == clock.due_on
    return changed if is_same else changed._replace(generation=clock.generation + 1)


def _project(clock: ClockState, calendar: Calendar) -> ClockState:
    """Return the clock running, due when what is left of its limit is used."""
    return _change(clock, **_due(_deadline(clock, calendar)), status="running")


def _deadline(clock: ClockState, calendar: Calendar) -> Deadline:
    if clock.limit is None or clock.unit is None or clock.running_since is None:
        return Deadline(clock.due_on, clock.provisional, clock.rule)
    if not clock.stops:
        return calendar.project(clock.running_since, clock.limit, clock.unit)
    left = max(0, _total(clock) - clock.consumed)
    deadline = calendar.project(clock.running_since, left, _counted_in(clock))
    named = "个工作日" if clock.unit == "working_days" else "日"
    why = f"停止计时{len(clock.stops)}次（{clock.stops[-1].reason}），已用{clock.consumed}{named}，"
    return deadline._replace(rule=f"{why}剩余{left}{named}；{deadline.rule}")


def _due(deadline: Deadline) -> dict[str, Any]:
    return {"due_on": deadline.on, "provisional": deadline.provisional, "rule": deadline.rule}


def _nominal_due(clock: ClockState) -> date:
    """Return where the period ended before its last day was moved to a working day."""
    if clock.unit == "working_days":
        return clock.due_on
    finished = sum((last - first).days for first, last in _stretches(clock))
    last_start = clock.stops[-1].resumed_on if clock.stops else None
    since = last_start or clock.started_on
    return since + timedelta(days=max(0, _total(clock) - finished))


def _counted_in(clock: ClockState) -> Unit:
    return "working_days" if clock.unit == "working_days" else "days"


def _total(clock: ClockState) -> int:
    """Return the whole limit in the clock's unit of count: months and fixed dates as days."""
    if clock.limit is None or clock.unit is None:
        return (clock.due_on - clock.started_on).days
    if clock.unit == "months":
        return (nominal_end(clock.started_on, clock.limit, "months") - clock.started_on).days
    return clock.limit


def _span(clock: ClockState, first: date, last: date, calendar: Calendar) -> int:
    """Count what is used after `first` up to and including `last`."""
    if clock.unit == "working_days":
        return calendar.working_days_between(calendar.received_on(first), last)
    return max(0, (last - first).days)


def _stretches(clock: ClockState) -> Iterator[tuple[date, date]]:
    """Yield the finished stretches in which the clock ran: from (excluded) to (included)."""
    first = clock.started_on
    for each in clock.stops:
        yield first, each.on
        first = each.resumed_on or each.on


def _working_days_left(clock: ClockState, left: int, on: date, calendar: Calendar) -> int:
    """Return what is left in working days; a stopped natural clock is taken to go on from `on`."""
    if clock.unit == "working_days":
        return left
    return calendar.working_days_between(on, on + timedelta(days=left))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _optional_day(value: date | str | None) -> date | None:
    return None if value is None else _day(value)
