"""The demo: founds a house, rehearses every measure, plays the story, and tells what happened."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import make_url

from caseflow.catalogue.places import data_root
from caseflow.database import migration
from caseflow.database.access import Address, locate, open_database, prepare
from caseflow.database.ids import PublicIds
from caseflow.rehearsal import story, telling
from caseflow.rehearsal.house import House, enter, found_database
from caseflow.rehearsal.post_office import PostOffice, post_office
from caseflow.rehearsal.queries import ended_policies, path, summaries
from caseflow.rehearsal.rehearse import rehearse, reminding_notices
from caseflow.rehearsal.scratch import PREFIX, beside, dropped_after
from caseflow.rehearsal.story import Played, Story, Tell
from caseflow.rehearsal.telling import Told
from caseflow.rehearsal.years import SecondPart, Years
from caseflow.settings import Settings

SECOND_NAME: Final = "caseflow_demo"
STEPS: Final = 41
"""Cases that end: 25 rehearsed, 13 of the story, 3 around the policy's last day."""

TAIL: Final = "QD26-5c"
"""The measure whose last applications are sent in around the policy's last day."""

IS_EMPTY: Final = """
    SELECT NOT EXISTS (SELECT FROM "case") AND NOT EXISTS (SELECT FROM organisation)
"""


@dataclass(frozen=True)
class Demo:
    """What the demo came to, and the database in which the house waits to be served."""

    result: dict[str, Any]
    address: Address
    database: str


def run_demo(
    settings: Settings, *, as_json: bool, console: Console, root: Path | None = None
) -> Demo:
    """Play the whole story and tell it on `console`: as tables, or as one JSON object.

    The house is the settings' own database while it is empty, else a fresh `caseflow_demo` beside
    it. It is left at the story's pause, where every call is open; the years after it are played in
    a copy that is gone afterwards.

    Raises:
        RehearsalStuck: a case did not go as it must. Unavailable: no database.
    """
    folder = root or data_root()
    with _progress(console, as_json=as_json) as (bar, task):

        def tell(what: str) -> None:
            bar.update(task, description=what)

        def step(_measure: str = "") -> None:
            bar.advance(task)

        tell("准备数据库，装入城市、日历、政策")
        address = _house_address(settings, folder)
        ids = PublicIds()
        found_database(address, settings, folder, at=story.FOUNDED_AT, ids=ids)
        told = _play(settings, address, folder, tell=tell, step=step)
    if as_json:
        _print(told.result, console)
    else:
        telling.show(told, console)
    return Demo(told.result, address, told.database)


def _play(
    settings: Settings, address: Address, root: Path, *, tell: Tell, step: Callable[[str], None]
) -> Told:
    tell("演练全部措施")
    name = _name(address)
    rehearsed = rehearse(settings, progress=step, template=name, root=root)
    with post_office(settings.mail_from) as office:
        with _entered(settings, address, root) as house:
            first = Story(house, tell, _postman(office, house))
            first.troupe.on_end = lambda _: step("")
            played = first.play()
        copy = beside(address, f"{PREFIX}{secrets.token_hex(4)}")
        with dropped_after(copy):
            migration.create_database(copy.owner_url, template=name)
            with _entered(settings, copy, root) as house:
                booked = played.bookings[TAIL]
                second = SecondPart(house, played.roots, booked, tell, _postman(office, house))
                second.troupe.on_end = lambda _: step("")
                years = second.play()
                return _told(house, second.roots, played, years, rehearsed, office, name)


def _told(
    house: House,
    roots: list[int],
    played: Played,
    years: Years,
    rehearsed: list[dict[str, Any]],
    office: PostOffice,
    name: str,
) -> Told:
    with house.database.connect() as connection:
        cases = summaries(connection, roots, reminding_notices(house))
        return Told(
            cases=[(case, path(connection, case.id)) for case in cases],
            moments=played.moments,
            years=years,
            expired=[(code, on.isoformat()) for code, on in ended_policies(connection)],
            rehearsed=rehearsed,
            letters=len(office.box.letters),
            database=name,
        )


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


def _house_address(settings: Settings, root: Path) -> Address:
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


def _name(address: Address) -> str:
    return str(make_url(address.owner_url).database)


@contextmanager
def _progress(console: Console, *, as_json: bool) -> Iterator[tuple[Progress, TaskID]]:
    """Yield a progress bar; beside JSON it goes to standard error."""
    where = Console(stderr=True) if as_json else console
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=where, transient=True) as bar:
        yield bar, bar.add_task("", total=STEPS)


def _print(result: dict[str, Any], console: Console) -> None:
    console.file.write(json.dumps(result, ensure_ascii=False) + "\n")
