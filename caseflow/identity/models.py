"""Territories, organisations, people and who sits where."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId

APPLICANT_KINDS = ("enterprise", "institution", "association", "individual", "government")
"""`government`: a district or park administration, to which a city allots funds."""


class Territory(Model):
    """A city, county-level city, town or park, with the fiscal level that pays for it."""

    __tablename__ = "territory"

    id: Mapped[EntityId]
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    level: Mapped[str]
    fiscal_level: Mapped[str]
    parent_id: Mapped[Big | None] = mapped_column(ForeignKey("territory.id"))


class Organisation(Model):
    """A bureau, town, bank, expert pool … or an applicant with its checked identifier."""

    __tablename__ = "organisation"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    code: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[str]
    title: Mapped[str]
    territory_id: Mapped[Big] = mapped_column(ForeignKey("territory.id"))
    uscc: Mapped[str | None] = mapped_column(unique=True)
    identity_type: Mapped[str | None]
    identity_number: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "kind NOT IN ('enterprise', 'institution', 'association', 'individual', 'government')"
            " OR (kind = 'individual' AND uscc IS NULL AND identity_number IS NOT NULL"
            "     AND identity_type IS NOT NULL)"
            " OR (kind <> 'individual' AND uscc IS NOT NULL)",
            name="applicant_identifier",
        ),
        CheckConstraint("uscc IS NULL OR length(uscc) = 18", name="uscc_length"),
        UniqueConstraint("identity_type", "identity_number", name="uq_organisation_identity"),
        Index("ix_organisation_kind", "kind"),
    )


class Person(Model):
    """Somebody who acts; accounts of the cities' files are named by their seat."""

    __tablename__ = "person"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str | None]


class Assignment(Model):
    """A person holds a role in an organisation from an instant, until another (half open)."""

    __tablename__ = "assignment"

    id: Mapped[EntityId]
    person_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="period"),
        UniqueConstraint(
            "person_id", "organisation_id", "role", "valid_from", name="uq_assignment_once"
        ),
        Index("ix_assignment_seat", "organisation_id", "role"),
    )
