"""Plans of calls and their lines; what a plan lists never changes, another version does."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId
from caseflow.kernel.workflow.vocabulary import REASON_CODES

WHOLE, SUPPLEMENTARY = "whole", "supplementary"
KINDS: Final = (WHOLE, SUPPLEMENTARY)
DRAFTED, REVIEWED, APPROVED, PUBLICISED = "drafted", "reviewed", "approved", "publicised"
RETURNED, RESTARTED = "returned", "restarted"
STATUSES: Final = (DRAFTED, REVIEWED, APPROVED, PUBLICISED, RETURNED, RESTARTED)
SUPPORT, WAITLIST, UNSUPPORTED = "support", "waitlist", "unsupported"
RESULTS: Final = (SUPPORT, WAITLIST, UNSUPPORTED)
DOING: Final = "status IN ('drafted', 'reviewed', 'approved')"
"""A plan that is being decided; a call has one at a time."""


class Plan(Model):
    """One version of a call's plan (拟支持方案); supplementary (递补): its own publicity."""

    __tablename__ = "plan"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    call_id: Mapped[Big] = mapped_column(ForeignKey("call.id"))
    version: Mapped[int]
    kind: Mapped[str]
    status: Mapped[str]
    replaces_id: Mapped[Big | None] = mapped_column(ForeignKey("plan.id"))
    reason: Mapped[str | None]
    line_count: Mapped[int]
    support_count: Mapped[int]
    support_fen: Mapped[Fen]
    drafted_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    drafted_at: Mapped[datetime]
    reviewed_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]
    approved_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    minutes_no: Mapped[str | None]
    returned_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    returned_at: Mapped[datetime | None]
    return_reason: Mapped[str | None]
    publicity_id: Mapped[Big | None] = mapped_column(ForeignKey("publicity.id"), unique=True)

    __table_args__ = (
        UniqueConstraint("call_id", "version", name="uq_plan_version"),
        UniqueConstraint("id", "line_count", name="uq_plan_line_count"),
        Index("uq_plan_doing", "call_id", unique=True, postgresql_where=DOING),
        Index(
            "uq_plan_in_force",
            "call_id",
            unique=True,
            postgresql_where="kind = 'whole' AND status = 'publicised'",
        ),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint(
            "line_count > 0 AND support_count BETWEEN 0 AND line_count", name="counted"
        ),
        CheckConstraint("replaces_id IS NULL OR reason IS NOT NULL", name="reasoned"),
        CheckConstraint(
            "reviewed_by <> drafted_by AND approved_by <> drafted_by"
            " AND approved_by <> reviewed_by",
            name="four_eyes",
        ),
        CheckConstraint(
            "status NOT IN ('reviewed', 'approved', 'publicised', 'restarted')"
            " OR (reviewed_by IS NOT NULL AND reviewed_at IS NOT NULL)",
            name="reviewed",
        ),
        CheckConstraint(
            "status NOT IN ('approved', 'publicised', 'restarted') OR (approved_by IS NOT NULL"
            " AND approved_at IS NOT NULL AND btrim(minutes_no) <> '')",
            name="approved",
        ),
        CheckConstraint(
            "(status = 'returned') = (returned_by IS NOT NULL) AND (returned_by IS NULL)"
            " = (return_reason IS NULL) AND (returned_by IS NULL) = (returned_at IS NULL)",
            name="returned",
        ),
        CheckConstraint(
            "(status IN ('publicised', 'restarted')) = (publicity_id IS NOT NULL)",
            name="publicised",
        ),
    )


class PlanLine(Model):
    """A case in a plan: supported with so much, on the waitlist, or not supported and why.

    `wanted_fen` is the last amount that was looked at before; less than that needs a reason.
    """

    __tablename__ = "plan_line"

    plan_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    line: Mapped[int]
    line_count: Mapped[int]
    result: Mapped[str]
    rank: Mapped[int | None]
    wanted_fen: Mapped[Fen | None]
    fen: Mapped[Fen | None]
    reason: Mapped[str | None]
    reason_code: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["plan_id", "line_count"], ["plan.id", "plan.line_count"], name="fk_plan_line_plan"
        ),
        UniqueConstraint("plan_id", "line", name="uq_plan_line_line"),
        CheckConstraint("line BETWEEN 1 AND line_count", name="line"),
        CheckConstraint(f"result IN {RESULTS}", name="result"),
        CheckConstraint("(result = 'support') = (fen IS NOT NULL) AND fen >= 0", name="amount"),
        CheckConstraint(
            "fen IS NULL OR wanted_fen IS NULL OR fen >= wanted_fen OR btrim(reason) <> ''",
            name="cut_is_reasoned",
        ),
        CheckConstraint(
            "(result = 'unsupported') = (reason_code IS NOT NULL)"
            f" AND reason_code IN {REASON_CODES}"
            " AND (result <> 'unsupported' OR btrim(reason) <> '')",
            name="unsupported_is_reasoned",
        ),
        Index("ix_plan_line_case", "case_id"),
    )
