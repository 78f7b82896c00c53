"""The routes of quotes: what a measure, or a case, would get for these facts, and why."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, now, session
from caseflow.api.parsing import Blueprint, Body, Day
from caseflow.api.rules import Rule, admits
from caseflow.cases.quoting import quote_case
from caseflow.catalogue import queries
from caseflow.catalogue.parameters.queries import InForce, in_force, parameters_on
from caseflow.catalogue.quoting import Clause, quote_clause
from caseflow.kernel.benefits.model import Line, Open
from caseflow.kernel.benefits.rounding import DAY_COUNTS, ROUNDINGS
from caseflow.kernel.benefits.settled import settled_terms
from caseflow.kernel.calendar import local_date

blueprint = Blueprint("quotes", __name__, description="测算：可获支持的金额及其依据")


@dataclass(frozen=True)
class QuoteView:
    """An amount in fen that is the sum of its awards less its cuts, and what is still open.

    `parameters` are those in force on the day `on`.
    """

    measure: str
    on: date
    amount_fen: int
    lines: tuple[Line, ...]
    open: tuple[Open, ...]
    parameters: tuple[InForce, ...]


@dataclass(frozen=True)
class CaseQuoteView:
    """The quote of a case with the values of its day, as they were known at `known_at`."""

    case: str
    measure: str
    on: date
    known_at: datetime
    amount_fen: int
    lines: tuple[Line, ...]
    open: tuple[Open, ...]
    parameters: tuple[InForce, ...]


class QuoteBody(Body):
    """The facts by name (see the measure's `facts`), the day, and what no parameter settles."""

    facts = fields.Dict(keys=fields.String(), required=True)
    on = Day()
    rounding = fields.String(validate=validate.OneOf(ROUNDINGS))
    day_count = fields.String(validate=validate.OneOf(DAY_COUNTS))


class CaseQuoteBody(Body):
    """The facts by name; the day and what is settled are the case's own."""

    facts = fields.Dict(keys=fields.String(), required=True)


@blueprint.route("/measures/<code>/quotes", methods=["POST"])
@admits(Rule.EVERYBODY)
@blueprint.arguments(QuoteBody)
@blueprint.response(200, answer_of(QuoteView))
def make_quote(wanted: dict[str, Any], code: str) -> QuoteView:
    """Tell what an applicant would get; nothing is kept."""
    on = wanted.get("on") or local_date(now())
    measure = queries.measure(session(), code)
    parameters = parameters_on(session(), measure.id, on=on)
    terms = settled_terms(parameters, wanted.get("rounding"), wanted.get("day_count"))
    told = quote_clause(Clause.of_loaded(measure, on), wanted["facts"], on=on, terms=terms)
    return QuoteView(code, on, told.amount_fen, told.lines, told.open, in_force(parameters))


@blueprint.route("/cases/<public_id>/quotes", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(CaseQuoteBody)
@blueprint.response(200, answer_of(CaseQuoteView))
def make_case_quote(wanted: dict[str, Any], public_id: str) -> CaseQuoteView:
    """Tell what a case would get with the values of its day; nothing is kept."""
    found = quote_case(session(), actor(), public_id, wanted["facts"], now())
    return CaseQuoteView(
        case=found.number,
        measure=found.measure,
        on=found.day.on,
        known_at=found.day.known_at,
        amount_fen=found.quote.amount_fen,
        lines=found.quote.lines,
        open=found.quote.open,
        parameters=in_force(found.parameters),
    )
