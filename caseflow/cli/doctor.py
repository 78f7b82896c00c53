"""`caseflow doctor`: what is missing or broken, and what to do about it."""

from dataclasses import asdict

import click

from caseflow.catalogue.places import data_root
from caseflow.cli import probes
from caseflow.cli.output import json_option, progress, show, table
from caseflow.cli.probes import BROKEN, Probe
from caseflow.cli.problems import DONE, FAILED
from caseflow.settings import read_settings

COLUMNS = {"项目": "name", "状态": "status", "说明": "detail"}


@click.command()
@json_option
def doctor(*, as_json: bool) -> int:
    """Look at everything the program needs; exit code 1 if something is broken.

    Example: caseflow doctor --json
    """
    found = examine()
    rows = [asdict(probe) for probe in found]
    is_ok = not any(probe.status == BROKEN for probe in found)
    result = {"ok": is_ok, "probes": rows}
    show(result, as_json=as_json, view=lambda: table("体检", COLUMNS, rows))
    return DONE if is_ok else FAILED


def examine() -> list[Probe]:
    """Return every probe in turn; those of the database only where it answers."""
    settings, root = read_settings(), data_root()
    with progress("Examining") as step:
        found = list(probes.of_the_machine(settings, root))
        step("machine")
        found += probes.of_the_database(settings, root)
        step("database")
    return found
