"""Making, migrating and dropping databases, always as their owner.

Alembic is imported where a database moves: most commands only look whether it stands at the head,
and would begin a fifth later for it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    return create_engine(url, poolclass=NullPool)


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
    engine = _owner_engine(owner_url)
    try:
        with engine.connect() as connection:
            known = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
            query = text("SELECT version_num FROM alembic_version")
            return str(found) if known and (found := connection.scalar(query)) else None
    finally:
        engine.dispose()


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
    url = make_url(owner_url)
    source = f' TEMPLATE "{template}"' if template else ""
    _administer(owner_url, f'CREATE DATABASE "{url.database}"{source}')


def drop_database(owner_url: str) -> None:
    """Drop the database that `owner_url` names, whoever is connected to it."""
    _administer(owner_url, f'DROP DATABASE IF EXISTS "{make_url(owner_url).database}" WITH (FORCE)')


def database_exists(owner_url: str) -> bool:
    """Return whether the server has the database that `owner_url` names."""
    url = make_url(owner_url)
    engine = _owner_engine(url.set(database="postgres").render_as_string(hide_password=False))
    query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    try:
        with engine.connect() as connection:
            return bool(connection.execute(query, {"name": url.database}).scalar())
    finally:
        engine.dispose()


def _administer(owner_url: str, statement: str) -> None:
    url = make_url(owner_url).set(database="postgres")
    engine = _owner_engine(url.render_as_string(hide_password=False))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
