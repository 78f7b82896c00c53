"""`caseflow bulk`: one act on many cases, looked at before, told case by case."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType

from caseflow.batches.bulk.precheck import precheck
from caseflow.batches.bulk.queries import (
    STATUSES,
    TITLES,
    bulk_act,
    bulk_acts,
    bulk_items,
    results_sheet,
)
from caseflow.batches.bulk.running import run_whole
from caseflow.batches.bulk.service import ask, cancel, resume
from caseflow.batches.bulk.values import with_values
from caseflow.batches.bulk.wanted import Wanted
from caseflow.cases.queries import CaseFilter
from caseflow.cases.sets import SIZE
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import Command, Option, facts, json_option, note, progress, show, table
from caseflow.cli.payload import given_payload
from caseflow.identity.queries import Actor

ACTS: Final = {
    "编号": "public_id",
    "事项": "event",
    "办理人": "actor_name",
    "状态": "status",
    "件数": "items",
    "待办理": "pending",
    "已办理": "done",
    "未予办理": "refused",
    "已取消": "cancelled",
    "提出时间": "created_at",
}
ITEMS: Final = {
    "行": "line", "办件": "number", "结果": "status", "环节": "state_title", "版本": "version",
    "原因": "reason",
}  # fmt: skip
CHECKED: Final = {
    "行": "line", "办件": "number", "环节": "state_title", "可办": "allowed", "至": "to_title",
    "原因": "reason",
}  # fmt: skip
REASONS: Final = {"件数": "count", "原因": "reason", "例": "first"}
MOST: Final = 1000

limit_option: Option = click.option(
    "--limit", type=click.IntRange(1, MOST), default=200, show_default=True, help="At most so many."
)
line_option: Option = click.option(
    "--after", type=click.IntRange(0), default=0, metavar="LINE", help="Begin after this line."
)
batch_option: Option = click.option(
    "--batch",
    type=click.IntRange(1, 5000),
    default=SIZE,
    show_default=True,
    help="Cases in one transaction.",
)
status_option: Option = click.option(
    "--status", type=click.Choice(STATUSES), help="Only items in this state."
)


@click.group()
def bulk() -> None:
    """Bulk acts (批量办理): one event of many cases, each decided as the actor's own act.

    Example: caseflow bulk precheck accept --state submitted --as huilong_zhen.handler
    """


def _asking(command: Command) -> Command:
    """Give a command what a bulk act asks: the event, the cases, what the event takes."""
    options = (
        click.argument("event"),
        click.argument("cases", nargs=-1, metavar="[CASE...]"),
        click.option("--payload", default=None, metavar="JSON|@FILE", help="What all take."),
        click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="One such value."),
        click.option(
            "--values",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="What single cases take: JSON, XLSX or CSV, first column 办件编号.",
        ),
        click.option("--call", help="All cases that answer this call, by public id."),
        click.option("--state", help="All cases in this state, e.g. submitted."),
        click.option("--measure", help="All cases of this measure."),
        click.option("--territory", help="All cases of this town or park, by code."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _wanted(
    house: House, actor: Actor, *, event: str, cases: tuple[str, ...], payload: str | None,
    pairs: tuple[str, ...], values: Path | None, **conditions: str | None,
) -> Wanted:  # fmt: skip
    body = given_payload(payload, pairs)
    wanted_cases = CaseFilter(**conditions) if any(conditions.values()) else None
    wanted = Wanted(event, body, cases=cases, filter=wanted_cases)
    if values is None:
        return wanted
    return with_values(house.cases(), actor, wanted, values.read_bytes(), name=values.name)


@bulk.command("precheck")
@_asking
@line_option
@limit_option
@as_option
@json_option
def look_before(*, after: int, limit: int, login: str, as_json: bool, **asked: Any) -> None:
    """Say case by case whether EVENT would be allowed now, and why not; change nothing.

    Example: caseflow bulk precheck confirm_plan --call CALL --as shujuju.reviewer
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        wanted = _wanted(house, actor, **asked)
        found = precheck(house.cases(), actor, wanted, at, after=after, limit=limit)
    data = asdict(found)
    if found.next is not None:
        note(f"There are more; the next page: --after {found.next}")
    show(data, as_json=as_json, view=lambda: _checked(data))


def _checked(data: dict[str, Any]) -> RenderableType:
    head = f"预检 {data['event']}：{data['count']} 件，可办 {data['allowed']} 件，"
    head += f"不可办 {data['refused']} 件"
    return Group(
        table(head, CHECKED, data["items"]), table("不可办的原因", REASONS, data["reasons"])
    )


@bulk.command("start")
@_asking
@batch_option
@click.option("--later", is_flag=True, help="Only put it down: a worker will do it.")
@click.option(
    "--request-id", help="Makes a repetition safe: the same again goes on with the first."
)
@as_option
@json_option
def start(
    *, batch: int, later: bool, request_id: str | None, login: str, as_json: bool, **asked: Any
) -> None:
    """Let EVENT happen to all the cases named or found, in sets; each on its own merits.

    A run that was interrupted goes on with 'resume', or by a worker.

    Example: caseflow bulk start accept --state submitted --as huilong_zhen.handler
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        wanted = _wanted(house, actor, **asked)
        made = ask(house.cases(), actor, wanted, at, request_id=request_id)
        if not later:
            _carry(house, actor, made.public_id, batch=batch)
        shown = asdict(bulk_act(house.cases(), actor, made.public_id))
    _tell(shown, as_json=as_json)


def _carry(house: House, actor: Actor, number: str, *, batch: int) -> None:
    """Do what is left, with a bar."""
    cases = house.cases()
    left = bulk_act(cases, actor, number).pending
    with progress("Acting", total=left) as step:
        run_whole(cases, actor, number, house.now, limit=batch, progress=_each(step))


def _each(step: Callable[[str], None]) -> Callable[[int], None]:
    def advance(items: int) -> None:
        for _ in range(items):
            step("")

    return advance


def _tell(data: dict[str, Any], *, as_json: bool) -> None:
    told = {label: data[key] for label, key in ACTS.items()}
    show(data, as_json=as_json, view=lambda: facts("批量办理", told))


@bulk.command("list")
@click.option(
    "--status", type=click.Choice(["running", "done", "cancelled"]), help="Only in this state."
)
@click.option("--after", metavar="ID", help="Begin after this one.")
@limit_option
@as_option
@json_option
def list_bulk_acts(
    *, status: str | None, after: str | None, limit: int, login: str, as_json: bool
) -> None:
    """List the actor's bulk acts, the newest first; the audit office sees all.

    Example: caseflow bulk list --status running --as shujuju.reviewer
    """
    with open_house() as house:
        actor = house.actor(login, house.now())
        page = bulk_acts(house.cases(), actor, status=status, after=after, limit=limit)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("批量办理", ACTS, rows))


@bulk.command("show")
@click.argument("bulk_act_id", metavar="ID")
@as_option
@json_option
def show_bulk_act(*, bulk_act_id: str, login: str, as_json: bool) -> None:
    """Show how far a bulk act is.

    Example: caseflow bulk show ID --as shujuju.reviewer
    """
    with open_house() as house:
        actor = house.actor(login, house.now())
        data = asdict(bulk_act(house.cases(), actor, bulk_act_id))
    _tell(data, as_json=as_json)


@bulk.command("items")
@click.argument("bulk_act_id", metavar="ID")
@status_option
@line_option
@limit_option
@as_option
@json_option
def list_items(
    *, bulk_act_id: str, status: str | None, after: int, limit: int, login: str, as_json: bool
) -> None:
    """Show what became of each case: its event, or why not.

    Example: caseflow bulk items ID --status refused --as shujuju.reviewer
    """
    with open_house() as house:
        actor = house.actor(login, house.now())
        page = bulk_items(
            house.cases(), actor, bulk_act_id, status=status, after=after, limit=limit
        )
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    told = [{**row, "status": TITLES[row["status"]]} for row in rows]
    show(rows, as_json=as_json, view=lambda: table("办理结果", ITEMS, told))


@bulk.command("export")
@click.argument("bulk_act_id", metavar="ID")
@status_option
@click.option("--output", "-o", type=click.File("wb", lazy=True), required=True, help="The file.")
@as_option
def export_results(*, bulk_act_id: str, status: str | None, output: Any, login: str) -> None:
    """Write what became of each case as an XLSX file.

    Example: caseflow bulk export ID -o results.xlsx --as shujuju.reviewer
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        output.write(results_sheet(house.cases(), actor, bulk_act_id, at, status=status))


@bulk.command("resume")
@click.argument("bulk_act_id", metavar="ID")
@click.option("--refused-too", is_flag=True, help="Try what was refused again as well.")
@batch_option
@click.option("--later", is_flag=True, help="Leave it to a worker.")
@as_option
@json_option
def take_up(
    *, bulk_act_id: str, refused_too: bool, batch: int, later: bool, login: str, as_json: bool
) -> None:
    """Go on with what is left, also after a cancellation or a crash.

    Example: caseflow bulk resume ID --refused-too --as shujuju.reviewer
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        resume(house.cases(), actor, bulk_act_id, at, refused_too=refused_too)
        if not later:
            _carry(house, actor, bulk_act_id, batch=batch)
        shown = asdict(bulk_act(house.cases(), actor, bulk_act_id))
    _tell(shown, as_json=as_json)


@bulk.command("cancel")
@click.argument("bulk_act_id", metavar="ID")
@as_option
@json_option
def give_up(*, bulk_act_id: str, login: str, as_json: bool) -> None:
    """Give up what is left; what is done stays done.

    Example: caseflow bulk cancel ID --as shujuju.reviewer
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        data = asdict(cancel(house.cases(), actor, bulk_act_id, at))
    _tell(data, as_json=as_json)
