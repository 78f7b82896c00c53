"""Clocks that repeat, and clocks under a calendar that changes."""

from datetime import date, timedelta

import pytest

from caseflow.kernel import clocks
from caseflow.kernel.calendar import Calendar
from caseflow.kernel.errors import InvalidInput
from tests.factories.calendars import CALENDAR

ONE = timedelta(days=1)
FRIDAY = date(2026, 11, 6)


def started(on=FRIDAY, limit=5, unit="working_days"):
    return clocks.start("acceptance", on, CALENDAR, limit=limit, unit=unit)


def stopped(clock, on):
    return clocks.stop(clock, on, "补正", CALENDAR)


def resumed(clock, on):
    return clocks.resume(clock, on, CALENDAR)


# --- repeating clocks -----------------------------------------------------------------------------


@pytest.mark.parametrize("expire", [clocks.expire, lambda clock: clock])
def test_a_monthly_clock_does_not_drift_with_the_working_days_it_was_moved_to(expire):
    clock = started(date(2026, 6, 3), 1, "months")
    dues = [clock.due_on]

    for _ in range(4):
        clock = clocks.rearm(expire(clock), clock.due_on + ONE, CALENDAR)
        dues.append(clock.due_on)

    assert dues == [
        date(2026, 7, 3),
        date(2026, 8, 3),
        date(2026, 9, 3),
        date(2026, 10, 8),  # 10-03 is a holiday
        date(2026, 11, 3),
    ]
    assert clock.started_on == date(2026, 10, 3)


def test_a_late_sweep_loses_no_period():
    clock = clocks.rearm(clocks.expire(started()), date(2026, 12, 31), CALENDAR)

    assert (clock.started_on, clock.due_on) == (date(2026, 11, 13), date(2026, 11, 20))
    assert (clock.status, clock.consumed, clock.stops) == ("running", 0, ())


def test_a_period_with_a_stop_is_followed_by_one_from_its_own_end():
    clock = stopped(started(date(2026, 11, 2), 10, "days"), date(2026, 11, 6))
    clock = resumed(clock, date(2026, 11, 9))
    assert clock.due_on == date(2026, 11, 16)  # 11-15 is a Sunday

    clock = clocks.rearm(clocks.expire(clock), date(2026, 11, 17), CALENDAR)

    assert (clock.started_on, clock.due_on) == (date(2026, 11, 15), date(2026, 11, 25))


@pytest.mark.parametrize("on", [date(2026, 11, 12), date(2026, 11, 13)])
def test_rearming_before_the_end_begins_the_period_on_that_day(on):
    clock = clocks.rearm(started(), on, CALENDAR)

    assert (clock.started_on, clock.due_on) == (on, CALENDAR.add_working_days(on, 5))
    assert clock.generation == 2


def test_rearming_on_the_moved_last_day_begins_the_period_on_that_day():
    clock = started(date(2026, 11, 2), 5, "days")
    assert clock.due_on == date(2026, 11, 9)  # 11-07 is a Saturday

    assert clocks.rearm(clock, clock.due_on, CALENDAR).started_on == date(2026, 11, 9)
    assert clocks.rearm(clock, date(2026, 11, 10), CALENDAR).started_on == date(2026, 11, 7)


def test_rearming_a_stopped_clock_begins_anew_on_that_day():
    clock = clocks.rearm(stopped(started(), date(2026, 11, 10)), date(2026, 11, 30), CALENDAR)

    assert (clock.started_on, clock.due_on) == (date(2026, 11, 30), date(2026, 12, 7))


def test_rearming_without_effect_leaves_the_generation():
    clock = started()

    assert clocks.rearm(clock, FRIDAY, CALENDAR) == clock


def test_a_fixed_date_does_not_repeat():
    with pytest.raises(InvalidInput, match="固定日期"):
        clocks.rearm(clocks.start_until("call", FRIDAY, FRIDAY), FRIDAY, CALENDAR)


# --- a changed calendar ---------------------------------------------------------------------------


def with_2027(*, off=(), working=()):
    """The calendar once 2027 is confirmed; the days are made up for these tests."""
    return Calendar(
        off=CALENDAR.off | set(off),
        working=CALENDAR.working | set(working),
        confirmed_years=frozenset({2026, 2027}),
        version=2,
    )


def test_an_imported_year_moves_the_open_deadline_and_makes_it_certain():
    clock = started(date(2026, 12, 30))
    assert (clock.due_on, clock.provisional) == (date(2027, 1, 7), True)

    moved = clocks.recompute(clock, with_2027(off=[date(2027, 1, 4)]))

    assert (moved.due_on, moved.provisional) == (date(2027, 1, 8), False)
    assert moved.generation == clock.generation + 1
    assert "暂定" not in moved.rule


def test_an_imported_year_that_moves_nothing_leaves_the_generation():
    clock = started(date(2026, 12, 30))

    same = clocks.recompute(clock, with_2027())

    assert (same.due_on, same.provisional) == (clock.due_on, False)
    assert same.generation == clock.generation


def test_a_working_saturday_brings_the_deadline_forward():
    clock = started(date(2026, 12, 30))

    moved = clocks.recompute(clock, with_2027(working=[date(2027, 1, 2)]))

    assert moved.due_on == date(2027, 1, 6)


def test_what_was_used_is_counted_anew_where_the_calendar_changed_behind_it():
    clock = resumed(stopped(started(limit=10), date(2026, 11, 10)), date(2026, 11, 17))
    typhoon = with_2027(off=[date(2026, 11, 9), date(2026, 11, 18)])

    moved = clocks.recompute(clock, typhoon)

    assert (clock.consumed, clock.due_on) == (2, date(2026, 11, 27))
    assert (moved.consumed, moved.due_on) == (1, date(2026, 12, 1))


def test_a_stopped_clock_is_counted_anew_and_stays_stopped():
    clock = stopped(started(), date(2026, 11, 10))

    counted = clocks.recompute(clock, with_2027(off=[date(2026, 11, 9)]))

    assert (counted.consumed, counted.status) == (1, "stopped")
    assert counted.generation == clock.generation


@pytest.mark.parametrize("close", [clocks.end, clocks.expire])
def test_a_closed_clock_is_not_recomputed(close):
    clock = close(started())

    assert clocks.recompute(clock, with_2027(off=[date(2026, 11, 9)])) is clock


def test_a_fixed_date_is_not_recomputed():
    clock = clocks.start_until("call", FRIDAY, date(2026, 11, 22))

    assert clocks.recompute(clock, with_2027(off=[FRIDAY])) == clock
