"""`caseflow budgets`: lines of money, the fiscal split, and what became of the money."""

from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from caseflow.cases.execution import COLUMNS as EXECUTION
from caseflow.cases.execution import execution, execution_sheet
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import Option, facts, json_option, note, show, table, yuan
from caseflow.cli.problems import DONE, FAILED
from caseflow.database.ids import PublicIds
from caseflow.funds import queries, service
from caseflow.funds.ledger import disagreements
from caseflow.funds.queries import BudgetFilter, SplitView
from caseflow.funds.service import Appropriation, Hand
from caseflow.funds.sheets import workbook
from caseflow.kernel.money import Money
from caseflow.kernel.shares import SHARES

LINES = {
    "编号": "public_id", "预算项目": "title", "政策": "policy", "条款": "measure", "年度": "year",
    "承担方": "share", "属地": "territory_title", "年度预算": "appropriated_fen",
    "可用": "available_fen", "拟安排": "reserved_fen", "已审定": "committed_fen",
    "已下达": "released_fen", "已拨付": "paid_fen", "已追回": "recovered_fen",
}  # fmt: skip
SPLITS = {
    "编号": "id", "政策": "policy", "属地": "territory", "市级承担%": "city_percent",
    "自": "valid_from", "依据": "basis", "录入": "entered_by", "复核": "confirmed_by",
}  # fmt: skip
FAULTS = {
    "预算项目": "line_id",
    "账户": "kind",
    "余额（分）": "balance_fen",
    "分录（分）": "entered_fen",
}
MOST = 200
yuan_option: Option = click.option("--yuan", "amount", required=True, help="How much, e.g. 1000.50")
document_option: Option = click.option(
    "--document-no", required=True, help="The budget document (指标文号)."
)


def filters(command: Any) -> Any:
    """Give a command the options that choose budget lines."""
    options = [
        click.option("--policy", help="Only lines of this policy."),
        click.option("--measure", help="Only lines of this measure."),
        click.option("--year", type=int, help="Only this budget year."),
        click.option("--share", type=click.Choice(SHARES), help="The city's or the districts'."),
        click.option("--territory", help="Only what this place's treasury pays, by code."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def budgets() -> None:
    """Budgets (预算): lines, appropriations, the fiscal split, execution.

    Example: caseflow budgets list --year 2026 --as caizhengju.finance_division
    """


@budgets.command("list")
@filters
@click.option("--after", metavar="LINE", help="Begin after this line (public id).")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_lines(*, after: str | None, limit: int, login: str, as_json: bool, **wanted: Any) -> None:
    """List the budget lines that the actor may see, with all balances, the newest first.

    Example: caseflow budgets list --policy nantong-2026 --as nt_caizhengju.treasury
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = queries.budget_lines(
            session, actor, BudgetFilter(**wanted), after=after, limit=limit
        )
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(line) for line in page.items]
    show(rows, as_json=as_json, view=lambda: table("预算", LINES, map(_told, rows)))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its fen in yuan, for people."""
    return {key: yuan(value) if key.endswith("_fen") else value for key, value in row.items()}


@budgets.command()
@click.argument("policy")
@click.option("--measure", help="For this measure alone.")
@click.option("--year", type=int, required=True, help="The budget year.")
@click.option("--share", type=click.Choice(SHARES), required=True, help="Who bears it.")
@click.option("--territory", required=True, help="The place whose treasury pays, by code.")
@yuan_option
@document_option
@click.option("--title", help="The line's title (预算项目).")
@click.option("--functional-subject", help="功能科目, e.g. 2060499.")
@click.option("--economic-subject", help="经济科目.")
@as_option
@json_option
def appropriate(*, amount: str, login: str, as_json: bool, **given: Any) -> None:
    """Put money into the line of POLICY, opened the first time (下达预算).

    Example: caseflow budgets appropriate nantong-2026 --year 2026 --share city --territory nantong
    --yuan 10000000 --document-no 通财预〔2026〕1号 --as nt_caizhengju.finance_division
    """
    wanted = Appropriation(fen=Money.from_yuan(amount).fen, **given)
    with open_house() as house, house.database.session() as session:
        line = service.appropriate(session, wanted, _hand(house, login), ids=PublicIds())
        row = _shown(session, house, login, line.public_id)
    _say("已下达预算", row, as_json=as_json)


@budgets.command()
@click.argument("line")
@yuan_option
@document_option
@as_option
@json_option
def withdraw(*, line: str, amount: str, document_no: str, login: str, as_json: bool) -> None:
    """Take back from LINE what nobody has reserved yet (调减预算).

    Example: caseflow budgets withdraw LINE --yuan 500 --document-no 启财预〔2026〕9号
    --as caizhengju.finance_division
    """
    fen = Money.from_yuan(amount).fen
    with open_house() as house, house.database.session() as session:
        hand = _hand(house, login)
        number = queries.line_id(session, house.actor(login, hand.at), line)
        service.withdraw(session, number, fen=fen, document_no=document_no, hand=hand)
        row = _shown(session, house, login, line)
    _say("已调减预算", row, as_json=as_json)


@budgets.command("carry-over")
@click.argument("line")
@yuan_option
@document_option
@as_option
@json_option
def carry_over(*, line: str, amount: str, document_no: str, login: str, as_json: bool) -> None:
    """Move what is available of LINE to the next year's line (结转).

    Example: caseflow budgets carry-over LINE --yuan 500 --document-no 启财预〔2027〕1号
    --as caizhengju.finance_division
    """
    fen = Money.from_yuan(amount).fen
    with open_house() as house, house.database.session() as session:
        hand = _hand(house, login)
        number = queries.line_id(session, house.actor(login, hand.at), line)
        following = service.carry_over(
            session, number, fen=fen, document_no=document_no, hand=hand, ids=PublicIds()
        )
        row = _shown(session, house, login, following.public_id)
    _say("已结转", row, as_json=as_json)


@budgets.command()
@filters
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it to this XLSX file.")  # fmt: skip
@as_option
@json_option
def report(*, output: Path | None, login: str, as_json: bool, **wanted: Any) -> None:
    """Show what became of the money, line by line and clause by clause (预算执行).

    Example: caseflow budgets report --policy nantong-2026 --year 2026 -o execution.xlsx
    --as nt_caizhengju.finance_division
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        found = execution(session, house.actor(login, at), BudgetFilter(**wanted), at)
    sheet = execution_sheet(found)
    if output is not None:
        output.write_bytes(workbook([sheet]))
        note(f"Written to {output}; checksum {found.checksum}.")
    headings = {column.title: column.key for column in EXECUTION}
    title = f"{found.title}（{found.period}，元）"
    show(
        asdict(found),
        as_json=as_json,
        view=lambda: table(title, headings, [_told(dict(row)) for row in sheet.rows]),
    )


@budgets.command()
@json_option
def verify(*, as_json: bool) -> int:
    """Compare every balance with the sum of its entries; exit code 1 where one differs.

    Example: caseflow budgets verify --json
    """
    with open_house() as house, house.database.session() as session:
        faults = [row._asdict() for row in disagreements(session)]
    result = {"ok": not faults, "faults": faults}
    agrees = facts("账实相符", {"核对": "各账户余额都等于其分录之和"})
    show(
        result,
        as_json=as_json,
        view=lambda: table("账实不符", FAULTS, faults) if faults else agrees,
    )
    return FAILED if faults else DONE


@budgets.group()
def split() -> None:
    """What the city bears in a place under 现行财政体制: entered by one, confirmed by another.

    Example: caseflow budgets split list --as yc_caizhengju.finance_division
    """


@split.command("list")
@click.option("--policy", help="Only of this policy.")
@as_option
@json_option
def list_splits(*, policy: str | None, login: str, as_json: bool) -> None:
    """List the entered splits, the newest first.

    Example: caseflow budgets split list --policy yancheng-ai-plus --as yc_caizhengju.treasury
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        rows = [asdict(row) for row in queries.fiscal_splits(session, actor, policy=policy)]
    show(rows, as_json=as_json, view=lambda: table("财政分担", SPLITS, rows))


@split.command("enter")
@click.argument("policy")
@click.option("--territory", required=True, help="The place, by code.")
@click.option("--city-percent", required=True, type=Decimal, help="What the city bears, e.g. 45.5")
@click.option("--valid-from", required=True, type=click.DateTime(["%Y-%m-%d"]), help="From when.")
@click.option("--basis", required=True, help="The document it rests on.")
@as_option
@json_option
def enter(*, valid_from: Any, login: str, as_json: bool, **given: Any) -> None:
    """Enter what the city bears of POLICY in a place.

    Example: caseflow budgets split enter yancheng-ai-plus --territory yc_tinghu --city-percent 50
    --valid-from 2026-01-01 --basis 盐政发〔2024〕1号 --as yc_caizhengju.finance_division
    """
    with open_house() as house, house.database.session() as session:
        hand = _hand(house, login)
        made = service.enter_split(session, valid_from=valid_from.date(), hand=hand, **given)
        row = _of_split(session, house, login, made.id)
    show(asdict(row), as_json=as_json, view=lambda: facts("已录入分担比例", asdict(row)))


@split.command("confirm")
@click.argument("number", type=int)
@as_option
@json_option
def confirm(*, number: int, login: str, as_json: bool) -> None:
    """Confirm the split NUMBER that another person entered.

    Example: caseflow budgets split confirm 4711 --as yc_caizhengju.treasury
    """
    with open_house() as house, house.database.session() as session:
        service.confirm_split(session, number, _hand(house, login))
        row = _of_split(session, house, login, number)
    show(asdict(row), as_json=as_json, view=lambda: facts("已复核分担比例", asdict(row)))


def _of_split(session: Any, house: House, login: str, number: int) -> SplitView:
    actor = house.actor(login, house.now())
    session.flush()
    return queries.fiscal_splits(session, actor, split_id=number)[0]


def _hand(house: House, login: str) -> Hand:
    at = house.now()
    return Hand(house.actor(login, at).id, at, house.signer)


def _shown(session: Any, house: House, login: str, line: str) -> dict[str, Any]:
    session.flush()
    return asdict(queries.budget_line(session, house.actor(login, house.now()), line))


def _say(title: str, row: dict[str, Any], *, as_json: bool) -> None:
    told = {heading: _told(row)[key] for heading, key in LINES.items()}
    show(row, as_json=as_json, view=lambda: facts(title, told))
