"""The tasks that wait for somebody's seats (待办), by due date."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from caseflow.cases.blind import asked_of, veiled
from caseflow.cases.models import Case
from caseflow.cases.queries import FAR, MAX_PAGE, lines, visible_cases, within
from caseflow.catalogue.queries import workflow
from caseflow.database.paging import last_of
from caseflow.deadlines.models import CaseClock
from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.reviews.models import Task

MINE, UNCLAIMED, CLAIMED, OVERDUE = TASK_VIEWS = ("mine", "unclaimed", "claimed", "overdue")
"""What may be asked for: all of my seats, nobody's yet, claimed by me, past their last day."""
CLOCK: Final = aliased(CaseClock)
"""The clock that the task's own seat works against."""
DUE: Final[ColumnElement[date]] = func.coalesce(CLOCK.due_on, FAR)


@dataclass(frozen=True)
class TaskLine:
    """Something that a seat of the actor's must do; `due_on` is the seat's own last day."""

    id: int
    case: str
    number: str
    title: str
    measure: str
    measure_title: str
    applicant_title: str
    state: str
    state_title: str
    seat: str
    seat_title: str
    claimant: str | None
    claimant_name: str | None
    version: int
    opened_at: datetime
    due_on: date | None
    is_overdue: bool


@dataclass(frozen=True)
class TaskPage:
    """Tasks, the most urgent first; `next` is given back as `after`, None on the last page."""

    items: tuple[TaskLine, ...]
    next: int | None


def my_tasks(
    session: Session,
    actor: Actor,
    at: datetime,
    *,
    view: str = MINE,
    after: int | None = None,
    limit: int = 50,
) -> TaskPage:
    """Return what waits for any of the actor's seats, their own or another's they stand in for.

    Raises:
        InvalidInput: an unknown view, or `after` is no open task.
    """
    if view not in TASK_VIEWS:
        reason = f"{view!r} 不是 {'、'.join(TASK_VIEWS)} 之一"
        raise InvalidInput(f"view：{reason}。", fields={"view": reason})
    today, size = local_date(at), max(1, min(limit, MAX_PAGE))
    query = _query(actor).where(visible_cases(actor), asked_of(actor), *_view(view, actor, today))
    if after is not None:
        query = query.where(_beyond(session, after))
    rows = session.execute(query.order_by(DUE, Task.id).limit(size + 1)).all()
    found = [_line(session, row, today) for row in rows[:size]]
    items = veiled(session, actor, found, visible_cases, key="case")
    return TaskPage(items=items, next=items[-1].id if len(rows) > size else None)


def find_task(session: Session, actor: Actor, task_id: int) -> tuple[Task, Case]:
    """Return a task of one of the actor's seats with its case, open or not.

    Raises:
        NotFound: there is none, or it is not the actor's; the two are not told apart.
    """
    query = select(Task, Case).join(Case, Case.id == Task.case_id)
    query = query.where(Task.id == task_id, _of(actor), visible_cases(actor))
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(f"没有待办 {task_id}。")
    return found[0], found[1]


def _of(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a task lies in a seat of the actor's, also for others."""
    own = tuple_(Task.organisation_id, Task.role).in_([tuple(each) for each in actor.assignments])
    others = [
        and_(
            tuple_(Task.organisation_id, Task.role).in_([tuple(held) for held in each.assignments]),
            within(each.measure_ids),
        )
        for each in actor.stands_in
    ]
    return or_(own, *others, Task.helper_id == actor.id)


def _query(actor: Actor) -> Any:
    claimant = aliased(Person)
    clock = and_(CLOCK.case_id == Task.case_id, CLOCK.name == Task.clock)
    return (
        lines()
        .add_columns(
            Task,
            claimant.login.label("claimant"),
            claimant.name.label("claimant_name"),
            CLOCK.due_on.label("seat_due_on"),
            CLOCK.status.label("clock_status"),
        )
        .join(Task, Task.case_id == Case.id)
        .outerjoin(claimant, claimant.id == Task.claimant_id)
        .outerjoin(CLOCK, clock)
        .where(Task.status == "open", _of(actor))
    )


def _view(view: str, actor: Actor, today: date) -> list[ColumnElement[bool]]:
    conditions = {
        UNCLAIMED: Task.claimant_id.is_(None),
        CLAIMED: Task.claimant_id.in_(actor.people),
        OVERDUE: or_(CLOCK.due_on < today, CLOCK.status == "expired"),
    }
    return [conditions[view]] if view in conditions else []


def _beyond(session: Session, after: int) -> ColumnElement[bool]:
    """Return the condition of lying behind the task `after`, be it answered meanwhile."""
    clock = and_(CLOCK.case_id == Task.case_id, CLOCK.name == Task.clock)
    query = select(DUE).select_from(Task).outerjoin(CLOCK, clock).where(Task.id == after)
    (due_on,) = last_of(session, query, after)
    return tuple_(DUE, Task.id) > tuple_(literal(due_on), literal(after))


def _line(session: Session, row: Any, today: date) -> TaskLine:
    case: Case = row.Case
    task: Task = row.Task
    due_on = row.seat_due_on
    return TaskLine(
        id=task.id,
        case=case.public_id,
        number=case.number,
        title=case.title,
        measure=row.measure,
        measure_title=row.measure_title,
        applicant_title=row.applicant_title,
        state=task.state,
        state_title=workflow(session, case.workflow_hash).states[task.state].title,
        seat=task.seat,
        seat_title=SEATS[task.seat].title,
        claimant=row.claimant,
        claimant_name=row.claimant_name,
        version=case.head_seq,
        opened_at=task.opened_at,
        due_on=due_on,
        is_overdue=due_on is not None and (due_on < today or row.clock_status == "expired"),
    )
