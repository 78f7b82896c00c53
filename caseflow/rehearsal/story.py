"""The demo's story up to its pause: calls, the fixture, an objection, a draft, a case a family."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from caseflow.cases.effects import GROUNDS
from caseflow.cases.service import Request
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.catalogue.service import Window, plan_call
from caseflow.identity.service import ensure_system_person
from caseflow.kernel.workflow.vocabulary import INPUTS
from caseflow.rehearsal import fixture
from caseflow.rehearsal.applicants import Applicant
from caseflow.rehearsal.draft import BESIDE, DraftPart, DraftTold
from caseflow.rehearsal.fixture import Moment, at
from caseflow.rehearsal.house import House
from caseflow.rehearsal.openings import (
    Booking,
    Tail,
    booking,
    enlist_for,
    open_booked,
    places_of,
    plan_calls,
)
from caseflow.rehearsal.queries import Standing
from caseflow.rehearsal.troupe import Troupe

POLICY: Final = "qidong-2026"
"""Its measures stand for their families; those it does not have come from the other policies."""

FOUNDED_AT: Final = at("2026-05-14 09:00")
BEGINS_AT: Final = at("2026-10-09 15:00")
CALLS_OPEN_AT: Final = at("2026-10-12 10:00")
OTHERS_OPEN_AT: Final = at("2026-11-05 10:00")
RELEASED_AT: Final = at("2026-12-08 08:00")
"""The two others of the fixture's publicity wait in their bureau until now, so as to meet it."""

SECOND_CALL_ON: Final = date(2027, 1, 4)
PAUSES_AT: Final = at("2027-01-29 17:00")
"""Where the house stays for who wants to go on by hand; a copy of it plays the years after."""

EVERYWHERE: Final = "*"
IN_FORCE: Final = "in_force"
ALSO: Final = (BESIDE,)
"""A clause that goes on beside the enacted one of the same matter."""
FAMILIES_FROM: Final = 10
"""The number of the first applicant who is not the fixture's, nor beside it."""

FIXED: Final = 3
"""The fixture's case and the two beside it."""

FIRMS: Final = 3
"""How many firms come around a policy's last day."""

TAILS: Final = ("QD26-5c", "WX-7a", "NT24-3")
"""Measures whose last applications are sent in around their policies' last days."""

Tell = Callable[[str], None]
OnSweep = Callable[[datetime], None]


def expected_cases(policies: Sequence[PolicyFiles]) -> int:
    """Return how many cases the story and the years after it bring to an end."""
    issued = {measure.id: measure for files in policies for measure in files.measures
              if files.policy.status == IN_FORCE}  # fmt: skip
    drafts = sum(files.policy.status != IN_FORCE for files in policies)
    tails = sum(code in issued for code in TAILS) + min(drafts, 1)
    families = {measure.family for measure in issued.values()}
    return FIXED + len(families) + (BESIDE in issued) + min(drafts, 1) + FIRMS * tails


@dataclass(frozen=True)
class Played:
    """The story so far: the cases by internal id, the fixture's moments, the standing calls."""

    roots: list[int]
    moments: list[Moment]
    publicity_ends_on: date
    tails: list[Tail]
    disputed: int
    draft: DraftTold | None


@dataclass
class Story:
    """The first part: up to the pause, by the script and, beside it, by itself."""

    house: House
    tell: Tell
    on_sweep: OnSweep
    troupe: Troupe = field(init=False)
    holds: dict[tuple[int, str], datetime] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    tails: list[Tail] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.troupe = Troupe(self.house, leave_alone=self._is_held, on_sweep=self.on_sweep)

    def play(self) -> Played:
        """Play up to the pause.

        Raises:
            RehearsalStuck: something did not go as the script has it.
        """
        firms = self._prepare()
        self.tell("申报通知开放，各类办件开始")
        self.troupe.move_to(CALLS_OPEN_AT)
        self._open_families()
        first = self._open_fixture(firms[0])
        draft = self._draft()
        self.troupe.play(until=OTHERS_OPEN_AT)
        beside, disputed = (self._open_other(firm) for firm in firms[1:])
        self.tell("算力券样例：补正停钟、审计停钟")
        self.moments += fixture.play_script(self.troupe, first, firms[0])
        ends_on = self._publicise([first, beside, disputed])
        self.tell("公示：一件有异议暂缓，其余继续")
        self._dispute(disputed)
        self.tell("各类办件继续办理")
        self.troupe.play(until=PAUSES_AT)
        return Played(self.troupe.roots, self.moments, ends_on, self.tails, disputed, draft)

    def _draft(self) -> DraftTold | None:
        """Let a draft be refused, enacted and accepted, where there is one."""
        part = DraftPart(self.troupe)
        if not part.is_there():
            return None
        self.tell("征求意见稿：不得受理；印发后受理")
        told = part.play()
        self.tails.append(told.tail)
        return told

    def _is_held(self, case: Standing) -> bool:
        """Return whether, for now, only the script moves the case."""
        until = self.holds.get((case.id, case.state)) or self.holds.get((case.id, EVERYWHERE))
        return until is not None and self.troupe.now < until

    def _prepare(self) -> list[Applicant]:
        """Plan every call and register everybody; returns the three firms of the publicity."""
        with self.house.database.session() as session:
            measures = sorted(
                (each for each in catalogue.measures(session) if each.policy.status == IN_FORCE),
                key=lambda measure: measure.policy_code != POLICY,
            )
            others = [measure for measure in measures if measure.code != fixture.MEASURE]
            calls = plan_calls(session, self.house, others, at=self.troupe.now)
            firsts = {measure.version.family: measure for measure in reversed(others)}
            for number, measure in enumerate(others, start=FAMILIES_FROM):
                chosen = firsts[measure.version.family] is measure or measure.code in ALSO
                if chosen or measure.code in TAILS:
                    applicant = self._enlist(session, measure, number)
                    booked = booking(measure, applicant, calls[measure.code])
                    self.bookings |= {measure.code: booked} if chosen else {}
                    self.tails += (
                        [Tail.of(measure, booked, places_of(self.house, measure))]
                        if measure.code in TAILS
                        else []
                    )
            fixed = next(each for each in measures if each.code == fixture.MEASURE)
            return self._firms(session, fixed)

    def _firms(self, session: Session, measure: LoadedMeasure) -> list[Applicant]:
        call = self._plan_fixture_calls(session, last_day=measure.policy.effective_to)
        firms = [
            self._enlist(session, measure, 1, title=fixture.FIRM, code=fixture.USCC),
            self._enlist(session, measure, 2),
            self._enlist(session, measure, 3),
        ]
        self.bookings |= {firm.login: booking(measure, firm, call) for firm in firms}
        return firms

    def _plan_fixture_calls(self, session: Session, *, last_day: date | None) -> str:
        """Plan the fixture's call and a second one to the policy's end; returns the first's id."""
        assert last_day is not None
        windows = (
            Window(fixture.OPENS_ON, fixture.CLOSES_ON, fixture.ELIGIBLE_FROM, fixture.ELIGIBLE_TO),
            Window(SECOND_CALL_ON, last_day),
        )
        planned = [
            plan_call(
                session,
                measure_code=fixture.MEASURE,
                title=f"{fixture.MEASURE} 第{number}批申报通知",
                window=window,
                by=ensure_system_person(session).id,
                at=self.troupe.now,
                ids=self.house.ids,
                signer=self.house.cases.office.signer,
            )
            for number, window in zip("一二", windows, strict=True)
        ]
        return planned[0].public_id

    def _enlist(
        self, session: Session, measure: LoadedMeasure, number: int, **named: str
    ) -> Applicant:
        return enlist_for(session, self.house, measure, number=number, at=self.troupe.now, **named)

    def _open_families(self) -> None:
        """Open one case of every family but the fixture's own."""
        for name, booked in self.bookings.items():
            if name == booked.code:
                self._open(booked)

    def _open(self, booked: Booking) -> int:
        outcome = open_booked(self.troupe.player, booked, self.troupe.now)
        return self.troupe.join(outcome.case)

    def _open_fixture(self, firm: Applicant) -> int:
        case_id = self._open(self.bookings[firm.login])
        self.holds[case_id, EVERYWHERE] = fixture.CLOSED_AT
        return case_id

    def _open_other(self, firm: Applicant) -> int:
        case_id = self._open(self.bookings[firm.login])
        self.holds[case_id, "bureau_review"] = RELEASED_AT
        self.holds[case_id, "publicity_pending"] = fixture.PUBLICISED_AT
        self.holds[case_id, "objection"] = fixture.DISMISSED_AT
        return case_id

    def _publicise(self, case_ids: list[int]) -> date:
        """Let one publicity list the three cases; returns its last day."""
        self.troupe.play(until=fixture.PUBLICISED_AT)
        together = [self.troupe.standing(case_id) for case_id in case_ids]
        _, ends_on = self.troupe.publicise(together)
        self._look(case_ids[0], "publicise", "publicity")
        return ends_on

    def _dispute(self, disputed: int) -> None:
        """Let somebody object to one case; the publicity closes, and later it is settled."""
        first = self.troupe.roots[self.troupe.roots.index(disputed) - 2]
        self.troupe.play(until=fixture.OBJECTED_AT)
        anybody = next(iter(self.bookings.values())).applicant.person_id
        case = self.troupe.standing(disputed)
        given = {name: INPUTS[name].sample for name in GROUNDS}
        self.house.cases.act(case.public_id, Request("object", anybody, self.troupe.now, given))
        self.troupe.play(until=fixture.CLOSED_AT)
        self._look(first, "close_publicity", "approval")
        self.troupe.play(until=fixture.DISMISSED_AT)
        self.troupe.take(
            disputed, "dismiss_objection", given={"reason": "经核查，所反映的情况不属实。"}
        )

    def _look(self, case_id: int, event: str, clock: str) -> None:
        self.moments.append(fixture.look(self.troupe, case_id, event, clock))
