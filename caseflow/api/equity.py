"""Routes of 拨投股: 股权台账, one project's equity, a conversion tried out, the pool's ledger."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, now, session
from caseflow.api.files import xlsx
from caseflow.api.parsing import LONGEST_LINE, Blueprint, Body, Day, Line, Number, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.cases.equity_pools import PoolPage, pools
from caseflow.cases.equity_register import (
    RegisterFilter,
    RegisterPage,
    register,
    whole_register,
)
from caseflow.cases.equity_sheet import register_sheet
from caseflow.cases.queries import find_case
from caseflow.funds.equity import queries
from caseflow.funds.equity.views import CaseEquity, PreviewView
from caseflow.funds.sheets import MEDIA_TYPE
from caseflow.kernel.equity.acts import MOST_PERCENT
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.workflow.payload import LONGEST_LIST, MOST_INTEGER

blueprint = Blueprint("equity", __name__, description="拨投股：协议、股权、退出与资金池")


def _fen() -> Number:
    return Number(required=True, validate=validate.Range(min=0, max=MOST_FEN))


def _shares() -> Number:
    return Number(required=True, validate=validate.Range(min=0, max=MOST_INTEGER))


class RegisterQuery(PageQuery):
    """Of which measure; only those not converted though their long-stop date is `due_by`."""

    measure = Line()
    due_by = Day()


class SheetQuery(Body):
    """The same, for the whole register as a file."""

    measure = Line()
    due_by = Day()


class PreviewBody(Body):
    """A round and an amount, as `register_conversion` takes them; a cap of the meeting's."""

    converted_fen = _fen()
    round_title = Line(load_default="测算")
    round_on = Day(required=True)
    pre_money_fen = _fen()
    raised_fen = _fen()
    shares_before = _shares()
    shares_issued = _shares()
    holders = fields.List(
        Line(longest=LONGEST_LINE), required=True, validate=validate.Length(1, LONGEST_LIST)
    )
    meeting_share_cap = Number(validate=validate.Range(min=1, max=MOST_PERCENT))
    meeting_may_be_largest = fields.Boolean(truthy={True}, falsy={False})


@blueprint.route("/equity")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(RegisterQuery, location="query")
@blueprint.response(200, answer_of(RegisterPage))
def list_equity(wanted: dict[str, Any]) -> RegisterPage:
    """List the projects with a sealed agreement that I may see (股权台账), the newest first."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return register(session(), actor(), RegisterFilter(**wanted), **page)


@blueprint.route("/equity/register.xlsx")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(SheetQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def download_register(wanted: dict[str, Any]) -> Response:
    """Send the whole 股权台账 that I may see as an XLSX file."""
    lines = whole_register(session(), actor(), RegisterFilter(**wanted))
    content = register_sheet(lines, wanted, by=actor().name, at=now())
    return xlsx(content, name="equity-register")


@blueprint.route("/equity/pool")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(PoolPage))
def list_pools(wanted: dict[str, Any]) -> PoolPage:
    """List the pools (资金池) of which I may see a case: what came in, went out, came back."""
    return pools(session(), actor(), after=wanted.get("after"), limit=wanted["limit"])


@blueprint.route("/cases/<public_id>/equity")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(CaseEquity))
def show_equity(public_id: str) -> CaseEquity:
    """Show one project's equity: terms, cap table, conversion, exit or loss, every flow."""
    case = find_case(session(), actor(), public_id)
    return queries.case_equity(session(), case.id)


@blueprint.route("/cases/<public_id>/equity/conversions/preview", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PreviewBody)
@blueprint.response(200, answer_of(PreviewView))
def preview_conversion(wanted: dict[str, Any], public_id: str) -> PreviewView:
    """Tell what an amount would convert into by the terms in force; nothing is kept."""
    case = find_case(session(), actor(), public_id)
    asked = {**wanted, "round_on": wanted["round_on"].isoformat()}
    return queries.preview(
        session(),
        case.id,
        asked,
        cap_percent=asked.get("meeting_share_cap"),
        may_be_largest=asked.get("meeting_may_be_largest"),
    )
