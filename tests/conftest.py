"""Real PostgreSQL for every test that wants one: one server a process, one database a test."""

import itertools
import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import psycopg
import pytest
from sqlalchemy.orm import Session

from caseflow.batches.founding import load_everything
from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.service import Cases
from caseflow.catalogue.places import data_root
from caseflow.database import migration
from caseflow.database.access import Address, Database, open_database
from caseflow.database.ids import PublicIds
from caseflow.database.server import PROGRAM_ROLE, Server, start_embedded
from caseflow.settings import Settings, read_settings

ROOT = data_root()
hypothesis.settings.register_profile("caseflow", deadline=None)
hypothesis.settings.load_profile("caseflow")
FOUNDED_AT = datetime(2026, 5, 14, 1, tzinfo=UTC)
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A throw-away PostgreSQL, stopped and deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="caseflow-tests-"))
    running = start_embedded(folder / "postgres", keep=False)
    _never_wait_for_the_disk(running)
    yield running
    shutil.rmtree(folder, ignore_errors=True)


def _never_wait_for_the_disk(running: Server) -> None:
    """What is thrown away need not survive a power cut; everything else is as in production."""
    url = running.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a house of its own, with a fixed key."""
    return read_settings({"CASEFLOW_HOME": str(tmp_path / "home"), "CASEFLOW_MAC_KEY": "ab" * 32})


@pytest.fixture(scope="session")
def empty_template(server: Server) -> str:
    """A migrated database without any row."""
    url = server.url("template_empty")
    migration.create_database(url)
    migration.upgrade(url, ROOT / "migrations")
    return "template_empty"


@pytest.fixture(scope="session")
def founded_template(server: Server, empty_template: str) -> str:
    """A database with 启东, its calendars and its policy, as of the policy's first day."""
    url = server.url("template_founded")
    migration.create_database(url, template=empty_template)
    database = open_database(Address(server.url("template_founded", role=PROGRAM_ROLE), url))
    house = read_settings(
        {"CASEFLOW_HOME": tempfile.mkdtemp(prefix="caseflow-"), "CASEFLOW_MAC_KEY": "ab" * 32}
    )
    with database.session() as session:
        load_everything(
            session, ROOT, at=FOUNDED_AT, signer=signer_of(house), ids=PublicIds(random.Random(1))
        )
    database.close()
    return "template_founded"


def _copy(server: Server, template: str) -> Iterator[Database]:
    name = f"test_{next(_numbers)}"
    url = server.url(name)
    migration.create_database(url, template=template)
    database = open_database(Address(server.url(name, role=PROGRAM_ROLE), url, server))
    yield database
    database.close()
    migration.drop_database(url)


@pytest.fixture
def database(server: Server, empty_template: str) -> Iterator[Database]:
    """A fresh, migrated, empty database as the program sees it."""
    yield from _copy(server, empty_template)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session on the empty database, rolled back at the end."""
    with Session(database.engine) as session:
        yield session


@pytest.fixture
def city(server: Server, founded_template: str) -> Iterator[Database]:
    """A fresh database in which 启东 is founded and its policy loaded."""
    yield from _copy(server, founded_template)


@pytest.fixture
def cases(city: Database, settings: Settings) -> Cases:
    """The acts of a process on `city`."""
    return assemble(city, settings, ROOT, ids=PublicIds(random.Random(2)))
