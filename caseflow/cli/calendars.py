"""`caseflow calendar`: the years' working days, imported by one person and confirmed by another."""

import csv
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from caseflow.cases.recomputing import recompute_deadlines
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import Page, facts, json_option, paged, show, table
from caseflow.deadlines.holidays import Day, Year, announced_year
from caseflow.deadlines.queries import years
from caseflow.deadlines.service import confirm_year, import_year
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotAllowed

COLUMNS = {
    "年份": "year",
    "状态": "status",
    "放假": "days_off",
    "调休上班": "days_worked",
    "来源": "source",
    "确认时间": "confirmed_at",
}
KEEPERS = frozenset({"government_office", "bureau_handler", "bureau_division_head"})
"""The roles that keep the calendar; two different people."""
HEADINGS = ["day", "kind", "name"]


@click.group()
def calendar() -> None:
    """Working days (工作日): which years are known, importing and confirming a year's notice.

    Example: caseflow calendar list
    """


@calendar.command("list")
@click.option(
    "--status",
    type=click.Choice(["statutory", "imported", "confirmed"]),
    help="Only years in this state; deadlines are exact in confirmed ones only.",
)
@paged("year", "status")
@json_option
def list_years(*, status: str | None, page: Page, as_json: bool) -> None:  # fmt: skip
    """List the years, and whether deadlines in them are exact.

    Example: caseflow calendar list --status confirmed --json
    """
    with open_house() as house, house.database.connect() as connection:
        found = [asdict(year) for year in years(connection)]
    rows = page.of(row for row in found if status in {None, row["status"]})
    show(rows, as_json=as_json, view=lambda: table("日历", COLUMNS, rows))


@calendar.command("import")
@click.argument("year", type=click.IntRange(2000, 2100))
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns day,kind,name (kind: off or work); else the package's.",
)
@click.option("--source", help="The notice, e.g. 国办发明电〔2026〕N号 (needed with --file).")
@as_option
@json_option
def import_one(
    *, year: int, path: Path | None, source: str | None, login: str, as_json: bool
) -> None:  # fmt: skip
    """Import the State Council's notice of YEAR; a second person confirms it.

    Example: caseflow calendar import 2027 --file 2027.csv --source 国办发明电〔2026〕N号
    --as zhengfuban.government_office
    """
    if path is not None and not source:
        raise click.UsageError("--file needs --source: the notice the days are from.")
    days = Year(year, source or "", _read(path)) if path else announced_year(year)
    with open_house() as house:
        actor = _keeper(house, login)
        at = house.now()
        with house.database.session() as session:
            import_year(session, year, source=days.source, days=days.days, by=actor.id, at=at)
        _show_year(house, year, actor, as_json=as_json)


@calendar.command()
@click.argument("year", type=click.IntRange(2000, 2100))
@as_option
@json_option
def confirm(*, year: int, login: str, as_json: bool) -> None:
    """Confirm an imported YEAR, as another person; open deadlines in it are computed anew.

    Example: caseflow calendar confirm 2027 --as fagaiwei.bureau_division_head
    """
    with open_house() as house:
        actor = _keeper(house, login)
        with house.database.session() as session:
            confirm_year(session, year, by=actor.id, at=house.now())
        _show_year(house, year, actor, as_json=as_json)


def _keeper(house: House, login: str) -> Actor:
    """Return the actor, who must keep the calendar."""
    actor = house.actor(login, house.now())
    if not any(held.role in KEEPERS for held in actor.assignments):
        raise NotAllowed("日历由市政府办公室和各部门维护，您不在这些席位。")
    return actor


def _show_year(house: House, year: int, actor: Actor, *, as_json: bool) -> None:
    """Compute open deadlines anew and show the year with how many moved."""
    moved = recompute_deadlines(house.cases(), year, actor_id=actor.id, at=house.now())
    with house.database.connect() as connection:
        found: dict[str, Any] = next(asdict(row) for row in years(connection) if row.year == year)
    result = {**found, "deadlines_changed": moved}
    show(result, as_json=as_json, view=lambda: facts("日历", result))


def _read(path: Path) -> tuple[Day, ...]:
    """Return the days of a CSV file.

    Raises:
        InvalidInput: a wrong heading, date or kind, with the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADINGS:
            raise InvalidInput(f"{path}:1: the columns must be {','.join(HEADINGS)}.")
        return tuple(_days(path, reader))


def _days(path: Path, rows: Iterable[dict[str, str]]) -> Iterable[Day]:
    for number, row in enumerate(rows, start=2):
        kind = row["kind"]
        if kind not in {"off", "work"}:
            raise InvalidInput(f"{path}:{number}: kind is off or work, not {kind!r}.")
        try:
            day = date.fromisoformat(row["day"])
        except ValueError as error:
            raise InvalidInput(f"{path}:{number}: {row['day']!r} is not a day.") from error
        yield Day(day, "off" if kind == "off" else "work", row["name"])
