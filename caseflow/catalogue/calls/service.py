"""The one way a call moves: each step with its event, in the order of `kernel.calls`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.catalogue.models import Call, LateIntake
from caseflow.database.ids import PublicIds
from caseflow.history import service as history
from caseflow.history.part import Draft, Place, Signer
from caseflow.identity.models import APPLICANT_KINDS, Organisation
from caseflow.kernel.benefits.rounding import ROUNDINGS
from caseflow.kernel.calendar import local_date
from caseflow.kernel.calls import (
    AFTER_CLOSING,
    BATCH,
    EVENTS,
    PROCEDURES,
    STANDING,
    TITLES,
    refuse_step,
)
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound

MOST_DAYS: Final = 30
MOST_DOCUMENTS: Final = 50
LONGEST_REASON: Final = 2000


@dataclass(frozen=True)
class Mover:
    """Who moves a call (a person's id), when, the key that signs the event, and in which seat."""

    by: int
    at: datetime
    signer: Signer
    place: Place | None = None


@dataclass(frozen=True)
class Particulars:
    """What a call says besides its window; what it leaves open is the measure's to say.

    `documents` are kinds and titles that it asks for in addition, or asks for without exception
    where the measure's own list leaves them optional; `publicity_days` are working days.
    """

    procedure: str = STANDING
    quota: int | None = None
    publicity_days: int | None = None
    rounding: str | None = None
    documents: tuple[tuple[str, str], ...] = ()

    def columns(self) -> dict[str, Any]:
        """Return what is said by the columns of the call."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        asked = [{"kind": kind, "title": title} for kind, title in self.documents]
        return {**said, "documents": asked}

    def check(self) -> None:
        """Refuse what cannot be said.

        Raises:
            InvalidInput: with the fields that are wrong.
        """
        wrong = {}
        if self.procedure not in PROCEDURES:
            wrong["procedure"] = f"须为 {'、'.join(PROCEDURES)} 之一"
        if self.quota is not None and self.quota < 1:
            wrong["quota"] = "须为正整数"
        if self.publicity_days is not None and not 1 <= self.publicity_days <= MOST_DAYS:
            wrong["publicity_days"] = f"须为 1 至 {MOST_DAYS} 个工作日"
        if self.rounding is not None and self.rounding not in ROUNDINGS:
            wrong["rounding"] = f"须为 {'、'.join(ROUNDINGS)} 之一"
        kinds = [kind for kind, _ in self.documents]
        if len(kinds) > MOST_DOCUMENTS or len(set(kinds)) < len(kinds) or not all(kinds):
            wrong["documents"] = f"至多 {MOST_DOCUMENTS} 种材料，各列一次"
        if wrong:
            told = "；".join(f"{name}：{why}" for name, why in wrong.items())
            raise InvalidInput(f"申报通知内容有误：{told}。", fields=wrong)


NOTHING_MORE: Final = Particulars()
"""A standing call that says no more than its window."""


def move(session: Session, call: Call, status: str, mover: Mover, **told: Any) -> None:
    """Take one step and write its event, which also says where the call came from.

    Raises:
        Conflict: the step skips one, or goes back where nothing goes back.
    """
    refuse_step(call.title, call.status, status, call.procedure)
    payload = {"from": call.status, "closes_on": call.closes_on.isoformat(), **told}
    call.moved_seq = record(session, call, EVENTS[status], payload, mover)
    call.status, call.moved_at = status, mover.at
    session.flush()


def record(session: Session, call: Call, name: str, payload: dict[str, Any], mover: Mover) -> int:
    """Write an event of the call that is no step; returns its number."""
    draft = Draft(name, mover.by, mover.at, payload).seated(mover.place)
    return history.append_draft(session, draft, stream=call.id, signer=mover.signer)


def publish(session: Session, call: Call, mover: Mover) -> Call:
    """Publish a call that was planned; a batch opens in the same act where its day has come.

    Raises:
        Conflict: it is published already, or its window is over.
        NotAllowed: of a batch, by the one who planned it (四眼原则).
    """
    today = local_date(mover.at)
    if call.closes_on < today:
        raise Conflict(f"申报通知《{call.title}》受理期已过，不再发布。")
    if call.procedure == BATCH and call.planned_by == mover.by:
        raise NotAllowed("按批次的申报通知由拟定人以外的第二人发布（四眼原则）。")
    refuse_step(call.title, call.status, "published", call.procedure)
    call.published_by = mover.by
    move(session, call, "published", mover)
    if call.procedure == BATCH and call.opens_on <= today:
        move(session, call, "open", mover)
    return call


def locked(session: Session, public_id: str) -> Call:
    """Return the call, locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    query = select(Call).where(Call.public_id == public_id).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound(f"没有申报通知 {public_id!r}。")
    return found


@dataclass(frozen=True)
class Late:
    """What is asked: that an applicant may hand in to the end of `until_on`, and why."""

    applicant: str
    until_on: date
    reason: str


def ask_late(
    session: Session, call: Call, wanted: Late, mover: Mover, *, ids: PublicIds
) -> LateIntake:
    """Ask that one applicant may hand in late; nothing is let in before a second one consents.

    Raises:
        NotFound: no such applicant. InvalidInput: no reason, or a day that is over.
        Conflict: the call still takes applications, or its plan is drafted already.
    """
    _refuse_unless_late(call)
    today = local_date(mover.at)
    if not wanted.reason.strip() or len(wanted.reason) > LONGEST_REASON:
        raise InvalidInput("须写明逾期收件的理由。", fields={"reason": "必填"})
    if wanted.until_on < today or wanted.until_on <= call.closes_on:
        raise InvalidInput(
            f"宽限至 {wanted.until_on} 不在今后。", fields={"until_on": "须晚于截止日且不早于今日"}
        )
    query = select(Organisation).where(
        Organisation.public_id == wanted.applicant, Organisation.kind.in_(APPLICANT_KINDS)
    )
    applicant = session.scalars(query).one_or_none()
    if applicant is None:
        raise NotFound(f"没有申报主体 {wanted.applicant!r}。")
    asked = LateIntake(
        public_id=ids.new(),
        call_id=call.id,
        organisation_id=applicant.id,
        until_on=wanted.until_on,
        reason=wanted.reason.strip(),
        asked_by=mover.by,
        asked_at=mover.at,
    )
    session.add(asked)
    session.flush()
    record(session, call, "late_intake_asked", _of_late(asked, applicant), mover)
    return asked


def consent_late(session: Session, call: Call, public_id: str, mover: Mover) -> LateIntake:
    """Consent to what another asked: from now on the applicant may hand in, to the day said.

    Raises:
        NotFound: nothing of that id was asked. NotAllowed: by the one who asked (四眼原则).
        Conflict: consented to before, or the call's plan is drafted already.
    """
    query = select(LateIntake).where(
        LateIntake.call_id == call.id, LateIntake.public_id == public_id
    )
    asked = session.scalars(query.with_for_update()).one_or_none()
    if asked is None:
        raise NotFound(f"申报通知《{call.title}》没有逾期收件申请 {public_id!r}。")
    _refuse_unless_late(call)
    if asked.consented_by is not None:
        raise Conflict("该逾期收件已经同意。")
    if asked.asked_by == mover.by:
        raise NotAllowed("逾期收件须由申请人以外的第二人同意（四眼原则）。")
    asked.consented_by, asked.consented_at = mover.by, mover.at
    session.flush()
    applicant = session.get_one(Organisation, asked.organisation_id)
    record(session, call, "late_intake_consented", _of_late(asked, applicant), mover)
    return asked


def _refuse_unless_late(call: Call) -> None:
    if call.status not in AFTER_CLOSING:
        raise Conflict(
            f"申报通知《{call.title}》现为“{TITLES[call.status]}”；截止以后、拟定方案之前才可逾期收件。"
        )


def _of_late(asked: LateIntake, applicant: Organisation) -> dict[str, Any]:
    return {
        "late_intake": asked.public_id,
        "applicant": applicant.public_id,
        "until_on": asked.until_on.isoformat(),
        "reason": asked.reason,
    }
