"""One database for a whole module, whose tests are rolled back or bring cases of their own."""

from collections.abc import Iterator

from caseflow.database.access import Database
from caseflow.database.server import Server
from tests.conftest import WORKER
from tests.lending import lend


def keep(server: Server, template: str) -> Iterator[Database]:
    """Yield a copy of `template`, put back when the module is over."""
    yield from lend(server, template, WORKER)
