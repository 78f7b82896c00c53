"""One database as a process sees it: its URLs, its two ways in, and how to let go of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from caseflow.database import migration
from caseflow.database.connections import Connect, make_engine, make_road
from caseflow.database.server import PROGRAM_ROLE, Server, start_embedded
from caseflow.kernel.errors import Conflict, Unavailable
from caseflow.settings import Settings

EMBEDDED_FOLDER = "postgres"
DATABASE = "caseflow"


@dataclass(frozen=True)
class Address:
    """Where a database is: the program's URL, its owner's, the embedded server if it is ours."""

    url: str
    owner_url: str
    server: Server | None = None


@dataclass(frozen=True)
class Database:
    """An open database: `session()` for most things, `connect()` for the short road."""

    address: Address
    engine: Engine
    road: Engine
    connect: Connect

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session in one transaction: committed at the end, rolled back on an error.

        Raises:
            Conflict: a constraint refused it. Unavailable: the database does not answer.
        """
        with _refusals(), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def batch(self) -> Iterator[Session]:
        """Yield a session on the short road, in one transaction: for what moves sets of cases.

        Raises:
            As `session`.
        """
        road = self.road.execution_options(isolation_level="READ COMMITTED")
        with _refusals(), Session(road) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self.road.dispose()


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise what the database says as the program's own errors."""
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}") from error
    except DBAPIError as error:
        raise Conflict(f"The database refused it: {error.orig}") from error


def locate(settings: Settings, *, name: str = DATABASE) -> Address:
    """Return the address of database `name`; starts the embedded server where no URL is set.

    Raises:
        Unavailable: the embedded server does not start.
    """
    if settings.database_url is not None:
        return Address(settings.database_url, settings.owner_url or settings.database_url)
    server = start_embedded(settings.home / EMBEDDED_FOLDER)
    return Address(server.url(name, role=PROGRAM_ROLE), server.url(name), server)


def prepare(address: Address, migrations: Path) -> None:
    """Create the embedded database where it is missing, and bring it to the newest revision."""
    if address.server is not None and not migration.database_exists(address.owner_url):
        migration.create_database(address.owner_url)
    migration.upgrade(address.owner_url, migrations)


def open_database(address: Address, *, pool_size: int = 8) -> Database:
    """Return the database at `address`, ready to use; nothing is asked of it yet."""
    road, connect = make_road(address.url, pool_size=pool_size)
    engine = make_engine(address.url, pool_size=pool_size)
    return Database(address=address, engine=engine, road=road, connect=connect)
