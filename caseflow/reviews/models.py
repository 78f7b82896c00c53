"""Tasks (待办) for people and objections (异议) of the public."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model


class Task(Model):
    """What one seat must do for a case in a state; `organisation_id` is who the seat is today."""

    __tablename__ = "task"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    state: Mapped[str]
    seat: Mapped[str]
    role: Mapped[str]
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    status: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    verdict: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("status IN ('open', 'done', 'cancelled')", name="status"),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed"),
        Index(
            "uq_task_open_seat", "case_id", "seat", unique=True, postgresql_where="status = 'open'"
        ),
        Index(
            "ix_task_mine",
            "organisation_id",
            "role",
            "opened_at",
            postgresql_where="status = 'open'",
        ),
    )


class Objection(Model):
    """An objection to a case in a publicity: real name, grounds, and what became of it.

    The database takes it inside the publicity's window only, and only in full.
    """

    __tablename__ = "objection"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    publicity_id: Mapped[Big]
    objector_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    real_name: Mapped[str]
    contact: Mapped[str]
    grounds: Mapped[str]
    evidence: Mapped[str]
    filed_at: Mapped[datetime]
    status: Mapped[str]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status IN ('open', 'upheld', 'dismissed')", name="status"),
        CheckConstraint("(status = 'open') = (settled_at IS NULL)", name="settled"),
    )
