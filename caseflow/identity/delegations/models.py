"""Who stands in for whom (代理), from when to when, in what."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId

UNDELEGATED = ("applicant", "auditor")
"""Roles that nobody takes for another: applicants authorise in writing, auditors audit."""


class Delegation(Model):
    """`to` acts for `from` in the period (half open); None in a scope means everything.

    Never onward: who stands in for somebody delegates nothing meanwhile. (trigger)
    """

    __tablename__ = "delegation"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    from_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    to_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    roles: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    measure_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    reason: Mapped[str]
    given_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="two_people"),
        CheckConstraint("valid_to > valid_from", name="period"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        Index("ix_delegation_to", "to_id", "id"),
        Index("ix_delegation_from", "from_id", "id"),
    )
