"""Payment orders (拨付单) as lists show them: through the one rule of which cases somebody sees."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from caseflow.cases.models import Case, Hold
from caseflow.cases.queries import visible_cases
from caseflow.cases.splits import entered_percent, percent_of
from caseflow.catalogue.models import Call, Measure, MeasureVersion, Policy, PolicyVersion
from caseflow.database.paging import last_of
from caseflow.funds.models import BudgetLine, CaseBudget, Payment
from caseflow.history.models import Event
from caseflow.identity.identifiers import mask_account
from caseflow.identity.models import Territory
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ledger import ORDERED, PAID, RETURNED
from caseflow.kernel.shares import CITY, DISTRICT, split_of

MAX_PAGE: Final = 200
WAITING, HELD, PAYABLE = "waiting", "held", "payable"
STATUSES: Final = (WAITING, PAYABLE, HELD, PAID, RETURNED)
"""Asked for: ordered; to be paid now; not paid and held; paid; come back (退票)."""
PAYING_STATES: Final = {CITY: "disbursing", DISTRICT: "partially_disbursed"}
"""Where a case waits for the treasury of a share; used twice in a family it has `#2` behind it."""
RETURNS: Final = ("return_payment", "return_district_payment")
STATUS_TITLES: Final = {ORDERED: "待付", PAID: "已付", RETURNED: "退票", HELD: "暂停"}
KEY: Final = re.compile(r"([^/]{1,80})/([1-9][0-9]{0,3})/(city|district)")


@dataclass(frozen=True)
class PaymentFilter:
    """Which orders are asked for; None asks for all. `payer` is an organisation's number."""

    policy: str | None = None
    measure: str | None = None
    share: str | None = None
    status: str | None = None
    territory: str | None = None
    case: str | None = None
    payer: int | None = None

    def told(self) -> str:
        """Return the filter in words for a report."""
        given = {n: v for n, v in vars(self).items() if v is not None and n != "payer"}
        return "，".join(f"{name}={value}" for name, value in given.items()) or "全部"


@dataclass(frozen=True)
class PaymentLine:
    """A payment order. `key` names it in files; the account shows its last four digits only.

    `fen` is the gross, `offset_fen` of it was set off (抵扣), the treasury pays `net_fen`.

    Of the whole case: approved, borne by city and district, paid so far, and what is not yet
    ordered (尾款).
    """

    key: str
    case: str
    number: str
    title: str
    policy: str
    measure: str
    call: str | None
    territory: str
    instalment: int
    share: str
    fen: int
    offset_fen: int
    net_fen: int
    status: str
    held: bool
    payable: bool
    payee: str
    bank: str
    account: str
    document_no: str
    year: int | None
    functional_subject: str | None
    economic_subject: str | None
    approved_fen: int
    city_fen: int
    district_fen: int
    city_percent: str | None
    paid_fen: int
    left_fen: int
    ordered_at: datetime
    paid_on: date | None
    voucher_no: str | None
    remark: str | None


@dataclass(frozen=True)
class PaymentPage:
    """Orders, those of the newest cases first; `next` is given back as `after`."""

    items: tuple[PaymentLine, ...]
    next: str | None


@dataclass(frozen=True)
class OrderKey:
    """What names an order in a file: the case's number, the instalment, the share."""

    number: str
    instalment: int
    share: str

    @classmethod
    def of(cls, text: str) -> "OrderKey":
        """Return the key written as `number/instalment/share`.

        Raises:
            InvalidInput: it is not written so.
        """
        found = KEY.fullmatch(text)
        if found is None:
            raise InvalidInput(f"拨付单号 {text!r:.100} 有误，须如 NT26-3b-2026-000001/1/city。")
        return cls(found[1], int(found[2]), found[3])

    def __str__(self) -> str:
        return f"{self.number}/{self.instalment}/{self.share}"


def payment_list(
    session: Session,
    actor: Actor,
    wanted: PaymentFilter,
    at: datetime,
    *,
    after: str | None = None,
    limit: int = 50,
) -> PaymentPage:
    """Return a page of the orders of the cases that the actor may see, accounts masked."""
    size = max(1, min(limit, MAX_PAGE))
    items = payment_lines(session, actor, wanted, at, after=after, limit=size + 1)
    return PaymentPage(items[:size], items[size - 1].key if len(items) > size else None)


def payment_lines(
    session: Session,
    actor: Actor,
    wanted: PaymentFilter,
    at: datetime,
    *,
    after: str | None = None,
    limit: int,
    shown: Callable[[str], str] = mask_account,
) -> tuple[PaymentLine, ...]:
    """Return up to `limit` orders; `shown` makes of an account's number what the line says.

    Raises:
        InvalidInput: an unknown status, or `after` names no order.
    """
    query = _lines(at).where(visible_cases(actor), *_conditions(wanted))
    if after is not None:
        query = query.where(_beyond(session, actor, OrderKey.of(after)))
    order = (Payment.case_id.desc(), Payment.instalment.desc(), Payment.share.desc())
    return tuple(_line(row, shown) for row in session.execute(query.order_by(*order).limit(limit)))


def _beyond(session: Session, actor: Actor, key: OrderKey) -> ColumnElement[bool]:
    query = select(Case.id).where(Case.number == key.number, visible_cases(actor))
    last = last_of(session, query, str(key))
    place = tuple_(Payment.case_id, Payment.instalment, Payment.share)
    return place < (last.id, key.instalment, key.share)


def _conditions(wanted: PaymentFilter) -> list[ColumnElement[bool]]:
    columns: tuple[tuple[Any, Any], ...] = (
        (wanted.policy, Policy.code),
        (wanted.measure, Measure.code),
        (wanted.share, Payment.share),
        (wanted.territory, Territory.code),
        (wanted.payer, Payment.payer_id),
    )
    found = [column == value for value, column in columns if value is not None]
    if wanted.case is not None:
        found.append(or_(Case.public_id == wanted.case, Case.number == wanted.case))
    if wanted.status is not None:
        found.append(_status(wanted.status))
    return found


def _status(status: str) -> ColumnElement[bool]:
    known = {
        WAITING: Payment.status == ORDERED,
        PAID: Payment.status == PAID,
        RETURNED: Payment.status == RETURNED,
        HELD: and_(Payment.status != PAID, _held()),
        PAYABLE: _payable(),
    }
    if status not in known:
        reason = f"须为 {'、'.join(STATUSES)} 之一"
        raise InvalidInput(f"status：{reason}。", fields={"status": reason})
    return known[status]


def _held() -> ColumnElement[bool]:
    return exists().where(Hold.case_id == Case.id, Hold.lifted_at.is_(None))


def _payable() -> ColumnElement[bool]:
    """Return whether the case stands where this order's treasury pays, and nothing holds it."""
    stands = func.split_part(Case.state, "#", 1)
    places = [and_(Payment.share == share, stands == at) for share, at in PAYING_STATES.items()]
    return and_(Payment.status != PAID, or_(*places), ~_held())


def _lines(at: datetime) -> Any:
    root, call = aliased(Case), aliased(Call)
    return (
        select(
            Payment, Case, Policy.code.label("policy"), Measure.code.label("measure"),
            call.title.label("call"), Territory.title.label("territory"), Territory.fiscal_level,
            MeasureVersion.definition["split"].label("own_split"),
            PolicyVersion.definition["split"].label("split"),
            entered_percent(at).label("entered"),
            BudgetLine.year, BudgetLine.functional_subject, BudgetLine.economic_subject,
            _held().label("held"), _payable().label("payable"),
            _ordered().label("ordered"), _ordered(CITY).label("ordered_by_city"),
            _why_returned().label("remark"),
        )
        .join(Case, Case.id == Payment.case_id)
        .join(Measure, Measure.id == Case.measure_id)
        .join(Policy, Policy.id == Measure.policy_id)
        .join(MeasureVersion, MeasureVersion.id == Case.measure_version_id)
        .join(PolicyVersion, PolicyVersion.id == Case.policy_version_id)
        .join(Territory, Territory.id == Case.territory_id)
        .join(root, root.id == Case.root_id)
        .outerjoin(call, call.id == func.coalesce(Case.call_id, root.call_id))
        .outerjoin(BudgetLine, BudgetLine.id == _bearing())
    )  # fmt: skip


def _bearing() -> Any:
    """Return the line that bears the order: the case's own, else its parent's."""
    return (
        select(CaseBudget.line_id)
        .where(CaseBudget.case_id.in_([Case.id, Case.parent_id]))
        .where(CaseBudget.share == Payment.share)
        .order_by((CaseBudget.case_id == Case.id).desc())
        .limit(1)
        .correlate(Case, Payment)
        .scalar_subquery()
    )


def _ordered(share: str | None = None) -> Any:
    other = aliased(Payment)
    query = select(func.coalesce(func.sum(other.fen), 0)).where(other.case_id == Case.id)
    if share is not None:
        query = query.where(other.share == share)
    return query.correlate(Case).scalar_subquery()


def _why_returned() -> Any:
    return (
        select(Event.payload["reason"].astext)
        .where(Event.stream == Case.id, Event.name.in_(RETURNS), Payment.status == RETURNED)
        .order_by(Event.seq.desc())
        .limit(1)
        .correlate(Case, Payment)
        .scalar_subquery()
    )


def _line(row: Any, shown: Callable[[str], str]) -> PaymentLine:
    payment, case = row.Payment, row.Case
    approved, ordered = case.approved_fen or 0, int(row.ordered)
    percent = percent_of(row)
    later = 0 if percent is None else split_of(approved - ordered, percent, before=ordered)[CITY]
    city = int(row.ordered_by_city) + later
    key = OrderKey(case.number, payment.instalment, payment.share)
    return PaymentLine(
        key=str(key),
        case=case.public_id,
        number=case.number,
        title=case.title,
        policy=row.policy,
        measure=row.measure,
        call=row.call,
        territory=row.territory,
        instalment=payment.instalment,
        share=payment.share,
        fen=payment.fen,
        offset_fen=payment.offset_fen,
        net_fen=payment.fen - payment.offset_fen,
        status=payment.status,
        held=row.held,
        payable=row.payable,
        payee=payment.account_holder,
        bank=payment.account_bank,
        account=shown(payment.account_number),
        document_no=payment.document_no,
        year=row.year,
        functional_subject=row.functional_subject,
        economic_subject=row.economic_subject,
        approved_fen=approved,
        city_fen=city,
        district_fen=approved - city,
        city_percent=None if percent is None else str(percent),
        paid_fen=case.paid_fen,
        left_fen=approved - ordered,
        ordered_at=payment.ordered_at,
        paid_on=payment.paid_on,
        voucher_no=payment.voucher_no,
        remark=row.remark,
    )
