"""Routes of formal documents (文书): their kinds, making, reading and delivering them (送达)."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, send_file
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import (
    Blueprint,
    Body,
    Instant,
    Line,
    Number,
    PageQuery,
    Prose,
)
from caseflow.api.rules import Rule, admits
from caseflow.batches.letters import make_notice, open_notice, send_letter
from caseflow.cases import letters
from caseflow.cases.letters import LetterPage, OpenedFile, Wanted, hand_of, press_of
from caseflow.catalogue.places import data_root
from caseflow.documents.kinds import MEDIA_TYPES
from caseflow.documents.letters.models import METHODS
from caseflow.documents.letters.queries import LetterView
from caseflow.documents.letters.rendering import FORMATS
from caseflow.documents.letters.service import Hand, Press, Sending
from caseflow.documents.letters.words import ASKED
from caseflow.kernel.errors import InvalidInput

blueprint = Blueprint("letters", __name__, description="文书与送达")
FILE = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class LetterKindView:
    """A kind of document: what makes it, who may make it, and what it must say.

    `requires` names facts without which it is refused, `asks` those that its maker may add.
    """

    letter: str
    title: str
    of: str
    word: str
    events: tuple[str, ...]
    into: tuple[str, ...]
    outcomes: tuple[str, ...]
    by: tuple[str, ...]
    requires: tuple[str, ...]
    asks: tuple[str, ...]
    basis: str
    source: str


@dataclass(frozen=True)
class LetterKinds:
    """Every kind, by name."""

    items: tuple[LetterKindView, ...]


class NewLetter(Body):
    """A document to be made; `version`: the event it rests on, the last that makes one if none."""

    kind = Line(required=True, longest=80)
    texts = fields.Dict(keys=Line(one_of=ASKED), values=Prose(), load_default=dict)
    version = Number(validate=validate.Range(min=1))


class FileQuery(Body):
    """In which format a document is wanted."""

    format = Line(one_of=FORMATS, load_default="pdf")


class NewDelivery(Body):
    """A delivery; `consent` says when and how the addressee agreed to electronic delivery."""

    method = Line(required=True, one_of=METHODS)
    consent = Line()
    receiver = Line()
    sent_at = Instant()
    arrived_at = Instant()
    read_at = Instant()


class NewMarks(Body):
    """What was learned of a delivery afterwards."""

    arrived_at = Instant()
    read_at = Instant()


def _press() -> Press:
    return press_of(house().settings, data_root())


def _hand() -> Hand:
    return hand_of(house().cases, actor(), now())


@blueprint.route("/letters/kinds")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(LetterKinds))
def list_kinds() -> LetterKinds:
    """List the kinds of documents, what makes each, and what each must say."""
    found = letters.kinds_listed(_press())
    return LetterKinds(tuple(LetterKindView(**each) for each in found))


@blueprint.route("/cases/<public_id>/letters", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewLetter)
@blueprint.response(201, answer_of(LetterView))
def make_letter(wanted: dict[str, Any], public_id: str) -> LetterView:
    """Make a document of a case: numbered, dated, written as PDF and DOCX. Safe to repeat."""
    case, asked = house().cases, _wanted(wanted)
    return letters.make_case_letter(case, _press(), actor(), case=public_id, wanted=asked, at=now())


@blueprint.route("/cases/<public_id>/letters")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(LetterPage))
def list_letters(wanted: dict[str, Any], public_id: str) -> LetterPage:
    """List a case's documents, the newest first; its applicant sees those that were sent."""
    page = {"after": wanted.get("after"), "limit": wanted["limit"]}
    return letters.case_letters(session(), actor(), public_id, press=_press(), **page)


@blueprint.route("/letters/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(FileQuery, location="query")
@blueprint.response(200, FILE, content_type="*/*")
def read_letter(wanted: dict[str, Any], public_id: str) -> Response:
    """Send a document's file; the addressee's first opening is recorded as the time of reading."""
    with transaction() as current:
        found = letters.open_letter(
            current, actor(), public_id, form=wanted["format"], press=_press(), hand=_hand()
        )
    return _sent(found)


@blueprint.route("/letters/<public_id>/receipt")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(FileQuery, location="query")
@blueprint.response(200, FILE, content_type="*/*")
def read_receipt(wanted: dict[str, Any], public_id: str) -> Response:
    """Send the receipt of delivery (送达回证) as far as it is known; without delivery, a form."""
    name, content = letters.receipt_file(
        session(), actor(), public_id, form=wanted["format"], press=_press(), at=now()
    )
    media_type = MEDIA_TYPES[wanted["format"]]
    return send_file(
        io.BytesIO(content), mimetype=media_type, as_attachment=True, download_name=name
    )


@blueprint.route("/letters/<public_id>/deliveries", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewDelivery)
@blueprint.response(201, answer_of(LetterView))
def deliver(wanted: dict[str, Any], public_id: str) -> LetterView:
    """Record that a document was sent: into the inbox, by e-mail (both with consent), on paper."""
    cases, sending = house().cases, Sending(**wanted)
    return send_letter(cases, _press(), actor(), public_id=public_id, sending=sending, at=now())


@blueprint.route("/letters/<public_id>/deliveries/<delivery_id>/marks", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewMarks)
@blueprint.response(201, answer_of(LetterView))
def mark(wanted: dict[str, Any], public_id: str, delivery_id: str) -> LetterView:
    """Record that a delivery arrived, or was read or signed for; what is recorded stays."""
    marks = {name.removesuffix("_at"): at for name, at in wanted.items()}
    if not marks:
        raise InvalidInput("至少填写一项。", fields={"arrived_at": "与 read_at 至少填写一项"})
    with transaction() as current:
        return letters.mark_delivery(
            current,
            actor(),
            public_id,
            delivery=delivery_id,
            marks=marks,
            press=_press(),
            hand=_hand(),
        )


@blueprint.route("/publicities/<public_id>/letters", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewLetter)
@blueprint.response(201, answer_of(LetterView))
def make_publicity_letter(wanted: dict[str, Any], public_id: str) -> LetterView:
    """Make the public notice of a publicity (公示公告). Safe to repeat."""
    cases, asked = house().cases, _wanted(wanted)
    return make_notice(cases, _press(), actor(), public_id=public_id, wanted=asked, at=now())


@blueprint.route("/publicities/<public_id>/notice")
@admits(Rule.EVERYBODY)
@blueprint.arguments(FileQuery, location="query")
@blueprint.response(200, FILE, content_type="*/*")
def read_notice(wanted: dict[str, Any], public_id: str) -> Response:
    """Send the public notice of a publicity to anybody."""
    cases = house().cases
    return _sent(open_notice(cases, _press(), public_id=public_id, form=wanted["format"]))


def _wanted(body: Mapping[str, Any]) -> Wanted:
    return Wanted(body["kind"], texts=body["texts"], version=body.get("version"))


def _sent(found: OpenedFile) -> Response:
    """Send a stored file, always to be saved and never to be shown by the browser."""
    return send_file(
        io.BytesIO(found.path.read_bytes()),  # a document is small; nothing stays open
        mimetype=MEDIA_TYPES[found.form],
        as_attachment=True,
        download_name=found.name,
        conditional=False,
        etag=found.sha256,
    )
