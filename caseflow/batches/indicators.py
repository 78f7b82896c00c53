"""The schedule of indicators: what is due is opened, its owners reminded, its delay escalated."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from caseflow.batches.announcements import Announcement, Places, tell
from caseflow.catalogue.indicators.models import IndicatorDue, IndicatorReport
from caseflow.catalogue.indicators.queries import Owned, owned_indicators, titles_of
from caseflow.catalogue.indicators.service import (
    REPORTABLE,
    Opening,
    due_day,
    open_due,
    record_overdue,
    settle_due_day,
)
from caseflow.catalogue.models import PolicyVersion
from caseflow.kernel.calendar import local_date
from caseflow.kernel.periods import Period, period_named, periods
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.notifications.rules import NoticeBook, NoticeRule

DUE: Final = "indicator_due"
OVERDUE: Final = "indicator_overdue"
ESCALATED: Final = "indicator_escalated"


@dataclass(frozen=True)
class IndicatorsSwept:
    """How many reports became due today, and how many people were told."""

    opened: int = 0
    told: int = 0


def sweep_indicators(
    session: Session, book: NoticeBook, opening: Opening, *, since: date
) -> IndicatorsSwept:
    """Open what became due, and tell of what is near or over; `since` is the day last looked at.

    Days on which nobody looked are made up for: what fell due meanwhile is told now, once.
    """
    on, opened, told = local_date(opening.at), 0, 0
    for owned in owned_indicators(session):
        if owned.status_on(on) not in REPORTABLE:
            continue
        known = _opened(session, owned)
        for period, share in _missing(session, owned, known, opening, on):
            open_due(session, owned, period, share, opening)
            opened += 1
        for due, is_reported in _unconfirmed(session, owned):
            settle_due_day(session, due, owned, opening)
            told += _remind(session, book, owned, due, opening, since, is_reported=is_reported)
    return IndicatorsSwept(opened, told)


def _opened(session: Session, owned: Owned) -> set[tuple[str, int]]:
    query = select(IndicatorDue.period, IndicatorDue.lead_id).where(
        IndicatorDue.policy_id == owned.version.policy_id, IndicatorDue.indicator == owned.code
    )
    return {(period, lead) for period, lead in session.execute(query)}


def _missing(
    session: Session, owned: Owned, known: set[tuple[str, int]], opening: Opening, on: date
) -> Iterator[tuple[Period, tuple[int, ...]]]:
    """Yield each report of a period that is over and that is not opened yet.

    What was due before this house knew the policy is not asked for; an owner may still report it.
    """
    version = owned.version
    assert version.effective_from is not None
    assert version.effective_to is not None
    first = select(func.min(PolicyVersion.loaded_at))
    first = first.where(PolicyVersion.policy_id == version.policy_id)
    known_since = local_date(session.execute(first).scalar_one())
    end = min(version.effective_to, on - timedelta(days=1))
    kind = owned.definition["reporting"]["period"]
    for period in periods(kind, version.effective_from, end):
        if period.last < on and due_day(opening.calendar, owned, period)[0] >= known_since:
            for share in owned.shares():
                taken = (period.code, share[0]) in known
                whole = not owned.by_each and any(code == period.code for code, _ in known)
                if not taken and not whole:
                    yield period, share


def _unconfirmed(session: Session, owned: Owned) -> list[tuple[IndicatorDue, bool]]:
    """Return what is due of an indicator without a confirmed report, and whether one was made."""
    mine = IndicatorReport.due_id == IndicatorDue.id
    reported = exists().where(mine)
    confirmed = exists().where(mine, IndicatorReport.confirmed_at.is_not(None))
    query = (
        select(IndicatorDue, reported)
        .where(IndicatorDue.policy_id == owned.version.policy_id)
        .where(IndicatorDue.indicator == owned.code, ~confirmed)
        .order_by(IndicatorDue.due_on, IndicatorDue.id)
    )
    return [(due, is_reported) for due, is_reported in session.execute(query)]


def _remind(
    session: Session, book: NoticeBook, owned: Owned, due: IndicatorDue, opening: Opening,
    since: date, *, is_reported: bool,
) -> int:  # fmt: skip
    """Tell owners before the day of what they have not reported, and of what is over it."""
    left = (due.due_on - local_date(opening.at)).days
    left_before, told = (due.due_on - since).days, 0
    for trigger, step in _steps(book, left, left_before, is_reported=is_reported):
        if trigger != DUE:
            record_overdue(session, due, opening, days=-left, told_as=trigger)
        news = _news(session, owned, due, opening, days=abs(left), is_reported=is_reported)
        for rule in book.for_trigger(trigger, days=step):
            told += tell(session, rule, _places(due, rule, trigger), news)
    return told


def _steps(
    book: NoticeBook, left: int, left_before: int, *, is_reported: bool
) -> list[tuple[str, int]]:
    """Return what is told now: the nearest of the days ahead, and every day that has passed."""
    if left >= 0:
        ahead = [n for n in book.days(DUE) if left <= n < left_before and not is_reported]
        return [(DUE, n) for n in ahead[-1:]]
    passed = ((trigger, n) for trigger in (OVERDUE, ESCALATED) for n in book.days(trigger))
    return [(trigger, n) for trigger, n in passed if -left_before < n <= -left]


def _news(
    session: Session, owned: Owned, due: IndicatorDue, opening: Opening, *, days: int,
    is_reported: bool,
) -> Announcement:  # fmt: skip
    kind = owned.definition["reporting"]["period"]
    facts: dict[str, Any] = {
        "policy": owned.version.title,
        "indicator": owned.definition["title"],
        "reporting_period": period_named(kind, due.period).title,
        "owners": list(titles_of(session, set(due.owners)).values()),
        "state": "待确认" if is_reported else "待报送",
        "due_on": due.due_on.isoformat(),
        "provisional": due.provisional,
        "days": days,
    }
    topic = f"indicator{due.policy_id}:{due.indicator}:{due.period}:{due.lead_id}"
    return Announcement(topic, due.due_on, facts, opening.at)


def _places(due: IndicatorDue, rule: NoticeRule, trigger: str) -> Places:
    """Return the rule's seats in each owner, and once it is escalated in the leading bureau too."""
    told = list(due.owners)
    if trigger == ESCALATED and due.gathered_by is not None:
        told.append(due.gathered_by)
    roles = [SEATS[seat].role for seat in rule.seats]
    return [{"organisation_id": n, "role": role} for n in told for role in roles]
