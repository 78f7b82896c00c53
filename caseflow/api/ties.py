"""Routes of ties (关联关系): who is tied to whom, and whether two parties are related."""

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import fields

from caseflow.api.answers import answer_of
from caseflow.api.checks import table_of
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.documents import TAKES_FILES
from caseflow.api.parsing import Blueprint, Body, Day, Line, PageQuery, Prose
from caseflow.api.people import IdentityBody
from caseflow.api.rules import Rule, admits
from caseflow.batches.ties import TieImport, TieList, import_ties
from caseflow.identity.identifiers import Identity
from caseflow.identity.registering import Desk
from caseflow.identity.ties.queries import (
    KnownView,
    RelationView,
    TieLine,
    TiePage,
    known_view,
    relation_view,
    tie_line,
    tie_list,
)
from caseflow.identity.ties.service import (
    End,
    NewTie,
    end_tie,
    identify_person,
    record_tie,
    strike_tie,
)
from caseflow.kernel.calendar import local_date
from caseflow.kernel.ties import KINDS, read_percent

blueprint = Blueprint("ties", __name__, description="关联关系")


class EndBody(Body):
    """One end of a tie: by its credit code, a person's document, or a login of this house."""

    title = Line()
    uscc = Line(longest=40)
    identity = fields.Nested(IdentityBody)
    login = Line(longest=64)


class TieBody(Body):
    """Who is what of whom, since when and to which day, and who says so."""

    kind = Line(required=True, one_of=tuple(KINDS))
    holder = fields.Nested(EndBody, required=True)
    held = fields.Nested(EndBody, required=True)
    percent = Line(longest=20)
    source = Line(required=True)
    valid_from = Day(required=True)
    valid_to = Day()


class TiesQuery(PageQuery):
    """Which ties, and where the page begins."""

    code = Line(longest=40)
    kind = Line(one_of=tuple(KINDS))
    on = Day()
    login = Line(longest=64)


class RelationQuery(Body):
    """Between which two credit codes, on which day; today where none is said."""

    one = Line(required=True, longest=40)
    other = Line(required=True, longest=40)
    on = Day()


class TieEnd(Body):
    """The last day on which a tie holds."""

    valid_to = Day(required=True)


class TieStrike(Body):
    """Why a tie was entered by mistake."""

    reason = Prose(required=True)


class TieListForm(Body):
    """A list (XLSX or CSV) and where it was found; `mode` `try` keeps nothing."""

    source = Line(required=True)
    mode = Line(load_default="import", one_of=("import", "try"))
    file = Upload(required=True)


class KnownBody(Body):
    """The document of somebody of this house; the number is not kept."""

    login = Line(required=True, longest=64)
    identity = fields.Nested(IdentityBody, required=True)


@blueprint.route("/ties")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(TiesQuery, location="query")
@blueprint.response(200, answer_of(TiePage))
def list_ties(wanted: dict[str, Any]) -> TiePage:
    """List who is tied to whom, the last recorded first; for people who hold an office."""
    return tie_list(session(), actor(), **wanted)


@blueprint.route("/ties", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(TieBody)
@blueprint.response(201, answer_of(TieLine))
def add_tie(said: dict[str, Any]) -> TieLine:
    """Record a tie; of a person's document only a keyed commitment is kept."""
    percent = said.pop("percent", None)
    wanted = NewTie(
        **{**said, "holder": _end(said["holder"]), "held": _end(said["held"])},
        percent=None if percent is None else read_percent(percent),
    )
    with transaction() as current:
        return tie_line(current, record_tie(current, wanted, actor(), _desk()))


@blueprint.route("/ties/<public_id>/end", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(TieEnd)
@blueprint.response(200, answer_of(TieLine))
def end(said: dict[str, Any], public_id: str) -> TieLine:
    """Let a tie end with its last day, once."""
    with transaction() as current:
        return tie_line(current, end_tie(current, public_id, said["valid_to"], actor(), _desk()))


@blueprint.route("/ties/<public_id>/strike", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(TieStrike)
@blueprint.response(200, answer_of(TieLine))
def strike(said: dict[str, Any], public_id: str) -> TieLine:
    """Strike out what somebody else entered by mistake; it stays on record and counts no more."""
    with transaction() as current:
        return tie_line(current, strike_tie(current, public_id, said["reason"], actor(), _desk()))


@blueprint.route("/ties/imports", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(TieListForm, location="files")
@blueprint.response(200, answer_of(TieImport))
def import_list(form: dict[str, Any]) -> TieImport:
    """Take in a list of ties: every row alone, the same row once; the file is kept by its hash."""
    name, content = table_of(form["file"])
    told = TieList(form["source"], name, content, dry_run=form["mode"] == "try")
    return import_ties(house().cases, actor(), told, at=now())


setattr(import_list, TAKES_FILES, True)


@blueprint.route("/ties/relation")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(RelationQuery, location="query")
@blueprint.response(200, answer_of(RelationView))
def relation(wanted: dict[str, Any]) -> RelationView:
    """Say whether two parties are related on a day, by which ties, and what is not known."""
    at = now()
    on = wanted.get("on") or local_date(at)
    return relation_view(session(), actor(), wanted["one"], wanted["other"], on=on, at=at)


@blueprint.route("/ties/people", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(KnownBody)
@blueprint.response(200, answer_of(KnownView))
def identify(said: dict[str, Any]) -> KnownView:
    """Say which person of the register an expert or official is, so that recusal can be found."""
    identity = Identity(**said["identity"])
    with transaction() as current:
        known = identify_person(current, said["login"], identity, actor(), _desk())
        return known_view(current, known)


def _end(said: dict[str, Any]) -> End:
    identity = said.get("identity")
    return End(**{**said, "identity": Identity(**identity) if identity else None})


def _desk() -> Desk:
    cases = house().cases
    return Desk(now(), cases.office.signer, cases.ids)
