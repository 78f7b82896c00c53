"""Publicities (公示) and the health of the sweeps."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId


class Publicity(Model):
    """A public notice listing one or more cases with their amounts, for so many working days."""

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

    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("working_days >= 1 AND ends_on > starts_on", name="window"),
        UniqueConstraint("id", "ends_on", name="uq_publicity_ends_on"),
        Index("ix_publicity_due", "ends_at", postgresql_where="status = 'open'"),
    )


class PublicityCase(Model):
    """A case in a publicity, with the amount the public was told."""

    __tablename__ = "publicity_case"

    publicity_id: Mapped[Big] = mapped_column(
        ForeignKey("publicity.id"), primary_key=True, autoincrement=False
    )
    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    fen: Mapped[Fen | None]


class Sweep(Model):
    """When a sweep last ran and what it did: the worker's health."""

    __tablename__ = "sweep"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]
    acted: Mapped[int]
