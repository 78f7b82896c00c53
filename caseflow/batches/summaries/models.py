"""Summary sheets and the cases they list; a sheet is never changed, another version is sent."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId


class SummarySheet(Model):
    """A sheet as it was sent: its file lies among the files under `file_sha256`.

    `list_sha256` names the same lines as canonical JSON, which anybody can make again.
    """

    __tablename__ = "summary_sheet"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    call_id: Mapped[Big] = mapped_column(ForeignKey("call.id"))
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    version: Mapped[int]
    document_no: Mapped[str]
    line_count: Mapped[int]
    applied_fen: Mapped[Fen]
    list_sha256: Mapped[str]
    file_sha256: Mapped[str]
    sent_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    sent_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("call_id", "organisation_id", "version", name="uq_summary_sheet_version"),
        UniqueConstraint("id", "line_count", name="uq_summary_sheet_line_count"),
        CheckConstraint("line_count > 0", name="counted"),
        CheckConstraint("btrim(document_no) <> ''", name="numbered"),
        CheckConstraint("list_sha256 ~ '^[0-9a-f]{64}$'", name="list_sha256"),
        CheckConstraint("file_sha256 ~ '^[0-9a-f]{64}$'", name="file_sha256"),
    )


class SummaryLine(Model):
    """A case on a sheet."""

    __tablename__ = "summary_line"

    sheet_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    line: Mapped[int]
    line_count: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(
            ["sheet_id", "line_count"],
            ["summary_sheet.id", "summary_sheet.line_count"],
            name="fk_summary_line_sheet",
        ),
        UniqueConstraint("sheet_id", "line", name="uq_summary_line_line"),
        CheckConstraint("line BETWEEN 1 AND line_count", name="line"),
        Index("ix_summary_line_case", "case_id"),
    )
