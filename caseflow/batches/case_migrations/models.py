"""Migrations of running cases to a new version of their measure, and what became of each case."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId

STATUSES = ("proposed", "approved", "finished", "withdrawn")
ITEM_STATUSES = ("pending", "moved", "kept", "refused")


class CaseMigration(Model):
    """Moving the cases listed in its items to `to_version_id`; the id is a stream's.

    Proposed by one person, approved by another, then run until no item is pending.
    """

    __tablename__ = "case_migration"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    to_version_id: Mapped[Big] = mapped_column(ForeignKey("measure_version.id"))
    plan: Mapped[dict[str, Any]]
    reason: Mapped[str]
    basis: Mapped[str]
    document_no: Mapped[str]
    status: Mapped[str]
    proposed_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    withdrawn_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "status IN ('proposed', 'approved', 'finished', 'withdrawn')", name="status"
        ),
        CheckConstraint("approved_by <> proposed_by", name="second_person"),
        CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL)"
            " AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)",
            name="by_and_at",
        ),
        CheckConstraint(
            "(status IN ('approved', 'finished')) = (approved_at IS NOT NULL)"
            " AND (status = 'finished') = (finished_at IS NOT NULL)"
            " AND (status = 'withdrawn') = (withdrawn_at IS NOT NULL)",
            name="status_says_so",
        ),
        CheckConstraint(
            "btrim(reason) <> '' AND btrim(basis) <> '' AND btrim(document_no) <> ''",
            name="sourced",
        ),
        Index("ix_case_migration_measure", "measure_id", "id"),
    )


class MigrationItem(Model):
    """One case of a migration: what it was to come to, and what it came to.

    `seq` is the event of the case that moved it; `result` says what changed, or why it did not.
    """

    __tablename__ = "case_migration_item"

    migration_id: Mapped[Big] = mapped_column(
        ForeignKey("case_migration.id"), primary_key=True, autoincrement=False
    )
    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    status: Mapped[str]
    from_version_id: Mapped[Big] = mapped_column(ForeignKey("measure_version.id"))
    from_workflow: Mapped[str] = mapped_column(ForeignKey("workflow.hash"))
    to_workflow: Mapped[str | None] = mapped_column(ForeignKey("workflow.hash"))
    from_state: Mapped[str]
    to_state: Mapped[str | None]
    seq: Mapped[int | None]
    result: Mapped[dict[str, Any]]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status IN ('pending', 'moved', 'kept', 'refused')", name="status"),
        CheckConstraint("(status = 'pending') = (done_at IS NULL)", name="done"),
        CheckConstraint("(status = 'moved') = (seq IS NOT NULL)", name="moved"),
        CheckConstraint(
            "status <> 'moved' OR (to_workflow IS NOT NULL AND to_state IS NOT NULL)",
            name="moved_to",
        ),
        Index(
            "uq_case_migration_item_pending",
            "case_id",
            unique=True,
            postgresql_where="status = 'pending'",
        ),
        Index("ix_case_migration_item_case", "case_id"),
    )
