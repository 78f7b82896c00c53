"""Ties: who is what of whom, from which day to which, by which source; and who we know."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId
from caseflow.kernel.ties import ALIKE, KINDS, SHAREHOLDER

Percent = Annotated[Decimal, mapped_column(Numeric(9, 6))]
PERSON: Final = "~"
"""How the key of a person begins: a commitment to their number, never the number."""


class Tie(Model):
    """`holder` is a `kind` of `held` from `valid_from` to `valid_to`, both days inside.

    Ends are credit codes; of a person the commitment to their number. Written once: it may be ended
    once, and struck out once where it was entered by mistake; nothing else of it changes.
    """

    __tablename__ = "tie"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    kind: Mapped[str]
    holder: Mapped[str]
    holder_title: Mapped[str]
    held: Mapped[str]
    held_title: Mapped[str]
    percent: Mapped[Percent | None]
    source: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    file_sha256: Mapped[str | None]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    ended_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    struck_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    struck_at: Mapped[datetime | None]
    struck_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(map(repr, KINDS))})", name="kind"),
        CheckConstraint(
            "holder <> held AND length(held) = 18 AND (length(holder) = 18 OR holder LIKE '~%')",
            name="ends",
        ),
        CheckConstraint(
            f"kind NOT IN ({', '.join(map(repr, sorted(ALIKE)))})"
            " OR (length(holder) = 18 AND holder < held)",
            name="alike",
        ),
        CheckConstraint(
            f"(kind = '{SHAREHOLDER}') = (percent IS NOT NULL) AND percent > 0 AND percent <= 100",
            name="percent",
        ),
        CheckConstraint("valid_to >= valid_from", name="period"),
        CheckConstraint("btrim(source) <> ''", name="sourced"),
        CheckConstraint("file_sha256 ~ '^[0-9a-f]{64}$'", name="file"),
        CheckConstraint(
            "(ended_by IS NULL) = (ended_at IS NULL)"
            " AND (ended_at IS NULL OR valid_to IS NOT NULL)",
            name="ended",
        ),
        CheckConstraint(
            "(struck_at IS NULL) = (struck_by IS NULL)"
            " AND (struck_at IS NULL) = (struck_reason IS NULL)"
            " AND btrim(struck_reason) <> ''",
            name="struck",
        ),
        Index("ix_tie_held", "held", postgresql_where="struck_at IS NULL"),
        Index("ix_tie_holder", "holder", postgresql_where="struck_at IS NULL"),
    )


class KnownPerson(Model):
    """Which person of the register somebody of this house is: `code` commits to their number."""

    __tablename__ = "known_person"

    person_id: Mapped[Big] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False
    )
    code: Mapped[str]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("code LIKE '~%'", name="code"),
        Index("ix_known_person_code", "code"),
    )
