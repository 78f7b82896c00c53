"""Routes of publicities (公示): the public board, opening one, objecting to a case in one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.cases import KEY_HEADER
from caseflow.api.context import actor, house, now, session
from caseflow.api.files import xlsx
from caseflow.api.parsing import (
    Blueprint,
    Body,
    Line,
    Number,
    PageQuery,
    Prose,
    request_id,
)
from caseflow.api.rules import Rule, admits
from caseflow.batches import publicity
from caseflow.batches.objections import Grounds, Objection, file_objection
from caseflow.batches.publicity import MOST_CASES, MOST_WORKING_DAYS, Listing
from caseflow.batches.publicity import PublicityView as Opened
from caseflow.batches.published_list import Contact, ListedCase, list_workbook
from caseflow.cases.queries import find_case
from caseflow.funds.sheets import MEDIA_TYPE

blueprint = Blueprint("publicities", __name__, description="公示与异议")

NEWEST: Final = 2**62
"""Above every id."""


@dataclass(frozen=True)
class PublicityView:
    """A publicity as anybody may read it. It runs to 24:00 of `ends_on`, Asia/Shanghai."""

    public_id: str
    title: str
    basis: str
    organisation: str
    contact: Contact | None
    how_to_object: str
    list_sha256: str | None
    restarts: tuple[str, ...]
    working_days: int
    starts_on: date
    ends_on: date
    provisional: bool
    status: str
    cases: tuple[ListedCase, ...]


@dataclass(frozen=True)
class Publicities:
    """The board, the newest first; `next` is given back as `after`."""

    items: tuple[PublicityView, ...]
    next: str | None


@dataclass(frozen=True)
class Receipt:
    """That an objection was filed: what the objector keeps."""

    publicity: str
    case: str
    number: str
    filed_at: datetime
    replayed: bool


class BoardQuery(PageQuery):
    """Which publicities are asked for."""

    status = Line(one_of=("open", "closed", "restarted"))


class NewPublicity(Body):
    """Cases that are to be publicised together, by public id."""

    cases = fields.List(Line(), required=True, validate=validate.Length(min=1, max=MOST_CASES))
    title = Line(required=True)
    basis = Line(required=True)
    unit = Line()
    phone = Line(required=True)
    email = Line(required=True)
    address = Line(required=True)
    working_days = Number(required=True, validate=validate.Range(min=1, max=MOST_WORKING_DAYS))


class NewObjection(Body):
    """An objection under the objector's own name, to one case of a publicity."""

    case = Line(required=True)
    real_name = Line(required=True)
    contact = Line(required=True)
    grounds = Prose(required=True)
    proof = Prose(required=True)


@blueprint.route("/publicities")
@admits(Rule.EVERYBODY)
@blueprint.arguments(BoardQuery, location="query")
@blueprint.response(200, answer_of(Publicities))
def list_publicities(wanted: dict[str, Any]) -> Publicities:
    """Show the public board, without sign-in; no identity numbers, phones or accounts."""
    cases, size = house().cases, wanted["limit"]
    after = wanted.get("after")
    before = NEWEST if after is None else publicity.publicity(cases, after).id
    found = publicity.board(cases, status=wanted.get("status"), before=before, limit=size + 1)
    items = tuple(map(_view, found[:size]))
    return Publicities(items, items[-1].public_id if len(found) > size else None)


@blueprint.route("/publicities/<public_id>")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(PublicityView))
def show_publicity(public_id: str) -> PublicityView:
    """Show one publicity, without sign-in."""
    return _view(publicity.publicity(house().cases, public_id))


@blueprint.route("/publicities/<public_id>/list")
@admits(Rule.EVERYBODY)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/json")
def show_list(public_id: str) -> Response:
    """Send the frozen list, without sign-in: exactly the bytes that `list_sha256` names."""
    content = publicity.published_list(house().cases, public_id)
    disposition = f'attachment; filename="{public_id}.json"'
    return Response(
        content,
        content_type="application/json",
        headers={"Content-Disposition": disposition},
    )


@blueprint.route("/publicities/<public_id>/sheet")
@admits(Rule.EVERYBODY)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def show_sheet(public_id: str) -> Response:
    """Send the frozen list as an XLSX file (公示表), without sign-in."""
    content = publicity.published_list(house().cases, public_id)
    return xlsx(list_workbook(content, now()), name=f"publicity-{public_id}")


@blueprint.route("/publicities", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewPublicity)
@blueprint.response(201, answer_of(PublicityView))
def open_publicity(wanted: dict[str, Any]) -> PublicityView:
    """List cases for so many working days: all of them or none. The lead bureau's handler may."""
    found = [find_case(session(), actor(), each).public_id for each in wanted["cases"]]
    listing = Listing(
        cases=tuple(found),
        title=wanted["title"],
        basis=wanted["basis"],
        contact=Contact(**{name: wanted.get(name, "") for name in Contact.__dataclass_fields__}),
        working_days=wanted["working_days"],
        actor_id=actor().id,
        at=now(),
    )
    return _view(publicity.open_publicity(house().cases, listing))


@blueprint.route("/publicities/<public_id>/objections", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(NewObjection)
@blueprint.response(201, answer_of(Receipt))
def object_to(wanted: dict[str, Any], public_id: str) -> Receipt:
    """Object to a case of a publicity, as anybody may under their own name, while it stands."""
    grounds = Grounds(**{name: wanted[name] for name in Grounds.__dataclass_fields__})
    at = now()
    objection = Objection(public_id, wanted["case"], grounds, actor().id, at, request_id())
    outcome, number = file_objection(house().cases, objection)
    return Receipt(
        publicity=public_id,
        case=outcome.case,
        number=number,
        filed_at=at,
        replayed=outcome.replayed,
    )


def _view(opened: Opened) -> PublicityView:
    names = PublicityView.__dataclass_fields__
    return PublicityView(**{name: getattr(opened, name) for name in names})
