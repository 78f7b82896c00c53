"""What is due of whom, and what of it is confirmed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import and_, exists, select, true
from sqlalchemy.orm import Session, aliased

from caseflow.catalogue.indicators.models import IndicatorDue, IndicatorReport
from caseflow.catalogue.indicators.queries import AUDITOR, MAX_PAGE, concerned, titles_of
from caseflow.catalogue.models import Policy
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput


@dataclass(frozen=True)
class DueLine:
    """A report that is due, of whom, and whether one waits for its confirmation."""

    key: str
    policy: str
    indicator: str
    period: str
    period_ends_on: date
    due_on: date
    provisional: bool
    owners: tuple[str, ...]
    state: str
    report: str | None


@dataclass(frozen=True)
class DuePage:
    """What is due, the first due first; `next` is given back as `after`."""

    items: tuple[DueLine, ...]
    next: str | None


@dataclass(frozen=True)
class DuePart:
    """A report that was opened, and its newest confirmed value, if there is one."""

    indicator: str
    period: str
    period_ends_on: date
    owners: tuple[int, ...]
    due_on: date
    provisional: bool
    value: Decimal | None


def due_parts(session: Session, policy_id: int) -> tuple[DuePart, ...]:
    """Return everything that was opened of a policy, by period, with its newest confirmed value."""
    report = IndicatorReport
    newest = (
        select(report.value)
        .where(report.due_id == IndicatorDue.id, report.confirmed_at.is_not(None))
        .order_by(report.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(IndicatorDue, newest.label("value")).where(IndicatorDue.policy_id == policy_id)
    return tuple(
        DuePart(
            indicator=due.indicator,
            period=due.period,
            period_ends_on=due.period_ends_on,
            owners=tuple(due.owners),
            due_on=due.due_on,
            provisional=due.provisional,
            value=value,
        )
        for due, value in session.execute(query.order_by(IndicatorDue.period_ends_on))
    )


def due_list(
    session: Session, actor: Actor, policy: str | None = None, *, after: str | None = None,
    limit: int = 50,
) -> DuePage:  # fmt: skip
    """Return a page of what is due of the actor's organisations and not confirmed yet.

    An auditor sees everything that is due.

    Raises:
        InvalidInput: `after` is no key of this list.
    """
    lines = _waiting(session, actor, policy)
    keys = [line.key for line in lines]
    if after is not None and after not in keys:
        raise InvalidInput(f"after：没有 {after!r}。", fields={"after": "不是上一页的 next"})
    begin = 0 if after is None else keys.index(after) + 1
    page = lines[begin : begin + max(1, min(limit, MAX_PAGE))]
    is_last = begin + len(page) == len(lines)
    return DuePage(page, None if is_last else page[-1].key)


def _waiting(session: Session, actor: Actor, policy: str | None) -> tuple[DueLine, ...]:
    is_auditor = any(held.role == AUDITOR for held in actor.assignments)
    newer = aliased(IndicatorReport)
    live = and_(
        IndicatorReport.due_id == IndicatorDue.id,
        ~exists().where(newer.supersedes_id == IndicatorReport.id),
    )
    query = (
        select(
            Policy.code, IndicatorDue, IndicatorReport.public_id, Organisation.code.label("lead")
        )
        .join(Policy, Policy.id == IndicatorDue.policy_id)
        .join(Organisation, Organisation.id == IndicatorDue.lead_id)
        .outerjoin(IndicatorReport, live)
        .where(IndicatorReport.confirmed_at.is_(None))
        .where(true() if is_auditor else concerned(actor))
        .order_by(IndicatorDue.due_on, IndicatorDue.id)
    )
    if policy is not None:
        query = query.where(Policy.code == policy)
    rows = session.execute(query).all()
    titles = titles_of(session, {n for row in rows for n in row.IndicatorDue.owners})
    return tuple(
        DueLine(
            key=f"{row.code}/{row.IndicatorDue.indicator}/{row.IndicatorDue.period}/{row.lead}",
            policy=row.code,
            indicator=row.IndicatorDue.indicator,
            period=row.IndicatorDue.period,
            period_ends_on=row.IndicatorDue.period_ends_on,
            due_on=row.IndicatorDue.due_on,
            provisional=row.IndicatorDue.provisional,
            owners=tuple(titles[n] for n in row.IndicatorDue.owners),
            state="to_report" if row.public_id is None else "to_confirm",
            report=row.public_id,
        )
        for row in rows
    )
