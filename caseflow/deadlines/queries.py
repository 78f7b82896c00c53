"""What can be asked about calendars and clocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import Connection as DriverConnection
from psycopg.rows import class_row, dict_row, tuple_row
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from caseflow.kernel.calendar import Calendar
from caseflow.kernel.clocks import ClockState, from_row
from caseflow.kernel.errors import Unavailable

AnyConnection = DriverConnection[Any] | Connection | Session

CALENDAR_STAMP = "(SELECT s.version || '.' || s.xmin FROM calendar_state s)"
"""An SQL expression of the calendar's stamp, for a statement that reads it along the way.

It holds the writing transaction's id besides the version, so that a calendar seen before a
rollback is never taken for the one committed later under the same version.
"""
_CALENDAR = """
SELECT day, kind FROM calendar_day
UNION ALL
SELECT make_date(year, 1, 1), 'confirmed' FROM calendar_year WHERE status = 'confirmed'
"""
_YEARS = """
SELECT year, status, source, imported_by, imported_at, confirmed_by, confirmed_at,
       (SELECT count(*) FROM calendar_day d WHERE d.year = y.year AND kind = 'off') AS days_off,
       (SELECT count(*) FROM calendar_day d WHERE d.year = y.year AND kind = 'work') AS days_worked
FROM calendar_year y
ORDER BY year
"""
_OPEN_CLOCKS = """
SELECT case_id, name, status, limit_count, unit, started_on, running_since, consumed, due_on,
       provisional, generation, rule, stops
FROM clock
WHERE status IN ('running', 'stopped') AND unit IS NOT NULL
  AND started_on <= %(last)s AND due_on >= %(first)s
  AND (case_id, name) > (%(after_case)s, %(after_name)s)
ORDER BY case_id, name
LIMIT %(limit)s
"""

_calendars: dict[tuple[str, int, str], tuple[str, Calendar]] = {}
_databases: WeakKeyDictionary[DriverConnection[Any], tuple[str, int, str]] = WeakKeyDictionary()
"""Which database a connection leads to: asking it costs more than the rest of a look."""


@dataclass(frozen=True)
class YearOverview:
    """A calendar year as people see it; the two counts are of days that differ from the week."""

    year: int
    status: str
    source: str
    imported_by: int | None
    imported_at: datetime
    confirmed_by: int | None
    confirmed_at: datetime | None
    days_off: int
    days_worked: int


@dataclass(frozen=True)
class OpenClock:
    """A running or stopped clock and its case."""

    case_id: int
    clock: ClockState


def load_calendar(connection: AnyConnection, stamp: str | None = None) -> Calendar:
    """Return the calendar, read again only when it has changed since this process last read it.

    Whoever has just read `CALENDAR_STAMP` gives it, and saves the trip that asks for it.
    """
    driver = _driver(connection)
    key = _databases.get(driver) or _database(driver)
    stamp = stamp or _stamp(driver)
    known = _calendars.get(key)
    if known is not None and known[0] == stamp:
        return known[1]
    calendar = _read_calendar(driver, version=int(stamp.partition(".")[0]))
    _calendars[key] = (stamp, calendar)
    return calendar


def years(connection: AnyConnection) -> list[YearOverview]:
    """Return every known year in order, with who imported and who confirmed it."""
    with _driver(connection).cursor(row_factory=class_row(YearOverview)) as cursor:
        return cursor.execute(_YEARS).fetchall()


def clocks_to_recompute(
    connection: AnyConnection,
    year: int,
    *,
    after: tuple[int, str] = (0, ""),
    limit: int = 1_000,
) -> list[OpenClock]:
    """Return open clocks that a change of `year` may move, in (case, name) order after `after`.

    Clocks with a fixed date are not among them. Page on with the last row's case id and name.
    """
    bounds = {"first": date(year, 1, 1), "last": date(year, 12, 31)}
    place = {"after_case": after[0], "after_name": after[1], "limit": limit}
    with _driver(connection).cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_OPEN_CLOCKS, {**bounds, **place}).fetchall()
    return [OpenClock(row["case_id"], from_row(row)) for row in rows]


def _driver(connection: AnyConnection) -> DriverConnection[Any]:
    """Return psycopg's connection under a session or a SQLAlchemy connection."""
    if isinstance(connection, Session):
        connection = connection.connection()
    if isinstance(connection, Connection):
        driver: DriverConnection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        return driver
    return connection


def _database(driver: DriverConnection[Any]) -> tuple[str, int, str]:
    key = (driver.info.host, driver.info.port, driver.info.dbname)
    _databases[driver] = key
    return key


def _stamp(driver: DriverConnection[Any]) -> str:
    with driver.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(f"SELECT {CALENDAR_STAMP}").fetchone()
    if row is None or row[0] is None:
        raise Unavailable("数据库没有日历状态；请先迁移数据库（caseflow db upgrade）。")
    return str(row[0])


def _read_calendar(driver: DriverConnection[Any], *, version: int) -> Calendar:
    """Read days and years in one statement, so that they are of one moment."""
    with driver.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_CALENDAR).fetchall()
    return Calendar(
        off=_of_kind(rows, "off"),
        working=_of_kind(rows, "work"),
        confirmed_years=frozenset(day.year for day in _of_kind(rows, "confirmed")),
        version=version,
    )


def _of_kind(rows: Sequence[tuple[Any, ...]], kind: str) -> frozenset[date]:
    return frozenset(day for day, each in rows if each == kind)
