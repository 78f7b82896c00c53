"""`caseflow payments`: payment orders, the file for the treasury, and its answer."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from caseflow.batches.payment_answers import AnswerReport, import_answers, try_answers
from caseflow.batches.payment_files import PaymentFile, payment_report, treasury_file
from caseflow.cases.payments import STATUSES, PaymentFilter, payment_list
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import facts, json_option, note, show, table, yuan
from caseflow.cli.problems import DONE, FAILED
from caseflow.kernel.shares import SHARES

LINES = {
    "拨付单号": "key", "收款单位": "payee", "账号": "account", "条款": "measure",
    "指标文号": "document_no", "年度": "year", "承担方": "share", "本期应拨": "amount",
    "状态": "status", "可付": "payable", "支付日期": "paid_on", "凭证号": "voucher_no",
    "备注": "remark",
}  # fmt: skip
ROWS = {"行": "row", "拨付单号": "key", "结果": "result", "说明": "message"}
MOST = 200


def filters(command: Any) -> Any:
    """Give a command the options that choose payment orders."""
    options = [
        click.option("--policy", help="Only orders of this policy."),
        click.option("--measure", help="Only orders of this measure."),
        click.option("--share", type=click.Choice(SHARES), help="The city's or the districts'."),
        click.option("--status", type=click.Choice(STATUSES), help="Only orders that stand so."),
        click.option("--territory", help="Only of applicants in this place, by code."),
        click.option("--case", help="Only of this case, by public id or number."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def payments() -> None:
    """Payment orders (拨付单): list, export for the treasury, import its answer.

    Example: caseflow payments list --status payable --as caizhengju.treasury
    """


@payments.command("list")
@filters
@click.option("--after", metavar="KEY", help="Begin after this order.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_orders(*, after: str | None, limit: int, login: str, as_json: bool, **wanted: Any) -> None:
    """List the orders of the cases that the actor may see, accounts masked.

    Example: caseflow payments list --policy qidong-2026 --status returned --as caizhengju.treasury
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        asked = PaymentFilter(**wanted)
        page = payment_list(session, actor, asked, at, after=after, limit=limit)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(line) for line in page.items]
    told = [{**row, "amount": yuan(row["fen"])} for row in rows]
    show(rows, as_json=as_json, view=lambda: table("拨付单", LINES, told))


@payments.command()
@filters
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The XLSX file to write.")  # fmt: skip
@click.option(
    "--for-treasury",
    is_flag=True,
    help="What my treasury is to pay now of --share, with whole accounts; logged.",
)
@as_option
@json_option
def export(*, output: Path, for_treasury: bool, login: str, as_json: bool, **wanted: Any) -> None:
    """Write 拨付明细表 to FILE.xlsx: masked for anybody, whole for the treasury that pays.

    Example: caseflow payments export -o city.xlsx --share city --for-treasury
    --as caizhengju.treasury
    """
    asked = PaymentFilter(**wanted)
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        made = (
            treasury_file(session, actor, asked, at, signer=house.signer)
            if for_treasury
            else payment_report(session, actor, asked, at)
        )
        output.write_bytes(made.content)
    row = _made(output, made)
    show(row, as_json=as_json, view=lambda: facts("已导出拨付明细表", row))


def _made(output: Path, made: PaymentFile) -> dict[str, Any]:
    total = sum(line.fen for line in made.lines)
    return {
        "file": str(output), "orders": len(made.lines), "fen": total, "sha256": made.sha256,
    }  # fmt: skip


@payments.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@as_option
@json_option
def import_file(*, file: Path, dry_run: bool, login: str, as_json: bool) -> int:
    """Take the treasury's answer FILE (.xlsx or .csv): each row an act, done once, refused alone.

    Exit code 1 if a row was refused; the others are done.
    Example: caseflow payments import answer.xlsx --dry-run --as caizhengju.treasury
    """
    doing = try_answers if dry_run else import_answers
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        report = doing(house.cases(), actor, file.read_bytes(), at, name=file.name)
    show(asdict(report), as_json=as_json, view=lambda: _answered(report))
    return FAILED if report.counts.get("refused") else DONE


def _answered(report: AnswerReport) -> Any:
    counted = "，".join(f"{result} {count}" for result, count in sorted(report.counts.items()))
    title = f"{'试办' if report.dry_run else '办理'}结果：{counted or '没有行'}"
    return table(title, ROWS, map(asdict, report.rows))
