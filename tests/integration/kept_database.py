"""One database for a whole module whose tests never commit: each is rolled back, none copied."""

from collections.abc import Iterator

from caseflow.database.access import Database
from caseflow.database.server import Server
from tests.conftest import WORKER
from tests.lending import lend


def keep(server: Server, template: str, name: str) -> Iterator[Database]:
    """Yield a copy of `template` under `name`, dropped when the module is over."""
    yield from lend(server, template, WORKER)
