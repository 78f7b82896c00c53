"""`caseflow indicators`: how far a policy has come, and what its owners report of it."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType

from caseflow.cases.indicators import IndicatorDetail, indicator_detail, policy_progress
from caseflow.catalogue.indicators.dues import due_list
from caseflow.catalogue.indicators.queries import (
    ReportLine,
    owned_indicator,
    owned_indicators,
    report_line,
    report_list,
)
from caseflow.catalogue.indicators.service import (
    Evidence,
    Given,
    Hand,
    confirm_report,
    report_indicator,
    reporting_owner,
)
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import Page, facts, json_option, note, paged, show, table
from caseflow.database.ids import PublicIds
from caseflow.deadlines.queries import load_calendar
from caseflow.documents.service import receive_file
from caseflow.kernel.indicators import COMPARISON_TITLES
from caseflow.kernel.periods import TITLES

INDICATORS: Final = {
    "政策": "policy",
    "指标": "indicator",
    "名称": "title",
    "单位": "unit",
    "目标": "target",
    "年份": "target_year",
    "达标": "comparison",
    "报送": "reported",
    "责任部门": "owners",
}
PROGRESS: Final = {
    "序号": "number",
    "指标": "title",
    "单位": "unit",
    "累计": "value",
    "截至": "as_of",
    "目标": "target",
    "完成%": "percent",
    "达标": "reached",
    "齐报": "complete",
    "办件计数": "counted",
    "差额": "difference",
    "对照": "told",
    "下次截止": "next_due_on",
    "逾期": "overdue",
}
PERIODS: Final = {
    "报送期": "title",
    "截止": "due_on",
    "应报": "asked",
    "已确认": "confirmed",
    "累计": "value",
    "目标": "target",
    "完成%": "percent",
    "达标": "reached",
    "办件计数": "counted",
    "差额": "difference",
    "对照": "told",
}
REPORTS: Final = {
    "编号": "public_id",
    "报送期": "period",
    "单位": "organisation",
    "累计": "value",
    "状态": "status",
    "更正": "corrects",
    "报送人": "reported_by",
    "确认人": "confirmed_by",
}
DUES: Final = {
    "政策": "policy",
    "指标": "indicator",
    "报送期": "period",
    "截止": "due_on",
    "暂定": "provisional",
    "责任部门": "owners",
    "状态": "state",
    "报送": "report",
}
STATUSES: Final = {"reported": "待确认", "confirmed": "已确认", "superseded": "已更正"}
AGAINST_CASES: Final = {
    "equal": "与办件计数一致",
    "more": "多于办件计数",
    "fewer": "少于办件计数，须核对",
}


@click.group()
def indicators() -> None:
    """Indicators (指标) of policies: targets, owners, reports with proof, progress.

    Example: caseflow indicators progress nantong-agi-2024
    """


@indicators.command("list")
@click.argument("policy", required=False)
@paged("key", "target_year")
@json_option
def list_indicators(*, policy: str | None, page: Page, as_json: bool) -> None:
    """List the indicators of POLICY, or of all that are loaded: targets, schedule, owners.

    Example: caseflow indicators list nantong-agi-2024
    """
    with open_house() as house, house.database.session() as session:
        found = owned_indicators(session, policy)
        known = [_row(each.policy, each.definition) for each in found]
    rows = page.of(known)
    show(rows, as_json=as_json, view=lambda: table("指标", INDICATORS, rows))


def _row(policy: str, definition: Any) -> dict[str, Any]:
    reporting = definition["reporting"]
    by = "各单位分报" if reporting["by"] == "each" else "一家报送"
    return {
        "key": f"{policy}/{definition['id']}",
        "policy": policy,
        "indicator": definition["id"],
        "number": definition["number"],
        "title": definition["title"],
        "unit": definition["unit"],
        "target": definition["target"],
        "target_year": definition["year"],
        "comparison": COMPARISON_TITLES[definition["comparison"]["rule"]],
        "reported": f"每{TITLES[reporting['period']]}后次月{reporting['day']}日，{by}",
        "owners": list(definition["owners"]),
        "words": definition["words"],
    }


@indicators.command()
@click.argument("policy")
@json_option
def progress(*, policy: str, as_json: bool) -> None:
    """Tell how far each indicator of POLICY has come, beside what its cases count.

    Example: caseflow indicators progress nantong-agi-2024 --json
    """
    with open_house() as house, house.database.session() as session:
        found = policy_progress(session, policy, house.now())
    rows = _readable(map(asdict, found.items))
    title = f"《{found.title}》指标进展（牵头：{found.lead or '未写明'}）"
    show(asdict(found), as_json=as_json, view=lambda: table(title, PROGRESS, rows))


@indicators.command("show")
@click.argument("policy")
@click.argument("indicator")
@click.option("--after", metavar="ID", help="Reports: begin after this one.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True,
              help="At most so many reports.")  # fmt: skip
@click.option("--as", "login", envvar="CASEFLOW_AS", metavar="LOGIN",
              help="Who asks; without it no reports are listed.")  # fmt: skip
@json_option
def show_indicator(
    *, policy: str, indicator: str, after: str | None, limit: int, login: str | None, as_json: bool
) -> None:
    """Show INDICATOR of POLICY: its words, its periods, and the reports that LOGIN may see.

    Example: caseflow indicators show nantong-agi-2024 compute --as nt_kejiju.handler
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        found = indicator_detail(session, policy, indicator, at)
        reports: tuple[ReportLine, ...] = ()
        if login is not None:
            actor = house.actor(login, at)
            page = report_list(
                session, actor, policy=policy, indicator=indicator, after=after, limit=limit
            )
            reports = page.items
            if page.next is not None:
                note(f"There are more; the next page: --after {page.next}")
    data = {**asdict(found), "reports": [asdict(each) for each in reports]}
    show(data, as_json=as_json, view=lambda: _view(found, data))


def _view(found: IndicatorDetail, data: dict[str, Any]) -> RenderableType:
    definition, row = found.definition, _row(found.progress.policy, found.definition)
    counting = definition["counting"]
    head = {
        "原文": definition["words"],
        "目标": f"{definition['year']}年 {definition['target']}{definition['unit']}",
        "达标": f"{row['comparison']}；{definition['comparison']['source']}",
        "报送": f"{row['reported']}；{definition['reporting']['source']}",
        "责任部门": found.progress.owners,
        "办件计数": f"{'、'.join(counting['measures'])}：{counting['source']}"
        if counting
        else None,
    }
    return Group(
        facts(definition["title"], head),
        table("各期", PERIODS, _readable(data["periods"])),
        table("报送记录", REPORTS, [_reported(each) for each in data["reports"]]),
    )


def _reported(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "status": STATUSES[row["status"]]}


def _readable(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "told": AGAINST_CASES.get(row["against_cases"])} for row in rows]


@indicators.command()
@click.argument("policy", required=False)
@click.option("--after", metavar="KEY", help="Begin after this line.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def due(*, policy: str | None, after: str | None, limit: int, login: str, as_json: bool) -> None:
    """List what LOGIN's organisations are to report or to confirm, the first due first.

    Example: caseflow indicators due --as nt_kejiju.handler
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = due_list(session, actor, policy, after=after, limit=limit)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    states = {"to_report": "待报送", "to_confirm": "待确认"}
    told = [{**row, "state": states[row["state"]]} for row in rows]
    show(rows, as_json=as_json, view=lambda: table("应报指标", DUES, told))


@indicators.command()
@click.argument("policy")
@click.argument("indicator")
@click.argument("value")
@click.option("--period", required=True, metavar="CODE", help="Such as 2026Q3; it must be over.")
@click.option("--evidence", "files", required=True, multiple=True, metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A file that proves it; may be given several times.")  # fmt: skip
@click.option("--note", help="A line to be read with it.")
@click.option("--corrects", metavar="ID", help="The report that this one takes the place of.")
@click.option("--reason", help="Why it is corrected.")
@as_option
@json_option
def report(
    *, policy: str, indicator: str, files: tuple[Path, ...], login: str, as_json: bool,
    **given: str | None,
) -> None:  # fmt: skip
    r"""Report VALUE of INDICATOR, cumulative at the end of a period, as an owner's handler.

    It counts once a second person confirms it, and is never changed: another one corrects it.

    \b
    Example: caseflow indicators report nantong-agi-2024 compute 320.5 --period 2026Q3
      --evidence 算力统计表.pdf --as nt_kejiju.handler
    """
    with open_house() as house:
        hand = _hand(house, login)
        with house.database.session() as session:
            reporting_owner(owned_indicator(session, policy, indicator), hand.actor, hand.at)
        evidence = tuple(_received(house, path) for path in files)
        wanted: Any = {**given, "policy": policy, "indicator": indicator, "evidence": evidence}
        with house.database.session() as session:
            row = report_indicator(
                session,
                Given(**wanted),
                hand,
                ids=PublicIds(),
                calendar=load_calendar(session),
            )
            line = report_line(session, row)
    _told("已报送，待第二人确认", line, as_json=as_json)


def _received(house: House, path: Path) -> Evidence:
    settings = house.settings
    with path.open("rb") as stream:
        found = receive_file(settings.files, stream, name=path.name, limit=settings.upload_limit)
    return Evidence(found.stored.sha256, found.name, found.media_type, found.stored.size)


@indicators.command()
@click.argument("reported", metavar="ID")
@as_option
@json_option
def confirm(*, reported: str, login: str, as_json: bool) -> None:
    """Confirm the report ID as a second person of its owner, or of the bureau that leads.

    Example: caseflow indicators confirm 4jsQ… --as nt_kejiju.reviewer
    """
    with open_house() as house, house.database.session() as session:
        row = confirm_report(session, reported, _hand(house, login))
        line = report_line(session, row)
    _told("已确认", line, as_json=as_json)


def _hand(house: House, login: str) -> Hand:
    at = house.now()
    return Hand(house.actor(login, at), at, house.signer)


def _told(title: str, line: ReportLine, *, as_json: bool) -> None:
    data = asdict(line)
    columns = {**REPORTS, "佐证": "evidence"}
    files = [f"{each['name']}（{each['sha256'][:12]}…）" for each in data["evidence"]]
    shown = {**_reported(data), "evidence": files}
    show(
        data, as_json=as_json, view=lambda: facts(title, {k: shown[v] for k, v in columns.items()})
    )
