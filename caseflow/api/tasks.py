"""Routes of tasks (待办) and of standing in for somebody (代理)."""

from typing import Any

from marshmallow import fields

from caseflow.api.answers import answer_of
from caseflow.api.cases import KEY_HEADER, NumberedQuery, headers
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import Blueprint, Body, Day, Line, PageQuery, request_id
from caseflow.api.rules import Rule, admits
from caseflow.cases.claiming import claim, release
from caseflow.cases.service import Outcome
from caseflow.cases.task_list import TASK_VIEWS, TaskPage, my_tasks
from caseflow.catalogue.queries import measure_codes, measure_ids
from caseflow.identity.delegations.queries import (
    DelegationPage,
    DelegationView,
    delegation_of,
    delegations_of,
)
from caseflow.identity.delegations.service import Wish, delegate, revoke

blueprint = Blueprint("tasks", __name__, description="待办：签收、退签；代理")


class TaskQuery(NumberedQuery):
    """Which of my tasks are asked for."""

    view = Line(load_default="mine", one_of=TASK_VIEWS)


class NewDelegation(Body):
    """Who stands in for me, from which day to which, both included; no roles, measures: all."""

    to = Line(required=True)
    first_on = Day(required=True)
    last_on = Day(required=True)
    reason = Line(required=True)
    roles = fields.List(Line(), load_default=list)
    measures = fields.List(Line(), load_default=list)


@blueprint.route("/tasks")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(TaskQuery, location="query")
@blueprint.response(200, answer_of(TaskPage))
def list_tasks(wanted: dict[str, Any]) -> TaskPage:
    """List what waits for any of my seats, the most urgent first."""
    return my_tasks(session(), actor(), now(), **wanted)


@blueprint.route("/tasks/<int:task_id>/claim", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.response(200, answer_of(Outcome))
def claim_task(task_id: int) -> tuple[Outcome, dict[str, str]]:
    """Claim a task of my seat (签收); somebody else's is a conflict that names who has it."""
    outcome = claim(house().cases, session(), actor(), task_id, at=now(), request_id=request_id())
    return outcome, headers(outcome)


@blueprint.route("/tasks/<int:task_id>/release", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.response(200, answer_of(Outcome))
def release_task(task_id: int) -> tuple[Outcome, dict[str, str]]:
    """Give a task that I claimed back to its seat (退签)."""
    outcome = release(house().cases, session(), actor(), task_id, at=now(), request_id=request_id())
    return outcome, headers(outcome)


@blueprint.route("/delegations")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(DelegationPage))
def list_delegations(wanted: dict[str, Any]) -> DelegationPage:
    """List who stands in for me and for whom I do, the newest first."""
    return delegations_of(session(), actor(), now(), codes=measure_codes(session()), **wanted)


@blueprint.route("/delegations", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewDelegation)
@blueprint.response(201, answer_of(DelegationView))
def add_delegation(wanted: dict[str, Any]) -> DelegationView:
    """Let another person act for me (代理): acts are recorded as theirs for me."""
    at, cases = now(), house().cases
    with transaction() as current:
        numbers = measure_ids(current, wanted.pop("measures"))
        wish = Wish(**wanted, measure_ids=numbers)
        made = delegate(current, actor(), wish, at=at, signer=cases.office.signer, ids=cases.ids)
        return delegation_of(current, made, at, codes=measure_codes(current))


@blueprint.route("/delegations/<public_id>/revoke", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(DelegationView))
def revoke_delegation(public_id: str) -> DelegationView:
    """End a delegation of mine, given or taken, now."""
    at, signer = now(), house().cases.office.signer
    with transaction() as current:
        found = revoke(current, actor(), public_id, at=at, signer=signer)
        return delegation_of(current, found, at, codes=measure_codes(current))
