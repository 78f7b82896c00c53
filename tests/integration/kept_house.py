"""A house kept for a whole module: each test that visits it brings a firm of its own."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.funds.service import Hand
from caseflow.rehearsal.applicants import enlist
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import FIRM, House, house_on, shanghai
from tests.integration.kept_database import keep

_numbers = count(1)


def keep_house(server: Server, template: str, folder: Path) -> Iterator[House]:
    """Yield the house of a copy of `template`, put back when the module is over."""
    settings = settings_of_templates(str(folder))
    for database in keep(server, template):
        yield house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(2))))


def visited(house: House) -> House:
    """Return the house with a new firm of the same name as its applicant, person and all."""
    hand = Hand(house.people["applicant1"], shanghai(10, 12), house.cases.office.signer)
    with house.cases.database.session() as session:
        firm = enlist(
            session, kind="enterprise", number=100 + next(_numbers), territory="huilong",
            hand=hand, ids=house.ids, title=FIRM,
        )  # fmt: skip
    return replace(
        house, applicant=firm.public_id, people={**house.people, "applicant1": firm.person_id}
    )
