"""The one table of parameters: entered by one person, confirmed by another, then never changed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId
from caseflow.kernel.benefits.parameters import PARAMETERS


class MeasureParameter(Model):
    """A value of one parameter of a measure, in force from a day on until a later one is.

    The value is what `kernel.benefits.parameters.stored_value` writes. The id is a stream's.
    """

    __tablename__ = "measure_parameter"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    name: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB, nullable=False)
    valid_from: Mapped[date]
    basis: Mapped[str]
    document_no: Mapped[str]
    entered_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]
    confirmed_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    withdrawn_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"name IN ({', '.join(map(repr, PARAMETERS))})", name="name"),
        CheckConstraint("value <> 'null'::jsonb", name="value"),
        CheckConstraint("btrim(basis) <> '' AND btrim(document_no) <> ''", name="sourced"),
        CheckConstraint(
            "(confirmed_by IS NULL) = (confirmed_at IS NULL)"
            " AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)",
            name="by_and_at",
        ),
        CheckConstraint("confirmed_by <> entered_by", name="second_person"),
        CheckConstraint("confirmed_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
        CheckConstraint("confirmed_at >= entered_at AND withdrawn_at >= entered_at", name="order"),
        Index(
            "uq_measure_parameter_confirmed",
            "measure_id",
            "name",
            "valid_from",
            unique=True,
            postgresql_where="confirmed_at IS NOT NULL",
        ),
        Index("ix_measure_parameter_measure", "measure_id", "id"),
    )
