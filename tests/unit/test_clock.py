from contextlib import contextmanager
from datetime import UTC, timedelta

import pytest

from caseflow.clock import MAX_SKEW, SystemClock, skew


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


# --- skew


@pytest.mark.parametrize("ahead", [timedelta(hours=1), -timedelta(hours=1)])
def test_skew_is_how_far_the_clocks_are_apart_in_either_direction(ahead):
    assert abs(skew(DatabaseClock(ahead)) - timedelta(hours=1)) < timedelta(seconds=5)


def test_a_skew_of_a_second_is_the_alarm():
    assert timedelta(seconds=1) == MAX_SKEW
    assert skew(DatabaseClock(timedelta(seconds=2))) > MAX_SKEW
