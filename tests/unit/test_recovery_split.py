"""Every fen that comes back goes to a share, in proportion to what each has paid."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.recovery import (
    Shares,
    proportion,
    refuse_undecidable,
    split_receipt,
    take_receipt,
)

PAID = Shares(4_000, 6_001)
RULING = {"recovery_fen": 100, "offset_allowed": False}
FEN = st.integers(0, 10**12)


@st.composite
def paid_and_received(draw):
    """What both shares paid, and the receipts that bring all of it back."""
    paid = Shares(draw(FEN), draw(st.integers(1, 10**12)))
    cuts = draw(st.lists(st.integers(1, paid.total - 1), max_size=6)) if paid.total > 1 else []
    marks = [0, *sorted(set(cuts)), paid.total]
    return paid, [after - before for before, after in pairwise(marks)]


@pytest.mark.parametrize(
    ("fen", "split"),
    [
        (10_001, Shares(4_000, 6_001)),
        (10_000, Shares(3_999, 6_001)),
        (1, Shares(0, 1)),
        (2, Shares(0, 2)),
        (3, Shares(1, 2)),
    ],
)
def test_the_city_has_the_floor_and_the_district_the_rest(fen: int, split: Shares):
    assert split_receipt(fen, paid=PAID, recovered=Shares()) == split


@pytest.mark.parametrize("paid", [Shares(500, 0), Shares(0, 500)])
def test_what_one_share_paid_alone_goes_back_to_it_alone(paid: Shares):
    back = split_receipt(500, paid=paid, recovered=Shares())

    assert back == paid


@pytest.mark.parametrize("fen", [-1, 0, 10_002])
def test_nothing_and_more_than_was_paid_are_refused(fen: int):
    with pytest.raises(InvalidInput, match="10001"):
        split_receipt(fen, paid=PAID, recovered=Shares())


@pytest.mark.parametrize(("fen", "is_taken"), [(1, True), (2, False)])
def test_only_what_has_not_come_back_is_taken(fen: int, is_taken):
    recovered = Shares(4_000, 6_000)

    if is_taken:
        assert split_receipt(fen, paid=PAID, recovered=recovered) == Shares(0, 1)
    else:
        with pytest.raises(InvalidInput, match="的 1 分"):
            split_receipt(fen, paid=PAID, recovered=recovered)


def test_a_proportion_that_has_changed_takes_nothing_from_a_share_again():
    """The city paid first and got everything back; then the district paid."""
    recovered, paid = Shares(40, 0), Shares(40, 60)

    assert split_receipt(10, paid=paid, recovered=recovered) == Shares(0, 10)
    assert split_receipt(60, paid=paid, recovered=recovered) == Shares(0, 60)


def test_what_a_share_cannot_take_goes_to_the_other():
    """The district's part was returned by the bank (退票) after a receipt."""
    assert split_receipt(30, paid=Shares(40, 10), recovered=Shares(0, 10)) == Shares(30, 0)


@given(paid_and_received())
def test_no_fen_is_lost_and_each_share_ends_with_what_it_paid(case):
    paid, receipts = case
    recovered = Shares()

    for fen in receipts:
        back = split_receipt(fen, paid=paid, recovered=recovered)
        recovered = Shares(recovered.city + back.city, recovered.district + back.district)

        assert back.total == fen
        assert min(back.city, back.district) >= 0
        exact = Fraction(recovered.total * paid.city, paid.total)
        assert recovered.city == exact // 1

    assert recovered == paid


@given(FEN, FEN, FEN, FEN, st.integers(1, 10**12))
def test_no_share_gets_back_more_than_it_paid_whatever_happened_before(a, b, c, d, fen):
    paid = Shares(a + c, b + d)
    recovered = Shares(a, b)
    left = paid.total - recovered.total

    if fen > left:
        with pytest.raises(InvalidInput):
            split_receipt(fen, paid=paid, recovered=recovered)
        return
    back = split_receipt(fen, paid=paid, recovered=recovered)

    assert back.total == fen
    assert 0 <= back.city <= c
    assert 0 <= back.district <= d


def test_nothing_falls_on_a_share_where_nothing_is_paid_any_more():
    assert proportion(100, Shares()) == Shares(0, 0)
    assert proportion(10_001, PAID) == PAID


# --- decisions and receipts


def test_a_decision_of_what_was_paid_is_possible():
    refuse_undecidable(RULING, 100)


@pytest.mark.parametrize("fen", [0, 101])
def test_a_decision_of_nothing_or_a_fen_more_than_was_paid_is_refused(fen: int):
    with pytest.raises(InvalidInput, match="至多为已拨付尚未追回的 100 分"):
        refuse_undecidable({**RULING, "recovery_fen": fen}, 100)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"bar_years": 3}, "bar_basis"),
        ({"bar_basis": "惯例"}, "bar_years"),
        ({"bar_years": 0, "bar_basis": "惯例"}, "bar_years"),
        ({"bar_years": 11, "bar_basis": "惯例"}, "bar_years"),
        ({"interest_fen": 1}, "interest_basis"),
        ({"interest_basis": "协议第八条"}, "interest_fen"),
        ({"offset_allowed": True}, "offset_words"),
        ({"offset_words": "可抵扣"}, "offset_words"),
        ({"credit_entry": "计入"}, "credit_entry"),
    ],
)
def test_what_belongs_together_is_said_together(said, field: str):
    with pytest.raises(InvalidInput) as refused:
        refuse_undecidable({**RULING, **said}, 100)

    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("years", [1, 3, 10])
def test_a_decision_with_everything_is_possible(years: int):
    said = {
        "bar_years": years,
        "bar_basis": "惯例（三年）",
        "credit_entry": "计入公共信用信息系统",
        "interest_fen": 0,
        "interest_basis": "协议第八条",
        "offset_allowed": True,
        "offset_words": "可从今后的奖补中抵扣",
    }

    refuse_undecidable({**RULING, **said}, 100)


@pytest.mark.parametrize(("fen", "left"), [(1, 99), (99, 1), (100, 0)])
def test_a_receipt_leaves_the_rest(fen: int, left: int):
    assert take_receipt(fen, 100) == left


@pytest.mark.parametrize("fen", [0, 101])
def test_a_receipt_of_nothing_or_a_fen_more_than_is_left_is_refused(fen: int):
    with pytest.raises(InvalidInput, match="应追回未缴的 100 分"):
        take_receipt(fen, 100)
