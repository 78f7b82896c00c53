"""`caseflow parameters`: what a bureau settles where a clause leaves it open."""

import json
from dataclasses import asdict
from typing import Any

import click
from rich.console import Group, RenderableType

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.parameters.queries import (
    STATES,
    ParameterLine,
    in_force,
    missing,
    parameter_line,
    parameter_list,
    parameters_on,
)
from caseflow.catalogue.parameters.service import (
    Entry,
    Hand,
    confirm_parameter,
    enter_parameter,
    withdraw_parameter,
)
from caseflow.cli.clauses import readable
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.measures import IN_FORCE, MISSING
from caseflow.cli.output import Option, facts, json_option, note, show, table
from caseflow.cli.policies import on_option
from caseflow.database.ids import PublicIds
from caseflow.kernel.benefits.parameters import PARAMETERS

ENTERED = {
    "编号": "public_id",
    "参数": "title",
    "值": "value",
    "自": "valid_from",
    "文号": "document_no",
    "状态": "status",
    "录入": "entered_by",
    "确认": "confirmed_by",
}
WAITING = {"编号": "public_id", "条款": "measure", **ENTERED}
TEXTS = frozenset({"choice", "percent"})
"""Types whose values are text, also where they read as a number."""

limit_option: Option = click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many."
)


@click.group()
def parameters() -> None:
    """Parameters (参数): tiers, ratios, totals … that a bureau settles where a clause is open.

    Example: caseflow parameters list QD26-5a --as kejiju.handler
    """


@parameters.command("list")
@click.argument("measure")
@on_option
@click.option("--name", type=click.Choice(tuple(PARAMETERS)), help="Only this parameter.")
@click.option("--status", type=click.Choice(STATES), help="Only values in this state.")
@click.option("--after", metavar="ID", help="Begin after this value.")
@limit_option
@as_option
@json_option
def list_parameters(
    *, measure: str, day: Any, login: str, as_json: bool, limit: int, **wanted: Any
) -> None:
    """List what is in force of MEASURE on a day, what is missing, and every value entered.

    Example: caseflow parameters list QD26-5a --on 2026-10-12 --as kejiju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        on = day.date() if day else house.today()
        found = catalogue.measure(session, measure)
        known = parameters_on(session, found.id, on=on, known_at=at)
        actor = house.actor(login, at)
        page = parameter_list(session, actor, measure=measure, limit=limit, **wanted)
        data = {
            "measure": measure,
            "on": on,
            "in_force": [asdict(each) for each in in_force(known)],
            "missing": [asdict(each) for each in missing(found.version.definition, known)],
            "items": [asdict(each) for each in page.items],
            "next": page.next,
        }
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(data, as_json=as_json, view=lambda: _view(data))


def _view(data: dict[str, Any]) -> RenderableType:
    title = f"{data['measure']} 已确定的参数（{data['on']}）"
    return Group(
        table(title, IN_FORCE, readable(data["in_force"])),
        table("尚未录入的参数", MISSING, data["missing"]),
        table("录入记录", ENTERED, readable(data["items"])),
    )


@parameters.command()
@click.option("--after", metavar="ID", help="Begin after this value.")
@limit_option
@as_option
@json_option
def waiting(*, login: str, as_json: bool, limit: int, after: str | None) -> None:
    """List the values of all measures that wait for a second person in the actor's bureaus.

    Example: caseflow parameters waiting --as fagaiwei.reviewer
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = parameter_list(session, actor, status="entered", after=after, limit=limit)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("待确认的参数", WAITING, readable(rows)))


@parameters.command()
@click.argument("measure")
@click.argument("name", type=click.Choice(tuple(PARAMETERS)), metavar="NAME")
@click.argument("value")
@click.option("--valid-from", type=click.DateTime(["%Y-%m-%d"]), required=True,
              help="The first day on which it holds.")  # fmt: skip
@click.option("--basis", required=True, help="What it is based on, in a line.")
@click.option("--document-no", required=True, help="The document's number (文号).")
@as_option
@json_option
def enter(
    *, name: str, value: str, valid_from: Any, login: str, as_json: bool, **given: str
) -> None:
    r"""Enter VALUE of the parameter NAME of MEASURE, as a handler of its lead bureau.

    Money is whole fen, a percentage a number such as 12.5, tiers a JSON object of names:
    amounts in fen, or percentages in quotes. It counts once a second person confirms it.

    \b
    Example: caseflow parameters enter QD26-5a ratio 50 --valid-from 2026-10-12
      --basis 配套资金管理细则第三条 --document-no 启发改〔2026〕8号 --as fagaiwei.handler
    Example: caseflow parameters enter WX-1b tiers '{"5000万元": 50000000, "1亿元": 100000000}' …
    Names: rounding day_count tax_inclusive tiers ratio cap_period enterprise_year_fen
      enterprise_year_times pool_fen voucher_mode allowance_months
    """
    with open_house() as house, house.database.session() as session:
        entry = Entry(name=name, value=_read(name, value), valid_from=valid_from.date(), **given)
        row = enter_parameter(session, entry, _hand(house, login), ids=PublicIds())
        line = parameter_line(session, row)
    _told("已录入，待第二人确认", line, as_json=as_json)


def _read(name: str, text: str) -> Any:
    """Return a value as it is given; what is no JSON stays text, and the service refuses it."""
    if PARAMETERS[name].type in TEXTS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


@parameters.command()
@click.argument("parameter", metavar="ID")
@as_option
@json_option
def confirm(*, parameter: str, login: str, as_json: bool) -> None:
    """Confirm the value ID as a second person: the lead bureau's reviewer or division head.

    Example: caseflow parameters confirm 4jsQ… --as fagaiwei.reviewer
    """
    with open_house() as house, house.database.session() as session:
        row = confirm_parameter(session, parameter, _hand(house, login))
        line = parameter_line(session, row)
    _told("已确认", line, as_json=as_json)


@parameters.command()
@click.argument("parameter", metavar="ID")
@click.option("--reason", required=True, help="Why.")
@as_option
@json_option
def withdraw(*, parameter: str, reason: str, login: str, as_json: bool) -> None:
    """Withdraw the value ID, which is not confirmed yet; it stays on record.

    Example: caseflow parameters withdraw 4jsQ… --reason 文号有误 --as fagaiwei.handler
    """
    with open_house() as house, house.database.session() as session:
        row = withdraw_parameter(session, parameter, _hand(house, login), reason=reason)
        line = parameter_line(session, row)
    _told("已撤回", line, as_json=as_json)


def _hand(house: House, login: str) -> Hand:
    at = house.now()
    return Hand(house.actor(login, at), at, house.signer)


def _told(title: str, line: ParameterLine, *, as_json: bool) -> None:
    data = asdict(line)
    (shown,) = readable([data])
    show(
        data, as_json=as_json, view=lambda: facts(title, {k: shown[v] for k, v in ENTERED.items()})
    )
