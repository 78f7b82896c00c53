"""抵扣: orders that wait bear it in proportion, no fen more than they pay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ledger import Order, standing_of
from caseflow.kernel.offsets import set_off
from caseflow.kernel.shares import WHOLE

BOTH = (Order(1, "city", 4000, "ordered"), Order(1, "district", 6001, "ordered"))
EARLIER = Order(1, "city", 700, "paid")


def test_both_shares_bear_their_part_the_city_the_floor():
    assert [order.offset_fen for order in set_off(BOTH, 101)] == [40, 61]


def test_an_order_of_which_nothing_is_left_is_paid_and_an_earlier_one_stays():
    after = set_off((EARLIER, Order(2, "city", 300, "ordered")), 300)

    assert after == (EARLIER, Order(2, "city", 300, "paid", 300))


@pytest.mark.parametrize("fen", [0, 10_002])
def test_nothing_or_a_fen_more_than_waits_is_refused(fen: int):
    with pytest.raises(InvalidInput, match="不超过本期待付的 10001 分"):
        set_off(BOTH, fen)


def test_a_returned_order_still_has_what_was_set_off():
    orders = (Order(1, "city", 1000, "returned", 300),)

    found = standing_of(
        "city", planned=1000, approved=1000, orders=orders, percent=WHOLE, ended=False
    )

    assert found.levels == (1000, 1000, 1000, 300)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.data())
def test_no_fen_is_lost_however_often_something_is_set_off(city: int, district: int, data):
    orders = (Order(1, "city", city, "ordered"), Order(1, "district", district, "ordered"))
    taken = 0
    while any(order.status == "ordered" for order in orders):
        left = sum(order.net_fen for order in orders)
        fen = data.draw(st.integers(max(1, left // 2), left))
        orders = set_off(orders, fen)
        taken += fen
        assert sum(order.offset_fen for order in orders) == taken
        assert all(0 <= order.offset_fen <= order.fen for order in orders)
