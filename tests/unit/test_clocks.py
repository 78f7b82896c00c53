"""Clocks: the dates of domain §6.6 to the day, stopping and resuming, what always holds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel import clocks
from caseflow.kernel.calendar import due_at, local_date
from caseflow.kernel.errors import CalendarMissing, InvalidInput
from tests.factories.calendars import CALENDAR

ONE = timedelta(days=1)
FRIDAY = date(2026, 11, 6)
UNITS = st.sampled_from(["working_days", "days", "months"])
STARTS = st.dates(date(2026, 1, 1), date(2026, 9, 1))


def started(on=FRIDAY, limit=5, unit="working_days"):
    return clocks.start("acceptance", on, CALENDAR, limit=limit, unit=unit)


def stopped(clock, on):
    return clocks.stop(clock, on, "补正", CALENDAR)


def resumed(clock, on):
    return clocks.resume(clock, on, CALENDAR)


# --- domain §6.6, to the day -------------------------------------------------------------------


def test_the_acceptance_clock_of_the_fixture_case_is_due_on_13_november():
    clock = started()

    assert (clock.due_on, clock.status, clock.generation) == (date(2026, 11, 13), "running", 1)
    assert not clock.provisional


def test_the_correction_of_the_fixture_case_uses_two_days_and_stops_the_clock():
    clock = stopped(started(), date(2026, 11, 10))

    assert (clock.consumed, clock.status, clock.generation) == (2, "stopped", 2)
    assert clock.stops == (clocks.Stop(date(2026, 11, 10), None, "补正"),)
    assert clocks.remaining(clock, date(2026, 11, 16), CALENDAR) == 3


def test_the_resubmission_of_the_fixture_case_leaves_three_days_until_20_november():
    clock = resumed(stopped(started(), date(2026, 11, 10)), date(2026, 11, 17))

    assert (clock.due_on, clock.status, clock.generation) == (date(2026, 11, 20), "running", 3)
    assert clock.stops == (clocks.Stop(date(2026, 11, 10), date(2026, 11, 17), "补正"),)
    assert "停止计时1次（补正），已用2个工作日，剩余3个工作日" in clock.rule


@pytest.mark.parametrize(
    ("on", "limit", "due"),
    [
        (date(2026, 11, 18), 10, date(2026, 12, 2)),  # district review
        (date(2026, 12, 2), 20, date(2026, 12, 30)),  # city review
        (date(2026, 12, 18), 5, date(2026, 12, 25)),  # publicity
    ],
)
def test_the_reviews_and_the_publicity_of_the_fixture_case_end_as_the_handbook_says(on, limit, due):
    clock = started(on, limit)

    assert (clock.due_on, clock.provisional) == (due, False)


def test_the_audit_of_the_fixture_case_moves_the_city_review_to_14_january_provisionally():
    clock = stopped(started(date(2026, 12, 2), 20), date(2026, 12, 3))

    clock = resumed(clock, date(2026, 12, 17))

    assert CALENDAR.working_days_between(date(2026, 12, 3), date(2026, 12, 17)) == 10
    assert (clock.consumed, clock.due_on, clock.provisional) == (1, date(2027, 1, 14), True)


def test_the_publicity_of_the_fixture_case_is_over_five_minutes_before_its_job_runs():
    job = datetime(2026, 12, 25, 16, 5, tzinfo=UTC)

    assert local_date(job) == date(2026, 12, 26)
    assert job - due_at(started(date(2026, 12, 18)).due_on) == timedelta(minutes=5)


def test_a_publicity_from_30_december_is_certain_only_with_the_notice_of_2027():
    start = date(2026, 12, 30)

    assert started(start).provisional
    with pytest.raises(CalendarMissing):
        CALENDAR.add_working_days(start, 5)


# --- stopping, resuming, ending -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "consumed"),
    [
        (date(2026, 11, 6), 0),  # the day it started
        (date(2026, 11, 8), 0),  # the weekend
        (date(2026, 11, 9), 1),
        (date(2026, 11, 13), 5),  # its last day
        (date(2026, 11, 16), 6),  # too late
    ],
)
def test_the_day_it_stops_counts_as_used(on, consumed):
    assert stopped(started(), on).consumed == consumed


@pytest.mark.parametrize(
    ("on", "due"),
    [
        (date(2026, 11, 13), date(2026, 11, 13)),  # at once
        (date(2026, 11, 20), date(2026, 11, 20)),
        (date(2026, 11, 21), date(2026, 11, 23)),  # a Saturday counts as the Monday
    ],
)
def test_a_clock_stopped_on_its_last_day_is_due_on_the_day_it_resumes(on, due):
    assert resumed(stopped(started(), date(2026, 11, 13)), on).due_on == due


def test_a_clock_stopped_after_its_last_day_is_due_on_the_day_it_resumes():
    clock = resumed(stopped(started(), date(2026, 11, 16)), date(2026, 11, 20))

    assert clock.due_on == date(2026, 11, 20)


def test_a_clock_in_days_gets_back_the_natural_days_it_stood_still():
    clock = stopped(started(date(2026, 11, 2), 30, "days"), date(2026, 11, 12))
    assert clocks.remaining(clock, date(2026, 11, 15), CALENDAR) == 20

    clock = resumed(clock, date(2026, 11, 19))

    assert (clock.consumed, clock.due_on) == (10, date(2026, 12, 9))
    assert "已用10日，剩余20日" in clock.rule


def test_a_clock_in_months_gets_back_the_natural_days_it_stood_still():
    clock = started(date(2026, 3, 2), 3, "months")
    assert clock.due_on == date(2026, 6, 2)

    clock = resumed(stopped(clock, date(2026, 4, 1)), date(2026, 4, 8))

    assert (clock.consumed, clock.due_on) == (30, date(2026, 6, 9))


def test_a_fixed_date_is_moved_neither_by_a_day_off_nor_by_a_stop():
    clock = clocks.start_until("call", FRIDAY, date(2026, 11, 22), rule="申报截止日")
    assert clock.rule == "申报截止日：2026-11-22"

    clock = resumed(stopped(clock, date(2026, 11, 10)), date(2026, 11, 20))

    assert (clock.due_on, clock.provisional) == (date(2026, 11, 22), False)
    assert clocks.used(clock, date(2026, 11, 21), CALENDAR) == 5
    assert clocks.remaining(clock, date(2026, 11, 21), CALENDAR) == 1


def test_an_expired_fixed_date_has_used_all_its_days():
    clock = clocks.expire(clocks.start_until("call", FRIDAY, date(2026, 11, 22)))

    assert clock.consumed == 16
    assert clocks.remaining(clock, date(2026, 11, 24), CALENDAR) == -2
    assert clocks.used(clock, date(2026, 11, 24), CALENDAR) == 18


def test_stopping_a_stopped_clock_keeps_the_first_reason():
    clock = stopped(started(), date(2026, 11, 10))

    assert clocks.stop(clock, date(2026, 11, 11), "中止", CALENDAR) is clock


def test_resuming_a_running_clock_changes_nothing():
    clock = started()

    assert resumed(clock, date(2026, 11, 10)) is clock


def test_a_clock_cannot_resume_before_it_stopped():
    clock = stopped(started(), date(2026, 11, 10))

    assert resumed(clock, date(2026, 11, 10)).due_on == date(2026, 11, 13)
    with pytest.raises(InvalidInput, match="2026-11-09"):
        resumed(clock, date(2026, 11, 9))


def test_a_clock_may_stop_many_times_and_keeps_every_stop():
    clock = started(limit=20)

    for stop, again in [((11, 10), (11, 12)), ((11, 16), (11, 18)), ((11, 20), (11, 24))]:
        clock = resumed(stopped(clock, date(2026, *stop)), date(2026, *again))

    assert (clock.consumed, len(clock.stops), clock.generation) == (2 + 2 + 2, 3, 7)
    assert clock.due_on == CALENDAR.add_working_days(date(2026, 11, 24), 14)
    assert clocks.recompute(clock, CALENDAR) == clock


def test_an_ended_clock_waits_for_nothing_and_cannot_come_back():
    clock = clocks.end(started())

    assert (clock.status, clock.running_since, clock.generation) == ("ended", None, 2)
    assert clocks.end(clock) == clock
    assert clocks.expire(clock) is clock
    assert resumed(clock, FRIDAY) is clock
    assert clocks.remaining(clock, FRIDAY, CALENDAR) == 0
    assert clocks.light(clock, FRIDAY, CALENDAR) == "off"


def test_an_expired_clock_has_used_its_limit_and_goes_on_counting_as_overdue():
    clock = clocks.expire(started())

    assert (clock.status, clock.running_since, clock.consumed) == ("expired", None, 5)
    assert clock.generation == 2
    for on, over in [((11, 13), 0), ((11, 14), 0), ((11, 16), 1), ((11, 17), 2)]:
        assert clocks.used(clock, date(2026, *on), CALENDAR) == 5 + over
        assert clocks.remaining(clock, date(2026, *on), CALENDAR) == -over
    assert clocks.expire(clock) is clock


def test_a_clock_armed_again_goes_on_with_the_next_generation():
    clock = clocks.end(started())

    again = clocks.start("acceptance", FRIDAY, CALENDAR, limit=5, unit="days", generation=3)

    assert again.generation == clock.generation + 1


# --- what always holds ----------------------------------------------------------------------------


@given(STARTS, st.integers(0, 60), st.integers(0, 120))
def test_used_and_remaining_working_days_are_the_limit(start, limit, later):
    clock = started(start, limit)
    on = start + timedelta(days=later)

    assert clocks.used(clock, on, CALENDAR) + clocks.remaining(clock, on, CALENDAR) == limit


@given(STARTS, st.integers(0, 60), st.lists(st.integers(0, 9), max_size=6))
def test_used_and_remaining_are_the_limit_however_often_it_stops(start, limit, pauses):
    clock, on = started(start, limit), start

    for number, days in enumerate(pauses):
        on += timedelta(days=days)
        clock = (stopped if number % 2 == 0 else resumed)(clock, on)
        assert clocks.used(clock, on, CALENDAR) + clocks.remaining(clock, on, CALENDAR) == limit


@given(STARTS, st.integers(1, 90), st.integers(0, 60))
def test_used_and_remaining_days_are_the_limit_and_the_move_to_a_working_day(start, limit, later):
    clock = started(start, limit, "days")
    on = start + timedelta(days=later)
    moved = (clock.due_on - start).days - limit

    assert clocks.used(clock, on, CALENDAR) + clocks.remaining(clock, on, CALENDAR) == limit + moved


@given(STARTS, st.integers(0, 30), UNITS, st.integers(0, 40), st.integers(0, 40))
def test_stopping_and_resuming_never_shortens_and_never_ends_on_a_day_off(
    start, limit, unit, before, pause
):
    limit = limit // 6 if unit == "months" else limit
    clock = started(start, limit, unit)
    stop = start + timedelta(days=before)

    again = resumed(stopped(clock, stop), stop + timedelta(days=pause))

    assert again.due_on >= clock.due_on
    assert CALENDAR.is_working(again.due_on)
    assert again.generation == 3


@given(STARTS, st.integers(0, 30), UNITS, st.integers(0, 40), st.integers(0, 40))
def test_recomputing_under_the_same_calendar_changes_nothing(start, limit, unit, before, pause):
    limit = limit // 6 if unit == "months" else limit
    clock = stopped(started(start, limit, unit), start + timedelta(days=before))
    assert clocks.recompute(clock, CALENDAR) == clock

    clock = resumed(clock, clock.stops[-1].on + timedelta(days=pause))

    assert clocks.recompute(clock, CALENDAR) == clock


@given(STARTS, st.integers(0, 20), st.integers(1, 20))
def test_nothing_is_left_on_the_last_day_and_one_day_too_much_is_used_on_the_next(
    start, limit, later
):
    clock = started(start, limit)
    over = CALENDAR.add_working_days(clock.due_on, later)

    assert clocks.remaining(clock, clock.due_on, CALENDAR) == 0
    assert clocks.remaining(clock, over, CALENDAR) == -later
    assert clocks.light(clock, over, CALENDAR) == "black"


def test_a_clock_is_a_value():
    clock = started()

    assert clock._replace(due_on=clock.due_on) == clock
    with pytest.raises(AttributeError):
        clock.due_on = FRIDAY
