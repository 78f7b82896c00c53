"""Experts, draws, panels, score sheets; the terms of a call's review and its shortlist."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model

KINDS = ("call", "year", "enterprise_year")


class Expert(Model):
    """Somebody of the pool: fields, employer and shareholdings, by which recusal is found."""

    __tablename__ = "expert"

    person_id: Mapped[Big] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False
    )
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    fields: Mapped[list[Any]]
    employer: Mapped[str]
    employer_uscc: Mapped[str | None]
    holdings: Mapped[list[Any]]
    active_from: Mapped[date]
    active_to: Mapped[date | None]
    added_by: Mapped[Big]
    added_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("active_to >= active_from", name="active"),
        CheckConstraint("length(employer_uscc) = 18", name="employer_uscc"),
        Index("ix_expert_organisation_id", "organisation_id"),
    )


class ExpertRecusal(Model):
    """An expert's own word not to judge an applicant (声明回避)."""

    __tablename__ = "expert_recusal"

    person_id: Mapped[Big] = mapped_column(
        ForeignKey("expert.person_id"), primary_key=True, autoincrement=False
    )
    organisation_id: Mapped[Big] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, autoincrement=False
    )
    reason: Mapped[str]
    declared_at: Mapped[datetime]


class ExpertDraw(Model):
    """One draw (抽取): its seed, the pool as it was with why some were out, and the panel."""

    __tablename__ = "expert_draw"

    id: Mapped[EntityId]
    call_id: Mapped[Big | None] = mapped_column(ForeignKey("call.id"))
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    size: Mapped[int]
    field: Mapped[str | None]
    seed: Mapped[bytes]
    pool: Mapped[dict[str, Any]]
    pool_hash: Mapped[str]
    panel: Mapped[list[Any]]
    panel_hash: Mapped[str]
    reason: Mapped[str | None]
    drawn_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    drawn_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("(call_id IS NULL) <> (case_id IS NULL)", name="scope"),
        CheckConstraint("size > 0 AND jsonb_array_length(panel) = size", name="size"),
        CheckConstraint("length(seed) = 32", name="seed"),
        Index("ix_expert_draw_case_id", "case_id"),
        Index("ix_expert_draw_call_id", "call_id"),
    )


class ReviewPanel(Model):
    """The panel of one round of a case's review, with the terms by which it scores.

    `stage` is the stage it judges in, `in_person`: it meets the applicant (现场答辩).
    """

    __tablename__ = "review_panel"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str]
    in_person: Mapped[bool]
    size: Mapped[int]
    terms: Mapped[dict[str, Any]]
    seated_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("size % 2 = 1", name="odd"),)


class PanelMember(Model):
    """An expert drawn into a panel; who declined, was absent or replaced leaves a vacant place."""

    __tablename__ = "panel_member"

    case_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[Big] = mapped_column(
        ForeignKey("expert.person_id"), primary_key=True, autoincrement=False
    )
    draw_id: Mapped[Big] = mapped_column(ForeignKey("expert_draw.id"))
    status: Mapped[str]
    reason: Mapped[str | None]
    left_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["case_id", "round"], ["review_panel.case_id", "review_panel.round"]),
        CheckConstraint("status IN ('seated', 'declined', 'replaced', 'absent')", name="status"),
        CheckConstraint(
            "(status = 'seated') = (left_at IS NULL) AND (status = 'seated' OR reason IS NOT NULL)",
            name="left",
        ),
        Index("ix_panel_member_person_id", "person_id"),
    )


class ScoreSheet(Model):
    """One expert's sheet for one case (评分表); `total` in hundredths of a point.

    `due_on` is the last day as it was when the sheet came in, None where it was not kept yet.
    """

    __tablename__ = "score_sheet"

    case_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    scores: Mapped[dict[str, Any]]
    total: Mapped[int]
    opinion: Mapped[str]
    scored_at: Mapped[datetime]
    due_on: Mapped[date | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["case_id", "round", "person_id"],
            ["panel_member.case_id", "panel_member.round", "panel_member.person_id"],
            name="fk_score_sheet_member",
        ),
        CheckConstraint("total BETWEEN 0 AND 10000", name="total"),
    )


class ReviewTerms(Model):
    """What a call says of its review: weights, trimming, tie rule, places (名额).

    `stage` is the stage these hold for; empty: every stage that has none of its own.
    """

    __tablename__ = "review_terms"

    call_id: Mapped[Big] = mapped_column(
        ForeignKey("call.id"), primary_key=True, autoincrement=False
    )
    stage: Mapped[str] = mapped_column(primary_key=True)
    terms: Mapped[dict[str, Any]]
    tie_rule: Mapped[list[Any]]
    quota: Mapped[int | None]
    set_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    set_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("quota > 0", name="quota"),)


class Shortlist(Model):
    """A quota (名额) as a counter: of a call, of a year, of an enterprise's year."""

    __tablename__ = "shortlist"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    quota: Mapped[int]
    taken: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        CheckConstraint("kind IN ('call', 'year', 'enterprise_year')", name="kind"),
        CheckConstraint("taken BETWEEN 0 AND quota", name="within_quota"),
        Index("ix_shortlist_measure_id", "measure_id"),
    )


class ShortlistPlace(Model):
    """A case's place on the shortlist (入围); freed when the case ends before it is named."""

    __tablename__ = "shortlist_place"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    keys: Mapped[list[Any]]
    rank: Mapped[int]
    promoted: Mapped[bool]
    taken_at: Mapped[datetime]
    named_at: Mapped[datetime | None]
    freed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("named_at IS NULL OR freed_at IS NULL", name="once"),)
