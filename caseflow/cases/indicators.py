"""How far a policy has come: what its owners reported, beside what the cases themselves count.

What is public is confirmed: values, sums, targets and counts, never a case or who reported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.indicators.definitions import exact, target_in
from caseflow.catalogue.indicators.dues import DuePart, due_parts
from caseflow.catalogue.indicators.queries import Owned, owned_indicators, titles_of
from caseflow.kernel.calendar import due_at, local_date
from caseflow.kernel.errors import NotFound
from caseflow.kernel.indicators import compared, is_reached, percent_of, written
from caseflow.kernel.periods import period_under

LOST: Final = ("rejected", "not_accepted", "withdrawn", "lapsed", "terminated")
"""Outcomes with which a case counts no more, whatever it had reached."""

COUNT: Final = text("""
    SELECT count(DISTINCT CASE WHEN :distinct = 'applicant' THEN c.applicant_id ELSE c.id END)
    FROM "case" c JOIN measure m ON m.id = c.measure_id
    JOIN organisation o ON o.id = c.applicant_id
    WHERE m.code = ANY(:measures) AND c.parent_id IS NULL
        AND (cardinality(CAST(:kinds AS text[])) = 0 OR o.kind = ANY(:kinds))
        AND NOT coalesce(c.outcome = ANY(:lost) AND c.ended_at <= :at, false)
        AND EXISTS (SELECT FROM event e WHERE e.stream = c.id AND e.at <= :at
            AND split_part(e.to_state, '#', 1) = ANY(:reached))
""")


@dataclass(frozen=True)
class Progress:
    """An indicator as it stands: figures are exact text in `unit`; None where nothing is known.

    `value` adds up the newest confirmed values of the owners, as of the end of `as_of`; it is
    `complete` when every owner's is of that period. `counted` is what the cases count now, and
    `against_cases` how the value stands to it: `equal`, `more`, or `fewer` (to be explained).
    """

    policy: str
    indicator: str
    number: int
    title: str
    unit: str
    owners: tuple[str, ...]
    target: str
    target_year: int
    comparison: str
    baseline: str | None
    as_of: str | None
    value: str | None
    complete: bool
    percent: str | None
    reached: bool
    counted: str | None
    difference: str | None
    against_cases: str | None
    next_due_on: date | None
    overdue: int


@dataclass(frozen=True)
class PeriodLine:
    """A period of an indicator: of how many reports how many are confirmed, and what they add to.

    `counted` is what the cases had reached at the end of the period's last day.
    """

    period: str
    title: str
    period_ends_on: date
    due_on: date
    provisional: bool
    asked: int
    confirmed: int
    value: str | None
    target: str
    target_year: int
    percent: str | None
    reached: bool
    counted: str | None
    difference: str | None
    against_cases: str | None


@dataclass(frozen=True)
class PolicyProgress:
    """All indicators of a policy, in the order of its annex."""

    policy: str
    title: str
    version: int
    lead: str | None
    items: tuple[Progress, ...]


@dataclass(frozen=True)
class IndicatorDetail:
    """An indicator with its words and rules as the policy has them, and its periods."""

    progress: Progress
    definition: Mapping[str, Any]
    periods: tuple[PeriodLine, ...]


def policy_progress(session: Session, policy: str, at: datetime) -> PolicyProgress:
    """Return how far each indicator of a policy has come.

    Raises:
        NotFound: no such policy.
    """
    loaded = catalogue.policy(session, policy, on=local_date(at))
    found = owned_indicators(session, policy)
    parts = due_parts(session, loaded.version.policy_id)
    gathered = {each.gathered_by for each in found if each.gathered_by is not None}
    titles = titles_of(session, {*gathered, *(n for each in found for n in each.owners)})
    return PolicyProgress(
        policy=policy,
        title=loaded.version.title,
        version=loaded.version.version,
        lead=next((titles[n] for n in gathered), None),
        items=tuple(_progress(session, each, parts, titles, at) for each in found),
    )


def indicator_detail(session: Session, policy: str, code: str, at: datetime) -> IndicatorDetail:
    """Return one indicator with every period that was opened, the last first.

    Raises:
        NotFound: no such policy or indicator.
    """
    found = policy_progress(session, policy, at)
    known = {each.indicator: each for each in found.items}
    if code not in known:
        names = "、".join(known) or "无"
        raise NotFound(f"政策 {policy!r} 没有指标 {code!r}；有：{names}。")
    (owned,) = (each for each in owned_indicators(session, policy) if each.code == code)
    parts = _of(due_parts(session, owned.version.policy_id), owned)
    by_period: dict[str, list[DuePart]] = {}
    for part in parts:
        by_period.setdefault(part.period, []).append(part)
    lines = tuple(_period(session, owned, each, at) for each in by_period.values())
    return IndicatorDetail(known[code], owned.definition, lines[::-1])


def counted(session: Session, definition: Mapping[str, Any], at: datetime) -> Decimal | None:
    """Return what the cases count for an indicator at `at`; None where cases do not count for it.

    A case counts from the event that brought it to one of the states, until it is lost.
    """
    counting = definition.get("counting")
    if counting is None:
        return None
    names = ("measures", "reached", "kinds")
    asked = {name: list(counting[name]) for name in names}
    given = {**asked, "distinct": counting["distinct"], "lost": list(LOST), "at": at}
    return Decimal(session.execute(COUNT, given).scalar_one())


def _progress(
    session: Session, owned: Owned, parts: Iterable[DuePart], titles: Mapping[int, str],
    at: datetime,
) -> Progress:  # fmt: skip
    definition, mine, on = owned.definition, _of(parts, owned), local_date(at)
    newest = _newest(owned, mine)
    last = newest[-1] if newest else None
    of_last = [part for part in newest if last and part.period == last.period]
    value = _sum(newest)
    target = exact(definition["target"])
    open_dues = [part.due_on for part in mine if part.value is None]
    baseline = definition["baseline"]
    return Progress(
        policy=owned.policy,
        indicator=owned.code,
        number=definition["number"],
        title=definition["title"],
        unit=definition["unit"],
        owners=tuple(titles[n] for n in owned.owners),
        target=written(target),
        target_year=definition["year"],
        comparison=definition["comparison"]["rule"],
        baseline=written(exact(baseline["value"])) if baseline else None,
        as_of=last.period if last else None,
        complete=len(of_last) == len(owned.shares()),
        **_standing(value, target, definition),
        **_beside(value, counted(session, definition, at)),
        next_due_on=min((day for day in open_dues if day >= on), default=None),
        overdue=sum(day < on for day in open_dues),
    )


def _period(session: Session, owned: Owned, parts: list[DuePart], at: datetime) -> PeriodLine:
    first, definition = parts[0], owned.definition
    confirmed = [part for part in parts if part.value is not None]
    value = _sum(confirmed)
    year, target = target_in(definition, first.period_ends_on.year)
    until = min(at, due_at(first.period_ends_on) - timedelta(microseconds=1))
    return PeriodLine(
        period=first.period,
        title=period_under(first.period).title,
        period_ends_on=first.period_ends_on,
        due_on=max(part.due_on for part in parts),
        provisional=any(part.provisional for part in parts),
        asked=len(owned.shares()),
        confirmed=len(confirmed),
        target=written(target),
        target_year=year,
        **_standing(value, target, definition),
        **_beside(value, counted(session, definition, until)),
    )


def _of(parts: Iterable[DuePart], owned: Owned) -> list[DuePart]:
    return [part for part in parts if part.indicator == owned.code]


def _newest(owned: Owned, parts: Iterable[DuePart]) -> list[DuePart]:
    """Return the parts that make the present value, the last period's last.

    Of an indicator that each owner reports in part that is the newest of each present owner; of
    one that is reported as a whole the newest alone, whoever owned it then.
    """
    valued = [part for part in parts if part.value is not None]
    if not owned.by_each:
        return valued[-1:]
    newest = {part.owners[0]: part for part in valued if part.owners[0] in owned.owners}
    return sorted(newest.values(), key=lambda part: part.period_ends_on)


def _sum(parts: Iterable[DuePart]) -> Decimal | None:
    known = [part.value for part in parts if part.value is not None]
    return sum(known, Decimal(0)) if known else None


def _standing(
    value: Decimal | None, target: Decimal, definition: Mapping[str, Any]
) -> dict[str, Any]:
    """Return how a value stands to its target; what is not known has not reached it."""
    if value is None:
        return {"value": None, "percent": None, "reached": False}
    percent = percent_of(value, target)
    return {
        "value": written(value),
        "percent": None if percent is None else f"{percent:f}",
        "reached": is_reached(value, target, definition["comparison"]["rule"]),
    }


def _beside(value: Decimal | None, count: Decimal | None) -> dict[str, Any]:
    """Return what the cases count, and how far what was reported is from it."""
    if count is None or value is None:
        told = None if count is None else written(count)
        return {"counted": told, "difference": None, "against_cases": None}
    return {
        "counted": written(count),
        "difference": written(value - count),
        "against_cases": compared(value, count),
    }
