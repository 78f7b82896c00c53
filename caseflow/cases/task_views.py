"""The tasks of one case for people to read: who has not answered, until when, and what was said."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from caseflow.cases.models import Case
from caseflow.deadlines.models import CaseClock
from caseflow.history.models import Event
from caseflow.identity.models import Assignment, Organisation, Person
from caseflow.identity.queries import valid_at
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import QUESTIONS, SEATS
from caseflow.reviews.models import Task


@dataclass(frozen=True)
class TaskView:
    """Who is asked for what; `open` or `waiting` (for `waits_for`): has not answered yet.

    `candidates` are the names of those who may claim an open task, those who are recused left out;
    `note` and `evidence` belong to the answer.
    """

    id: int
    state: str
    state_title: str
    seat: str
    seat_title: str
    question: str | None
    role: str
    organisation: str
    organisation_title: str
    status: str
    candidates: tuple[str, ...]
    claimant: str | None
    claimant_name: str | None
    helper_name: str | None
    waits_for: str | None
    is_added: bool
    is_handed_over: bool
    due_on: date | None
    verdict: str | None
    note: str | None
    evidence: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None
    closed_by_name: str | None
    closed_for_name: str | None


def task_views(
    session: Session, case: Case, workflow: Workflow, at: datetime
) -> tuple[TaskView, ...]:
    """Return every task of a case that the asker was found to see, the oldest first."""
    candidates = _candidates(session, case, at)
    return tuple(
        _view(row, workflow, candidates) for row in session.execute(_query().where(_is_of(case)))
    )


def _is_of(case: Case) -> Any:
    return Task.case_id == case.id


def _query() -> Select[Any]:
    claimant, helper, closer, behind = (aliased(Person) for _ in range(4))
    return (
        select(
            Task,
            Organisation.public_id.label("organisation"),
            Organisation.title.label("organisation_title"),
            claimant.login.label("claimant"),
            claimant.name.label("claimant_name"),
            helper.name.label("helper_name"),
            closer.name.label("closed_by_name"),
            behind.name.label("closed_for_name"),
            CaseClock.due_on,
            Event.payload,
        )
        .join(Organisation, Organisation.id == Task.organisation_id)
        .outerjoin(claimant, claimant.id == Task.claimant_id)
        .outerjoin(helper, helper.id == Task.helper_id)
        .outerjoin(closer, closer.id == Task.closed_by)
        .outerjoin(behind, behind.id == Task.closed_for)
        .outerjoin(CaseClock, and_(CaseClock.case_id == Task.case_id, CaseClock.name == Task.clock))
        .outerjoin(Event, and_(Event.stream == Task.case_id, Event.seq == Task.closed_seq))
        .order_by(Task.id)
    )


def _candidates(
    session: Session, case: Case, at: datetime
) -> Mapping[tuple[int, str], tuple[str, ...]]:
    """Return who may take the open tasks of a case, by organisation and role."""
    rows = session.execute(
        select(Task.organisation_id, Task.role, Person.name)
        .join(
            Assignment,
            and_(Assignment.organisation_id == Task.organisation_id, Assignment.role == Task.role),
        )
        .join(Person, Person.id == Assignment.person_id)
        .where(
            _is_of(case),
            Task.status.in_(("open", "waiting")),
            valid_at(at),
            func.recusal_of(case.id, Person.id).is_(None),
        )
        .distinct()
        .order_by(Person.name)
    )
    found = defaultdict[tuple[int, str], list[str]](list)
    for organisation_id, role, name in rows:
        found[organisation_id, role].append(name)
    return {key: tuple(names) for key, names in found.items()}


def _view(
    row: Any, workflow: Workflow, candidates: Mapping[tuple[int, str], tuple[str, ...]]
) -> TaskView:
    task: Task = row.Task
    said = row.payload or {} if task.verdict else {}
    waits = task.closed_at is None
    return TaskView(
        id=task.id,
        state=task.state,
        state_title=workflow.states[task.state].title,
        seat=task.seat,
        seat_title=SEATS[task.seat].title,
        question=QUESTIONS.get(task.seat) if workflow.states[task.state].decide else None,
        role=task.role,
        organisation=row.organisation,
        organisation_title=row.organisation_title,
        status=task.status,
        candidates=candidates.get((task.organisation_id, task.role), ()) if waits else (),
        claimant=row.claimant,
        claimant_name=row.claimant_name,
        helper_name=row.helper_name,
        waits_for=task.waits_for,
        is_added=task.added_seq is not None,
        is_handed_over=task.handed_seq is not None,
        due_on=row.due_on if waits else None,
        verdict=task.verdict,
        note=said.get("note"),
        evidence=tuple(said.get("evidence", ())),
        opened_at=task.opened_at,
        closed_at=task.closed_at,
        closed_by_name=row.closed_by_name,
        closed_for_name=row.closed_for_name,
    )
