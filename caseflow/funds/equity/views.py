"""What can be told of one project: agreement, cap table, conversion, end, and its money."""

from dataclasses import dataclass
from datetime import date, datetime

from caseflow.kernel.equity.explaining import EquityLine


@dataclass(frozen=True)
class TriggerView:
    """An agreed trigger; a threshold in fen or a date where its kind has one."""

    kind: str
    title: str
    threshold_fen: int | None
    on_date: date | None


@dataclass(frozen=True)
class TermsView:
    """One version of the terms; it binds from `sealed_at`, never where that is None."""

    version: int
    document_no: str | None
    sealed_at: datetime | None
    triggers: tuple[TriggerView, ...]
    valuation: str
    discount_percent: int
    share_cap_percent: int
    may_be_largest: bool
    buyback_rate_bp: int
    buyback_years: int
    interest_from: str
    triggers_text: str
    price_text: str
    buyback_text: str
    exemption_text: str
    information_duties: str


@dataclass(frozen=True)
class HolderView:
    """A holder's shares after the round, and after the conversion."""

    holder: str
    shares_before: int
    shares_after: int


@dataclass(frozen=True)
class RoundView:
    """A round or appraisal; `price` is the exact fen of a share, numerator/denominator."""

    title: str
    on_date: date
    pre_money_fen: int
    raised_fen: int
    shares_before: int
    shares_issued: int
    price: str
    holders: tuple[HolderView, ...]


@dataclass(frozen=True)
class ConversionView:
    """A conversion; `part` is the trustee's exact part, `percent` that cut to four decimals."""

    terms_version: int
    amount_fen: int
    converted_fen: int
    remainder_fen: int
    price: str
    shares: int
    shares_held: int
    shares_total: int
    part: str
    percent: str
    meeting_minutes_no: str | None
    registered_on: date
    document_no: str
    lines: tuple[EquityLine, ...]


@dataclass(frozen=True)
class ExitView:
    """How the holding ended: what it cost, what came back, gain and loss."""

    route: str
    on_date: date
    cost_fen: int
    principal_fen: int
    gain_fen: int
    rest_fen: int
    loss_fen: int
    minutes_no: str | None
    document_no: str
    lines: tuple[EquityLine, ...]


@dataclass(frozen=True)
class LossView:
    """A loss recognised without an exit, by minutes, and the letter that exempts."""

    loss_fen: int
    salvaged_fen: int
    minutes_no: str
    reason: str
    exemption_no: str | None


@dataclass(frozen=True)
class FlowView:
    """Fen that moved between two accounts of the pool by event `version` of the case."""

    version: int
    event: str
    on_date: date
    source: str
    source_title: str
    target: str
    target_title: str
    fen: int


@dataclass(frozen=True)
class PositionView:
    """Where the money is; `dpi` is what came back ÷ what was paid in, exact, None before that."""

    transferred_fen: int
    granted_fen: int
    equity_fen: int
    returned_fen: int
    gain_fen: int
    lost_fen: int
    kept_fen: int
    outstanding_fen: int
    dpi: str | None


@dataclass(frozen=True)
class CaseEquity:
    """Everything of one project's equity, versions and flows oldest first."""

    terms: tuple[TermsView, ...]
    round: RoundView | None
    conversion: ConversionView | None
    exit: ExitView | None
    loss: LossView | None
    position: PositionView
    flows: tuple[FlowView, ...]


@dataclass(frozen=True)
class StakeView:
    """Shares for so many fen, and what the trustee then holds; `part` is exact."""

    shares: int
    cost_fen: int
    shares_held: int
    shares_total: int
    part: str
    percent: int
    is_largest: bool


@dataclass(frozen=True)
class PreviewView:
    """What an amount would convert into: asked for, allowed, left over. Nothing is kept."""

    terms_version: int
    amount_fen: int
    price: str
    wanted: StakeView
    allowed: StakeView
    remainder_fen: int
    over_fen: int
    is_within: bool
    lines: tuple[EquityLine, ...]
