"""Tasks (待办) for people and objections (异议) of the public."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model


class Task(Model):
    """What one seat must do for a case in a state; `organisation_id` is who the seat is today.

    `round` is the event that entered the state, `clock` the one the seat works against, `waits_for`
    a seat that comes first (顺签、前加签), `added_seq` the event that added it (加签), `handed_seq`
    the last one that handed it over (转办), `helper_id` who prepares it (委派). `silent`: nobody
    answered in time, which a clause counts as consent.
    """

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
    round: Mapped[int] = mapped_column(server_default="0")
    clock: Mapped[str | None]
    waits_for: Mapped[str | None]
    added_seq: Mapped[int | None]
    claimant_id: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    claimed_at: Mapped[datetime | None]
    helper_id: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    handed_seq: Mapped[int | None]
    urged_at: Mapped[datetime | None]
    closed_for: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    closed_seq: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(
            "status IN ('open', 'waiting', 'done', 'cancelled', 'silent')", name="status"
        ),
        CheckConstraint("(status IN ('open', 'waiting')) = (closed_at IS NULL)", name="closed"),
        CheckConstraint("(claimant_id IS NULL) = (claimed_at IS NULL)", name="claimed"),
        CheckConstraint(
            "status <> 'done' OR claimant_id IS NULL OR claimant_id = closed_by"
            " OR claimant_id IS NOT DISTINCT FROM closed_for",
            name="done_by_claimant",
        ),
        Index(
            "uq_task_open_seat",
            "case_id",
            "seat",
            unique=True,
            postgresql_where="status IN ('open', 'waiting')",
        ),
        Index(
            "ix_task_handed",
            "organisation_id",
            "role",
            "case_id",
            postgresql_where="handed_seq IS NOT NULL",
        ),
        Index("ix_task_claimed", "claimant_id", postgresql_where="status = 'open'"),
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
    proof: Mapped[str]
    filed_at: Mapped[datetime]
    status: Mapped[str]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status IN ('open', 'upheld', 'dismissed')", name="status"),
        CheckConstraint("(status = 'open') = (settled_at IS NULL)", name="settled"),
    )


class Recusal(Model):
    """A person who takes no control role of a case (回避), declared or ordered; never withdrawn.

    Who is employed by the applicant, sits in the bureau that applies, or is tied to the applicant
    by the register of ties (关联关系) on that day, is recused without a row.
    """

    __tablename__ = "recusal"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[Big] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False
    )
    ground: Mapped[str]
    by_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class CaseCopy(Model):
    """A person who may read a case because somebody who has it said so (抄送)."""

    __tablename__ = "case_copy"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[Big] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False
    )
    given_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        Index("ix_case_copy_reader", "person_id", "case_id", postgresql_where="revoked_at IS NULL"),
    )
