"""Routes of lists of titles (称号名单，免申即享), and of who follows whom (承继)."""

from typing import Any, Final

from flask_smorest.fields import Upload

from caseflow.api.answers import answer_of
from caseflow.api.cases import NumberedQuery
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.documents import TAKES_FILES
from caseflow.api.parsing import Blueprint, Body, Day, Line, PageQuery, Prose
from caseflow.api.rules import Rule, admits
from caseflow.batches.title_import import ImportReport, ListSource, import_titles
from caseflow.batches.title_matching import Matching, match_titles
from caseflow.batches.title_revocation import Corrected, Revocation, Revoked, correct, revoke
from caseflow.catalogue.titles.queries import (
    RESULTS,
    TitleEventPage,
    TitleListPage,
    TitleListView,
    TitleRowPage,
    find_list,
    list_views,
    title_events,
    title_lists,
    title_rows,
)
from caseflow.catalogue.titles.service import Line as Row
from caseflow.identity.successions.models import KINDS
from caseflow.identity.successions.queries import (
    SuccessionLine,
    SuccessionPage,
    succession_line,
    succession_list,
)
from caseflow.identity.successions.service import Following, record_succession
from caseflow.kernel.errors import InvalidInput, TooLarge
from caseflow.kernel.titles import LEVELS

blueprint = Blueprint("titles", __name__, description="称号名单与免申即享、承继关系")

ENDINGS: Final = (".xlsx", ".csv")


class ListForm(Body):
    """A list as XLSX or CSV, and what its document says; `mode` `try` keeps nothing."""

    file = Upload(required=True)
    document_no = Line(required=True)
    issued_by = Line(required=True)
    kind = Line(required=True)
    level = Line(required=True, one_of=tuple(LEVELS))
    issued_on = Day(required=True)
    valid_to = Day()
    mode = Line(load_default="import", one_of=("import", "try"))


class ListsQuery(PageQuery):
    """Which lists, and where the page begins."""

    kind = Line()
    level = Line(one_of=tuple(LEVELS))


class RowsQuery(PageQuery):
    """Which rows of a list, and where the page begins."""

    result = Line(one_of=tuple(RESULTS))


class Correction(Body):
    """What a line should have said, whole, and why."""

    uscc = Line(required=True, longest=40)
    name = Line(required=True)
    object = Line()
    object_no = Line(longest=80)
    grade = Line(longest=40)
    valid_to = Day()
    reason = Prose(required=True)


class NewRevocation(Body):
    """By which document a title was revoked, why, and since when."""

    document_no = Line(required=True)
    reason = Prose(required=True)
    revoked_on = Day(required=True)


class NewSuccession(Body):
    """Who goes on as whom since when, by which document."""

    predecessor = Line(required=True, longest=40)
    successor = Line(required=True, longest=40)
    kind = Line(required=True, one_of=tuple(KINDS))
    document_no = Line(required=True, longest=100)
    effective_on = Day(required=True)


class SuccessionsQuery(PageQuery):
    """Successions of one code, and where the page begins."""

    code = Line(longest=40)


@blueprint.route("/title-lists", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ListForm, location="files")
@blueprint.response(200, answer_of(ImportReport))
def import_list(form: dict[str, Any]) -> ImportReport:
    """Import a list of titles, once for ever; says of each row what matching would come to."""
    file, mode = form.pop("file"), form.pop("mode")
    name = file.filename or ""
    if not name.lower().endswith(ENDINGS):
        raise InvalidInput("请上传 .xlsx 或 .csv 文件。", fields={"file": " 或 ".join(ENDINGS)})
    limit = house().settings.upload_limit
    content = file.stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"文件超过 {limit} 字节。")
    source, is_try = ListSource(**form), mode == "try"
    return import_titles(house().cases, actor(), source, content, now(), name=name, dry_run=is_try)


setattr(import_list, TAKES_FILES, True)


@blueprint.route("/title-lists")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ListsQuery, location="query")
@blueprint.response(200, answer_of(TitleListPage))
def show_lists(wanted: dict[str, Any]) -> TitleListPage:
    """List the lists of my bureaus, the last imported first; an auditor sees all."""
    return title_lists(session(), actor(), **wanted)


@blueprint.route("/title-lists/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(TitleListView))
def show_list(public_id: str) -> TitleListView:
    """Show a list, with how many rows came to which result."""
    (view,) = list_views(session(), [find_list(session(), actor(), public_id)])
    return view


@blueprint.route("/title-lists/<public_id>/rows")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(RowsQuery, location="query")
@blueprint.response(200, answer_of(TitleRowPage))
def show_rows(wanted: dict[str, Any], public_id: str) -> TitleRowPage:
    """List the rows of a list, with what became of each."""
    return title_rows(session(), find_list(session(), actor(), public_id), **wanted)


@blueprint.route("/title-lists/<public_id>/events")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NumberedQuery, location="query")
@blueprint.response(200, answer_of(TitleEventPage))
def show_events(wanted: dict[str, Any], public_id: str) -> TitleEventPage:
    """Tell what happened to a list: import, matching, correction, revocation, and who did it."""
    return title_events(session(), find_list(session(), actor(), public_id), **wanted)


@blueprint.route("/title-lists/<public_id>/matching", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Matching))
def match_list(public_id: str) -> Matching:
    """Make a case of every row that is due one and ask its enterprise; again for what is left."""
    return match_titles(house().cases, actor(), public_id, now())


@blueprint.route("/title-lists/<public_id>/rows/<int:line>/correction", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Correction)
@blueprint.response(200, answer_of(Corrected))
def correct_line(wanted: dict[str, Any], public_id: str, line: int) -> Corrected:
    """Record what a line should have said, as its next revision; the first stays on record."""
    reason = wanted.pop("reason")
    return correct(house().cases, actor(), public_id, Row(line, **wanted), now(), reason=reason)


@blueprint.route("/title-lists/<public_id>/rows/<int:line>/revocation", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewRevocation)
@blueprint.response(200, answer_of(Revoked))
def revoke_line(wanted: dict[str, Any], public_id: str, line: int) -> Revoked:
    """Record that a title was revoked: its unpaid case stops, a paid one opens a recovery."""
    return revoke(house().cases, actor(), Revocation(public_id, line, **wanted), now())


@blueprint.route("/successions")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(SuccessionsQuery, location="query")
@blueprint.response(200, answer_of(SuccessionPage))
def list_successions(wanted: dict[str, Any]) -> SuccessionPage:
    """List who goes on as whom, the last recorded first, to people who hold an office."""
    return succession_list(session(), actor(), **wanted)


@blueprint.route("/successions", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewSuccession)
@blueprint.response(201, answer_of(SuccessionLine))
def add_succession(wanted: dict[str, Any]) -> SuccessionLine:
    """Record that one credit code goes on as another, as a bureau's reviewer."""
    signer = house().cases.office.signer
    with transaction() as current:
        row = record_succession(current, Following(**wanted), actor(), now(), signer=signer)
        return succession_line(current, row)
