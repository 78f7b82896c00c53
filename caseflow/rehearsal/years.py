"""The years after the pause: warnings, the policy's last days, and every case to its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from caseflow.cases.service import Request
from caseflow.catalogue.cities import read_cities
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import GuardFailed, PolicyClosed
from caseflow.kernel.workflow.vocabulary import AMOUNTS
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.fixture import at
from caseflow.rehearsal.house import House
from caseflow.rehearsal.openings import Booking, open_booked, territories_of
from caseflow.rehearsal.player import RehearsalStuck
from caseflow.rehearsal.story import CITY, OnSweep, Tell
from caseflow.rehearsal.troupe import Troupe

OPENED_AT: Final = at("2028-05-11 10:00")
DAY_BEFORE: Final = at("2028-05-12 16:00")
LAST_DAY: Final = at("2028-05-13 23:59")
TOO_LATE: Final = at("2028-05-14 00:01")
DAY_AFTER: Final = at("2028-05-14 09:00")
"""The policy's last day is Saturday 2028-05-13, to 24:00. (启政办规〔2026〕1号, last sentence)"""

NUMBERS: Final = (91, 92, 93)
SUBMIT: Final = "submit"


@dataclass(frozen=True)
class Years:
    """What the years brought: refusals in words, warnings with how many were told, the end."""

    refused: list[str]
    warned: list[tuple[date, int]]
    ended: list[tuple[date, str]]


@dataclass
class SecondPart:
    """Plays on from the pause in a copy of the house."""

    house: House
    roots: list[int]
    booked: Booking
    tell: Tell
    on_sweep: OnSweep
    troupe: Troupe = field(init=False)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.troupe = Troupe(
            self.house,
            roots=self.roots,
            leave_alone=lambda case: case.state == "draft",
            on_sweep=self.on_sweep,
        )

    def play(self) -> Years:
        """Play until every case has ended.

        Raises:
            RehearsalStuck: something did not go as it must.
        """
        self.tell("政策到期前90、60、30、7日提醒")
        self.troupe.play(until=OPENED_AT)
        drafts = [self._open(firm) for firm in self._firms()]
        self.tell("政策最后一日受理，次日不再受理")
        self._submit(drafts[0], DAY_BEFORE)
        self._submit(drafts[1], LAST_DAY)
        self._refused_submission(drafts[2])
        self._refused_opening()
        self.tell("存量办件继续办理至办结")
        self.troupe.play()
        return Years(self.refused, self._warned(), self._ended())

    def _firms(self) -> Sequence[Applicant]:
        places = territories_of(read_cities(self.house.root)[CITY])
        with self.house.database.session() as session:
            return [
                enlist(
                    session,
                    kind="enterprise",
                    number=number,
                    territory=places[number % len(places)],
                    at=self.troupe.now,
                    ids=self.house.ids,
                )
                for number in NUMBERS
            ]

    def _open(self, firm: Applicant) -> int:
        booked = replace(self.booked, applicant=firm)
        outcome = open_booked(self.troupe.player, booked, self.troupe.now)
        return self.troupe.join(outcome.case)

    def _submit(self, case_id: int, when: datetime) -> None:
        self.troupe.play(until=when)
        self.troupe.take(case_id, SUBMIT)

    def _refused_submission(self, case_id: int) -> None:
        """A draft that was begun in time is submitted a minute too late."""
        self.troupe.play(until=TOO_LATE)
        case = self.troupe.standing(case_id)
        player = self.troupe.player
        step = player.workflow(case).steps[case.state, SUBMIT]
        actor = player.person(case, step)
        player.upload_missing(case, actor, self.troupe.now)
        payload = {"applied_fen": AMOUNTS["applied_fen"].sample}
        request = Request(SUBMIT, actor, self.troupe.now, payload)
        self._expect_refusal(lambda: self.house.cases.act(case.public_id, request))

    def _refused_opening(self) -> None:
        """Nobody begins a case any more on the day after the last."""
        self.troupe.play(until=DAY_AFTER)
        self._expect_refusal(lambda: open_booked(self.troupe.player, self.booked, self.troupe.now))

    def _expect_refusal(self, ask: Callable[[], object]) -> None:
        try:
            ask()
        except (GuardFailed, PolicyClosed) as error:
            self.refused.append(f"{local_date(self.troupe.now)}：{error.message}")
            return
        raise RehearsalStuck(f"{self.troupe.now} 的申报本应不予受理，却受理了。")

    def _warned(self) -> list[tuple[date, int]]:
        return [(local_date(at), life.warned) for at, life in self.troupe.lives if life.warned]

    def _ended(self) -> list[tuple[date, str]]:
        return [
            (local_date(at), title) for at, life in self.troupe.lives for title, _ in life.ended
        ]
