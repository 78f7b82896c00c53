"""Routes of budgets (预算): lines, appropriations, the fiscal split, what became of the money."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Response
from marshmallow import validate

from caseflow.api.answers import answer_of
from caseflow.api.cases import KEY_HEADER, NumberedQuery
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.files import xlsx
from caseflow.api.parsing import (
    Blueprint,
    Body,
    Day,
    Line,
    Number,
    PageQuery,
    Prose,
    QueryNumber,
    request_id,
)
from caseflow.api.rules import Rule, admits
from caseflow.cases.execution import ExecutionReport, execution, execution_sheet
from caseflow.funds import queries, service
from caseflow.funds.ledger import disagreements
from caseflow.funds.queries import BudgetFilter, BudgetLineView, BudgetPage, SplitView
from caseflow.funds.service import FIRST_YEAR, LAST_YEAR, Appropriation, Hand
from caseflow.funds.sheets import workbook
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.shares import SHARES

blueprint = Blueprint("budgets", __name__, description="预算、分担比例与预算执行")

YEARS: Final = validate.Range(min=FIRST_YEAR, max=LAST_YEAR)
FORMATS: Final = ("json", "xlsx")


@dataclass(frozen=True)
class Splits:
    """Entered fiscal splits, the newest first; `next` is given back as `after`."""

    items: tuple[SplitView, ...]
    next: int | None


@dataclass(frozen=True)
class Verified:
    """Whether every balance is the sum of its entries; `faults` names accounts that are not."""

    ok: bool
    faults: tuple[str, ...]


class LineFilter(Body):
    """Which lines are asked for."""

    policy = Line()
    measure = Line()
    year = QueryNumber(validate=YEARS)
    share = Line(one_of=SHARES)
    territory = Line()


class LineQuery(PageQuery, LineFilter):
    """Which lines, and where the page begins."""


class ExecutionQuery(LineFilter):
    """Of which lines, and as what."""

    format = Line(load_default="json", one_of=FORMATS)


class SplitQuery(NumberedQuery):
    """Of which policy, and where the page begins."""

    policy = Line()


class Money(Body):
    """An amount in fen and the document it rests on (指标文号)."""

    fen = Number(required=True, validate=validate.Range(min=1, max=MOST_FEN))
    document_no = Line(required=True)


class NewAppropriation(Money):
    """Money for a policy or one of its measures, for one year, from one treasury."""

    policy = Line(required=True)
    measure = Line()
    year = Number(required=True, validate=YEARS)
    share = Line(required=True, one_of=SHARES)
    territory = Line(required=True)
    title = Line()
    functional_subject = Line()
    economic_subject = Line()


class NewSplit(Body):
    """What the city bears in a place; the percentage as text, such as "45.5"."""

    policy = Line(required=True)
    territory = Line(required=True)
    city_percent = Line(required=True, longest=10)
    valid_from = Day(required=True)
    basis = Prose(required=True)


@blueprint.route("/budgets")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(LineQuery, location="query")
@blueprint.response(200, answer_of(BudgetPage))
def list_budgets(wanted: dict[str, Any]) -> BudgetPage:
    """List the budget lines that I may see, each with all its balances."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return queries.budget_lines(session(), actor(), BudgetFilter(**wanted), **page)


@blueprint.route("/budgets", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(NewAppropriation)
@blueprint.response(201, answer_of(BudgetLineView))
def appropriate(wanted: dict[str, Any]) -> BudgetLineView:
    """Put money into a line: the city's finance division, or the district's finance."""
    with transaction() as current:
        line = service.appropriate(current, Appropriation(**wanted), _hand(), ids=house().cases.ids)
        return _line(current, line.public_id)


@blueprint.route("/budgets/execution")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ExecutionQuery, location="query")
@blueprint.response(200, answer_of(ExecutionReport))
def show_execution(wanted: dict[str, Any]) -> ExecutionReport | Response:
    """Show what became of the lines that I may see, as data or as XLSX, with its checksum."""
    form = wanted.pop("format")
    report = execution(session(), actor(), BudgetFilter(**wanted), now())
    if form == "xlsx":
        return xlsx(workbook([execution_sheet(report)]), name="budget-execution")
    return report


@blueprint.route("/budgets/verification")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Verified))
def verify_ledger() -> Verified:
    """Compare every balance with the sum of its entries; there should be no fault."""
    queries.refuse_strangers_to_budgets(actor())
    faults = tuple(f"{row.line_id} {row.kind}" for row in disagreements(session()))
    return Verified(ok=not faults, faults=faults)


@blueprint.route("/budgets/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(BudgetLineView))
def show_budget(public_id: str) -> BudgetLineView:
    """Show one budget line with its balances."""
    return queries.budget_line(session(), actor(), public_id)


@blueprint.route("/budgets/<public_id>/withdrawals", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(Money)
@blueprint.response(201, answer_of(BudgetLineView))
def withdraw(wanted: dict[str, Any], public_id: str) -> BudgetLineView:
    """Take back from a line what nobody has reserved (调减预算)."""
    with transaction() as current:
        number = queries.line_id(current, actor(), public_id)
        line = service.withdraw(current, number, hand=_hand(), **wanted)
        return _line(current, line.public_id)


@blueprint.route("/budgets/<public_id>/carry-overs", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(Money)
@blueprint.response(201, answer_of(BudgetLineView))
def carry_over(wanted: dict[str, Any], public_id: str) -> BudgetLineView:
    """Move what is available to the same line of the next year (结转); answers with that one."""
    with transaction() as current:
        number = queries.line_id(current, actor(), public_id)
        ids = house().cases.ids
        line = service.carry_over(current, number, hand=_hand(), ids=ids, **wanted)
        return _line(current, line.public_id)


@blueprint.route("/fiscal-splits")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(SplitQuery, location="query")
@blueprint.response(200, answer_of(Splits))
def list_splits(wanted: dict[str, Any]) -> Splits:
    """List what the city bears under 现行财政体制, place by place."""
    size = wanted.pop("limit")
    found = queries.fiscal_splits(session(), actor(), limit=size + 1, **wanted)
    return Splits(found[:size], found[size - 1].id if len(found) > size else None)


@blueprint.route("/fiscal-splits", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.doc(parameters=[KEY_HEADER])
@blueprint.arguments(NewSplit)
@blueprint.response(201, answer_of(SplitView))
def enter_split(wanted: dict[str, Any]) -> SplitView:
    """Enter what the city bears in a place; it holds once a second person has confirmed it."""
    given = {**wanted, "city_percent": percent(wanted["city_percent"])}
    with transaction() as current:
        row = service.enter_split(current, hand=_hand(), **given)
        return queries.fiscal_splits(current, actor(), split_id=row.id)[0]


@blueprint.route("/fiscal-splits/<int:split_id>/confirmation", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(SplitView))
def confirm_split(split_id: int) -> SplitView:
    """Confirm a split that another person entered."""
    with transaction() as current:
        row = service.confirm_split(current, split_id, _hand())
        return queries.fiscal_splits(current, actor(), split_id=row.id)[0]


def percent(given: str) -> Decimal:
    """Return a percentage written in plain digits.

    Raises:
        InvalidInput: it is none.
    """
    try:
        found = Decimal(given)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not given.isascii():
        reason = "须为 0 至 100 的数，例如 40 或 45.5"
        raise InvalidInput(f"city_percent：{reason}。", fields={"city_percent": reason})
    return found


def _hand() -> Hand:
    return Hand(actor().id, now(), house().cases.office.signer, request_id())


def _line(current: Any, public_id: str) -> BudgetLineView:
    return queries.budget_line(current, actor(), public_id)
