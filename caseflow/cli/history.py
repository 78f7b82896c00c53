"""`caseflow history`: whether every event is as it was written."""

from itertools import islice

import click

from caseflow.cli.house import open_house
from caseflow.cli.output import json_option, progress, show, table
from caseflow.cli.problems import DONE, FAILED
from caseflow.history.queries import verify

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
