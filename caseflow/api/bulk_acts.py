"""Routes of bulk acts (批量办理): look before, ask, follow, take up what is left, give it up."""

from dataclasses import replace
from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.cases import KEY_HEADER
from caseflow.api.context import actor, house, now
from caseflow.api.files import xlsx
from caseflow.api.parsing import (
    MAX_PAGE,
    Blueprint,
    Body,
    Line,
    Number,
    PageQuery,
    QueryNumber,
    request_id,
)
from caseflow.api.rules import Rule, admits
from caseflow.batches.bulk import queries, service
from caseflow.batches.bulk.precheck import PreCheck, precheck
from caseflow.batches.bulk.queries import STATUSES, BulkPage, BulkView, ItemPage
from caseflow.batches.bulk.wanted import MOST_CASES, Wanted
from caseflow.cases.queries import CaseFilter
from caseflow.funds.sheets import MEDIA_TYPE

blueprint = Blueprint("bulk_acts", __name__, description="批量办理")

FILTERS: Final = tuple(CaseFilter.__dataclass_fields__)


class Filter(Body):
    """Which cases are meant; at least one condition. `outcome` may be `open`."""

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


class Asked(Body):
    """An event of the `cases` named, by public id or number, or of all that `filter` finds.

    `payload` is what all share, `values` what single cases have of their own, by their name.
    """

    event = Line(required=True)
    payload = fields.Dict(keys=fields.String(), load_default=dict)
    cases = fields.List(Line(), load_default=list, validate=validate.Length(max=MOST_CASES))
    filter = fields.Nested(Filter)
    values = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String()),
        load_default=dict,
    )


class Looked(Asked):
    """The same, with the page of the answer: behind line `after`, at most `limit` lines."""

    after = Number(load_default=0, validate=validate.Range(min=0))
    limit = Number(load_default=50, validate=validate.Range(min=1, max=MAX_PAGE))


class Resumed(Body):
    """Whether what was refused is to be tried again as well."""

    refused_too = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class ListQuery(PageQuery):
    """Which bulk acts are asked for."""

    status = Line(one_of=("running", "done", "cancelled"))


class ItemQuery(Body):
    """Which items are asked for, behind which line."""

    status = Line(one_of=STATUSES)
    after = QueryNumber(load_default=0)
    limit = QueryNumber(load_default=50, validate=validate.Range(min=1, max=MAX_PAGE))


class SheetQuery(Body):
    """Which items the file is to have."""

    status = Line(one_of=STATUSES)


def _wanted(body: dict[str, Any]) -> Wanted:
    wanted = Wanted(
        event=body["event"],
        payload=body["payload"],
        cases=tuple(body["cases"]),
        values=body["values"],
    )
    return replace(wanted, filter=CaseFilter(**body["filter"])) if "filter" in body else wanted


@blueprint.route("/bulk-acts/precheck", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Looked)
@blueprint.response(200, answer_of(PreCheck))
def look_before(body: dict[str, Any]) -> PreCheck:
    """Say case by case whether the act would be allowed now, and why not; nothing is changed."""
    page = {name: body[name] for name in ("after", "limit")}
    return precheck(house().cases, actor(), _wanted(body), now(), **page)


@blueprint.route("/bulk-acts", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(Asked)
@blueprint.response(202, answer_of(BulkView))
def ask(body: dict[str, Any]) -> BulkView:
    """Ask for an act on many cases; the worker carries it in sets, each case in my seat."""
    return service.ask(house().cases, actor(), _wanted(body), now(), request_id=request_id())


@blueprint.route("/bulk-acts")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, answer_of(BulkPage))
def list_bulk_acts(wanted: dict[str, Any]) -> BulkPage:
    """List my bulk acts, the newest first; the audit office sees all."""
    return queries.bulk_acts(house().cases, actor(), **wanted)


@blueprint.route("/bulk-acts/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(BulkView))
def show_bulk_act(public_id: str) -> BulkView:
    """Show how far a bulk act is."""
    return queries.bulk_act(house().cases, actor(), public_id)


@blueprint.route("/bulk-acts/<public_id>/items")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ItemQuery, location="query")
@blueprint.response(200, answer_of(ItemPage))
def list_items(wanted: dict[str, Any], public_id: str) -> ItemPage:
    """Show what became of each case: its event, or why not."""
    return queries.bulk_items(house().cases, actor(), public_id, **wanted)


@blueprint.route("/bulk-acts/<public_id>/results")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(SheetQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def send_results(wanted: dict[str, Any], public_id: str) -> Response:
    """Send what became of each case as an XLSX file."""
    content = queries.results_sheet(house().cases, actor(), public_id, now(), **wanted)
    return xlsx(content, name=f"bulk-{public_id}")


@blueprint.route("/bulk-acts/<public_id>/resume", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Resumed)
@blueprint.response(200, answer_of(BulkView))
def resume(body: dict[str, Any], public_id: str) -> BulkView:
    """Take up what was cancelled, on request also what was refused."""
    return service.resume(house().cases, actor(), public_id, now(), **body)


@blueprint.route("/bulk-acts/<public_id>/cancel", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(BulkView))
def cancel(public_id: str) -> BulkView:
    """Give up what is left; what is done stays done."""
    return service.cancel(house().cases, actor(), public_id, now())
