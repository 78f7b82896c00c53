"""Working days and periods: the oracles of domain §6.2 and §6.3, and what always holds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.calendar import (
    due_at,
    local_date,
    nominal_end,
    shanghai_instant,
)
from caseflow.kernel.errors import CalendarMissing, InvalidInput
from tests.factories.calendars import CALENDAR

ONE = timedelta(days=1)
IN_2026 = st.dates(date(2026, 1, 1), date(2026, 9, 30))


def days_of_2026():
    return [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


def test_2026_has_248_working_days():
    assert sum(map(CALENDAR.is_working, days_of_2026())) == 248


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 1), date(2026, 1, 3)),
        (date(2026, 2, 15), date(2026, 2, 23)),
        (date(2026, 4, 4), date(2026, 4, 6)),
        (date(2026, 5, 1), date(2026, 5, 5)),
        (date(2026, 6, 19), date(2026, 6, 21)),
        (date(2026, 9, 25), date(2026, 9, 27)),
        (date(2026, 10, 1), date(2026, 10, 7)),
    ],
)
def test_every_day_of_a_holiday_is_off_and_the_working_day_beside_it_is_not(first, last):
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]

    assert not any(map(CALENDAR.is_working, days))
    assert CALENDAR.is_working(CALENDAR.received_on(last + ONE))


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ],
)
def test_a_make_up_weekend_day_counts(day):
    assert day.weekday() >= 5
    assert CALENDAR.is_working(day)


def test_the_only_working_weekends_of_2026_are_the_six_of_the_notice():
    assert sum(day.weekday() >= 5 and CALENDAR.is_working(day) for day in days_of_2026()) == 6


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (date(2026, 2, 12), 5, date(2026, 2, 26)),
        (date(2026, 2, 13), 5, date(2026, 2, 27)),
        (date(2026, 4, 30), 5, date(2026, 5, 11)),
        (date(2026, 5, 8), 1, date(2026, 5, 9)),
        (date(2026, 9, 18), 5, date(2026, 9, 24)),
        (date(2026, 9, 24), 7, date(2026, 10, 12)),
        (date(2026, 9, 30), 5, date(2026, 10, 13)),
        (date(2026, 12, 28), 3, date(2026, 12, 31)),
        (date(2026, 12, 18), 5, date(2026, 12, 25)),
    ],
)
def test_working_days_are_counted_as_the_handbook_says(start, count, expected):
    assert CALENDAR.add_working_days(start, count) == expected
    assert CALENDAR.project(start, count, "working_days").on == expected
    assert CALENDAR.working_days_between(start, expected) == count


@pytest.mark.parametrize(("start", "count"), [((2026, 12, 28), 5), ((2026, 12, 30), 5)])
def test_a_period_into_a_missing_year_is_refused_and_the_year_is_named(start, count):
    with pytest.raises(CalendarMissing, match="2027") as refusal:
        CALENDAR.add_working_days(date(*start), count)

    assert refusal.value.details == {"year": 2027}


def test_the_first_working_day_of_a_missing_year_is_already_refused():
    last = date(2026, 12, 31)

    assert CALENDAR.add_working_days(last, 0) == last
    with pytest.raises(CalendarMissing):
        CALENDAR.add_working_days(last, 1)


@pytest.mark.parametrize(
    ("arrived", "received"),
    [
        (date(2026, 11, 6), date(2026, 11, 6)),  # Friday
        (date(2026, 11, 7), date(2026, 11, 9)),  # Saturday
        (date(2026, 11, 8), date(2026, 11, 9)),
        (date(2026, 10, 1), date(2026, 10, 8)),
        (date(2026, 5, 9), date(2026, 5, 9)),  # a Saturday that works
    ],
)
def test_what_arrives_on_a_day_off_counts_as_received_on_the_next_working_day(arrived, received):
    assert CALENDAR.received_on(arrived) == received


def test_five_working_days_from_a_saturday_are_counted_from_the_monday():
    deadline = CALENDAR.project(date(2026, 11, 7), 5, "working_days")

    assert deadline.on == date(2026, 11, 16)
    assert "2026-11-07为休息日，视为2026-11-09收到" in deadline.rule


@pytest.mark.parametrize(
    ("limit", "expected", "moved"),
    [
        (57, date(2026, 9, 30), False),
        (58, date(2026, 10, 8), True),
        (60, date(2026, 10, 8), True),
        (64, date(2026, 10, 8), True),
        (65, date(2026, 10, 8), False),
        (66, date(2026, 10, 9), False),
    ],
)
def test_a_natural_period_that_ends_on_a_holiday_ends_on_the_next_working_day(
    limit, expected, moved
):
    deadline = CALENDAR.project(date(2026, 8, 4), limit, "days")

    assert (deadline.on, deadline.provisional) == (expected, False)
    assert ("第二百零三条" in deadline.rule) is moved


def test_six_months_from_31_august_end_after_the_last_sunday_of_february_provisionally():
    deadline = CALENDAR.project(date(2026, 8, 31), 6, "months")

    assert deadline.on == date(2027, 3, 1)
    assert deadline.provisional
    assert "末日2027-02-28为休息日，顺延至2027-03-01" in deadline.rule
    assert "2027年放假安排尚未确认" in deadline.rule


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 5, 14), 24, date(2028, 5, 14)),
    ],
)
def test_a_month_ends_on_the_same_day_or_on_its_last(start, months, expected):
    assert nominal_end(start, months, "months") == expected


def test_only_the_days_that_decide_make_a_deadline_provisional():
    within = CALENDAR.project(date(2026, 12, 28), 3, "working_days")
    across = CALENDAR.project(date(2026, 12, 28), 4, "working_days")

    assert (within.on, within.provisional) == (date(2026, 12, 31), False)
    assert (across.on, across.provisional) == (date(2027, 1, 4), True)


def test_a_natural_period_that_ends_in_a_confirmed_year_is_certain_wherever_it_began():
    deadline = CALENDAR.project(date(2025, 12, 20), 30, "days")

    assert (deadline.on, deadline.provisional) == (date(2026, 1, 19), False)


def test_every_missing_year_of_a_long_period_is_named():
    deadline = CALENDAR.project(date(2026, 12, 31), 300, "working_days")

    assert "2027、2028年放假安排尚未确认" in deadline.rule


@pytest.mark.parametrize("unit", ["working_days", "days", "months"])
def test_a_negative_limit_is_refused(unit):
    with pytest.raises(InvalidInput, match="-1"):
        CALENDAR.project(date(2026, 8, 4), -1, unit)


def test_no_working_day_lies_between_a_day_and_itself_or_an_earlier_one():
    assert CALENDAR.working_days_between(date(2026, 8, 4), date(2026, 8, 4)) == 0
    assert CALENDAR.working_days_between(date(2026, 8, 4), date(2026, 8, 3)) == 0


def test_a_day_is_over_at_midnight_in_shanghai():
    over = due_at(date(2026, 12, 25))

    assert over == datetime(2026, 12, 25, 16, tzinfo=UTC)
    assert local_date(over) == date(2026, 12, 26)
    assert local_date(over - timedelta(microseconds=1)) == date(2026, 12, 25)


def test_the_last_day_of_the_policy_is_over_on_the_31st_at_24():
    assert due_at(date(2027, 12, 31)) == datetime(2027, 12, 31, 16, tzinfo=UTC)


def test_nine_in_shanghai_is_one_in_the_morning_utc():
    assert shanghai_instant(date(2026, 12, 25), hour=9) == datetime(2026, 12, 25, 1, tzinfo=UTC)


def test_an_instant_without_a_zone_has_no_date():
    with pytest.raises(InvalidInput, match="时区"):
        local_date(datetime(2026, 12, 25, 12))  # noqa: DTZ001 - the fault under test


@given(IN_2026, st.integers(0, 50), st.sampled_from(["working_days", "days"]))
def test_no_deadline_falls_on_a_day_off_or_before_its_start(start, limit, unit):
    deadline = CALENDAR.project(start, limit, unit)

    assert CALENDAR.is_working(deadline.on)
    assert deadline.on >= start
    assert not deadline.provisional


@given(IN_2026, st.integers(0, 50))
def test_adding_working_days_and_counting_them_are_inverse(start, count):
    received = CALENDAR.received_on(start)

    on = CALENDAR.add_working_days(start, count)

    assert CALENDAR.working_days_between(received, on) == count


@given(IN_2026, st.integers(0, 25), st.integers(0, 25))
def test_working_days_may_be_added_in_two_goes(start, first, second):
    halfway = CALENDAR.add_working_days(start, first)

    assert CALENDAR.add_working_days(halfway, second) == CALENDAR.add_working_days(
        start, first + second
    )


@given(IN_2026, st.integers(0, 50), st.sampled_from(["working_days", "days"]))
def test_a_later_start_never_ends_earlier(start, limit, unit):
    assert CALENDAR.project(start, limit, unit).on <= CALENDAR.project(start + ONE, limit, unit).on
