"""A clock under another version of its workflow: what was used stays used, or it begins anew."""

from dataclasses import replace
from datetime import date

import pytest

from caseflow.kernel import clocks
from caseflow.kernel.carrying import carry, is_carried_as_is
from caseflow.kernel.workflow.model import Clock
from tests.factories.calendars import CALENDAR

START, STOP, ON = date(2026, 10, 12), date(2026, 10, 16), date(2026, 10, 21)
FIVE = Clock("c", "时限", "late", limit=5, unit="working_days")
TEN = replace(FIVE, limit=10)


def running(limit=5, unit="working_days"):
    return clocks.start("c", START, CALENDAR, limit=limit, unit=unit)


def carried(clock, definition, treatment="keep", until=None, name="c"):
    return carry(
        clock, definition, name=name, on=ON, calendar=CALENDAR, until=until,
        treatment=treatment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "due_on"),
    [(6, date(2026, 10, 20)), (7, date(2026, 10, 21)), (10, date(2026, 10, 26))],
)
def test_what_was_used_stays_used_under_a_longer_limit(limit, due_on):
    found = carried(running(), replace(FIVE, limit=limit))

    assert (found.status, found.limit, found.due_on) == ("running", limit, due_on)
    assert found.generation == 2


def test_begun_anew_it_has_the_whole_limit_from_today():
    found = carried(running(), TEN, "restart", name="d")

    assert (found.name, found.started_on, found.due_on) == ("d", ON, date(2026, 11, 4))
    assert found.generation == 2


def test_one_that_stands_still_stays_so_and_days_are_counted_anew_in_the_new_unit():
    stopped = clocks.stop(running(), STOP, "补正", CALENDAR)

    kept = carried(stopped, replace(FIVE, limit=30, unit="days"))
    anew = carried(stopped, TEN, "restart")

    assert (stopped.consumed, kept.consumed) == (4, 4)
    assert (kept.status, kept.unit, kept.generation) == ("stopped", "days", stopped.generation + 1)
    assert clocks.resume(kept, ON, CALENDAR).due_on == date(2026, 11, 16)
    assert (anew.status, anew.consumed, anew.stops[-1].reason) == ("stopped", 0, "补正")


def test_a_fixed_date_is_that_of_the_new_version_or_stays():
    fixed = clocks.start_until("c", START, date(2026, 12, 1))
    until = Clock("c", "截止", "late", until="policy_ends_on")

    moved = carried(fixed, until, until=date(2027, 6, 30))
    same = carried(fixed, until)

    assert (moved.due_on, moved.generation) == (date(2027, 6, 30), 2)
    assert (same.due_on, same.generation) == (date(2026, 12, 1), 2)


def test_nothing_is_touched_where_limit_reminders_and_name_are_the_same():
    clock = running()

    assert is_carried_as_is(clock, FIVE, FIVE, "c")
    assert is_carried_as_is(clock, FIVE, replace(FIVE, title="别的名称"), "c")
    assert not is_carried_as_is(clock, FIVE, TEN, "c")
    assert not is_carried_as_is(clock, FIVE, replace(FIVE, remind=(1,)), "c")
    assert not is_carried_as_is(clock, FIVE, FIVE, "d")
    assert not is_carried_as_is(clock, None, FIVE, "c")
