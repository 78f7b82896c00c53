"""Routes of a policy's changes: suspending, resuming, repealing, replacing, and whom they touch."""

from typing import Any

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session
from caseflow.api.parsing import Blueprint, Body, Line, PageQuery, Prose
from caseflow.api.rules import Rule, admits
from caseflow.batches.changes.queries import (
    ChangeLine,
    ChangePage,
    ImpactLine,
    ImpactPage,
    change_line,
    change_list,
    impact_line,
    impact_list,
)
from caseflow.batches.changes.service import ROADS, Decision, Wanted, change_policy, decide
from caseflow.kernel.policy_changes import DECISIONS, STATES

blueprint = Blueprint("changes", __name__, description="政策调整：暂停、恢复、废止、替代、影响清单")
LONGEST = 1000


class NewChange(Body):
    """What happens to a policy, why, by which document; `replaced_by` is another policy."""

    kind = Line(required=True, one_of=tuple(ROADS))
    reason = Line(required=True, longest=LONGEST)
    document_no = Line(required=True, longest=100)
    replaced_by = Line()


class ImpactQuery(PageQuery):
    """Which cases of an impact list are asked for."""

    status = Line(one_of=STATES)


class NewDecision(Body):
    """What becomes of a case and why; to terminate takes what the event that ends it takes."""

    decision = Line(required=True, one_of=DECISIONS)
    reason = Line(required=True, longest=LONGEST)
    reason_code = Line()
    remedy = Prose()
    document_no = Line()


@blueprint.route("/policies/<code>/changes")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(ChangePage))
def list_changes(wanted: dict[str, Any], code: str) -> ChangePage:
    """List what happened to a policy since it was issued, with how far the deciding is."""
    return change_list(session(), actor(), policy=code, **wanted)


@blueprint.route("/policies/<code>/changes", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewChange)
@blueprint.response(201, answer_of(ChangeLine))
def make_change(wanted: dict[str, Any], code: str) -> ChangeLine:
    """Suspend, resume, repeal or replace a policy as the government's office."""
    public_id = change_policy(house().cases, actor(), Wanted(policy=code, **wanted), now())
    return change_line(session(), actor(), public_id)


@blueprint.route("/changes/<public_id>/impacts")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ImpactQuery, location="query")
@blueprint.response(200, answer_of(ImpactPage))
def list_impacts(wanted: dict[str, Any], public_id: str) -> ImpactPage:
    """List the cases that were not approved when the policy changed, and what was decided."""
    return impact_list(session(), actor(), public_id, **wanted)


@blueprint.route("/changes/<public_id>/impacts/<case>/decision", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewDecision)
@blueprint.response(200, answer_of(ImpactLine))
def decide_impact(wanted: dict[str, Any], public_id: str, case: str) -> ImpactLine:
    """Decide on one case as a head of the lead bureau: keep, re-evaluate, terminate; once."""
    decision = Decision(wanted.pop("decision"), wanted.pop("reason"), wanted)
    decide(house().cases, actor(), public_id, case, decision, now())
    return impact_line(session(), actor(), public_id, case)
