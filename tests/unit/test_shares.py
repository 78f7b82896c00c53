from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.shares import city_percent, is_open, split_of

FORTY = Fraction(40)
FOUR_SIX = {
    "rule": "shares",
    "shares": [{"party": "city", "percent": "40"}, {"party": "district", "percent": "60"}],
}


@pytest.mark.parametrize(
    ("fen", "city", "district"),
    [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 2), (10_000, 4_000, 6_000), (10_001, 4_000, 6_001)],
)
def test_the_city_bears_the_floor_and_the_district_the_rest(fen, city, district):
    assert split_of(fen, FORTY) == {"city": city, "district": district}


@given(
    st.lists(st.integers(0, 10**13), min_size=1, max_size=12),
    st.fractions(min_value=0, max_value=100),
)
def test_instalments_add_up_to_the_split_of_the_whole(instalments, percent):
    before, city = 0, 0
    for fen in instalments:
        parts = split_of(fen, percent, before=before)
        assert sum(parts.values()) == fen
        assert min(parts.values()) >= 0
        before, city = before + fen, city + parts["city"]

    assert city == before * percent.numerator // (100 * percent.denominator)


@pytest.mark.parametrize("percent", [Fraction(-1, 10), Fraction(1001, 10)])
def test_more_than_all_and_less_than_nothing_is_no_share(percent):
    with pytest.raises(InvalidInput, match="0 与 100 之间"):
        split_of(1, percent)


@pytest.mark.parametrize(
    ("split", "level", "percent"),
    [
        (None, "county", 100),
        ({"rule": "city_alone"}, "county", 100),
        (FOUR_SIX, "county", 40),
        (FOUR_SIX, "prefecture", 100),
        ({"rule": "fiscal_system"}, "prefecture", 100),
        ({"rule": "fiscal_system"}, "county", None),
    ],
)
def test_what_the_city_bears_follows_the_text_and_the_place(split, level, percent):
    assert city_percent(split, level) == percent


@pytest.mark.parametrize(
    ("split", "percent"),
    [(None, 45), ({"rule": "fiscal_system"}, 45), ({"rule": "city_alone"}, 100), (FOUR_SIX, 40)],
)
def test_what_is_entered_counts_where_the_text_leaves_it_open(split, percent):
    assert city_percent(split, "county", entered=Fraction(45)) == percent
    assert is_open(split) == (percent == 45)
