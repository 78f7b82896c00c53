"""Quotes under parameters: which figure holds, which line says so, what is still open."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.benefits.settled import settle, settled_terms
from caseflow.kernel.errors import InvalidInput, QuoteRefused
from tests.factories.benefits import (
    COST,
    COUNT,
    DECIDED,
    DECIDED_PERCENT,
    GRANTED,
    LEVEL,
    MONTHS,
    OF_COST,
    OTHER,
    WAN,
    amount,
    asked,
    cap,
    fact,
    lines,
    parameter,
    part,
    rate,
    rule,
    under,
)

TIERS = parameter("tiers", {"一档": 80 * WAN, "二档": 50 * WAN})
RATES = parameter("tiers", {"一档": Fraction(30), "二档": Fraction(25, 2)})
UNDECIDED = part("amount", amount=0, decided="decided", must_decide=True, question="AMB-19")
AWARD = rule(UNDECIDED, facts=(DECIDED,), amounts=(amount(100),))
TIERED = rule(
    part("rate", base="cost", rate=0, decided="decided_percent", must_decide=True,
         question="AMB-19"),
    facts=(COST, DECIDED_PERCENT),
    rates=(rate(30, "ceiling"),),
)  # fmt: skip
CEILING = rule(
    part("rate", base="cost", rate=0, decided="decided_percent"),
    facts=(COST, DECIDED_PERCENT),
    rates=(rate(30, "ceiling"),),
)
YEARLY = rule(
    OF_COST,
    facts=(COST, GRANTED),
    rates=(rate(50),),
    amounts=(amount(100),),
    caps=(cap("year", amount=0, less="granted"),),
)


def refusal(wanted, *parameters, **facts):
    with pytest.raises(QuoteRefused) as raised:
        under(wanted, *parameters, **facts)
    return raised.value


def test_a_told_tier_gives_its_figure_and_the_line_names_document_and_day():
    told = under(AWARD, TIERS, tier="二档")

    assert told.amount_fen == 50 * WAN
    assert told.lines[-1].words == "100万元；档次“二档”，启数〔2026〕1号，自2026-06-01起"
    assert told.open == ()


def test_a_table_without_a_tier_or_decision_asks_for_the_tier():
    reasons = refusal(AWARD, TIERS).reasons

    assert "一档、二档" in reasons["tier"]
    assert "启数〔2026〕1号" in reasons["tier"]


def test_a_tier_that_the_table_does_not_have_is_refused():
    with pytest.raises(InvalidInput, match="一档、二档"):
        under(AWARD, TIERS, tier="三档")


def test_without_a_table_there_is_no_tier():
    assert "decided" in refusal(AWARD).reasons
    with pytest.raises(InvalidInput, match="unknown"):
        under(AWARD, tier="一档")


@pytest.mark.parametrize(("decided", "fen"), [(100 * WAN, 100 * WAN), (1, 1)])
def test_a_decided_figure_still_holds_inside_the_clause(decided, fen):
    assert under(AWARD, TIERS, decided=decided).amount_fen == fen


def test_a_decided_figure_one_fen_over_the_clause_is_still_refused():
    assert "100万元" in refusal(AWARD, TIERS, decided=100 * WAN + 1).message


def test_a_decision_does_not_go_over_the_tier_that_is_told():
    assert under(AWARD, TIERS, tier="二档", decided=50 * WAN).amount_fen == 50 * WAN
    assert under(AWARD, TIERS, tier="二档", decided=50 * WAN - 1).amount_fen == 50 * WAN - 1
    assert "二档" in refusal(AWARD, TIERS, tier="二档", decided=50 * WAN + 1).message


def test_a_table_that_a_newer_clause_no_longer_carries_is_refused():
    narrower = replace(AWARD, amounts=(amount(60),))

    assert under(narrower, TIERS, tier="二档").amount_fen == 50 * WAN
    assert "超过条款规定（60万元）" in refusal(narrower, TIERS, tier="一档").message


def test_tiers_of_a_rate_are_percentages_of_the_base():
    told = under(TIERED, RATES, cost=80, tier="二档")

    assert told.amount_fen == 10
    assert told.lines[-1].title == "按 12.5% 计算"


def test_tiers_named_as_the_clauses_levels_need_no_other_fact():
    levels = part("amount", by="level", tiers={"national": 0, "provincial": 1}, must_decide=True)
    wanted = rule(levels, facts=(LEVEL,), amounts=(amount(200), amount(100)))
    table = parameter("tiers", {"provincial": 30 * WAN, "national": 90 * WAN})

    assert under(wanted, table, level="national").amount_fen == 90 * WAN
    assert "tier" not in {each.name for each in settle(wanted, {"tiers": table}).facts}


def test_tiers_that_are_not_all_the_clauses_levels_are_told_apart_from_them():
    levels = part("amount", by="level", tiers={"national": 0, "provincial": 1}, must_decide=True)
    wanted = rule(levels, facts=(LEVEL,), amounts=(amount(200), amount(100)))
    table = parameter("tiers", {"national": 150 * WAN})

    assert under(wanted, table, level="national", tier="national").amount_fen == 150 * WAN
    assert "tier" in refusal(wanted, table, level="provincial").reasons
    over = refusal(wanted, table, level="provincial", tier="national")
    assert "超过条款规定（100万元）" in over.message


def test_a_tier_of_each_item_counts_for_every_item():
    items = part("items", amount=0, count="count", decided="decided", must_decide=True)
    wanted = rule(items, facts=(COUNT, DECIDED), amounts=(amount(100),))

    assert under(wanted, TIERS, count=3, tier="二档").amount_fen == 150 * WAN


def test_a_ratio_is_the_rate_and_nothing_about_it_stays_open():
    told = under(CEILING, parameter("ratio", Fraction(20)), cost=1000)

    assert told.amount_fen == 200
    assert told.lines[-1].words == "30%；比例按启数〔2026〕1号，自2026-06-01起"
    assert asked(told) == []
    assert asked(under(CEILING, cost=1000)) == ["decided_percent"]


def test_a_decided_rate_is_not_above_the_ratio():
    ratio = parameter("ratio", Fraction(20))

    assert under(CEILING, ratio, cost=1000, decided_percent="20").amount_fen == 200
    assert "已确认的标准" in refusal(CEILING, ratio, cost=1000, decided_percent="20.1").message


def test_a_ratio_of_money_received_needs_no_figure_of_the_clause():
    matched = rule(
        part("rate", base="cost", decided="decided_percent", must_decide=True, question="AMB-21"),
        facts=(COST, DECIDED_PERCENT),
    )

    assert under(matched, parameter("ratio", Fraction(50)), cost=1000).amount_fen == 500
    assert "AMB-21" in refusal(matched, cost=1000).message


def test_a_base_without_vat_is_less_by_the_vat_told():
    net = parameter("tax_inclusive", value=False)
    told = under(YEARLY, net, cost=1130, cost_vat_fen=130, granted=0)

    assert told.amount_fen == 500
    assert lines(told, "base") == [("cost", 1130), ("cost.vat", 130)]
    assert "不含增值税" in told.lines[0].title
    assert asked(under(YEARLY, net, cost=1130, granted=0)) == ["cost_vat_fen"]


def test_vat_is_taken_off_before_other_public_money_and_never_below_nothing():
    wanted = rule(replace(OF_COST, less=("other",)), facts=(COST, OTHER), rates=(rate(50),))
    net = parameter("tax_inclusive", value=False)

    assert under(wanted, net, cost=100, cost_vat_fen=60, other=60).amount_fen == 0
    assert under(wanted, net, cost=100, cost_vat_fen=160, other=0).amount_fen == 0
    assert under(wanted, net, cost=100, cost_vat_fen=10, other=10).amount_fen == 40


def test_a_base_with_vat_stays_and_says_so():
    gross = parameter("tax_inclusive", value=True)
    told = under(YEARLY, gross, cost=1130, granted=0)

    assert told.amount_fen == 565
    assert "（含增值税，启数〔2026〕1号，自2026-06-01起）" in told.lines[0].title
    with pytest.raises(InvalidInput, match="unknown"):
        under(YEARLY, gross, cost=1130, cost_vat_fen=130)


def test_a_ceiling_of_the_policys_life_counts_all_that_was_granted_under_the_clause():
    once = parameter("cap_period", "once")
    told = under(YEARLY, once, cost=400 * WAN, granted_in_all_fen=60 * WAN)

    assert told.amount_fen == 40 * WAN
    assert lines(told, "cut") == [("cap.life", 160 * WAN)]
    assert told.lines[-1].title.endswith("（按政策有效期累计，启数〔2026〕1号，自2026-06-01起）")
    with pytest.raises(InvalidInput, match="granted_in_all_fen"):
        under(YEARLY, once, cost=400 * WAN, granted=60 * WAN)


def test_a_ceiling_read_as_yearly_and_settled_as_yearly_counts_as_before():
    told = under(YEARLY, parameter("cap_period", "year"), cost=400 * WAN, granted=60 * WAN)

    assert told.amount_fen == 40 * WAN
    assert lines(told, "cut") == [("cap.year", 160 * WAN)]


def test_a_ceiling_of_a_case_becomes_one_of_a_year():
    single = replace(YEARLY, caps=(cap("case", amount=0, less="granted"),))
    told = under(single, parameter("cap_period", "year"), cost=400 * WAN,
                 granted_this_year_fen=60 * WAN)  # fmt: skip

    assert lines(told, "cut") == [("cap.year", 160 * WAN)]


def test_a_ceiling_whose_words_name_the_year_stays_yearly():
    stated = replace(YEARLY, amounts=(replace(amount(100), period="year"),))
    told = under(stated, parameter("cap_period", "once"), cost=400 * WAN, granted=60 * WAN)

    assert lines(told, "cut") == [("cap.year", 160 * WAN)]


def test_a_fact_that_another_ceiling_still_counts_is_kept():
    both = replace(YEARLY, caps=(*YEARLY.caps, cap("paid", less="granted")))
    told = under(both, parameter("cap_period", "once"), cost=20 * WAN, granted=4 * WAN,
                 granted_in_all_fen=95 * WAN)  # fmt: skip

    assert lines(told, "cut") == [("cap.life", 5 * WAN), ("cap.paid", 4 * WAN)]


def test_an_enterprises_year_is_cut_before_the_pool():
    total, pool = parameter("enterprise_year_fen", 90 * WAN), parameter("pool_fen", 300 * WAN)
    told = under(YEARLY, pool, total, cost=400 * WAN, granted=0,
                 granted_to_enterprise_this_year_fen=10 * WAN,
                 committed_of_pool_fen=230 * WAN)  # fmt: skip

    assert told.amount_fen == 70 * WAN
    assert lines(told, "cut") == [
        ("cap.year", 100 * WAN), ("cap.enterprise_year", 20 * WAN), ("cap.pool", 10 * WAN),
    ]  # fmt: skip
    assert told.lines[-1].words == "启数〔2026〕1号，自2026-06-01起"


@pytest.mark.parametrize(("before", "fen"), [(1, 100 * WAN), (2, 0), (3, 0)])
def test_an_enterprise_is_supported_so_many_times_a_year(before, fen):
    times = parameter("enterprise_year_times", 2)
    told = under(YEARLY, times, cost=400 * WAN, granted=0, awards_to_enterprise_this_year=before)

    assert told.amount_fen == fen


def test_what_was_granted_before_stays_open_where_it_is_not_told():
    assert "committed_of_pool_fen" in asked(under(YEARLY, parameter("pool_fen", 1), cost=1))


@pytest.mark.parametrize(("before", "fen"), [(46_000, 2_000), (47_000, 1_000), (48_000, 0)])
def test_months_settled_bound_the_sum_of_all_periods(before, fen):
    wanted = rule(
        part("months", amount=0, months="months"),
        facts=(MONTHS, GRANTED),
        amounts=(amount("0.002"),),
        caps=(cap("life", amount=0, most=36, less="granted"), cap("paid")),
    )

    told = under(wanted, parameter("allowance_months", 24), months=1, granted=before)

    assert told.amount_fen == fen


def test_how_a_voucher_is_paid_is_told():
    told = under(YEARLY, parameter("voucher_mode", "C"), cost=1000, granted=0)

    assert told.lines[0].title == "兑付方式：即领即用（启数〔2026〕1号，自2026-06-01起）"
    assert told.amount_fen == 500


def test_what_is_settled_comes_before_what_is_asked_for_and_before_the_default():
    rounding = {"rounding": parameter("rounding", "trunc_wan")}

    assert settled_terms(rounding).rounding == "trunc_wan"
    assert settled_terms(rounding, "trunc_wan", "inclusive").day_count == "inclusive"
    assert settled_terms({}, "half_up_fen").rounding == "half_up_fen"
    assert (settled_terms({}).rounding, settled_terms({}).day_count) == ("trunc_fen", "exclusive")
    with pytest.raises(InvalidInput, match="启数〔2026〕1号"):
        settled_terms(rounding, "trunc_fen")


@given(
    cost=st.integers(0, 500 * WAN), tier=st.sampled_from(["一档", "二档"]),
    rates=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    ceilings=st.tuples(*[st.integers(1, 200 * WAN)] * 2),
    before=st.tuples(*[st.integers(0, 200 * WAN)] * 3),
)  # fmt: skip
def test_no_ceiling_is_ever_exceeded_and_the_lines_add_up(cost, tier, rates, ceilings, before):
    table = {name: Fraction(rate, 100) for name, rate in zip(("一档", "二档"), rates, strict=True)}
    wanted = replace(TIERED, amounts=(amount(100),), caps=(cap("year", amount=0, less="granted"),),
                     facts=(*TIERED.facts, GRANTED))  # fmt: skip
    settled = (
        parameter("tiers", table), parameter("cap_period", "once"),
        parameter("enterprise_year_fen", ceilings[0]), parameter("pool_fen", ceilings[1]),
    )  # fmt: skip

    told = under(wanted, *settled, cost=cost, tier=tier, granted_in_all_fen=before[0],
                 granted_to_enterprise_this_year_fen=before[1],
                 committed_of_pool_fen=before[2])  # fmt: skip

    rooms = [max(0, most - less) for most, less in zip((100 * WAN, *ceilings), before, strict=True)]
    assert told.amount_fen == min(int(cost * table[tier] / 100), *rooms)
    awards, cuts = lines(told, "award"), lines(told, "cut")
    assert sum(fen for _, fen in awards) - sum(fen for _, fen in cuts) == told.amount_fen


def test_a_parameter_that_a_clause_has_no_use_for_changes_nothing():
    parameters = {each.name: each for each in (TIERS, parameter("allowance_months", 1))}

    assert settle(YEARLY, parameters) == YEARLY


def test_a_fact_that_the_clause_has_itself_is_not_added_again():
    own = replace(YEARLY, facts=(*YEARLY.facts, fact("committed_of_pool_fen")))

    facts = settle(own, {"pool_fen": parameter("pool_fen", 1)}).facts

    assert [each.name for each in facts].count("committed_of_pool_fen") == 1
