"""Which parameters a measure has, and which of their values are read: none over the clause."""

from dataclasses import replace
from fractions import Fraction

import pytest

from caseflow.kernel.benefits.parameters import (
    PARAMETERS,
    Subject,
    applicable,
    controlling,
    read_parameter,
    settled_questions,
    stored_value,
    told_value,
    typed_value,
)
from caseflow.kernel.errors import InvalidInput
from tests.factories.benefits import (
    COST,
    DECIDED,
    DECIDED_PERCENT,
    LEVEL,
    OF_COST,
    amount,
    cap,
    part,
    rate,
    rule,
)

UNDECIDED = part("amount", amount=0, decided="decided", must_decide=True, question="AMB-19")
AWARD = Subject(rule(UNDECIDED, facts=(DECIDED,), amounts=(amount(100),)), "reward")
TIERED_RATE = part("rate", base="cost", rate=0, decided="decided_percent", must_decide=True,
                   question="AMB-19：没有写明支持比例的档次")  # fmt: skip
BY_LEVEL = part("amount", by="level", tiers={"national": 0, "provincial": 1}, decided="decided",
                must_decide=True)  # fmt: skip
VOUCHER = Subject(rule(OF_COST, facts=(COST,), rates=(rate(50),)), "voucher", voucher_mode="B")
CEILING = Subject(
    rule(
        part("rate", base="cost", rate=0, decided="decided_percent"),
        facts=(COST, DECIDED_PERCENT),
        rates=(rate(30, "ceiling"),),
    ),
    "grant",
)
MATCHED = Subject(
    rule(
        part("rate", base="cost", decided="decided_percent", must_decide=True, question="AMB-21"),
        facts=(COST, DECIDED_PERCENT),
    ),
    "matching",
)
MONTHS = Subject(
    rule(part("months", amount=0, months="months"), amounts=(amount("0.2", "fixed"),),
         caps=(cap("life", amount=0, most=36),)),
    "allowance", frozenset({"AMB-28"}), most_months=36,
)  # fmt: skip


def names(subject):
    return [kind.name for kind in applicable(subject)]


def refused(subject, name, value):
    with pytest.raises(InvalidInput) as refusal:
        read_parameter(subject, name, value)
    return refusal.value.message


def test_a_part_without_a_figure_of_its_own_takes_a_table_of_tiers():
    assert names(AWARD) == ["tiers", "pool_fen"]


def test_a_rate_up_to_a_ceiling_takes_one_ratio_for_all():
    assert names(CEILING) == ["rounding", "tax_inclusive", "ratio", "pool_fen"]


def test_a_rate_whose_tiers_are_missing_takes_tiers_and_no_ratio():
    subject = Subject(rule(TIERED_RATE, facts=(COST,), rates=(rate(30, "ceiling"),)), "voucher")

    assert "tiers" in names(subject)
    assert "ratio" not in names(subject)


def test_money_that_was_received_has_no_vat_in_it():
    assert names(MATCHED) == ["rounding", "ratio", "pool_fen"]


def test_a_guarantors_lower_fee_draws_on_no_pool():
    fee = Subject(rule(OF_COST, facts=(COST,), rates=(rate(50),)), "guarantee",
                  frozenset({"AMB-10"}))  # fmt: skip

    assert names(fee) == ["rounding"]


def test_a_clause_without_a_rule_has_no_parameters():
    nothing = Subject(rule(), "voucher", frozenset(PARAMETERS), voucher_mode="A")

    assert names(nothing) == []


@pytest.mark.parametrize("kind", ["interest", "rate"])
def test_days_are_counted_for_interest_and_for_a_contracts_period(kind):
    period = ("a", "b", "c", "d") if kind == "rate" else ()
    counted = Subject(rule(part(kind, base="cost", rate=0, period=period), rates=(rate(1),)), "x")

    assert "day_count" in names(counted)
    assert "day_count" not in names(CEILING)


@pytest.mark.parametrize(
    ("question", "period", "has"),
    [("AMB-15", None, True), ("AMB-15", "year", False), ("AMB-37", None, False)],
)
def test_a_ceilings_period_is_settled_where_words_and_text_leave_it_open(question, period, has):
    figure = replace(amount(100), period=period)
    wanted = rule(OF_COST, rates=(rate(50),), amounts=(figure,), caps=(cap("year", amount=0),))

    assert ("cap_period" in names(Subject(wanted, "grant", frozenset({question})))) is has


@pytest.mark.parametrize("more", [{"count": "n"}, {"most": 3}])
def test_a_ceiling_of_several_objects_is_no_ceiling_of_a_period(more):
    caps = (cap("object", amount=0, **more), cap("paid"))
    wanted = rule(OF_COST, rates=(rate(50),), amounts=(amount(100),), caps=caps)

    assert "cap_period" not in names(Subject(wanted, "grant", frozenset({"AMB-15"})))


def test_yearly_totals_are_for_policies_that_control_them():
    subject = Subject(AWARD.rule, "reward", frozenset({"AMB-10"}))

    assert names(subject) == ["tiers", "enterprise_year_fen", "enterprise_year_times", "pool_fen"]


def test_months_are_settled_where_the_text_has_none():
    assert "allowance_months" in names(MONTHS)
    for lacking in (
        Subject(MONTHS.rule, "allowance", most_months=36),
        Subject(MONTHS.rule, "allowance", frozenset({"AMB-28"})),
        Subject(AWARD.rule, "allowance", frozenset({"AMB-28"}), most_months=36),
    ):
        assert "allowance_months" not in names(lacking)


@pytest.mark.parametrize(
    ("subject", "name", "given", "value"),
    [
        (AWARD, "tiers", {"一档": 100_000_000, "二档": 1}, {"一档": 100_000_000, "二档": 1}),
        (CEILING, "ratio", "30", Fraction(30)),
        (CEILING, "ratio", "12.5", Fraction(25, 2)),
        (MATCHED, "ratio", "100", Fraction(100)),
        (CEILING, "rounding", "trunc_wan", "trunc_wan"),
        (CEILING, "tax_inclusive", False, False),
        (CEILING, "pool_fen", 1, 1),
        (VOUCHER, "voucher_mode", "B", "B"),
        (MONTHS, "allowance_months", 36, 36),
    ],
)
def test_a_value_is_read_as_its_type_and_comes_back_as_it_was_given(subject, name, given, value):
    read = read_parameter(subject, name, given)

    assert read == value
    assert typed_value(name, stored_value(name, read)) == value
    assert told_value(name, read) == given


def test_the_order_of_tiers_is_kept():
    read = read_parameter(AWARD, "tiers", {"b": 2, "a": 1, "ab": 3})

    assert [name for name, _ in stored_value("tiers", read)] == ["b", "a", "ab"]


@pytest.mark.parametrize(
    ("subject", "name", "given", "words"),
    [
        (AWARD, "ratio", "10", "不使用参数"),
        (AWARD, "colour", "red", "不使用参数"),
        (AWARD, "tiers", {"一档": 100_000_001}, "超过条款规定（100万元）"),
        (AWARD, "tiers", {"一档": 0}, "须大于 0"),
        (AWARD, "tiers", {"一档": 1.5}, "整数"),
        (AWARD, "tiers", {"一档": "10"}, "整数"),
        (AWARD, "tiers", {}, "1 至 20 档"),
        (AWARD, "tiers", {str(number): 1 for number in range(21)}, "1 至 20 档"),
        (AWARD, "tiers", [["一档", 1]], "对象"),
        (AWARD, "tiers", {" 一档": 1}, "首尾不得有空格"),
        (AWARD, "tiers", {"一\n档": 1}, "可见文字"),
        (AWARD, "tiers", {1: 1}, "可见文字"),
        (AWARD, "tiers", {"": 1}, "1 至 40 个字"),
        (AWARD, "tiers", {"档" * 41: 1}, "1 至 40 个字"),
        (CEILING, "ratio", "30.000001", "超过条款规定（30%）"),
        (CEILING, "ratio", "0", "须大于 0"),
        (CEILING, "ratio", 30, "百分数"),
        (MATCHED, "ratio", "100.1", "不得超过 100"),
        (CEILING, "rounding", "up", "之一"),
        (CEILING, "rounding", ["trunc_fen"], "之一"),
        (CEILING, "tax_inclusive", 1, "true 或 false"),
        (CEILING, "pool_fen", 10**15 + 1, "须在 0 与"),
        (CEILING, "pool_fen", True, "整数"),
        (VOUCHER, "voucher_mode", "A", "先领后兑"),
        (MONTHS, "allowance_months", 37, "须在 0 与 36 之间"),
    ],
)
def test_a_value_of_another_type_or_wider_than_the_clause_is_refused(subject, name, given, words):
    assert words in refused(subject, name, given)


def test_awards_a_year_are_a_number_of_sensible_size():
    subject = Subject(AWARD.rule, "reward", frozenset({"AMB-10"}))

    assert read_parameter(subject, "enterprise_year_times", 1000) == 1000
    assert "1000" in refused(subject, "enterprise_year_times", 1001)


def test_a_tier_of_the_clauses_own_name_is_bound_by_its_own_figure():
    amounts = (amount(200), amount(100))
    subject = Subject(rule(BY_LEVEL, facts=(LEVEL, DECIDED), amounts=amounts), "reward")

    assert read_parameter(subject, "tiers", {"national": 200_000_000, "provincial": 100_000_000})
    assert "100万元" in refused(subject, "tiers", {"provincial": 100_000_001})
    assert read_parameter(subject, "tiers", {"第一阶段": 200_000_000})
    assert "200万元" in refused(subject, "tiers", {"第一阶段": 200_000_001})


def test_tiers_of_a_rate_are_percentages_up_to_the_clauses():
    subject = Subject(rule(TIERED_RATE, facts=(COST,), rates=(rate(30, "ceiling"),)), "voucher")

    assert read_parameter(subject, "tiers", {"一档": "30", "二档": "12.5"})["二档"] == Fraction(
        25, 2
    )
    assert "30%" in refused(subject, "tiers", {"一档": "30.1"})
    assert "百分数" in refused(subject, "tiers", {"一档": 30})


def test_tiers_of_a_rate_that_no_clause_bounds_are_percentages():
    free = part("rate", base="cost", must_decide=True, question="AMB-19")

    assert read_parameter(Subject(rule(free), "grant"), "tiers", {"一档": "100"})


def test_a_question_is_settled_once_all_that_answer_it_are_in_force():
    subject = Subject(AWARD.rule, "reward", frozenset({"AMB-10", "AMB-19", "AMB-02"}))

    settled, partly = settled_questions(subject, frozenset({"tiers", "pool_fen"}))

    assert settled == {"AMB-19"}
    assert partly == {"AMB-10": ("pool_fen",), "AMB-02": ()}
    every = frozenset({"pool_fen", "enterprise_year_fen", "enterprise_year_times"})
    assert settled_questions(subject, every)[0] == {"AMB-10"}


def test_a_question_that_a_parameter_only_bears_on_stays_open():
    subject = Subject(CEILING.rule, "grant", frozenset({"AMB-37"}))

    settled, partly = settled_questions(subject, frozenset({"tax_inclusive"}))

    assert (settled, partly) == (frozenset(), {"AMB-37": ("tax_inclusive",)})


@pytest.mark.parametrize(("questions", "names"), [({"AMB-10"}, 2), ({"AMB-19"}, 0)])
def test_a_yearly_control_is_an_enterprises_yuan_and_times(questions: set[str], names: int):
    found = controlling(Subject(AWARD.rule, "reward", frozenset(questions)))

    assert [kind.name for kind in found] == ["enterprise_year_fen", "enterprise_year_times"][:names]
