"""The virtual clock is one row of the database: it goes on, never back, and is everybody's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import psycopg
import pytest

from caseflow.clock import MAX_SKEW, SystemClock, VirtualClock, clock_for, skew
from caseflow.database.access import Database
from tests.integration.kept_database import keep

START = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SHANGHAI = timezone(timedelta(hours=8))


@pytest.fixture(scope="module")
def kept(server, empty_template) -> Iterator[Database]:
    yield from keep(server, empty_template)


@pytest.fixture
def database(kept: Database) -> Database:
    """A house without a virtual clock; only its owner can take one away."""
    owner = kept.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("DELETE FROM virtual_clock")
    return kept


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
