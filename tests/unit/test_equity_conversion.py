"""Money into shares: hand-computed fractions, one share and one fen at every edge."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.equity.conversion import Holder, convert, holders_of, most_shares
from caseflow.kernel.errors import InvalidInput
from tests.factories.equity import PRICE, TENTH, TOTAL, funding_round, limit, terms

THREE = (Holder("创始人", 4_000_000), Holder("合伙人", 4_000_000), Holder("甲基金", 3_250_000))


def test_a_discount_lowers_the_price_of_the_round():
    made = convert(500_000_055, funding_round(), terms(), limit())

    assert (made.round_price, made.price) == (Fraction(10_000, 9), Fraction(1000))
    assert (made.wanted.shares, made.wanted.cost_fen) == (500_000, 500_000_000)
    assert made.remainder_fen == 55
    assert (made.wanted.held, made.wanted.total) == (500_000, 11_750_000)
    assert made.wanted.part == Fraction(2, 47)


def test_a_price_that_is_no_whole_fen_stays_a_fraction():
    made = convert(1_000_000, funding_round(), terms(discount_percent=15), limit())

    assert made.price == Fraction(8500, 9)
    assert (made.wanted.shares, made.wanted.cost_fen) == (1058, 999_223)  # 1058 × 8500/9 = 999222.2
    assert made.remainder_fen == 777


def test_the_price_after_the_money_counts_the_money_and_its_shares():
    cheap = funding_round(shares_issued=3_500_000, holders=(Holder("创始人", 12_500_000),))

    made = convert(1_000_000, cheap, terms(valuation="post_money", discount_percent=0), limit())

    assert made.price == Fraction(12_500_000_000, 12_500_000)


@pytest.mark.parametrize(
    ("fen", "shares", "rest"),
    [(PRICE, 1, 0), (2 * PRICE - 1, 1, PRICE - 1), (2 * PRICE, 2, 0), (2 * PRICE + 1, 2, 1)],
)
def test_what_buys_no_whole_share_stays_money(fen, shares, rest):
    made = convert(fen, funding_round(), terms(), limit())

    assert (made.wanted.shares, made.remainder_fen) == (shares, rest)


def test_less_than_one_share_is_no_conversion():
    with pytest.raises(InvalidInput, match="不足一股") as refused:
        convert(PRICE - 1, funding_round(), terms(), limit())

    assert refused.value.fields == {"converted_fen": "至少 1000"}


@pytest.mark.parametrize(
    ("shares", "allowed", "over"),
    [(TENTH - 1, TENTH - 1, 0), (TENTH, TENTH, 0), (TENTH + 1, TENTH, PRICE)],
)
def test_a_tenth_of_all_shares_is_within_a_cap_of_ten_percent_and_no_share_more(
    shares, allowed, over
):
    made = convert(shares * PRICE, funding_round(), terms(), limit())

    assert (made.allowed.shares, made.over_fen, made.is_within) == (allowed, over, not over)
    assert made.wanted.percent == (11 if over else 10)


def test_what_the_cap_cuts_is_told_with_what_to_do():
    made = convert(TENTH * PRICE + PRICE + 7, funding_round(), terms(), limit())

    told = {line.name: line for line in made.lines}
    assert (told["over"].value, told["remainder"].value) == (PRICE, 7)
    assert told["over"].words == "减少转股金额，或提请联席会审议"
    assert told["allowed"].words == "三方协议：持股不超过10%且不为第一大股东"
    assert made.amount_fen == made.allowed.cost_fen + made.over_fen + made.remainder_fen


def test_a_conversion_within_the_cap_tells_every_step_exactly():
    made = convert(500_000_055, funding_round(), terms(), limit())

    assert [(line.name, line.value, line.exact) for line in made.lines] == [
        ("amount", 500_000_055, ""),
        ("round_price", 1111, "10000/9"),
        ("price", 1000, "1000"),
        ("shares", 500_000, "100000011/200"),
        ("remainder", 55, ""),
        ("percent", 5, "200/47"),
    ]


@pytest.mark.parametrize(("shares", "allowed"), [(3_999_998, 3_999_998), (3_999_999, 3_999_999),
                                                 (4_000_000, 3_999_999)])  # fmt: skip
def test_as_much_as_the_largest_holder_is_the_largest(shares, allowed):
    table = funding_round(holders=THREE)

    made = convert(shares * PRICE, table, terms(), limit(50))

    assert made.allowed.shares == allowed
    assert made.wanted.is_largest is (shares == 4_000_000)


def test_the_meeting_may_let_the_trustee_be_the_largest():
    table = funding_round(holders=THREE)

    made = convert(4_000_001 * PRICE, table, terms(), limit(50, may_be_largest=True))

    assert (made.is_within, made.wanted.is_largest) == (True, True)
    beyond = convert(12_000_000 * PRICE, table, terms(), limit(50, may_be_largest=True))
    assert {line.name: line.words for line in beyond.lines}["allowed"] == "三方协议：持股不超过50%"


def test_shares_that_the_trustee_holds_already_count_against_the_cap():
    held = (Holder("创始人", TOTAL - 1_000_000), Holder("受托机构", 1_000_000))

    most = most_shares(funding_round(holders=held), limit())

    assert most == 138_888  # (1,000,000 + n) ÷ (11,250,000 + n) ≤ 10 %: n ≤ 12,500,000 ÷ 90
    assert most_shares(funding_round(holders=held), limit(8)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pre_money_fen": 0}, "pre_money_fen"),
        ({"shares_before": 0, "holders": (Holder("甲", 2_250_000),)}, "shares_before"),
        ({"raised_fen": 0}, "shares_issued"),
        ({"shares_issued": 0, "holders": (Holder("甲", 9_000_000),)}, "shares_issued"),
        ({"holders": (Holder("创始人", TOTAL - 1),)}, "holders"),
        ({"holders": (Holder("创始人", TOTAL + 1),)}, "holders"),
        ({"holders": (Holder("甲", 9_000_000), Holder("甲", 2_250_000))}, "holders"),
    ],
)
def test_a_cap_table_that_does_not_add_up_is_refused(changes, field):
    with pytest.raises(InvalidInput) as refused:
        convert(1_000_000, funding_round(**changes), terms(), limit())

    assert field in refused.value.fields


def test_an_appraisal_prices_shares_without_new_money():
    appraised = funding_round(
        title="资产评估", raised_fen=0, shares_issued=0, holders=(Holder("创始人", 9_000_000),)
    )

    made = convert(1_000_000, appraised, terms(valuation="post_money"), limit())

    assert made.price == PRICE


def test_holders_are_written_as_name_and_shares():
    assert holders_of(["创始人：90", "A:B基金:7"]) == (
        Holder("创始人", 90),
        Holder("A：B基金", 7),
    )


@pytest.mark.parametrize(
    "text", ["创始人", "：5", "创始人：0", "创始人：-1", "创始人：１０", "创始人：1.5", ""]
)
def test_a_holder_without_name_or_whole_shares_is_refused(text):
    with pytest.raises(InvalidInput, match="名称：股数"):
        holders_of([text])


ROUNDS = st.builds(
    lambda pre, before, raised, issued, held: funding_round(
        pre_money_fen=pre,
        raised_fen=raised,
        shares_before=before,
        shares_issued=issued,
        holders=tuple(
            Holder(name, shares)
            for name, shares in (
                ("创始人", before + issued - min(held, before - 1)),
                ("受托机构", min(held, before - 1)),
            )
            if shares
        ),
    ),
    st.integers(1, 10**13), st.integers(1, 10**9), st.integers(1, 10**12),
    st.integers(1, 10**9), st.integers(0, 10**6),
)  # fmt: skip


@given(
    ROUNDS,
    st.integers(1, 10**13),
    st.integers(1, 99),
    st.integers(0, 99),
    st.sampled_from(["pre_money", "post_money"]),
    st.booleans(),
)
def test_no_fen_is_lost_and_no_cap_is_passed(table, fen, cap, discount, valuation, may):
    agreed = terms(discount_percent=discount, valuation=valuation)
    most = limit(cap, may_be_largest=may)
    try:
        made = convert(fen, table, agreed, most)
    except InvalidInput as refused:
        assert "不足一股" in refused.message  # noqa: PT017 - the one reason there may be
        return

    assert made.amount_fen == made.allowed.cost_fen + made.over_fen + made.remainder_fen
    assert 0 <= made.remainder_fen < made.price
    assert made.wanted.shares * made.price <= fen < (made.wanted.shares + 1) * made.price
    assert made.allowed.cost_fen - 1 < made.allowed.shares * made.price <= made.allowed.cost_fen
    if made.allowed.shares:
        assert made.allowed.part <= Fraction(cap, 100)
        assert may or made.allowed.held < table.largest_other
    if made.over_fen:
        more = made.allowed.shares + 1
        held, total = table.trustee_shares + more, table.total + more
        assert Fraction(held, total) > Fraction(cap, 100) or (
            not may and held >= table.largest_other
        )
