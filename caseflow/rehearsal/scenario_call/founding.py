"""The house in which the call is played: one city, its policy as if issued, a clock that is moved.

This alone touches a database; whoever plays afterwards has only the address of a server.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from caseflow.batches.founding import load_calendars, load_one
from caseflow.cases.assembly import signer_of
from caseflow.catalogue.cities import read_cities
from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policies
from caseflow.clock import VirtualClock
from caseflow.database import migration
from caseflow.database.access import locate, open_database
from caseflow.database.ids import PublicIds
from caseflow.identity.service import ensure_system_person, load_city
from caseflow.kernel.calendar import local_date
from caseflow.rehearsal import fixture
from caseflow.rehearsal.house import as_if_in_force
from caseflow.rehearsal.scenario_call.cast import CITY, POLICY
from caseflow.rehearsal.scratch import beside, let_commits_be_late
from caseflow.reviews.experts.service import enrol_seated
from caseflow.settings import Settings

NAME: Final = "caseflow_scenario_call"
FOUNDED_AT: Final = fixture.at("2026-06-01 08:00")
BEGINS_AT: Final = fixture.at("2026-06-01 09:00")
"""When the first stranger comes; what was founded before is not theirs."""


def found(
    settings: Settings, root: Path, *, name: str = NAME, template: str | None = None
) -> Settings:
    """Found the house in a fresh database `name` beside the settings' own; returns its settings.

    `template` names a migrated database to copy.

    The draft is put in force in this database alone: it is no legal basis (优化营商环境条例 64).
    An older database of that name is dropped.
    """
    address = beside(locate(settings), name)
    migration.drop_database(address.owner_url)
    migration.create_database(address.owner_url, template=template)
    if template is None:
        migration.upgrade(address.owner_url, root / "migrations")
    let_commits_be_late(address)
    house = replace(settings, database_url=address.url, owner_url=address.owner_url)
    load_house(house, root)
    return house


def load_house(settings: Settings, root: Path) -> None:
    """Load city, calendar and policy into the migrated database, and set its clock."""
    database = open_database(locate(settings), pool_size=1)
    try:
        with database.session() as session:
            signer, ids = signer_of(settings), PublicIds()
            cities = read_cities(root)
            load_city(session, cities[CITY], at=FOUNDED_AT, ids=ids)
            enrol_seated(session, by=ensure_system_person(session).id, at=FOUNDED_AT)
            load_calendars(session, at=FOUNDED_AT)
            (draft,) = (each for each in read_policies(root) if each.policy.code == POLICY)
            issued = as_if_in_force(draft, local_date(FOUNDED_AT))
            library = load_library(root / "workflows")
            load_one(session, issued, library, cities, at=FOUNDED_AT, signer=signer)
        VirtualClock(database.connect).move_to(BEGINS_AT)
    finally:
        database.close()
