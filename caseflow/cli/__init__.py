"""The command line: one command a folder of the house, `--json` wherever something is read."""

from caseflow.cli.program import main

__all__ = ["main"]
