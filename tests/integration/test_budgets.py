"""Budgets: money stands where the case stands, is never spent twice, and comes back."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.funds.models import BudgetLine
from caseflow.kernel.errors import CaseflowError, Conflict
from caseflow.rehearsal.treasury import PLENTY_FEN
from tests.integration.budgets import FEN, WITHOUT_LINE, Accounts, balances, emptied, found
from tests.integration.walking import Town, at, together, visit


@pytest.fixture(scope="module")
def founded(server, founded_template, tmp_path_factory) -> Iterator[Town]:
    yield from found(server, founded_template, tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(founded: Town) -> Iterator[Town]:
    """The module's town; its measure's own line has nothing until the test gives something."""
    for town in visit(founded):
        yield emptied(town)


# --- the road of one case


def test_a_case_takes_its_money_along_the_accounts(town: Town):
    line = Accounts(town, fen=3 * FEN)
    case = town.reached("plan_review", planned_fen=FEN)
    seen = [line.moved()]

    for state in ("approved", "fund_released", None):
        town.walk(case, state, approved_fen=FEN - 100)
        seen.append(line.moved())

    assert seen == [
        (2 * FEN, FEN, 0, 0, 0),
        (2 * FEN + 100, 0, FEN - 100, 0, 0),
        (2 * FEN + 100, 0, 0, FEN - 100, 0),
        (2 * FEN + 100, 0, 0, 0, FEN - 100),
    ]
    assert town.state(case) == "disbursed"


def test_a_returned_payment_is_released_again_and_paid_from_the_same_line(town: Town):
    line = Accounts(town)
    case = town.reached("disbursing", planned_fen=FEN)

    town.ask(case, "return_payment", "finance.treasury", reason="户名不符")
    waits = line.moved()
    town.walk(case)

    assert waits == (0, 0, 0, FEN, 0)
    assert line.moved() == (0, 0, 0, 0, FEN)


@pytest.mark.soak
@pytest.mark.parametrize("event", ["reject", "request_withdrawal"])
def test_what_a_case_does_not_take_in_the_end_is_given_back(town: Town, event: str):
    line = Accounts(town)
    case = town.reached("awaiting_approval", planned_fen=FEN)
    taken = line.moved()

    town.act(case, event)
    if event == "request_withdrawal":
        town.act(case, "consent_withdrawal")

    assert taken == (0, FEN, 0, 0, 0)
    assert line.moved() == (FEN, 0, 0, 0, 0)


def test_a_new_plan_takes_the_place_of_the_old_one(town: Town):
    line = Accounts(town)
    case = town.reached("plan_review", planned_fen=FEN)
    town.act(case, "return_plan")

    town.act(case, "draft_plan", planned_fen=FEN - 1)

    assert line.moved() == (1, FEN - 1, 0, 0, 0)


# --- no more than there is


@pytest.mark.parametrize("short", [1, 0])
def test_a_plan_takes_all_that_is_available_and_not_a_fen_more(town: Town, short: int):
    line = Accounts(town, fen=FEN - short)
    case = town.reached("proposed")

    if short:
        with pytest.raises(Conflict, match=r"余额 99999\.99 元，不足 100000\.00 元"):
            town.act(case, "draft_plan", planned_fen=FEN)
        assert town.state(case) == "proposed"
    else:
        town.act(case, "draft_plan", planned_fen=FEN)

    assert line.moved()[0] == (FEN - short if short else 0)


def test_a_year_without_a_budget_plans_nothing(town: Town):
    case = town.reached("proposed")
    town.now = at(1, 5, year=2042)

    with pytest.raises(Conflict, match=r"2042年没有可承担 QD26-7a.*市级预算"):
        town.act(case, "draft_plan", planned_fen=FEN)

    assert _lines_of(town, case) == []


def _lines_of(town: Town, case: str) -> list[tuple[int]]:
    """Return the lines that bear a case."""
    return town.sql(
        'SELECT b.line_id FROM case_budget b JOIN "case" c ON c.id = b.case_id'
        " WHERE c.public_id = %s",
        case,
    )


def test_two_plans_for_the_last_money_are_not_both_reserved(town: Town):
    line = Accounts(town, fen=FEN + FEN // 2)
    pair = [town.reached("proposed") for _ in range(2)]

    answers = together(
        *[lambda case=case: town.act(case, "draft_plan", planned_fen=FEN) for case in pair]
    )

    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert line.moved() == (FEN // 2, FEN, 0, 0, 0)


@pytest.mark.soak
def test_thirty_two_writers_take_exactly_what_the_budget_holds(town: Town):
    line = Accounts(town, fen=200 * 7)
    cases = [town.open() for _ in range(4)]
    ids = [town.value('SELECT id FROM "case" WHERE public_id = %s', case) for case in cases]
    refused: list[int] = []

    def take(case_id: int) -> None:
        with town.house.cases.connect() as connection:
            for _ in range(10):
                try:
                    connection.execute(ENTRY, (case_id, case_id))
                except psycopg.IntegrityError:
                    refused.append(case_id)

    threads = [threading.Thread(target=take, args=(case_id,)) for case_id in ids * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = line.moved()
    with town.house.cases.connect() as connection:
        connection.execute(BACK, (ids,))

    assert (len(refused), taken) == (120, (0, 1400, 0, 0, 0))


ENTRY = (
    "INSERT INTO ledger_entry (stream, seq, case_id, share, source, target, fen, at)"
    " VALUES (%s, 1, %s, 'city', 'available', 'reserved', 7, '2026-09-07')"
)
BACK = (
    "INSERT INTO ledger_entry (stream, seq, case_id, share, source, target, fen, at)"
    " SELECT stream, 1, case_id, 'city', 'reserved', 'available', sum(fen), '2026-09-07'"
    " FROM ledger_entry WHERE case_id = ANY(%s) GROUP BY stream, case_id"
)


def test_thirty_two_clerks_confirm_one_order_and_it_is_paid_once(town: Town):
    line = Accounts(town)
    case = town.reached("disbursing", planned_fen=FEN)

    answers = together(
        *[
            lambda n=n: town.ask(case, "confirm_payment", "finance.treasury", voucher_no=f"PZ-{n}")
            for n in range(32)
        ]
    )

    assert sum(not isinstance(answer, CaseflowError) for answer in answers) == 1
    assert line.moved() == (0, 0, 0, 0, FEN)


def test_a_policys_own_line_pays_where_the_measure_has_none(town: Town):
    (policy_line,) = town.sql("SELECT id FROM budget_line WHERE measure_id IS NULL AND year = 2026")

    case = town.reached("plan_review", WITHOUT_LINE, planned_fen=FEN)

    assert _lines_of(town, case) == [policy_line]
    assert balances(town, policy_line[0]) == (PLENTY_FEN - FEN, FEN, 0, 0, 0)
    with town.house.database.session() as session:
        assert session.get_one(BudgetLine, policy_line[0]).title == "qidong-2026专项资金"
