"""Routes of the service ledger of experts (专家履职台账): lines, totals, the whole as a file."""

from typing import Any

from flask import Response

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, now, session
from caseflow.api.files import xlsx
from caseflow.api.parsing import Blueprint, Body, Day, Line, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.cases.experts.engagement_sheet import service_sheet
from caseflow.cases.experts.engagements import (
    EngagementFilter,
    EngagementPage,
    Look,
    ServicePage,
    engagement_list,
    service_totals,
)
from caseflow.funds.sheets import MEDIA_TYPE

blueprint = Blueprint("expert_service", __name__, description="专家履职台账")


class LedgerQuery(Body):
    """Of which expert, of which lead bureau (code or public id), drawn from when to when."""

    expert = Line()
    bureau = Line()
    since = Day()
    until = Day()


class LedgerPageQuery(PageQuery):
    """The same, a page of it."""

    expert = Line()
    bureau = Line()
    since = Day()
    until = Day()


def _look() -> Look:
    return Look(session(), actor(), now())


@blueprint.route("/experts/service")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(LedgerPageQuery, location="query")
@blueprint.response(200, answer_of(EngagementPage))
def list_engagements(wanted: dict[str, Any]) -> EngagementPage:
    """List what the experts of my city's pool were drawn for and did, the latest draw first."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return engagement_list(_look(), EngagementFilter(**wanted), **page)


@blueprint.route("/experts/service/totals")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(LedgerPageQuery, location="query")
@blueprint.response(200, answer_of(ServicePage))
def list_totals(wanted: dict[str, Any]) -> ServicePage:
    """List the experts of my city's pool, each with what their engagements come to."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return service_totals(_look(), EngagementFilter(**wanted), **page)


@blueprint.route("/experts/service.xlsx")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(LedgerQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def download_ledger(wanted: dict[str, Any]) -> Response:
    """Send the whole 专家履职台账 that I may see as an XLSX file."""
    return xlsx(service_sheet(_look(), EngagementFilter(**wanted)), name="expert-service")
