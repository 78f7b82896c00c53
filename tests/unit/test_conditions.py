from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.conditions import (
    ConditionError,
    all_hold,
    can_all_hold,
    explain,
    failed,
    fits,
    holds,
    parse,
    plain,
    points,
    regions,
)
from caseflow.kernel.workflow.model import Fact, Test
from caseflow.kernel.workflow.vocabulary import SYSTEM_FACTS

SCORE = Fact("score", "integer", "评审得分", unit="分")
AUDITED = Fact("audited", "boolean", "审计通过")
LEVEL = Fact("level", "choice", "级别", choices=("国家级", "省级", "市级"))
SIGNED = Fact("signed_on", "date", "签订日期")
SPENT = Fact("spent_fen", "fen", "投入", unit="fen")
NAME = Fact("name", "text", "名称")
ITEMS = Fact("items", "list", "清单")
FACTS = {fact.name: fact for fact in (SCORE, AUDITED, LEVEL, SIGNED, SPENT, NAME, ITEMS)}


def read(conditions, **parameters):
    return parse(conditions, facts=FACTS, parameters=parameters)


# --- reading


def test_a_condition_becomes_one_test_for_each_comparison():
    tests = read({"score": {"at_least": 60, "less_than": 90}, "audited": {"is": True}})

    assert tests == (
        Test("score", "at_least", 60),
        Test("score", "less_than", 90),
        Test("audited", "is", True),
    )


def test_no_conditions_are_no_tests():
    assert read({}) == ()


def test_a_value_may_name_a_parameter():
    assert read({"score": {"at_least": "$passing"}}, passing=75) == (Test("score", "at_least", 75),)


def test_a_date_is_kept_as_iso_text_and_a_list_as_a_tuple():
    conditions = {"signed_on": {"at_most": date(2027, 3, 1)}, "level": {"one_of": ["省级", "市级"]}}

    tests = read(conditions)

    assert tests[0].value == "2027-03-01"
    assert tests[1].value == ("省级", "市级")


@pytest.mark.parametrize(
    ("conditions", "path", "rule"),
    [
        ({"scores": {"at_least": 1}}, ("scores",), "unknown-fact"),
        ({"score": {"about": 1}}, ("score", "about"), "unknown-operator"),
        ({"score": {"is": 1}}, ("score", "is"), "unknown-operator"),
        ({"name": {"equals": "x"}}, ("name", "equals"), "unknown-operator"),
        ({"items": {"one_of": ["x"]}}, ("items", "one_of"), "unknown-operator"),
        ({"score": {"at_least": "$moon"}}, ("score", "at_least"), "unknown-parameter"),
        ({"score": {"at_least": "60"}}, ("score", "at_least"), "yaml-type"),
        ({"score": {"at_least": True}}, ("score", "at_least"), "yaml-type"),
        ({"audited": {"is": 1}}, ("audited", "is"), "yaml-type"),
        ({"level": {"equals": "区级"}}, ("level", "equals"), "yaml-type"),
        ({"level": {"one_of": []}}, ("level", "one_of"), "yaml-type"),
        ({"level": {"one_of": "省级"}}, ("level", "one_of"), "yaml-type"),
        ({"level": {"one_of": ["省级", "区级"]}}, ("level", "one_of"), "yaml-type"),
        ({"signed_on": {"at_least": "2027-02-29"}}, ("signed_on", "at_least"), "yaml-type"),
        ({"signed_on": {"at_least": "20270228"}}, ("signed_on", "at_least"), "yaml-type"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(conditions, path, rule):
    with pytest.raises(ConditionError) as refused:
        read(conditions)

    assert [(fault.path, fault.rule) for fault in refused.value.faults] == [(path, rule)]


def test_all_faults_of_a_condition_are_reported_together():
    with pytest.raises(ConditionError) as refused:
        read({"moon": {"is": True}, "score": {"about": 1, "at_least": "x"}})

    assert len(refused.value.faults) == 3
    assert "moon" in refused.value.message


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        (SIGNED, date(2027, 1, 1), True),
        (SIGNED, "2027-01-01", True),
        (SIGNED, 20270101, False),
        (SPENT, 1, True),
        (SPENT, True, False),
        (NAME, "x", True),
        (NAME, 1, False),
        (ITEMS, ["x"], True),
        (LEVEL, "省级", True),
        (LEVEL, 1, False),
    ],
)
def test_a_value_fits_only_its_type(fact, value, expected):
    assert fits(fact, value) is expected


# --- testing


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        ("at_least", False, True, True),
        ("more_than", False, False, True),
        ("at_most", True, True, False),
        ("less_than", True, False, False),
        ("equals", False, True, False),
    ],
)
def test_at_least_includes_the_number_and_more_than_does_not(op, below, at, above):
    test = Test("score", op, 60)

    assert [holds(test, {"score": score}) for score in (59, 60, 61)] == [below, at, above]


@pytest.mark.parametrize("op", ["at_least", "at_most", "equals", "is"])
def test_a_missing_fact_fails_every_test(op):
    assert not holds(Test("score", op, 0), {})
    assert not holds(Test("score", op, 0), {"score": None})


def test_a_value_of_another_type_fails_the_test():
    assert not holds(Test("score", "at_least", 0), {"score": "99"})
    assert not holds(Test("score", "at_least", 0), {"score": True})
    assert not holds(Test("audited", "is", True), {"audited": 1})


def test_a_date_is_compared_as_a_date_or_as_its_text():
    test = Test("signed_on", "at_most", "2027-03-01")

    assert holds(test, {"signed_on": date(2027, 3, 1)})
    assert holds(test, {"signed_on": "2027-03-01"})
    assert not holds(test, {"signed_on": date(2027, 3, 2)})


def test_one_of_holds_for_each_of_its_values():
    test = Test("level", "one_of", ("省级", "市级"))

    assert holds(test, {"level": "市级"})
    assert not holds(test, {"level": "国家级"})
    assert not holds(test, {})


def test_all_tests_must_hold_and_those_that_fail_are_named():
    tests = (Test("score", "at_least", 60), Test("audited", "is", True))

    assert all_hold(tests, {"score": 60, "audited": True})
    assert not all_hold(tests, {"score": 60, "audited": False})
    assert failed(tests, {"score": 60, "audited": False}) == tests[1:]
    assert all_hold((), {})


def test_plain_leaves_other_values_alone():
    assert plain("x") == "x"
    assert plain([date(2027, 1, 1), 2]) == ("2027-01-01", 2)


# --- explaining


@pytest.mark.parametrize(
    ("test", "facts", "words"),
    [
        (Test("score", "at_least", 60), {"score": 55}, "评审得分为55分，要求不低于60分"),
        (Test("score", "more_than", 60), {}, "评审得分尚未填写，要求超过60分"),
        (Test("score", "at_most", 60), {"score": 61}, "评审得分为61分，要求不超过60分"),
        (Test("audited", "is", True), {"audited": False}, "审计通过为否，要求为是"),
        (
            Test("spent_fen", "at_least", 5_000_000_00),
            {"spent_fen": 4_999_999_99},
            "投入为4,999,999.99元，要求不低于5,000,000.00元",
        ),
        (Test("spent_fen", "at_least", 0), {"spent_fen": -105}, "投入为-1.05元，要求不低于0.00元"),
        (
            Test("level", "one_of", ("国家级", "省级")),
            {"level": "市级"},
            "级别为市级，要求为下列之一：国家级、省级",
        ),
        (
            Test("signed_on", "less_than", "2027-03-01"),
            {"signed_on": date(2027, 3, 1)},
            "签订日期为2027-03-01，要求早于2027-03-01",
        ),
    ],
)
def test_a_failed_test_is_explained_in_chinese(test, facts, words):
    assert explain(test, facts, FACTS) == words


# --- searching


def test_the_points_of_a_number_are_each_cut_and_its_neighbours():
    on_score = [Test("score", "at_least", 60), Test("score", "less_than", 90)]
    tests = [*on_score, Test("level", "equals", "省级")]

    assert points(SCORE, tests) == (59, 60, 61, 89, 90, 91)


def test_money_and_counts_are_never_negative_but_an_entered_number_may_be():
    holds_count = SYSTEM_FACTS["holds"]

    assert points(SPENT, [Test("spent_fen", "more_than", 0)]) == (0, 1)
    assert points(holds_count, [Test("holds", "at_most", 0)]) == (0, 1)
    assert points(SCORE, [Test("score", "at_most", 0)]) == (-1, 0, 1)


def test_the_points_of_a_date_cross_the_end_of_a_leap_february():
    tests = [Test("signed_on", "at_most", "2028-02-29")]

    assert points(SIGNED, tests) == ("2028-02-28", "2028-02-29", "2028-03-01")


def test_the_points_of_a_choice_are_those_compared_with_and_one_other():
    tests = [Test("level", "one_of", ("市级", "国家级"))]

    assert points(LEVEL, tests) == ("国家级", "市级", "省级")
    assert points(LEVEL, [Test("level", "equals", "省级")]) == ("省级", "国家级")


def test_regions_are_the_product_of_the_facts_that_are_read():
    tests = [Test("audited", "is", True), Test("score", "at_least", 60)]

    found = list(regions(tests, FACTS))

    assert len(found) == 6
    assert {"audited": False, "score": 59} in found


def test_regions_stay_within_what_the_guards_allow():
    tests = [Test("score", "at_least", 60)]

    found = list(regions(tests, FACTS, within=[Test("score", "more_than", 59)]))

    assert [region["score"] for region in found] == [60, 61]


def test_no_tests_make_one_region():
    assert list(regions([], FACTS)) == [{}]


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ((), True),
        ((Test("score", "at_least", 60), Test("score", "at_most", 60)), True),
        ((Test("score", "at_least", 60), Test("score", "less_than", 60)), False),
        ((Test("score", "more_than", 59), Test("score", "less_than", 60)), False),
        ((Test("audited", "is", True), Test("audited", "is", False)), False),
        ((Test("audited", "is", True), Test("score", "equals", 1)), True),
    ],
)
def test_whether_tests_can_hold_together(tests, expected):
    assert can_all_hold(tests, FACTS) is expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["at_least", "more_than", "at_most", "less_than", "equals"]),
            st.integers(-20, 20),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_points_find_a_solution_whenever_there_is_one(comparisons):
    tests = [Test("score", op, value) for op, value in comparisons]

    solvable = any(all_hold(tests, {"score": score}) for score in range(-30, 31))

    assert can_all_hold(tests, FACTS) == solvable
