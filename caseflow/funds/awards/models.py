"""Matters of cases, awards and what they were given for, and decisions on overlaps."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId

LEVELS = ("country", "province", "city", "district")
STATUSES = ("live", "superseded", "given_back", "recovered")
OWN_SOURCE = "caseflow"
"""The source of awards that cases of this house were given; any other is an importing system."""


class CaseMatter(Model):
    """A matter (事项) that a case names; `stem` is its key without a title's level and year.

    It is dropped, never deleted, when it was named by mistake.
    """

    __tablename__ = "case_matter"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    stem: Mapped[str]
    holder: Mapped[str]
    cost_from: Mapped[date | None]
    cost_to: Mapped[date | None]
    items: Mapped[dict[str, Any]]
    named_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    named_at: Mapped[datetime]
    dropped_seq: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("(cost_from IS NULL) = (cost_to IS NULL)", name="cost_days"),
        CheckConstraint("cost_to >= cost_from", name="cost_period"),
        Index(
            "uq_case_matter_named",
            "case_id",
            "kind",
            "key",
            unique=True,
            postgresql_where="dropped_seq IS NULL",
        ),
        Index("ix_case_matter_stem", "kind", "stem", postgresql_where="dropped_seq IS NULL"),
    )


class Award(Model):
    """One support given for one matter; only its status ever changes.

    `holder` is the credit code, or a commitment to a person's number. `carried_fen` is what the
    awards that it supersedes were given for the same matter; `part_of` the award whose amount
    contains this one's.
    """

    __tablename__ = "award"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    root_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    organisation_id: Mapped[Big | None] = mapped_column(ForeignKey("organisation.id"))
    holder: Mapped[str]
    holder_title: Mapped[str]
    policy: Mapped[str | None]
    measure: Mapped[str | None]
    clause: Mapped[str]
    family: Mapped[str | None]
    level: Mapped[str]
    place: Mapped[str]
    scope: Mapped[str]
    per_holder: Mapped[bool]
    amount_fen: Mapped[Fen]
    carried_fen: Mapped[Fen] = mapped_column(server_default="0")
    supersedes: Mapped[Big | None] = mapped_column(ForeignKey("award.id"))
    part_of: Mapped[Big | None] = mapped_column(ForeignKey("award.id"))
    granted_on: Mapped[date]
    source: Mapped[str]
    source_id: Mapped[str]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(server_default="live")

    __table_args__ = (
        UniqueConstraint("source", "source_id", name="uq_award_source"),
        CheckConstraint("amount_fen >= 0 AND carried_fen >= 0", name="fen"),
        CheckConstraint("level IN ('country', 'province', 'city', 'district')", name="level"),
        CheckConstraint(
            "status IN ('live', 'superseded', 'given_back', 'recovered')", name="status"
        ),
        CheckConstraint("(source = 'caseflow') = (case_id IS NOT NULL)", name="source"),
        CheckConstraint("scope = level || ':' || place", name="scope"),
        CheckConstraint("(supersedes IS NULL) = (carried_fen = 0)", name="carried"),
        Index(
            "uq_award_live_of_case",
            "case_id",
            unique=True,
            postgresql_where="status IN ('live', 'superseded')",
        ),
        Index("ix_award_holder", "holder", "id"),
        Index("ix_award_organisation", "organisation_id", "id"),
        Index("ix_award_root", "root_id", postgresql_where="root_id IS NOT NULL"),
    )


class AwardMatter(Model):
    """What an award was given for. `claims`: it is the one live award of the matter in its scope.

    The database sets scope, holder and claims itself; `uq_award_matter_live` lets one live claim.
    """

    __tablename__ = "award_matter"

    award_id: Mapped[Big] = mapped_column(
        ForeignKey("award.id"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    stem: Mapped[str]
    cost_from: Mapped[date | None]
    cost_to: Mapped[date | None]
    items: Mapped[dict[str, Any]]
    scope: Mapped[str] = mapped_column(server_default="")
    holder: Mapped[str] = mapped_column(server_default="")
    claims: Mapped[bool] = mapped_column(server_default="false")

    __table_args__ = (
        Index(
            "uq_award_matter_live",
            "scope",
            "kind",
            "key",
            "holder",
            unique=True,
            postgresql_where="claims",
        ),
        Index("ix_award_matter_stem", "kind", "stem"),
    )


class OverlapDecision(Model):
    """What was decided on an overlap of a case with another award or case (by its public id).

    The last one counts. `allowed_fen` bounds what the case may still be given.
    """

    __tablename__ = "overlap_decision"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    other: Mapped[str]
    treatment: Mapped[str]
    reason: Mapped[str]
    entitled_fen: Mapped[Fen | None]
    allowed_fen: Mapped[Fen | None]
    seat: Mapped[str]
    decided_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "treatment IN ('keep_this', 'keep_other', 'top_up', 'refund_then_apply', 'cut_base',"
            " 'different')",
            name="treatment",
        ),
        CheckConstraint(
            "(treatment IN ('top_up', 'cut_base')) = (allowed_fen IS NOT NULL)", name="allowed"
        ),
        CheckConstraint("allowed_fen <= entitled_fen", name="within_entitled"),
        CheckConstraint("allowed_fen >= 0 AND entitled_fen >= 0", name="fen"),
    )
