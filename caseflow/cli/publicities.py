"""`caseflow publicities`: the public board, and putting cases on it."""

from dataclasses import asdict
from typing import Any, BinaryIO

import click

from caseflow.batches.publicity import (
    Listing,
    PublicityView,
    board,
    open_publicity,
    published_list,
)
from caseflow.batches.published_list import Contact, list_workbook
from caseflow.cases.queries import find_case
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Page, json_option, paged, show, table, yuan

COLUMNS = {
    "编号": "id",
    "标题": "title",
    "部门": "organisation",
    "状态": "status",
    "开始": "starts_on",
    "截止": "ends_on",
    "办件数": "count",
}
LISTED = {"办件": "number", "申报主体": "applicant", "条款": "measure", "金额": "amount"}
MOST = 1000


@click.group()
def publicities() -> None:
    """Publicities (公示): what the public is told, for so many working days.

    Example: caseflow publicities list --status open
    """


def _row(view: PublicityView) -> dict[str, Any]:
    return {**asdict(view), "id": view.public_id, "count": len(view.cases)}


@publicities.command("list")
@click.option(
    "--status", type=click.Choice(["open", "closed", "restarted"]), help="Only those in this state."
)
@paged("id", "status", "starts_on", "ends_on")
@json_option
def list_publicities(*, status: str | None, page: Page, as_json: bool) -> None:
    """List publicities as anybody may read them, the newest first.

    Example: caseflow publicities list --json
    """
    with open_house() as house:
        found = board(house.cases(), status=status, limit=MOST)
    rows = page.of(_row(view) for view in found)
    show(rows, as_json=as_json, view=lambda: table("公示", COLUMNS, rows))


@publicities.command("export")
@click.argument("publicity")
@click.option(
    "--output",
    "-o",
    type=click.File("wb", lazy=True),
    default="-",
    help="Write to this file instead of stdout.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "xlsx"]),
    default="json",
    show_default=True,
    help="JSON: the frozen bytes; XLSX: the same as a sheet (公示表).",
)
def export_list(*, publicity: str, output: BinaryIO, form: str) -> None:
    """Write the frozen list of a publicity, exactly the bytes that its hash names, or as a sheet.

    Example: caseflow publicities export PUBLICITY --format xlsx -o list.xlsx
    """
    with open_house() as house:
        content = published_list(house.cases(), publicity)
        output.write(content if form == "json" else list_workbook(content, house.now()))


@publicities.command("open")
@click.argument("cases", nargs=-1, required=True, metavar="CASE...")
@click.option("--title", required=True, help="The publicity's title.")
@click.option("--basis", default="", help="The document it rests on.")
@click.option(
    "--contact",
    nargs=3,
    default=("", "", ""),
    metavar="PHONE EMAIL ADDRESS",
    help="Where objections go.",
)
@click.option(
    "--working-days",
    type=click.IntRange(1, 30),
    default=5,
    show_default=True,
    help="How long it stands; the day of opening is not counted.",
)
@as_option
@json_option
def open_one(
    *, cases: tuple[str, ...], title: str, basis: str, contact: tuple[str, str, str],
    working_days: int, login: str, as_json: bool
) -> None:  # fmt: skip
    """List cases (by public id or number) in a new publicity: all of them, or none.

    The list is frozen as a file; where objections go must be said in full.

    Example: caseflow publicities open CASE1 CASE2 --title 2026年第一批算力券拟支持名单公示
    --contact 0513-00000000 sample@example.test 样例路1号 --as shujuju.handler
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            named = tuple(find_case(session, actor, case).public_id for case in cases)
        listing = Listing(
            cases=named,
            title=title,
            basis=basis,
            contact=Contact(*contact),
            working_days=working_days,
            actor_id=actor.id,
            at=at,
        )
        row = _row(open_publicity(house.cases(), listing))
    lines = [{**line, "amount": yuan(line["fen"])} for line in row["cases"]]
    show(row, as_json=as_json, view=lambda: table(f"{title}（至 {row['ends_on']}）", LISTED, lines))
