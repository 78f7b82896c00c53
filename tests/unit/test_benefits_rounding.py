from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.benefits.rounding import DAY_COUNTS, ROUNDINGS, days, rounded
from caseflow.kernel.errors import InvalidInput, QuoteRefused
from tests.factories.benefits import COST, WAN, fact, fen, lines, part, rate, rule, told

PERIOD = ("contract_from", "contract_to", "supported_from", "supported_to")
DATES = [fact(name, "date", "date", optional=True) for name in PERIOD]
BY_DAYS = rule(
    part("rate", base="cost", rate=0, period=PERIOD), facts=[COST, *DATES], rates=[rate(30)]
)
NANNING = {
    "contract_from": "2025-01-01",
    "contract_to": "2026-12-31",
    "supported_from": "2025-03-01",
    "supported_to": "2025-12-31",
}


# --- rounding


@pytest.mark.parametrize(
    ("how", "amount", "expected"),
    [
        ("trunc_fen", Fraction(299, 100), 2),
        ("trunc_fen", Fraction(3), 3),
        ("trunc_yuan", Fraction(199_99, 100), 100),
        ("trunc_yuan", Fraction(199), 100),
        ("trunc_yuan", Fraction(200), 200),
        ("trunc_4dp_wan", Fraction(2_510_289), 2_510_200),
        ("trunc_4dp_wan", Fraction(2_510_300), 2_510_300),
        ("trunc_wan", Fraction(1_999_999), 1_000_000),
        ("trunc_wan", Fraction(2_000_000), 2_000_000),
        ("half_up_fen", Fraction(249, 100), 2),
        ("half_up_fen", Fraction(5, 2), 3),
        ("half_up_fen", Fraction(251, 100), 3),
        ("half_up_fen", Fraction(7, 2), 4),
    ],
)
def test_an_amount_is_rounded_as_named(how, amount, expected):
    assert rounded(amount, how) == expected


@given(st.fractions(0, 10**15), st.sampled_from([*ROUNDINGS][:-1]))
def test_all_but_half_up_round_down(amount, how):
    assert 0 <= rounded(amount, how) <= amount


@given(st.fractions(0, 10**15))
def test_half_up_is_at_most_half_a_fen_away(amount):
    assert -Fraction(1, 2) < rounded(amount, "half_up_fen") - amount <= Fraction(1, 2)


def test_an_unknown_rounding_is_refused():
    with pytest.raises(InvalidInput, match="no rounding 'up'; there are trunc_fen, "):
        rounded(Fraction(1), "up")


# --- days


@pytest.mark.parametrize(
    ("first", "last", "exclusive"),
    [
        ("2025-03-01", "2025-12-31", 305),
        ("2025-01-01", "2026-12-31", 729),
        ("2024-02-28", "2024-03-01", 2),
        ("2025-02-28", "2025-03-01", 1),
        ("2026-05-14", "2026-05-14", 0),
    ],
)
def test_the_first_day_counts_only_where_the_call_says_so(first, last, exclusive):
    first, last = date.fromisoformat(first), date.fromisoformat(last)

    assert days(first, last, "exclusive") == exclusive
    assert days(first, last, "inclusive") == exclusive + 1


def test_a_period_does_not_end_before_it_begins():
    with pytest.raises(InvalidInput, match="ends on 2026-05-13, before it begins on 2026-05-14"):
        days(date(2026, 5, 14), date(2026, 5, 13), "exclusive")


def test_an_unknown_way_of_counting_days_is_refused():
    with pytest.raises(InvalidInput, match="no day count 'both'; there are exclusive, inclusive"):
        days(date(2026, 5, 14), date(2026, 5, 14), "both")


@given(st.dates(), st.integers(0, 4000), st.integers(0, 4000))
def test_exclusive_days_of_two_stretches_add_up(first, one, other):
    middle, last = (timedelta(one), timedelta(one + other))
    if date.max - first < last:
        return
    whole = days(first, first + last, "exclusive")

    stretches = ((first, first + middle), (first + middle, first + last))
    assert sum(days(*each, "exclusive") for each in stretches) == whole


# --- the base by days, as Nanning computed it


def test_nanning_counts_305_of_729_days_and_truncates_at_four_decimals_of_wan():
    found = told(BY_DAYS, rounding="trunc_4dp_wan", cost=20 * WAN, **NANNING)

    assert found.amount_fen == 2_510_200  # 2.5102万元
    assert lines(found, "base") == [("cost", 20 * WAN), ("period", 8_367_600)]  # 8.3676万元
    assert found.lines[1].title == "按支持期间折算（305/729天）"


def test_nanning_with_the_first_day_counted_has_306_of_730_days():
    found = told(BY_DAYS, rounding="trunc_4dp_wan", day_count="inclusive", cost=20 * WAN, **NANNING)

    assert found.lines[1].title == "按支持期间折算（306/730天）"
    assert found.lines[1].fen == 8_383_500  # 200000 × 306 / 730 = 83835.6… yuan
    assert found.amount_fen == 2_515_000  # 25150.5 yuan, truncated to whole yuan


def test_the_base_counts_in_full_where_no_period_is_told():
    assert fen(BY_DAYS, cost=20 * WAN) == 6 * WAN


@pytest.mark.parametrize("missing", PERIOD)
def test_the_four_days_go_together_and_the_missing_one_is_named(missing):
    given_dates = {name: day for name, day in NANNING.items() if name != missing}

    with pytest.raises(QuoteRefused, match="四个日期须一并填写") as refusal:
        told(BY_DAYS, cost=1, **given_dates)

    assert [*refusal.value.reasons] == [missing]


@pytest.mark.parametrize(
    "wrong",
    [
        {"supported_from": "2024-12-31"},
        {"supported_to": "2027-01-01"},
        {"supported_to": "2025-02-28"},
        {"contract_to": "2024-12-31"},
    ],
)
def test_the_supported_period_lies_inside_the_contract(wrong):
    with pytest.raises(QuoteRefused, match="支持期间须在合同期间之内"):
        told(BY_DAYS, cost=1, **NANNING | wrong)


@pytest.mark.parametrize("how", DAY_COUNTS)
def test_a_contract_supported_throughout_counts_in_full(how):
    whole = {**NANNING, "supported_from": "2025-01-01", "supported_to": "2026-12-31"}

    assert told(BY_DAYS, day_count=how, cost=WAN, **whole).amount_fen == 300_000


@pytest.mark.parametrize("how", DAY_COUNTS)
def test_a_contract_of_one_day_counts_in_full(how):
    one_day = dict.fromkeys(PERIOD, "2026-05-14")

    assert told(BY_DAYS, day_count=how, cost=WAN, **one_day).amount_fen == 300_000
