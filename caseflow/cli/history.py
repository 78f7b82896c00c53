"""`caseflow history`: whether every event is as it was written, and all of them as a log."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from itertools import chain, islice
from typing import Any, Final, TextIO

import click

from caseflow.cases.audit import MOST, AuditFilter, audit_feed
from caseflow.cases.event_log import cases_in_log, event_log
from caseflow.cases.xes import xes
from caseflow.catalogue.pinned import Pinned
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.measures import find_measure
from caseflow.cli.output import facts, json_option, note, progress, show, table
from caseflow.cli.problems import DONE, FAILED
from caseflow.clock import SystemClock
from caseflow.history.checkpoints.notes import MOST_BYTES, head_of, verifier_of
from caseflow.history.checkpoints.queries import CheckpointView, newest_checkpoint, verify_seals
from caseflow.history.checkpoints.service import seal_all, seal_of
from caseflow.history.queries import Fault, frozen
from caseflow.history.verifying import verify_in_parts

FORMATS = {"xes": xes}
COLUMNS = {"流": "stream", "序号": "seq", "问题": "what"}
FEED = {
    "时间": "at", "所属": "subject", "序号": "seq", "事件": "event", "办理人": "actor",
    "席位": "seat", "单位": "organisation_title", "由": "from_state", "至": "to_state",
}  # fmt: skip
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])
COUNTS: Final = """
    SELECT count(*), count(DISTINCT stream), (SELECT count(*) FROM event_leaf),
        (SELECT count(*) FROM checkpoint) FROM event
"""
COUNTED: Final = ("events", "streams", "sealed", "checkpoints")
TOLD: Final = (
    "{events} events of {streams} streams are as they were written, {sealed} of them sealed under"
    " {checkpoints} checkpoints; {events_per_second} events a second."
)


@click.group()
def history() -> None:
    """The history (留痕): a hash chain a stream, a MAC an event, signed checkpoints over all.

    Example: caseflow history verify
    """


@history.command("list")
@click.option("--since", type=MOMENT, help="Not before this instant (with its offset).")
@click.option("--until", type=MOMENT, help="Before this instant.")
@click.option("--actor", metavar="LOGIN", help="Only what this person did.")
@click.option("--event", help="Only events of this name.")
@click.option("--after", metavar="MARK", help="Begin after this event.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_events(
    *, after: str | None, limit: int, login: str, as_json: bool, **wanted: Any
) -> None:  # fmt: skip
    """List every event of every history, the oldest first; for auditors alone.

    Example: caseflow history list --since 2026-06-01T00:00:00+08:00 --as shenjiju.auditor --json
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        driver = session.connection().connection.driver_connection
        asked = AuditFilter(**wanted)
        page = audit_feed(driver, actor, asked, pinned=Pinned(), after=after, limit=limit)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(event) for event in page.items]
    show(rows, as_json=as_json, view=lambda: table("留痕", FEED, rows))


@history.command("seal")
@json_option
def seal_history(*, as_json: bool) -> None:
    """Seal what is pending under a new signed checkpoint; the worker does this every few seconds.

    Example: caseflow history seal --json
    """
    with open_house() as house, house.database.connect() as connection:
        sealed = seal_all(connection, seal_of(house.settings), at=house.now())
        row = {"sealed": sealed, **_told(newest_checkpoint(connection))}
    show(row, as_json=as_json, view=lambda: facts("封存", row))


@history.command("checkpoint")
@click.option(
    "--output",
    "-o",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="Write to this file instead of stdout.",
)
def newest(*, output: TextIO) -> None:
    """Write the newest checkpoint as a signed text, to be kept on another machine.

    The key that checks its signature goes to stderr: keep it beside the first checkpoint.

    Example: caseflow history checkpoint -o 2026-11-28.checkpoint
    """
    with open_house() as house, house.database.connect() as connection:
        found = newest_checkpoint(connection)
        key = seal_of(house.settings).verifier.text
    output.write(found.note)
    note(f"Checkpoint {found.number} over {found.size} events. Key: {key}")


def _told(found: CheckpointView) -> dict[str, Any]:
    return {"checkpoint": found.number, "size": found.size, "root": found.root, "at": found.at}


@history.command("verify")
@click.option(
    "--most",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Stop after so many faults.",
)
@click.option(
    "--checkpoint",
    "notes",
    multiple=True,
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="A checkpoint that was kept elsewhere; repeatable.",
)
@click.option("--key", metavar="KEY", help="The key that checks its signature, as it was kept.")
@json_option
def verify_history(
    *, most: int, notes: tuple[TextIO, ...], key: str | None, as_json: bool
) -> int:  # fmt: skip
    """Recompute every hash, MAC and checkpoint; exit code 1 if an event is missing or changed.

    Only a checkpoint that was kept elsewhere shows that the whole database was put back to an
    older copy, or written anew by somebody who had the keys.

    Example: caseflow history verify --checkpoint 2026-11-28.checkpoint --json
    """
    began = SystemClock().now()
    with open_house() as house, house.database.connect() as connection, progress("Verifying"):
        verifier = verifier_of(key) if key else seal_of(house.settings).verifier
        witnessed = [head_of(each.read(MOST_BYTES), verifier) for each in notes]
        with frozen(connection):
            counts = dict(zip(COUNTED, connection.execute(COUNTS).fetchone() or (), strict=True))
            seals = verify_seals(connection, verifier, witnessed=witnessed)
            faults = chain(_verified(house, connection, counts["events"], most), seals)
            rows = [vars(fault) for fault in islice(faults, most)]
    took = _rate(counts["events"], SystemClock().now() - began)
    result = {"ok": not rows, **counts, "witnessed": len(notes), **took, "faults": rows}
    told = TOLD.format(**result)
    show(result, as_json=as_json, view=lambda: table("异常", COLUMNS, rows) if rows else told)
    return FAILED if rows else DONE


def _verified(house: House, connection: Any, events: int, most: int) -> Iterator[Fault]:
    """Yield the faults of all events, looked for by a process a processor."""
    address, key = house.database.address, house.settings.mac_key
    return verify_in_parts(connection, address.url, key, events=events, most=most)


def _rate(events: int, took: timedelta) -> dict[str, int]:
    milliseconds = took // timedelta(milliseconds=1) + 1
    return {"milliseconds": milliseconds, "events_per_second": 1000 * events // milliseconds}


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
