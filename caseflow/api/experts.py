"""Routes of experts: the pool, draws, sheets of a case and a call, the ranking, 递补."""

from dataclasses import dataclass
from typing import Any

from flask import Response
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.files import xlsx
from caseflow.api.parsing import Blueprint, Body, Day, Line, Number, PageQuery, Prose
from caseflow.api.rules import Rule, admits
from caseflow.batches.rankings import (
    CallTerms,
    Ranking,
    apply_ranking,
    preview_ranking,
    promote_next,
    set_terms,
)
from caseflow.cases.experts.draws import (
    GROUNDS,
    REPLACED,
    DrawView,
    Leaving,
    PanelOrder,
    draw_call,
    draw_panel,
    replace_expert,
)
from caseflow.cases.experts.results import (
    DrawPage,
    ReviewPage,
    ReviewView,
    call_reviews,
    case_draws,
    case_review,
    find_call,
    review_page,
    summary_sheet,
)
from caseflow.cases.service import Outcome
from caseflow.funds.sheets import MEDIA_TYPE
from caseflow.kernel.scoring import LEAST_OPINION, MOST_CRITERIA, Terms, criteria_of
from caseflow.reviews.experts.queries import (
    EVERY_STAGE,
    ExpertPage,
    ExpertView,
    expert_list,
    expert_view,
)
from caseflow.reviews.experts.service import MOST, Profile, add_expert, declare_recusal

blueprint = Blueprint("experts", __name__, description="专家：专家库、抽取、评分、排序、递补")
MOST_SEATS = 101
MOST_CASES = 200
MOST_OPINION = 2000


def _lines() -> Any:
    return fields.List(Line(), load_default=list, validate=validate.Length(max=MOST))


class NewExpert(Body):
    """A person of the pool, and what is known of them; a second time it is put right."""

    login = Line(required=True)
    fields_ = fields.List(
        Line(), load_default=list, validate=validate.Length(max=MOST), data_key="fields"
    )
    employer = Line(required=True)
    employer_uscc = Line()
    holdings = _lines()
    active_from = Day()
    active_to = Day()


class NewRecusal(Body):
    """From judging whom I withdraw, by public id, and why."""

    applicant = Line(required=True)
    reason = Prose(required=True)


class NewPanel(Body):
    """How many experts, of which field; the least that the workflow takes where not said."""

    document_no = Line(required=True)
    size = Number(validate=validate.Range(min=1, max=MOST_SEATS))
    field = Line()
    note = Prose()


class NewCallPanel(NewPanel):
    """The same for a call: the stage that waits, if several do; only some cases (分组)."""

    stage = Line()
    cases = fields.List(Line(), load_default=list, validate=validate.Length(max=MOST_CASES))


class NewMember(Body):
    """Why a place is filled anew, and who leaves it first, replaced or absent, if anybody does."""

    reason = Prose(required=True)
    expert = Line()
    ground = fields.String(load_default=REPLACED, validate=validate.OneOf(GROUNDS))


class CriterionBody(Body):
    """One line of the score sheet; the weights add up to 100."""

    code = Line(required=True)
    title = Line(required=True)
    weight = Number(required=True)


class NewTerms(Body):
    """How the cases of a call are scored and ranked; `tie_rule` are codes, the first decides.

    `stage`: said of one stage alone, e.g. of the defence.
    """

    criteria = fields.List(
        fields.Nested(CriterionBody), required=True, validate=validate.Length(1, MOST_CRITERIA)
    )
    trimmed = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    least_opinion = Number(
        load_default=LEAST_OPINION, validate=validate.Range(min=1, max=MOST_OPINION)
    )
    tie_rule = _lines()
    quota = Number()
    stage = Line()


class StageQuery(Body):
    """The stage whose panel is meant; the newest where not said."""

    stage = Line()


class ReviewQuery(PageQuery):
    """The same, a page of it."""

    stage = Line()


class NewPromotion(Body):
    """Why a place became free, and the minutes of the meeting that fills it."""

    reason = Prose(required=True)
    minutes_no = Line(required=True)


@dataclass(frozen=True)
class RecusalView:
    """A recusal as it was declared."""

    applicant: str
    reason: str


@dataclass(frozen=True)
class ReviewTermsView:
    """The terms of a call's review as they were set."""

    call: str
    stage: str
    criteria: tuple[str, ...]
    tie_rule: tuple[str, ...]
    quota: int | None


@blueprint.route("/experts")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(ExpertPage))
def list_experts(wanted: dict[str, Any]) -> ExpertPage:
    """List the experts of my city's pool; an expert sees only themselves."""
    return expert_list(session(), actor(), after=wanted.get("after"), limit=wanted["limit"])


@blueprint.route("/experts", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewExpert)
@blueprint.response(201, answer_of(ExpertView))
def enrol(wanted: dict[str, Any]) -> ExpertView:
    """Add a person of the pool as an expert, or put right what is known of one."""
    login, known = wanted.pop("login"), wanted.pop("fields_")
    with transaction() as current:
        profile, signer = Profile(fields=known, **wanted), house().cases.office.signer
        made = add_expert(current, actor(), login, profile, at=now(), signer=signer)
        return expert_view(current, made.person_id)


@blueprint.route("/experts/recusals", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewRecusal)
@blueprint.response(201, answer_of(RecusalView))
def recuse(wanted: dict[str, Any]) -> RecusalView:
    """Declare, as an expert, that I do not judge an applicant."""
    with transaction() as current:
        signer = house().cases.office.signer
        made = declare_recusal(current, actor(), **wanted, at=now(), signer=signer)
        return RecusalView(wanted["applicant"], made.reason)


@blueprint.route("/cases/<public_id>/panel", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewPanel)
@blueprint.response(201, answer_of(DrawView))
def draw_for_case(wanted: dict[str, Any], public_id: str) -> DrawView:
    """Draw the panel of a case by lot and let its review begin."""
    return draw_panel(house().cases, actor(), public_id, PanelOrder(**wanted), at=now())


@blueprint.route("/cases/<public_id>/panel")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(DrawPage))
def show_draws(public_id: str) -> DrawPage:
    """Show the draws of a case as recorded: seed, pool with reasons, panel."""
    return case_draws(session(), actor(), public_id)


@blueprint.route("/cases/<public_id>/panel/replacements", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewMember)
@blueprint.response(201, answer_of(DrawView))
def draw_again(wanted: dict[str, Any], public_id: str) -> DrawView:
    """Fill the vacant places of a panel by another draw."""
    leaving = Leaving(wanted.get("expert"), wanted["ground"])
    reason = wanted["reason"]
    return replace_expert(house().cases, actor(), public_id, reason, at=now(), leaving=leaving)


@blueprint.route("/cases/<public_id>/review")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(StageQuery, location="query")
@blueprint.response(200, answer_of(ReviewView))
def show_review(wanted: dict[str, Any], public_id: str) -> ReviewView:
    """Show the sheets and opinions of a case (评审意见表) to its lead bureau."""
    return case_review(session(), actor(), public_id, **wanted)


@blueprint.route("/calls/<public_id>/review-terms", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewTerms)
@blueprint.response(201, answer_of(ReviewTermsView))
def say_terms(wanted: dict[str, Any], public_id: str) -> ReviewTermsView:
    """Say how a call's cases are scored and ranked, before its first panel is drawn."""
    criteria = criteria_of(wanted["criteria"])
    terms = Terms(criteria, trimmed=wanted["trimmed"], least_opinion=wanted["least_opinion"])
    stage = wanted.get("stage", EVERY_STAGE)
    said = CallTerms(terms, tuple(wanted["tie_rule"]), wanted.get("quota"), stage)
    set_terms(house().cases, actor(), public_id, said, at=now())
    codes = tuple(each.code for each in criteria)
    return ReviewTermsView(public_id, said.stage, codes, said.tie_rule, said.quota)


@blueprint.route("/calls/<public_id>/panel", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewCallPanel)
@blueprint.response(201, answer_of(DrawView))
def draw_for_call(wanted: dict[str, Any], public_id: str) -> DrawView:
    """Draw one panel for the cases of a call that wait for one, for all or some of them."""
    return draw_call(house().cases, actor(), public_id, PanelOrder(**wanted), at=now())


@blueprint.route("/calls/<public_id>/reviews")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ReviewQuery, location="query")
@blueprint.response(200, answer_of(ReviewPage))
def list_reviews(wanted: dict[str, Any], public_id: str) -> ReviewPage:
    """List the reviews of a call (专家评审汇总表), by case number."""
    return review_page(session(), actor(), public_id, **wanted)


@blueprint.route("/calls/<public_id>/reviews.xlsx")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(StageQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def download_reviews(wanted: dict[str, Any], public_id: str) -> Response:
    """Send the 专家评审汇总表 and the 评审意见表 of a call as an XLSX file."""
    title = find_call(session(), actor(), public_id).title
    reviews = call_reviews(session(), actor(), public_id, **wanted)
    return xlsx(summary_sheet(reviews, actor(), title, now()), name="expert-reviews")


@blueprint.route("/calls/<public_id>/ranking")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Ranking))
def show_ranking(public_id: str) -> Ranking:
    """Show who would be ranked where and why; nothing is kept."""
    return preview_ranking(house().cases, actor(), public_id, now())


@blueprint.route("/calls/<public_id>/ranking", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Ranking))
def record_ranking(public_id: str) -> Ranking:
    """Record the ranking of a call; asked again, what is recorded stays."""
    return apply_ranking(house().cases, actor(), public_id, now())


@blueprint.route("/calls/<public_id>/promotions", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewPromotion)
@blueprint.response(201, answer_of(Outcome))
def promote(wanted: dict[str, Any], public_id: str) -> Outcome:
    """Let the first of the waitlist take a free place (递补), to be publicised on its own."""
    return promote_next(house().cases, actor(), public_id, **wanted, at=now())
