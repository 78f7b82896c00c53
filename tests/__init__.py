"""The tests.

What happens while modules are imported is measured by one run for all (`make imports`); the others
begin to measure when everything has been collected.
"""

import os

import coverage

IMPORTS_MEASURED = bool(os.environ.get("CASEFLOW_IMPORTS_MEASURED"))


def stop_measuring() -> None:
    """Stop every measuring of coverage that runs in this process."""
    while (running := coverage.Coverage.current()) is not None:
        running.stop()


if IMPORTS_MEASURED:
    stop_measuring()
