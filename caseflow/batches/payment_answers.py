"""The treasury's answer to a payment file: each row is an act of the person who brings it.

A row is done once: its request id is made of what it says. Rows stand alone; where one is refused
the others go on.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from caseflow.batches.payment_files import KEY, PAID_ON, REMARK, STATUS, VOUCHER
from caseflow.cases.models import Case
from caseflow.cases.payments import OrderKey
from caseflow.cases.queries import find_case
from caseflow.cases.reading import Asker, read_case
from caseflow.cases.service import Cases, Request
from caseflow.funds.models import Payment
from caseflow.funds.sheets import read_table
from caseflow.history.models import Event
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotFound
from caseflow.kernel.ledger import ORDERED, PAID, RETURNED
from caseflow.kernel.shares import CITY, DISTRICT

Result = Literal["paid", "returned", "repeated", "refused", "skipped"]
EVENTS: Final = {
    (CITY, PAID): "confirm_payment",
    (CITY, RETURNED): "return_payment",
    (DISTRICT, PAID): "confirm_district_payment",
    (DISTRICT, RETURNED): "return_district_payment",
}
WORDS: Final = {"已付": PAID, "退票": RETURNED}
NO_ANSWER: Final = frozenset({None, "暂停", "待付"})
DAY: Final = re.compile(r"([0-9]{4})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?")
LONGEST_VOUCHER: Final = 64
SAID: Final[dict[str, str]] = {
    "paid": "已登记支付",
    "returned": "已登记退票，待更正账户",
    "repeated": "此前已登记，未重复办理",
    "skipped": "未填写支付结果，未办理",
}


@dataclass(frozen=True)
class AnsweredRow:
    """What became of one row; `row` counts the rows below the headings from 1."""

    row: int
    key: str
    result: Result
    message: str


@dataclass(frozen=True)
class AnswerReport:
    """What became of the file, row by row, and how many rows came to which result."""

    rows: tuple[AnsweredRow, ...]
    counts: Mapping[str, int]
    dry_run: bool


@dataclass(frozen=True)
class _Answer:
    key: OrderKey
    status: str
    paid_on: date | None
    voucher_no: str | None
    reason: str | None

    @property
    def request_id(self) -> str:
        """Return what names this answer for ever: the same row again is the same request."""
        said = (self.key, self.status, self.paid_on, self.voucher_no, self.reason)
        text = "\x1f".join("" if each is None else str(each) for each in said)
        return f"treasury-{hashlib.sha256(text.encode()).hexdigest()}"

    @property
    def payload(self) -> dict[str, Any]:
        """Return what the event takes."""
        if self.status == RETURNED:
            return {"reason": self.reason}
        assert self.paid_on is not None
        return {"voucher_no": self.voucher_no, "paid_on": self.paid_on.isoformat()}


Doing = Callable[[Cases, str, Request], None]


def import_answers(
    cases: Cases, actor: Actor, content: bytes, at: datetime, *, name: str
) -> AnswerReport:
    """Confirm and return the orders that the file says; `name` ends in .xlsx or .csv.

    Raises:
        InvalidInput: the file cannot be read, or a heading is missing.
    """
    return _answered(cases, actor, content, at, name=name, doing=_act)


def try_answers(
    cases: Cases, actor: Actor, content: bytes, at: datetime, *, name: str
) -> AnswerReport:
    """Say what `import_answers` would do, and write nothing.

    Raises:
        InvalidInput: the file cannot be read, or a heading is missing.
    """
    return _answered(cases, actor, content, at, name=name, doing=_decide)


def _act(cases: Cases, case: str, request: Request) -> None:
    cases.act(case, request)


def _decide(cases: Cases, case: str, request: Request) -> None:
    """Let everything be asked that an act asks, but for what only the database refuses."""
    with cases.connect() as connection:
        reading = read_case(connection, case, Asker(request.actor_id, request.at))
        assert reading is not None
        cases.decide(connection, reading, request)


def _answered(
    cases: Cases, actor: Actor, content: bytes, at: datetime, *, name: str, doing: Doing
) -> AnswerReport:
    table = read_table(content, (KEY, PAID_ON, VOUCHER, STATUS, REMARK), name=name)
    rows = tuple(
        _row(cases, actor, number, row, at=at, doing=doing)
        for number, row in enumerate(table, start=1)
    )
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.result] = counts.get(row.result, 0) + 1
    return AnswerReport(rows, counts, dry_run=doing is _decide)


def _row(
    cases: Cases, actor: Actor, number: int, row: Mapping[str, Any], *, at: datetime, doing: Doing
) -> AnsweredRow:
    key = str(row[KEY] or "")
    try:
        result = _done(cases, actor, row, at, doing)
    except CaseflowError as error:
        return AnsweredRow(number, key, "refused", error.message)
    return AnsweredRow(number, key, result, SAID[result])


def _done(cases: Cases, actor: Actor, row: Mapping[str, Any], at: datetime, doing: Doing) -> Result:
    if row[STATUS] in NO_ANSWER:
        return "skipped"
    answer = _read(row)
    with cases.database.session() as session:
        case = find_case(session, actor, answer.key.number)
        if _is_known(session, case, answer):
            return "repeated"
        _check(session, case, answer, local_date(at))
        public_id, version = case.public_id, case.head_seq
    event = EVENTS[answer.key.share, answer.status]
    request = Request(
        event, actor.id, at, answer.payload, expected_version=version, id=answer.request_id
    )
    doing(cases, public_id, request)
    return "paid" if answer.status == PAID else "returned"


def _read(row: Mapping[str, Any]) -> _Answer:
    """Return what a row says.

    Raises:
        InvalidInput: a status, date or voucher number that is none, or no reason for a return.
    """
    status = WORDS.get(str(row[STATUS]))
    if status is None:
        raise InvalidInput(f"{STATUS}须为{'或'.join(WORDS)}，不是 {row[STATUS]!r:.40}。")
    key = OrderKey.of(str(row[KEY] or ""))
    if status == RETURNED:
        if row[REMARK] is None:
            raise InvalidInput(f"退票须在{REMARK}写明原因。")
        return _Answer(key, status, _day(row[PAID_ON]), _voucher(row), str(row[REMARK]))
    paid_on, voucher = _day(row[PAID_ON]), _voucher(row)
    if paid_on is None or voucher is None:
        raise InvalidInput(f"已付须有{PAID_ON}和{VOUCHER}。")
    return _Answer(key, status, paid_on, voucher, None)


def _day(value: Any) -> date | None:
    if value is None or isinstance(value, date):
        return value
    written = DAY.fullmatch(str(value))
    year, month, day = map(int, written.groups()) if written else (0, 0, 0)
    try:
        return date(year, month, day)
    except ValueError as error:
        raise InvalidInput(f"{PAID_ON}须如 2026-11-20，不是 {value!r:.40}。") from error


def _voucher(row: Mapping[str, Any]) -> str | None:
    value = row[VOUCHER]
    if value is not None and (len(value) > LONGEST_VOUCHER or not value.isprintable()):
        raise InvalidInput(f"{VOUCHER}须为一行文字，至多 {LONGEST_VOUCHER} 字。")
    return None if value is None else str(value)


def _is_known(session: Session, case: Case, answer: _Answer) -> bool:
    """Return whether somebody has brought this very row before, or entered what it says."""
    asked = exists().where(Event.stream == case.id, Event.request_id == answer.request_id)
    if session.scalar(select(asked)):
        return True
    order = session.get(Payment, (case.id, answer.key.instalment, answer.key.share))
    if order is None or answer.status != PAID or order.status != PAID:
        return False
    return (order.voucher_no, order.paid_on) == (answer.voucher_no, answer.paid_on)


def _check(session: Session, case: Case, answer: _Answer, today: date) -> None:
    """Refuse a row that is not about the order which the act would move.

    Raises:
        NotFound: there is no such order. Conflict: it is paid, or another one is next.
        InvalidInput: a day before the order or in the future.
    """
    key = answer.key
    query = select(Payment).where(Payment.case_id == case.id, Payment.share == key.share)
    orders = session.scalars(query.order_by(Payment.instalment)).all()
    order = next((each for each in orders if each.instalment == key.instalment), None)
    if order is None:
        raise NotFound(f"没有拨付单 {key}。")
    if answer.status == PAID:
        _check_payment(session, order, answer, today)
    waiting = [each for each in orders if each.status != PAID]
    if answer.status == RETURNED:
        waiting = [each for each in waiting if each.status == ORDERED] or list(orders)
    if order.offset_fen == order.fen:
        raise Conflict(f"拨付单 {key} 已全部抵扣，不经银行支付。")
    if order is not waiting[-1]:
        raise Conflict(f"现在办理的是第 {waiting[-1].instalment} 期，不是拨付单 {key}。")


def _check_payment(session: Session, order: Payment, answer: _Answer, today: date) -> None:
    if order.status == PAID:
        raise Conflict(
            f"拨付单 {answer.key} 已于 {order.paid_on} 以凭证 {order.voucher_no} 付讫，不再支付。"
        )
    paid_on, ordered_on = answer.paid_on, local_date(order.ordered_at)
    assert paid_on is not None
    if not ordered_on <= paid_on <= today:
        raise InvalidInput(f"{PAID_ON} {paid_on} 须在下达日 {ordered_on} 与今日 {today} 之间。")
    used = select(func.count()).where(
        Payment.payer_id == order.payer_id,
        Payment.share == order.share,
        func.extract("year", Payment.paid_on) == paid_on.year,
        Payment.voucher_no == answer.voucher_no,
    )
    if session.scalar(used):
        raise Conflict(f"支付凭证号 {answer.voucher_no} 在 {paid_on.year} 年已用于另一笔拨付。")
