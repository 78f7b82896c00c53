"""`caseflow db`: the database's revisions."""

import click
from sqlalchemy.engine import make_url

from caseflow.catalogue.places import data_root
from caseflow.cli.output import facts, json_option, show
from caseflow.database import migration
from caseflow.database.access import Address
from caseflow.database.readiness import driver_errors, located, revision_of
from caseflow.settings import read_settings


@click.group()
def db() -> None:
    """The database: where it stands, and moving it to another revision.

    Example: caseflow db upgrade
    """


@db.command()
@click.option("--revision", default="head", show_default=True, help="The revision to reach.")
@json_option
def upgrade(*, revision: str, as_json: bool) -> None:
    """Bring the database to the newest revision; make the embedded one where it is missing.

    Example: caseflow db upgrade
    """
    address = located(read_settings())
    with driver_errors():
        if address.server is not None and not migration.database_exists(address.owner_url):
            migration.create_database(address.owner_url)
        migration.upgrade(address.owner_url, data_root() / "migrations", revision)
    _show_revision(address, as_json=as_json)


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def downgrade(*, revision: str, yes: bool, as_json: bool) -> None:
    """Take the database back to REVISION ("base": before the first). What is dropped is gone.

    Example: caseflow db downgrade base --yes
    """
    if not yes:
        question = f"Take the database back to {revision}? What later revisions hold is lost."
        click.confirm(question, abort=True, err=True)
    address = located(read_settings())
    with driver_errors():
        migration.downgrade(address.owner_url, data_root() / "migrations", revision)
    _show_revision(address, as_json=as_json)


@db.command()
@json_option
def current(*, as_json: bool) -> None:
    """Show which revision the database stands at, and which the program needs.

    Example: caseflow db current --json
    """
    _show_revision(located(read_settings()), as_json=as_json)


def _show_revision(address: Address, *, as_json: bool) -> None:
    revision, head = revision_of(address), migration.head_revision(data_root() / "migrations")
    result = {
        "database": make_url(address.url).render_as_string(hide_password=True),
        "embedded": address.server is not None,
        "revision": revision,
        "head": head,
        "at_head": revision == head,
    }
    show(result, as_json=as_json, view=lambda: facts("数据库", result))
