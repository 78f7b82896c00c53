"""Whether a database is fit for this program: reachable, and at the revision it was written for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from caseflow.database import migration
from caseflow.database.access import Address, locate, prepare
from caseflow.kernel.errors import InvalidInput, Unavailable
from caseflow.settings import Settings

DRIVER: Final = "postgresql+psycopg"


@contextmanager
def driver_errors() -> Iterator[None]:
    """Let what the drivers raise rise as an error that says what happened.

    Raises:
        Unavailable: in place of any error of psycopg or SQLAlchemy.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        cause = getattr(error, "orig", None) or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        raise Unavailable(f"The database does not answer as it should: {lines[0]}") from error


def located(settings: Settings) -> Address:
    """Return where the database is; starts the embedded server where no URL is set.

    Raises:
        InvalidInput: a URL in the environment is no URL of this program's driver.
        Unavailable: the embedded server does not start.
    """
    for name, url in (
        ("CASEFLOW_DATABASE_URL", settings.database_url),
        ("CASEFLOW_OWNER_DATABASE_URL", settings.owner_url),
    ):
        if url is not None and _driver(url) != DRIVER:
            raise InvalidInput(f"{name} must be written {DRIVER}://user:password@host/database.")
    return locate(settings)


def _driver(url: str) -> str:
    try:
        return make_url(url).drivername
    except ArgumentError:
        return ""


def revision_of(address: Address) -> str | None:
    """Return the revision the database stands at; None: not migrated, or not made yet.

    Raises:
        Unavailable: the database does not answer.
    """
    with driver_errors():
        try:
            return migration.current_revision(address.owner_url)
        except psycopg.OperationalError:
            if address.server is None or migration.database_exists(address.owner_url):
                raise
            return None


def ready(address: Address, migrations: Path) -> Address:
    """Return `address` once its database is at the newest revision.

    The embedded database is brought there; an external one is left alone.

    Raises:
        Unavailable: it does not answer, or an external one is behind or ahead.
    """
    revision, head = revision_of(address), migration.head_revision(migrations)
    if revision == head:
        return address
    if address.server is None:
        raise Unavailable(
            f"The database is at revision {revision or 'none'}, the program needs {head}:"
            " run 'caseflow db upgrade' first.",
            revision=revision,
            head=head,
        )
    with driver_errors():
        try:
            prepare(address, migrations)
        except (DBAPIError, psycopg.Error):  # another process was making the same; now it is there
            prepare(address, migrations)
    return address
