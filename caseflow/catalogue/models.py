"""Policies, measures, their versions, compiled workflows, and calls (批次)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId
from caseflow.kernel.calls import PROCEDURES, STANDING, STATUSES

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


def _states_with(*effects: str) -> str:
    """Return the SQL of the states of a definition from which a step has one of the effects."""
    either = " || ".join(f'@.effects[*] == "{each}"' for each in effects)
    return f"jsonb_path_query_array(definition, '$.steps[*] ? ({either}).source')"


class Workflow(Model):
    """A compiled workflow under the hash of its content; never changed.

    `panel_states` are its states in which experts are drawn or judge, `place_states` those that
    compete for a place (名额); what an act reads besides the case follows from them.
    """

    __tablename__ = "workflow"

    hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    definition: Mapped[dict[str, Any]]
    panel_states: Mapped[list[Any] | None] = mapped_column(
        JSONB, Computed(_states_with("seat_panel", "score_case"), persisted=True)
    )
    place_states: Mapped[list[Any] | None] = mapped_column(
        JSONB, Computed(_states_with("take_place"), persisted=True)
    )


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
    recommended_by: Mapped[str | None] = mapped_column(
        Computed("definition #>> '{recommended_by,by}'", persisted=True)
    )

    __table_args__ = (UniqueConstraint("measure_id", "policy_version_id"),)


class Call(Model):
    """A call for applications (申报通知、批次) of one measure: its window and all that it says.

    What it says besides the window is its own where it differs from the measure: `quota` 名额,
    `pool_fen` 资金池, `documents` (kinds that it asks for in addition), `publicity_days` in working
    days, `rounding`. `moved_seq` is the number of the event of its last step.
    """

    __tablename__ = "call"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    title: Mapped[str]
    procedure: Mapped[str] = mapped_column(server_default=STANDING)
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    eligible_from: Mapped[date | None]
    eligible_to: Mapped[date | None]
    status: Mapped[str]
    short_pool: Mapped[str | None]
    pool_fen: Mapped[Fen | None]
    quota: Mapped[int | None]
    publicity_days: Mapped[int | None]
    rounding: Mapped[str | None]
    documents: Mapped[list[Any]] = mapped_column(server_default="[]")
    planned_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    published_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    moved_at: Mapped[datetime | None]
    moved_seq: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        CheckConstraint(
            "short_pool IN ('proportional', 'rank', 'rank_whole', 'first_come', 'first_come_whole',"
            " 'carry_over')",
            name="short_pool",
        ),
        CheckConstraint("pool_fen > 0", name="pool"),
        CheckConstraint("closes_on >= opens_on", name="window"),
        CheckConstraint("eligible_to >= eligible_from", name="eligible_period"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint(f"procedure IN {PROCEDURES}", name="procedure"),
        CheckConstraint("quota > 0", name="quota"),
        CheckConstraint("publicity_days BETWEEN 1 AND 30", name="publicity_days"),
        CheckConstraint(
            "procedure = 'standing' OR published_by IS NULL"
            " OR published_by IS DISTINCT FROM planned_by",
            name="four_eyes",
        ),
        CheckConstraint(
            "procedure = 'standing' OR status IN ('planned', 'closed', 'archived')"
            " OR published_by IS NOT NULL",
            name="published",
        ),
        Index("ix_call_measure", "measure_id", "status"),
    )


class LateIntake(Model):
    """Leave to hand in late (逾期收件): asked for by the section head, consented to by another."""

    __tablename__ = "late_intake"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    call_id: Mapped[Big] = mapped_column(ForeignKey("call.id"))
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    until_on: Mapped[date]
    reason: Mapped[str]
    asked_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    consented_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    consented_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("btrim(reason) <> ''", name="reasoned"),
        CheckConstraint("consented_by <> asked_by", name="four_eyes"),
        CheckConstraint("(consented_by IS NULL) = (consented_at IS NULL)", name="consented"),
        Index("ix_late_intake_call", "call_id", "organisation_id"),
    )
