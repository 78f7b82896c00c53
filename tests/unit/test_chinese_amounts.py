import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.chinese_amounts import amounts_yuan, percentages, written_amounts


@pytest.mark.parametrize(
    ("words", "yuan"),
    [
        ("单个项目最高1亿元", [100_000_000]),
        ("单个项目最高2000万元", [20_000_000]),
        ("分别给予最高100万元、50万元的补助", [1_000_000, 500_000]),
        ("3000元/月", [3_000]),
        ("1.5亿元", [150_000_000]),
        ("0.5万元", [5_000]),
    ],
)
def test_amounts_are_read_in_whole_yuan_in_their_order(words, yuan):
    assert amounts_yuan(words) == yuan


@pytest.mark.parametrize(
    "words", ["", "国家级、省级", "2026年5月14日", "3年累计", "20%", "单个企业100万"]
)
def test_figures_that_are_not_amounts_of_money_are_left_alone(words):
    assert amounts_yuan(words) == []


def test_of_a_range_only_the_upper_end_has_a_unit_and_is_read():
    assert amounts_yuan("给予个人100~500万元") == [5_000_000]


def test_a_line_break_inside_an_amount_does_not_matter():
    assert amounts_yuan("最高1\n00万\n元") == [1_000_000]


def test_the_words_of_an_amount_are_kept():
    assert written_amounts("最高2000万元")[0].words == "2000万元"


def test_a_fraction_of_a_yuan_is_refused():
    with pytest.raises(ValueError, match=r"0\.00001万元 is not a whole number of yuan"):
        amounts_yuan("0.00001万元")


def test_the_smallest_part_of_a_wan_that_is_a_whole_yuan_is_read():
    assert amounts_yuan("0.0001万元") == [1]


@pytest.mark.parametrize(
    ("words", "percent"),
    [
        ("不超过投入额的10%", ["10"]),
        ("给予20%、不高于70%", ["20", "70"]),
        ("1.5%", ["1.5"]),
        ("15％", ["15"]),
        ("10万元", []),
    ],
)
def test_percentages_are_read_as_they_are_written(words, percent):
    assert percentages(words) == percent


@given(
    st.integers(min_value=0, max_value=10**9),
    st.sampled_from([("", 1), ("万", 10**4), ("亿", 10**8)]),
)
def test_what_is_written_with_a_unit_is_read_back(figure, unit):
    sign, worth = unit

    assert amounts_yuan(f"最高{figure}{sign}元支持") == [figure * worth]
