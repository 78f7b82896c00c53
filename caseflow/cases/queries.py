"""What an actor may see of cases: the one rule, and the lists that go through it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
)  # fmt: skip
from sqlalchemy.orm import Session, aliased

from caseflow.cases.blind import judged_by, refuse_experts, veiled
from caseflow.cases.filters import conditions
from caseflow.cases.models import Case, DistrictPass
from caseflow.catalogue.models import Measure, MeasureVersion, Policy
from caseflow.catalogue.queries import workflow
from caseflow.database.paging import last_of
from caseflow.deadlines.models import CaseClock
from caseflow.identity.models import Organisation, Territory
from caseflow.identity.queries import DISTRICT_KINDS, Actor, Holding
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.recovery import RECOVERY
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.reviews.models import CaseCopy, Task

MAX_PAGE: Final = 200
ACTORS_KEPT: Final = 256
"""For how many actors the rule of what they see is kept: building it costs more than asking."""
SORTS: Final = ("newest", "oldest", "due")
FAR: Final = date(9999, 12, 31)
"""Where cases without a running clock stand when sorted by due date: at the end."""

APPLICANT: Final = "applicant"
AUDITOR: Final = "auditor"
THIRD_PARTIES: Final = frozenset(
    {"experts", "audit_firm", "trustee", "bank", "fund_manager", "platform_operator"}
)
"""Parties that every case names but that see only the cases they were given a task of."""
OFFICIAL_PARTIES: Final = tuple(
    dict.fromkeys(
        seat.party
        for seat in SEATS.values()
        if seat.party not in {*THIRD_PARTIES, APPLICANT, AUDITOR, "public", "system"}
    )
)
DISTRICT: Final = "district"
DISTRICT_CLOCKS: Final = ("district_review", "district_sign")
"""The clocks of the district's own work on a case; see stage `district_review`."""
CITY_PARTIES: Final = tuple(party for party in OFFICIAL_PARTIES if party != DISTRICT)
OFFICIAL_ROLES: Final = frozenset(
    seat.role for seat in SEATS.values() if seat.party in OFFICIAL_PARTIES
)
DISTRICT_ROLES: Final = frozenset(seat.role for seat in SEATS.values() if seat.party == "district")
THIRD_ROLES: Final = frozenset(
    seat.role for seat in SEATS.values() if seat.party in THIRD_PARTIES - {"experts"}
)
HANDED, OWN, ASKED = aliased(Task), aliased(Task), aliased(Task)
HIDING, LATE = aliased(MeasureVersion), aliased(CaseClock)
"""Tasks of their own, also where a list of tasks is asked for; each costs a millisecond to make."""


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are asked for; None asks for all. `outcome` may be `open`.

    `applicant`, `parent` and `call` are public ids, `measure`, `family`, `policy` and `territory`
    codes;
    `text` is looked for in number, title and the applicant's name.
    """

    measure: str | None = None
    family: str | None = None
    policy: str | None = None
    state: str | None = None
    outcome: str | None = None
    applicant: str | None = None
    territory: str | None = None
    parent: str | None = None
    call: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class CaseLine:
    """A case in a list. `version` is what `If-Match` takes, `due_on` its nearest running clock."""

    public_id: str
    number: str
    title: str
    measure: str
    measure_title: str
    policy: str
    family: str
    applicant: str
    applicant_title: str
    territory: str
    parent: str | None
    child_kind: str | None
    state: str
    state_title: str
    phase: str
    outcome: str | None
    version: int
    due_on: date | None
    approved_fen: int | None
    paid_fen: int
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class CasePage:
    """Cases; `next` is given back as `after`, None on the last page."""

    items: tuple[CaseLine, ...]
    next: str | None


@lru_cache(maxsize=ACTORS_KEPT)
def visible_cases(actor: Actor) -> ColumnElement[bool]:
    """Return the one rule of what an actor may see, as a condition on `Case`.

    Applicants see their own organisation's cases (a recovery from its notice on), bureaus those
    they are a party of (where the measure says so, from the district's recommendation on), towns
    and parks those of their territory, third parties those they were
    given a task of, auditors all. Nobody else sees any: the public reads publicities.
    """
    if any(holding.role == AUDITOR for holding in actor.assignments):
        return true()
    stood_in = [
        and_(within(each.measure_ids), _seen_by(each.assignments)) for each in actor.stands_in
    ]
    judged = judged_by(actor)
    return or_(_seen_by(actor.assignments), *stood_in, _copied_to(actor), *judged)


def within(measure_ids: tuple[int, ...] | None) -> ColumnElement[bool]:
    """Return the condition that a case is of one of the measures, None: of any."""
    return true() if measure_ids is None else Case.measure_id.in_(measure_ids)


def _copied_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that somebody gave the actor a copy (抄送) and has not revoked it."""
    copies = select(CaseCopy.case_id).where(
        CaseCopy.person_id == actor.id, CaseCopy.revoked_at.is_(None)
    )
    return Case.id.in_(copies)


def _seen_by(holdings: Sequence[Holding]) -> ColumnElement[bool]:
    """Return what somebody sees who holds these roles."""
    conditions: list[ColumnElement[bool]] = [
        *_own(holdings),
        *_as_party(holdings),
        *_in_territory(holdings),
        *_by_task(holdings),
        *_handed_over(holdings),
    ]
    return or_(false(), *conditions)


def _organisations(holdings: Sequence[Holding], roles: Iterable[str]) -> list[int]:
    wanted = frozenset(roles)
    return sorted({each.organisation_id for each in holdings if each.role in wanted})


def _handed_over(holdings: Sequence[Holding]) -> list[ColumnElement[bool]]:
    """Return the condition that a task of the case was handed over to one of the seats (转办)."""
    seats = [tuple(each) for each in holdings if each.role in OFFICIAL_ROLES]
    handed = tuple_(HANDED.organisation_id, HANDED.role).in_(seats)
    query = select(HANDED.case_id).where(HANDED.handed_seq.is_not(None), handed)
    return [Case.id.in_(query)] if seats else []


def _own(holdings: Sequence[Holding]) -> list[ColumnElement[bool]]:
    own = _organisations(holdings, {APPLICANT})
    asked = exists().where(OWN.case_id == Case.id, OWN.role == APPLICANT)
    is_told = or_(Case.child_kind.is_distinct_from(RECOVERY), asked)
    return [and_(Case.applicant_id.in_(own), is_told)] if own else []


def _as_party(holdings: Sequence[Holding]) -> list[ColumnElement[bool]]:
    """Return what the organisations see whose case it is; the city's what the district passed."""
    found = []
    for organisation in _organisations(holdings, OFFICIAL_ROLES):
        as_city = or_(
            false(),
            *(Case.parties.contains({party: organisation}) for party in CITY_PARTIES),
        )
        found += [and_(as_city, _passed()), Case.parties.contains({DISTRICT: organisation})]
    return found


def _passed() -> ColumnElement[bool]:
    """Return the condition that nothing hides a case from the city.

    Where the measure says so, that is the town's or park's recommendation (属地推荐), or that its
    time for that is over; a child case is as its root.
    """
    hiding = select(HIDING.id).where(HIDING.recommended_by == DISTRICT)
    passed = exists().where(DistrictPass.case_id == Case.root_id)
    overdue = exists().where(
        LATE.case_id == Case.root_id,
        LATE.status == "expired",
        LATE.name.in_(DISTRICT_CLOCKS),
    )
    return or_(Case.measure_version_id.not_in(hiding), passed, overdue)


def _in_territory(holdings: Sequence[Holding]) -> list[ColumnElement[bool]]:
    districts = _organisations(holdings, DISTRICT_ROLES)
    if not districts:
        return []
    territories = select(Organisation.territory_id).where(
        Organisation.id.in_(districts), Organisation.kind.in_(DISTRICT_KINDS)
    )
    return [Case.territory_id.in_(territories)]


def _by_task(holdings: Sequence[Holding]) -> list[ColumnElement[bool]]:
    seats = [tuple(each) for each in holdings if each.role in THIRD_ROLES]
    if not seats:
        return []
    asked = tuple_(ASKED.organisation_id, ASKED.role).in_(seats)
    return [exists().where(ASKED.case_id == Case.id, asked)]


def find_case(session: Session, actor: Actor, public_id: str) -> Case:
    """Return a case that the actor may see whole, by public id or number.

    Raises:
        NotFound: there is none, or none that the actor may see; the two are not told apart.
        NotAllowed: the actor sees it as an expert only, blind or not.
    """
    found = find_judged_case(session, actor, public_id)
    refuse_experts(session, actor, found, visible_cases)
    return found


def find_judged_case(session: Session, actor: Actor, public_id: str) -> Case:
    """Return a case that the actor may see, perhaps blind: what is told of it must be veiled."""
    found = session.scalars(_one_case(actor), {"named": public_id}).one_or_none()
    if found is None:
        raise NotFound(f"没有办件 {public_id!r}。")
    return found


@lru_cache(maxsize=ACTORS_KEPT)
def _one_case(actor: Actor) -> Select[Case]:
    """Return the select behind one case that the actor may see, by public id or number."""
    named = bindparam("named", type_=Text)
    is_named = or_(Case.public_id == named, Case.number == named)
    return select(Case).where(is_named, visible_cases(actor))


def case_list(
    session: Session,
    actor: Actor,
    wanted: CaseFilter | None = None,
    *,
    sort: str = "newest",
    after: str | None = None,
    limit: int = 50,
) -> CasePage:
    """Return a page of the cases that the actor may see; `after` is the last one's public id.

    Raises:
        InvalidInput: an unknown order, or `after` is no case that the actor may see.
    """
    if sort not in SORTS:
        reason = f"{sort!r} 不是 {'、'.join(SORTS)} 之一"
        raise InvalidInput(f"sort：{reason}。", fields={"sort": reason})
    size = max(1, min(limit, MAX_PAGE))
    query = lines().where(visible_cases(actor), *conditions(wanted or CaseFilter()))
    if after is not None:
        query = query.where(_beyond(session, actor, sort, after))
    rows = session.execute(query.order_by(*_order(sort)).limit(size + 1)).all()
    found = [_line(session, row) for row in rows[:size]]
    items = veiled(session, actor, found, visible_cases, key="public_id")
    return CasePage(items=items, next=items[-1].public_id if len(rows) > size else None)


def case_line(session: Session, case: Case) -> CaseLine:
    """Return the line of a case that was already found to be visible."""
    return _line(session, session.execute(lines().where(Case.id == case.id)).one())


@cache
def _due_on() -> ScalarSelect[date]:
    return (
        select(func.min(CaseClock.due_on))
        .where(CaseClock.case_id == Case.id, CaseClock.status == "running")
        .scalar_subquery()
    )


@cache
def lines() -> Any:
    """Return the select behind every line: built once, as building costs more than asking."""
    parent = aliased(Case)
    return (
        select(
            Case,
            Measure.code.label("measure"),
            MeasureVersion.title.label("measure_title"),
            MeasureVersion.family,
            Policy.code.label("policy"),
            Organisation.public_id.label("applicant"),
            Organisation.title.label("applicant_title"),
            Territory.code.label("territory"),
            parent.public_id.label("parent"),
            _due_on().label("due_on"),
        )
        .join(Measure, Measure.id == Case.measure_id)
        .join(MeasureVersion, MeasureVersion.id == Case.measure_version_id)
        .join(Policy, Policy.id == Measure.policy_id)
        .join(Organisation, Organisation.id == Case.applicant_id)
        .join(Territory, Territory.id == Case.territory_id)
        .outerjoin(parent, parent.id == Case.parent_id)
    )


def _line(session: Session, row: Any) -> CaseLine:
    case: Case = row.Case
    state = workflow(session, case.workflow_hash).states[case.state]
    return CaseLine(
        public_id=case.public_id,
        number=case.number,
        title=case.title,
        measure=row.measure,
        measure_title=row.measure_title,
        policy=row.policy,
        family=row.family,
        applicant=row.applicant,
        applicant_title=row.applicant_title,
        territory=row.territory,
        parent=row.parent,
        child_kind=case.child_kind,
        state=case.state,
        state_title=state.title,
        phase=state.phase,
        outcome=case.outcome,
        version=case.head_seq,
        due_on=row.due_on,
        approved_fen=case.approved_fen,
        paid_fen=case.paid_fen,
        created_at=case.created_at,
        submitted_at=case.submitted_at,
        ended_at=case.ended_at,
    )


def _order(sort: str) -> tuple[Any, ...]:
    if sort == "due":
        return (func.coalesce(_due_on(), FAR), Case.id)
    return (Case.id.asc(),) if sort == "oldest" else (Case.id.desc(),)


def _beyond(session: Session, actor: Actor, sort: str, after: str) -> ColumnElement[bool]:
    """Return the condition of lying behind the case `after` in the order asked for."""
    query = select(Case.id, _due_on()).where(Case.public_id == after, visible_cases(actor))
    last = last_of(session, query, after)
    number: int = last.id
    if sort == "due":
        place = func.coalesce(_due_on(), FAR)
        here = last[1] or FAR
        return or_(place > here, and_(place == here, Case.id > number))
    return Case.id > number if sort == "oldest" else Case.id < number
