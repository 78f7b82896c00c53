"""Lists of titles, their rows, what became of a row, and titles that were revoked.

A row is corrected by a further `revision` of its line; nothing of a list is ever changed.
"""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId
from caseflow.kernel.titles import LEVELS

RECORDED = "recorded"
FAULTS = {
    "bad_code": "统一社会信用代码有误",
    "duplicate": "本名单内重复",
    "incomplete": "缺少必填内容或内容有误",
}
"""Why a row is no title: it stays on record and may be corrected."""


class TitleList(Model):
    """A document of one issuing body that gives one kind of title at one level; a stream."""

    __tablename__ = "title_list"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    document_no: Mapped[str]
    issued_by: Mapped[str]
    kind: Mapped[str]
    level: Mapped[str]
    per: Mapped[str]
    issued_on: Mapped[date]
    valid_to: Mapped[date | None]
    file_name: Mapped[str]
    file_sha256: Mapped[str] = mapped_column(String(64))
    imported_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    imported_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint(
            "organisation_id", "document_no", "kind", "level", name="uq_title_list_document"
        ),
        CheckConstraint(f"level IN ({', '.join(map(repr, LEVELS))})", name="level"),
        CheckConstraint("per IN ('object', 'holder')", name="per"),
        CheckConstraint("valid_to >= issued_on", name="validity"),
        CheckConstraint("length(file_sha256) = 64", name="file"),
        CheckConstraint("btrim(document_no) <> '' AND btrim(issued_by) <> ''", name="sourced"),
    )


class TitleRow(Model):
    """A line of a list as it was read; `thing` is its object in the form of a key."""

    __tablename__ = "title_row"

    list_id: Mapped[Big] = mapped_column(
        ForeignKey("title_list.id"), primary_key=True, autoincrement=False
    )
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uscc: Mapped[str]
    name: Mapped[str]
    object: Mapped[str | None]
    object_no: Mapped[str | None]
    grade: Mapped[str | None]
    valid_to: Mapped[date | None]
    thing: Mapped[str]
    result: Mapped[str]
    message: Mapped[str]
    reason: Mapped[str | None]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "result IN ('recorded', 'bad_code', 'duplicate', 'incomplete')", name="result"
        ),
        CheckConstraint("(revision = 1) = (reason IS NULL)", name="corrected"),
        CheckConstraint("line > 0 AND revision > 0", name="place"),
        Index("ix_title_row_uscc", "uscc", postgresql_where="result = 'recorded'"),
    )


class TitleMatch(Model):
    """What a line came to under one measure; once it has a case it stays."""

    __tablename__ = "title_match"

    list_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measure_id: Mapped[Big] = mapped_column(
        ForeignKey("measure.id"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int]
    result: Mapped[str]
    message: Mapped[str]
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"), unique=True)
    matched_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    matched_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["list_id", "line", "revision"],
            ["title_row.list_id", "title_row.line", "title_row.revision"],
            name="fk_title_match_row",
        ),
        CheckConstraint("(result = 'matched') = (case_id IS NOT NULL)", name="matched"),
    )


class TitleRevocation(Model):
    """The title of a line was revoked, by which document, since when."""

    __tablename__ = "title_revocation"

    list_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]
    document_no: Mapped[str]
    reason: Mapped[str]
    revoked_on: Mapped[date]
    revoked_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["list_id", "line", "revision"],
            ["title_row.list_id", "title_row.line", "title_row.revision"],
            name="fk_title_revocation_row",
        ),
        CheckConstraint("btrim(document_no) <> '' AND btrim(reason) <> ''", name="sourced"),
    )
