"""Founding a city's system: its people, its calendars, its policies, its calls."""

from collections.abc import Callable, Container
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.hands import Hand
from caseflow.batches.publications.candidates import Candidate
from caseflow.batches.publications.service import load_over_running_cases
from caseflow.catalogue.cities import City, read_cities
from caseflow.catalogue.compiling import compile_policy
from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.models import Call, PolicyVersion
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.service import Window, plan_call
from caseflow.database.ids import PublicIds
from caseflow.deadlines.holidays import announced_year, announced_years, statutory_year
from caseflow.deadlines.models import CalendarYear
from caseflow.deadlines.service import confirm_year, import_statutory_year, import_year
from caseflow.history.part import Signer
from caseflow.identity.models import Assignment
from caseflow.identity.service import ensure_system_person, load_city
from caseflow.kernel.errors import NotFound
from caseflow.kernel.workflow.source import Library
from caseflow.reviews.experts.service import enrol_seated

FIRST_YEAR: Final = 2024
YEARS_AHEAD: Final = 12
"""How far statutory days are laid out for years whose notice is not out (long obligations)."""

Progress = Callable[[str], None]


def load_everything(
    session: Session,
    root: Path,
    *,
    at: datetime,
    signer: Signer,
    ids: PublicIds,
    progress: Progress = lambda _: None,
    only: Container[str] | None = None,
) -> list[PolicyVersion]:
    """Load every city, the calendars and every policy below `root`; the second time nothing.

    `only` names the policies to load, with their cities, where not all are wanted.

    Raises:
        DefinitionError: a definition is wrong; nothing was loaded.
    """
    library = load_library(root / "workflows")
    cities = read_cities(root)
    wanted = [each for each in read_policies(root) if only is None or each.policy.code in only]
    homes = set(cities) if only is None else {each.policy.city for each in wanted}
    loaded = []
    for city in cities.values():
        if city.city in homes:
            progress(city.title)
            load_city(session, city, at=at, ids=ids)
    enrol_seated(session, by=ensure_system_person(session).id, at=at)
    load_calendars(session, at=at)
    for files in wanted:
        progress(files.policy.title)
        loaded.append(load_one(session, files, library, cities, at=at, signer=signer, ids=ids))
    return loaded


def load_one(
    session: Session,
    files: PolicyFiles,
    library: Library,
    cities: dict[str, City],
    *,
    at: datetime,
    signer: Signer,
    ids: PublicIds | None = None,
) -> PolicyVersion:
    """Compile and load one policy under its city.

    Raises:
        DefinitionError: a measure does not compile to a sound workflow.
        NotFound: the policy names a city that has no file.
        Conflict: running cases would be stranded; `publications.service.publish` takes a plan.
    """
    city = cities.get(files.policy.city)
    if city is None:
        raise NotFound(f"There is no city {files.policy.city!r} in policies/cities/.")
    candidate = Candidate(files, compile_policy(files, library), city)
    hand = Hand(ensure_system_person(session).id, at, signer)
    return load_over_running_cases(session, candidate, hand, ids=ids or PublicIds())


def load_calendars(session: Session, *, at: datetime) -> None:
    """Import the announced years and lay out statutory days for those that are not yet.

    The packaged notices are imported by the system and confirmed by the government office's seat.
    """
    known = set(session.scalars(select(CalendarYear.year)))
    system = ensure_system_person(session).id
    second = session.scalar(
        select(Assignment.person_id).where(Assignment.role == "government_office").limit(1)
    )
    announced = [year for year in announced_years() if year >= FIRST_YEAR]
    for year in announced:
        if year not in known and second is not None:
            packaged = announced_year(year)
            import_year(session, year, source=packaged.source, days=packaged.days, by=system, at=at)
            confirm_year(session, year, by=second, at=at)
    for year in range(announced[-1] + 1, announced[-1] + YEARS_AHEAD):
        if year not in known:
            import_statutory_year(session, statutory_year(year), at=at)


def plan_standing_calls(
    session: Session,
    measures: list[str],
    *,
    opens_on: date,
    closes_on: date,
    at: datetime,
    signer: Signer,
    ids: PublicIds,
) -> dict[str, Call]:
    """Plan a call for each measure over the same window and return them by measure."""
    by = ensure_system_person(session).id
    return {
        code: plan_call(
            session,
            measure_code=code,
            title=f"{code} {opens_on.year}年度申报通知",
            window=Window(opens_on=opens_on, closes_on=closes_on),
            by=by,
            at=at,
            ids=ids,
            signer=signer,
        )
        for code in measures
    }
