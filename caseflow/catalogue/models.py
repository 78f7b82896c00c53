"""Policies, measures, their versions, compiled workflows, and calls (批次)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId

POLICY_STATUSES = (
    "consultation_draft", "in_force", "suspended", "expired", "lapsed", "repealed", "replaced",
)  # fmt: skip


class Policy(Model):
    """A policy document, whatever its version."""

    __tablename__ = "policy"

    id: Mapped[EntityId]
    code: Mapped[str] = mapped_column(unique=True)
    city: Mapped[str]


class PolicyVersion(Model):
    """One loaded state of a policy document; immutable but for its status.

    `supersedes_id` is the version in force whose place it took.
    """

    __tablename__ = "policy_version"

    id: Mapped[EntityId]
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))
    version: Mapped[int]
    title: Mapped[str]
    document_no: Mapped[str | None]
    status: Mapped[str]
    issued_on: Mapped[date | None]
    effective_from: Mapped[date | None]
    effective_to: Mapped[date | None]
    content_hash: Mapped[str]
    definition: Mapped[dict[str, Any]]
    text: Mapped[str]
    loaded_at: Mapped[datetime]
    current: Mapped[bool]
    supersedes_id: Mapped[Big | None] = mapped_column(ForeignKey("policy_version.id"))

    __table_args__ = (
        UniqueConstraint("policy_id", "version"),
        UniqueConstraint("policy_id", "content_hash", name="uq_policy_version_content"),
        Index("uq_policy_version_current", "policy_id", unique=True, postgresql_where="current"),
        CheckConstraint(
            "status IN ('consultation_draft', 'in_force', 'expired', 'lapsed', 'repealed',"
            " 'suspended', 'replaced')",
            name="status",
        ),
        CheckConstraint(
            "status NOT IN ('in_force', 'expired', 'suspended') OR"
            " (effective_from IS NOT NULL AND effective_to IS NOT NULL AND issued_on IS NOT NULL)",
            name="in_force_is_dated",
        ),
        CheckConstraint("effective_to >= effective_from", name="period"),
    )


class Workflow(Model):
    """A compiled workflow under the hash of its content; never changed."""

    __tablename__ = "workflow"

    hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    definition: Mapped[dict[str, Any]]


class Measure(Model):
    """A clause that promises something, whatever its version."""

    __tablename__ = "measure"

    id: Mapped[EntityId]
    code: Mapped[str] = mapped_column(unique=True)
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))


class MeasureVersion(Model):
    """A measure as one policy version words it, with the workflow that runs it."""

    __tablename__ = "measure_version"

    id: Mapped[EntityId]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    policy_version_id: Mapped[Big] = mapped_column(ForeignKey("policy_version.id"))
    article: Mapped[int]
    title: Mapped[str]
    family: Mapped[str]
    content_hash: Mapped[str]
    definition: Mapped[dict[str, Any]]
    workflow_hash: Mapped[str] = mapped_column(ForeignKey("workflow.hash"))
    children: Mapped[dict[str, Any]]
    organisations: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("measure_id", "policy_version_id"),)


class Call(Model):
    """A call for applications (申报通知): window and eligible period of one measure."""

    __tablename__ = "call"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    title: Mapped[str]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    eligible_from: Mapped[date | None]
    eligible_to: Mapped[date | None]
    status: Mapped[str]
    short_pool: Mapped[str | None]
    pool_fen: Mapped[Fen | None]

    __table_args__ = (
        CheckConstraint(
            "short_pool IN ('proportional', 'rank', 'rank_whole', 'first_come', 'first_come_whole',"
            " 'carry_over')",
            name="short_pool",
        ),
        CheckConstraint("pool_fen > 0", name="pool"),
        CheckConstraint("closes_on >= opens_on", name="window"),
        CheckConstraint("eligible_to >= eligible_from", name="eligible_period"),
        CheckConstraint("status IN ('planned', 'open', 'closed')", name="status"),
        Index("ix_call_measure", "measure_id", "status"),
    )
