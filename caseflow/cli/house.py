"""The house a command works in: settings, data folders, the open database, the present instant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.service import Cases
from caseflow.catalogue.places import data_root
from caseflow.cli.output import as_option
from caseflow.clock import clock_for
from caseflow.database.access import Database, open_database
from caseflow.database.readiness import driver_errors, located, ready
from caseflow.history.part import Signer
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import local_date
from caseflow.settings import Settings, read_settings

__all__ = ["House", "as_option", "open_house"]


@dataclass(frozen=True)
class House:
    """What a command needs, opened once."""

    settings: Settings
    root: Path
    database: Database

    def now(self) -> datetime:
        """Return the present instant, of the virtual clock where there is one."""
        return clock_for(self.database.connect).now()

    def today(self) -> date:
        """Return the present day in Asia/Shanghai."""
        return local_date(self.now())

    @property
    def signer(self) -> Signer:
        """Return the key that signs events."""
        return signer_of(self.settings)

    def cases(self) -> Cases:
        """Return the acts of this process."""
        return assemble(self.database, self.settings, self.root)

    def actor(self, login: str, at: datetime) -> Actor:
        """Return who `login` is, with every seat held at `at`.

        Raises:
            Unauthenticated: nobody has this login.
        """
        with self.database.session() as session:
            return actor_by_login(session, login, at)


@contextmanager
def open_house() -> Iterator[House]:
    """Yield the house with its database ready; the embedded one is made and migrated on the way.

    Raises:
        Unavailable: no database, or an external one that is not at the program's revision.
        InvalidInput: the settings cannot be read.
    """
    settings, root = read_settings(), data_root()
    with driver_errors():
        address = ready(located(settings), root / "migrations")
        database = open_database(address, pool_size=settings.pool_size)
        try:
            yield House(settings, root, database)
        finally:
            database.close()
