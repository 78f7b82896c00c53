"""Cases of all five policies: like `walking`, in whichever city a measure belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.cities import City, read_cities
from caseflow.database.access import Database
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.openings import booking, open_booked, plan_calls, territories_of
from tests.conftest import EVERYTHING, untraced
from tests.integration.walking import BEGINS, Town, found_town

YUAN = 100
AMOUNTS = (
    "applied_fen",
    "verified_fen",
    "audited_fen",
    "reviewed_fen",
    "planned_fen",
    "approved_fen",
)
_numbers = count(1)
"""Of applicants; a made-up person's must stay below a thousand."""


@dataclass
class Land(Town):
    """Every city, with an open call for some measures."""

    def open(self, measure: str, **applicant: Any) -> str:
        """Open a case of a fresh applicant, by default one of the first kind the measure names.

        `kind` and `territory` say otherwise.
        """
        with self.house.database.session() as session:
            loaded = catalogue.measure(session, measure)
            first = {
                "kind": loaded.version.definition["applicants"][0],
                "territory": territories_of(cities()[loaded.city], loaded.policy)[0],
            }
            who = self.register(session, **{**first, **applicant})
            booked = booking(loaded, who, self.calls[measure])
        return open_booked(self.player, booked, self.now).case

    def register(self, session: Session, **applicant: Any) -> Applicant:
        """Register a made-up applicant."""
        number, hand = next(_numbers), self.house.hand(self.now)
        return enlist(session, number=number, hand=hand, ids=self.house.ids, **applicant)

    def paid(self, case: str) -> int:
        """Return what was paid to a case, in fen."""
        return int(self.value('SELECT paid_fen FROM "case" WHERE public_id = %s', case))

    def ways(self, case: str) -> list[str]:
        """Return the events that are possible where the case stands, by anybody."""
        standing = self.standing(case)
        assert standing is not None, f"{case} has ended"
        steps = self.player.workflow(standing).steps_from(standing.state)
        return sorted(step.event for step in steps)


@cache
def cities() -> dict[str, City]:
    """Return every city of the checkout."""
    return read_cities(EVERYTHING)


def amounts(fen: int) -> dict[str, int]:
    """Return a payload in which every amount of a case is the same."""
    return dict.fromkeys(AMOUNTS, fen)


def found_land(
    database: Database, folder: Path, measures: Sequence[str], config: pytest.Config
) -> Land:
    """Return a land on a database with all policies, with a call for each of the measures."""
    with untraced(config):
        town = found_town(database, folder, measures=())
        with database.session() as session:
            loaded = [catalogue.measure(session, measure) for measure in measures]
            calls = plan_calls(session, town.house, loaded, at=BEGINS)
        return Land(town.house, calls)
