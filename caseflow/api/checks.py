"""Routes of checks (核查): a case's, asking sources for one case or a call, lists sent in."""

from dataclasses import dataclass
from typing import Any

from flask import Response, send_file
from flask_smorest.fields import Upload
from marshmallow import fields, validate
from werkzeug.datastructures import FileStorage

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session
from caseflow.api.documents import TAKES_FILES, receive
from caseflow.api.parsing import Blueprint, Body, Instant, Line, PageQuery, Prose
from caseflow.api.rules import Rule, admits
from caseflow.batches.checks import (
    CallChecked,
    CheckImport,
    CheckList,
    check_call,
    import_checks,
)
from caseflow.cases.checks.queries import CaseChecks, case_checks, evidence_of
from caseflow.cases.checks.service import Checking, CheckLine, record_by_hand, run_checks
from caseflow.kernel.checks import KINDS, POINTS, RESULTS
from caseflow.kernel.errors import InvalidInput, TooLarge
from caseflow.reviews.checks.service import Finding

blueprint = Blueprint("checks", __name__, description="核查")


@dataclass(frozen=True)
class Checked:
    """What became of each kind that was to be checked."""

    lines: tuple[CheckLine, ...]


class CheckForm(Body):
    """What somebody found out elsewhere, with the paper that says so."""

    kind = Line(required=True, one_of=tuple(KINDS))
    result = Line(required=True, one_of=tuple(RESULTS))
    source = Line(required=True, longest=200)
    queried_at = Instant(load_default=None)
    point = Line(load_default=None, one_of=tuple(POINTS))
    note = Prose(load_default=None)
    file = Upload(required=True)


class Running(Body):
    """What is to be checked; without `kinds` all that the measure asks for at `point`."""

    point = Line(load_default=None, one_of=tuple(POINTS))
    kinds = fields.List(Line(one_of=tuple(KINDS)), load_default=None, validate=validate.Length(1))
    again = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class CheckListForm(Body):
    """A list (XLSX or CSV) from a source that sends files; `mode` `try` keeps nothing."""

    source = Line(required=True, longest=80)
    mode = Line(load_default="import", one_of=("import", "try"))
    file = Upload(required=True)


@blueprint.route("/cases/<public_id>/checks")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(CaseChecks))
def list_checks(wanted: dict[str, Any], public_id: str) -> CaseChecks:
    """List a case's checks with their validity, and how it stands at each point."""
    pinned = house().cases.pinned
    page = {"after": wanted.get("after"), "limit": wanted["limit"]}
    return case_checks(session(), actor(), public_id, now(), pinned=pinned, **page)


@blueprint.route("/cases/<public_id>/checks", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(CheckForm, location="files")
@blueprint.response(201, answer_of(CheckLine))
def record(form: dict[str, Any], public_id: str) -> CheckLine:
    """Record a check by hand, with its evidence; a veto holds up the applicant's live cases."""
    at = now()
    finding = Finding(
        form["kind"], form["result"], form["source"], form["queried_at"] or at, form["note"] or ""
    )
    return record_by_hand(
        house().cases,
        actor(),
        public_id,
        finding,
        lambda: receive(form["file"]),
        at=at,
        point=form["point"],
    )


setattr(record, TAKES_FILES, True)


@blueprint.route("/cases/<public_id>/checks/runs", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Running)
@blueprint.response(200, answer_of(Checked))
def run(wanted: dict[str, Any], public_id: str) -> Checked:
    """Ask the city's sources, and this house's own records; what is not answered has not passed."""
    return Checked(run_checks(house().cases, actor(), public_id, _checking(wanted), at=now()))


@blueprint.route("/cases/<public_id>/checks/<check>/evidence")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
def evidence(public_id: str, check: str) -> Response:
    """Send the snapshot of a check, always to be saved and never to be shown by the browser."""
    files = house().settings.files
    found, path = evidence_of(session(), actor(), public_id, check, files=files)
    return send_file(
        path,
        mimetype=found.media_type,
        as_attachment=True,
        download_name=found.file_name,
        conditional=False,
        etag=found.sha256,
    )


@blueprint.route("/calls/<public_id>/checks", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Running)
@blueprint.response(200, answer_of(CallChecked))
def run_call(wanted: dict[str, Any], public_id: str) -> CallChecked:
    """Check every open case of a call that I may see, each alone; what was answered today stays."""
    return check_call(house().cases, actor(), public_id, _checking(wanted), at=now())


@blueprint.route("/checks/imports", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(CheckListForm, location="files")
@blueprint.response(200, answer_of(CheckImport))
def import_list(form: dict[str, Any]) -> CheckImport:
    """Take in a list of findings: every row alone, the same row once; the file is the evidence."""
    name, content = table_of(form["file"])
    told = CheckList(form["source"], name, content, dry_run=form["mode"] == "try")
    return import_checks(house().cases, actor(), told, at=now())


setattr(import_list, TAKES_FILES, True)


def table_of(file: FileStorage) -> tuple[str, bytes]:
    """Return the name and the content of an uploaded table.

    Raises:
        InvalidInput: neither XLSX nor CSV. TooLarge: above the house's limit.
    """
    name, limit = file.filename or "", house().settings.upload_limit
    if not name.lower().endswith((".xlsx", ".csv")):
        raise InvalidInput("请上传 .xlsx 或 .csv 文件。", fields={"file": ".xlsx 或 .csv"})
    content = file.stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"文件超过 {limit} 字节。")
    return name, content


def _checking(wanted: dict[str, Any]) -> Checking:
    kinds = wanted["kinds"]
    return Checking(wanted["point"], None if kinds is None else tuple(kinds), wanted["again"])
