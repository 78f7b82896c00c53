"""Routes of payments (拨付): orders as lists and files, the treasury's answer, dividing a pool."""

from typing import Any

from flask import Response
from flask_smorest.fields import Upload

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.documents import TAKES_FILES
from caseflow.api.files import xlsx
from caseflow.api.parsing import Blueprint, Body, Line, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.batches.payment_answers import AnswerReport, import_answers, try_answers
from caseflow.batches.payment_files import payment_report, treasury_file
from caseflow.batches.short_pools import Division, apply_division, preview_division
from caseflow.cases.payments import STATUSES, PaymentFilter, PaymentPage, payment_list
from caseflow.funds.sheets import MEDIA_TYPE
from caseflow.kernel.errors import InvalidInput, TooLarge
from caseflow.kernel.shares import SHARES

blueprint = Blueprint("payments", __name__, description="拨付单、拨付文件与资金池")

ACCOUNTS = ("masked", "whole")


class PaymentsFilter(Body):
    """Which orders are asked for."""

    policy = Line()
    measure = Line()
    share = Line(one_of=SHARES)
    status = Line(one_of=STATUSES)
    territory = Line()
    case = Line()


class PaymentsQuery(PageQuery, PaymentsFilter):
    """Which orders, and where the page begins."""


class ExportQuery(PaymentsFilter):
    """Which orders, and whether accounts are whole: for the treasury of the share alone."""

    accounts = Line(load_default="masked", one_of=ACCOUNTS)


class AnswerForm(Body):
    """The treasury's answer as XLSX or CSV; `mode` `try` writes nothing."""

    file = Upload(required=True)
    mode = Line(load_default="import", one_of=("import", "try"))


@blueprint.route("/payments")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PaymentsQuery, location="query")
@blueprint.response(200, answer_of(PaymentPage))
def list_payments(wanted: dict[str, Any]) -> PaymentPage:
    """List the payment orders of the cases that I may see, accounts masked."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return payment_list(session(), actor(), PaymentFilter(**wanted), now(), **page)


@blueprint.route("/payments/export")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ExportQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
def export_payments(wanted: dict[str, Any]) -> Response:
    """Send 拨付明细表 as XLSX; with whole accounts only what my treasury is to pay now, logged."""
    accounts = wanted.pop("accounts")
    asked = PaymentFilter(**wanted)
    if accounts == "masked":
        return xlsx(payment_report(session(), actor(), asked, now()).content, name="payments")
    signer = house().cases.office.signer
    with transaction() as current:
        made = treasury_file(current, actor(), asked, now(), signer=signer)
    return xlsx(made.content, name=f"payments-{asked.share}")


@blueprint.route("/payments/imports", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(AnswerForm, location="files")
@blueprint.response(200, answer_of(AnswerReport))
def import_answer(form: dict[str, Any]) -> AnswerReport:
    """Take the treasury's answer: every row an act of mine, done once, refused alone."""
    name = form["file"].filename or ""
    if not name.lower().endswith((".xlsx", ".csv")):
        raise InvalidInput("请上传 .xlsx 或 .csv 文件。", fields={"file": ".xlsx 或 .csv"})
    limit = house().settings.upload_limit
    content = form["file"].stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"文件超过 {limit} 字节。")
    doing = try_answers if form["mode"] == "try" else import_answers
    return doing(house().cases, actor(), content, now(), name=name)


setattr(import_answer, TAKES_FILES, True)


@blueprint.route("/calls/<public_id>/division")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Division))
def show_division(public_id: str) -> Division:
    """Show who of the call's cases in 拟支持 would get what of its pool, and why."""
    return preview_division(house().cases, actor(), public_id, now())


@blueprint.route("/calls/<public_id>/division", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Division))
def divide_pool(public_id: str) -> Division:
    """Plan each case with what it gets and the reason of its cut, one by one."""
    return apply_division(house().cases, actor(), public_id, now())
