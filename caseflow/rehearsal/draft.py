"""The demo's draft: refused while it is one, enacted as if it had been issued, then accepted."""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from caseflow.batches.founding import load_one
from caseflow.cases.opening import Opening, open_case
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.cities import read_cities
from caseflow.catalogue.differences import Difference
from caseflow.catalogue.enacting import Enactment, enact
from caseflow.catalogue.library import load_library
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.queries import LoadedMeasure, MeasureFilter
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.kernel.errors import PolicyClosed
from caseflow.rehearsal.house import DRAFT
from caseflow.rehearsal.openings import (
    Tail,
    booking,
    enlist_for,
    open_booked,
    places_of,
    plan_calls,
)
from caseflow.rehearsal.player import RehearsalStuck
from caseflow.rehearsal.troupe import Troupe

POLICY: Final = "nantong-2026"
MEASURE: Final = "NT26-4a"
BESIDE: Final = "NT24-2"
"""算力券 of the draft, and of the document in force for the same matter."""

ISSUED_ON, BEGINS_ON = date(2026, 10, 19), date(2026, 10, 20)
DOC_NO: Final = "演示〔2026〕1号"
HEAD: Final = f"（{DOC_NO}，2026年10月19日印发；文号、日期均为演示所设）\n"
OPEN_DATE: Final = ("2026年x月x日", "2026年10月20日")
"""What the draft leaves open, and what the demo puts there; no such document was issued."""

FIRMS_FROM: Final = 200
"""The number of the first applicant of this part."""


@dataclass(frozen=True)
class ClauseTold:
    """A clause as it stands beside another: its figures and its policy's life."""

    measure: str
    title: str
    status: str
    rates: str
    amounts: str
    effective_to: date | None


@dataclass(frozen=True)
class DraftTold:
    """What the draft's part brought."""

    refused: list[str]
    difference: Difference
    tail: Tail
    beside: list[ClauseTold]


@dataclass
class DraftPart:
    """The draft's part of the story, played with the troupe of the whole."""

    troupe: Troupe

    def is_there(self) -> bool:
        """Return whether the house has the draft at all."""
        return (self.troupe.house.root / "policies" / POLICY).is_dir()

    def play(self) -> DraftTold:
        """Ask for a case under every draft, enact one, and open a case under it.

        Raises:
            RehearsalStuck: a draft was accepted.
        """
        refused = self._refused()
        self.troupe.play(until=datetime(2026, 10, 20, 9, 30, tzinfo=SHANGHAI))
        difference = self._enact()
        tail = self._open()
        return DraftTold(refused, difference, tail, self._beside())

    def _refused(self) -> list[str]:
        house = self.troupe.house
        with house.database.session() as session:
            drafts = [m for m in catalogue.measures(session) if m.policy.status == DRAFT]
            firsts = {measure.policy_code: measure for measure in reversed(drafts)}
            asked = [
                self._asked(session, measure, number)
                for number, measure in enumerate(firsts.values(), start=FIRMS_FROM)
            ]
        return [self._refusal(opening) for opening in asked]

    def _asked(self, session: Session, measure: LoadedMeasure, number: int) -> Opening:
        now = self.troupe.now
        firm = enlist_for(session, self.troupe.house, measure, number=number, at=now)
        return Opening(
            measure=measure.code,
            applicant=firm.public_id,
            title=measure.version.title,
            actor_id=firm.person_id,
            at=now,
            matter_on=local_date(now),
        )

    def _refusal(self, opening: Opening) -> str:
        try:
            open_case(self.troupe.house.cases, opening)
        except PolicyClosed as error:
            return f"{local_date(opening.at)}：{error.message}"
        raise RehearsalStuck(f"{opening.measure} 尚为征求意见稿，却受理了。")

    def _enact(self) -> Difference:
        """Issue the draft in a copy of its folder and load it: its second version."""
        house, now = self.troupe.house, self.troupe.now
        with tempfile.TemporaryDirectory(prefix="caseflow-demo-") as scratch:
            folder = Path(scratch) / POLICY
            shutil.copytree(house.root / "policies" / POLICY, folder)
            files = self._issued(folder)
            with house.database.session() as session:
                load_one(
                    session,
                    files,
                    load_library(house.root / "workflows"),
                    read_cities(house.root),
                    at=now,
                    signer=house.cases.office.signer,
                )
                found = catalogue.version_difference(session, POLICY, on=local_date(now))
        return found.difference

    def _issued(self, folder: Path) -> PolicyFiles:
        words = (folder / "text.txt").read_text(encoding="utf-8").replace(*OPEN_DATE)
        wanted = Enactment(
            doc_no=DOC_NO, issued_on=ISSUED_ON, effective_from=BEGINS_ON, text=HEAD + words
        )
        return enact(folder, wanted)

    def _open(self) -> Tail:
        """Plan the enacted policy's calls and open the case of the one measure."""
        troupe, house = self.troupe, self.troupe.house
        with house.database.session() as session:
            measures = catalogue.measures(session, MeasureFilter(policy=POLICY))
            calls = plan_calls(session, house, measures, at=troupe.now)
            chosen = next(measure for measure in measures if measure.code == MEASURE)
            firm = enlist_for(session, house, chosen, number=FIRMS_FROM + 10, at=troupe.now)
            booked = booking(chosen, firm, calls[MEASURE])
            tail = Tail.of(chosen, booked, places_of(house, chosen))
        troupe.move_to(troupe.now)
        troupe.join(open_booked(troupe.player, booked, troupe.now).case)
        return tail

    def _beside(self) -> list[ClauseTold]:
        with self.troupe.house.database.session() as session:
            found = {measure.code: measure for measure in catalogue.measures(session)}
            return [_clause(found[code]) for code in (BESIDE, MEASURE) if code in found]


def _clause(measure: LoadedMeasure) -> ClauseTold:
    benefit = measure.version.definition["benefit"]
    return ClauseTold(
        measure=measure.code,
        title=measure.version.title,
        status=measure.policy.status,
        rates="、".join(rate["words"] for rate in benefit["rates"]),
        amounts="、".join(amount["words"] for amount in benefit["amounts"]),
        effective_to=measure.policy.effective_to,
    )
