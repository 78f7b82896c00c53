"""Routes of cases (办件): list, open, show, act, history."""

from dataclasses import dataclass
from typing import Any, Final

from flask import url_for
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session
from caseflow.api.parsing import (
    IDEMPOTENCY_KEY,
    MAX_PAGE,
    Blueprint,
    Body,
    Day,
    Line,
    PageQuery,
    QueryNumber,
    entity_tag,
    expected_version,
    request_id,
)
from caseflow.api.rules import Rule, admits
from caseflow.cases.detail import CaseCaps, CaseDetail, case_caps, case_detail
from caseflow.cases.opening import Opening
from caseflow.cases.opening import open_case as begin_case
from caseflow.cases.queries import (
    SORTS,
    CaseFilter,
    CasePage,
    case_list,
    find_judged_case,
)
from caseflow.cases.service import Outcome, Request
from caseflow.cases.trail import EventView, case_history
from caseflow.kernel.errors import InvalidInput

blueprint = Blueprint("cases", __name__, description="办件与办理")

ELSEWHERE: Final = {
    "publicise": "列入公示须由 POST /api/v1/publicities 办理：公示期由系统计算",
    "replace_expert": "补抽专家须由 POST /api/v1/cases/<public_id>/panel/replacements 随机抽取",
    "offset_payment": "抵扣须由 POST /api/v1/cases/<public_id>/offsets 办理：两件一并登记",
    "record_offset": "抵扣须由 POST /api/v1/cases/<public_id>/offsets 办理：两件一并登记",
}
"""Events that are not asked for on the case: what they carry is not the actor's to choose."""
KEY_HEADER: Final = {
    "in": "header",
    "name": IDEMPOTENCY_KEY,
    "schema": {"type": "string", "maxLength": 128},
    "description": "同一请求号重复发送只办理一次，返回首次的结果",
}
MATCH_HEADER: Final = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": '所见办件的 ETag（如 "12"）；办件已有新版本时拒绝（412）',
}


@dataclass(frozen=True)
class History:
    """Events, oldest first; `next` is given back as `after`."""

    items: tuple[EventView, ...]
    next: int | None


class CaseQuery(PageQuery):
    """Which cases are asked for, and in which order; `outcome` may be `open`."""

    measure = Line()
    family = Line()
    policy = Line()
    state = Line()
    outcome = Line()
    applicant = Line()
    territory = Line()
    parent = Line()
    call = Line()
    text = Line()
    sort = Line(load_default="newest", one_of=SORTS)


class NumberedQuery(Body):
    """Where a page of numbered things begins and how long it is."""

    after = QueryNumber()
    limit = QueryNumber(load_default=50, validate=validate.Range(min=1, max=MAX_PAGE))


class NewCase(Body):
    """A case to be opened: `call` where applicants open cases, `matter_on` the matter's day."""

    measure = Line(required=True)
    applicant = Line(required=True)
    title = Line(required=True)
    call = Line()
    industry = Line()
    matter_on = Day()


class Acting(Body):
    """An event and what it takes; the case's `events` say which and what."""

    event = Line(required=True)
    payload = fields.Dict(keys=fields.String(), load_default=dict)


@blueprint.route("/cases")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(CaseQuery, location="query")
@blueprint.response(200, answer_of(CasePage))
def list_cases(wanted: dict[str, Any]) -> CasePage:
    """List the cases that I may see."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit", "sort")}
    return case_list(session(), actor(), CaseFilter(**wanted), **page)


@blueprint.route("/cases", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(NewCase)
@blueprint.response(201, answer_of(Outcome))
def open_case(wanted: dict[str, Any]) -> tuple[Outcome, dict[str, str]]:
    """Open a case in its first state: an applicant's draft, or what a bureau begins itself."""
    outcome = begin_case(
        house().cases,
        Opening(**wanted, actor_id=actor().id, at=now(), request_id=request_id()),
    )
    return outcome, headers(outcome)


@blueprint.route("/cases/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(CaseDetail))
def show_case(public_id: str) -> tuple[CaseDetail, dict[str, str]]:
    """Show a case: where it stands, its clocks, who has not answered, and what I may do."""
    pinned = house().cases.pinned
    found = case_detail(session(), actor(), public_id, now(), pinned=pinned)
    return found, {"ETag": entity_tag(found.case.version)}


@blueprint.route("/cases/<public_id>/caps")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(CaseCaps))
def show_caps(public_id: str) -> CaseCaps:
    """Show what each ceiling of a case leaves it, in the order in which they apply."""
    return case_caps(session(), actor(), public_id, now(), pinned=house().cases.pinned)


@blueprint.route("/cases/<public_id>/events", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER, MATCH_HEADER])
@blueprint.arguments(Acting)
@blueprint.response(200, answer_of(Outcome))
def act(wanted: dict[str, Any], public_id: str) -> tuple[Outcome, dict[str, str]]:
    """Let an event happen to a case, in my seat."""
    event = wanted["event"]
    if event in ELSEWHERE:
        raise InvalidInput(f"{ELSEWHERE[event]}。", fields={"event": ELSEWHERE[event]})
    case = find_judged_case(session(), actor(), public_id)
    outcome = house().cases.act(
        case.public_id,
        Request(
            event,
            actor().id,
            now(),
            wanted["payload"],
            expected_version=expected_version(),
            id=request_id(),
        ),
    )
    return outcome, headers(outcome)


@blueprint.route("/cases/<public_id>/events")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NumberedQuery, location="query")
@blueprint.response(200, answer_of(History))
def show_history(wanted: dict[str, Any], public_id: str) -> History:
    """Show what happened to a case, oldest first."""
    size = wanted["limit"]
    found = case_history(
        session(),
        actor(),
        public_id,
        pinned=house().cases.pinned,
        after=wanted.get("after", 0),
        limit=size + 1,
    )
    items = tuple(found[:size])
    return History(items, items[-1].version if len(found) > size else None)


def headers(outcome: Outcome) -> dict[str, str]:
    """Return the headers that say where the case is and at which version."""
    location = url_for("cases.show_case", public_id=outcome.case)
    return {"ETag": entity_tag(outcome.version), "Location": location}
