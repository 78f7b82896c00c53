"""The demo's story: the fixture, a case of each family, an objection, the end of the policy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from caseflow.cases.opening import Opening, open_case
from caseflow.cases.service import Request
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.cities import read_cities
from caseflow.catalogue.queries import LoadedMeasure, MeasureFilter
from caseflow.catalogue.service import Window, plan_call
from caseflow.identity.service import ensure_system_person
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError
from caseflow.rehearsal import fixture
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.fixture import Moment, at
from caseflow.rehearsal.house import House
from caseflow.rehearsal.openings import Booking, booking, open_booked, plan_calls, territories_of
from caseflow.rehearsal.queries import Standing
from caseflow.rehearsal.troupe import Troupe

POLICY: Final = "qidong-2026"
CITY: Final = "qidong"
FOUNDED_AT: Final = at("2026-05-14 09:00")
BEGINS_AT: Final = at("2026-10-09 15:00")
PAUSES_AT: Final = at("2027-01-29 17:00")
"""Where the house stays for who wants to go on by hand; a copy of it plays the years after."""

OTHERS_OPEN_AT: Final = at("2026-11-05 10:00")
RELEASED_AT: Final = at("2026-12-08 08:00")
"""The two others of the fixture's publicity wait in their bureau until now, so as to meet it."""

WAIT_IN: Final = ("bureau_review", "publicity_pending")
TAIL_MEASURE: Final = "QD26-5c"
TAIL_OPENS_AT: Final = at("2028-05-11 10:00")
DAY_BEFORE: Final = at("2028-05-12 16:00")
LAST_MOMENT: Final = at("2028-05-13 23:59")
TOO_LATE: Final = at("2028-05-14 00:01")
"""The policy's last day is 2028-05-13, to 24:00."""

DAY_AFTER: Final = at("2028-05-14 09:00")
Tell = Callable[[str], None]


@dataclass
class Cast:
    """Who plays: the cases of the story by their internal ids, and who applies for them."""

    roots: list[int] = field(default_factory=list)
    fixture: int = 0
    beside: int = 0
    disputed: int = 0
    applicants: dict[int, Applicant] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)


@dataclass(frozen=True)
class FirstPart:
    """What was played up to the pause: the cast, and the fixture's moments."""

    cast: Cast
    moments: list[Moment]
    publicity_ends_on: date


@dataclass(frozen=True)
class SecondPart:
    """What the years brought: refusals in words, and the days on which people were warned."""

    refused: list[str]
    warned: list[tuple[date, int]]
    expired_at: list[tuple[date, str]]


def play_to_pause(house: House, *, tell: Tell, on_sweep: Callable[[datetime], None]) -> FirstPart:
    """Play from the calls of October 2026 to the pause: fixture, objection, short families."""
    troupe = Troupe(house, on_sweep=on_sweep)
    cast = _cast(house, troupe)
    held = {cast.fixture: None}
    troupe.leave_alone = lambda case: _is_held(held, case)
    moments = _play_fixture(troupe, cast, held, tell)
    tell("公示：一件有异议暂缓，其余继续")
    ends_on = _publicise(troupe, cast, held)
    moments.append(fixture.look(troupe, cast.fixture, "publicise", "publicity"))
    _object(troupe, cast, held)
    troupe.play(until=fixture.CLOSED_AT)
    moments.append(fixture.look(troupe, cast.fixture, "close_publicity", "approval"))
    held.pop(cast.fixture)
    troupe.play(until=fixture.DISMISSED_AT)
    troupe.take(cast.disputed, "dismiss_objection", given={"reason": "经核查，异议不成立。"})
    held.clear()
    tell("各类办件继续")
    troupe.play(until=PAUSES_AT)
    cast.roots = troupe.roots
    return FirstPart(cast, moments, ends_on)


def _is_held(held: dict[int, tuple[str, ...] | None], case: Standing) -> bool:
    """Return whether the script alone moves the case, in all states or in those named."""
    return case.id in held and (held[case.id] is None or case.state in (held[case.id] or ()))


def _cast(house: House, troupe: Troupe) -> Cast:
    """Register everybody, plan every call, and open the first cases when the calls are open."""
    cast = Cast()
    with house.database.session() as session:
        measures = catalogue.measures(session, MeasureFilter(policy=POLICY))
        ...
    return cast
