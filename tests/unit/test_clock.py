from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest

from caseflow.clock import MAX_SKEW, SystemClock, VirtualClock, clock_for, skew

START = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SHANGHAI = timezone(timedelta(hours=8))


class DatabaseClock:
    """A connection that answers every question with one instant."""

    def __init__(self, ahead):
        self._ahead = ahead

    @contextmanager
    def __call__(self):
        yield self

    def execute(self, _statement):
        return self

    def fetchone(self):
        return (SystemClock().now() + self._ahead,)


def test_the_systems_clock_tells_utc_and_goes_on():
    first, second = SystemClock().now(), SystemClock().now()

    assert first.tzinfo is UTC
    assert first <= second


# --- the virtual clock


def test_a_virtual_clock_stands_where_it_was_moved_to(database):
    clock = VirtualClock(database.connect)

    clock.move_to(START + MICROSECOND)

    assert clock.now() == clock.now() == START + MICROSECOND
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("by", "now"),
    [
        (-timedelta(days=365), START),
        (-MICROSECOND, START),
        (timedelta(0), START),
        (MICROSECOND, START + MICROSECOND),
        (timedelta(days=365), START + timedelta(days=365)),
    ],
)
def test_a_virtual_clock_goes_on_and_never_back(database, by, now):
    clock = VirtualClock(database.connect)
    clock.move_to(START)

    clock.move_to(START + by)

    assert clock.now() == now


def test_a_virtual_clock_moved_in_another_zone_tells_the_same_instant(database):
    clock = VirtualClock(database.connect)

    clock.move_to(START.astimezone(SHANGHAI))

    assert clock.now() == START
    assert clock.now().utcoffset() == timedelta(0)


def test_all_who_share_the_row_see_the_same_time(database):
    one, other = VirtualClock(database.connect), VirtualClock(database.connect)
    one.move_to(START)

    other.move_to(START + timedelta(days=1))

    assert one.now() == START + timedelta(days=1)


def test_of_many_who_move_it_at_once_the_farthest_wins(database):
    clock = VirtualClock(database.connect)
    days = [3, 1, 8, 5, 2, 7, 4, 6]
    movers = [Thread(target=clock.move_to, args=(START + timedelta(days=day),)) for day in days]

    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()

    assert clock.now() == START + timedelta(days=8)


# --- which clock


def test_a_house_without_a_virtual_clock_runs_on_the_systems(database):
    assert isinstance(clock_for(database.connect), SystemClock)


def test_a_house_with_a_virtual_clock_runs_on_it(database):
    VirtualClock(database.connect).move_to(START)

    clock = clock_for(database.connect)

    assert isinstance(clock, VirtualClock)
    assert clock.now() == START


# --- skew


def test_a_database_on_this_machine_has_no_skew(database):
    assert timedelta(0) <= skew(database.connect) < MAX_SKEW


@pytest.mark.parametrize("ahead", [timedelta(hours=1), -timedelta(hours=1)])
def test_skew_is_how_far_the_clocks_are_apart_in_either_direction(ahead):
    assert abs(skew(DatabaseClock(ahead)) - timedelta(hours=1)) < timedelta(seconds=5)


def test_a_skew_of_a_second_is_the_alarm():
    assert timedelta(seconds=1) == MAX_SKEW
    assert skew(DatabaseClock(timedelta(seconds=2))) > MAX_SKEW
