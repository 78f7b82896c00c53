"""The recoveries and bars that an actor may see: the lines of the 追缴台账. (手册§10.12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from caseflow.cases.filters import OPEN
from caseflow.cases.models import Case
from caseflow.cases.queries import MAX_PAGE, find_case, visible_cases
from caseflow.catalogue.queries import workflow
from caseflow.database.paging import last_of
from caseflow.deadlines.models import CaseClock
from caseflow.funds.bars.models import OrganisationBar
from caseflow.funds.models import Payment
from caseflow.funds.recoveries.models import PaymentOffset, Recovery, RecoveryReceipt
from caseflow.history.models import Event
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotFound
from caseflow.kernel.ledger import PAID
from caseflow.kernel.recovery import GROUNDS, Shares, proportion

MEASURES: Final = {
    "demand_recovery": "催告",
    "file_enforcement": "申请强制执行",
    "refer_recovery": "移送",
    "write_off": "核销",
    "withdraw_recovery_decision": "撤销决定",
    "record_offset": "抵扣",
}
"""What was done to get the money back (措施), by the event that says so."""
DELIVERED: Final = "recovery_due"
"""The clock that the delivery of the payment notice (送达) starts."""


@dataclass(frozen=True)
class ReceiptLine:
    """A receipt and how it went back to the shares.

    One by offset (抵扣) names the case whose payment was reduced, and what of it each share bore
    there: where that is not what went back to each, the two treasuries settle the difference.
    """

    voucher_no: str
    received_on: date
    fen: int
    city_fen: int
    district_fen: int
    offset_case: str | None = None
    offset_city_fen: int | None = None
    offset_district_fen: int | None = None


@dataclass(frozen=True)
class BarLine:
    """A bar from applying; both days are barred unless it was lifted before."""

    recovery: str
    recovery_number: str
    applicant: str
    applicant_title: str
    from_on: date
    to_on: date
    years: int
    basis: str
    credit_entry: str | None
    placed_at: datetime
    lifted_at: datetime | None
    lift_reason: str | None


@dataclass(frozen=True)
class RecoveryLine:
    """A line of the ledger; fen, None where nothing is decided. `case` is the paid one."""

    public_id: str
    number: str
    case: str
    case_number: str
    applicant: str
    applicant_title: str
    paid_fen: int
    ground: str
    ground_title: str
    decided_fen: int | None
    decided_city_fen: int | None
    decided_district_fen: int | None
    interest_fen: int | None
    offset_allowed: bool
    document_no: str | None
    delivered_on: date | None
    due_on: date | None
    received_fen: int
    left_fen: int | None
    measures: tuple[str, ...]
    bar_from: date | None
    bar_to: date | None
    bar_lifted: bool
    state: str
    state_title: str
    outcome: str | None
    version: int
    opened_at: datetime


@dataclass(frozen=True)
class RecoveryPage:
    """Recoveries, the newest first; `next` is given back as `after`, None on the last page."""

    items: tuple[RecoveryLine, ...]
    next: str | None


@dataclass(frozen=True)
class RecoveryDetail:
    """A recovery with its evidence and receipts."""

    line: RecoveryLine
    evidence: str
    offset_words: str | None
    interest_basis: str | None
    receipts: tuple[ReceiptLine, ...]


@dataclass(frozen=True)
class RecoveryFilter:
    """Which recoveries are asked for; public ids. `outcome` may be `open`."""

    case: str | None = None
    applicant: str | None = None
    outcome: str | None = None


def recovery_list(
    session: Session,
    actor: Actor,
    wanted: RecoveryFilter | None = None,
    *,
    after: str | None = None,
    limit: int = 50,
) -> RecoveryPage:
    """Return a page of the recoveries that the actor may see.

    Raises:
        InvalidInput: `after` is no recovery that the actor may see.
    """
    size = max(1, min(limit, MAX_PAGE))
    query = _lines().where(visible_cases(actor), *_conditions(wanted or RecoveryFilter()))
    if after is not None:
        place = select(Case.id).where(Case.public_id == after, visible_cases(actor))
        query = query.where(Case.id < last_of(session, place, after).id)
    rows = session.execute(query.order_by(Case.id.desc()).limit(size + 1)).all()
    items = tuple(_line(session, row) for row in rows[:size])
    return RecoveryPage(items, items[-1].public_id if len(rows) > size else None)


def recovery_detail(session: Session, actor: Actor, public_id: str) -> RecoveryDetail:
    """Return a recovery, by public id or number.

    Raises:
        NotFound: there is none, or none that the actor may see.
    """
    case = find_case(session, actor, public_id)
    row = session.execute(_lines().where(Case.id == case.id)).one_or_none()
    if row is None:
        raise NotFound(f"{case.number} 不是追缴。")
    found: Recovery = row.Recovery
    return RecoveryDetail(
        line=_line(session, row),
        evidence=found.evidence,
        offset_words=found.offset_words,
        interest_basis=found.interest_basis,
        receipts=_receipts(session, found.id),
    )


def bar_list(session: Session, actor: Actor, applicant: str) -> tuple[BarLine, ...]:
    """Return the bars of an applicant (public id), the newest first, as far as the actor may see.

    Who may see the recovery that placed a bar sees the bar.
    """
    query = (
        select(OrganisationBar, Case, Organisation)
        .join(Case, Case.id == OrganisationBar.recovery_id)
        .join(Organisation, Organisation.id == OrganisationBar.organisation_id)
        .where(visible_cases(actor), Organisation.public_id == applicant)
        .order_by(OrganisationBar.recovery_id.desc())
        .limit(MAX_PAGE)
    )
    return tuple(_bar(*row) for row in session.execute(query))


def _bar(bar: OrganisationBar, case: Case, organisation: Organisation) -> BarLine:
    return BarLine(
        recovery=case.public_id,
        recovery_number=case.number,
        applicant=organisation.public_id,
        applicant_title=organisation.title,
        from_on=bar.from_on,
        to_on=bar.to_on,
        years=bar.years,
        basis=bar.basis,
        credit_entry=bar.credit_entry,
        placed_at=bar.placed_at,
        lifted_at=bar.lifted_at,
        lift_reason=bar.lift_reason,
    )


def _lines() -> Select[Any]:
    paid = aliased(Case)
    return (
        select(
            Recovery,
            Case,
            paid.public_id.label("paid"),
            paid.number.label("paid_number"),
            paid.paid_fen,
            Organisation.public_id.label("applicant"),
            Organisation.title.label("applicant_title"),
            OrganisationBar,
            _city_paid().label("city_fen"),
            CaseClock.started_on.label("delivered_on"),
            CaseClock.due_on,
            _measures().label("measures"),
        )
        .join(Case, Case.id == Recovery.id)
        .join(paid, paid.id == Recovery.case_id)
        .join(Organisation, Organisation.id == Case.applicant_id)
        .outerjoin(OrganisationBar, OrganisationBar.recovery_id == Recovery.id)
        .outerjoin(CaseClock, and_(CaseClock.case_id == Recovery.id, CaseClock.name == DELIVERED))
    )


def _city_paid() -> Any:
    whole = func.sum(Payment.fen).filter(Payment.status == PAID)
    part = func.sum(Payment.offset_fen).filter(Payment.status != PAID)
    return (
        select(func.coalesce(whole, 0) + func.coalesce(part, 0))
        .where(Payment.case_id == Recovery.case_id, Payment.share == "city")
        .scalar_subquery()
    )


def _measures() -> Any:
    return (
        select(func.array_agg(Event.name))
        .where(Event.stream == Recovery.id, Event.name.in_(MEASURES))
        .scalar_subquery()
    )


def _conditions(wanted: RecoveryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.case is not None:
        named = or_(Case.public_id == wanted.case, Case.number == wanted.case)
        conditions.append(Recovery.case_id.in_(select(Case.id).where(named).correlate(None)))
    if wanted.applicant is not None:
        conditions.append(Organisation.public_id == wanted.applicant)
    if wanted.outcome == OPEN:
        conditions.append(Case.outcome.is_(None))
    elif wanted.outcome is not None:
        conditions.append(Case.outcome == wanted.outcome)
    return conditions


def _line(session: Session, row: Any) -> RecoveryLine:
    case: Case = row.Case
    recovery: Recovery = row.Recovery
    bar: OrganisationBar | None = row.OrganisationBar
    decided = recovery.decided_fen
    shares = _decided_shares(decided, row)
    return RecoveryLine(
        public_id=case.public_id,
        number=case.number,
        case=row.paid,
        case_number=row.paid_number,
        applicant=row.applicant,
        applicant_title=row.applicant_title,
        paid_fen=row.paid_fen,
        ground=recovery.ground,
        ground_title=GROUNDS[recovery.ground],
        decided_fen=decided,
        decided_city_fen=shares.city if shares else None,
        decided_district_fen=shares.district if shares else None,
        interest_fen=recovery.interest_fen,
        offset_allowed=recovery.offset_allowed,
        document_no=recovery.document_no,
        delivered_on=row.delivered_on,
        due_on=row.due_on,
        received_fen=recovery.received_fen,
        left_fen=None if decided is None else decided - recovery.received_fen,
        measures=_titles(row.measures or ()),
        bar_from=bar.from_on if bar else None,
        bar_to=bar.to_on if bar else None,
        bar_lifted=bar is not None and bar.lifted_at is not None,
        state=case.state,
        state_title=workflow(session, case.workflow_hash).states[case.state].title,
        outcome=case.outcome,
        version=case.head_seq,
        opened_at=recovery.opened_at,
    )


def _decided_shares(decided: int | None, row: Any) -> Shares | None:
    if decided is None:
        return None
    return proportion(decided, Shares(row.city_fen, row.paid_fen - row.city_fen))


def _titles(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(title for name, title in MEASURES.items() if name in names)


def _receipts(session: Session, recovery_id: int) -> tuple[ReceiptLine, ...]:
    def share(name: str) -> Any:
        return func.sum(RecoveryReceipt.fen).filter(RecoveryReceipt.share == name)

    query = (
        select(
            RecoveryReceipt.voucher_no,
            RecoveryReceipt.received_on,
            func.sum(RecoveryReceipt.fen),
            share("city"),
            share("district"),
            RecoveryReceipt.seq,
        )
        .where(RecoveryReceipt.recovery_id == recovery_id)
        .group_by(RecoveryReceipt.seq, RecoveryReceipt.voucher_no, RecoveryReceipt.received_on)
        .order_by(RecoveryReceipt.seq)
    )
    offsets = _offsets(session, recovery_id)
    return tuple(
        ReceiptLine(voucher_no, on, int(fen), int(city), int(district), **offsets.get(seq, {}))
        for voucher_no, on, fen, city, district, seq in session.execute(query)
    )


def _offsets(session: Session, recovery_id: int) -> dict[int, dict[str, Any]]:
    """Return of each receipt by offset, by its event, where it was taken and from which share."""

    def share(name: str) -> Any:
        return func.coalesce(func.sum(PaymentOffset.fen).filter(PaymentOffset.share == name), 0)

    query = (
        select(PaymentOffset.recovery_seq, Case.number, share("city"), share("district"))
        .join(Case, Case.id == PaymentOffset.case_id)
        .where(PaymentOffset.recovery_id == recovery_id)
        .group_by(PaymentOffset.recovery_seq, Case.number)
    )
    return {
        seq: {
            "offset_case": number,
            "offset_city_fen": int(city),
            "offset_district_fen": int(district),
        }
        for seq, number, city, district in session.execute(query)
    }
