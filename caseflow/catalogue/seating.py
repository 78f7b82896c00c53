"""Which organisations run a measure: bureaus by the text's names, parties by the city's file."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.catalogue.cities import COSIGN, DEFAULT_INDUSTRY, DISTRICT, FIELD_BUREAU, City
from caseflow.catalogue.indicators.definitions import Indicator
from caseflow.catalogue.measures import Measure
from caseflow.history.part import Place
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotFound


def organisation_ids(session: Session, city: City) -> dict[str, int]:
    """Return the id of every organisation of the city, by code.

    Raises:
        NotFound: the city is not loaded, or not as its file is now.
    """
    codes = {each.code for each in city.organisations}
    query = select(Organisation.code, Organisation.id).where(Organisation.code.in_(codes))
    found = {str(code): number for code, number in session.execute(query)}
    if missing := sorted(codes - found.keys()):
        raise NotFound(f"Load {city.title} first: there is no organisation {', '.join(missing)}.")
    return found


def organisations_of(measure: Measure, city: City, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return the organisations of a measure as its version keeps them.

    `bureaus` are those the text names, the lead first; names that depend on the case stand under
    `by_case` as `$` words. Where the text names no bureau that is fixed, the default 行业主管部门
    leads.
    """
    codes = city.bureaus(measure.bureaus)
    fixed = [code for code in codes if not code.startswith("$")]
    lead = fixed[0] if fixed else city.field_bureau(None)
    return {
        "lead_bureau": numbers[lead],
        "bureaus": [numbers[code] for code in dict.fromkeys(fixed)],
        "by_case": [code for code in codes if code.startswith("$")],
        "cosign": {question: numbers[code] for question, code in city.cosign.items()},
        "parties": {party: numbers[code] for party, code in city.parties.items()},
        "industries": {field: numbers[code] for field, code in city.industries.items()},
    }


def owners_of(indicator: Indicator, city: City) -> list[str]:
    """Return the codes of the organisations that own an indicator, the lead first, each once.

    各…牵头单位 are the bureaus in charge of the city's industries; 各区 are its towns and parks.
    """
    several = {
        FIELD_BUREAU: list(city.industries.values()),
        DISTRICT: [each.code for each in city.organisations if each.holds("district_handler")],
    }
    codes = city.bureaus(indicator.owners)
    return list(dict.fromkeys(one for code in codes for one in several.get(code, [code])))


def parties_of(organisations: Mapping[str, Any], *, industry: str | None = None) -> dict[str, int]:
    """Return who sits at each party of vocabulary.SEATS but the applicant and the district.

    An industry that the city does not list is answered for by its default bureau.
    """
    industries = organisations["industries"]
    return {
        "lead_bureau": organisations["lead_bureau"],
        "field_bureau": industries.get(industry or DEFAULT_INDUSTRY, industries[DEFAULT_INDUSTRY]),
        **organisations["parties"],
        **{f"{COSIGN}{question}": number for question, number in organisations["cosign"].items()},
    }


def held(actor: Actor, organisations: Iterable[int | None], roles: Iterable[str]) -> Place | None:
    """Return the first of these seats that the actor holds, organisation by organisation."""
    wanted = tuple(roles)
    seats = (Place(n, role) for n in organisations if n is not None for role in wanted)
    return next((each for each in seats if actor.holds(each.organisation_id, each.role)), None)
