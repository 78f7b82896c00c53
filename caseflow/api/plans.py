"""Routes of a batch's plan (拟支持方案), its publicity, and the districts' summary sheets."""

from dataclasses import dataclass
from typing import Any

from flask import Response
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session
from caseflow.api.files import xlsx
from caseflow.api.parsing import Blueprint, Body, Line, Number, Prose
from caseflow.api.publicities import PublicityView
from caseflow.api.rules import Rule, admits
from caseflow.batches.plans import service
from caseflow.batches.plans.drafting import Drafting, draft_plan
from caseflow.batches.plans.models import KINDS, RESULTS, WHOLE
from caseflow.batches.plans.proposing import Proposal, Wish, propose
from caseflow.batches.plans.queries import (
    PlanHead,
    PlanView,
    call_of,
    find_plan,
    plan_heads,
    plan_view,
)
from caseflow.batches.plans.service import Announcing
from caseflow.batches.publicity import MOST_CASES, MOST_WORKING_DAYS
from caseflow.batches.published_list import Contact
from caseflow.batches.short_pools import refuse_strangers
from caseflow.batches.summaries.service import SummaryView, send_sheet, sheet_file, sheets
from caseflow.catalogue.calls.queries import find
from caseflow.funds.sheets import MEDIA_TYPE
from caseflow.kernel.cuts import CUT_CODES
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.workflow.vocabulary import REASON_CODES

blueprint = Blueprint("plans", __name__, description="批次方案、公示与申报汇总表")


@dataclass(frozen=True)
class Plans:
    """The versions of a call's plan, the newest first."""

    items: tuple[PlanHead, ...]


@dataclass(frozen=True)
class SummarySheets:
    """The summary sheets of a call that I may see, the newest first."""

    items: tuple[SummaryView, ...]


class NewLine(Body):
    """What a case gets; `fen` with support alone, `reason_code` where it is not supported.

    `cut_code` and `reason` where it gets less than was wanted and no rule makes just this sum.
    """

    case = Line(required=True)
    result = Line(required=True, one_of=RESULTS)
    fen = Number(validate=validate.Range(min=0, max=MOST_FEN))
    reason = Prose()
    reason_code = Line(one_of=REASON_CODES)
    cut_code = Line(one_of=tuple(CUT_CODES))


class NewPlan(Body):
    """A plan to be drafted; without lines as the proposal has it. A change says its reason."""

    kind = Line(load_default=WHOLE, one_of=KINDS)
    reason = Prose()
    lines = fields.List(fields.Nested(NewLine), validate=validate.Length(min=1, max=MOST_CASES))


class Approval(Body):
    """The minutes (会议纪要) of the meeting that agreed."""

    minutes_no = Line(required=True)


class Returning(Body):
    """Why a plan is to be drafted anew."""

    reason = Prose(required=True)


class PlanPublicity(Body):
    """How a plan is made public; without `working_days` for as long as the call says."""

    title = Line(required=True)
    basis = Line(required=True)
    unit = Line()
    phone = Line(required=True)
    email = Line(required=True)
    address = Line(required=True)
    working_days = Number(validate=validate.Range(min=1, max=MOST_WORKING_DAYS))


class NewSheet(Body):
    """The number (文号) under which a sheet is stamped and sent."""

    document_no = Line(required=True)


@blueprint.route("/calls/<public_id>/proposal")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Proposal))
def show_proposal(public_id: str) -> Proposal:
    """Show the plan that ranks, places and pool give: for the lead bureau, 财政 and 审计."""
    call = find(session(), public_id)
    refuse_strangers(session(), actor(), call)
    return propose(house().cases, session(), call, now())


@blueprint.route("/calls/<public_id>/plans")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Plans))
def list_plans(public_id: str) -> Plans:
    """List the versions of a call's plan: for its lead bureau, 财政 and 审计."""
    call = find(session(), public_id)
    refuse_strangers(session(), actor(), call)
    return Plans(plan_heads(session(), call))


@blueprint.route("/calls/<public_id>/plans", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewPlan)
@blueprint.response(201, answer_of(PlanView))
def draft_a_plan(wanted: dict[str, Any], public_id: str) -> PlanView:
    """Draft a plan, or another in the place of one that is public: the handler may."""
    lines = wanted.get("lines")
    drafting = Drafting(
        call=public_id,
        lines=None if lines is None else tuple(Wish(**line) for line in lines),
        kind=wanted["kind"],
        reason=wanted.get("reason"),
    )
    return draft_plan(house().cases, actor(), drafting, now())


@blueprint.route("/plans/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(PlanView))
def show_plan(public_id: str) -> PlanView:
    """Show a plan with every line, cut and reason: for the lead bureau, 财政 and 审计."""
    plan = find_plan(session(), public_id)
    refuse_strangers(session(), actor(), call_of(session(), plan))
    return plan_view(session(), plan)


@blueprint.route("/plans/<public_id>/review", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(PlanView))
def review_plan(public_id: str) -> PlanView:
    """Confirm a plan as the second person, with all its cases: the reviewer may."""
    return service.review_plan(house().cases, actor(), public_id, now())


@blueprint.route("/plans/<public_id>/approval", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Approval)
@blueprint.response(200, answer_of(PlanView))
def approve_plan(wanted: dict[str, Any], public_id: str) -> PlanView:
    """Approve a plan with the minutes of the meeting: the leader may."""
    minutes_no = wanted["minutes_no"]
    return service.approve_plan(house().cases, actor(), public_id, minutes_no=minutes_no, at=now())


@blueprint.route("/plans/<public_id>/return", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Returning)
@blueprint.response(200, answer_of(PlanView))
def return_plan(wanted: dict[str, Any], public_id: str) -> PlanView:
    """Return a plan to be drafted anew: the reviewer a draft, the leader what is reviewed."""
    reason = wanted["reason"]
    return service.return_plan(house().cases, actor(), public_id, reason=reason, at=now())


@blueprint.route("/plans/<public_id>/publicity", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PlanPublicity)
@blueprint.response(201, answer_of(PublicityView))
def publicise_plan(wanted: dict[str, Any], public_id: str) -> PublicityView:
    """Make an approved plan public, all of it in one publicity: the handler may."""
    said = Announcing(
        title=wanted["title"],
        basis=wanted["basis"],
        contact=Contact(**{name: wanted.get(name, "") for name in Contact.__dataclass_fields__}),
        working_days=wanted.get("working_days"),
    )
    opened = service.publicise_plan(house().cases, actor(), public_id, said, now())
    names = PublicityView.__dataclass_fields__
    return PublicityView(**{name: getattr(opened, name) for name in names})


@blueprint.route("/calls/<public_id>/summary-sheets")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(SummarySheets))
def list_sheets(public_id: str) -> SummarySheets:
    """List the summary sheets (申报汇总表) of a call that I may see."""
    return SummarySheets(sheets(session(), actor(), public_id))


@blueprint.route("/calls/<public_id>/summary-sheets", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewSheet)
@blueprint.response(201, answer_of(SummaryView))
def send_a_sheet(wanted: dict[str, Any], public_id: str) -> SummaryView:
    """Freeze what my town or park has recommended of a call and send it: its handler may."""
    number = wanted["document_no"]
    return send_sheet(house().cases, actor(), public_id, document_no=number, at=now())


@blueprint.route("/summary-sheets/<public_id>/file")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def show_sheet_file(public_id: str) -> Response:
    """Send a summary sheet as XLSX, exactly as it was sent."""
    content = sheet_file(house().cases, session(), actor(), public_id)
    return xlsx(content, name="summary-sheet")
