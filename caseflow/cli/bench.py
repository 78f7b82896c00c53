"""`caseflow bench`: how fast, next to what PostgreSQL can do at all."""

from typing import Any

import click

from caseflow.cli.output import facts, json_option, progress, show, table
from caseflow.database.readiness import driver_errors
from caseflow.settings import read_settings

ACT = {
    "clients": "clients",
    "decisions/s": "per_second",
    "pgbench/s": "pgbench_per_second",
    "ratio": "ratio",
    "p99 ms": "p99_ms",
    "client µs": "client_us",
    "server µs": "server_us",
}


@click.group()
def bench() -> None:
    """Benchmarks on the embedded server, in scratch databases.

    Example: caseflow bench act --json
    """


@bench.command()
@click.option(
    "--clients",
    default=(1, 4),
    multiple=True,
    type=click.IntRange(1, 64),
    show_default=True,
    help="Client processes; may be given several times.",
)
@click.option(
    "--seconds",
    default=5,
    type=click.IntRange(1, 600),
    show_default=True,
    help="Length of a slice.",
)
@click.option(
    "--rounds",
    default=3,
    type=click.IntRange(1, 100),
    show_default=True,
    help="Interleaved slices of each side; the median counts.",
)
@click.option(
    "--cases",
    default=1_000,
    type=click.IntRange(1),
    show_default=True,
    help="Cases of each client.",
)
@json_option
def act(
    *, clients: tuple[int, ...], seconds: int, rounds: int, cases: int, as_json: bool
) -> None:  # fmt: skip
    """Measure decisions per second, next to pgbench doing the same writes.

    Example: caseflow bench act --clients 1 --clients 4 --seconds 5 --json
    """
    from caseflow.bench.act import run

    with driver_errors(), progress("Measuring") as step:
        result: dict[str, Any] = run(
            read_settings(), clients=clients, seconds=seconds, rounds=rounds, cases=cases,
            progress=step,
        )  # fmt: skip
    show(result, as_json=as_json, view=lambda: table("act()", ACT, result["clients"]))


@bench.command()
@click.option(
    "--open",
    "waiting",
    default=100_000,
    type=click.IntRange(100),
    show_default=True,
    help="Timers that wait; 1 % of so many are due.",
)
@json_option
def timers(*, waiting: int, as_json: bool) -> None:  # fmt: skip
    """Due timers acted on per second, with 100,000 open ones of which 1 % are due.

    Example: caseflow bench timers --json
    """
    from caseflow.bench.timers import run

    with driver_errors(), progress("Measuring") as step:
        result = run(read_settings(), open_timers=waiting, progress=step)
    show(result, as_json=as_json, view=lambda: facts("timers", result))


@bench.command()
@click.option(
    "--cases",
    default=5_000,
    type=click.IntRange(1, 5_000),
    show_default=True,
    help="Cases of the one publicity.",
)
@json_option
def publicity(*, cases: int, as_json: bool) -> None:
    """Close one publicity of 5,000 cases in one go, an event each; both sides' processor time.

    Example: caseflow bench publicity --json
    """
    from caseflow.bench.publicity import run

    with driver_errors(), progress("Measuring") as step:
        result = run(read_settings(), cases=cases, progress=step)
    show(result, as_json=as_json, view=lambda: facts("publicity", result))
