"""The route of quotes: what a measure would give for these facts, and why."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import now, session
from caseflow.api.parsing import Blueprint, Body, Day
from caseflow.api.rules import Rule, admits
from caseflow.catalogue import queries
from caseflow.catalogue.quoting import Clause, quote_clause
from caseflow.kernel.benefits.model import Line, Open
from caseflow.kernel.benefits.rounding import DAY_COUNTS, ROUNDINGS
from caseflow.kernel.benefits.sheet import Terms
from caseflow.kernel.calendar import local_date

blueprint = Blueprint("quotes", __name__, description="测算：可获支持的金额及其依据")


@dataclass(frozen=True)
class QuoteView:
    """An amount in fen that is the sum of its awards less its cuts, and what is still open."""

    measure: str
    on: date
    amount_fen: int
    lines: tuple[Line, ...]
    open: tuple[Open, ...]


class QuoteBody(Body):
    """The facts by name (see the measure's `facts`), the day, and what the call settles."""

    facts = fields.Dict(keys=fields.String(), required=True)
    on = Day()
    rounding = fields.String(load_default="trunc_fen", validate=validate.OneOf(ROUNDINGS))
    day_count = fields.String(load_default="exclusive", validate=validate.OneOf(DAY_COUNTS))


@blueprint.route("/measures/<code>/quotes", methods=["POST"])
@admits(Rule.EVERYBODY)
@blueprint.arguments(QuoteBody)
@blueprint.response(200, answer_of(QuoteView))
def make_quote(wanted: dict[str, Any], code: str) -> QuoteView:
    """Tell what an applicant would get; nothing is kept."""
    on = wanted.get("on") or local_date(now())
    clause = Clause.of_loaded(queries.measure(session(), code), on)
    terms = Terms(wanted["rounding"], wanted["day_count"])
    told = quote_clause(clause, wanted["facts"], on=on, terms=terms)
    return QuoteView(code, on, told.amount_fen, told.lines, told.open)
