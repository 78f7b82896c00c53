"""The tables of 拨投股: what was agreed, priced, converted, left and lost. All are append-only."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Fen, Model
from caseflow.kernel.equity.terms import INTEREST_BEGINS, TRIGGERS, VALUATIONS

Seq = Annotated[int, mapped_column(primary_key=True, autoincrement=False)]
Whole = Annotated[Decimal, mapped_column(Numeric(30, 0))]
"""A whole number of any size: numerator or denominator of an exact price."""


def among(column: str, words: tuple[str, ...]) -> str:
    """Return the condition that a column is one of these words."""
    return f"{column} IN ({', '.join(map(repr, words))})"


def of_event() -> ForeignKeyConstraint:
    """Return the key that ties a row to the event of the act that wrote it."""
    return ForeignKeyConstraint(["case_id", "seq"], ["event.stream", "event.seq"])


class EquityTerms(Model):
    """One version of an agreement's terms. Percents are whole, the rate is in basis points."""

    __tablename__ = "equity_terms"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    version: Mapped[Seq]
    seq: Mapped[int]
    valuation: Mapped[str]
    discount_percent: Mapped[int]
    share_cap_percent: Mapped[int]
    may_be_largest: Mapped[bool]
    buyback_rate_bp: Mapped[int]
    buyback_years: Mapped[int]
    interest_from: Mapped[str]
    triggers_text: Mapped[str]
    price_text: Mapped[str]
    buyback_text: Mapped[str]
    exemption_text: Mapped[str]
    information_duties: Mapped[str]

    __table_args__ = (
        of_event(),
        CheckConstraint(among("valuation", VALUATIONS), name="valuation"),
        CheckConstraint("discount_percent BETWEEN 0 AND 99", name="discount"),
        CheckConstraint("share_cap_percent BETWEEN 1 AND 99", name="share_cap"),
        CheckConstraint("buyback_rate_bp BETWEEN 0 AND 10000", name="buyback_rate"),
        CheckConstraint("buyback_years BETWEEN 1 AND 99", name="buyback_years"),
        CheckConstraint(among("interest_from", INTEREST_BEGINS), name="interest_from"),
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint(
            "case_id", "version", "valuation", "discount_percent", "share_cap_percent",
            "may_be_largest", name="uq_equity_terms_of_conversion",
        ),
    )  # fmt: skip


class EquityTrigger(Model):
    """One agreed trigger of a version: a threshold in fen, a date, or its kind alone."""

    __tablename__ = "equity_trigger"

    case_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Seq]
    kind: Mapped[str] = mapped_column(primary_key=True)
    threshold_fen: Mapped[Fen | None]
    on_date: Mapped[date | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["case_id", "version"], ["equity_terms.case_id", "equity_terms.version"]
        ),
        CheckConstraint(among("kind", TRIGGERS), name="kind"),
        CheckConstraint(
            "(kind IN ('financing', 'revenue')) = (threshold_fen IS NOT NULL)", name="threshold"
        ),
        CheckConstraint("threshold_fen > 0", name="threshold_positive"),
        CheckConstraint("(kind = 'fixed_date') = (on_date IS NOT NULL)", name="on_date"),
    )


class EquityAgreement(Model):
    """A version that was signed and sealed: from then on it binds."""

    __tablename__ = "equity_agreement"

    case_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Seq]
    seq: Mapped[int]
    document_no: Mapped[str]
    sealed_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["case_id", "version"], ["equity_terms.case_id", "equity_terms.version"]
        ),
        of_event(),
    )


class FundingRound(Model):
    """The round, or the appraisal, that priced a conversion; the price is an exact rational."""

    __tablename__ = "funding_round"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[Seq]
    title: Mapped[str]
    on_date: Mapped[date]
    pre_money_fen: Mapped[Fen]
    raised_fen: Mapped[Fen]
    shares_before: Mapped[Big]
    shares_issued: Mapped[Big]
    valuation: Mapped[str]
    price_numerator: Mapped[Whole]
    price_denominator: Mapped[Whole]

    __table_args__ = (
        of_event(),
        CheckConstraint("pre_money_fen > 0 AND raised_fen >= 0", name="money"),
        CheckConstraint("shares_before > 0 AND shares_issued >= 0", name="shares"),
        CheckConstraint("(raised_fen > 0) = (shares_issued > 0)", name="issued_for_money"),
        CheckConstraint(among("valuation", VALUATIONS), name="valuation"),
        CheckConstraint("price_numerator > 0 AND price_denominator > 0", name="price_positive"),
        CheckConstraint("gcd(price_numerator, price_denominator) = 1", name="price_reduced"),
        CheckConstraint(
            "CASE valuation WHEN 'pre_money'"
            " THEN price_numerator * shares_before = price_denominator * pre_money_fen"
            " ELSE price_numerator * (shares_before + shares_issued)"
            " = price_denominator * (pre_money_fen::numeric + raised_fen) END",
            name="price_exact",
        ),
        UniqueConstraint(
            "case_id", "seq", "valuation", "price_numerator", "price_denominator",
            name="uq_funding_round_price",
        ),
    )  # fmt: skip


class Shareholding(Model):
    """One holder of the cap table: shares after the round, and after the conversion."""

    __tablename__ = "shareholding"

    case_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Seq]
    holder: Mapped[str] = mapped_column(primary_key=True)
    is_trustee: Mapped[bool]
    shares_before: Mapped[Big]
    shares_after: Mapped[Big]

    __table_args__ = (
        ForeignKeyConstraint(
            ["case_id", "seq"],
            ["funding_round.case_id", "funding_round.seq"],
        ),
        CheckConstraint("shares_before >= 0 AND shares_after > 0", name="positive"),
        CheckConstraint("is_trustee OR shares_before = shares_after", name="others_keep"),
        Index(
            "uq_shareholding_trustee", "case_id", "seq", unique=True, postgresql_where="is_trustee"
        ),
    )


class EquityConversion(Model):
    """A conversion: one a case. Every figure follows from the terms and the price, by CHECK."""

    __tablename__ = "equity_conversion"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int]
    terms_version: Mapped[int]
    valuation: Mapped[str]
    discount_percent: Mapped[int]
    share_cap_percent: Mapped[int]
    may_be_largest: Mapped[bool]
    meeting_cap_percent: Mapped[int | None]
    meeting_may_be_largest: Mapped[bool | None]
    meeting_minutes_no: Mapped[str | None]
    price_numerator: Mapped[Whole]
    price_denominator: Mapped[Whole]
    amount_fen: Mapped[Fen]
    converted_fen: Mapped[Fen]
    remainder_fen: Mapped[Fen]
    shares: Mapped[Big]
    shares_held: Mapped[Big]
    shares_total: Mapped[Big]
    largest_other: Mapped[Big]
    registered_on: Mapped[date]
    document_no: Mapped[str]

    __table_args__ = (
        of_event(),
        ForeignKeyConstraint(
            ["case_id", "terms_version"],
            ["equity_agreement.case_id", "equity_agreement.version"],
            name="fk_equity_conversion_sealed",
        ),
        ForeignKeyConstraint(
            ["case_id", "terms_version", "valuation", "discount_percent", "share_cap_percent",
             "may_be_largest"],
            ["equity_terms.case_id", "equity_terms.version", "equity_terms.valuation",
             "equity_terms.discount_percent", "equity_terms.share_cap_percent",
             "equity_terms.may_be_largest"],
            name="fk_equity_conversion_terms",
        ),
        ForeignKeyConstraint(
            ["case_id", "seq", "valuation", "price_numerator", "price_denominator"],
            ["funding_round.case_id", "funding_round.seq", "funding_round.valuation",
             "funding_round.price_numerator", "funding_round.price_denominator"],
            name="fk_equity_conversion_price",
        ),
        CheckConstraint("amount_fen = converted_fen + remainder_fen", name="adds_up"),
        CheckConstraint("converted_fen > 0 AND remainder_fen >= 0 AND shares > 0", name="positive"),
        CheckConstraint(
            "(converted_fen - 1::numeric) * 100 * price_denominator"
            " < shares * price_numerator * (100 - discount_percent)"
            " AND shares * price_numerator * (100 - discount_percent)"
            " <= converted_fen::numeric * 100 * price_denominator",
            name="paid_by_price",
        ),
        CheckConstraint(
            "(shares + 1) * price_numerator * (100 - discount_percent)"
            " > amount_fen::numeric * 100 * price_denominator",
            name="no_share_left",
        ),
        CheckConstraint("shares_held >= shares AND shares_total > shares_held", name="held"),
        CheckConstraint(
            "shares_held::numeric * 100"
            " <= coalesce(meeting_cap_percent, share_cap_percent) * shares_total::numeric",
            name="within_cap",
        ),
        CheckConstraint(
            "shares_held < largest_other OR coalesce(meeting_may_be_largest, may_be_largest)",
            name="not_largest",
        ),
        CheckConstraint("meeting_cap_percent BETWEEN 1 AND 99", name="meeting_cap"),
        CheckConstraint(
            "meeting_minutes_no IS NOT NULL"
            " OR (meeting_cap_percent IS NULL AND meeting_may_be_largest IS NULL)",
            name="meeting_minutes",
        ),
    )  # fmt: skip


class EquityExit(Model):
    """An exit: what the shares cost, what came back, gain and loss; a loss has its minutes."""

    __tablename__ = "equity_exit"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("equity_conversion.case_id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int]
    route: Mapped[str]
    on_date: Mapped[date]
    cost_fen: Mapped[Fen]
    principal_fen: Mapped[Fen]
    gain_fen: Mapped[Fen]
    rest_fen: Mapped[Fen]
    loss_fen: Mapped[Fen]
    document_no: Mapped[str]
    minutes_no: Mapped[str | None]

    __table_args__ = (
        of_event(),
        CheckConstraint(
            among("route", ("founder_buyback", "transfer", "listing", "liquidation")), name="route"
        ),
        CheckConstraint("principal_fen BETWEEN 0 AND cost_fen", name="principal"),
        CheckConstraint("gain_fen >= 0 AND rest_fen >= 0 AND loss_fen >= 0", name="positive"),
        CheckConstraint("gain_fen = 0 OR principal_fen = cost_fen", name="gain_after_principal"),
        CheckConstraint("loss_fen >= cost_fen - principal_fen", name="loss"),
        CheckConstraint("loss_fen = 0 OR minutes_no IS NOT NULL", name="loss_by_minutes"),
    )


class EquityLoss(Model):
    """A loss that the joint meeting recognised, with what was salvaged."""

    __tablename__ = "equity_loss"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int]
    loss_fen: Mapped[Fen]
    salvaged_fen: Mapped[Fen]
    minutes_no: Mapped[str]
    reason: Mapped[str]

    __table_args__ = (
        of_event(),
        CheckConstraint("loss_fen >= 0 AND salvaged_fen >= 0", name="positive"),
    )
