"""The house a command works in: settings, data folders, the open database, the present instant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
import psycopg
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.service import Cases
from caseflow.catalogue.places import data_root
from caseflow.clock import clock_for
from caseflow.database import migration
from caseflow.database.access import Address, Database, locate, open_database, prepare
from caseflow.history.part import Signer
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, Unavailable
from caseflow.settings import Settings, read_settings

DRIVER: Final = "postgresql+psycopg"

as_option: Any = click.option(
    "--as",
    "login",
    envvar="CASEFLOW_AS",
    required=True,
    metavar="LOGIN",
    help="Who asks: a login such as shujuju.bureau_handler (or CASEFLOW_AS).",
)


@dataclass(frozen=True)
class House:
    """What a command needs, opened once."""

    settings: Settings
    root: Path
    database: Database

    def now(self) -> datetime:
        """Return the present instant, of the virtual clock where there is one."""
        return clock_for(self.database.connect).now()

    def today(self) -> date:
        """Return the present day in Asia/Shanghai."""
        return local_date(self.now())

    @property
    def signer(self) -> Signer:
        """Return the key that signs events."""
        return signer_of(self.settings)

    def cases(self) -> Cases:
        """Return the acts of this process."""
        return assemble(self.database, self.settings, self.root)

    def actor(self, login: str, at: datetime) -> Actor:
        """Return who `login` is, with every seat held at `at`.

        Raises:
            Unauthenticated: nobody has this login.
        """
        with self.database.session() as session:
            return actor_by_login(session, login, at)


@contextmanager
def open_house() -> Iterator[House]:
    """Yield the house with its database ready; the embedded one is made and migrated on the way.

    Raises:
        Unavailable: no database, or an external one that is not at the program's revision.
        InvalidInput: the settings cannot be read.
    """
    settings, root = read_settings(), data_root()
    with database_errors():
        address = ready(located(settings), root)
        database = open_database(address, pool_size=settings.pool_size)
        try:
            yield House(settings, root, database)
        finally:
            database.close()


@contextmanager
def database_errors() -> Iterator[None]:
    """Let what the drivers raise rise as an error that says what to do."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        cause = getattr(error, "orig", None) or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        raise Unavailable(f"The database does not answer as it should: {lines[0]}") from error


def located(settings: Settings) -> Address:
    """Return where the database is; starts the embedded server where no URL is set.

    Raises:
        InvalidInput: the URL in the environment is no URL of this driver.
        Unavailable: the embedded server does not start.
    """
    for name, url in (
        ("CASEFLOW_DATABASE_URL", settings.database_url),
        ("CASEFLOW_OWNER_DATABASE_URL", settings.owner_url),
    ):
        if url is not None:
            _refuse_url(name, url)
    return locate(settings)


def _refuse_url(name: str, url: str) -> None:
    try:
        driver = make_url(url).drivername
    except ArgumentError:
        driver = ""
    if driver != DRIVER:
        raise InvalidInput(f"{name} must be written {DRIVER}://user:password@host/database.")


def head_revision(root: Path) -> str | None:
    """Return the newest revision that the program brings along."""
    return ScriptDirectory(str(root / "migrations")).get_current_head()


def revision_of(address: Address) -> str | None:
    """Return the revision the database stands at; None: not migrated, or not made yet.

    Raises:
        Unavailable: the database does not answer.
    """
    with database_errors():
        if address.server is not None and not migration.database_exists(address.owner_url):
            return None
        return migration.current_revision(address.owner_url)


def ready(address: Address, root: Path) -> Address:
    """Return `address` when its database is at the newest revision; the embedded one is brought.

    Raises:
        Unavailable: an external database is behind (or ahead); nothing was changed.
    """
    revision, head = revision_of(address), head_revision(root)
    if revision == head:
        return address
    if address.server is None:
        raise Unavailable(
            f"The database is at revision {revision or 'none'}, the program at {head}:"
            " run 'caseflow db upgrade' first.",
            revision=revision,
            head=head,
        )
    prepare(address, root / "migrations")
    return address
