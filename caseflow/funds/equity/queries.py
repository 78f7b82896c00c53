"""One project's equity as the tables say it, each figure with the lines that make it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.funds.equity.models import (
    EquityAgreement,
    EquityConversion,
    EquityExit,
    EquityLoss,
    EquityTerms,
    EquityTrigger,
    FundingRound,
    Shareholding,
)
from caseflow.funds.equity.pools.models import PoolEntry
from caseflow.funds.equity.views import (
    CaseEquity,
    ConversionView,
    ExitView,
    FlowView,
    HolderView,
    LossView,
    PositionView,
    PreviewView,
    RoundView,
    StakeView,
    TermsView,
    TriggerView,
)
from caseflow.history.models import Event
from caseflow.kernel.equity.acts import round_of
from caseflow.kernel.equity.conversion import Conversion, Holder, Limit, Round, Stake, convert
from caseflow.kernel.equity.exits import Came, settle
from caseflow.kernel.equity.explaining import written
from caseflow.kernel.equity.position import ACCOUNTS, Movement, Position, distributed
from caseflow.kernel.equity.terms import WHOLE, Terms, Trigger
from caseflow.kernel.errors import Conflict, InvalidInput

TRIGGER_TITLES: Final = {
    "financing": "市场化融资",
    "revenue": "年营业收入",
    "listing": "上市",
    "merger": "被并购",
    "fixed_date": "固定日期",
}
DECIMALS: Final = 10_000
"""A percentage on paper has four decimals; what lies behind them is cut off."""


def percent_of(part: Fraction) -> str:
    """Return a part as a percentage with four decimals, cut (舍尾), never rounded up to a cap."""
    whole, rest = divmod(part * WHOLE * DECIMALS // 1, DECIMALS)
    return f"{whole}.{rest:04d}"


def case_equity(session: Session, case_id: int) -> CaseEquity:
    """Return everything of one project's equity; empty where nothing was agreed yet."""
    entries = _entries(session, case_id)
    versions = _versions(session, case_id)
    conversion = session.get(EquityConversion, case_id)
    round_ = _round(session, conversion) if conversion else None
    return CaseEquity(
        terms=tuple(view for view, _ in versions),
        round=_round_view(session, conversion) if conversion else None,
        conversion=_conversion_view(conversion, round_, _sealed(versions, conversion.terms_version))
        if conversion and round_
        else None,
        exit=_exit_view(session, case_id, entries, versions),
        loss=_loss_view(session, case_id),
        position=position_view(position_from(entries)),
        flows=tuple(_flows(session, case_id, entries)),
    )


def preview(
    session: Session,
    case_id: int,
    asked: Mapping[str, Any],
    *,
    cap_percent: int | None = None,
    may_be_largest: bool | None = None,
) -> PreviewView:
    """Return what an amount would convert into by the terms in force; nothing is kept.

    `asked` has the figures of `register_conversion`; a cap of the joint meeting's goes before the
    agreement's.

    Raises:
        Conflict: no agreement is sealed yet.
        InvalidInput: more than is at the company, or figures that do not add up.
    """
    sealed = [(view, terms) for view, terms in _versions(session, case_id) if view.sealed_at]
    if not sealed:
        raise Conflict("三方协议尚未签章生效，不能测算转股。")
    view, terms = sealed[-1]
    position = position_from(_entries(session, case_id))
    if asked["converted_fen"] > position.granted_fen:
        raise InvalidInput(
            f"转股金额超过拨在企业的 {position.granted_fen} 分。",
            fields={"converted_fen": f"至多 {position.granted_fen}"},
        )
    limit = Limit(
        terms.cap_percent if cap_percent is None else cap_percent,
        terms.may_be_largest if may_be_largest is None else may_be_largest,
        "三方协议" if cap_percent is None and may_be_largest is None else "拟由联席会确定",
    )
    made = convert(asked["converted_fen"], round_of(asked), terms, limit)
    return PreviewView(
        terms_version=view.version,
        amount_fen=made.amount_fen,
        price=written(made.price),
        wanted=_stake(made.wanted),
        allowed=_stake(made.allowed),
        remainder_fen=made.remainder_fen,
        over_fen=made.over_fen,
        is_within=made.is_within,
        lines=made.lines,
    )


def position_from(entries: Iterable[PoolEntry]) -> Position:
    """Return where a project's money is after these entries."""
    position = Position()
    for entry in entries:
        if entry.target == "granted":
            tranche = (entry.on_date, entry.fen)
            position = replace(position, tranches=(*position.tranches, tranche))
        if entry.reverses_seq is not None and entry.source == "granted":
            position = replace(position, tranches=position.tranches[:-1])
        if entry.target == "equity":
            position = replace(position, converted_on=entry.on_date)
        position = position.after([Movement(entry.source, entry.target, entry.fen)])
    return position


def position_view(position: Position) -> PositionView:
    """Return a position as it is shown."""
    dpi = distributed(position)
    return PositionView(
        transferred_fen=position.transferred_fen,
        granted_fen=position.granted_fen,
        equity_fen=position.equity_fen,
        returned_fen=position.returned_fen,
        gain_fen=position.gain_fen,
        lost_fen=position.lost_fen,
        kept_fen=position.kept_fen,
        outstanding_fen=position.outstanding_fen,
        dpi=None if dpi is None else written(dpi),
    )


def _entries(session: Session, case_id: int) -> Sequence[PoolEntry]:
    query = select(PoolEntry).where(PoolEntry.case_id == case_id)
    return session.scalars(query.order_by(PoolEntry.seq, PoolEntry.line)).all()


def _versions(session: Session, case_id: int) -> list[tuple[TermsView, Terms]]:
    query = (
        select(EquityTerms, EquityAgreement)
        .outerjoin(
            EquityAgreement,
            (EquityAgreement.case_id == EquityTerms.case_id)
            & (EquityAgreement.version == EquityTerms.version),
        )
        .where(EquityTerms.case_id == case_id)
        .order_by(EquityTerms.version)
    )
    triggers: dict[int, list[EquityTrigger]] = {}
    for each in session.scalars(select(EquityTrigger).where(EquityTrigger.case_id == case_id)):
        triggers.setdefault(each.version, []).append(each)
    return [
        (_terms_view(terms, agreed, triggers[terms.version]), _terms(terms, triggers))
        for terms, agreed in session.execute(query)
    ]


def _terms(row: EquityTerms, triggers: Mapping[int, Sequence[EquityTrigger]]) -> Terms:
    return Terms(
        triggers=tuple(
            Trigger(each.kind, each.threshold_fen, each.on_date) for each in triggers[row.version]
        ),
        valuation=row.valuation,
        discount_percent=row.discount_percent,
        cap_percent=row.share_cap_percent,
        may_be_largest=row.may_be_largest,
        rate_basis_points=row.buyback_rate_bp,
        buyback_years=row.buyback_years,
        interest_from=row.interest_from,
    )


def _terms_view(
    row: EquityTerms, agreed: EquityAgreement | None, triggers: Sequence[EquityTrigger]
) -> TermsView:
    order = list(TRIGGER_TITLES)
    same = {
        name: getattr(row, name)
        for name in TermsView.__dataclass_fields__
        if name not in {"document_no", "sealed_at", "triggers"}
    }
    return TermsView(
        **same,
        document_no=agreed.document_no if agreed else None,
        sealed_at=agreed.sealed_at if agreed else None,
        triggers=tuple(
            TriggerView(each.kind, TRIGGER_TITLES[each.kind], each.threshold_fen, each.on_date)
            for each in sorted(triggers, key=lambda each: order.index(each.kind))
        ),
    )


def _sealed(versions: Sequence[tuple[TermsView, Terms]], version: int) -> Terms:
    return next(terms for view, terms in versions if view.version == version)


def _holders(session: Session, conversion: EquityConversion) -> Sequence[Shareholding]:
    query = select(Shareholding).where(
        Shareholding.case_id == conversion.case_id, Shareholding.seq == conversion.seq
    )
    order = (Shareholding.is_trustee, Shareholding.shares_after.desc(), Shareholding.holder)
    return session.scalars(query.order_by(*order)).all()


def _found_round(session: Session, conversion: EquityConversion) -> FundingRound:
    return session.get_one(FundingRound, (conversion.case_id, conversion.seq))


def _round(session: Session, conversion: EquityConversion) -> Round:
    row = _found_round(session, conversion)
    return Round(
        title=row.title,
        on=row.on_date,
        pre_money_fen=row.pre_money_fen,
        raised_fen=row.raised_fen,
        shares_before=row.shares_before,
        shares_issued=row.shares_issued,
        holders=tuple(
            Holder(each.holder, each.shares_before) for each in _holders(session, conversion)
        ),
    )


def _round_view(session: Session, conversion: EquityConversion) -> RoundView:
    row = _found_round(session, conversion)
    return RoundView(
        title=row.title,
        on_date=row.on_date,
        pre_money_fen=row.pre_money_fen,
        raised_fen=row.raised_fen,
        shares_before=row.shares_before,
        shares_issued=row.shares_issued,
        price=written(Fraction(int(row.price_numerator), int(row.price_denominator))),
        holders=tuple(
            HolderView(each.holder, each.shares_before, each.shares_after)
            for each in _holders(session, conversion)
        ),
    )


def _conversion_of(row: EquityConversion, round_: Round, terms: Terms) -> Conversion:
    cap, largest = row.meeting_cap_percent, row.meeting_may_be_largest
    by_meeting = cap is not None or largest is not None
    limit = Limit(
        row.share_cap_percent if cap is None else cap,
        row.may_be_largest if largest is None else largest,
        f"联席会纪要{row.meeting_minutes_no}" if by_meeting else "三方协议",
    )
    return convert(row.amount_fen, round_, terms, limit)


def _conversion_view(row: EquityConversion, round_: Round, terms: Terms) -> ConversionView:
    made = _conversion_of(row, round_, terms)
    part = Fraction(row.shares_held, row.shares_total)
    return ConversionView(
        terms_version=row.terms_version,
        amount_fen=row.amount_fen,
        converted_fen=row.converted_fen,
        remainder_fen=row.remainder_fen,
        price=written(made.price),
        shares=row.shares,
        shares_held=row.shares_held,
        shares_total=row.shares_total,
        part=written(part),
        percent=percent_of(part),
        meeting_minutes_no=row.meeting_minutes_no,
        registered_on=row.registered_on,
        document_no=row.document_no,
        lines=made.lines,
    )


def _exit_view(
    session: Session,
    case_id: int,
    entries: Sequence[PoolEntry],
    versions: Sequence[tuple[TermsView, Terms]],
) -> ExitView | None:
    row = session.get(EquityExit, case_id)
    if row is None:
        return None
    before = position_from(entry for entry in entries if entry.seq < row.seq)
    terms = [terms for view, terms in versions if view.sealed_at][-1]
    came = Came(row.principal_fen, row.gain_fen, row.rest_fen)
    made = settle(before, terms, row.route, on=row.on_date, came=came, minutes_no=row.minutes_no)
    names = [name for name in ExitView.__dataclass_fields__ if name != "lines"]
    return ExitView(**{name: getattr(row, name) for name in names}, lines=made.lines)


def _loss_view(session: Session, case_id: int) -> LossView | None:
    row = session.get(EquityLoss, case_id)
    if row is None:
        return None
    return LossView(
        loss_fen=row.loss_fen,
        salvaged_fen=row.salvaged_fen,
        minutes_no=row.minutes_no,
        reason=row.reason,
        exemption_no=exemptions(session, [case_id]).get(case_id),
    )


def exemptions(session: Session, case_ids: Sequence[int]) -> dict[int, str]:
    """Return the number of the letter that exempts (免责文号), by case."""
    number = Event.payload["document_no"].as_string()
    query = select(Event.stream, number).where(
        Event.stream.in_(case_ids), Event.name == "record_exemption"
    )
    return dict(session.execute(query).all())


def _flows(session: Session, case_id: int, entries: Sequence[PoolEntry]) -> Iterable[FlowView]:
    numbers = {entry.seq for entry in entries}
    query = select(Event.seq, Event.name).where(Event.stream == case_id, Event.seq.in_(numbers))
    names = dict(session.execute(query).all())
    for entry in entries:
        yield FlowView(
            version=entry.seq,
            event=names[entry.seq],
            on_date=entry.on_date,
            source=entry.source,
            source_title=ACCOUNTS[entry.source],
            target=entry.target,
            target_title=ACCOUNTS[entry.target],
            fen=entry.fen,
        )


def _stake(stake: Stake) -> StakeView:
    return StakeView(
        shares=stake.shares,
        cost_fen=stake.cost_fen,
        shares_held=stake.held,
        shares_total=stake.total,
        part=written(stake.part),
        percent=stake.percent,
        is_largest=stake.is_largest,
    )
