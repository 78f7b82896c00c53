"""`caseflow demo`: the story on a virtual clock, then the API of the house it was played in."""

from dataclasses import replace

import click
from rich.console import Console

from caseflow.cli.output import note
from caseflow.cli.serving import serve_api
from caseflow.database.readiness import driver_errors, located
from caseflow.settings import read_settings


@click.command()
@click.option(
    "--serve/--no-serve",
    "is_served",
    default=True,
    show_default=True,
    help="Serve the API of the house afterwards.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Default: CASEFLOW_PORT, else 8000.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print what happened as one JSON object instead of tables.",
)
def demo(*, is_served: bool, port: int | None, as_json: bool) -> None:  # fmt: skip
    """Found a city, rehearse every measure, play the story to the day, and serve the result.

    Example: caseflow demo --no-serve --json
    """
    from caseflow.rehearsal.demo import run_demo

    settings = read_settings()
    located(settings)
    with driver_errors():
        told = run_demo(settings, as_json=as_json, console=Console())
    if not is_served:
        return
    house = replace(
        settings,
        port=port or settings.port,
        database_url=told.address.url,
        owner_url=told.address.owner_url,
    )
    note("For the command line on this house: ")
    note(f"  export CASEFLOW_DATABASE_URL='{house.database_url}'")
    note(f"  export CASEFLOW_OWNER_DATABASE_URL='{house.owner_url}'")
    serve_api(house)
