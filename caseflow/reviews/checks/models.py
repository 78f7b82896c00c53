"""Checks and where they were used; neither ever changes."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId


class Check(Model):
    """One look at a subject (核查): what a source answered, when, to whom, with which snapshot.

    `matter_id` is the case that a check of one case alone is about; all others count for every
    case of the subject. `case_id` and `point` say for which case, and when, it was made.
    """

    __tablename__ = "check"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    subject_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    result: Mapped[str]
    source: Mapped[str]
    query_id: Mapped[str | None]
    queried_at: Mapped[datetime]
    valid_until: Mapped[date]
    operator_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    matter_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    point: Mapped[str | None]
    note: Mapped[str]
    sha256: Mapped[str]
    file_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[Big]
    seq: Mapped[int]

    __table_args__ = (
        CheckConstraint(
            "kind IN ('credit', 'territory', 'safety', 'environment', 'quality', 'existence',"
            " 'related_party', 'first_time', 'duplicates')",
            name="kind",
        ),
        CheckConstraint("result IN ('pass', 'reduce', 'flag', 'veto')", name="result"),
        CheckConstraint("point IN ('acceptance', 'publicity', 'payment')", name="point"),
        CheckConstraint("queried_at <= recorded_at", name="asked_before"),
        CheckConstraint(
            "valid_until >= (queried_at AT TIME ZONE 'Asia/Shanghai')::date"
            " AND valid_until <= (queried_at AT TIME ZONE 'Asia/Shanghai')::date + 366",
            name="validity",
        ),
        CheckConstraint(
            "(kind IN ('related_party', 'first_time', 'duplicates')) = (matter_id IS NOT NULL)",
            name="scope",
        ),
        CheckConstraint("matter_id IS NULL OR matter_id = case_id", name="matter"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$' AND size > 0", name="snapshot"),
        UniqueConstraint("source", "query_id", name="uq_check_query"),
        Index("ix_check_latest", "subject_id", "kind", "queried_at", "id"),
        Index("ix_check_case_id", "case_id"),
    )


class CheckUse(Model):
    """A decision rested on a check: the case, the number of its event, the point."""

    __tablename__ = "check_use"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    check_id: Mapped[Big] = mapped_column(
        ForeignKey("check.id"), primary_key=True, autoincrement=False
    )
    point: Mapped[str]

    __table_args__ = (
        CheckConstraint("point IN ('acceptance', 'publicity', 'payment')", name="point"),
        Index("ix_check_use_check_id", "check_id"),
    )
