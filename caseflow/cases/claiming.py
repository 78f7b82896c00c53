"""Claiming a task (签收) and giving it back (退签): explicit, exclusive, and safe to repeat."""

from datetime import datetime

from sqlalchemy.orm import Session

from caseflow.cases.models import Case
from caseflow.cases.service import Cases, Outcome, Request
from caseflow.cases.task_list import find_task
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import Conflict


def claim(
    cases: Cases, session: Session, actor: Actor, task_id: int, *, at: datetime,
    request_id: str | None = None,
) -> Outcome:  # fmt: skip
    """Let the actor, or whom they stand in for, have the task; again is the same answer.

    Raises:
        NotFound: no such task in a seat of the actor's. Conflict: answered, or another's; who.
        NotAllowed: the actor is recused. EventNotAllowed: tasks are not claimed in this state.
    """
    task, case = find_task(session, actor, task_id)
    _refuse_closed(task.status)
    if task.claimant_id in actor.people:
        return _as_is(case)
    return _act(cases, case, "claim_task", actor, task_id, at, request_id)


def release(
    cases: Cases, session: Session, actor: Actor, task_id: int, *, at: datetime,
    request_id: str | None = None,
) -> Outcome:  # fmt: skip
    """Give a claimed task back to its seat; one that nobody has stays so.

    Raises:
        NotFound: no such task in a seat of the actor's. Conflict: answered, or another's; who.
    """
    task, case = find_task(session, actor, task_id)
    _refuse_closed(task.status)
    if task.claimant_id is None:
        return _as_is(case)
    return _act(cases, case, "release_task", actor, task_id, at, request_id)


def _refuse_closed(status: str) -> None:
    if status not in {"open", "waiting"}:
        raise Conflict("该待办已办结，不能签收或退签。")


def _as_is(case: Case) -> Outcome:
    return Outcome(case.public_id, case.number, case.state, case.head_seq, (), replayed=True)


def _act(
    cases: Cases, case: Case, event: str, actor: Actor, task_id: int, at: datetime,
    request_id: str | None,
) -> Outcome:  # fmt: skip
    request = Request(event, actor.id, at, {"task": task_id}, id=request_id)
    return cases.act(case.public_id, request)
