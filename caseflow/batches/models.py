"""Publicities (公示) and the health of the sweeps."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId


class Publicity(Model):
    """A public notice listing one or more cases with their amounts, for so many working days.

    `list_sha256` names the frozen list among the files; it and `contact` are only missing in
    publicities of before they were asked for.
    """

    __tablename__ = "publicity"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    title: Mapped[str]
    basis: Mapped[str]
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    working_days: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    ends_at: Mapped[datetime]
    provisional: Mapped[bool]
    status: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    contact: Mapped[dict[str, Any] | None]
    list_sha256: Mapped[str | None]
    case_count: Mapped[int]

    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed', 'restarted')", name="status"),
        CheckConstraint(
            "contact ?& ARRAY['unit', 'phone', 'email', 'address']", name="contact_in_full"
        ),
        CheckConstraint("list_sha256 ~ '^[0-9a-f]{64}$'", name="list_sha256"),
        UniqueConstraint("id", "case_count", name="uq_publicity_case_count"),
        CheckConstraint("(status <> 'open') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("working_days >= 1 AND ends_on > starts_on", name="window"),
        UniqueConstraint("id", "ends_on", name="uq_publicity_ends_on"),
        Index("ix_publicity_due", "ends_at", postgresql_where="status = 'open'"),
    )


class PublicityCase(Model):
    """A case in a publicity, with the amount the public was told.

    There are `case_count` lines from the beginning and never another; `restarts_id` is the
    publicity that listed the case before.
    """

    __tablename__ = "publicity_case"

    publicity_id: Mapped[Big] = mapped_column(
        ForeignKey("publicity.id"), primary_key=True, autoincrement=False
    )
    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    fen: Mapped[Fen | None]
    line: Mapped[int]
    case_count: Mapped[int]
    restarts_id: Mapped[Big | None] = mapped_column(ForeignKey("publicity.id"))

    __table_args__ = (
        CheckConstraint("line BETWEEN 1 AND case_count", name="line"),
        UniqueConstraint("publicity_id", "line", name="uq_publicity_case_line"),
        ForeignKeyConstraint(
            ["publicity_id", "case_count"],
            ["publicity.id", "publicity.case_count"],
            name="fk_publicity_case_count",
        ),
        Index("ix_publicity_case_case", "case_id", "publicity_id"),
    )


class Sweep(Model):
    """When a sweep last ran and what it did: the worker's health."""

    __tablename__ = "sweep"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]
    acted: Mapped[int]
