"""What the treasury does with its lines, and accounts to pay to; a process that dies."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from time import sleep

import psycopg
import pytest
from sqlalchemy import select

from caseflow.funds.ledger import disagreements
from caseflow.funds.models import BankAccount
from caseflow.funds.service import (
    carry_over,
    confirm_split,
    enter_split,
    register_account,
    withdraw,
)
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.integration.budgets import FEN, LINE, balances, emptied, found, give, hand, owner
from tests.integration.walking import Town, visit


@pytest.fixture(scope="module")
def founded(server, founded_template, tmp_path_factory) -> Iterator[Town]:
    yield from found(server, founded_template, tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(founded: Town) -> Iterator[Town]:
    """The module's town; its measure's own line has nothing until the test gives something."""
    for town in visit(founded):
        yield emptied(town)


# --- the budget's own acts


def test_a_second_appropriation_adds_to_the_line_and_leaves_an_event(town: Town):
    first, second = give(town), give(town, fen=1, document_no="启财预〔2026〕8号")

    assert first == second
    assert balances(town, first)[0] == FEN + 1
    told = town.sql(
        "SELECT name, payload->>'document_no' FROM event WHERE stream = %s ORDER BY seq", first
    )
    assert told[-2:] == [
        ("funds_appropriated", "启财预〔2026〕7号"),
        ("funds_appropriated", "启财预〔2026〕8号"),
    ]


@pytest.mark.parametrize("fen", [FEN, FEN + 1])
def test_only_what_is_available_is_withdrawn_or_carried_over(town: Town, fen: int):
    line = give(town)
    said = {"fen": fen, "document_no": "启财预〔2026〕9号", "hand": hand(town)}

    with town.house.database.session() as session:
        if fen > FEN:
            with pytest.raises(Conflict, match="不足"):
                withdraw(session, line, **said)
            session.rollback()
            return
        following = carry_over(session, line, ids=town.house.ids, **said)
        assert (following.year, following.title) == (2027, "QD26-7a专项资金")
        back = following.id

    assert (balances(town, line)[0], balances(town, back)[0]) == (0, FEN)  # one test carries over


def test_an_appropriation_withdrawn_is_gone_from_both_sides(town: Town):
    line = give(town)
    before = _accounts(town, line)

    with town.house.database.session() as session:
        withdraw(session, line, fen=1, document_no="启财预〔2026〕9号", hand=hand(town))

    accounts = _accounts(town, line)
    assert accounts["available"] == FEN - 1
    assert accounts["appropriation"] == before["appropriation"] + 1


def _accounts(town: Town, line: int) -> dict[str, int]:
    return dict(town.sql("SELECT kind, balance_fen FROM ledger_account WHERE line_id = %s", line))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"fen": 0}, InvalidInput),
        ({"fen": -1}, InvalidInput),
        ({"fen": 1.0}, InvalidInput),
        ({"fen": True}, InvalidInput),
        ({"fen": 10**30}, InvalidInput),
        ({"year": 1999}, InvalidInput),
        ({"share": "town"}, InvalidInput),
        ({"document_no": " "}, InvalidInput),
        ({"policy": "none"}, NotFound),
        ({"measure": "WX-1a"}, NotFound),
        ({"territory": "nowhere"}, NotFound),
        ({"territory": "huilong"}, NotAllowed),
        ({"share": "district", "territory": "huilong"}, NotAllowed),
        ({"login": "shujuju.handler"}, NotAllowed),
    ],
)
def test_an_appropriation_that_is_none_is_refused(town: Town, changes, refusal):
    before = town.value("SELECT count(*) FROM budget_line")

    with pytest.raises(refusal):
        give(town, **changes)

    assert town.value("SELECT count(*) FROM budget_line") == before


def test_an_account_bears_its_owners_name_and_the_last_one_holds(town: Town):
    town.open()
    applicant = town.value("SELECT max(organisation_id) FROM bank_account")
    holder = town.value("SELECT title FROM organisation WHERE id = %s", applicant)
    person = town.value("SELECT person_id FROM assignment WHERE organisation_id = %s", applicant)
    own = replace(hand(town), by=person)
    said = {"holder": holder, "bank": "示例银行", "number": "6212345678"}

    with town.house.database.session() as session:
        for wrong in (
            {"holder": "别人"},
            {"number": "12345"},
            {"number": "１２３４５６"},
            {"bank": " "},
        ):
            with pytest.raises(InvalidInput):
                register_account(session, applicant, hand=own, **{**said, **wrong})
        with pytest.raises(NotAllowed, match="自己的人员"):
            register_account(session, applicant, hand=hand(town), **said)
        register_account(session, applicant, hand=own, **said)
        register_account(session, applicant, hand=own, **said)
        columns = select(BankAccount.number, BankAccount.until.is_(None))
        rows = session.execute(columns.where(BankAccount.organisation_id == applicant)).all()

    assert sorted(map(tuple, rows)) == [
        (f"6200{applicant:012d}", False),
        ("6212345678", True),
    ]


def test_the_fiscal_split_is_confirmed_by_a_second_person(town: Town):
    first, second = hand(town), hand(town, "caizhengju.treasury")
    said = {
        "policy": "qidong-2026",
        "territory": "huilong",
        "city_percent": Decimal("33.3"),
        "valid_from": date(2026, 9, 1),
        "basis": "启财体〔2026〕1号",
    }

    with town.house.database.session() as session:
        with pytest.raises(InvalidInput, match="0 与 100 之间"):
            enter_split(session, **{**said, "city_percent": Decimal("100.1")}, hand=first)
        with pytest.raises(NotAllowed, match="市财政业务科室"):
            enter_split(session, **said, hand=second)
        row = enter_split(session, **said, hand=first)
        with pytest.raises(NotAllowed, match="国库支付"):
            confirm_split(session, row.id, first)
        with pytest.raises(NotFound):
            confirm_split(session, 0, second)
        confirmed = confirm_split(session, row.id, second)
        again = confirm_split(session, row.id, second)
        assert confirmed.confirmed_by == again.confirmed_by == second.by

    with owner(town) as connection, pytest.raises(psycopg.Error, match="second_person"):
        connection.execute("UPDATE fiscal_split SET confirmed_by = entered_by")


# --- a process that dies in the middle


KILLED = """
import json
import sys
from dataclasses import replace
from caseflow.database.access import Address, open_database
from caseflow.database.ids import PublicIds
from caseflow.funds.service import Appropriation, appropriate, withdraw, Hand
from caseflow.history.part import Signer
from datetime import datetime, UTC
database = open_database(Address(sys.argv[1], sys.argv[1]))
line = Appropriation(**json.loads(sys.argv[3]))
hand = Hand(int(sys.argv[2]), datetime(2026, 9, 7, 1, tzinfo=UTC), Signer(b"k" * 32, "k"))
for number in range(100_000):
    with database.session() as session:
        made = appropriate(session, replace(line, fen=3), hand, ids=PublicIds())
        withdraw(session, made.id, fen=1, document_no="x", hand=hand)
    print(number, flush=True)
"""


@pytest.mark.soak
@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.soak)])
def test_a_process_killed_in_the_middle_leaves_nothing_half_done(town: Town, kills: int):
    line = give(town, fen=1)
    before = _events(town, line)
    arguments = [town.house.database.address.url, str(hand(town).by), json.dumps(vars(LINE))]

    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, *arguments], stdout=subprocess.PIPE, text=True
        )
        for _ in range(5):
            assert process.stdout.readline()
        sleep(0.013)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    with town.house.database.session() as session:
        assert disagreements(session) == []
    events = _events(town, line)
    events.subtract(before)
    assert events["funds_appropriated"] == events["funds_withdrawn"] >= 5 * kills
    assert balances(town, line)[0] == 1 + 2 * events["funds_withdrawn"]


def _events(town: Town, line: int) -> Counter[str]:
    """Return how often each thing was done to a line."""
    query = "SELECT name, count(*) FROM event WHERE stream = %s GROUP BY name"
    return Counter(dict(town.sql(query, line)))
