"""The life of policies and calls: opening, closing, warnings ahead, expiry."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from caseflow.batches.announcements import (
    Announcement,
    bureaus_of_measure,
    bureaus_of_policy,
    drafts_of_policy,
    everyone_leading,
    in_flight,
    tell,
)
from caseflow.batches.call_life import move_due_calls
from caseflow.batches.changes.reminding import remind_undecided
from caseflow.batches.indicators import sweep_indicators
from caseflow.batches.models import Sweep
from caseflow.cases.service import Cases
from caseflow.catalogue.calls.service import Mover
from caseflow.catalogue.indicators.service import Opening
from caseflow.catalogue.models import Call, Measure, MeasureVersion, PolicyVersion
from caseflow.catalogue.service import (
    close_due_calls,
    expire_policies,
    expiry_warnings,
    open_due_calls,
)
from caseflow.deadlines.models import CalendarYear
from caseflow.deadlines.queries import load_calendar
from caseflow.kernel.calendar import local_date
from caseflow.notifications.rules import NoticeBook

NAME: Final = "life"
NOTICE_SEASON: Final = 11
"""The State Council's notice for the next year has come out in November; §6.2."""


@dataclass(frozen=True)
class LifeSwept:
    """What the day brought: calls opened and closed, policies ended, people told, reports due.

    `moved`: steps of calls after their closing, up to the archive.
    """

    opened: int = 0
    closed: int = 0
    ended: tuple[tuple[str, str], ...] = ()
    warned: int = 0
    reports_due: int = 0
    moved: int = 0


def sweep_life(cases: Cases, at: datetime) -> LifeSwept:
    """Bring calls and policies up to the day of `at`; later that day only new calls open.

    Days on which no worker ran are made up for: what fell due meanwhile happens now, once.
    """
    on, signer = local_date(at), cases.office.signer
    with cases.database.session() as session:
        before = _last(session, at)
        since = local_date(before.last_at)
        book = cases.office.notices
        if since >= on:
            opened = open_due_calls(session, on, at=at, signer=signer)
            told = _tell_opened(session, book, opened, at)
            moved = move_due_calls(session, Mover(cases.office.system_id, at, signer))
            return LifeSwept(opened=len(opened), warned=told, moved=moved)
        warned = _warn(session, book, on, since=since, at=at)
        ended = expire_policies(session, on, at=at, signer=signer)
        closed = close_due_calls(session, on, at=at, signer=signer)
        opened = open_due_calls(session, on, at=at, signer=signer)
        warned += _announce_calls(session, book, opened, on, at)
        warned += _ask_for_calendar(session, book, on, at)
        opening = Opening(cases.office.system_id, at, signer, load_calendar(session))
        indicators = sweep_indicators(session, book, opening, since=since)
        warned += remind_undecided(session, book, on, at)
        moved = move_due_calls(session, Mover(cases.office.system_id, at, signer))
        swept = LifeSwept(
            moved=moved,
            opened=len(opened),
            closed=len(closed),
            ended=tuple((version.title, status) for version, status in ended),
            warned=warned + indicators.told,
            reports_due=indicators.opened,
        )
        before.last_at, before.acted = at, before.acted + len(ended)
    return swept


def _last(session: Session, at: datetime) -> Sweep:
    """Return the row of the last sweep, locked; the first of several workers makes it."""
    yesterday = at - timedelta(days=1)
    row = insert(Sweep).values(name=NAME, last_at=yesterday, acted=0)
    session.execute(row.on_conflict_do_nothing())
    return session.get_one(Sweep, NAME, with_for_update=True)


def _warn(session: Session, book: NoticeBook, on: date, *, since: date, at: datetime) -> int:
    """Tell bureaus, and applicants with drafts, of policies near their end."""
    told = 0
    steps = book.days("policy_expiring")
    for version, days in expiry_warnings(session, on, since=since):
        step = min(n for n in steps if days <= n)
        news = _policy_news(session, version, days=days, at=at)
        for rule in book.for_trigger("policy_expiring", days=step):
            told += tell(session, rule, bureaus_of_policy(session, version.id, rule), news)
        for rule in book.for_trigger("draft_expiring", days=step):
            told += tell(session, rule, drafts_of_policy(session, version.id), news)
    return told


def _policy_news(
    session: Session, version: PolicyVersion, *, days: int, at: datetime
) -> Announcement:
    assert version.effective_to is not None
    facts = {
        "policy": version.title,
        "ends_on": version.effective_to.isoformat(),
        "days": days,
        "cases": in_flight(session, version.id),
        "drafts": len(drafts_of_policy(session, version.id)),
    }
    return Announcement(f"policy{version.policy_id}", version.effective_to, facts, at)


def _announce_calls(
    session: Session, book: NoticeBook, opened: list[Call], on: date, at: datetime
) -> int:
    """Tell the lead bureau of calls that opened today and of those that close soon."""
    told = _tell_opened(session, book, opened, at)
    for days in book.days("call_closing"):
        closing = select(Call).where(
            Call.status == "open", Call.closes_on == on + timedelta(days=days)
        )
        for call in session.scalars(closing):
            for rule in book.for_trigger("call_closing", days=days):
                told += _tell_of_call(session, rule, call, call.closes_on, at=at, days=days)
    return told


def _tell_opened(session: Session, book: NoticeBook, opened: list[Call], at: datetime) -> int:
    return sum(
        _tell_of_call(session, rule, call, call.opens_on, at=at)
        for call in opened
        for rule in book.for_trigger("call_opened")
    )


def _tell_of_call(
    session: Session,
    rule: Any,
    call: Call,
    due_on: date,
    *,
    at: datetime,
    days: int | None = None,
) -> int:
    measure = session.scalars(
        select(MeasureVersion)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .join(Measure, Measure.id == MeasureVersion.measure_id)
        .where(PolicyVersion.current, Measure.id == call.measure_id)
    ).first()
    if measure is None:
        return 0
    facts = {
        "measure": measure.title,
        "call": call.title,
        "opens_on": call.opens_on.isoformat(),
        "closes_on": call.closes_on.isoformat(),
        "days": days,
    }
    news = Announcement(f"call{call.id}", due_on, facts, at)
    return tell(session, rule, bureaus_of_measure(measure, rule), news)


def _ask_for_calendar(session: Session, book: NoticeBook, on: date, at: datetime) -> int:
    """From November on, ask once a week for next year's notice until it is confirmed."""
    year = on.year + 1
    known = session.get(CalendarYear, year)
    if on.month < NOTICE_SEASON or (known is not None and known.status == "confirmed"):
        return 0
    monday = on - timedelta(days=on.weekday())
    news = Announcement(f"year{year}", monday, {"year": year, "cases": None}, at)
    return sum(
        tell(session, rule, everyone_leading(session, rule), news)
        for rule in book.for_trigger("calendar_missing")
    )
