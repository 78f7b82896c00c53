"""Formal documents with their numbers, their files and how they were delivered; append-only."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId

METHODS = ("inbox", "email", "paper")
"""How a document is delivered: into the applicant's inbox here, by e-mail, on paper."""
MARKS = ("arrived", "read")


class Letter(Model):
    """One document: what it rests on (an event), what it says (facts), and its number.

    The database gives `serial` and `number` on insertion: per organisation, word and year, without
    gaps.
    """

    __tablename__ = "letter"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    kind: Mapped[str]
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    publicity_id: Mapped[Big | None] = mapped_column(ForeignKey("publicity.id"))
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    addressee_id: Mapped[Big | None] = mapped_column(ForeignKey("organisation.id"))
    word: Mapped[str]
    year: Mapped[int]
    serial: Mapped[int]
    number: Mapped[str]
    dated_on: Mapped[date]
    stream: Mapped[Big]
    seq: Mapped[int]
    facts: Mapped[dict[str, Any]]
    made_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("num_nonnulls(case_id, publicity_id) = 1", name="about_one"),
        CheckConstraint("stream = coalesce(case_id, publicity_id)", name="of_its_event"),
        CheckConstraint("(case_id IS NULL) = (addressee_id IS NULL)", name="addressed"),
        CheckConstraint("year = extract(year FROM dated_on)", name="year"),
        CheckConstraint("word <> '' AND serial >= 1", name="serial"),
        UniqueConstraint("organisation_id", "word", "year", "serial", name="uq_letter_number"),
        UniqueConstraint("kind", "stream", "seq", name="uq_letter_of_event"),
        ForeignKeyConstraint(["stream", "seq"], ["event.stream", "event.seq"],
                             name="fk_letter_event"),
        Index("ix_letter_case", "case_id", "id", postgresql_where="case_id IS NOT NULL"),
        Index("ix_letter_publicity", "publicity_id", "id",
              postgresql_where="publicity_id IS NOT NULL"),
    )  # fmt: skip


class LetterNumber(Model):
    """The last number given under an organisation's word in a year; moved by letters alone."""

    __tablename__ = "letter_number"

    organisation_id: Mapped[Big] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, autoincrement=False
    )
    word: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class LetterFile(Model):
    """A document's file in one format, as it was first written; stored under its hash."""

    __tablename__ = "letter_file"

    letter_id: Mapped[Big] = mapped_column(
        ForeignKey("letter.id"), primary_key=True, autoincrement=False
    )
    format: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    size: Mapped[Big]
    form_sha256: Mapped[str]
    font: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("format IN ('pdf', 'docx')", name="format"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("(format = 'pdf') = (font IS NOT NULL)", name="font"),
    )


class LetterDelivery(Model):
    """One sending of a document to its addressee (送达); by electronic means with consent only."""

    __tablename__ = "letter_delivery"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[PublicId]
    letter_id: Mapped[Big] = mapped_column(ForeignKey("letter.id"))
    method: Mapped[str]
    consent: Mapped[str | None]
    receiver: Mapped[str | None]
    sent_at: Mapped[datetime]
    sent_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        CheckConstraint("method IN ('inbox', 'email', 'paper')", name="method"),
        CheckConstraint("method = 'paper' OR consent <> '' AND consent IS NOT NULL",
                        name="consent"),
        Index("ix_letter_delivery_letter", "letter_id", "id"),
    )  # fmt: skip


class LetterMark(Model):
    """That a delivery arrived or was read (阅知、签收): each once, and never taken back."""

    __tablename__ = "letter_mark"

    delivery_id: Mapped[Big] = mapped_column(
        ForeignKey("letter_delivery.id"), primary_key=True, autoincrement=False
    )
    mark: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (CheckConstraint("mark IN ('arrived', 'read')", name="mark"),)
