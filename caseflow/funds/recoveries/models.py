"""A recovery of paid money, which is a child case of the one that was paid, and its receipts."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Fen, Model
from caseflow.kernel.recovery import GROUNDS, LEGALLY_REVIEWED

KNOWN_GROUNDS = ", ".join(f"'{ground}'" for ground in GROUNDS)


class Recovery(Model):
    """What is claimed back of the payments of `case_id`, why, and how it was decided.

    Decided once, never above what was paid and has not come back. `received_fen` is the sum of its
    receipts. Interest is what somebody entered with its basis, kept apart from the principal.
    """

    __tablename__ = "recovery"

    id: Mapped[Big] = mapped_column(ForeignKey("case.id"), primary_key=True, autoincrement=False)
    case_id: Mapped[Big] = mapped_column(ForeignKey("case.id"))
    ground: Mapped[str]
    evidence: Mapped[str]
    legal_review_no: Mapped[str | None]
    opened_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime]
    decided_fen: Mapped[Fen | None]
    document_no: Mapped[str | None]
    decided_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    interest_fen: Mapped[Fen | None]
    interest_basis: Mapped[str | None]
    offset_allowed: Mapped[bool] = mapped_column(server_default="false")
    offset_words: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    received_fen: Mapped[Fen] = mapped_column(server_default="0")

    __table_args__ = (
        CheckConstraint("id <> case_id", name="itself"),
        CheckConstraint(f"ground IN ({KNOWN_GROUNDS})", name="ground"),
        CheckConstraint("length(trim(evidence)) > 0", name="evidence"),
        CheckConstraint(
            f"ground <> '{LEGALLY_REVIEWED}' OR legal_review_no IS NOT NULL", name="legal_review"
        ),
        CheckConstraint("decided_fen > 0", name="decided"),
        CheckConstraint(
            "num_nulls(decided_fen, document_no, decided_by, decided_at) IN (0, 4)",
            name="decided_by_document",
        ),
        CheckConstraint(
            "(interest_fen IS NULL) = (interest_basis IS NULL) AND coalesce(interest_fen, 0) >= 0",
            name="interest",
        ),
        CheckConstraint("offset_allowed = (offset_words IS NOT NULL)", name="offset"),
        CheckConstraint(
            "received_fen BETWEEN 0 AND coalesce(decided_fen, 0)", name="received_within_decided"
        ),
        CheckConstraint(
            "withdrawn_at IS NULL OR (decided_at IS NOT NULL AND received_fen = 0)",
            name="withdrawn",
        ),
        UniqueConstraint("id", "case_id", name="uq_recovery_of_case"),
        Index("ix_recovery_case_id", "case_id"),
    )


class PaymentOffset(Model):
    """What of an order was set off against a recovery (抵扣): event `seq` of the paying case.

    Event `recovery_seq` of the recovery has receipts of the same sum, as the recovery splits it.
    """

    __tablename__ = "payment_offset"

    case_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    share: Mapped[str] = mapped_column(primary_key=True)
    instalment: Mapped[int]
    recovery_id: Mapped[Big] = mapped_column(ForeignKey("recovery.id"))
    recovery_seq: Mapped[int]
    fen: Mapped[Fen]
    voucher_no: Mapped[str]
    set_off_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    set_off_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["case_id", "instalment", "share"],
            ["payment.case_id", "payment.instalment", "payment.share"],
            name="fk_payment_offset_payment",
        ),
        CheckConstraint("fen > 0", name="fen"),
        CheckConstraint("case_id <> recovery_id", name="itself"),
        Index("ix_payment_offset_recovery", "recovery_id", "recovery_seq"),
    )


class RecoveryReceipt(Model):
    """One share's part of one receipt, event `seq` of the recovery; both shares have a row."""

    __tablename__ = "recovery_receipt"

    recovery_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    share: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[Big]
    fen: Mapped[Fen]
    received_on: Mapped[date]
    voucher_no: Mapped[str]
    recorded_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["recovery_id", "case_id"],
            ["recovery.id", "recovery.case_id"],
            name="fk_recovery_receipt_recovery",
        ),
        CheckConstraint("fen >= 0", name="fen"),
        CheckConstraint("share IN ('city', 'district')", name="share"),
        CheckConstraint(
            "received_on <= (recorded_at AT TIME ZONE 'Asia/Shanghai')::date", name="received"
        ),
        UniqueConstraint("voucher_no", "share", name="uq_recovery_receipt_voucher"),
        Index("ix_recovery_receipt_case_id", "case_id"),
    )
