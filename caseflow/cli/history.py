"""`caseflow history`: whether every event is as it was written, and all of them as a log."""

from itertools import islice
from typing import TextIO

import click

from caseflow.cases.event_log import cases_in_log, event_log
from caseflow.cases.xes import xes
from caseflow.cli.house import open_house
from caseflow.cli.measures import find_measure
from caseflow.cli.output import json_option, note, progress, show, table
from caseflow.cli.problems import DONE, FAILED
from caseflow.history.queries import verify

FORMATS = {"xes": xes}
COLUMNS = {"流": "stream", "序号": "seq", "问题": "what"}


@click.group()
def history() -> None:
    """The history (留痕): a hash chain a stream, each event with a keyed MAC.

    Example: caseflow history verify
    """


@history.command("verify")
@click.option(
    "--most",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Stop after so many faults.",
)
@json_option
def verify_history(*, most: int, as_json: bool) -> int:  # fmt: skip
    """Recompute every hash and MAC; exit code 1 if an event is missing, changed or forged.

    Example: caseflow history verify --json
    """
    with open_house() as house, house.database.connect() as connection, progress("Verifying"):
        found = connection.execute("SELECT count(*), count(DISTINCT stream) FROM event").fetchone()
        faults = list(islice(verify(connection, house.settings.mac_key), most))
    events, streams = found or (0, 0)
    rows = [vars(fault) for fault in faults]
    result = {"ok": not rows, "events": events, "streams": streams, "faults": rows}
    told = f"{events} events of {streams} streams are as they were written."
    show(result, as_json=as_json, view=lambda: table("异常", COLUMNS, rows) if rows else told)
    return FAILED if rows else DONE


@history.command("export")
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(FORMATS)),
    default="xes",
    show_default=True,
    help="XES: an event log (IEEE 1849).",
)
@click.option(
    "--measure", "measures", multiple=True, help="Only cases of this measure; repeatable."
)
@click.option(
    "--output",
    "-o",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="Write to this file instead of stdout.",
)
def export_history(*, kind: str, measures: tuple[str, ...], output: TextIO) -> None:
    """Export the events of all cases: a trace a case, seats instead of persons.

    Example: caseflow history export --format xes --measure QD26-7a -o QD26-7a.xes
    """
    for name in measures:
        find_measure(name)
    wanted = measures or None
    with open_house() as house, house.database.connect() as connection:
        total = cases_in_log(connection, wanted)
        with progress("Exporting", total=total) as step:
            output.writelines(FORMATS[kind](event_log(connection, wanted), on_trace=step))
    note(f"{total} cases written.")
