import math
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.benefits.facts import (
    LATEST_YEAR,
    MOST_COUNT,
    MOST_STRETCHES,
    lacking,
    read_facts,
)
from caseflow.kernel.benefits.model import Stretch
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN
from tests.factories.benefits import fact, rule

ONE_OF_EACH = rule(
    facts=[
        fact("fen", "fen", "base"),
        fact("number", "integer", "count"),
        fact("percent", "percent", "decided"),
        fact("day", "date", "date"),
        fact("flag", "boolean", "condition"),
        fact("level", "choice", "tier", choices=("国家级", "省级")),
        fact("loans", "stretches", "base"),
    ]
)
STRETCH = {
    "principal_fen": 100,
    "begins": "2026-01-01",
    "ends": "2026-12-31",
    "percent": "3.45",
}
FULL_WIDTH = "１００"
HUGE = pytest.param(10**5000, id="a number too long to print")
NO_NUMBERS = [
    True, False, 1.0, 0.5, -0.0, math.nan, math.inf, -math.inf, Decimal(1), Fraction(1),
    "1", FULL_WIDTH, "", b"1", [1], {}, 1j,
]  # fmt: skip


def read(**given):
    return read_facts(ONE_OF_EACH, given)


def fault(**given):
    with pytest.raises(InvalidInput) as error:
        read(**given)
    assert [*error.value.fields] == [*given]
    return error.value.fields[next(iter(given))]


# --- money and numbers


@pytest.mark.parametrize("value", [0, 1, MOST_FEN - 1, MOST_FEN])
def test_money_is_a_whole_number_of_fen(value):
    assert read(fen=value) == {"fen": value}


@pytest.mark.parametrize("value", [0, 1, MOST_COUNT])
def test_a_number_is_whole(value):
    assert read(number=value) == {"number": value}


@pytest.mark.parametrize("value", [-1, MOST_FEN + 1, 10**30, -(10**30), HUGE])
def test_money_outside_all_measure_is_refused(value):
    assert fault(fen=value) == f"[fen]：须在 0 与 {MOST_FEN} 之间"


@pytest.mark.parametrize("value", [-1, MOST_COUNT + 1, 10**30, HUGE])
def test_a_number_outside_all_measure_is_refused(value):
    assert fault(number=value) == f"[number]：须在 0 与 {MOST_COUNT} 之间"


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", ["fen", "number"])
def test_what_merely_looks_like_a_whole_number_is_refused(name, value):
    assert f"整数，不是 {value!r}"[:40] in fault(**{name: value})


# --- percentages


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0", Fraction(0)),
        ("0.000001", Fraction(1, 10**6)),
        ("12.5", Fraction(25, 2)),
        ("33.333333", Fraction(33_333_333, 10**6)),
        ("99.999999", Fraction(99_999_999, 10**6)),
        ("100", Fraction(100)),
        ("100.000000", Fraction(100)),
    ],
)
def test_a_percentage_is_exact(text, percent):
    assert read(percent=text) == {"percent": percent}


@pytest.mark.parametrize(
    "value",
    [
        *(each for each in NO_NUMBERS if each != "1"),
        1, 50, "-1", "+1", "1%", "01", "1.", ".5", "1,5", "1.0000000", "1e2", " 1", "1\n", "nan",
        "1000", "1/2", "１２.5", "12．5", HUGE,
    ],
)  # fmt: skip
def test_a_percentage_is_text_in_ascii_digits(value):
    fault(percent=value)


@pytest.mark.parametrize("text", ["100.000001", "101", "999.9"])
def test_more_than_the_whole_is_refused(text):
    assert fault(percent=text) == "[percent]：不得超过 100"


# --- days, flags, choices


def test_a_day_is_iso_text():
    assert read(day="2024-02-29") == {"day": date(2024, 2, 29)}
    assert read(day=f"{LATEST_YEAR}-12-31") == {"day": date(LATEST_YEAR, 12, 31)}


@pytest.mark.parametrize("text", ["2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01"])
def test_a_day_stands_in_the_calendar(text):
    assert fault(day=text) == f"[day]：{text} 不是日历上的日期"


def test_a_day_of_another_millennium_is_refused():
    assert fault(day=f"{LATEST_YEAR + 1}-01-01") == f"[day]：年份不得晚于 {LATEST_YEAR}"


@pytest.mark.parametrize(
    "value",
    [
        20260514, 1.5, math.nan, True, "20260514", "2026-5-14", "２０２６-05-14", "2026/05/14",
        "2026-05-14T00:00", "2026-W20-4", "", " 2026-05-14", "2026-05-14\n", b"2026-05-14",
        date(2026, 5, 14), datetime(2026, 5, 14, tzinfo=UTC), ["2026-05-14"], HUGE,
    ],
)  # fmt: skip
def test_what_merely_looks_like_a_day_is_refused(value):
    fault(day=value)


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_true_or_false(value):
    assert read(flag=value) == {"flag": value}


@pytest.mark.parametrize("value", [0, 1, 1.0, math.nan, "true", "是", "", [], {}])
def test_what_merely_looks_like_a_flag_is_refused(value):
    assert fault(flag=value).startswith("[flag]：须为 true 或 false，不是 ")


def test_a_choice_is_one_of_those_named():
    assert read(level="省级") == {"level": "省级"}


@pytest.mark.parametrize("value", ["市级", "", "省级 ", 1, True, math.nan, ["省级"], {"省级": 1}])
def test_another_choice_is_refused(value):
    assert fault(level=value) == f"[level]：须为 国家级、省级 之一，不是 {value!r}"


# --- stretches of a loan


def test_stretches_are_read_each_as_its_type():
    stretch = Stretch(100, date(2026, 1, 1), date(2026, 12, 31), Fraction(69, 20))

    assert read(loans=[STRETCH, STRETCH]) == {"loans": (stretch, stretch)}


def test_a_stretch_may_be_one_day():
    assert read(loans=[{**STRETCH, "ends": "2026-01-01"}])["loans"][0].ends == date(2026, 1, 1)


@pytest.mark.parametrize(
    "value", [[], [STRETCH] * (MOST_STRETCHES + 1), STRETCH, (STRETCH,), "x", 1, True]
)
def test_stretches_are_a_list_of_some(value):
    assert fault(loans=value) == f"[loans]：须为 1 至 {MOST_STRETCHES} 段的列表"


@pytest.mark.parametrize(
    "value",
    [
        1, "2026", None, [], {}, {**STRETCH, "more": 1},
        {name: value for name, value in STRETCH.items() if name != "ends"},
    ],
)  # fmt: skip
def test_a_stretch_has_its_four_keys(value):
    reason = fault(loans=[STRETCH, value])

    assert reason == "[loans]：第2段须写明 principal_fen、begins、ends、percent"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"principal_fen": 1.0}, "第1段须为以分为单位的整数，不是 1.0"),
        ({"principal_fen": True}, "第1段须为以分为单位的整数，不是 True"),
        ({"principal_fen": -1}, f"第1段须在 0 与 {MOST_FEN} 之间"),
        ({"begins": None}, "第1段须为日期，如 2026-05-14，不是 None"),
        ({"ends": "2026-02-30"}, "第1段2026-02-30 不是日历上的日期"),
        ({"percent": 3.45}, '第1段须为文本写的百分数，如 "12.5"，不是 3.45'),
        ({"percent": "100.1"}, "第1段不得超过 100"),
        ({"ends": "2025-12-31"}, "第1段止于 2025-12-31，早于起日 2026-01-01"),
    ],
)
def test_a_stretch_with_a_wrong_value_is_named(wrong, reason):
    assert fault(loans=[STRETCH | wrong]) == f"[loans]：{reason}"


# --- all together


def test_a_fact_left_out_or_null_is_absent():
    assert read() == {}
    assert read(fen=None, flag=None, level=None) == {}


def test_an_unknown_fact_is_refused_and_the_known_are_named():
    assert fault(cost=1).startswith("unknown; known are fen, number, percent, ")


def test_all_faults_are_told_together():
    with pytest.raises(InvalidInput) as error:
        read(cost=1, fen=-1, flag=1, number=3)

    assert [*error.value.fields] == ["cost", "fen", "flag"]
    for name in error.value.fields:
        assert f"{name}: {error.value.fields[name]}" in error.value.message
    assert error.value.message.startswith("事实有误：")


def test_what_is_lacking_is_what_the_amount_needs():
    wanted = rule(
        facts=[
            fact("a", role="base"),
            fact("b", "integer", "count"),
            fact("c", "integer", "months"),
            fact("d", "choice", "tier", choices=("x",)),
            fact("e", role="base", optional=True),
            fact("f", role="prior"),
            fact("g", role="decided"),
            fact("h", "boolean", "condition"),
            fact("i", "date", "date"),
        ]
    )

    assert [each.name for each in lacking(wanted, {"b": 0})] == ["a", "c", "d"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([each.name for each in ONE_OF_EACH.facts]), JSON))
def test_whatever_is_given_is_read_or_refused(given_facts):
    try:
        values = read_facts(ONE_OF_EACH, given_facts)
    except InvalidInput as error:
        assert set(error.fields) <= set(given_facts)  # noqa: PT017 - either outcome is right
    else:
        assert set(values) == {name for name, each in given_facts.items() if each is not None}
