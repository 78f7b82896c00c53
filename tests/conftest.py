"""Real PostgreSQL for every test that wants one: one server a run, one database a test.

Tests run on 启东 alone, a data root of links to its files; those about every policy say
`EVERYTHING`.
"""

import atexit
import gc
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import psycopg
import pytest
from sqlalchemy.orm import Session

from caseflow.batches.founding import load_everything
from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.service import Cases
from caseflow.database import migration
from caseflow.database.access import Address, Database, open_database
from caseflow.database.ids import PublicIds
from caseflow.database.server import PROGRAM_ROLE, Server, start_embedded
from caseflow.rehearsal.house import enact_drafts
from caseflow.rehearsal.treasury import fund
from caseflow.settings import Settings, read_settings
from tests import IMPORTS_MEASURED, stop_measuring
from tests.lending import drop_all, lend

EVERYTHING = Path(__file__).resolve().parents[1]
"""The checkout: every policy, every city."""

MEMORY = Path("/dev/shm")
MEMORY_WANTED = 4 * 1024**3
"""Free bytes without which the disk is used after all."""


def _keep_what_is_thrown_away_in_memory() -> None:
    """Put temporary folders into memory: on a slow disk the copy of a database takes seconds."""
    if os.environ.get("TMPDIR") or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free >= MEMORY_WANTED:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


_keep_what_is_thrown_away_in_memory()
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")


def _only_qidong() -> Path:
    """Return a data root that has the policy and the city of 启东 only."""
    root = Path(tempfile.mkdtemp(prefix="caseflow-qidong-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (root / "policies" / "cities").mkdir(parents=True)
    for name in ("workflows", "notifications", "migrations"):
        (root / name).symlink_to(EVERYTHING / name)
    for name in ("qidong-2026", "cities/qidong.yaml"):
        (root / "policies" / name).symlink_to(EVERYTHING / "policies" / name)
    return root


ROOT = _only_qidong()
os.environ["CASEFLOW_DATA"] = str(ROOT)
hypothesis.settings.register_profile("caseflow", deadline=None)
hypothesis.settings.load_profile("caseflow")
FOUNDED_AT = datetime(2026, 5, 14, 1, tzinfo=UTC)
ENACTED_AT = datetime(2026, 9, 1, 1, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker waits for the other at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop what pytest-cov begins in a process before it knows that this is a worker's.

    It would go on beneath the worker's own, also where that is paused.
    """
    stop_measuring()
    if not IMPORTS_MEASURED:
        _measure(session.config)


def _measure(config: pytest.Config) -> None:
    plugin = config.pluginmanager.getplugin("_cov")
    if plugin is not None and plugin.cov_controller is not None:
        plugin.cov_controller.cov.start()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Walk over modules and tests no more for garbage: that took a sixth of the time."""
    if IMPORTS_MEASURED:
        _measure(session.config)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def server() -> Server:
    """A throw-away PostgreSQL; the last process of the run that leaves it deletes it."""
    folder = Path(tempfile.gettempdir()) / f"caseflow-tests-{RUN}"
    atexit.register(_remove_if_empty, folder)
    running = start_embedded(folder / "postgres", keep=False)
    _never_wait_for_the_disk(running)
    return running


def _remove_if_empty(folder: Path) -> None:
    """Remove what the last process left; the server's data is its own to delete."""
    with suppress(OSError):
        folder.rmdir()


def _never_wait_for_the_disk(running: Server) -> None:
    """What is thrown away need not survive a power cut nor be tidied; all else as in production."""
    url = running.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a house of its own, with a fixed key."""
    return read_settings({"CASEFLOW_HOME": str(tmp_path / "home"), "CASEFLOW_MAC_KEY": "ab" * 32})


@contextmanager
def _alone(server: Server) -> Iterator[None]:
    """Let one process of the run at a time in here."""
    url = server.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(26)")
        yield


def make_template(
    server: Server, name: str, made_from: str | None, fill: Callable[[str], None]
) -> str:
    """Return the name of a template; the first process that wants it makes it."""
    url = server.url(name)
    with _alone(server):
        if not migration.database_exists(url):
            migration.create_database(url, template=made_from)
            try:
                fill(name)
            except BaseException:
                migration.drop_database(url)
                raise
    return name


@contextmanager
def untraced(config: pytest.Config) -> Iterator[None]:
    """Pause the measuring of coverage: for what other tests have measured and takes long."""
    plugin = config.pluginmanager.getplugin("_cov")
    if plugin is None or not plugin.cov_controller.started:
        yield  # nothing is measured, or whoever paused it goes on with it
        return
    plugin.cov_controller.pause()
    try:
        yield
    finally:
        plugin.cov_controller.resume()


def settings_of_templates(folder: str) -> Settings:
    """Settings with the key that signs the events of the templates."""
    return read_settings({"CASEFLOW_HOME": folder, "CASEFLOW_MAC_KEY": "ab" * 32})


def open_as_program(server: Server, name: str) -> Database:
    """Open a database as the program does, with the owner's address beside it."""
    return open_database(Address(server.url(name, role=PROGRAM_ROLE), server.url(name), server))


@pytest.fixture(scope="session")
def empty_template(server: Server) -> str:
    """A migrated database without any row."""
    return make_template(
        server,
        "template_empty",
        None,
        lambda name: migration.upgrade(server.url(name), ROOT / "migrations"),
    )


@pytest.fixture(scope="session")
def founded_template(server: Server, empty_template: str) -> str:
    """A database with 启东, its calendars and its policy, as of the policy's first day."""

    def found(name: str) -> None:
        signer = signer_of(settings_of_templates(tempfile.gettempdir()))
        ids = PublicIds(random.Random(1))
        database = open_as_program(server, name)
        with database.session() as session:
            load_everything(session, ROOT, at=FOUNDED_AT, signer=signer, ids=ids)
            fund(session, at=FOUNDED_AT, signer=signer, ids=ids)
        database.close()

    return make_template(server, "template_founded", empty_template, found)


@pytest.fixture(scope="session")
def drafts_template(server: Server, empty_template: str, pytestconfig: pytest.Config) -> str:
    """A database with every city and all five policies, as their files say: two are drafts."""

    def found(name: str) -> None:
        signer = signer_of(settings_of_templates(tempfile.gettempdir()))
        ids = PublicIds(random.Random(6))
        database = open_as_program(server, name)
        with database.session() as session:
            load_everything(session, EVERYTHING, at=FOUNDED_AT, signer=signer, ids=ids)
            fund(session, at=FOUNDED_AT, signer=signer, ids=ids)
        database.close()

    with untraced(pytestconfig):
        return make_template(server, "template_drafts", empty_template, found)


@pytest.fixture(scope="session")
def everything_template(server: Server, drafts_template: str, pytestconfig: pytest.Config) -> str:
    """All five policies in force: the drafts as if they had been issued."""

    def enact(name: str) -> None:
        signer = signer_of(settings_of_templates(tempfile.gettempdir()))
        database = open_as_program(server, name)
        with database.session() as session:
            enact_drafts(session, EVERYTHING, at=ENACTED_AT, signer=signer)
        database.close()

    with untraced(pytestconfig):
        return make_template(server, "template_everything", drafts_template, enact)


def _copy(server: Server, template: str) -> Iterator[Database]:
    yield from lend(server, template, WORKER)


def pytest_sessionfinish() -> None:
    """Leave no connection open."""
    drop_all()


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
def city(server: Server, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database in which 启东 is founded and its policy loaded; with the house's firm."""
    has_house = "house" in request.fixturenames
    template = request.getfixturevalue("house_template" if has_house else "founded_template")
    yield from _copy(server, template)


@pytest.fixture
def cases(city: Database, settings: Settings) -> Cases:
    """The acts of a process on `city`."""
    return assemble(city, settings, ROOT, ids=PublicIds(random.Random(2)))
