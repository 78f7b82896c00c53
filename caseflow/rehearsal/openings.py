"""Opening a case in a rehearsal: its applicant, its call, and whoever may open it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from caseflow.batches.founding import plan_standing_calls
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.service import Outcome
from caseflow.catalogue.cities import City
from caseflow.catalogue.models import PolicyVersion
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.kernel.calendar import local_date
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.house import House
from caseflow.rehearsal.player import Player, RehearsalStuck


@dataclass(frozen=True)
class Booking:
    """A measure with the applicant and the call under which its case is to be opened."""

    code: str
    title: str
    workflow_hash: str
    lead_bureau: int
    applicant: Applicant
    call: str


@dataclass(frozen=True)
class Tail:
    """A booking whose policy ends on `last_day`: around it the last applications come in."""

    booked: Booking
    last_day: date
    places: tuple[str, ...]

    @classmethod
    def of(cls, measure: LoadedMeasure, booked: Booking, places: Sequence[str]) -> "Tail":
        """Return the tail of a measure; firms for it may sit in `places`."""
        last_day = measure.policy.effective_to
        assert last_day is not None
        return cls(booked, last_day, tuple(places))


def enlist_for(
    session: Session,
    house: House,
    measure: LoadedMeasure,
    *,
    number: int,
    at: datetime,
    **named: str,
) -> Applicant:
    """Register applicant `number`, of a kind and at a place that the measure's policy takes."""
    places = places_of(house, measure)
    return enlist(
        session,
        kind=measure.version.definition["applicants"][0],
        number=number,
        territory=places[number % len(places)],
        hand=house.hand(at),
        ids=house.ids,
        **named,
    )


def places_of(house: House, measure: LoadedMeasure) -> list[str]:
    """Return where the applicants of a measure may sit."""
    return territories_of(house.city(measure.city), measure.policy)


def booking(measure: LoadedMeasure, applicant: Applicant, call: str) -> Booking:
    """Return the booking of `applicant` for `measure` under `call` (a public id)."""
    version = measure.version
    return Booking(
        code=measure.code,
        title=version.title,
        workflow_hash=version.workflow_hash,
        lead_bureau=version.organisations["lead_bureau"],
        applicant=applicant,
        call=call,
    )


def territories_of(city: City, policy: PolicyVersion) -> list[str]:
    """Return the parks and then the towns of a city to which a policy applies."""
    scope = policy.definition["scope"]
    parts = set(scope["territories"] or [scope["territory"]])
    above = {territory.code: territory.parent for territory in city.territories}
    ordered = sorted(city.organisations, key=lambda each: each.kind != "park")
    return [
        each.territory
        for each in ordered
        if each.kind in {"park", "town"} and not parts.isdisjoint(_upwards(each.territory, above))
    ]


def _upwards(territory: str, above: Mapping[str, str | None]) -> Iterator[str]:
    place: str | None = territory
    while place is not None:
        yield place
        place = above[place]


def plan_calls(
    session: Session, house: House, measures: Sequence[LoadedMeasure], *, at: datetime
) -> dict[str, str]:
    """Plan a call for each measure, from the day of `at` to its policy's last; ids by measure."""
    planned = {}
    for measure in measures:
        closes_on = measure.policy.effective_to
        assert closes_on is not None
        calls = plan_standing_calls(
            session,
            [measure.code],
            opens_on=local_date(at),
            closes_on=closes_on,
            at=at,
            signer=house.cases.office.signer,
            ids=house.ids,
        )
        planned[measure.code] = calls[measure.code].public_id
    return planned


def open_booked(player: Player, booked: Booking, at: datetime, *, title: str = "") -> Outcome:
    """Open the case by its applicant, or by the bureau where the measure needs no application.

    Raises:
        RehearsalStuck: nobody sits where the case is opened.
    """
    seat = player.workflow_of(booked.workflow_hash).opened_by[0]
    parties = {"lead_bureau": booked.lead_bureau, "applicant": booked.applicant.id}
    people = player.people(parties, seat)
    if not people:
        raise RehearsalStuck(f"{booked.code} 无人可以发起：{seat} 没有账号。")
    return open_case(
        player.house.cases,
        Opening(
            measure=booked.code,
            applicant=booked.applicant.public_id,
            title=title or f"{booked.title}（{booked.applicant.title}）",
            actor_id=people[0],
            at=at,
            call=booked.call,
            matter_on=local_date(at),
        ),
    )
