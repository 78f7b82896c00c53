"""The pool's entries, append-only, and the balances, which only entries move."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Fen, Model
from caseflow.funds.equity.models import Seq, among, of_event
from caseflow.kernel.equity.position import ACCOUNTS, MOVES, OUTSIDE

UNDOES: Final = (
    "(reverses_seq IS NULL) = (reverses_line IS NULL) AND (reverses_seq IS NOT NULL)"
    " = ((source, target) IN (('granted', 'available'), ('available', 'pool_opening')))"
)
"""Money goes back to the trustee only where an entry says which transfer was returned."""


class EquityPosition(Model):
    """Where one case's money is. Only entries move it; nothing leaves that is not there."""

    __tablename__ = "equity_position"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    pooled_fen: Mapped[Fen]
    granted_fen: Mapped[Fen]
    equity_fen: Mapped[Fen]
    returned_fen: Mapped[Fen]
    gain_fen: Mapped[Fen]
    lost_fen: Mapped[Fen]
    kept_fen: Mapped[Fen]
    transferred_fen: Mapped[Fen]

    __table_args__ = (
        CheckConstraint("granted_fen >= 0 AND equity_fen >= 0", name="not_overdrawn"),
        CheckConstraint("transferred_fen <= pooled_fen", name="within_paid_in"),
        CheckConstraint(
            "transferred_fen = granted_fen + equity_fen + returned_fen + lost_fen + kept_fen",
            name="conserved",
        ),
    )


class PoolAccount(Model):
    """An account of a measure's pool and its balance; only the two outside go below zero."""

    __tablename__ = "pool_account"

    measure_id: Mapped[Big] = mapped_column(
        ForeignKey("measure.id"), primary_key=True, autoincrement=False
    )
    account: Mapped[str] = mapped_column(primary_key=True)
    fen: Mapped[Fen]

    __table_args__ = (
        CheckConstraint(among("account", tuple(ACCOUNTS)), name="account"),
        CheckConstraint(
            f"CASE WHEN {among('account', OUTSIDE)} THEN fen <= 0 ELSE fen >= 0 END",
            name="not_overdrawn",
        ),
    )


class PoolEntry(Model):
    """Fen that moved from one account of the pool to another, by the act `seq` of a case.

    An entry that undoes a transfer which the bank returned names that one's act and line: it is
    its mirror, the same fen the other way, once for ever.
    """

    __tablename__ = "pool_entry"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[Seq]
    line: Mapped[Seq]
    measure_id: Mapped[Big] = mapped_column(ForeignKey("measure.id"))
    source: Mapped[str]
    target: Mapped[str]
    fen: Mapped[Fen]
    on_date: Mapped[date]
    at: Mapped[datetime]
    reverses_seq: Mapped[int | None]
    reverses_line: Mapped[int | None]

    __table_args__ = (
        of_event(),
        ForeignKeyConstraint(
            ["case_id", "reverses_seq", "reverses_line", "target", "source", "fen"],
            ["pool_entry.case_id", "pool_entry.seq", "pool_entry.line", "pool_entry.source",
             "pool_entry.target", "pool_entry.fen"],
            name="fk_pool_entry_mirror",
        ),
        UniqueConstraint(
            "case_id", "seq", "line", "source", "target", "fen", name="uq_pool_entry_mirrored"
        ),
        UniqueConstraint(
            "case_id", "reverses_seq", "reverses_line", name="uq_pool_entry_reversed_once"
        ),
        CheckConstraint(UNDOES, name="reversal"),
        CheckConstraint("reverses_seq < seq", name="reverses_earlier"),
        CheckConstraint("fen > 0", name="fen"),
        CheckConstraint(
            "(source, target) IN (" + ", ".join(f"('{a}', '{b}')" for a, b in MOVES) + ")",
            name="move",
        ),
        Index("ix_pool_entry_measure", "measure_id", "case_id"),
    )  # fmt: skip
