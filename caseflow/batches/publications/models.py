"""Publications of policy versions: who published what, with which plan for running cases."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId


class Publication(Model):
    """A version that was published over running cases; never changed.

    `plan` has, by measure, what is to become of its cases; `kept` the (measure, workflow hash,
    state) that would be stranded and stay on their version because the plan says so; `counts` how
    many cases stay, may move, would be stranded.
    """

    __tablename__ = "publication"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))
    policy_version_id: Mapped[Big] = mapped_column(ForeignKey("policy_version.id"))
    replaces_id: Mapped[Big | None] = mapped_column(ForeignKey("policy_version.id"))
    plan: Mapped[dict[str, Any]]
    kept: Mapped[list[Any]]
    counts: Mapped[dict[str, Any]]
    reason: Mapped[str]
    document_no: Mapped[str]
    published_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("btrim(reason) <> '' AND btrim(document_no) <> ''", name="sourced"),
        Index("ix_publication_policy", "policy_id", "id"),
    )
