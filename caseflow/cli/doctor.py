"""`caseflow doctor`: what is missing or broken, and what to do about it."""

from dataclasses import asdict

import click

from caseflow.catalogue.places import data_root
from caseflow.cli import checks
from caseflow.cli.checks import BROKEN, Check
from caseflow.cli.output import json_option, progress, show, table
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
    rows = [asdict(check) for check in found]
    is_ok = not any(check.status == BROKEN for check in found)
    result = {"ok": is_ok, "checks": rows}
    show(result, as_json=as_json, view=lambda: table("体检", COLUMNS, rows))
    return DONE if is_ok else FAILED


def examine() -> list[Check]:
    """Return every check in turn; those of the database only where it answers."""
    settings, root = read_settings(), data_root()
    with progress("Examining") as step:
        found = list(checks.of_the_machine(settings, root))
        step("machine")
        found += checks.of_the_database(settings, root)
        step("database")
    return found
