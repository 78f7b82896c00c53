"""`caseflow titles`: lists of titles (称号名单), from import to the pushed case (免申即享)."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType

from caseflow.batches.title_import import HEADINGS, ImportReport, ListSource, import_titles
from caseflow.batches.title_matching import match_titles
from caseflow.batches.title_revocation import Revocation, correct, revoke
from caseflow.catalogue.titles.queries import (
    RESULTS,
    find_list,
    list_views,
    title_events,
    title_lists,
    title_rows,
)
from caseflow.catalogue.titles.service import Line
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import (
    DEFAULT_LIMIT,
    MOST,
    Option,
    facts,
    json_option,
    note,
    progress,
    show,
    table,
)
from caseflow.identity.successions.models import KINDS
from caseflow.identity.successions.queries import succession_line, succession_list
from caseflow.identity.successions.service import Following, record_succession
from caseflow.kernel.titles import LEVELS

LISTS: Final = {
    "编号": "public_id", "文号": "document_no", "种类": "kind", "级别": "level_title",
    "印发日": "issued_on", "条款": "measures", "导入": "imported_at", "各行": "told",
}  # fmt: skip
ROWS: Final = {
    "行": "line", "统一社会信用代码": "uscc", "单位名称": "name", "条款": "measure",
    "结果": "result_title", "办件": "number", "说明": "message",
}  # fmt: skip
IMPORTED: Final = {key: value for key, value in ROWS.items() if value != "number"}
EVENTS: Final = {
    "序号": "seq", "时间": "at", "事项": "title", "行": "line", "办理人": "actor_name",
    "单位": "organisation", "席位": "role",
}  # fmt: skip
CONSEQUENCES: Final = {"办件": "number", "处理": "done", "说明": "message", "追缴": "recovery"}
STEPS: Final = {
    "编号": "id", "原代码": "predecessor", "承继代码": "successor", "类别": "kind_title",
    "文号": "document_no", "生效": "effective_on", "登记": "recorded_by",
}  # fmt: skip
SHOWN: Final = 50
"""How many rows of an import are shown to people; `--json` has them all."""
DAY: Final = click.DateTime(["%Y-%m-%d"])
limit_option: Option = click.option(
    "--limit", type=click.IntRange(1, MOST), default=DEFAULT_LIMIT, show_default=True,
    help="At most so many.",
)  # fmt: skip
after_option: Option = click.option("--after", metavar="NEXT", help="Begin after this one.")


@click.group()
def titles() -> None:
    """Titles (称号、认定): import a list, match it, correct and revoke its rows.

    Example: caseflow titles import 名单.xlsx --kind 智能工厂 --level provincial … --dry-run
    """


@titles.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--document-no", required=True, help="The document's number (文号).")
@click.option("--issued-by", required=True, help="Who issued it.")
@click.option("--kind", required=True, help="The kind of title, as the measures name it.")
@click.option("--level", required=True, type=click.Choice(list(LEVELS)), help="Of which level.")
@click.option("--issued-on", required=True, type=DAY, help="The document's day (印发日).")
@click.option("--valid-to", type=DAY, help="Its last day, where it has one.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row; keep nothing.")
@as_option
@json_option
def import_file(
    *, file: Path, issued_on: datetime, valid_to: datetime | None, dry_run: bool, login: str,
    as_json: bool, **said: str,
) -> None:  # fmt: skip
    r"""Import the list FILE (.xlsx or .csv), once for ever; says what matching would come to.

    \b
    The columns: 统一社会信用代码 单位名称 对象 编号 等次 有效期至; each is there once.
    Example: caseflow titles import 名单.xlsx --document-no 苏工信〔2026〕8号
      --issued-by 江苏省工业和信息化厅 --kind 首台套重大装备或关键部件 --level provincial
      --issued-on 2026-08-03 --dry-run --as kejiju.handler
    """
    source = ListSource(
        issued_on=issued_on.date(), valid_to=valid_to.date() if valid_to else None, **said
    )
    with open_house() as house, progress("读取名单", total=None) as step:
        step(file.name)
        at = house.now()
        report = import_titles(
            house.cases(), house.actor(login, at), source, file.read_bytes(), at, name=file.name,
            dry_run=dry_run,
        )  # fmt: skip
    show(asdict(report), as_json=as_json, view=lambda: _report(report))


def _report(report: ImportReport) -> RenderableType:
    head = {
        "名单": report.title_list or "（试运行，未保存）", "此前已导入": report.already,
        "文件": report.file_sha256, **_words(report.counts),
    }  # fmt: skip
    rows = [asdict(each) for each in report.rows]
    title = f"各行（前 {SHOWN} 行）" if len(rows) > SHOWN else "各行"
    return Group(facts("导入名单", head), table(title, IMPORTED, rows[:SHOWN]))


def _words(counts: dict[str, int]) -> dict[str, Any]:
    return {RESULTS.get(result, result): number for result, number in counts.items()}


@titles.command("list")
@click.option("--kind", help="Only lists of this kind of title.")
@click.option("--level", type=click.Choice(list(LEVELS)), help="Only lists of this level.")
@after_option
@limit_option
@as_option
@json_option
def list_lists(*, login: str, as_json: bool, **wanted: Any) -> None:
    """List the lists of my bureaus, the last imported first.

    Example: caseflow titles list --level national --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        page = title_lists(session, house.actor(login, house.now()), **wanted)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(each) for each in page.items]
    told = [{**row, "told": [f"{k} {v}" for k, v in _words(row["counts"]).items()]} for row in rows]
    show(rows, as_json=as_json, view=lambda: table("称号名单", LISTS, told))


@titles.command("show")
@click.argument("title_list", metavar="LIST")
@click.option("--result", type=click.Choice(list(RESULTS)), help="Only rows that came to this.")
@after_option
@limit_option
@as_option
@json_option
def show_list(*, title_list: str, login: str, as_json: bool, **wanted: Any) -> None:
    """Show LIST and what became of each row.

    Example: caseflow titles show 4jsQ… --result unknown_code --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        found = find_list(session, house.actor(login, house.now()), title_list)
        (view,) = list_views(session, [found])
        page = title_rows(session, found, **wanted)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    data = {**asdict(view), "rows": [asdict(each) for each in page.items], "next": page.next}
    head = {heading: data[key] for heading, key in LISTS.items() if key != "told"}
    parts = [facts("名单", {**head, **_words(view.counts)}), table("各行", ROWS, data["rows"])]
    show(data, as_json=as_json, view=lambda: Group(*parts))


@titles.command()
@click.argument("title_list", metavar="LIST")
@click.option("--after", type=click.IntRange(0), default=0, metavar="SEQ",
              help="Begin after this event.")  # fmt: skip
@limit_option
@as_option
@json_option
def history(*, title_list: str, after: int, limit: int, login: str, as_json: bool) -> None:
    """Show what happened to LIST: who imported, matched, corrected and revoked what, in which seat.

    Example: caseflow titles history 4jsQ… --as shujuju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        found = find_list(session, house.actor(login, house.now()), title_list)
        page = title_events(session, found, after=after, limit=limit)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(each) for each in page.items]
    show(rows, as_json=as_json, view=lambda: table("留痕", EVENTS, rows))


@titles.command()
@click.argument("title_list", metavar="LIST")
@as_option
@json_option
def match(*, title_list: str, login: str, as_json: bool) -> None:
    """Make a case of every row of LIST that is due one, and ask its enterprise to confirm.

    Rows that came to nothing (e.g. 未登记) are tried anew each time.
    Example: caseflow titles match 4jsQ… --as shujuju.handler
    """
    with open_house() as house, progress("匹配名单") as step:
        at = house.now()
        found = match_titles(house.cases(), house.actor(login, at), title_list, at, step=step)
    data = asdict(found)
    head = {"名单": found.title_list, "已推送": found.pushed, **_words(found.counts)}
    show(data, as_json=as_json, view=lambda: facts("匹配结果", head))


@titles.command("correct")
@click.argument("title_list", metavar="LIST")
@click.argument("line", type=click.IntRange(1))
@click.option("--uscc", required=True, help=f"{next(iter(HEADINGS))}, as it should be.")
@click.option("--name", required=True, help="The name, as it should be.")
@click.option("--object", "thing", help="The product, case or park.")
@click.option("--object-no", help="Its number (备案号, 证书号).")
@click.option("--grade", help="The grade (等次).")
@click.option("--valid-to", type=DAY, help="Its last day.")
@click.option("--reason", required=True, help="Why.")
@as_option
@json_option
def correct_line(
    *, title_list: str, line: int, thing: str | None, valid_to: datetime | None, reason: str,
    login: str, as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Correct LINE of LIST: what it should have said, whole; the first stays on record.

    Example: caseflow titles correct 4jsQ… 12 --uscc 9132… --name 示例公司 --reason 代码录入有误
    --as shujuju.handler
    """
    row = Line(line, object=thing, valid_to=valid_to.date() if valid_to else None, **said)
    with open_house() as house:
        at = house.now()
        made = correct(house.cases(), house.actor(login, at), title_list, row, at, reason=reason)
    show(asdict(made), as_json=as_json, view=lambda: facts("已更正", asdict(made)))


@titles.command("revoke")
@click.argument("title_list", metavar="LIST")
@click.argument("line", type=click.IntRange(1))
@click.option("--document-no", required=True, help="The document that revokes it.")
@click.option("--reason", required=True, help="Why it was revoked.")
@click.option("--revoked-on", required=True, type=DAY, help="Since when.")
@as_option
@json_option
def revoke_line(*, revoked_on: datetime, login: str, as_json: bool, **said: Any) -> None:
    """Record that the title of LINE was revoked: its unpaid case stops, a paid one is recovered.

    Example: caseflow titles revoke 4jsQ… 3 --document-no 苏工信〔2027〕2号 --reason 提供虚假材料
    --revoked-on 2027-01-08 --as shujuju.division_head
    """
    with open_house() as house:
        at = house.now()
        wanted = Revocation(revoked_on=revoked_on.date(), **said)
        done = revoke(house.cases(), house.actor(login, at), wanted, at)
    data = asdict(done)
    title = f"第 {done.line} 行已依据 {done.document_no} 登记撤销"
    show(data, as_json=as_json, view=lambda: table(title, CONSEQUENCES, data["consequences"]))


@titles.command("succeed")
@click.argument("predecessor")
@click.argument("successor")
@click.option("--kind", required=True, type=click.Choice(list(KINDS)), help="How.")
@click.option("--document-no", required=True, help="By which document.")
@click.option("--effective-on", required=True, type=DAY, help="Since when.")
@as_option
@json_option
def succeed(*, effective_on: datetime, login: str, as_json: bool, **said: str) -> None:
    """Record that the credit code PREDECESSOR goes on as SUCCESSOR (承继): titles follow.

    Example: caseflow titles succeed 9132… 9132… --kind merger --document-no 登记通知〔2026〕1号
    --effective-on 2026-09-01 --as shujuju.reviewer
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        wanted = Following(effective_on=effective_on.date(), **said)
        actor = house.actor(login, at)
        row = record_succession(session, wanted, actor, at, signer=house.signer)
        line = asdict(succession_line(session, row))
    show(line, as_json=as_json, view=lambda: table("已登记承继", STEPS, [line]))


@titles.command("successions")
@click.option("--code", help="Only those of this credit code, on either side.")
@after_option
@limit_option
@as_option
@json_option
def list_successions(*, login: str, as_json: bool, **wanted: Any) -> None:
    """List who goes on as whom, the last recorded first.

    Example: caseflow titles successions --as shujuju.reviewer
    """
    with open_house() as house, house.database.session() as session:
        page = succession_list(session, house.actor(login, house.now()), **wanted)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(each) for each in page.items]
    show(rows, as_json=as_json, view=lambda: table("承继关系", STEPS, rows))
