"""Uploaded files, stored once by their hash, and which case they belong to."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model, PublicId


class Document(Model):
    """A file of a case under a kind of its measure's checklist; a newer one replaces it."""

    __tablename__ = "document"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[PublicId]
    kind: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[Big]
    sha256: Mapped[str]
    uploaded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    uploaded_at: Mapped[datetime]
    replaced: Mapped[bool] = mapped_column(server_default="false")

    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        Index(
            "uq_document_current", "case_id", "kind", unique=True, postgresql_where="NOT replaced"
        ),
    )
