"""`caseflow equity`: 股权台账, one project's equity, the pool's ledger, a conversion tried out."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType

from caseflow.cases.equity_pools import pools
from caseflow.cases.equity_register import RegisterFilter, register, whole_register
from caseflow.cases.equity_sheet import ROUTES, register_sheet
from caseflow.cases.queries import MAX_PAGE, find_case
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Option, facts, json_option, note, show, table, yuan
from caseflow.cli.payload import given_payload
from caseflow.funds.equity import queries
from caseflow.kernel.equity.position import ACCOUNTS
from caseflow.kernel.errors import InvalidInput

LINES = {
    "编号": "number",
    "企业": "applicant_title",
    "拨款": "granted",
    "拨款日": "granted_on",
    "触发日": "triggered_on",
    "转股": "converted",
    "轮次": "round",
    "持股%": "percent",
    "退出": "route",
    "回收": "returned",
    "收益": "gain",
    "损失": "lost",
    "DPI": "dpi",
}
POOLS = {
    "条款": "measure",
    "项目": "projects",
    "财政拨入": "opening",
    "累计拨出": "granted",
    "转股": "converted",
    "退出": "exited",
    "收回本金": "returned",
    "收益": "gain",
    "损失": "lost",
    "转补助": "kept",
    "池内余额": "balance",
    "DPI": "dpi",
}
TERMS = {
    "版本": "version",
    "文号": "document_no",
    "触发条件": "triggers_text",
    "估值口径": "valuation",
    "折扣%": "discount_percent",
    "上限%": "share_cap_percent",
    "回购利率‱": "buyback_rate_bp",
    "回购期（年）": "buyback_years",
}
HOLDERS = {"持股人": "holder", "转股前": "shares_before", "转股后": "shares_after"}
FLOWS = {
    "版本": "version",
    "事项": "event",
    "日期": "on_date",
    "自": "source_title",
    "至": "target_title",
    "金额": "amount",
}
STEPS = {"事项": "title", "数额": "amount", "精确值（分、股、%）": "exact", "依据": "words"}
UNITS = {"shares": "股", "percent": "%", "days": "天"}
REQUIRED = (
    "converted_fen", "round_on", "pre_money_fen", "raised_fen", "shares_before", "shares_issued",
    "holders",
)  # fmt: skip
MEETING = ("meeting_share_cap", "meeting_may_be_largest")

measure_option: Option = click.option("--measure", help="Only projects of this measure.")
limit_option: Option = click.option(
    "--limit",
    type=click.IntRange(1, MAX_PAGE),
    default=50,
    show_default=True,
    help="At most so many.",
)


@click.group()
def equity() -> None:
    """拨投股: agreements, shares, exits, and the pool that the money comes from.

    Example: caseflow equity list --as shenjiju.auditor
    """


@equity.command("list")
@measure_option
@click.option(
    "--due-by",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only those not converted whose long-stop date is this day or before.",
)
@click.option("--after", metavar="CASE", help="Begin after this case (public id).")
@limit_option
@click.option(
    "--xlsx",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the whole register to this file.",
)
@as_option
@json_option
def list_equity(
    *,
    measure: str | None,
    due_by: Any,
    after: str | None,
    limit: int,
    file: Path | None,
    login: str,
    as_json: bool,
) -> None:
    """List the projects with a sealed agreement that the actor may see (股权台账).

    Example: caseflow equity list --xlsx register.xlsx --as shenjiju.auditor
    """
    wanted = RegisterFilter(measure, due_by.date() if due_by else None)
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        page = register(session, actor, wanted, after=after, limit=limit)
        if file is not None:
            lines = whole_register(session, actor, wanted)
            file.write_bytes(register_sheet(lines, asdict(wanted), by=actor.name, at=at))
            note(f"Written to {file}.")
    rows = [asdict(line) for line in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("股权台账", LINES, map(_register_row, rows)))


def _register_row(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("granted", "converted", "returned", "gain", "lost")
    route = ROUTES.get(row["exit_route"] or "")
    return {**row, "route": route, **{name: yuan(row[f"{name}_fen"]) for name in names}}


@equity.command("show")
@click.argument("case")
@as_option
@json_option
def show_equity(*, case: str, login: str, as_json: bool) -> None:
    """Show one project's equity: terms, cap table, conversion, exit or loss, every flow.

    Example: caseflow equity show NT24-7-2026-000001 --as shenjiju.auditor
    """
    with open_house() as house, house.database.session() as session:
        found = find_case(session, house.actor(login, house.now()), case)
        data = asdict(queries.case_equity(session, found.id))
        title = found.number
    show(data, as_json=as_json, view=lambda: _view(title, data))


def _view(title: str, data: dict[str, Any]) -> RenderableType:
    position = data["position"]
    money = {
        ACCOUNTS[name]: yuan(position[f"{name}_fen"])
        for name in ("granted", "equity", "returned", "gain", "lost", "kept")
    }
    flows = [{**flow, "amount": yuan(flow["fen"])} for flow in data["flows"]]
    head = {"累计转入企业": yuan(position["transferred_fen"]), **money, "DPI": position["dpi"]}
    parts: list[RenderableType] = [facts(title, head), table("协议条款", TERMS, data["terms"])]
    if data["conversion"]:
        parts.append(table("股权结构", HOLDERS, data["round"]["holders"]))
        parts.append(_steps("转股", data["conversion"]["lines"]))
    if data["exit"]:
        parts.append(_steps("退出", data["exit"]["lines"]))
    return Group(*parts, table("资金流水", FLOWS, flows))


def _steps(title: str, lines: Any) -> RenderableType:
    rows = [
        {
            **line,
            "amount": yuan(line["value"])
            if line["unit"] == "fen"
            else f"{line['value']}{UNITS[line['unit']]}",
        }
        for line in lines
    ]
    return table(title, STEPS, rows)


@equity.command("pool")
@click.option("--after", metavar="MEASURE", help="Begin after this measure.")
@limit_option
@as_option
@json_option
def show_pools(*, after: str | None, limit: int, login: str, as_json: bool) -> None:
    """Show the pools (资金池): opening, granted, converted, exited, returned, lost, balance.

    Example: caseflow equity pool --as shenjiju.auditor
    """
    with open_house() as house, house.database.session() as session:
        page = pools(session, house.actor(login, house.now()), after=after, limit=limit)
    rows = [asdict(view) for view in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("资金池", POOLS, map(_pool_row, rows)))


def _pool_row(row: Mapping[str, Any]) -> dict[str, Any]:
    names = [name.removesuffix("_fen") for name in row if name.endswith("_fen")]
    return {**row, **{name: yuan(row[f"{name}_fen"]) for name in names}}


@equity.command("preview")
@click.argument("case")
@click.option("--payload", help="The figures as a JSON object, or @FILE.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="One figure.")
@as_option
@json_option
def preview_conversion(
    *, case: str, payload: str | None, pairs: tuple[str, ...], login: str, as_json: bool
) -> None:
    """Tell what an amount would convert into by the terms in force; nothing is kept.

    It takes converted_fen, round_on, pre_money_fen, raised_fen, shares_before, shares_issued,
    holders (名称：股数), and where the meeting decides meeting_share_cap, meeting_may_be_largest.
    Example: caseflow equity preview CASE --payload @round.json --as kejiju.handler
    """
    asked = _asked(given_payload(payload, pairs))
    meeting = {name: asked.pop(name, None) for name in MEETING}
    with open_house() as house, house.database.session() as session:
        found = find_case(session, house.actor(login, house.now()), case)
        made = queries.preview(
            session,
            found.id,
            {"round_title": "测算", **asked},
            cap_percent=meeting["meeting_share_cap"],
            may_be_largest=meeting["meeting_may_be_largest"],
        )
    data = asdict(made)
    show(data, as_json=as_json, view=lambda: _steps("转股测算", data["lines"]))


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a preview, each of its type.

    Raises:
        InvalidInput: one is missing, unknown or no whole number, text or date.
    """
    wrong = {name: "必填" for name in REQUIRED if name not in given}
    for name, value in given.items():
        why = _wrong(name, value)
        if why:
            wrong[name] = why
    if wrong:
        listed = "；".join(f"{name}：{why}" for name, why in wrong.items())
        raise InvalidInput(f"所填内容有误：{listed}", fields=wrong)
    return given


def _wrong(name: str, value: Any) -> str:
    if name == "holders":
        return "" if isinstance(value, list) and all(isinstance(x, str) for x in value) else "列表"
    if name == "round_title":
        return "" if isinstance(value, str) and value.strip() else "须为文字"
    if name == "round_on":
        return "" if _is_day(value) else "须为日期 YYYY-MM-DD"
    if name == "meeting_may_be_largest":
        return "" if isinstance(value, bool) else "须为 true 或 false"
    if name in {*REQUIRED, *MEETING}:
        return "" if type(value) is int and value >= 0 else "须为非负整数"
    return "没有此项"


def _is_day(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except (TypeError, ValueError):
        return False
