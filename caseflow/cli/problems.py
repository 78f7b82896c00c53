"""What the program says when it cannot: a line on stderr, or a problem document on stdout."""

import os
import re
import sys
from typing import Any, Final

import click

from caseflow.cli.output import document
from caseflow.kernel.errors import CaseflowError, DefinitionError

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130


def report(error: Exception, *, as_json: bool) -> None:
    """Print `error` for a person on stderr, or for a program on stdout; never a traceback."""
    line = f"Error: {words(error)}"
    try:
        if as_json:
            document(problem(error))
        sys.stdout.flush()
    except OSError:  # stdout itself is what fails: a full disk, a closed pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        as_json = False
    if not as_json:
        click.echo(line, err=True)


def words(error: Exception) -> str:
    """Return what was wrong, in a line (one a problem for a broken definition)."""
    if isinstance(error, DefinitionError):
        return error.message
    if isinstance(error, CaseflowError):
        return " ".join(error.message.split())
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{error.format_message()} See '{error.ctx.command_path} --help'."
    if isinstance(error, click.ClickException):
        return error.format_message()
    return str(error)


def problem(error: Exception) -> dict[str, Any]:
    """Return the problem document (RFC 9457) of an error, with its machine-readable details."""
    name = type(error).__name__
    kebab = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    details = error.details if isinstance(error, CaseflowError) else {}
    title = kebab.replace("-", " ").capitalize()
    return {**details, "type": f"/problems/{kebab}", "title": title, "detail": words(error)}
