"""What the database refuses of budgets and payment orders, to the owner as well."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from caseflow.funds.service import (
    register_account,
)
from caseflow.kernel.errors import Conflict
from tests.integration.budgets import found, hand, owner
from tests.integration.walking import Town


@pytest.fixture(scope="module")
def planned(server, founded_template, tmp_path_factory) -> Iterator[Town]:
    """A town with one case that has reserved money; no test changes it."""
    for town in found(server, founded_template, tmp_path_factory.mktemp("town")):
        town.reached("plan_review")
        yield town


@pytest.fixture(scope="module")
def town(server, founded_template, tmp_path_factory) -> Iterator[Town]:
    """A town in which the tests pay."""
    yield from found(server, founded_template, tmp_path_factory.mktemp("town"))


# --- what the database refuses to everybody


POSTED = (
    "INSERT INTO ledger_entry (stream, seq, line_id, share, source, target, fen, at)"
    " SELECT stream, {seq}, line_id, {share}, {road}, {fen}, at FROM ledger_entry LIMIT 1"
)


def posted(*, seq="seq", share="share", road="'available', 'reserved'", fen=1):
    """Return the SQL of an entry that should not be."""
    return POSTED.format(seq=seq, share=share, road=road, fen=fen)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE ledger_account SET balance_fen = balance_fen + 1", "moves by entries only"),
        ("DELETE FROM ledger_account", "moves by entries only|violates foreign key"),
        ("UPDATE ledger_entry SET fen = fen + 1", "append-only"),
        ("DELETE FROM ledger_entry", "append-only"),
        ("TRUNCATE ledger_entry", "append-only"),
        ("UPDATE case_budget SET share = 'district'", "append-only"),
        ("INSERT INTO budget_line SELECT * FROM budget_line", "pk_budget_line"),
        (posted(road="'paid', 'available'"), "余额 0.00 元"),
        (posted(road="'available', 'appropriation'", fen=10**13), "可用"),
        (posted(road="'available', 'available'"), "two_accounts"),
        (posted(fen=-1), "ck_ledger_entry_fen|never_overdrawn|余额"),
        (posted(share="'district'"), "bears the share city, not district"),
        (posted(seq="seq + 99"), "fk_ledger_entry_event"),
    ],
)
def test_even_the_owner_is_refused(planned: Town, statement: str, words: str):
    with owner(planned) as connection, pytest.raises(psycopg.Error, match=words):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_account SET balance_fen = 0",
        "UPDATE ledger_entry SET fen = 1",
        "DELETE FROM ledger_entry",
        "UPDATE budget_line SET year = 2027",
        "UPDATE bank_account SET number = '6200000000'",
        "UPDATE payment SET payee_id = 1",
    ],
)
def test_the_programs_role_may_not_even_try(planned: Town, statement: str):
    with (
        planned.house.cases.connect() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_no_order_without_an_account_in_the_payees_own_name(town: Town):
    nameless, renamed = town.reached("finance_review"), town.reached("finance_review")
    with owner(town) as connection:
        applicant = '(SELECT applicant_id FROM "case" WHERE public_id = %s)'
        connection.execute(
            f"UPDATE bank_account SET until = now() WHERE organisation_id = {applicant}",
            (nameless,),
        )
        connection.execute(
            f"UPDATE organisation SET title = '另一家公司' WHERE id = {applicant}", (renamed,)
        )

    with pytest.raises(Conflict, match="没有登记收款账户"):
        town.act(nameless, "release")
    with pytest.raises(Conflict, match="与单位名称“另一家公司”不一致"):
        town.act(renamed, "release")

    assert {town.state(nameless), town.state(renamed)} == {"finance_review"}


def test_a_returned_order_takes_the_account_registered_since(town: Town):
    case = town.reached("disbursing")
    town.ask(case, "return_payment", "finance.treasury", reason="账号有误")
    applicant = town.value('SELECT applicant_id FROM "case" WHERE public_id = %s', case)
    with town.house.database.session() as session:
        person = replace(hand(town), by=town.person(case, "applicant"))
        holder = town.value("SELECT title FROM organisation WHERE id = %s", applicant)
        register_account(
            session, applicant, holder=holder, bank="另一银行", number="6299999999", hand=person
        )

    town.act(case, "correct_account")

    query = (
        "SELECT account_bank, account_number, p.status FROM payment p"
        ' JOIN "case" c ON c.id = p.case_id WHERE c.public_id = %s'
    )
    assert town.sql(query, case) == [("另一银行", "6299999999", "returned")]
    town.walk(case)
    assert town.sql(query, case) == [("另一银行", "6299999999", "paid")]
