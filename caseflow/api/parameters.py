"""Routes of parameters: what a bureau settles where a clause leaves it open."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marshmallow import fields

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import Blueprint, Body, Day, Instant, Line, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.parameters import service
from caseflow.catalogue.parameters.queries import (
    STATES,
    InForce,
    Missing,
    ParameterLine,
    ParameterPage,
    in_force,
    missing,
    parameter_line,
    parameter_list,
    parameters_on,
)
from caseflow.catalogue.parameters.service import Entry, Hand
from caseflow.kernel.benefits.parameters import PARAMETERS
from caseflow.kernel.calendar import local_date

blueprint = Blueprint("parameters", __name__, description="参数：条款未写明事项的确定值")


@dataclass(frozen=True)
class MeasureParameters:
    """What is in force on a day (as known at an instant), what is missing, what was entered.

    Only the lead bureau and auditors see what is not confirmed. `next` is given back as `after`.
    """

    measure: str
    on: date
    known_at: datetime
    in_force: tuple[InForce, ...]
    missing: tuple[Missing, ...]
    items: tuple[ParameterLine, ...]
    next: str | None


class ValueQuery(PageQuery):
    """Which of the values entered are asked for."""

    name = Line(one_of=tuple(PARAMETERS))
    status = Line(one_of=STATES)


class ParameterQuery(ValueQuery):
    """The day and the instant asked about, and which of the values entered."""

    on = Day()
    known_at = Instant()


class NewParameter(Body):
    """A value to be settled: tiers as an object of names, percentages as text, money in fen."""

    name = Line(required=True, one_of=tuple(PARAMETERS))
    value = fields.Raw(required=True)
    valid_from = Day(required=True)
    basis = Line(required=True, longest=1000)
    document_no = Line(required=True, longest=100)


class Withdrawal(Body):
    """Why a value is withdrawn."""

    reason = Line(required=True)


@blueprint.route("/parameters")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ValueQuery, location="query")
@blueprint.response(200, answer_of(ParameterPage))
def list_values(wanted: dict[str, Any]) -> ParameterPage:
    """List the values of all measures that I may see; what is `entered` waits to be confirmed."""
    return parameter_list(session(), actor(), **wanted)


@blueprint.route("/measures/<code>/parameters")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ParameterQuery, location="query")
@blueprint.response(200, answer_of(MeasureParameters))
def list_parameters(wanted: dict[str, Any], code: str) -> MeasureParameters:
    """Tell what is settled of a measure on a day, and what is still missing and by whom."""
    measure = catalogue.measure(session(), code)
    on, known_at = wanted.get("on") or local_date(now()), wanted.get("known_at") or now()
    found = parameters_on(session(), measure.id, on=on, known_at=known_at)
    page = parameter_list(
        session(),
        actor(),
        measure=code,
        **{name: wanted.get(name) for name in ("name", "status", "after")},
        limit=wanted["limit"],
    )
    return MeasureParameters(
        measure=code,
        on=on,
        known_at=known_at,
        in_force=in_force(found),
        missing=missing(measure.version.definition, found),
        items=page.items,
        next=page.next,
    )


@blueprint.route("/measures/<code>/parameters", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewParameter)
@blueprint.response(201, answer_of(ParameterLine))
def enter_parameter(wanted: dict[str, Any], code: str) -> ParameterLine:
    """Enter a value as a handler of the lead bureau; it counts once a second person confirms it."""
    with transaction() as current:
        entry = Entry(measure=code, **wanted)
        row = service.enter_parameter(current, entry, _hand(), ids=house().cases.ids)
        return parameter_line(current, row)


@blueprint.route("/parameters/<public_id>/confirmation", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(ParameterLine))
def confirm_parameter(public_id: str) -> ParameterLine:
    """Confirm a value as the lead bureau's reviewer or division head, as a second person."""
    with transaction() as current:
        return parameter_line(current, service.confirm_parameter(current, public_id, _hand()))


@blueprint.route("/parameters/<public_id>/withdrawal", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(Withdrawal)
@blueprint.response(200, answer_of(ParameterLine))
def withdraw_parameter(wanted: dict[str, Any], public_id: str) -> ParameterLine:
    """Withdraw a value that is not confirmed; it stays on record."""
    with transaction() as current:
        row = service.withdraw_parameter(current, public_id, _hand(), reason=wanted["reason"])
        return parameter_line(current, row)


def _hand() -> Hand:
    return Hand(actor(), now(), house().cases.office.signer)
