"""Calendars as data, clocks and timers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model


class CalendarYear(Model):
    """A year of the State Council's notice; good for deadlines once a second person confirms."""

    __tablename__ = "calendar_year"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str]
    source: Mapped[str]
    imported_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    imported_at: Mapped[datetime]
    confirmed_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status IN ('statutory', 'imported', 'confirmed')", name="status"),
        CheckConstraint("confirmed_by <> imported_by", name="second_person"),
        CheckConstraint("(status = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed"),
    )


class CalendarDay(Model):
    """A day that differs from Monday–Friday: off on a weekday, or worked on a weekend."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(ForeignKey("calendar_year.year", ondelete="CASCADE"))
    kind: Mapped[str]
    name: Mapped[str]

    __table_args__ = (
        CheckConstraint("kind IN ('off', 'work')", name="kind"),
        CheckConstraint("extract(year FROM day) = year", name="year"),
    )


class CalendarState(Model):
    """One row: raised by every change of the calendar, so that processes know to read again."""

    __tablename__ = "calendar_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class CaseClock(Model):
    """A time limit of a case: limit, consumed, running since; the due instant is derived."""

    __tablename__ = "clock"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    limit_count: Mapped[int | None]
    unit: Mapped[str | None]
    started_on: Mapped[date]
    running_since: Mapped[date | None]
    consumed: Mapped[int]
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    provisional: Mapped[bool]
    generation: Mapped[int]
    rule: Mapped[str]
    stops: Mapped[list[Any]]

    __table_args__ = (
        CheckConstraint("status IN ('running', 'stopped', 'ended', 'expired')", name="status"),
        CheckConstraint("(status = 'running') = (running_since IS NOT NULL)", name="running_since"),
        CheckConstraint("consumed >= 0", name="consumed"),
        Index(
            "ix_clock_provisional", "case_id", postgresql_where="provisional AND status = 'running'"
        ),
        Index("ix_clock_due", "due_at", postgresql_where="status = 'running'"),
    )


class Timer(Model):
    """Something due at an instant: a clock's expiry, a reminder, a wake-up; claimed by its row."""

    __tablename__ = "timer"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    case_id: Mapped[Big] = mapped_column(ForeignKey("case.id"))
    kind: Mapped[str]
    clock_name: Mapped[str]
    generation: Mapped[int]
    rule: Mapped[str]
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    fired_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    problem: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("kind IN ('expiry', 'reminder', 'wake')", name="kind"),
        UniqueConstraint("case_id", "clock_name", "generation", "rule", name="uq_timer_occurrence"),
        Index("ix_timer_due", "due_at", "id", postgresql_where="fired_at IS NULL"),
    )


class VirtualInstant(Model):
    """One row, there only in rehearsals: the present instant of every process that shares it."""

    __tablename__ = "virtual_clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
