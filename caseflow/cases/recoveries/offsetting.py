"""Setting off (抵扣): a payment that waits is reduced by what its payee has to give back.

Only where the decision of the recovery says so (手册§5.9). It is one act with two sides: the order
pays less, the recovery has received; both histories tell it, or neither. It is made between
指标下达 and 支付令, so that the treasury's file says the net, and it stands when the bank gives the
net back (退票).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.errors import IntegrityError

from caseflow.cases.acting import Act
from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.service import Cases, Outcome, Request, outcome_of
from caseflow.cases.statement import write
from caseflow.funds.recoveries.part import PAYMENT_OFFSETS
from caseflow.kernel.errors import Conflict, EventNotAllowed, NotFound
from caseflow.kernel.workflow.effects import ORDERS

PAY, RECEIVE = "offset_payment", "record_offset"
IDS: Final = """
    SELECT c.public_id, c.id, r.case_id FROM "case" c LEFT JOIN recovery r ON r.id = c.id
    WHERE c.public_id IN (%s, %s)
"""
TERMS: Final = """
    SELECT decided_at IS NOT NULL AND withdrawn_at IS NULL, offset_allowed FROM recovery
    WHERE id = %s
"""


@dataclass(frozen=True)
class Offset:
    """What is to be set off: `fen` of what `payment` waits to be paid, against `recovery`.

    Both are public ids; `voucher_no` is the treasury's voucher of the two bookings.
    """

    payment: str
    recovery: str
    fen: int
    voucher_no: str
    actor_id: int
    at: datetime
    note: str | None = None
    request_id: str | None = None

    def request(self, event: str, counterpart: str, *, request_id: str | None = None) -> Request:
        """Return one side's request; `counterpart` is the number of the other side's case."""
        said = {"offset_fen": self.fen, "voucher_no": self.voucher_no, "counterpart": counterpart}
        note = {"note": self.note} if self.note else {}
        return Request(event, self.actor_id, self.at, {**said, **note}, id=request_id)


def offset_payment(cases: Cases, wanted: Offset) -> Outcome:
    """Set off part or all of what waits to be paid; returns what became of the paying case.

    Raises:
        NotFound: there is no such case or recovery. NotAllowed: not in the treasury's seat of both.
        InvalidInput: more than waits to be paid, or than the recovery still claims.
        EventNotAllowed: the decision does not allow it, another debtor, or not the moment for it.
        GuardFailed: the payment is held, or the matter clashes with another award.
        RequestReused: the request's id was used before for something else.
    """
    try:
        with cases.connect() as connection, connection.transaction():
            paying, claiming = _locked(connection, wanted)
            request = wanted.request(PAY, claiming.number, request_id=wanted.request_id)
            if paying.request:
                return cases.replay(connection, paying, request)
            _refuse_unallowed(connection, claiming)
            workflow = cases.pinned.runner(connection, paying.workflow_hash).workflow
            _refuse_other(paying, claiming, payee_id=paying.parties.get(workflow.payee))
            paid = cases.decide(connection, paying, request)
            received = cases.decide(connection, claiming, wanted.request(RECEIVE, paying.number))
            writes = cases.gather(connection, [paid, received])
            writes.add(PAYMENT_OFFSETS, *_rows(paid, received, wanted))
            write(connection, writes)
            return outcome_of(paid)
    except IntegrityError as error:
        raise Conflict(f"数据库拒绝：{error.diag.message_primary}") from error


def _locked(connection: Any, wanted: Offset) -> tuple[Reading, Reading]:
    """Return the paying case and the recovery, locked in the order of ids with the paid case.

    The paid case is locked with them because the triggers of a receipt lock it too.
    """
    rows = connection.execute(IDS, (wanted.payment, wanted.recovery)).fetchall()
    ids = {public_id: case_id for public_id, case_id, _ in rows}
    claimed = {public_id: paid for public_id, _, paid in rows if paid is not None}
    if wanted.payment not in ids:
        raise NotFound(f"没有办件 {wanted.payment!r}。")
    if wanted.recovery not in claimed:
        raise NotFound(f"没有追缴 {wanted.recovery!r}。")
    asker = Asker(wanted.actor_id, wanted.at, wanted.request_id)
    found = read_locked(connection, sorted({*ids.values(), claimed[wanted.recovery]}), asker)
    readings = {reading.id: reading for reading in found}
    return readings[ids[wanted.payment]], readings[ids[wanted.recovery]]


def _refuse_unallowed(connection: Any, claiming: Reading) -> None:
    """Refuse an offset that the decision does not allow."""
    decided, allowed = connection.execute(TERMS, (claiming.id,)).fetchone()
    if not decided:
        raise EventNotAllowed(f"{claiming.number} 没有有效的追回决定，不得抵扣。", allowed=())
    if not allowed:
        raise EventNotAllowed(
            f"{claiming.number} 的追回决定书没有写明可以抵扣，应追回金额只能由被追缴单位缴回。",
            allowed=(),
        )


def _refuse_other(paying: Reading, claiming: Reading, *, payee_id: Any) -> None:
    """Refuse to take one's debt from another's money: the payee is the debtor himself."""
    if payee_id != claiming.applicant_id:
        raise EventNotAllowed(
            f"{paying.number} 的收款单位不是 {claiming.number} 的被追缴单位"
            f"“{claiming.applicant_title}”，不得抵扣。",
            allowed=(),
        )


def _rows(paid: Act, received: Act, wanted: Offset) -> Iterator[dict[str, Any]]:
    """Yield one row for each share of which something was set off."""
    before = {(each.instalment, each.share): each.offset_fen for each in paid.reading.orders}
    for order in paid.decision.facts[ORDERS]:
        fen = order.offset_fen - before[order.instalment, order.share]
        if fen:
            yield {
                "case_id": paid.case_id,
                "seq": paid.reading.head_seq + 1,
                "share": order.share,
                "instalment": order.instalment,
                "recovery_id": received.case_id,
                "recovery_seq": received.reading.head_seq + 1,
                "fen": fen,
                "voucher_no": wanted.voucher_no,
                "by_id": wanted.actor_id,
                "at": wanted.at,
            }
