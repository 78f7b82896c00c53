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
    open_dues,
    record_overdue,
    settle_due_days,
)
from caseflow.catalogue.models import PolicyVersion
from caseflow.kernel.calendar import local_date
from caseflow.kernel.periods import Period, period_under, periods
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.notifications.rules import NoticeBook, NoticeRule

DUE: Final = "indicator_due"
OVERDUE: Final = "indicator_overdue"
ESCALATED: Final = "indicator_escalated"


@dataclass(frozen=True)
class _Late:
    """What is due for one period on one day and not confirmed; reported, or not even that."""

    dues: list[IndicatorDue]
    is_reported: bool

    @property
    def due_on(self) -> date:
        return self.dues[0].due_on

    @property
    def owners(self) -> list[int]:
        return [n for due in self.dues for n in due.owners]


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
        for period, shares in _missing(session, owned, opening, on):
            opened += len(open_dues(session, owned, period, shares, opening))
        for late in _unconfirmed(session, owned):
            settle_due_days(session, late.dues, owned, opening)
            told += _remind(session, book, owned, late, opening, since)
    return IndicatorsSwept(opened, told)


def _missing(
    session: Session, owned: Owned, opening: Opening, on: date
) -> Iterator[tuple[Period, list[tuple[int, ...]]]]:
    """Yield each period that is over with the reports of it that are not opened yet.

    What was due before this house knew the policy is not asked for; an owner may still report it.
    """
    version = owned.version
    assert version.effective_from is not None
    assert version.effective_to is not None
    first = select(func.min(PolicyVersion.loaded_at))
    first = first.where(PolicyVersion.policy_id == version.policy_id)
    known_since = local_date(session.execute(first).scalar_one())
    end = min(version.effective_to, on - timedelta(days=1))
    opened, kind = _opened(session, owned), owned.definition["reporting"]["period"]
    others = [each for each in map(period_under, opened) if each.kind != kind]
    covered = max((each.last for each in others), default=date.min)  # before the schedule changed
    for period in periods(kind, version.effective_from, end):
        leads = opened.get(period.code, set())
        shares = [share for share in owned.shares() if share[0] not in leads]
        if not owned.by_each and leads:
            shares = []  # one is enough, whoever was to lead it when it was opened
        is_over = (
            covered < period.last < on
            and due_day(opening.calendar, owned, period)[0] >= known_since
        )
        if is_over and shares:
            yield period, shares


def _opened(session: Session, owned: Owned) -> dict[str, set[int]]:
    """Return the leads of what was opened, by period."""
    query = select(IndicatorDue.period, IndicatorDue.lead_id).where(
        IndicatorDue.policy_id == owned.version.policy_id, IndicatorDue.indicator == owned.code
    )
    found: dict[str, set[int]] = {}
    for period, lead in session.execute(query):
        found.setdefault(period, set()).add(lead)
    return found


def _unconfirmed(session: Session, owned: Owned) -> list[_Late]:
    """Return what is due of an indicator without a confirmed report, by period, day and state."""
    mine = IndicatorReport.due_id == IndicatorDue.id
    reported = exists().where(mine)
    confirmed = exists().where(mine, IndicatorReport.confirmed_at.is_not(None))
    query = (
        select(IndicatorDue, reported)
        .where(IndicatorDue.policy_id == owned.version.policy_id)
        .where(IndicatorDue.indicator == owned.code, ~confirmed)
        .order_by(IndicatorDue.due_on, IndicatorDue.id)
    )
    found: dict[tuple[str, date, bool], list[IndicatorDue]] = {}
    for due, is_reported in session.execute(query):
        found.setdefault((due.period, due.due_on, is_reported), []).append(due)
    return [_Late(dues, is_reported) for (_, _, is_reported), dues in found.items()]


def _remind(
    session: Session, book: NoticeBook, owned: Owned, late: _Late, opening: Opening, since: date
) -> int:
    """Tell owners before the day of what they have not reported, and of what is over it."""
    left = (late.due_on - local_date(opening.at)).days
    left_before, told = (late.due_on - since).days, 0
    for trigger, step in _steps(book, left, left_before, is_reported=late.is_reported):
        if trigger != DUE:
            record_overdue(session, late.dues, opening, days=-left, told_as=trigger)
        news = _news(session, owned, late, opening, days=abs(left))
        for rule in book.for_trigger(trigger, days=step):
            told += tell(session, rule, _places(late, rule, trigger), news)
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
    session: Session, owned: Owned, late: _Late, opening: Opening, *, days: int
) -> Announcement:
    due, state = late.dues[0], "待确认" if late.is_reported else "待报送"
    titles = titles_of(session, set(late.owners))
    facts: dict[str, Any] = {
        "policy": owned.version.title,
        "indicator": owned.definition["title"],
        "reporting_period": period_under(due.period).title,
        "owners": [titles[n] for n in late.owners],
        "state": state,
        "due_on": due.due_on.isoformat(),
        "provisional": due.provisional,
        "days": days,
    }
    topic = f"indicator{due.policy_id}:{due.indicator}:{due.period}:{state}"
    return Announcement(topic, due.due_on, facts, opening.at)


def _places(late: _Late, rule: NoticeRule, trigger: str) -> Places:
    """Return the rule's seats in each owner, and once it is escalated in the leading bureau too."""
    told = list(late.owners)
    if trigger == ESCALATED:
        told += [due.gathered_by for due in late.dues if due.gathered_by is not None]
    roles = [SEATS[seat].role for seat in rule.seats]
    return [{"organisation_id": n, "role": role} for n in dict.fromkeys(told) for role in roles]
