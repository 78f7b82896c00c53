"""The rows that the acts of a recovery write: its decision, the bar, each receipt by share."""

from collections.abc import Callable
from typing import Final, cast

from caseflow.cases.acting import Act
from caseflow.cases.statement import Writes
from caseflow.funds.awards.part import AWARDS_MOVED
from caseflow.funds.bars.part import BARS, BARS_LIFTED
from caseflow.funds.ledger import ENTRIES
from caseflow.funds.recoveries.part import RECEIPTS, RECOVERIES_ORDERED, RECOVERIES_WITHDRAWN
from caseflow.funds.recoveries.queries import RecoverySums
from caseflow.kernel.bars import last_day
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ledger import Transfer
from caseflow.kernel.recovery import split_receipt
from caseflow.kernel.shares import CITY, DISTRICT, Share
from caseflow.kernel.workflow.machine import Move


def _order_recovery(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    said = move.payload
    row = {
        "id": act.case_id,
        "decided_fen": said["recovery_fen"],
        "document_no": said["document_no"],
        "by_id": act.actor_id,
        "at": act.at,
        "offset_allowed": said["offset_allowed"],
    }
    entered = {name: said.get(name) for name in ("interest_fen", "interest_basis", "offset_words")}
    writes.add(RECOVERIES_ORDERED, {**row, **entered})
    if "bar_years" in said:
        _place_bar(act, writes, move)


def _place_bar(act: Act, writes: Writes, move: Move) -> None:
    """A bar begins on the day of the decision."""
    from_on, years = local_date(act.at), move.payload["bar_years"]
    row = {
        "recovery_id": act.case_id,
        "organisation_id": act.reading.applicant_id,
        "from_on": from_on.isoformat(),
        "to_on": last_day(from_on, years).isoformat(),
        "years": years,
        "basis": move.payload["bar_basis"],
        "credit_entry": move.payload.get("credit_entry"),
        "by_id": act.actor_id,
        "at": act.at,
    }
    writes.add(BARS, row)


def _record_receipt(act: Act, writes: Writes, seq: int, move: Move) -> None:
    _receive(act, writes, seq, move, fen=move.payload["receipt_fen"])


def _record_offset(act: Act, writes: Writes, seq: int, move: Move) -> None:
    """What was set off is a receipt of the day; the order it came from has rows of its own."""
    _receive(act, writes, seq, move, fen=move.payload["offset_fen"])


def _receive(act: Act, writes: Writes, seq: int, move: Move, *, fen: int) -> None:
    """One row a share; the split is the kernel's, over everything that came back before."""
    said = move.payload
    recovery = cast("RecoverySums", act.reading.recovery)  # the kernel has read its sums
    parts = split_receipt(fen, paid=recovery.paid, recovered=recovery.recovered)
    row = {
        "recovery_id": act.case_id,
        "seq": seq,
        "case_id": recovery.case_id,
        "received_on": _received_on(act, move),
        "voucher_no": said["voucher_no"],
        "by_id": act.actor_id,
        "at": act.at,
    }
    entry = {"stream": act.case_id, "seq": seq, "case_id": recovery.case_id, "at": act.at}
    shares: tuple[tuple[Share, int], ...] = ((CITY, parts.city), (DISTRICT, parts.district))
    for share, part in shares:
        writes.add(RECEIPTS, {**row, "share": share, "fen": part})
        if part:
            writes.add(ENTRIES, {**entry, **vars(Transfer(share, "paid", "recovered", part))})
    if recovery.recovered.total + fen == recovery.paid.total:
        whole = {"case_id": recovery.case_id, "status": "recovered", "stream": act.case_id}
        writes.add(AWARDS_MOVED, whole)


def _received_on(act: Act, move: Move) -> str:
    """Return the day on which the money came, the day of the act where it is not said."""
    today = local_date(act.at).isoformat()
    day = str(move.payload.get("received_on", today))
    if day > today:
        raise InvalidInput(
            f"到账日期 {day} 尚未到，今日为 {today}。", fields={"received_on": f"不晚于 {today}"}
        )
    return day


def _withdraw_recovery(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    """With the decision falls the bar that it placed."""
    writes.add(RECOVERIES_WITHDRAWN, {"id": act.case_id, "at": act.at})
    lifted = {"recovery_id": act.case_id, "by_id": act.actor_id, "at": act.at}
    writes.add(BARS_LIFTED, {**lifted, "reason": move.payload["reason"]})


RECOVERY_WRITERS: Final[dict[str, Callable[[Act, Writes, int, Move], None]]] = {
    "order_recovery": _order_recovery,
    "record_receipt": _record_receipt,
    "record_offset": _record_offset,
    "withdraw_recovery": _withdraw_recovery,
}
