"""Routes of recoveries (追缴): opening, the ledger (追缴台账), bars from applying (禁止申报)."""

from dataclasses import dataclass
from typing import Any

from flask import Response, url_for
from marshmallow import validate

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
    entity_tag,
    request_id,
)
from caseflow.api.rules import Rule, admits
from caseflow.cases.queries import find_case
from caseflow.cases.recoveries.ledger import ledger, workbook
from caseflow.cases.recoveries.offsetting import Offset
from caseflow.cases.recoveries.offsetting import offset_payment as set_off
from caseflow.cases.recoveries.queries import (
    BarLine,
    RecoveryDetail,
    RecoveryFilter,
    RecoveryPage,
    bar_list,
    recovery_detail,
    recovery_list,
)
from caseflow.cases.recoveries.service import RecoveryOpening
from caseflow.cases.recoveries.service import lift_bar as lift
from caseflow.cases.recoveries.service import open_recovery as begin
from caseflow.cases.service import Outcome
from caseflow.funds.sheets import MEDIA_TYPE
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.recovery import GROUNDS

blueprint = Blueprint("recoveries", __name__, description="追缴与禁止申报")


@dataclass(frozen=True)
class Bars:
    """The bars of an applicant, the newest first."""

    items: tuple[BarLine, ...]


class LedgerQuery(Body):
    """Which recoveries are asked for; `outcome` may be `open`."""

    case = Line()
    applicant = Line()
    outcome = Line()


class RecoveryQuery(PageQuery):
    """A page of the recoveries asked for; `outcome` may be `open`."""

    case = Line()
    applicant = Line()
    outcome = Line()


class NewRecovery(Body):
    """A lead: on which ground, on what evidence; a legality review where the project moved."""

    ground = Line(required=True, one_of=tuple(GROUNDS))
    evidence = Prose(required=True)
    legal_review_no = Line()


class NewOffset(Body):
    """How much of the payment is set off against which recovery (public id or number)."""

    recovery = Line(required=True)
    offset_fen = Number(required=True, validate=validate.Range(min=1, max=MOST_FEN))
    voucher_no = Line(required=True)
    note = Prose()


class Lifting(Body):
    """Why a bar is lifted."""

    reason = Prose(required=True)


@blueprint.route("/cases/<public_id>/recoveries", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(NewRecovery)
@blueprint.response(201, answer_of(Outcome))
def open_recovery(wanted: dict[str, Any], public_id: str) -> tuple[Outcome, dict[str, str]]:
    """Open a recovery of what a case was paid, as the head of its division or as auditor."""
    case = find_case(session(), actor(), public_id)
    outcome = begin(
        house().cases,
        RecoveryOpening(
            case=case.public_id, actor_id=actor().id, at=now(), request_id=request_id(), **wanted
        ),
    )
    location = url_for("cases.show_case", public_id=outcome.case)
    return outcome, {"ETag": entity_tag(outcome.version), "Location": location}


@blueprint.route("/cases/<public_id>/offsets", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(NewOffset)
@blueprint.response(200, answer_of(Outcome))
def offset_payment(wanted: dict[str, Any], public_id: str) -> tuple[Outcome, dict[str, str]]:
    """Set off what a case waits to be paid against a recovery whose decision allows it (抵扣)."""
    case = find_case(session(), actor(), public_id)
    claim = find_case(session(), actor(), wanted.pop("recovery"))
    outcome = set_off(
        house().cases,
        Offset(
            payment=case.public_id,
            recovery=claim.public_id,
            fen=wanted.pop("offset_fen"),
            actor_id=actor().id,
            at=now(),
            request_id=request_id(),
            **wanted,
        ),
    )
    return outcome, {"ETag": entity_tag(outcome.version)}


@blueprint.route("/recoveries")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(RecoveryQuery, location="query")
@blueprint.response(200, answer_of(RecoveryPage))
def list_recoveries(wanted: dict[str, Any]) -> RecoveryPage:
    """List the recoveries that I may see, the newest first: the lines of the 追缴台账."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return recovery_list(session(), actor(), RecoveryFilter(**wanted), **page)


@blueprint.route("/recoveries/ledger.xlsx")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(LedgerQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def export_ledger(wanted: dict[str, Any]) -> Response:
    """Send the 追缴台账 of what I may see as a workbook."""
    found = ledger(session(), actor(), RecoveryFilter(**wanted))
    return xlsx(workbook(found, by=actor().name, at=now()), name="recoveries")


@blueprint.route("/recoveries/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(RecoveryDetail))
def show_recovery(public_id: str) -> RecoveryDetail:
    """Show a recovery with its evidence and its receipts by share."""
    return recovery_detail(session(), actor(), public_id)


@blueprint.route("/recoveries/<public_id>/bar-lifting", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Lifting)
@blueprint.response(200, answer_of(Outcome))
def lift_bar(wanted: dict[str, Any], public_id: str) -> Outcome:
    """Lift the bar that the decision of a recovery placed, as the leader of the lead bureau."""
    case = find_case(session(), actor(), public_id)
    return lift(
        house().cases, case.public_id, reason=wanted["reason"], actor_id=actor().id, at=now()
    )


@blueprint.route("/applicants/<public_id>/bars")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Bars))
def list_bars(public_id: str) -> Bars:
    """List the bars of an applicant, as far as I may see the recoveries that placed them."""
    return Bars(bar_list(session(), actor(), public_id))
