"""A bar of an organisation from applying for and receiving policy money."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model
from caseflow.kernel.bars import LONGEST_YEARS


class OrganisationBar(Model):
    """A bar from `from_on` to `to_on`, both included, placed by the decision of one recovery."""

    __tablename__ = "bar"

    recovery_id: Mapped[Big] = mapped_column(
        ForeignKey("recovery.id"), primary_key=True, autoincrement=False
    )
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    from_on: Mapped[date]
    to_on: Mapped[date]
    years: Mapped[int]
    basis: Mapped[str]
    credit_entry: Mapped[str | None]
    placed_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("to_on > from_on", name="period"),
        CheckConstraint(f"years BETWEEN 1 AND {LONGEST_YEARS}", name="years"),
        CheckConstraint("length(trim(basis)) > 0", name="basis"),
        CheckConstraint("num_nulls(lifted_by, lifted_at, lift_reason) IN (0, 3)", name="lifted"),
        Index("ix_bar_standing", "organisation_id", "to_on", postgresql_where="lifted_at IS NULL"),
    )
