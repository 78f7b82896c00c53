"""Which value of a parameter holds on a day and for a case, and that only one ever does."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.parameters.queries import parameter_list
from caseflow.database.ids import PublicIds
from caseflow.history.queries import verify
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import actor_by_login
from caseflow.identity.service import assign
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed, NotFound
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import House, house_on, shanghai
from tests.integration.kept_database import keep
from tests.integration.settling import (
    BEFORE,
    EXACT,
    ROUNDED,
    ROUNDING,
    confirm,
    enter,
    in_force,
    quoted,
    settle,
    withdraw,
)

NONE_LEFT = "SET session_replication_role = replica; DELETE FROM measure_parameter"
"""Only with the triggers off can a value be taken away."""


@pytest.fixture(scope="module")
def kept_house(server, house_template, tmp_path_factory) -> Iterator[House]:
    settings = settings_of_templates(str(tmp_path_factory.mktemp("home")))
    for database in keep(server, house_template):
        yield house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(2))))


@pytest.fixture
def house(kept_house: House) -> Iterator[House]:
    """The house of the module, in which no value is settled."""
    yield kept_house
    as_owner(kept_house, NONE_LEFT)


# Which value holds on a day


def test_the_value_with_the_latest_first_day_holds(house: House):
    settle(house, ("QD26-5a", "ratio", "40"), on="2026-11-01")
    settle(house, ("QD26-5a", "ratio", "30"), on="2026-10-01")

    days = ("2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01", "2026-11-02")
    held = {on: in_force(house, on) for on in days}
    first, second = {"ratio": 30}, {"ratio": 40}
    assert held == dict(zip(days, ({}, first, first, second, second), strict=True))


def test_a_value_is_known_from_the_instant_of_its_confirmation(house: House):
    settle(house, at=BEFORE)

    assert in_force(house, "2026-10-20", BEFORE) == {"ratio": 50}
    assert in_force(house, "2026-10-20", BEFORE - timedelta(microseconds=1)) == {}


def test_what_is_not_confirmed_or_withdrawn_does_not_hold(house: House):
    enter(house)
    withdraw(house, enter(house))

    assert in_force(house, "2026-12-31") == {}


def test_values_of_another_measure_do_not_hold(house: House):
    settle(house)

    assert in_force(house, "2026-12-31", measure="QD26-7a") == {}


# A case keeps the values of its day


def test_a_later_confirmation_dated_back_holds_for_new_cases_alone(house: House):
    submitted = house.submitted(shanghai(10, 21))
    settle(house, ROUNDING, on="2026-05-14", at=shanghai(10, 22))
    later = house.submitted(shanghai(10, 23))

    assert quoted(house, submitted, shanghai(12, 1)).quote.amount_fen == EXACT
    assert quoted(house, later, shanghai(12, 1)).quote.amount_fen == ROUNDED


def test_a_value_whose_first_day_comes_after_the_submission_does_not_hold_for_it(house: House):
    settle(house, ROUNDING, on="2026-10-22", at=shanghai(10, 20))
    before, on_it = house.submitted(shanghai(10, 21, 23, 59)), house.submitted(shanghai(10, 22, 0))

    assert quoted(house, before, shanghai(12, 1)).quote.amount_fen == EXACT
    assert quoted(house, on_it, shanghai(12, 1)).quote.amount_fen == ROUNDED


def test_a_draft_is_quoted_with_what_holds_now(house: House):
    draft = house.open(shanghai(10, 21)).case
    settle(house, ROUNDING, on="2026-10-22", at=shanghai(10, 21))

    assert quoted(house, draft, shanghai(10, 21, 23, 59), "applicant1").quote.amount_fen == EXACT
    assert quoted(house, draft, shanghai(10, 22, 0), "applicant1").quote.amount_fen == ROUNDED


@pytest.fixture
def own_house(server, house_template, settings) -> Iterator[House]:
    """A house whose policy may end."""
    for database in keep(server, house_template):
        yield house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(2))))


def test_a_submitted_case_is_quoted_after_its_policy_is_over(own_house: House):
    house = own_house
    case = house.submitted(shanghai(10, 21))
    long_after = shanghai(6, 1, year=2028)
    house.sweep(long_after)

    told = quoted(house, case, long_after)

    assert (told.day.on, told.quote.amount_fen) == (date(2026, 10, 21), EXACT)
    assert house.sql("SELECT status FROM policy_version WHERE current") == [("expired",)]


def test_the_quote_of_a_case_says_what_it_was_made_of(house: House):
    settle(house, ROUNDING, at=shanghai(10, 20))
    case = house.submitted(shanghai(10, 21))

    told = quoted(house, case, shanghai(12, 1))

    assert told.parameters["rounding"].document_no == "启发改〔2026〕8号"
    assert (told.measure, told.day.known_at) == ("QD26-7a", shanghai(10, 21))


def test_a_case_has_its_own_date_of_the_matter(house: House):
    case = house.submitted(shanghai(11, 6))

    assert quoted(house, case, shanghai(12, 1), matter_on="2026-10-31").quote.amount_fen == EXACT
    with pytest.raises(InvalidInput, match="2026-10-31"):
        quoted(house, case, shanghai(12, 1), matter_on="2026-10-30")


def test_a_case_is_quoted_for_those_who_may_see_it(house: House):
    case = house.submitted(shanghai(11, 6))

    with pytest.raises(NotFound):
        quoted(house, case, shanghai(12, 1), "jiaotongju.handler")


def test_whoever_entered_a_value_does_not_confirm_it(house: House):
    with house.cases.database.session() as session:
        person = actor_by_login(session, "fagaiwei.handler", BEFORE)
        bureau = session.get(Organisation, person.assignments[0].organisation_id)
        both = session.get_one(Person, person.id)
        assign(session, both, bureau, role="bureau_reviewer", at=BEFORE - timedelta(days=1))
    parameter = enter(house)

    with pytest.raises(NotAllowed, match="第二人"):
        confirm(house, parameter, by="fagaiwei.handler")


# Confirming


def test_a_second_value_of_one_first_day_is_not_confirmed(house: House):
    settle(house)
    other = enter(house, ("QD26-5a", "ratio", "40"))

    with pytest.raises(Conflict, match="已有自 2026-10-01 起的确认值"):
        confirm(house, other)
    assert in_force(house, "2026-10-01") == {"ratio": 50}


def test_of_many_confirmed_at_once_exactly_one_holds(house: House):
    parameters = [enter(house, ("QD26-5a", "ratio", str(10 + number))) for number in range(8)]

    def attempt(parameter):
        try:
            confirm(house, parameter)
        except CaseflowError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(attempt, parameters))

    assert sum(done) == 1
    assert in_force(house, "2026-10-01") == {"ratio": 10 + done.index(True)}


def test_a_value_that_the_clause_no_longer_carries_is_not_confirmed(house: House):
    parameter = enter(house, ("QD26-1a", "ratio", "10"))
    path = "{benefit,rates,0,percent}"
    with house.cases.database.session() as session:
        number = catalogue.measure(session, "QD26-1a").version.id
    as_owner(
        house,
        f"UPDATE measure_version SET definition = jsonb_set(definition, '{path}', '\"9\"')"
        f" WHERE id = {number}",
    )

    with pytest.raises(InvalidInput, match="超过条款规定"):
        confirm(house, parameter)


def as_owner(house, statement):
    url = house.cases.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


# The history


def test_every_step_is_an_event_of_the_values_own_stream(house: House):
    confirm(house, enter(house), at=BEFORE)
    withdraw(house, enter(house, on="2026-10-02"))

    events = house.sql(
        "SELECT e.name, p.login, e.payload->>'document_no' FROM event e JOIN person p"
        " ON p.id = e.actor_id JOIN measure_parameter m ON m.id = e.stream ORDER BY e.stream, e.seq"
    )
    number = "启发改〔2026〕8号"
    assert events == [
        ("parameter_entered", "fagaiwei.handler", number),
        ("parameter_confirmed", "fagaiwei.reviewer", number),
        ("parameter_entered", "fagaiwei.handler", number),
        ("parameter_withdrawn", "fagaiwei.handler", number),
    ]
    with house.cases.connect() as connection:
        assert list(verify(connection, house.cases.office.signer.key)) == []


def test_a_list_goes_page_by_page_and_shows_strangers_what_is_confirmed(house: House):
    settle(house)
    waiting, withdrawn = enter(house, on="2026-10-02"), enter(house, on="2026-10-03")
    withdraw(house, withdrawn)

    with house.cases.database.session() as session:
        mine = actor_by_login(session, "fagaiwei.leader", BEFORE)
        first = parameter_list(session, mine, measure="QD26-5a", limit=2)
        second = parameter_list(session, mine, measure="QD26-5a", limit=2, after=first.next)
        stranger = actor_by_login(session, "applicant1", BEFORE)
        seen = parameter_list(session, stranger)
        open_ones = parameter_list(session, mine, status="entered", name="ratio")

    assert [each.public_id for each in first.items] == [withdrawn, waiting]
    assert [each.status for each in (*first.items, *second.items)] == [
        "withdrawn", "entered", "confirmed",
    ]  # fmt: skip
    assert second.next is None
    assert [each.status for each in seen.items] == ["confirmed"]
    assert [each.public_id for each in open_ones.items] == [waiting]


@pytest.mark.parametrize("wanted", [{"status": "lost"}, {"after": "nothing"}])
def test_a_list_that_cannot_be_is_refused(house: House, wanted):
    with house.cases.database.session() as session:
        actor = actor_by_login(session, "fagaiwei.leader", BEFORE)
        with pytest.raises(InvalidInput):
            parameter_list(session, actor, **wanted)


@pytest.mark.parametrize(
    ("login", "seen"),
    [
        ("fagaiwei.reviewer", ["QD26-5a"]),
        ("shujuju.reviewer", ["QD26-7a"]),
        ("shenjiju.auditor", ["QD26-7a", "QD26-5a"]),
        ("applicant1", []),
    ],
)
def test_what_waits_is_seen_by_the_bureau_that_leads_and_by_auditors(house: House, login, seen):
    enter(house)
    enter(house, ROUNDING)

    with house.cases.database.session() as session:
        actor = actor_by_login(session, login, BEFORE)
        found = parameter_list(session, actor, status="entered").items

    assert [each.measure for each in found] == seen
