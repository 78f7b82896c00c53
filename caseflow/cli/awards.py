"""`caseflow awards`: the ledger of awards (享受台账), its imports, and the check for overlaps."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType

from caseflow.cases.award_sheets import check_sheet, ledger_sheet, treatment_of
from caseflow.cases.awards import Desk, Ledger, OverlapReport, ledger_of, overlaps_of
from caseflow.catalogue.pinned import Pinned
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import DEFAULT_LIMIT, MOST, facts, json_option, note, show, table, yuan
from caseflow.database.ids import PublicIds
from caseflow.funds.awards.service import Importing, counted, import_awards
from caseflow.funds.awards.sheets import read_table
from caseflow.identity.commitments import committing

AWARDS: Final = {
    "编号": "public_id", "条款": "clause", "级别": "level", "事项": "matters", "金额": "amount",
    "批准日期": "granted_on", "状态": "status", "来源": "source",
}  # fmt: skip
YEARS: Final = {
    "单位": "holder_title", "年度": "year", "条款": "clause", "次数": "times", "金额": "amount",
    "年度总额上限": "ceiling", "剩余": "left", "来源": "source",
}  # fmt: skip
"""手册§10.11; the yearly ceiling is the bureau's to set (AMB-10) and empty until it does."""
CLASHES: Final = {
    "单位": "applicant", "事项指纹": "matters", "本条款金额": "asked", "命中政策": "hit",
    "层级": "level", "已享受金额": "total", "重合程度": "grade_title", "处理": "treatment",
    "可享受": "pay", "依据": "words", "编号": "other",
}  # fmt: skip
"""手册§10.10."""
RESULTS: Final = {"行": "line", "结果": "result", "享受记录": "award", "说明": "message"}
output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write an XLSX here."
)


@click.group()
def awards() -> None:
    """Awards (享受台账): list, import, check.

    Example: caseflow awards import ledger.xlsx --source nantong --as caizhengju.finance_division
    """


@awards.command("list")
@click.option("--applicant", required=True, metavar="ID", help="The applicant's public id.")
@click.option("--after", metavar="AWARD", help="Begin after this award.")
@click.option("--limit", type=click.IntRange(1, MOST), default=DEFAULT_LIMIT, show_default=True,
              help="At most so many.")  # fmt: skip
@output_option
@as_option
@json_option
def list_awards(
    *, applicant: str, after: str | None, limit: int, output: Path | None, login: str, as_json: bool
) -> None:
    """List what an applicant was given, by whichever system, and its totals by year.

    Example: caseflow awards list --applicant ID --as shujuju.handler -o ledger.xlsx
    """
    with open_house() as house, house.database.session() as session:
        desk = _desk(house, login)
        found = ledger_of(session, desk, applicant, after=after, limit=limit)
    if found.page.next is not None:
        note(f"There are more; the next page: --after {found.page.next}")
    years = [{**asdict(line), "amount": yuan(line.amount_fen)} for line in found.years]
    if output is not None:
        output.write_bytes(ledger_sheet(found, by=desk.actor.name, at=desk.at))
    data = {"awards": [asdict(line) for line in found.page.items],
            "years": [asdict(line) for line in found.years]}  # fmt: skip
    show(data, as_json=as_json, view=lambda: _ledger(found, years))


@awards.command()
@click.argument("case")
@output_option
@as_option
@json_option
def check(*, case: str, output: Path | None, login: str, as_json: bool) -> None:
    """Check a case's matters against all awards and cases (就高不重复核查).

    Example: caseflow awards check QD26-7a-2026-000001 --as shujuju.reviewer
    """
    with open_house() as house, house.database.session() as session:
        desk = _desk(house, login)
        found = overlaps_of(session, desk, case, pinned=Pinned())
    rows = [{**_clash(found, asdict(each)), "treatment": treatment_of(each)}
            for each in found.clashes]  # fmt: skip
    if output is not None:
        output.write_bytes(check_sheet(found, by=desk.actor.name, at=desk.at))
    show(asdict(found), as_json=as_json, view=lambda: _report(found, rows))


@awards.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="The system that paid, e.g. nantong-ledger.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row; keep nothing.")
@as_option
@json_option
def import_file(*, file: Path, source: str, dry_run: bool, login: str, as_json: bool) -> None:
    """Record the awards of FILE (.xlsx or .csv) that another system paid, each once for ever.

    Example: caseflow awards import ledger.csv --source nantong --dry-run
    --as caizhengju.finance_division
    """
    rows = read_table(file.read_bytes(), file.name)
    with open_house() as house:
        at = house.now()
        importing = Importing(
            source, house.actor(login, at), at, PublicIds(), committing(house.signer)
        )
        with house.database.session() as session:
            results = import_awards(session, rows, importing)
            if dry_run:
                session.rollback()
    counts = counted(results)
    rows_told = [asdict(each) for each in results]
    data = {"source": source, "dry_run": dry_run, **counts, "rows": rows_told}
    head = {"来源": source, "试运行": dry_run, **counts}
    parts = [facts("登记享受记录", head), table("各行", RESULTS, rows_told)]
    show(data, as_json=as_json, view=lambda: Group(*parts))


def _desk(house: House, login: str) -> Desk:
    at = house.now()
    return Desk(house.actor(login, at), at, house.signer)


def _ledger(found: Ledger, years: list[dict[str, Any]]) -> RenderableType:
    rows = [{**asdict(line), "amount": yuan(line.amount_fen)} for line in found.page.items]
    return Group(
        table(f"{found.applicant_title}：享受记录", AWARDS, rows),
        table("企业享受政策台账", YEARS, years),
    )


def _clash(found: OverlapReport, clash: dict[str, Any]) -> dict[str, Any]:
    return {
        **clash,
        "applicant": found.applicant_title,
        "hit": f"{clash['clause']} {clash['title']}",
        "matters": "、".join(clash["matters"]),
        "asked": yuan(found.asked_fen),
        "total": yuan(clash["total_fen"]),
        "pay": yuan(clash["pay_fen"]),
    }


def _report(found: OverlapReport, rows: list[dict[str, Any]]) -> RenderableType:
    head = {
        "申报主体": found.applicant_title,
        "条款": found.measure,
        "原文": found.words,
        "处理方式": found.mode_title,
        "事项": found.matters,
        "提示": found.warnings,
    }
    return Group(facts(found.number, head), table("就高不重复核查", CLASHES, rows))
