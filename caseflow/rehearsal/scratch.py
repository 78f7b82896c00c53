"""A scratch database beside the house's: made, founded, played in, and dropped whatever happens."""

import os
import random
import secrets
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from caseflow.database import migration
from caseflow.database.access import Address, locate
from caseflow.database.ids import PublicIds
from caseflow.rehearsal.house import House, Progress, enact_drafts, enter, found_database
from caseflow.settings import Settings

PREFIX: Final = "caseflow_scratch_"
SEED: Final = 26


def fresh_address(settings: Settings) -> Address:
    """Return the address of a scratch database that does not exist yet."""
    return beside(locate(settings), f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}")


def beside(address: Address, name: str) -> Address:
    """Return the address of database `name` on the same server."""
    return replace(
        address, url=_renamed(address.url, name), owner_url=_renamed(address.owner_url, name)
    )


def _renamed(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def scratch_house(
    settings: Settings,
    root: Path,
    *,
    at: datetime,
    template: str | None = None,
    progress: Progress = lambda _: None,
    only: Container[str] | None = None,
) -> Iterator[House]:
    """Yield a founded house at `at` that is gone afterwards, also after an error or Ctrl-C.

    Drafts are in force in it. `template` names a founded database without connections to copy,
    `only` the policies that are needed.
    Its files lie in a folder of their own, its public ids are always the same.
    """
    address = fresh_address(settings)
    ids = PublicIds(random.Random(SEED))  # noqa: S311 - repeatable names, no secrets
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder, dropped_after(address):
        migration.create_database(address.owner_url, template=template)
        if template is None:
            migration.upgrade(address.owner_url, root / "migrations")
            found_database(address, settings, root, at=at, ids=ids, progress=progress, only=only)
        let_commits_be_late(address)
        house = enter(address, settings, root, at=at, files=Path(folder), ids=ids)
        try:
            with house.database.session() as session:
                signer = house.cases.office.signer
                enact_drafts(session, root, at=at, signer=signer, only=only)
            yield house
        finally:
            house.database.close()


@contextmanager
def dropped_after(address: Address) -> Iterator[None]:
    """Drop the database at `address` afterwards, whatever happens."""
    try:
        yield
    finally:
        migration.drop_database(address.owner_url)


@contextmanager
def late_commits(address: Address) -> Iterator[None]:
    """Let commits not wait for the disk for a while; those of connections made meanwhile."""
    let_commits_be_late(address)
    try:
        yield
    finally:
        _alter(address, "RESET synchronous_commit")


def let_commits_be_late(address: Address) -> None:
    """Let new connections to a database not wait for the disk: nothing in it must survive."""
    _alter(address, "SET synchronous_commit = off")


def _alter(address: Address, change: str) -> None:
    migration.administer(address.owner_url, f'ALTER DATABASE "{name_of(address)}" {change}')


def name_of(address: Address) -> str:
    """Return the name of the database at `address`."""
    return str(make_url(address.owner_url).database)
