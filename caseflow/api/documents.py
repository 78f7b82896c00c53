"""Routes of documents (材料): a case's checklist, uploading to it, and the files themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final, cast

from flask import Response, request, send_file
from flask_smorest.fields import Upload
from werkzeug.datastructures import FileStorage

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, driver, house, now, session, transaction
from caseflow.api.parsing import Blueprint, Body, Line
from caseflow.api.rules import Rule, admits
from caseflow.cases.blind import BLIND_FILE, refuse_blind
from caseflow.cases.detail import may_upload
from caseflow.cases.models import Case
from caseflow.cases.queries import find_case, find_judged_case, visible_cases
from caseflow.catalogue.models import Call
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.documents import queries
from caseflow.documents.models import Document
from caseflow.documents.queries import ChecklistItem
from caseflow.documents.service import ReceivedFile, Uploader, receive_file
from caseflow.documents.service import upload as put
from caseflow.kernel.errors import InvalidInput, NotAllowed

blueprint = Blueprint("documents", __name__, description="办件材料")

FRAME_BYTES: Final = 64 * 1024
"""What a multipart body may hold besides the file."""
TAKES_FILES: Final = "caseflow_takes_files"


@dataclass(frozen=True)
class DocumentView:
    """A file of a case; `replaced`: a newer one of its kind is current."""

    public_id: str
    kind: str
    name: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: datetime
    replaced: bool


@dataclass(frozen=True)
class Documents:
    """What the measure asks for and what is there, and every file that ever came."""

    checklist: tuple[ChecklistItem, ...]
    files: tuple[DocumentView, ...]


class FileForm(Body):
    """A file, and the line of the checklist that it is for."""

    kind = Line(required=True, longest=80)
    file = Upload(required=True)


@blueprint.route("/cases/<public_id>/documents")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Documents))
def list_documents(public_id: str) -> Documents:
    """List what a case's measure asks for, and every file of the case."""
    case = find_case(session(), actor(), public_id)
    asked = _asked(case)
    return Documents(
        checklist=tuple(queries.checklist(session(), case.id, asked)),
        files=tuple(map(_view, queries.all_documents(session(), case.id))),
    )


@blueprint.route("/cases/<public_id>/documents", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(FileForm, location="files")
@blueprint.response(201, answer_of(DocumentView))
def upload(form: dict[str, Any], public_id: str) -> DocumentView:
    """Put a file to a case under a kind of its checklist; it replaces the one before."""
    case = find_case(session(), actor(), public_id)
    _refuse_bystander(case)
    kinds = {each["kind"] for each in _asked(case)}
    if form["kind"] not in kinds:
        reason = f"不在本条款的材料清单中；可用：{'、'.join(sorted(kinds))}"
        raise InvalidInput(f"{form['kind']!r} {reason}。", fields={"kind": reason})
    received = receive(form["file"])
    with transaction() as current:
        document = put(
            current,
            (case.id, case.number),
            Uploader(actor().id, now(), house().cases.office.signer),
            kind=form["kind"],
            received=received,
            allowed_kinds=kinds,
            ids=house().cases.ids,
        )
        _refuse_bystander(case)
        return _view(document)


setattr(upload, TAKES_FILES, True)


@blueprint.route("/cases/<public_id>/documents/<document_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
def download(public_id: str, document_id: str) -> Response:
    """Send a file of a case, always to be saved and never to be shown by the browser."""
    case = find_judged_case(session(), actor(), public_id)
    document = queries.find_document(session(), case.id, document_id)
    if document.kind != BLIND_FILE:
        refuse_blind(session(), actor(), case, visible_cases)
    path = queries.open_file(house().settings.files, document)
    return send_file(
        path,
        mimetype=document.media_type,
        as_attachment=True,
        download_name=document.name,
        conditional=False,
        etag=document.sha256,
    )


def widen(limit: int) -> None:
    """Let the request's body be as large as a file may be."""
    request.max_content_length = limit + FRAME_BYTES


def _refuse_bystander(case: Case) -> None:
    """Refuse who does not have the case; asked again under its lock, as it may have moved on."""
    if not may_upload(session(), actor(), case):
        raise NotAllowed("办件现不在您的席位，不能上传材料。")


def receive(file: FileStorage) -> ReceivedFile:
    """Check and store an uploaded file."""
    settings = house().settings
    stream = cast("BinaryIO", file.stream)
    limit = settings.upload_limit
    return receive_file(settings.files, stream, name=file.filename or "", limit=limit)


def _asked(case: Case) -> list[Mapping[str, Any]]:
    """Return the documents that the case's measure and its call ask for."""
    call = session().get(Call, case.call_id) if case.call_id else None
    return _measure(case).checklist(case.child_kind, call.documents if call else ())


def _measure(case: Case) -> MeasureInfo:
    return house().cases.pinned.measure(driver(), case.measure_version_id)


def _view(document: Document) -> DocumentView:
    names = DocumentView.__dataclass_fields__
    return DocumentView(**{name: getattr(document, name) for name in names})
