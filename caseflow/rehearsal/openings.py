"""Opening a case in a rehearsal: its applicant, its call, and whoever may open it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from caseflow.batches.founding import plan_standing_calls
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.service import Outcome
from caseflow.catalogue.cities import City
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.kernel.calendar import local_date
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.house import House
from caseflow.rehearsal.player import Player, RehearsalStuck

@dataclass(frozen=True)
class Booked:
    """A measure with the applicant and the call under which its case is to be opened."""

    measure: str
    family: str
    title: str
    applicant: Applicant
    call: str
    workflow_hash: str
    lead_bureau: int


def territories_of(city: City) -> list[str]:
    """Return the towns and parks of a city, parks first, as their files list them."""
    ordered = sorted(city.organisations, key=lambda each: each.kind != "park")
    return [each.territory for each in ordered if each.kind in {"park", "town"}]


def book(
    session: Session,
    house: House,
    measure: LoadedMeasure,
    *,
    number: int,
    territory: str,
    at: datetime,
    closes_on: date | None = None,
    title: str | None = None,
    code: str | None = None,
) -> Booked:
    """Register an applicant and plan a call for `measure`, from the day of `at` on."""
    applicant = enlist(
        session,
        kind=measure.version.definition["applicants"][0],
        number=number,
        territory=territory,
        at=at,
        ids=house.ids,
        title=title,
        code=code,
    )
    last = closes_on or measure.policy.effective_to
    assert last is not None
    calls = plan_standing_calls(
        session,
        [measure.code],
        opens_on=local_date(at),
        closes_on=last,
        at=at,
        signer=house.cases.office.signer,
        ids=house.ids,
    )
    return Booked(
        measure=measure.code,
        family=measure.version.family,
        title=measure.version.title,
        applicant=applicant,
        call=calls[measure.code].public_id,
        workflow_hash=measure.version.workflow_hash,
        lead_bureau=measure.version.organisations["lead_bureau"],
    )


def open_booked(player: Player, booked: Booked, at: datetime, *, title: str = "") -> Outcome:
    """Open the case by its applicant, or by the bureau where the measure needs no application.

    Raises:
        RehearsalStuck: nobody sits where the case is opened.
    """
    seat = player.workflow_of(booked.workflow_hash).opened_by[0]
    parties = {"lead_bureau": booked.lead_bureau, "applicant": booked.applicant.id}
    people = player.people(parties, seat)
    if not people:
        raise RehearsalStuck(f"{booked.measure} 无人可以发起：{seat} 没有账号。")
    return open_case(
        player.house.cases,
        Opening(
            measure=booked.measure,
            applicant=booked.applicant.public_id,
            title=title or f"{booked.title}（{booked.applicant.title}）",
            actor_id=people[0],
            at=at,
            call=booked.call,
            matter_on=local_date(at),
        ),
    )
