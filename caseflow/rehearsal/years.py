"""The years after the pause: warnings, the policies' last days, and every case to its end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from caseflow.cases.service import Request
from caseflow.kernel.calendar import ONE_DAY, local_date, shanghai_instant
from caseflow.kernel.errors import GuardFailed, PolicyClosed
from caseflow.kernel.workflow.vocabulary import AMOUNTS
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.house import House
from caseflow.rehearsal.openings import Booking, Tail, open_booked
from caseflow.rehearsal.player import RehearsalStuck
from caseflow.rehearsal.story import FIRMS, OnSweep, Tell
from caseflow.rehearsal.troupe import Troupe

OPENED_AHEAD: Final = 2 * ONE_DAY
"""How long before the last day the last drafts are begun, at ten in the morning."""

MINUTE: Final = timedelta(minutes=1)
FIRMS_FROM: Final = 900
"""The number of the first applicant of this part; each policy has three."""

SUBMIT: Final = "submit"


@dataclass(frozen=True)
class Years:
    """What the years brought: refusals in words, warnings with how many were told, the ends."""

    refused: list[str]
    warned: list[tuple[date, int]]
    ended: list[tuple[date, str, str]]


@dataclass
class SecondPart:
    """Plays on from the pause in a copy of the house."""

    house: House
    roots: list[int]
    tails: Sequence[Tail]
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
        ordered = sorted(self.tails, key=lambda tail: tail.last_day)
        numbers = iter(range(FIRMS_FROM, FIRMS_FROM + FIRMS * len(ordered)))
        for last_day, tails in groupby(ordered, key=lambda tail: tail.last_day):
            self.tell(f"{last_day} 政策到期：提醒，最后一日受理，次日不再受理")
            self._end_of(last_day, list(tails), numbers)
        self.tell("存量办件继续办理至办结")
        self.troupe.play()
        return Years(self.refused, self._warned(), self._ended())

    def _end_of(self, last_day: date, tails: list[Tail], numbers: Iterator[int]) -> None:
        """Play the last days of the policies that end together; the last day is theirs to 24:00."""
        self.troupe.play(until=shanghai_instant(last_day - OPENED_AHEAD, hour=10))
        drafts = [[self._open(tail, next(numbers)) for _ in range(FIRMS)] for tail in tails]
        midnight = shanghai_instant(last_day + ONE_DAY, hour=0)
        for ahead, index in ((timedelta(hours=32), 0), (MINUTE, 1)):
            self.troupe.play(until=midnight - ahead)
            for each in drafts:
                self.troupe.take(each[index], SUBMIT)
        self.troupe.play(until=midnight + MINUTE)
        for each in drafts:
            self._refused_submission(each[2])
        self.troupe.play(until=midnight + timedelta(hours=9))
        for tail in tails:
            self._refused_opening(tail.booked)

    def _open(self, tail: Tail, number: int) -> int:
        booked = replace(tail.booked, applicant=self._firm(tail, number))
        outcome = open_booked(self.troupe.player, booked, self.troupe.now)
        return self.troupe.join(outcome.case)

    def _firm(self, tail: Tail, number: int) -> Applicant:
        with self.house.database.session() as session:
            return enlist(
                session,
                kind="enterprise",
                number=number,
                territory=tail.places[number % len(tail.places)],
                hand=self.house.hand(self.troupe.now),
                ids=self.house.ids,
            )

    def _refused_submission(self, case_id: int) -> None:
        """A draft that was begun in time is submitted a minute too late."""
        case = self.troupe.standing(case_id)
        player = self.troupe.player
        step = player.workflow(case).steps[case.state, SUBMIT]
        actor = player.person(case, step)
        player.upload_missing(case, actor, self.troupe.now)
        payload = {"applied_fen": AMOUNTS["applied_fen"].sample}
        request = Request(SUBMIT, actor, self.troupe.now, payload)
        self._expect_refusal(lambda: self.house.cases.act(case.public_id, request))

    def _refused_opening(self, booked: Booking) -> None:
        """Nobody begins a case any more on the day after the last."""
        self._expect_refusal(lambda: open_booked(self.troupe.player, booked, self.troupe.now))

    def _expect_refusal(self, ask: Callable[[], object]) -> None:
        try:
            ask()
        except (GuardFailed, PolicyClosed) as error:
            self.refused.append(f"{local_date(self.troupe.now)}：{error.message}")
            return
        raise RehearsalStuck(f"{self.troupe.now} 的申报本应不予受理，却受理了。")

    def _warned(self) -> list[tuple[date, int]]:
        return [(local_date(at), life.warned) for at, life in self.troupe.lives if life.warned]

    def _ended(self) -> list[tuple[date, str, str]]:
        return [(local_date(at), *ended) for at, life in self.troupe.lives for ended in life.ended]
