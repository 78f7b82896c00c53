"""What a clock shows: its light (domain §6.4), its reminders, its row."""

import json
from datetime import UTC, date, datetime

import pytest

from caseflow.kernel import clocks
from tests.factories.calendars import CALENDAR

FRIDAY = date(2026, 11, 6)


def started(on=FRIDAY, limit=5, unit="working_days"):
    return clocks.start("acceptance", on, CALENDAR, limit=limit, unit=unit)


def stopped(clock, on):
    return clocks.stop(clock, on, "补正", CALENDAR)


def resumed(clock, on):
    return clocks.resume(clock, on, CALENDAR)


# --- lights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "left", "light"),
    [
        (date(2026, 11, 6), 10, "green"),
        (date(2026, 11, 16), 4, "green"),
        (date(2026, 11, 17), 3, "yellow"),  # 30 % exactly
        (date(2026, 11, 18), 2, "yellow"),
        (date(2026, 11, 19), 1, "red"),
        (date(2026, 11, 20), 0, "red"),  # the last day, until 24:00
        (date(2026, 11, 23), -1, "black"),
    ],
)
def test_the_light_of_ten_working_days_turns_at_30_percent_at_one_day_and_when_over(
    on, left, light
):
    clock = started(limit=10)

    assert clocks.remaining(clock, on, CALENDAR) == left
    assert clocks.light(clock, on, CALENDAR) == light
    expired = clocks.expire(clock)
    assert left > 0 or clocks.light(expired, on, CALENDAR) == light


@pytest.mark.parametrize(
    ("on", "light"),
    [
        (date(2026, 11, 9), "green"),  # 10 of 30 days left are 33 %
        (date(2026, 11, 10), "yellow"),  # 9: 30 %
        (date(2026, 11, 17), "yellow"),  # Tuesday: Wednesday and Thursday are left
        (date(2026, 11, 18), "red"),
        (date(2026, 11, 19), "red"),
        (date(2026, 11, 20), "black"),
    ],
)
def test_the_light_of_natural_days_turns_red_at_one_working_day(on, light):
    clock = started(date(2026, 10, 20), 30, "days")

    assert clocks.light(clock, on, CALENDAR) == light


def test_a_weekend_before_the_last_day_is_red_from_friday():
    clock = started(date(2026, 10, 12), 28, "days")
    assert clock.due_on == date(2026, 11, 9)  # Monday

    assert clocks.light(clock, date(2026, 11, 5), CALENDAR) == "yellow"
    assert clocks.light(clock, date(2026, 11, 6), CALENDAR) == "red"


def test_the_light_stands_still_while_the_clock_does():
    clock = stopped(started(limit=10), date(2026, 11, 10))

    assert clocks.light(clock, date(2027, 6, 1), CALENDAR) == "green"


# --- reminders ------------------------------------------------------------------------------------


def test_reminders_go_out_at_nine_in_shanghai_before_on_and_after_the_last_day():
    clock = started(limit=10)  # due Fri 2026-11-20

    assert clocks.reminders(clock, (0, 7, 1, 3)) == [
        ("T-7", datetime(2026, 11, 13, 1, tzinfo=UTC)),
        ("T-3", datetime(2026, 11, 17, 1, tzinfo=UTC)),
        ("T-1", datetime(2026, 11, 19, 1, tzinfo=UTC)),
        ("T-0", datetime(2026, 11, 20, 1, tzinfo=UTC)),
        ("overdue", datetime(2026, 11, 21, 1, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(("days", "kept"), [(6, True), (7, False), (8, False)])
def test_a_reminder_not_after_the_start_is_left_out(days, kept):
    clock = started()  # seven natural days

    assert (f"T-{days}" in [each.rule for each in clocks.reminders(clock, (days,))]) is kept


def test_a_moved_deadline_reminds_anew_after_it_resumed():
    clock = resumed(stopped(started(), date(2026, 11, 10)), date(2026, 11, 17))

    assert [each.rule for each in clocks.reminders(clock, (7, 3, 1))] == ["T-1", "overdue"]


def test_a_reminder_asked_for_twice_goes_out_once():
    assert [each.rule for each in clocks.reminders(started(), (1, 1))] == ["T-1", "overdue"]


def test_an_expired_clock_reminds_only_that_it_is_overdue():
    assert [each.rule for each in clocks.reminders(clocks.expire(started()), (3, 0))] == ["overdue"]


@pytest.mark.parametrize("clock", [stopped(started(), FRIDAY), clocks.end(started())])
def test_a_clock_that_does_not_run_does_not_remind(clock):
    assert clocks.reminders(clock, (1, 0)) == []


def test_a_clock_that_asks_for_no_reminder_has_none():
    assert clocks.reminders(started(), ()) == []


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "clock",
    [
        started(),
        stopped(started(), date(2026, 11, 10)),
        resumed(stopped(started(), date(2026, 11, 10)), date(2026, 11, 17)),
        clocks.start_until("call", FRIDAY, date(2026, 11, 22)),
    ],
)
def test_a_clock_survives_json(clock):
    assert clocks.from_row(json.loads(json.dumps(clocks.to_row(clock)))) == clock


def test_a_row_is_named_as_the_table_and_has_the_due_instant():
    row = clocks.to_row(started())

    assert (row["limit_count"], row["due_on"]) == (5, "2026-11-13")
    assert row["due_at"] == "2026-11-13T16:00:00+00:00"
    assert "limit" not in row


def test_a_row_from_the_database_has_dates():
    row = clocks.to_row(started())

    clock = clocks.from_row({**row, "started_on": FRIDAY, "case_id": 7})

    assert clock == started()
