"""Opening what is due, reporting with proof, confirming: each an event of the policy's stream."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.catalogue.indicators.definitions import CONFIRMERS, REPORTER
from caseflow.catalogue.indicators.models import IndicatorDue, IndicatorEvidence, IndicatorReport
from caseflow.catalogue.indicators.queries import (
    Owned,
    due_for,
    latest_report,
    locked_report,
    owned_indicator,
)
from caseflow.catalogue.models import PolicyVersion
from caseflow.catalogue.seating import held
from caseflow.database.ids import PublicIds
from caseflow.history import service as history
from caseflow.history.part import Draft, Place, Signer
from caseflow.history.service import Asked, asked, first_answer
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import Calendar, local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, PolicyClosed
from caseflow.kernel.indicators import read_value, written
from caseflow.kernel.periods import Period, day_after, period_named, period_under

LONGEST: Final = 1000
REPORTABLE: Final = ("in_force", "expired")
"""Also when the policy has expired: its last period is reported after its last day."""

TAKEN: Final = frozenset(("uq_indicator_report_first", "uq_indicator_report_supersedes"))


@dataclass(frozen=True)
class Evidence:
    """A file that proves a value, stored under its hash already."""

    sha256: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Given:
    """What an owner reports: the cumulative value at the end of a period, as text, and its proof.

    `corrects` is the public id of the report that this one takes the place of, with the `reason`.
    """

    policy: str
    indicator: str
    period: str
    value: str
    evidence: Sequence[Evidence]
    note: str | None = None
    corrects: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Hand:
    """By whose hand something is done, when, and the key that signs its event.

    The same `request_id` again does nothing: it returns what came of it the first time.
    """

    actor: Actor
    at: datetime
    signer: Signer
    request_id: str | None = None


@dataclass(frozen=True)
class Opening:
    """Who opens what is due (the system, or whoever reports first), when, by which calendar."""

    by: int
    at: datetime
    signer: Signer
    calendar: Calendar


def report_indicator(
    session: Session, given: Given, hand: Hand, *, ids: PublicIds, calendar: Calendar
) -> IndicatorReport:
    """Report a value with its proof; it counts once a second person confirms it.

    Raises:
        NotFound: no such policy or indicator. PolicyClosed: a draft, lapsed or repealed.
        NotAllowed: not the handler of an owner. InvalidInput: no value of this indicator, a period
            that is no period of it or is not over yet, no evidence, no reason of a correction.
        Conflict: reported before and not corrected by name, or what it corrects was corrected.
        RequestReused: the request's id was used before for something else.
    """
    request = asked(hand.request_id, ["report", asdict(given)])
    known = _first_report(session, hand, request)
    if known is not None:
        return known
    owned = owned_indicator(session, given.policy, given.indicator)
    organisation = reporting_owner(owned, hand.actor, hand.at)
    value = read_value(given.value, decimals=owned.definition["reporting"]["decimals"])
    period = _period(session, owned, given.period, hand.at)
    due = due_for(session, owned, period, organisation)
    if due is None:
        opening = Opening(hand.actor.id, hand.at, hand.signer, calendar)
        (due,) = open_dues(session, owned, period, [owned.share_of(organisation)], opening)
    before = _corrected(session, due, given)
    row = IndicatorReport(
        public_id=ids.new(),
        due_id=due.id,
        policy_version_id=owned.version.id,
        organisation_id=organisation,
        value=value,
        unit=owned.definition["unit"],
        note=_line("note", given.note) if given.note is not None else None,
        supersedes_id=before.id if before else None,
        reason=_line("reason", given.reason) if before else None,
        reported_by=hand.actor.id,
        reported_at=hand.at,
    )
    _add(session, row)
    evidence = _attach(session, row, given.evidence)
    payload = {
        **_facts(row, due),
        "evidence": evidence,
        "corrects": before.public_id if before else None,
        "reason": row.reason,
    }
    place = Place(organisation, REPORTER)
    _record(session, [due], "indicator_reported", hand, payload, place=place, request=request)
    return row


def _first_report(session: Session, hand: Hand, request: Asked | None) -> IndicatorReport | None:
    """Return the report that the same request made or confirmed before, None for a new request."""
    answered = first_answer(session, hand.actor.id, request)
    if answered is None:
        return None
    query = select(IndicatorReport).where(IndicatorReport.public_id == answered["report"])
    return session.scalars(query).one()


def reporting_owner(owned: Owned, actor: Actor, at: datetime) -> int:
    """Return the owner for which the actor reports: the first in the order of owners.

    Raises:
        PolicyClosed: a draft, lapsed or repealed. NotAllowed: not the handler of an owner.
    """
    status = owned.status_on(local_date(at))
    if status not in REPORTABLE:
        raise PolicyClosed(
            f"《{owned.version.title}》未施行或已失效，不报送指标。",
            policy=owned.policy,
            status=status,
        )
    for organisation in owned.owners:
        if actor.holds(organisation, REPORTER):
            return organisation
    owners = "、".join(owned.definition["owners"])
    raise NotAllowed(f"“{owned.definition['title']}”由{owners}经办报送，您不在该席位。")


def confirm_report(session: Session, public_id: str, hand: Hand) -> IndicatorReport:
    """Confirm a report as a second person of the same owner, or of the leading bureau.

    Raises:
        NotFound: none that the actor may see. NotAllowed: not a reviewer or division head there, or
            the one who reported. Conflict: confirmed already, or corrected by another.
        RequestReused: the request's id was used before for something else.
    """
    request = asked(hand.request_id, ["confirmation", public_id])
    known = _first_report(session, hand, request)
    if known is not None:
        return known
    row = locked_report(session, hand.actor, public_id)
    due = session.get_one(IndicatorDue, row.due_id)
    place = held(hand.actor, (row.organisation_id, due.gathered_by), CONFIRMERS)
    if place is None:
        raise NotAllowed("指标报送值须由报送单位或牵头单位的复核、处室负责人确认，您不在该席位。")
    if row.reported_by == hand.actor.id:
        raise NotAllowed("指标报送值须由报送人以外的第二人确认。")
    latest = latest_report(session, due)
    if row.confirmed_at is not None or latest is None or latest.id != row.id:
        done = "已确认" if row.confirmed_at is not None else "已由后一报送更正"
        raise Conflict(f"{due.period} 的这一报送值{done}。")
    row.confirmed_by, row.confirmed_at = hand.actor.id, hand.at
    session.flush()
    said = _facts(row, due)
    _record(session, [due], "indicator_confirmed", hand, said, place=place, request=request)
    return row


def open_dues(
    session: Session,
    owned: Owned,
    period: Period,
    shares: Iterable[Sequence[int]],
    opening: Opening,
) -> list[IndicatorDue]:
    """Open what is due for a period, once; the day is moved to a working day by the calendar.

    `shares` are the owners of each report that is needed, the lead first.

    Raises:
        Conflict: somebody else has just opened it.
    """
    due_on, provisional = due_day(opening.calendar, owned, period)
    rows = [
        IndicatorDue(
            policy_id=owned.version.policy_id,
            indicator=owned.code,
            period=period.code,
            period_ends_on=period.last,
            owners=list(owners),
            lead_id=owners[0],
            gathered_by=owned.gathered_by,
            due_on=due_on,
            provisional=provisional,
            opened_at=opening.at,
        )
        for owners in shares
    ]
    session.add_all(rows)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(f"{period.title}的报送刚由他人开启，请重试。") from error
    payload = {"due_on": due_on.isoformat(), "provisional": provisional}
    _record(session, rows, "indicator_due_opened", opening, payload)
    return rows


def settle_due_days(
    session: Session, dues: Sequence[IndicatorDue], owned: Owned, opening: Opening
) -> None:
    """Compute the provisional day of one period anew by the calendar of now; each move an event."""
    moving = [due for due in dues if due.provisional]
    if not moving:
        return
    period, before = period_under(moving[0].period), moving[0].due_on
    found = due_day(opening.calendar, owned, period)
    if found == (before, True):
        return
    for due in moving:
        due.due_on, due.provisional = found
    payload = {"from": before.isoformat(), "to": found[0].isoformat(), "rule": "calendar"}
    _record(session, moving, "indicator_due_moved", opening, payload)


def record_overdue(
    session: Session, dues: Sequence[IndicatorDue], opening: Opening, *, days: int, told_as: str
) -> None:
    """Write down that nothing confirmed had come so many days after the day, under that name."""
    payload = {"due_on": dues[0].due_on.isoformat(), "days": days}
    _record(session, dues, told_as, opening, payload)


def due_day(calendar: Calendar, owned: Owned, period: Period) -> tuple[date, bool]:
    """Return the last day for a report, and whether a missing notice may still move it.

    A day off moves to the next working day. Source: 惯例; 民法典 203.
    """
    nominal = day_after(period, owned.definition["reporting"]["day"])
    on = calendar.received_on(nominal)
    return on, not {nominal.year, on.year} <= calendar.confirmed_years


def _period(session: Session, owned: Owned, code: str, at: datetime) -> Period:
    """Return a period that is over and reaches into the policy's life.

    One that was opened stays one, also when a new version asks for other periods.
    """
    opened = select(IndicatorDue.period).where(
        IndicatorDue.policy_id == owned.version.policy_id,
        IndicatorDue.indicator == owned.code,
        IndicatorDue.period == code,
    )
    if session.scalars(opened).first() is None:
        period = period_named(owned.definition["reporting"]["period"], code)
    else:
        period = period_under(code)
    version: PolicyVersion = owned.version
    assert version.effective_from is not None
    assert version.effective_to is not None
    reason = None
    if period.last < version.effective_from or period.first > version.effective_to:
        reason = f"{period.title}不在政策有效期内"
    elif period.last >= local_date(at):
        reason = f"{period.title}尚未结束，{period.last} 以后报送"
    if reason is not None:
        raise InvalidInput(f"period：{reason}。", fields={"period": reason})
    return period


def _corrected(session: Session, due: IndicatorDue, given: Given) -> IndicatorReport | None:
    """Return the report that the given one corrects, None for the first of a period."""
    latest = latest_report(session, due)
    if latest is None and given.corrects is None:
        return None
    if latest is None or given.corrects is None:
        told = (
            "尚无报送" if latest is None else f"已有报送 {latest.public_id}，更正请指明并写明理由"
        )
        raise Conflict(f"{due.period} {told}。")
    if latest.public_id != given.corrects:
        raise Conflict(
            f"{given.corrects!r} 不是 {due.period} 的最新报送；最新：{latest.public_id}。"
        )
    return latest


def _add(session: Session, row: IndicatorReport) -> None:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if getattr(diagnosis, "constraint_name", None) not in TAKEN:
            raise
        raise Conflict("这一期刚有他人报送，请重新读取后再报。") from error


def _attach(
    session: Session, row: IndicatorReport, evidence: Sequence[Evidence]
) -> list[dict[str, Any]]:
    """Put the files to the report; the same file twice is one."""
    files = list({each.sha256: each for each in evidence}.values())
    if not files:
        reason = "须附佐证材料"
        raise InvalidInput(f"evidence：{reason}。", fields={"evidence": reason})
    rows = [
        IndicatorEvidence(report_id=row.id, line=line, **vars(each))
        for line, each in enumerate(files, start=1)
    ]
    session.add_all(rows)
    session.flush()
    return [{"line": each.line, "sha256": each.sha256, "name": each.name} for each in rows]


def _line(name: str, text: str | None) -> str:
    line = (text or "").strip()
    if not line or len(line) > LONGEST or not line.isprintable():
        reason = f"须为 1 至 {LONGEST} 个可见字"
        raise InvalidInput(f"{name}：{reason}。", fields={name: reason})
    return line


def _facts(row: IndicatorReport, due: IndicatorDue) -> dict[str, Any]:
    return {
        "report": row.public_id,
        "value": written(row.value),
        "unit": row.unit,
        "organisation": row.organisation_id,
        "due_on": due.due_on.isoformat(),
    }


def _record(
    session: Session,
    dues: Sequence[IndicatorDue],
    name: str,
    hand: Hand | Opening,
    payload: Mapping[str, Any],
    *,
    place: Place | None = None,
    request: Asked | None = None,
) -> None:
    """Write one event of what is due for one period, in the policy's stream."""
    due = dues[0]
    said = {"indicator": due.indicator, "period": due.period, "owners": [d.owners for d in dues]}
    draft = Draft(
        name=name,
        actor_id=hand.by if isinstance(hand, Opening) else hand.actor.id,
        at=hand.at,
        payload={**said, **payload},
        request_id=request.id if request else None,
        request_hash=request.hash if request else None,
    )
    history.append_draft(session, draft.seated(place), stream=due.policy_id, signer=hand.signer)
