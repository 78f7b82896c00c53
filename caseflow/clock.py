"""The only reader of the time: the system's clock, and one virtual clock shared by processes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

MAX_SKEW = timedelta(seconds=1)


class Clock(Protocol):
    """Whoever needs the time is given one of these, or the instant itself as `at`."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place


class VirtualClock:
    """One database row that all processes of a rehearsal share; it moves only when moved."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Any]]) -> None:
        self._connect = connect

    def now(self) -> datetime:
        """Return the instant in the row."""
        with self._connect() as connection:
            row = connection.execute("SELECT at FROM virtual_clock").fetchone()
        at: datetime = row[0]
        return at.astimezone(UTC)

    def move_to(self, at: datetime) -> None:
        """Set the instant; the row refuses to go back."""
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO virtual_clock (id, at) VALUES (1, %s)"
                " ON CONFLICT (id) DO UPDATE SET at = greatest(virtual_clock.at, excluded.at)",
                (at,),
            )


def clock_for(connect: Callable[[], AbstractContextManager[Any]]) -> Clock:
    """Return the virtual clock where its row exists, the system's otherwise."""
    with connect() as connection:
        row = connection.execute("SELECT count(*) FROM virtual_clock").fetchone()
    return VirtualClock(connect) if row and row[0] else SystemClock()


def skew(connect: Callable[[], AbstractContextManager[Any]]) -> timedelta:
    """Return how far this machine's clock is from the database's; over `MAX_SKEW` is an alarm."""
    before = SystemClock().now()
    with connect() as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = SystemClock().now()
    middle = before + (after - before) / 2
    database: datetime = row[0]
    return abs(database - middle)
