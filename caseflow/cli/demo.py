"""`caseflow demo`: a story on a virtual clock, then the API of the house it was played in."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click
import orjson
from rich.console import Console

from caseflow.catalogue.places import data_root
from caseflow.cli.output import note, progress
from caseflow.cli.problems import DONE, FAILED
from caseflow.cli.serving import serve_api, served
from caseflow.database.readiness import driver_errors, located
from caseflow.settings import Settings, read_settings

if TYPE_CHECKING:
    from caseflow.rehearsal.scenario_call.telling import CallTold

POLICIES, CALL = "policies", "scenario-call"
STORIES: Final = (POLICIES, CALL)
LOOPBACK: Final = "127.0.0.1"
"""Where strangers may name themselves by development tokens, whatever the settings bind."""


@click.command()
@click.option(
    "--story",
    type=click.Choice(STORIES),
    default=POLICIES,
    show_default=True,
    help="All policies and years; or one whole call of YC-2a played over HTTP alone.",
)
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
def demo(*, story: str, is_served: bool, port: int | None, as_json: bool) -> int:  # fmt: skip
    """Found a city, play a story to the day on a virtual clock, and serve the result.

    Exit code 1 where the history does not tell the call back without a gap.

    Example: caseflow demo --story scenario-call --no-serve --json
    """
    settings = read_settings()
    located(settings)
    with driver_errors():
        play = _play_call if story == CALL else _play_policies
        house, is_whole = play(settings, as_json=as_json)
    if is_served:
        _serve(replace(house, port=port or settings.port))
    return DONE if is_whole else FAILED


def _play_policies(settings: Settings, *, as_json: bool) -> tuple[Settings, bool]:
    from caseflow.rehearsal.demo import run_demo

    told = run_demo(settings, as_json=as_json, console=Console())
    address = told.address
    return replace(settings, database_url=address.url, owner_url=address.owner_url), True


def _play_call(settings: Settings, *, as_json: bool) -> tuple[Settings, bool]:
    from caseflow.rehearsal.scenario_call.founding import found
    from caseflow.rehearsal.scenario_call.telling import show

    with progress("准备数据库，装入城市、日历、政策"):
        house = found(settings, data_root())
    note("征求意见稿只在本演练数据库中按已印发处理，不作为任何办理依据。")
    told = play_by_strangers(house)
    if as_json:
        click.echo(orjson.dumps(told.result))
    else:
        show(told, Console())
    return house, told.is_whole


def play_by_strangers(house: Settings) -> "CallTold":
    """Serve a house that was founded for the call, and let strangers play it over HTTP.

    Raises:
        TalkFailed: the house refused what it must do, or did what it must refuse.
    """
    from caseflow.rehearsal.scenario_call.playing import STEPS, play_call

    near = replace(house, host=LOOPBACK)
    with served(near) as port, progress("示范应用场景评选", total=STEPS) as step:
        return play_call(LOOPBACK, port, step)


def _serve(house: Settings) -> None:
    note("For the command line on this house: ")
    note(f"  export CASEFLOW_DATABASE_URL='{house.database_url}'")
    note(f"  export CASEFLOW_OWNER_DATABASE_URL='{house.owner_url}'")
    serve_api(house)
