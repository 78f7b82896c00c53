"""What is asked of changes: which there were, whose cases wait, how far the deciding is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from caseflow.batches.changes.models import Impact, PolicyChange
from caseflow.cases.models import Case
from caseflow.cases.queries import visible_cases
from caseflow.catalogue.models import Measure, Policy, PolicyVersion
from caseflow.catalogue.queries import workflow
from caseflow.database.paging import last_of
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.policy_changes import DECISIONS, OVER, STATES, UNDECIDED

MAX_PAGE: Final = 200


@dataclass(frozen=True)
class ImpactProgress:
    """How many of the cases that the asker sees are decided, and how."""

    total: int
    undecided: int
    keep: int
    re_evaluate: int
    terminate: int
    over: int


@dataclass(frozen=True)
class ChangeLine:
    """A change of a policy as it was recorded; versions are their numbers."""

    public_id: str
    policy: str
    policy_title: str
    kind: str
    version: int
    new_version: int | None
    replaced_by: str | None
    reason: str
    document_no: str
    changed_by: str
    changed_at: datetime
    lifted_at: datetime | None
    progress: ImpactProgress


@dataclass(frozen=True)
class ChangePage:
    """Changes, the last first; `next` is given back as `after`."""

    items: tuple[ChangeLine, ...]
    next: str | None


@dataclass(frozen=True)
class ImpactLine:
    """A case of an impact list: where it stood, and what was decided, by whom, when, why."""

    case: str
    number: str
    title: str
    measure: str
    applicant_title: str
    state: str
    state_title: str
    status: str
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class ImpactPage:
    """The cases of a change in the order of their opening; `next` is given back as `after`."""

    change: ChangeLine
    items: tuple[ImpactLine, ...]
    next: str | None


def _open() -> ColumnElement[bool]:
    return and_(Impact.decision.is_(None), PolicyChange.lifted_at.is_(None), Case.outcome.is_(None))


def _status(wanted: str) -> ColumnElement[bool]:
    if wanted in DECISIONS:
        return Impact.decision == wanted
    if wanted == UNDECIDED:
        return _open()
    return and_(
        Impact.decision.is_(None),
        or_(PolicyChange.lifted_at.is_not(None), Case.outcome.is_not(None)),
    )


def change_list(
    session: Session,
    actor: Actor,
    *,
    policy: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> ChangePage:
    """Return a page of the changes of a policy (None: of all), with how far the deciding is.

    Raises:
        InvalidInput: `after` is no change.
    """
    query = _changes()
    if policy is not None:
        query = query.where(Policy.code == policy)
    if after is not None:
        place = select(PolicyChange.id).where(PolicyChange.public_id == after)
        query = query.where(PolicyChange.id < last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    rows = session.execute(query.order_by(PolicyChange.id.desc()).limit(size + 1)).all()
    items = tuple(_change_line(session, actor, row) for row in rows[:size])
    return ChangePage(items, items[-1].public_id if len(rows) > size else None)


def change_line(session: Session, actor: Actor, public_id: str) -> ChangeLine:
    """Return one change with how far the deciding is.

    Raises:
        NotFound: there is none.
    """
    row = session.execute(_changes().where(PolicyChange.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound(f"没有政策调整 {public_id!r}。")
    return _change_line(session, actor, row)


def _changes() -> Any:
    before, new, other = aliased(PolicyVersion), aliased(PolicyVersion), aliased(Policy)
    return (
        select(
            PolicyChange,
            Policy.code,
            before.title,
            before.version,
            new.version.label("new_version"),
            other.code.label("replaced_by"),
            Person.name.label("changed_by"),
        )
        .join(Policy, Policy.id == PolicyChange.policy_id)
        .join(before, before.id == PolicyChange.policy_version_id)
        .join(Person, Person.id == PolicyChange.changed_by)
        .outerjoin(new, new.id == PolicyChange.new_version_id)
        .outerjoin(other, other.id == PolicyChange.replaced_by_id)
    )


def _change_line(session: Session, actor: Actor, row: Any) -> ChangeLine:
    change: PolicyChange = row.PolicyChange
    return ChangeLine(
        public_id=change.public_id,
        policy=row.code,
        policy_title=row.title,
        kind=change.kind,
        version=row.version,
        new_version=row.new_version,
        replaced_by=row.replaced_by,
        reason=change.reason,
        document_no=change.document_no,
        changed_by=row.changed_by,
        changed_at=change.changed_at,
        lifted_at=change.lifted_at,
        progress=_progress(session, actor, change.id),
    )


def _progress(session: Session, actor: Actor, change_id: int) -> ImpactProgress:
    counted = [func.count().filter(_status(name)).label(name) for name in STATES]
    row = session.execute(
        select(func.count().label("total"), *counted)
        .select_from(Impact)
        .join(PolicyChange, PolicyChange.id == Impact.change_id)
        .join(Case, Case.id == Impact.case_id)
        .where(Impact.change_id == change_id, visible_cases(actor))
    ).one()
    return ImpactProgress(**row._asdict())


def impact_list(
    session: Session,
    actor: Actor,
    public_id: str,
    *,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> ImpactPage:
    """Return a page of the cases of a change that the actor may see; `after` is a case.

    Raises:
        NotFound: no such change. InvalidInput: an unknown status, `after` is no case of the list.
    """
    change = change_line(session, actor, public_id)
    query = _impacts(actor).where(PolicyChange.public_id == public_id)
    if status is not None:
        if status not in STATES:
            reason = f"{status!r} 不是 {'、'.join(STATES)} 之一"
            raise InvalidInput(f"status：{reason}。", fields={"status": reason})
        query = query.where(_status(status))
    if after is not None:
        place = select(Case.id).where(Case.public_id == after, visible_cases(actor))
        query = query.where(Case.id > last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    rows = session.execute(query.order_by(Case.id).limit(size + 1)).all()
    items = tuple(_impact_line(session, row) for row in rows[:size])
    return ImpactPage(change, items, items[-1].case if len(rows) > size else None)


def impact_line(session: Session, actor: Actor, change: str, case: str) -> ImpactLine:
    """Return one case of an impact list that was already found to be the actor's to see."""
    query = _impacts(actor).where(
        PolicyChange.public_id == change, or_(Case.public_id == case, Case.number == case)
    )
    return _impact_line(session, session.execute(query).one())


def _impacts(actor: Actor) -> Any:
    return (
        select(
            Impact,
            Case,
            Measure.code,
            Organisation.title.label("applicant_title"),
            Person.name.label("decided_by"),
            _open().label("is_open"),
        )
        .join(PolicyChange, PolicyChange.id == Impact.change_id)
        .join(Case, Case.id == Impact.case_id)
        .join(Measure, Measure.id == Case.measure_id)
        .join(Organisation, Organisation.id == Case.applicant_id)
        .outerjoin(Person, Person.id == Impact.decided_by)
        .where(visible_cases(actor))
    )


def _impact_line(session: Session, row: Any) -> ImpactLine:
    impact, case = row.Impact, row.Case
    waits = UNDECIDED if row.is_open else OVER
    return ImpactLine(
        case=case.public_id,
        number=case.number,
        title=case.title,
        measure=row.code,
        applicant_title=row.applicant_title,
        state=case.state,
        state_title=workflow(session, case.workflow_hash).states[case.state].title,
        status=impact.decision or waits,
        reason=impact.reason,
        decided_by=row.decided_by,
        decided_at=impact.decided_at,
    )
