"""The demo: founds a house, rehearses every measure, plays the story, and tells what happened."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.places import data_root
from caseflow.database import migration
from caseflow.database.access import Address, locate, open_database, prepare
from caseflow.database.ids import PublicIds
from caseflow.rehearsal import story, telling
from caseflow.rehearsal.house import House, enter, found_database
from caseflow.rehearsal.post_office import PostOffice, post_office
from caseflow.rehearsal.queries import Summary, ended_policies, path, summaries
from caseflow.rehearsal.rehearse import reminding_notices
from caseflow.rehearsal.scratch import (
    PREFIX,
    beside,
    dropped_after,
    late_commits,
    let_commits_be_late,
    name_of,
)
from caseflow.rehearsal.side_by_side import rehearse_side_by_side
from caseflow.rehearsal.story import Played, Story, Tell
from caseflow.rehearsal.telling import Tale, Told
from caseflow.rehearsal.years import SecondPart, Years
from caseflow.settings import Settings

JOBS: Final = 2
"""Processes that rehearse side by side."""

SECOND_NAME: Final = "caseflow_demo"
IS_EMPTY: Final = """
    SELECT NOT EXISTS (SELECT FROM "case") AND NOT EXISTS (SELECT FROM organisation)
"""


@dataclass(frozen=True)
class Demo:
    """What the demo came to, and the database in which the house waits to be served."""

    told: Told
    address: Address
    database: str

    @property
    def result(self) -> dict[str, Any]:
        """Return the one JSON object that was, or would be, printed."""
        return self.told.result


def run_demo(
    settings: Settings,
    *,
    as_json: bool,
    console: Console,
    measures: list[str] | None = None,
    root: Path | None = None,
) -> Demo:
    """Play the whole story and tell it on `console`: as tables, or as one JSON object.

    The house is the settings' own database while it is empty, else a fresh `caseflow_demo` beside
    it. It is left at the story's pause, where every call is open; the years after it are played in
    a copy that is gone afterwards. `measures` are those to rehearse, all of them if None.

    Raises:
        RehearsalStuck: a case did not go as it must. Unavailable: no database.
    """
    folder = root or data_root()
    policies = read_policies(folder)
    wanted = measures or [each.id for files in policies for each in files.measures]
    total = len(wanted) + story.expected_cases(policies)
    with _progress(console, total, as_json=as_json) as (bar, task):

        def tell(what: str) -> None:
            bar.update(task, description=what)

        def step(_measure: str = "") -> None:
            bar.advance(task)

        tell("准备数据库，装入城市、日历、政策")
        address = _founded(settings, folder)
        tell("演练全部措施")
        rehearsed = rehearse_side_by_side(
            settings,
            wanted,
            jobs=JOBS if measures is None else 1,
            progress=step,
            template=name_of(address),
            root=folder,
        )
        with late_commits(address):
            told = _play(settings, address, folder, rehearsed, tell=tell, step=step)
    if as_json:
        _print(told.result, console)
    else:
        telling.show(told, console)
        where = f"办件在数据库 {name_of(address)} 中"
        console.print(f"{where}，虚拟时间 {story.PAUSES_AT:%Y-%m-%d %H:%M}。")
    return Demo(told, address, name_of(address))


def _founded(settings: Settings, root: Path) -> Address:
    """Return the address of a house that has been founded for the story."""
    address = house_address(settings, root)
    found_database(address, settings, root, at=story.FOUNDED_AT, ids=PublicIds())
    return address


def _play(
    settings: Settings,
    address: Address,
    root: Path,
    rehearsed: list[dict[str, Any]],
    *,
    tell: Tell,
    step: Callable[[str], None],
) -> Told:
    """Play the first part in the house, the second in a copy, and gather what to tell."""
    with post_office(settings.mail_from) as office:
        with _entered(settings, address, root) as house:
            first = Story(house, tell, _postman(office, house))
            first.troupe.on_end = lambda _: step("")
            played = first.play()
            office.deliver(house, first.troupe.now)
        copy = beside(address, f"{PREFIX}{secrets.token_hex(4)}")
        with dropped_after(copy):
            migration.create_database(copy.owner_url, template=name_of(address))
            let_commits_be_late(copy)
            with _entered(settings, copy, root) as house:
                postman = _postman(office, house)
                second = SecondPart(house, played.roots, played.tails, tell, postman)
                second.troupe.on_end = lambda _: step("")
                years = second.play()
                office.deliver(house, second.troupe.now)
                return _told(
                    house, second, played=played, years=years, rehearsed=rehearsed, office=office
                )


def _told(
    house: House,
    second: SecondPart,
    *,
    played: Played,
    years: Years,
    rehearsed: list[dict[str, Any]],
    office: PostOffice,
) -> Told:
    with house.database.connect() as connection:
        cases = summaries(connection, second.roots, reminding_notices(house))
        return Told(
            cases=[_tale(house, connection, case) for case in cases],
            played=played,
            years=years,
            expired=[(code, on.isoformat()) for code, on in ended_policies(connection)],
            rehearsed=rehearsed,
            letters=len(office.box.letters),
        )


def _tale(house: House, connection: Any, case: Summary) -> Tale:
    workflow = house.cases.pinned.runner(connection, case.workflow_hash).workflow
    states = path(connection, case.id)
    return Tale(case, states, [workflow.states[code].title for code in states])


def _postman(office: PostOffice, house: House) -> story.OnSweep:
    return lambda at: office.deliver(house, at)


@contextmanager
def _entered(settings: Settings, address: Address, root: Path) -> Iterator[House]:
    """Yield the house at `address`, its clock not before the story's beginning."""
    house = enter(address, settings, root, at=story.BEGINS_AT, files=settings.files)
    try:
        yield house
    finally:
        house.database.close()


def house_address(settings: Settings, root: Path) -> Address:
    """Return the settings' own database if it is empty, else a fresh one beside it; migrated."""
    own = locate(settings)
    prepare(own, root / "migrations")
    if _is_empty(own):
        return own
    fresh = beside(own, SECOND_NAME)
    migration.drop_database(fresh.owner_url)
    migration.create_database(fresh.owner_url)
    migration.upgrade(fresh.owner_url, root / "migrations")
    return fresh


def _is_empty(address: Address) -> bool:
    database = open_database(address, pool_size=1)
    try:
        with database.connect() as connection:
            row = connection.execute(IS_EMPTY).fetchone()
    finally:
        database.close()
    return bool(row and row[0])


@contextmanager
def _progress(console: Console, total: int, *, as_json: bool) -> Iterator[tuple[Progress, TaskID]]:
    """Yield a progress bar; beside JSON it goes to standard error."""
    where = Console(stderr=True) if as_json else console
    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=where, transient=True) as bar:
        yield bar, bar.add_task("", total=total)


def _print(result: dict[str, Any], console: Console) -> None:
    console.file.write(json.dumps(result, ensure_ascii=False) + "\n")
