"""The case (办件), its control duties and its holds."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId


class Case(Model):
    """One applicant, one measure, one matter. State is columns; the events are the proof."""

    __tablename__ = "case"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    number: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    parent_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    root_id: Mapped[Big] = mapped_column(ForeignKey("case.id"))
    child_kind: Mapped[str | None]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    measure_version_id: Mapped[Big] = mapped_column(ForeignKey("measure_version.id"))
    policy_version_id: Mapped[Big] = mapped_column(ForeignKey("policy_version.id"))
    workflow_hash: Mapped[str] = mapped_column(ForeignKey("workflow.hash"))
    call_id: Mapped[Big | None] = mapped_column(ForeignKey("call.id"))
    applicant_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    territory_id: Mapped[Big] = mapped_column(ForeignKey("territory.id"))
    parties: Mapped[dict[str, Any]]
    matter_on: Mapped[date | None]
    state: Mapped[str]
    previous_state: Mapped[str | None]
    outcome: Mapped[str | None]
    head_seq: Mapped[int]
    head_hash: Mapped[bytes]
    facts: Mapped[dict[str, Any]]
    corrections_made: Mapped[int]
    publicity_id: Mapped[Big | None]
    publicity_ends_on: Mapped[date | None]
    approved_fen: Mapped[Fen | None]
    paid_fen: Mapped[Fen] = mapped_column(server_default="0")
    recovered_fen: Mapped[Fen] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("head_seq >= 1", name="head"),
        ForeignKeyConstraint(
            ["publicity_id", "publicity_ends_on"],
            ["publicity.id", "publicity.ends_on"],
            name="fk_case_publicity",
        ),
        CheckConstraint("paid_fen >= 0", name="paid_not_negative"),
        CheckConstraint("paid_fen <= coalesce(approved_fen, 0)", name="paid_within_approved"),
        CheckConstraint("recovered_fen BETWEEN 0 AND paid_fen", name="recovered_within_paid"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(parent_id IS NULL) = (child_kind IS NULL)", name="child"),
        Index("ix_case_measure", "measure_id", "id"),
        Index("ix_case_applicant", "applicant_id", "id"),
        Index("ix_case_territory", "territory_id", "id"),
        Index("ix_case_call", "call_id", "state", postgresql_where="call_id IS NOT NULL"),
        Index("ix_case_parent", "parent_id", postgresql_where="parent_id IS NOT NULL"),
        Index("ix_case_state", "state", "id", postgresql_where="outcome IS NULL"),
        Index(
            "uq_case_open_recovery",
            "parent_id",
            unique=True,
            postgresql_where="child_kind = 'recovery' AND outcome IS NULL",
        ),
    )


class Duty(Model):
    """Which control role a person took on a case: one each, never two (四眼原则)."""

    __tablename__ = "duty"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[Big] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False
    )
    duty: Mapped[str]

    __table_args__ = (
        CheckConstraint("duty IN ('handler', 'reviewer', 'approver', 'disburser')", name="duty"),
        UniqueConstraint("case_id", "person_id", "duty", name="uq_duty_same"),
    )


class Hold(Model):
    """A reason why nothing may be paid on a case now (暂停拨付)."""

    __tablename__ = "hold"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    placed_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(lifted_by IS NULL) = (lifted_at IS NULL)", name="lifted"),
        Index("uq_hold_open", "case_id", "kind", unique=True, postgresql_where="lifted_at IS NULL"),
    )


class DistrictPass(Model):
    """That the town or park has recommended a case: event `seq`, from when on the city sees it."""

    __tablename__ = "district_pass"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int]
    passed_at: Mapped[datetime]


class CaseNumber(Model):
    """The last number given to a measure's cases in a year."""

    __tablename__ = "case_number"

    measure_id: Mapped[Big] = mapped_column(
        ForeignKey("measure.id"), primary_key=True, autoincrement=False
    )
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
