"""`caseflow demo`: the story on a virtual clock, then the API."""

import click


@click.command()
def demo() -> None:
    """Placeholder until rehearsal.demo lands.

    Example: caseflow demo
    """
