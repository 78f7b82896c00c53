"""Opening a recovery on any case that was paid, whether it runs or has ended; lifting a bar."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.errors import IntegrityError

from caseflow.cases.birth import Newborn, add_birth
from caseflow.cases.opening import repeated
from caseflow.cases.part import HOLDS
from caseflow.cases.reading import Asker, Reading, iso, read_locked
from caseflow.cases.recoveries.holding import HOLD
from caseflow.cases.remarks import add_remarks
from caseflow.cases.seats import seats_held, titles
from caseflow.cases.service import Cases, Outcome
from caseflow.cases.statement import Writes, write
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.deadlines.queries import load_calendar
from caseflow.funds.bars.part import BARS_LIFTED
from caseflow.funds.recoveries.part import RECOVERIES
from caseflow.history.part import Draft
from caseflow.kernel.errors import Conflict, EventNotAllowed, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.recovery import GROUNDS, LEGALLY_REVIEWED, RECOVERY

OPENED: Final = "recovery_opened"
BAR_LIFTED: Final = "bar_lifted"
LONGEST: Final = 4000
LIFTS: Final = ("lead_bureau.leader",)
"""Who places a bar lifts it."""
EARLIER: Final = """
    SELECT count(*), min(number) FILTER (WHERE outcome IS NULL), nextval('entity_id')
    FROM "case" WHERE parent_id = %s AND child_kind = 'recovery'
"""
CURRENT: Final = """
    SELECT v.id FROM measure_version v JOIN policy_version p ON p.id = v.policy_version_id
    WHERE v.measure_id = %s AND p.current
"""
BAR: Final = "SELECT lifted_at FROM bar WHERE recovery_id = %s FOR NO KEY UPDATE"


@dataclass(frozen=True)
class RecoveryOpening:
    """A lead (线索): what is asked to be looked into, on which ground, on what evidence.

    `case` is the public id of the paid case; `legal_review_no` the number of the legality review
    without which an agreement's clause on moving away is no ground.
    """

    case: str
    ground: str
    evidence: str
    actor_id: int
    at: datetime
    legal_review_no: str | None = None
    request_id: str | None = None

    @property
    def hash(self) -> bytes | None:
        """Return the hash of the request's body, which a repetition must share."""
        if self.request_id is None:
            return None
        body = [self.case, self.ground, self.evidence, self.legal_review_no]
        return hashlib.sha256(canonical(body)).digest()


def open_recovery(cases: Cases, wanted: RecoveryOpening) -> Outcome:
    """Open a recovery of what `wanted.case` was paid, and stop its payments while it runs.

    Raises:
        InvalidInput: an unknown ground, no evidence, or no legality review where one is due.
        NotFound: no such case. NotAllowed: neither the division's head nor the auditor asks.
        EventNotAllowed: nothing was paid, or everything has come back.
        Conflict: a recovery of this case is open already.
        RequestReused: the request's id was used before for something else.
    """
    _refuse_wrong(wanted)
    try:
        with cases.connect() as connection, connection.transaction():
            paid = locked_case(connection, wanted.case, Asker(wanted.actor_id, wanted.at))
            first = repeated(connection, wanted)
            return first or _open(cases, connection, paid, wanted)
    except IntegrityError as error:
        raise Conflict(f"数据库拒绝：{error.diag.message_primary}") from error


def _refuse_wrong(wanted: RecoveryOpening) -> None:
    fields = {}
    if wanted.ground not in GROUNDS:
        fields["ground"] = f"须为下列之一：{'、'.join(GROUNDS)}"
    if not wanted.evidence.strip() or len(wanted.evidence) > LONGEST:
        fields["evidence"] = f"须写明线索和证据，不超过 {LONGEST} 字"
    if wanted.ground == LEGALLY_REVIEWED and not (wanted.legal_review_no or "").strip():
        fields["legal_review_no"] = (
            "项目迁出须依协议约定，并填合法性审查文号（公平竞争审查条例第九条）"
        )
    if fields:
        listed = "；".join(f"{name}：{reason}" for name, reason in fields.items())
        raise InvalidInput(f"启动追缴所填内容有误：{listed}", fields=fields)


def _open(cases: Cases, connection: Any, paid: Reading, wanted: RecoveryOpening) -> Outcome:
    measure = _measure(cases, connection, paid)
    workflow = cases.pinned.runner(connection, measure.children[RECOVERY]).workflow
    seat = seat_among(paid, workflow.opened_by, "启动追缴")
    count, open_number, recovery_id = connection.execute(EARLIER, (paid.id,)).fetchone()
    if open_number is not None:
        raise Conflict(f"{paid.number} 已有未办结的追缴 {open_number}，请在该件中办理。")
    _refuse_unpaid(paid)
    newborn = Newborn(
        id=recovery_id,
        public_id=cases.ids.new(),
        number=f"{paid.number}/R{count + 1}",
        title=f"{paid.title}·{workflow.title}",
        workflow=workflow,
        workflow_hash=measure.children[RECOVERY],
        measure=measure,
        applicant_id=paid.applicant_id,
        applicant_title=paid.applicant_title,
        territory_id=paid.territory_id,
        parties=paid.parties,
        facts={"ground": wanted.ground, "evidence": wanted.evidence},
        at=wanted.at,
        actor_id=wanted.actor_id,
        seat=seat,
        matter_on=iso(paid.matter_on),
        parent_id=paid.id,
        root_id=paid.root_id,
        child_kind=RECOVERY,
        request_id=wanted.request_id,
        request_hash=wanted.hash,
    )
    writes = Writes()
    add_birth(writes, newborn, calendar=load_calendar(connection), office=cases.office)
    writes.add(RECOVERIES, _row(newborn, paid, wanted))
    _stop_payments(cases, writes, paid, newborn)
    write(connection, writes)
    return Outcome(newborn.public_id, newborn.number, workflow.initial, 1, ("case_opened",))


def _refuse_unpaid(paid: Reading) -> None:
    if paid.paid_fen <= paid.recovered_fen:
        raise EventNotAllowed(
            f"{paid.number} 已拨付 {paid.paid_fen} 分、已追回 {paid.recovered_fen} 分，"
            "没有可以追回的资金。",
            allowed=(),
        )


def _measure(cases: Cases, connection: Any, paid: Reading) -> MeasureInfo:
    """Return the version whose recovery runs: the case's own, or where it has none today's.

    A case may have been pinned before recoveries were defined; procedure is that of the day.
    """
    pinned = cases.pinned.measure(connection, paid.measure_version_id)
    if RECOVERY in pinned.children:
        return pinned
    row = connection.execute(CURRENT, (paid.measure_id,)).fetchone()
    current = cases.pinned.measure(connection, row[0])
    if RECOVERY not in current.children:
        raise EventNotAllowed(f"{current.code} 不拨付资金，没有追缴流程。", allowed=())
    return current


def _row(newborn: Newborn, paid: Reading, wanted: RecoveryOpening) -> dict[str, Any]:
    return {
        "id": newborn.id,
        "case_id": paid.id,
        "ground": wanted.ground,
        "evidence": wanted.evidence.strip(),
        "legal_review_no": wanted.legal_review_no,
        "by_id": wanted.actor_id,
        "at": wanted.at,
    }


def _stop_payments(cases: Cases, writes: Writes, paid: Reading, newborn: Newborn) -> None:
    """Remark the recovery in the paid case's history; while that runs, nothing more is paid on it.

    The trigger `recovery_ends_its_hold` lifts the hold with the event that ends the recovery.
    """
    asker = Asker(newborn.actor_id, newborn.at)
    draft = _remark(paid, OPENED, asker, seat=newborn.seat, payload={"recovery": newborn.number})
    (event,) = add_remarks(writes, paid, [draft], cases.office.signer)
    if paid.outcome is None and HOLD not in (paid.holds or []):
        hold = {"case_id": paid.id, "seq": event["seq"], "kind": HOLD}
        writes.add(HOLDS, {**hold, "by_id": newborn.actor_id, "at": newborn.at})


def lift_bar(cases: Cases, recovery: str, *, reason: str, actor_id: int, at: datetime) -> Outcome:
    """Lift the bar that the decision of a recovery placed, with the reason that its history keeps.

    Raises:
        NotFound: no such case, or its decision placed no bar. Conflict: it is lifted already.
        NotAllowed: another than the leader of the lead bureau asks. InvalidInput: no reason.
    """
    if not reason.strip() or len(reason) > LONGEST:
        raise InvalidInput("解除禁止申报须写明理由。", fields={"reason": f"1 至 {LONGEST} 字"})
    with cases.connect() as connection, connection.transaction():
        asker = Asker(actor_id, at)
        reading = locked_case(connection, recovery, asker)
        seat = seat_among(reading, LIFTS, "解除禁止申报")
        row = connection.execute(BAR, (reading.id,)).fetchone()
        if row is None:
            raise NotFound(f"{reading.number} 没有登记禁止申报。")
        if row[0] is not None:
            raise Conflict(f"{reading.number} 登记的禁止申报已经解除。")
        writes = Writes()
        draft = _remark(reading, BAR_LIFTED, asker, seat=seat, payload={"reason": reason})
        (event,) = add_remarks(writes, reading, [draft], cases.office.signer)
        lifted = {"recovery_id": reading.id, "by_id": actor_id, "at": at, "reason": reason}
        writes.add(BARS_LIFTED, lifted)
        write(connection, writes)
    return Outcome(reading.public_id, reading.number, reading.state, event["seq"], (BAR_LIFTED,))


def locked_case(connection: Any, public_id: str, asker: Asker) -> Reading:
    """Return the case, locked until the transaction ends.

    Raises:
        NotFound: there is none of that public id.
    """
    row = connection.execute('SELECT id FROM "case" WHERE public_id = %s', (public_id,)).fetchone()
    if row is None:
        raise NotFound(f"没有办件 {public_id!r}。")
    return read_locked(connection, [row[0]], asker)[0]


def seat_among(reading: Reading, seats: Sequence[str], what: str) -> str:
    """Return the first of `seats` that the asker holds on the case.

    Raises:
        NotAllowed: the asker holds none.
    """
    held = seats_held(reading.parties, reading.seats or [])
    for seat in seats:
        if seat in held:
            return seat
    raise NotAllowed(f"“{what}”须由 {titles(seats)} 办理，您不在该席位。")


def _remark(
    reading: Reading, name: str, asker: Asker, *, seat: str, payload: Mapping[str, Any]
) -> Draft:
    return Draft(
        name=name,
        actor_id=asker.actor_id,
        at=asker.at,
        payload=payload,
        seat=seat,
        from_state=reading.state,
        to_state=reading.state,
        workflow_hash=reading.workflow_hash,
    )
