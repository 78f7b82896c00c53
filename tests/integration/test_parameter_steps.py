"""Who may enter, confirm and withdraw a parameter, and what is refused; the tests share a house."""

import itertools
import random
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import House, found_house
from tests.integration.kept_database import keep
from tests.integration.settling import confirm, enter, withdraw

_days = itertools.count()


@pytest.fixture(scope="module")
def house(server: Server, founded_template: str) -> Iterator[House]:
    """A house whose values no other module sees."""
    settings = settings_of_templates(tempfile.gettempdir())
    for database in keep(server, founded_template):
        yield found_house(assemble(database, settings, ROOT, ids=PublicIds(random.Random(4))))


@pytest.fixture
def day() -> str:
    """A first day that no other test has."""
    return (date(2027, 1, 1) + timedelta(days=next(_days))).isoformat()


# Who settles


@pytest.mark.parametrize("login", ["kejiju.handler", "fagaiwei.reviewer", "applicant1"])
def test_only_a_handler_of_the_lead_bureau_enters(house: House, login):
    with pytest.raises(NotAllowed, match="市发展改革委经办录入"):
        enter(house, by=login)


@pytest.mark.parametrize("login", ["fagaiwei.handler", "fagaiwei.leader", "shenjiju.auditor"])
def test_only_a_reviewer_or_division_head_of_the_lead_bureau_confirms(house: House, day, login):
    parameter = enter(house, on=day)

    with pytest.raises(NotAllowed):
        confirm(house, parameter, by=login)
    confirm(house, parameter, by="fagaiwei.division_head")


@pytest.mark.parametrize("login", ["kejiju.reviewer", "applicant1"])
def test_what_is_not_confirmed_is_hidden_from_others(house: House, login):
    parameter = enter(house)

    for act in (confirm, withdraw):
        with pytest.raises(NotFound):
            act(house, parameter, by=login)


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


def test_a_value_takes_one_step_and_no_other(house: House, day):
    confirmed, withdrawn = enter(house, on=day), enter(house, on=day)
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
