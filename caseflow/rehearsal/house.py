"""A house to play in: an open database with its acts, its files and its virtual clock."""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from caseflow.batches.founding import load_everything, load_one
from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.service import Cases
from caseflow.catalogue.cities import City, read_cities
from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.models import PolicyVersion
from caseflow.catalogue.policies import PolicyFiles
from caseflow.clock import VirtualClock
from caseflow.database.access import Address, Database, open_database
from caseflow.database.ids import PublicIds
from caseflow.funds.service import Hand
from caseflow.history.part import Signer
from caseflow.kernel.calendar import local_date
from caseflow.rehearsal.treasury import fund
from caseflow.settings import Settings

DRAFT: Final = "consultation_draft"
DRAFT_LIFE: Final = timedelta(days=730)
"""How long a draft without a last day is taken to be in force in a rehearsal. 惯例."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class House:
    """Everything a play needs: the acts, the database, the clock, the folder of files."""

    cases: Cases
    database: Database
    clock: VirtualClock
    root: Path
    files: Path
    upload_limit: int

    @cached_property
    def _cities(self) -> dict[str, City]:
        return read_cities(self.root)

    def city(self, code: str) -> City:
        """Return a city as its file has it."""
        return self._cities[code]

    def hand(self, at: datetime) -> Hand:
        """Return the hand of the house itself at an instant, to be given to whoever acts."""
        return Hand(self.cases.office.system_id, at, self.cases.office.signer)

    @property
    def ids(self) -> PublicIds:
        """Return the source of public ids."""
        return self.cases.ids


def enact_drafts(
    session: Session,
    root: Path,
    *,
    at: datetime,
    signer: Signer,
    only: Container[str] | None = None,
) -> list[PolicyVersion]:
    """Load the consultation drafts once more, as if they had been issued on the day of `at`.

    `only` names the policies of which the drafts are wanted. This is for scratch databases alone:
    a draft (征求意见稿) is no legal basis. (优化营商环境条例 64)
    """
    drafts = [
        files
        for files in read_policies(root)
        if files.policy.status == DRAFT and (only is None or files.policy.code in only)
    ]
    if not drafts:
        return []
    library, cities = load_library(root / "workflows"), read_cities(root)
    return [
        load_one(
            session,
            as_if_in_force(files, local_date(at)),
            library,
            cities,
            at=at,
            signer=signer,
        )
        for files in drafts
    ]


def as_if_in_force(files: PolicyFiles, on: date) -> PolicyFiles:
    """Return a draft's files as they would stand had it been issued on `on`."""
    policy = files.policy
    enacted = replace(
        policy,
        status="in_force",
        issued_on=policy.issued_on or on,
        effective_from=policy.effective_from or on,
        effective_to=policy.effective_to or on + DRAFT_LIFE,
    )
    return replace(files, policy=enacted)


def enter(
    address: Address,
    settings: Settings,
    root: Path,
    *,
    at: datetime,
    files: Path,
    ids: PublicIds | None = None,
) -> House:
    """Open a founded database and set its virtual clock to `at`."""
    database = open_database(address)
    clock = VirtualClock(database.connect)
    clock.move_to(at)
    return House(
        cases=assemble(database, settings, root, ids=ids),
        database=database,
        clock=clock,
        root=root,
        files=files,
        upload_limit=settings.upload_limit,
    )


def found_database(
    address: Address,
    settings: Settings,
    root: Path,
    *,
    at: datetime,
    ids: PublicIds,
    progress: Progress = lambda _: None,
    only: Container[str] | None = None,
) -> None:
    """Load every city, calendar and policy (`only` these), with budgets, into an empty house."""
    database = open_database(address, pool_size=1)
    try:
        with database.session() as session:
            signer = signer_of(settings)
            load_everything(
                session, root, at=at, signer=signer, ids=ids, progress=progress, only=only
            )
            fund(session, at=at, signer=signer, ids=ids)
    finally:
        database.close()
