"""What a bureau settles: by whom, from which day, and which cases it holds for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest

from caseflow.cases.quoting import quote_case
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.parameters.queries import parameter_list, parameters_on
from caseflow.catalogue.parameters.service import (
    Entry,
    Hand,
    confirm_parameter,
    enter_parameter,
    withdraw_parameter,
)
from caseflow.history.queries import verify
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import actor_by_login
from caseflow.identity.service import assign
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed, NotFound
from tests.integration.conftest import House, shanghai

RATIO, ROUNDING = ("QD26-5a", "ratio", "50"), ("QD26-7a", "rounding", "trunc_wan")
HANDLERS = {"QD26-5a": "fagaiwei", "QD26-1a": "fagaiwei", "QD26-7a": "shujuju"}
BEFORE = shanghai(10, 20)
FACTS = {"paid_rent_fen": 33_333_333, "real_scenario": True, "granted_this_year_fen": 0}
EXACT, ROUNDED = 16_666_666, 16_000_000
"""Half of the rent, to the fen and to the 万元."""


def hand(house, session, login, at):
    return Hand(actor_by_login(session, login, at), at, house.cases.office.signer)


def enter(house, wanted=RATIO, *, on="2026-10-01", at=BEFORE, by=None, **texts):
    measure, name, value = wanted
    texts = {"basis": "实施细则第三条", "document_no": "启发改〔2026〕8号", **texts}
    entry = Entry(measure, name, value, date.fromisoformat(on), **texts)
    login = by or f"{HANDLERS[measure]}.handler"
    with house.cases.database.session() as session:
        made = enter_parameter(session, entry, hand(house, session, login, at), ids=house.ids)
        return made.public_id


def confirm(house, parameter, *, at=BEFORE, by="fagaiwei.reviewer"):
    with house.cases.database.session() as session:
        confirm_parameter(session, parameter, hand(house, session, by, at))


def withdraw(house, parameter, *, by="fagaiwei.handler", reason="文号有误"):
    with house.cases.database.session() as session:
        withdraw_parameter(session, parameter, hand(house, session, by, BEFORE), reason=reason)


def settle(house, wanted=RATIO, *, on="2026-10-01", at=BEFORE):
    confirm(house, enter(house, wanted, on=on, at=at), at=at, by=f"{HANDLERS[wanted[0]]}.reviewer")


def in_force(house, on, known_at=None, measure="QD26-5a"):
    with house.cases.database.session() as session:
        number = catalogue.measure(session, measure).id
        found = parameters_on(session, number, on=date.fromisoformat(on), known_at=known_at)
        return {name: each.value for name, each in found.items()}


def quoted(house, case, at, login="shujuju.handler", **facts):
    with house.cases.database.session() as session:
        actor = actor_by_login(session, login, at)
        return quote_case(session, actor, case, {**FACTS, **facts}, at)


# Which value holds on a day


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2026-09-30", {}),
        ("2026-10-01", {"ratio": 30}),
        ("2026-10-31", {"ratio": 30}),
        ("2026-11-01", {"ratio": 40}),
        ("2026-11-02", {"ratio": 40}),
    ],
)
def test_the_value_with_the_latest_first_day_holds(house: House, on, expected):
    settle(house, ("QD26-5a", "ratio", "40"), on="2026-11-01")
    settle(house, ("QD26-5a", "ratio", "30"), on="2026-10-01")

    assert in_force(house, on) == expected


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


def test_a_submitted_case_is_quoted_after_its_policy_is_over(house: House):
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


# Who settles


@pytest.mark.parametrize("login", ["kejiju.handler", "fagaiwei.reviewer", "applicant1"])
def test_only_a_handler_of_the_lead_bureau_enters(house: House, login):
    with pytest.raises(NotAllowed, match="市发展改革委经办录入"):
        enter(house, by=login)


@pytest.mark.parametrize("login", ["fagaiwei.handler", "fagaiwei.leader", "shenjiju.auditor"])
def test_only_a_reviewer_or_division_head_of_the_lead_bureau_confirms(house: House, login):
    parameter = enter(house)

    with pytest.raises(NotAllowed):
        confirm(house, parameter, by=login)
    confirm(house, parameter, by="fagaiwei.division_head")


@pytest.mark.parametrize("login", ["kejiju.reviewer", "applicant1"])
def test_what_is_not_confirmed_is_hidden_from_others(house: House, login):
    parameter = enter(house)

    for act in (confirm, withdraw):
        with pytest.raises(NotFound):
            act(house, parameter, by=login)


def test_whoever_entered_a_value_does_not_confirm_it(house: House):
    with house.cases.database.session() as session:
        person = actor_by_login(session, "fagaiwei.handler", BEFORE)
        bureau = session.get(Organisation, person.assignments[0].organisation_id)
        both = session.get_one(Person, person.id)
        assign(session, both, bureau, role="bureau_reviewer", at=BEFORE - timedelta(days=1))
    parameter = enter(house)

    with pytest.raises(NotAllowed, match="第二人"):
        confirm(house, parameter, by="fagaiwei.handler")


# What is refused


@pytest.mark.parametrize(("ratio", "is_read"), [("10", True), ("10.000001", False)])
def test_a_ratio_over_the_clauses_rate_is_refused_in_its_words(house: House, ratio, is_read):
    wanted = ("QD26-1a", "ratio", ratio)

    if is_read:
        assert enter(house, wanted)
    else:
        with pytest.raises(InvalidInput, match="投入额的10%"):
            enter(house, wanted)


@pytest.mark.parametrize(
    ("day", "is_inside"),
    [("2026-05-13", False), ("2026-05-14", True), ("2028-05-13", True), ("2028-05-14", False)],
)
def test_the_first_day_lies_in_the_policys_life_both_ends_inside(house: House, day, is_inside):
    if is_inside:
        assert enter(house, on=day)
    else:
        with pytest.raises(InvalidInput, match="有效期"):
            enter(house, on=day)


@pytest.mark.parametrize("texts", [{"basis": " "}, {"document_no": "x" * 101}, {"basis": "一\n二"}])
def test_a_value_without_a_readable_source_is_refused(house: House, texts):
    with pytest.raises(InvalidInput) as refusal:
        enter(house, **texts)

    assert set(refusal.value.fields) == set(texts)


def test_a_withdrawal_says_why(house: House):
    parameter = enter(house)

    with pytest.raises(InvalidInput, match="reason"):
        withdraw(house, parameter, reason="")


def test_a_value_takes_one_step_and_no_other(house: House):
    confirmed, withdrawn = enter(house), enter(house, on="2026-10-02")
    confirm(house, confirmed)
    withdraw(house, withdrawn)

    for act in (confirm, withdraw):
        with pytest.raises(Conflict, match="已确认，不能更改"):
            act(house, confirmed)
        with pytest.raises(Conflict, match="已撤回"):
            act(house, withdrawn)


def test_an_unknown_value_is_not_found(house: House):
    with pytest.raises(NotFound):
        confirm(house, "nothing")


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
