"""Settling parameters in a house: entering, confirming and withdrawing, by the services."""

from datetime import date

from caseflow.cases.quoting import quote_case
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.parameters.queries import parameters_on
from caseflow.catalogue.parameters.service import (
    Entry,
    Hand,
    confirm_parameter,
    enter_parameter,
    withdraw_parameter,
)
from caseflow.identity.queries import actor_by_login
from tests.integration.conftest import shanghai

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
