"""Making, migrating and dropping databases, always as their owner.

Alembic is imported where a database moves: most commands only look whether it stands at the head,
and would begin a fifth later for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from caseflow.database.orm import Model
from caseflow.kernel.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 72_616_373
"""The advisory lock under which one process migrates while the others wait."""


def _owner_engine(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool, use_native_hstore=False)


@contextmanager
def _connected(owner_url: str, database: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """Connect as the owner for a statement or two, without what an engine asks before its first."""
    url = make_url(owner_url).set(drivername="postgresql")
    url = url if database is None else url.set(database=database)
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def _configuration(migrations: Path, connection: Any) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(owner_url: str, migrations: Path, revision: str = "head") -> None:
    """Bring the database to `revision`; a second process waits for the first.

    Raises:
        Unavailable: the database does not answer. InvalidInput: there is no such revision.
    """
    from alembic import command

    _run(owner_url, migrations, command.upgrade, revision)


def downgrade(owner_url: str, migrations: Path, revision: str) -> None:
    """Take the database back to `revision` ("base": before the first)."""
    from alembic import command

    _run(owner_url, migrations, command.downgrade, revision)


def _run(owner_url: str, migrations: Path, verb: Any, revision: str) -> None:
    from alembic.util import CommandError

    engine = _owner_engine(owner_url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            connection.commit()
            verb(_configuration(migrations, connection), revision)
            connection.commit()
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {error.orig}") from error
    except CommandError as error:
        raise InvalidInput(f"The database is not moved: {error}.") from error
    finally:
        engine.dispose()


def head_revision(migrations: Path) -> str:
    """Return the newest revision that the program brings along: its files are named by number."""
    return max(path.name.partition("_")[0] for path in (migrations / "versions").glob("*.py"))


def current_revision(owner_url: str) -> str | None:
    """Return the revision the database stands at, None before the first."""
    with _connected(owner_url) as connection:
        known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if known == (None,):
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])


def differences(owner_url: str) -> list[Any]:
    """Return what the tables in the code and in the database do not share; empty when equal."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = _owner_engine(owner_url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            return list(compare_metadata(context, Model.metadata))
    finally:
        engine.dispose()


def create_database(owner_url: str, *, template: str | None = None) -> None:
    """Create the database that `owner_url` names, empty or as a copy of `template`."""
    source = f' TEMPLATE "{template}"' if template else ""
    administer(owner_url, f'CREATE DATABASE "{_name(owner_url)}"{source}')


def drop_database(owner_url: str) -> None:
    """Drop the database that `owner_url` names, whoever is connected to it."""
    administer(owner_url, f'DROP DATABASE IF EXISTS "{_name(owner_url)}" WITH (FORCE)')


def database_exists(owner_url: str) -> bool:
    """Return whether the server has the database that `owner_url` names."""
    query = "SELECT FROM pg_database WHERE datname = %s"
    with _connected(owner_url, "postgres") as connection:
        return connection.execute(query, (_name(owner_url),)).fetchone() is not None


def administer(owner_url: str, statement: str) -> None:
    """Run a statement about whole databases, from beside them."""
    with _connected(owner_url, "postgres") as connection:
        connection.execute(statement.encode())


def _name(owner_url: str) -> str:
    return str(make_url(owner_url).database)
