"""Amounts, payment orders (拨付单), accounts to pay to, budget lines and their ledger."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Fen, Model, PublicId
from caseflow.funds.caps import models as caps_models
from caseflow.kernel.cuts import CUT_CODES

KNOWN_CUTS = ", ".join(f"'{code}'" for code in CUT_CODES)
TABLES = (caps_models,)
"""The sub-folders' tables: whoever imports this module knows all of the room's."""


class AmountStep(Model):
    """One step of applied → verified → audited → reviewed → planned → publicised → approved.

    One that is less than the step before it says why: a code of the closed list, and in words.
    """

    __tablename__ = "amount_step"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    fen: Mapped[Fen]
    reason: Mapped[str | None]
    cut_code: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("fen >= 0", name="fen"),
        CheckConstraint(f"cut_code IN ({KNOWN_CUTS})", name="cut_code"),
        CheckConstraint(
            "cut_code IS NULL OR length(trim(coalesce(reason, ''))) > 0", name="cut_in_words"
        ),
    )


class BankAccount(Model):
    """Where an organisation is paid: the last one registered holds, the others are history."""

    __tablename__ = "bank_account"

    organisation_id: Mapped[Big] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    holder: Mapped[str]
    bank: Mapped[str]
    registered_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    until: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("number ~ '^[0-9]{6,32}$'", name="number"),
        CheckConstraint("until IS NULL OR until >= since", name="period"),
        Index("uq_bank_account_current", "organisation_id", unique=True,
              postgresql_where="until IS NULL"),
    )  # fmt: skip


class Payment(Model):
    """A payment order: one instalment of one share. The key makes paying it twice impossible.

    `fen` is the gross; `offset_fen` of it was set off against recoveries, the rest is paid. Where
    children are paid from one commitment, `siblings_fen` is what the others had been ordered when
    the shares were split: the database refuses a split that rests on less, so no fen drifts.

    The database finds the payer (市财政 or 属地财政 of the case), and the day where none is given;
    a voucher number pays one order of a payer, share and year.
    """

    __tablename__ = "payment"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    instalment: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    share: Mapped[str] = mapped_column(primary_key=True)
    fen: Mapped[Fen]
    offset_fen: Mapped[Fen] = mapped_column(server_default="0")
    siblings_fen: Mapped[Fen | None]
    status: Mapped[str]
    ordered_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    voucher_no: Mapped[str | None]
    payee_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    account_holder: Mapped[str]
    account_bank: Mapped[str]
    account_number: Mapped[str]
    document_no: Mapped[str]
    payer_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    paid_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("fen > 0", name="fen"),
        CheckConstraint("offset_fen BETWEEN 0 AND fen", name="offset"),
        CheckConstraint("(status = 'paid') = (paid_on IS NOT NULL)", name="paid_on"),
        CheckConstraint(
            "paid_on BETWEEN (ordered_at AT TIME ZONE 'Asia/Shanghai')::date"
            " AND (paid_at AT TIME ZONE 'Asia/Shanghai')::date",
            name="paid_in_time",
        ),
        Index(
            "uq_payment_voucher",
            "payer_id",
            "share",
            text("EXTRACT(year FROM paid_on)"),
            "voucher_no",
            unique=True,
            postgresql_where="voucher_no IS NOT NULL",
        ),
        CheckConstraint("status IN ('ordered', 'paid', 'returned')", name="status"),
        CheckConstraint(
            "(status = 'paid') = (paid_at IS NOT NULL AND voucher_no IS NOT NULL)", name="paid"
        ),
        CheckConstraint("share IN ('city', 'district')", name="share"),
        Index("ix_payment_waiting", "ordered_at", postgresql_where="status <> 'paid'"),
    )


class BudgetLine(Model):
    """Money of one policy (or one measure of it) for one year, borne by one treasury (预算项目)."""

    __tablename__ = "budget_line"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))
    measure_id: Mapped[Big | None] = mapped_column(ForeignKey("measure.id"))
    year: Mapped[int]
    share: Mapped[str]
    territory_id: Mapped[Big] = mapped_column(ForeignKey("territory.id"))
    title: Mapped[str]
    functional_subject: Mapped[str | None]
    economic_subject: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("share IN ('city', 'district')", name="share"),
        UniqueConstraint("policy_id", "measure_id", "year", "share", "territory_id",
                         name="uq_budget_line_once", postgresql_nulls_not_distinct=True),
    )  # fmt: skip


class LedgerAccount(Model):
    """An account of a budget line; all accounts of a line together are always nothing."""

    __tablename__ = "ledger_account"

    line_id: Mapped[Big] = mapped_column(
        ForeignKey("budget_line.id"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    balance_fen: Mapped[Fen]

    __table_args__ = (
        CheckConstraint("kind IN ('appropriation', 'available', 'reserved', 'committed',"
                        " 'released', 'paid', 'recovered')", name="kind"),
        CheckConstraint("CASE WHEN kind = 'appropriation' THEN balance_fen <= 0"
                        " ELSE balance_fen >= 0 END", name="never_overdrawn"),
    )  # fmt: skip


class LedgerEntry(Model):
    """Fen that left one account of a line for another: both sides in one row, for ever.

    `stream` and `seq` are the event that moved them; an entry of a case names its line only through
    the case: the database finds it (`line_of_case`).
    """

    __tablename__ = "ledger_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    stream: Mapped[Big]
    seq: Mapped[int]
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    line_id: Mapped[Big] = mapped_column(ForeignKey("budget_line.id"))
    share: Mapped[str]
    source: Mapped[str]
    target: Mapped[str]
    fen: Mapped[Fen]
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("fen > 0", name="fen"),
        CheckConstraint("source <> target", name="two_accounts"),
        ForeignKeyConstraint(["stream", "seq"], ["event.stream", "event.seq"],
                             name="fk_ledger_entry_event"),
        ForeignKeyConstraint(["line_id", "source"],
                             ["ledger_account.line_id", "ledger_account.kind"],
                             name="fk_ledger_entry_source"),
        ForeignKeyConstraint(["line_id", "target"],
                             ["ledger_account.line_id", "ledger_account.kind"],
                             name="fk_ledger_entry_target"),
        Index("ix_ledger_entry_case", "case_id", "share", postgresql_where="case_id IS NOT NULL"),
        Index("ix_ledger_entry_line", "line_id", "id"),
    )  # fmt: skip


class CaseBudget(Model):
    """Which budget line bears which share of a case, settled when it first takes money."""

    __tablename__ = "case_budget"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    share: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[Big] = mapped_column(ForeignKey("budget_line.id"))

    __table_args__ = (Index("ix_case_budget_line", "line_id"),)


class FiscalSplit(Model):
    """What the city bears in a place under 现行财政体制, from a day on; entered and confirmed."""

    __tablename__ = "fiscal_split"

    id: Mapped[EntityId]
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))
    territory_id: Mapped[Big] = mapped_column(ForeignKey("territory.id"))
    city_percent: Mapped[Decimal]
    valid_from: Mapped[date]
    basis: Mapped[str]
    entered_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]
    confirmed_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("city_percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("confirmed_by <> entered_by", name="second_person"),
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed"),
        UniqueConstraint("policy_id", "territory_id", "valid_from"),
    )
