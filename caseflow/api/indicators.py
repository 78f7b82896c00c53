"""Routes of indicators (指标): how far a policy has come, and what its owners report of it."""

from typing import Any, BinaryIO, cast

from flask import Response, send_file
from flask_smorest.fields import Upload
from marshmallow import fields, validate
from werkzeug.datastructures import FileStorage

from caseflow.api.answers import answer_of
from caseflow.api.cases import KEY_HEADER
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.documents import TAKES_FILES
from caseflow.api.parsing import Blueprint, Body, Line, PageQuery, request_id
from caseflow.api.rules import Rule, admits
from caseflow.cases.indicators import (
    IndicatorDetail,
    PolicyProgress,
    indicator_detail,
    policy_progress,
)
from caseflow.catalogue.indicators.dues import DuePage, due_list
from caseflow.catalogue.indicators.queries import (
    ReportLine,
    ReportPage,
    evidence_of,
    owned_indicator,
    report_line,
    report_list,
)
from caseflow.catalogue.indicators.service import (
    Evidence,
    Given,
    Hand,
    confirm_report,
    report_indicator,
    reporting_owner,
)
from caseflow.deadlines.queries import load_calendar
from caseflow.documents.queries import stored_file
from caseflow.documents.service import receive_file

blueprint = Blueprint("indicators", __name__, description="指标：目标、报送与进展")

MOST_FILES = 20


class ReportQuery(PageQuery):
    """Which reports are asked for."""

    period = Line(longest=10)


class DueQuery(PageQuery):
    """Of which policy."""

    policy = Line()


class ReportForm(Body):
    """A cumulative value at the end of a period, with files that prove it.

    `corrects` is the report it takes the place of, and goes with a `reason`.
    """

    period = Line(required=True, longest=10)
    value = Line(required=True, longest=40)
    note = Line(longest=1000)
    corrects = Line()
    reason = Line(longest=1000)
    file = fields.List(Upload(), required=True, validate=validate.Length(min=1, max=MOST_FILES))


@blueprint.route("/policies/<code>/indicators")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(PolicyProgress))
def list_indicators(code: str) -> PolicyProgress:
    """Tell how far each indicator of a policy has come: confirmed values, targets, counted cases.

    Values are decimals as text, in the indicator's unit, cumulative.
    """
    return policy_progress(session(), code, now())


@blueprint.route("/policies/<code>/indicators/<indicator>")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(IndicatorDetail))
def show_indicator(code: str, indicator: str) -> IndicatorDetail:
    """Show an indicator with its words, how cases count for it, and its periods."""
    return indicator_detail(session(), code, indicator, now())


@blueprint.route("/policies/<code>/indicators/<indicator>/reports")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, answer_of(ReportPage))
def list_reports(wanted: dict[str, Any], code: str, indicator: str) -> ReportPage:
    """List the reports that I may see: confirmed ones, and all of the owners I sit in."""
    owned_indicator(session(), code, indicator)
    return report_list(session(), actor(), policy=code, indicator=indicator, **wanted)


@blueprint.route("/policies/<code>/indicators/<indicator>/reports", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ReportForm, location="files")
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.response(201, answer_of(ReportLine))
def report(form: dict[str, Any], code: str, indicator: str) -> ReportLine:
    """Report a value with its proof as an owner's handler; a second person confirms it.

    The same Idempotency-Key again answers the first report.
    """
    reporting_owner(owned_indicator(session(), code, indicator), actor(), now())
    evidence = tuple(map(_received, form.pop("file")))
    given = Given(policy=code, indicator=indicator, evidence=evidence, **form)
    with transaction() as current:
        calendar = load_calendar(current)
        row = report_indicator(current, given, _hand(), ids=house().cases.ids, calendar=calendar)
        return report_line(current, row)


setattr(report, TAKES_FILES, True)


@blueprint.route("/indicator-reports/<public_id>/confirmation", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.response(200, answer_of(ReportLine))
def confirm(public_id: str) -> ReportLine:
    """Confirm a report as a second person of the owner, or of the bureau that leads the policy."""
    with transaction() as current:
        return report_line(current, confirm_report(current, public_id, _hand()))


@blueprint.route("/indicator-reports/<public_id>/evidence/<sha256>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
def download_evidence(public_id: str, sha256: str) -> Response:
    """Send a file that proves a report, for its owners, the leading bureau and auditors."""
    found = evidence_of(session(), actor(), public_id, sha256)
    return send_file(
        stored_file(house().settings.files, found.sha256, size=found.size, name=found.name),
        mimetype=found.media_type,
        as_attachment=True,
        download_name=found.name,
        conditional=False,
        etag=found.sha256,
    )


@blueprint.route("/indicator-dues")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(DueQuery, location="query")
@blueprint.response(200, answer_of(DuePage))
def list_dues(wanted: dict[str, Any]) -> DuePage:
    """List what my organisations are to report or to confirm; auditors see what all are."""
    return due_list(session(), actor(), **wanted)


def _received(file: FileStorage) -> Evidence:
    settings, stream = house().settings, cast("BinaryIO", file.stream)
    name, limit = file.filename or "", settings.upload_limit
    found = receive_file(settings.files, stream, name=name, limit=limit)
    return Evidence(found.stored.sha256, found.name, found.media_type, found.stored.size)


def _hand() -> Hand:
    return Hand(actor(), now(), house().cases.office.signer, request_id())
