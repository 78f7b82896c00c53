"""The order of a call: the score, the tie rule in its order, the time, the number."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ranking import Entry, ranked
from caseflow.kernel.workflow.effects import CALL_QUOTA, derive

AT = datetime(2026, 10, 1, tzinfo=UTC)
TITLES = {"a": "甲", "b": "乙"}


def entry(number: str, score, a=0, b=0, minutes: int = 0) -> Entry:
    points = {"a": Fraction(a), "b": Fraction(b)}
    return Entry(number, number, Fraction(score), points, AT + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (entry("2", "80.01", minutes=9), entry("1", 80), "评审得分 80.01"),
        (entry("2", 80, a=1, minutes=9), entry("1", 80, b=9), "按“甲”1.00 高于 0.00"),
        (entry("2", 80, a=1, b=2, minutes=9), entry("1", 80, a=1, b=1), "按“乙”2.00 高于 1.00"),
        (entry("2", 80), entry("1", 80, minutes=1), "按提交时间在先"),
        (entry("1", 80), entry("2", 80), "按办件编号在先"),
    ],
)
def test_each_rule_decides_where_those_before_it_do_not(first: Entry, second: Entry, words: str):
    places = ranked([second, first], ("a", "b"), TITLES)

    assert [(each.rank, each.entry) for each in places] == [(1, first), (2, second)]
    assert words in places[0].reason
    assert "同分" not in places[1].reason


def test_a_third_of_a_point_counts():
    higher, lower = entry("2", Fraction(241, 3)), entry("1", Fraction(240, 3))

    assert ranked([lower, higher], (), TITLES)[0].entry == higher


def test_a_criterion_without_points_counts_as_nothing():
    bare = Entry("1", "1", Fraction(80), {}, AT)

    assert ranked([bare, entry("2", 80, a=1)], ("a",), TITLES)[0].entry.number == "2"


@pytest.mark.parametrize("rule", [("c",), ("a", "a")])
def test_a_tie_rule_names_criteria_each_once(rule):
    with pytest.raises(InvalidInput, match="同分排序规则"):
        ranked([], rule, TITLES)


@given(st.permutations([entry(str(n), 80 - n // 3, a=n % 3, minutes=n % 2) for n in range(6)]))
def test_the_order_of_the_entries_changes_no_rank(entries):
    same = ranked(sorted(entries, key=lambda each: each.number), ("a",), TITLES)

    assert ranked(entries, ("a",), TITLES) == same


@pytest.mark.parametrize(
    ("facts", "within"),
    [
        ({"place_free": True, "rank": 2, CALL_QUOTA: 2}, True),
        ({"place_free": True, "rank": 3, CALL_QUOTA: 2}, False),
        ({"place_free": True, "rank": 3}, True),
        ({"place_free": False, "rank": 1, CALL_QUOTA: 2}, False),
        ({"place_free": True}, True),
        ({}, False),
    ],
)
def test_a_rank_is_within_the_quota_up_to_its_number_while_a_place_is_free(facts, within):
    assert derive(facts)["within_quota"] is within
