"""Indicators of policy versions with their owners; what is due, what was reported, by what proof.

A report is never changed: it is confirmed once, or another one corrects it.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId


class PolicyIndicator(Model):
    """The organisations that own an indicator of a policy version, the lead first.

    `gathered_by` leads the carrying out of the policy, where the text says who does.
    """

    __tablename__ = "policy_indicator"

    policy_version_id: Mapped[Big] = mapped_column(
        ForeignKey("policy_version.id"), primary_key=True, autoincrement=False
    )
    indicator: Mapped[str] = mapped_column(primary_key=True)
    owners: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    gathered_by: Mapped[Big | None] = mapped_column(ForeignKey("organisation.id"))

    __table_args__ = (CheckConstraint("cardinality(owners) > 0", name="owned"),)


class IndicatorDue(Model):
    """A report that is due: of an indicator, for a period, from one of the owners named here."""

    __tablename__ = "indicator_due"

    id: Mapped[EntityId]
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))
    indicator: Mapped[str]
    period: Mapped[str]
    period_ends_on: Mapped[date]
    owners: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    lead_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    gathered_by: Mapped[Big | None] = mapped_column(ForeignKey("organisation.id"))
    due_on: Mapped[date]
    provisional: Mapped[bool]
    opened_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("policy_id", "indicator", "period", "lead_id", name="uq_indicator_due"),
        CheckConstraint("lead_id = owners[1]", name="lead_first"),
        CheckConstraint("due_on > period_ends_on", name="after_period"),
    )


class IndicatorReport(Model):
    """A value at the end of a period as an owner reported it; `supersedes_id` is what it corrects.

    The value is exact. It counts once somebody else has confirmed it.
    """

    __tablename__ = "indicator_report"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    due_id: Mapped[Big] = mapped_column(ForeignKey("indicator_due.id"))
    policy_version_id: Mapped[Big] = mapped_column(ForeignKey("policy_version.id"))
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    value: Mapped[Decimal] = mapped_column(Numeric())
    unit: Mapped[str]
    note: Mapped[str | None]
    supersedes_id: Mapped[Big | None] = mapped_column(ForeignKey("indicator_report.id"))
    reason: Mapped[str | None]
    reported_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    reported_at: Mapped[datetime]
    confirmed_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("value >= 0 AND value < 1e15", name="value"),
        CheckConstraint("btrim(unit) <> ''", name="unit"),
        CheckConstraint("(supersedes_id IS NULL) = (reason IS NULL)", name="reasoned"),
        CheckConstraint("supersedes_id < id", name="later"),
        CheckConstraint("confirmed_by <> reported_by", name="second_person"),
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="by_and_at"),
        CheckConstraint("confirmed_at >= reported_at", name="order"),
        UniqueConstraint("supersedes_id", name="uq_indicator_report_supersedes"),
        Index(
            "uq_indicator_report_first",
            "due_id",
            unique=True,
            postgresql_where="supersedes_id IS NULL",
        ),
        Index("ix_indicator_report_due", "due_id", "id"),
    )


class IndicatorEvidence(Model):
    """A file that proves a report, stored under its hash; there is at least one."""

    __tablename__ = "indicator_evidence"

    report_id: Mapped[Big] = mapped_column(
        ForeignKey("indicator_report.id"), primary_key=True, autoincrement=False
    )
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[Big]

    __table_args__ = (
        CheckConstraint("line >= 1", name="line"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        UniqueConstraint("report_id", "sha256", name="uq_indicator_evidence_once"),
    )
