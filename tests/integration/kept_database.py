"""One database for a whole module whose tests never commit: each is rolled back, none copied."""

from collections.abc import Iterator

from caseflow.database import migration
from caseflow.database.access import Address, Database, open_database
from caseflow.database.server import PROGRAM_ROLE, Server


def keep(server: Server, template: str, name: str) -> Iterator[Database]:
    """Yield a copy of `template` under `name`, dropped when the module is over."""
    url = server.url(name)
    migration.create_database(url, template=template)
    database = open_database(Address(server.url(name, role=PROGRAM_ROLE), url, server))
    yield database
    database.close()
    migration.drop_database(url)
