"""Successions: a credit code whose rights went on to another, by which document."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model

KINDS = {"merger": "合并", "new_code": "换发统一社会信用代码", "reorganisation": "改制"}


class Succession(Model):
    """`predecessor` goes on as `successor` (both credit codes); written once, never in a ring."""

    __tablename__ = "succession"

    id: Mapped[EntityId]
    predecessor: Mapped[str]
    successor: Mapped[str]
    kind: Mapped[str]
    document_no: Mapped[str]
    effective_on: Mapped[date]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("predecessor", name="uq_succession_predecessor"),
        CheckConstraint(
            "length(predecessor) = 18 AND length(successor) = 18 AND predecessor <> successor",
            name="codes",
        ),
        CheckConstraint(f"kind IN ({', '.join(map(repr, KINDS))})", name="kind"),
        CheckConstraint("btrim(document_no) <> ''", name="sourced"),
        Index("ix_succession_successor", "successor"),
    )
