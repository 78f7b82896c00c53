"""The amount history of a case, its payment orders (拨付单), and the tables of the sub-folders."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Fen, Model
from caseflow.funds.caps import models as caps_models

TABLES = (caps_models,)
"""The sub-folders' tables: whoever imports this module knows all of the room's."""


class AmountStep(Model):
    """One step of applied → verified → audited → reviewed → planned → publicised → approved."""

    __tablename__ = "amount_step"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    fen: Mapped[Fen]
    reason: Mapped[str | None]

    __table_args__ = (CheckConstraint("fen >= 0", name="fen"),)


class Payment(Model):
    """A payment order: one instalment of one share. The key makes paying it twice impossible."""

    __tablename__ = "payment"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    instalment: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    share: Mapped[str] = mapped_column(primary_key=True)
    fen: Mapped[Fen]
    status: Mapped[str]
    ordered_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    voucher_no: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("fen > 0", name="fen"),
        CheckConstraint("status IN ('ordered', 'paid', 'returned')", name="status"),
        CheckConstraint(
            "(status = 'paid') = (paid_at IS NOT NULL AND voucher_no IS NOT NULL)", name="paid"
        ),
        CheckConstraint("share IN ('city', 'district')", name="share"),
    )
