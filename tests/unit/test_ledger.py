from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.ledger import ROAD, Order, Standing, standing_of, transfers_between
from caseflow.kernel.shares import SHARES

FORTY = Fraction(40)


def stands(share="city", **said):
    given = {"planned": None, "approved": None, "orders": (), "percent": FORTY, "ended": False}
    return standing_of(share, **{**given, **said})


def test_a_draft_has_taken_nothing():
    assert stands() == Standing()


def test_a_plan_reserves_its_share():
    assert stands(planned=10_001) == Standing(4_000)
    assert stands("district", planned=10_001) == Standing(6_001)


def test_an_approval_commits_what_it_says_whatever_was_planned():
    assert stands(planned=10_000, approved=9_000) == Standing(3_600, 3_600)


def test_an_approval_of_nothing_reserves_nothing():
    assert stands(planned=10_000, approved=0) == Standing()


def test_orders_release_and_payments_pay_their_own_share():
    orders = (Order(1, "city", 400, "paid"), Order(1, "district", 600, "returned"))

    assert stands(approved=2_000, orders=orders) == Standing(800, 800, 400, 400)
    assert stands("district", approved=2_000, orders=orders) == Standing(1_200, 1_200, 600, 0)


def test_an_end_leaves_only_what_was_paid():
    orders = (Order(1, "city", 400, "paid"), Order(2, "city", 300, "ordered"))

    assert stands(approved=2_000, orders=orders, ended=True) == Standing(400, 400, 400, 400)


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ((), (1000,), ["available>reserved 1000"]),
        ((1000,), (900, 900), ["reserved>committed 900", "reserved>available 100"]),
        ((900, 900), (900, 900, 500), ["committed>released 500"]),
        ((900, 900, 500), (900, 900, 500, 500), ["released>paid 500"]),
        ((900, 900, 500, 500), (900, 900, 500, 0), ["paid>released 500"]),
        ((1000,), (), ["reserved>available 1000"]),
        ((900, 900), (), ["committed>reserved 900", "reserved>available 900"]),
        ((900, 900), (900, 900), []),
    ],
)
def test_a_change_of_standing_is_the_transfers_between(before, after, moved):
    found = transfers_between("city", Standing(*before).levels, Standing(*after).levels)

    assert [f"{each.source}>{each.target} {each.fen}" for each in found] == moved


levels = st.lists(st.integers(0, 10**9), min_size=4, max_size=4).map(
    lambda sums: tuple(sorted(sums, reverse=True))
)


@given(st.lists(levels, min_size=1, max_size=8))
def test_no_change_of_standing_overdraws_an_account_or_loses_a_fen(road):
    balances = dict.fromkeys(ROAD, 0) | {"available": 10**10}
    before = (0, 0, 0, 0)

    for after in road:
        for transfer in transfers_between("city", before, after):
            balances[transfer.source] -= transfer.fen
            balances[transfer.target] += transfer.fen
            assert min(balances.values()) >= 0
        before = after

    assert sum(balances.values()) == 10**10
    assert balances["available"] == 10**10 - before[0]
    assert balances["paid"] == before[3]


@given(st.integers(0, 10**13), st.fractions(min_value=0, max_value=100))
def test_the_shares_of_a_standing_are_the_whole(planned, percent):
    reserved = [stands(share, planned=planned, percent=percent).reserved for share in SHARES]

    assert sum(reserved) == planned
