"""Which ceilings a measure has, read from its figures and from nothing else."""

import pytest

from caseflow.kernel.benefits.model import Cap
from caseflow.kernel.caps.model import StatedAmount
from caseflow.kernel.caps.rules import rules_of


def amount(per="enterprise", period=None, fen=200, **more):
    return StatedAmount(fen=fen, per=per, period=period, words=f"最高{fen}分", **more)


def cap(kind="case", position=0, **more):
    return Cap(kind=kind, title="上限", **{"amount": position, **more})


def scopes(amounts, caps=(), **parameters):
    """Scope and limit in fen and times of each ceiling."""
    return [
        (rule.scope, rule.limit_fen, rule.limit_times)
        for rule in rules_of(amounts, caps, parameters)
    ]


@pytest.mark.parametrize(
    ("per", "period", "scope"),
    [
        ("enterprise", "year", "enterprise_clause_year"),
        ("association", "year", "enterprise_clause_year"),
        ("enterprise", "once", "enterprise_clause_life"),
        ("data_source", None, "enterprise_clause_life"),
        ("project", "year", "project_year"),
        ("project", "project", "object"),
        ("device", "once", "object"),
    ],
)
def test_a_figure_bounds_what_it_counts_per(per, period, scope):
    assert scopes([amount(per, period)]) == [(scope, 200, None)]


@pytest.mark.parametrize(
    ("per", "kind", "scope"),
    [
        ("enterprise", "year", "enterprise_clause_year"),
        ("product", "year", "project_year"),
        ("enterprise", "life", "enterprise_clause_life"),
        ("project", "life", "project_life"),
        ("project", "case", "object"),
    ],
)
def test_where_the_words_name_no_period_the_cap_that_points_there_reads_it(per, kind, scope):
    assert scopes([amount(per)], [cap(kind)]) == [(scope, 200, None)]


def test_a_cap_that_points_elsewhere_reads_nothing():
    assert scopes([amount()], [cap("year", 1)]) == [("enterprise_clause_life", 200, None)]


@pytest.mark.parametrize(
    ("decided", "scope"), [("year", "enterprise_clause_year"), ("once", "enterprise_clause_life")]
)
def test_what_a_bureau_decided_goes_before_the_customary_period(decided, scope):
    found = scopes([amount()], [cap("year")], cap_period=decided)

    assert found == [(scope, 200, None)]


def test_a_bureau_decides_nothing_where_the_words_name_the_period():
    assert scopes([amount(period="year")], cap_period="once") == [
        ("enterprise_clause_year", 200, None)
    ]


def test_a_year_stands_before_the_whole_life():
    stated = [amount("project", "year"), amount("project", "project", 600, kind="life_cap")]

    assert scopes(stated) == [("project_year", 200, None), ("project_life", 600, None)]


def test_a_joint_ceiling_stands_alone():
    stated = [amount(fen=50), amount(fen=30, kind="item"), amount(fen=200, kind="joint_cap")]

    assert scopes(stated) == [("enterprise_clause_life", 200, None)]


def test_the_low_end_of_a_range_bounds_nothing():
    stated = [amount("team", "project", 100, kind="range_low")]

    assert scopes([*stated, amount("team", "project", 300, kind="range_high")]) == [
        ("object", 300, None)
    ]


def test_months_of_an_allowance_bound_its_life_as_often_as_the_cap_says():
    stated = [amount("person", "month", fen, tier=str(fen)) for fen in (3, 2)]

    found = scopes(stated, [cap("life", None, by="rank", tiers={"正高": 0, "副高": 1}, most=36)])

    assert found == [("project_life", 108, None)]


def test_a_sum_for_each_month_without_a_life_bounds_no_counter():
    assert scopes([amount("person", "month")]) == []


def test_of_tiers_the_highest_counts_with_the_words_of_all():
    stated = [
        amount("device", "once", 100, tier="国家级"),
        amount("device", "once", 50, tier="省级"),
    ]

    (rule,) = rules_of(stated, ())

    assert (rule.scope, rule.limit_fen) == ("object", 100)
    assert rule.words == "最高100分；最高50分"


def test_tiers_that_count_per_different_things_bound_the_object_of_the_case():
    stated = [
        amount("enterprise", "once", 80, tier="企业"),
        amount("product", "once", 50, tier="产品"),
    ]

    (rule,) = rules_of(stated, ())

    assert (rule.scope, rule.title, rule.limit_fen) == ("object", "单个支持对象上限", 80)


def test_awards_are_counted_for_what_the_first_figure_counts_per():
    stated = [amount("product", "once", 50), amount("enterprise", "year")]

    found = scopes(stated, [cap("times", None, most=1), cap("year", 1)])

    assert found == [("object", 50, 1), ("enterprise_clause_year", 200, None)]


@pytest.mark.parametrize(
    ("per", "period", "scope"),
    [
        ("enterprise", "year", "enterprise_clause_year"),
        ("enterprise", None, "enterprise_clause_life"),
        ("product", "year", "project_year"),
        ("product", "once", "object"),
    ],
)
def test_awards_are_counted_for_what_their_cap_says(per, period, scope):
    assert scopes([], [cap("times", None, most=2, per=per, within=period)]) == [(scope, None, 2)]


def test_awards_without_any_figure_are_counted_for_the_object():
    assert scopes([], [cap("times", None, most=1)]) == [("object", None, 1)]


def test_what_must_differ_is_supported_once_for_each_value():
    counted = cap("times", None, most=2, per="enterprise", within="year", distinct="segment")

    main, each = rules_of([], [counted])

    assert (main.limit_times, main.distinct) == (2, None)
    assert (each.scope, each.limit_times, each.distinct) == ("enterprise_clause_year", 1, "segment")


def test_what_another_award_takes_off_is_no_ceiling():
    assert scopes([], [cap("paid", None, less="granted_fen")]) == []


@pytest.mark.parametrize(
    ("parameters", "limits"),
    [
        ({"policy_year_fen": 500}, (500, None)),
        ({"policy_year_times": 3}, (None, 3)),
        ({"policy_year_fen": 500, "policy_year_times": 3}, (500, 3)),
    ],
)
def test_the_yearly_control_of_a_policy_needs_its_numbers(parameters, limits):
    words = {"policy_year_words": "锡工信〔2026〕1号"}

    (rule,) = rules_of([], (), {**parameters, **words})

    assert (rule.scope, rule.words) == ("enterprise_policy_year", "锡工信〔2026〕1号")
    assert (rule.limit_fen, rule.limit_times) == limits


def test_without_numbers_there_is_no_yearly_control():
    assert rules_of([], (), {"policy_year_words": "x"}) == ()


def test_a_title_that_speaks_of_a_life_is_not_that_of_a_year():
    stated = [amount("person", "year", 8)]

    found = rules_of(stated, [Cap(kind="life", title="10年合计", amount=0, most=10)])

    assert [(rule.scope, rule.title, rule.limit_fen) for rule in found] == [
        ("project_year", "单个支持对象每年上限", 8),
        ("project_life", "10年合计", 80),
    ]
