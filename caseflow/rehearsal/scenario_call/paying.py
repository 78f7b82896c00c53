"""The treasuries pay by file: orders out, answers in, one payment comes back and goes out again."""

import io
from typing import Any, Final

from openpyxl import load_workbook

from caseflow.rehearsal.scenario_call.calling import look_back, outlive
from caseflow.rehearsal.scenario_call.cast import DISTRICTS, FINANCE, Entrant, Play

RETURNED: Final = 2
"""Whose account the bank does not know."""
FILE: Final = "拨付明细表.xlsx"
HEADING: Final = "拨付单号"
NUMBER, PAID_ON, VOUCHER, STATUS, REMARK = "项目编号", "支付日期", "支付凭证号", "支付状态", "备注"


def pay(play: Play) -> None:
    """Let finance release, both treasuries pay, the returned payment find its account."""
    awarded: list[Entrant] = play.seen["awarded"]
    play.move_to("2026-07-27T09:00")
    _release(play, awarded)
    play.move_to("2026-07-30T09:00")
    treasury = play.who(FINANCE, "treasury")
    (returned,) = play.numbered(RETURNED)
    report = _answer(play, treasury, "city", paid_on="2026-07-30", returned=returned.case_number)
    play.seen["city_answer"] = report
    _correct(play, returned)
    play.move_to("2026-08-04T09:00")
    play.seen["second_answer"] = _answer(play, treasury, "city", paid_on="2026-08-04")
    play.move_to("2026-08-06T09:00")
    for organisation in DISTRICTS.values():
        play.step(f"区级拨付 {organisation}")
        finance = play.who(organisation, "district_finance")
        _answer(play, finance, "district", paid_on="2026-08-06")


def _release(play: Play, awarded: list[Entrant]) -> None:
    handler = play.lead("bureau_handler")
    division, treasury = play.who(FINANCE, "finance_division"), play.who(FINANCE, "treasury")
    for each in awarded:
        play.step(f"下达、支付令 {each.case_number}")
        play.check_credit(each, handler)
        play.act(each, handler, "request_funds")
        play.act(each, division, "release", document_no="盐财工贸〔2026〕40号")
        play.act(each, treasury, "order_payment")


def _answer(
    play: Play, login: str, share: str, *, paid_on: str, returned: str | None = None
) -> dict[str, Any]:
    """Take the file of what this treasury is to pay, fill in what it did, bring it back."""
    play.step("拨付文件")
    query = {"share": share, "accounts": "whole"}
    sheet = play.talk.file("/payments/export", login, **query)
    filled = _filled(sheet, paid_on=paid_on, returned=returned, share=share)
    fields = {"mode": "import"}
    report = play.talk.send("/payments/imports", login, fields, name=FILE, content=filled)
    return dict(report)


def _filled(content: bytes, *, paid_on: str, returned: str | None, share: str) -> bytes:
    """Return the file with the treasury's answer in each row."""
    book = load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    rows = list(sheet.iter_rows())
    first = next(i for i, row in enumerate(rows) if any(cell.value == HEADING for cell in row))
    columns = {str(cell.value): int(cell.column or 0) for cell in rows[first] if cell.value}
    status = next(name for name in columns if name.startswith(STATUS))
    for index, row in enumerate(rows[first + 1 :], start=1):
        line = int(row[0].row or 0)
        if not sheet.cell(line, columns[HEADING]).value:
            continue
        if sheet.cell(line, columns[NUMBER]).value == returned:
            sheet.cell(line, columns[status]).value = "退票"
            sheet.cell(line, columns[REMARK]).value = "账号不存在"
            continue
        sheet.cell(line, columns[status]).value = "已付"
        sheet.cell(line, columns[PAID_ON]).value = paid_on
        key = sheet.cell(line, columns[NUMBER]).value
        sheet.cell(line, columns[VOUCHER]).value = f"PZ-{share}-{paid_on}-{index}-{key}"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _correct(play: Play, each: Entrant) -> None:
    """Let the applicant name another account in its own name and say so."""
    play.move_to("2026-08-03T09:00")
    account = {"holder": each.name, "bank": "示例银行盐城分行", "number": "6200902699990002"}
    play.talk.post(f"/organisations/{each.public_id}/accounts", each.login, account)
    play.act(each, each.login, "correct_account", note="已更正收款账户")


def follow_up(play: Play) -> None:
    """A year later: each tells what became of the scenario, the bureau closes the case."""
    outlive(play)
    play.move_to("2027-06-01T09:00")
    awarded: list[Entrant] = play.seen["awarded"]
    for each in awarded:
        play.step(f"绩效 {each.case_number}")
        play.act(each, each.login, "report_performance", note="场景持续运行，服务覆盖扩大")
    play.move_to("2027-06-03T09:00")
    for each in awarded:
        said = {"performance_grade": "good", "title_kept": True}
        play.act(each, play.lead("bureau_handler"), "close_supervision", **said)
    look_back(play)
