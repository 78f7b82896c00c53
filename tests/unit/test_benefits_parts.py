import pytest

from caseflow.kernel.benefits.model import Line, Quote
from caseflow.kernel.benefits.quoting import quote
from caseflow.kernel.errors import InvalidInput, QuoteRefused
from caseflow.kernel.money import MOST_FEN
from tests.factories.benefits import (
    COST,
    COUNT,
    DECIDED,
    DECIDED_PERCENT,
    LEVEL,
    MONTHS,
    OF_COST,
    OTHER,
    WAN,
    amount,
    asked,
    cap,
    fact,
    fen,
    lines,
    part,
    rate,
    rule,
    told,
)

FIXED = rule(OF_COST, facts=[COST], rates=[rate(50)])
EVENT = part("rate", base="cost", less=("other",), rate=0)


def refused(wanted, **facts):
    with pytest.raises(QuoteRefused) as refusal:
        told(wanted, **facts)
    ((name, text),) = refusal.value.reasons.items()
    assert text in refusal.value.message
    return name, text


# --- a rate of a base


def test_a_rate_of_a_base_is_a_base_and_an_award_with_the_words_of_its_figure():
    assert told(FIXED, cost=200 * WAN) == Quote(
        100 * WAN,
        (
            Line("base", "cost", "[rate]", 200 * WAN),
            Line("award", "rate", "按 50% 计算", 100 * WAN, "50%"),
        ),
        (),
    )


@pytest.mark.parametrize(("cost", "expected"), [(0, 0), (1, 0), (2, 1), (3, 1), (MOST_FEN, 5e14)])
def test_less_than_a_fen_is_left_off(cost, expected):
    assert fen(FIXED, cost=cost) == expected


def test_an_award_of_nothing_leaves_no_line():
    assert lines(told(FIXED, cost=0), "award") == []
    assert lines(told(FIXED, cost=0), "base") == [("cost", 0)]


def test_terms_need_not_be_told():
    assert quote(FIXED, {"cost": 3}).amount_fen == 1


def test_a_call_rounds_as_it_says():
    assert told(FIXED, rounding="half_up_fen", cost=3).amount_fen == 2
    assert told(FIXED, rounding="trunc_yuan", cost=399).amount_fen == 100


@pytest.mark.parametrize(("percent", "shown"), [(12.5, "12.5"), (100, "100"), (0.5, "0.5")])
def test_a_rate_is_shown_as_it_is(percent, shown):
    wanted = rule(OF_COST, facts=[COST], rates=[rate(percent)])

    assert told(wanted, cost=1000).lines[1].title == f"按 {shown}% 计算"


def test_nantong_gives_30_percent_of_an_event_less_other_public_money():
    nantong = rule(EVENT, facts=[COST, OTHER], rates=[rate(30)], caps=[cap("case", amount=0)],
                   amounts=[amount(50)])  # fmt: skip
    found = told(nantong, cost=90 * WAN, other=10 * WAN)

    assert found.amount_fen == 24 * WAN
    assert lines(found, "base") == [("cost", 90 * WAN), ("cost.less", 10 * WAN)]


def test_qidong_gives_20_percent_of_an_event_less_other_public_money():
    qidong = rule(EVENT, facts=[COST, OTHER], rates=[rate(20, "ceiling")])

    assert fen(qidong, cost=90 * WAN, other=10 * WAN) == 16 * WAN


@pytest.mark.parametrize(("other", "expected"), [(99, 1), (100, 0), (101, 0), (10**12, 0)])
def test_other_public_money_takes_no_more_than_the_base(other, expected):
    wanted = rule(EVENT, facts=[COST, OTHER], rates=[rate(100)])

    assert fen(wanted, cost=100, other=other) == expected


def test_other_public_money_not_told_is_nothing_and_stays_open():
    found = told(rule(EVENT, facts=[COST, OTHER], rates=[rate(100)]), cost=100)

    assert found.amount_fen == 100
    assert [(each.id, each.text) for each in found.open] == [("other", "[other]未提供，按0计")]


def test_an_optional_base_that_a_part_needs_is_asked_for():
    wanted = rule(OF_COST, facts=[fact("cost", role="base", optional=True)], rates=[rate(50)])

    assert refused(wanted) == ("cost", "须填写[cost]（cost）")


# --- a rate that is decided


UP_TO = rule(part("rate", base="cost", rate=0, decided="decided_percent"),
             facts=[COST, DECIDED_PERCENT], rates=[rate(20, "ceiling")])  # fmt: skip


@pytest.mark.parametrize(("decided", "expected"), [("0", 0), ("19.99", 1999), ("20", 2000)])
def test_a_rate_up_to_a_ceiling_is_the_one_decided(decided, expected):
    found = told(UP_TO, cost=10_000, decided_percent=decided)

    assert (found.amount_fen, found.open) == (expected, ())


def test_a_decided_rate_over_the_ceiling_is_refused():
    reason = refused(UP_TO, cost=10_000, decided_percent="20.000001")

    assert reason == ("decided_percent", "核定数超过条款规定（20%）")


def test_until_it_is_decided_the_ceiling_stands_and_the_quote_says_so():
    found = told(UP_TO, cost=10_000)

    assert (found.amount_fen, asked(found)) == (2000, ["decided_percent"])
    assert found.open[0].text == "按上限比例计算，实际比例由责任单位核定（20%）"


def test_a_ceiling_that_nobody_decides_is_open_too():
    found = told(rule(OF_COST, facts=[COST], rates=[rate(20, "ceiling")]), cost=100)

    assert asked(found) == ["rate"]


def test_a_fixed_rate_is_neither_raised_nor_lowered():
    wanted = rule(*UP_TO.parts, facts=UP_TO.facts, rates=[rate(50)])

    assert fen(wanted, cost=100, decided_percent="50") == 50
    assert refused(wanted, cost=100, decided_percent="49.9")[1].startswith("条款规定的是固定数")
    assert refused(wanted, cost=100, decided_percent="50.1")[1].startswith("核定数超过条款规定")


WITHOUT_RATE = part("rate", base="cost", decided="decided_percent", question="AMB-21")


def test_without_a_rate_in_the_clause_the_bureau_must_decide():
    wanted = rule(WITHOUT_RATE, facts=[COST, DECIDED_PERCENT])

    name, text = refused(wanted, cost=100)
    assert (name, text) == (
        "decided_percent",
        "[rate]：条款没有写明，须由责任单位录入并附依据（AMB-21）",
    )
    assert told(wanted, cost=100, decided_percent="37.5").lines[1].words == ""
    assert fen(wanted, cost=1000, decided_percent="37.5") == 375


def test_a_rate_in_tiers_not_written_must_be_decided_within_the_highest():
    tiered = part("rate", base="cost", rate=0, decided="decided_percent", must_decide=True)
    wanted = rule(tiered, facts=[COST, DECIDED_PERCENT], rates=[rate(50)])

    assert refused(wanted, cost=100) == (
        "decided_percent",
        "[rate]：条款没有写明，须由责任单位录入并附依据",
    )
    assert fen(wanted, cost=100, decided_percent="30") == 30
    assert refused(wanted, cost=100, decided_percent="51")[0] == "decided_percent"


def test_a_part_without_rate_and_decision_refuses_under_its_kind():
    assert refused(rule(part("rate", base="cost"), facts=[COST]), cost=1)[0] == "rate"


# --- an amount


def test_a_fixed_amount_stands_as_it_is():
    found = told(rule(part("amount", amount=0), amounts=[amount(50, "fixed")]))

    assert found == Quote(50 * WAN, (Line("award", "amount", "[amount]", 50 * WAN, "50万元"),), ())


@pytest.mark.parametrize(("level", "expected"), [("national", 100), ("provincial", 50)])
def test_an_amount_by_tier(level, expected):
    tiers = {"national": 0, "provincial": 1}
    wanted = rule(part("amount", by="level", tiers=tiers), facts=[LEVEL],
                  amounts=[amount(100, "fixed"), amount(50, "fixed")])  # fmt: skip

    assert fen(wanted, level=level) == expected * WAN


def test_an_optional_tier_that_an_amount_needs_is_asked_for():
    level = fact("level", "choice", "tier", choices=("national",), optional=True)
    wanted = rule(
        part("amount", by="level", tiers={"national": 0}), facts=[level], amounts=[amount(1)]
    )

    assert refused(wanted) == ("level", "须填写[level]（level）")


CEILING = rule(part("amount", amount=0, decided="decided"), facts=[DECIDED], amounts=[amount(50)])


@pytest.mark.parametrize("decided", [0, 1, 50 * WAN - 1, 50 * WAN])
def test_of_a_ceiling_what_was_decided(decided):
    found = told(CEILING, decided=decided)

    assert (found.amount_fen, found.open) == (decided, ())


def test_a_decision_one_fen_over_the_ceiling_is_refused():
    reason = refused(CEILING, decided=50 * WAN + 1)

    assert reason == ("decided", "核定数超过条款规定（50万元）")


def test_until_it_is_decided_an_amount_is_its_ceiling_and_the_quote_says_so():
    found = told(CEILING)

    assert (found.amount_fen, asked(found)) == (50 * WAN, ["decided"])
    assert found.open[0].text == "按上限金额计算，实际金额由责任单位核定（50万元）"


def test_two_ceilings_that_nobody_decides_are_both_open():
    wanted = rule(
        part("amount", amount=0), part("amount", amount=1), amounts=[amount(5), amount(7)]
    )
    found = told(wanted)

    assert asked(found) == ["amount", "amount"]
    assert len({each.text for each in found.open}) == 2


def test_a_fixed_amount_is_neither_raised_nor_lowered():
    wanted = rule(*CEILING.parts, facts=CEILING.facts, amounts=[amount(50, "fixed")])

    assert fen(wanted) == fen(wanted, decided=50 * WAN) == 50 * WAN
    assert refused(wanted, decided=50 * WAN - 1)[1].startswith("条款规定的是固定数，不得核减")
    assert refused(wanted, decided=50 * WAN + 1)[1].startswith("核定数超过条款规定")


def test_an_amount_in_tiers_not_written_must_be_decided():
    tiered = part("amount", amount=0, decided="decided", must_decide=True, question="AMB-19")
    wanted = rule(tiered, facts=[DECIDED], amounts=[amount(50)])

    assert refused(wanted) == (
        "decided",
        "[amount]：条款没有写明，须由责任单位录入并附依据（AMB-19）",
    )
    assert fen(wanted, decided=20 * WAN) == 20 * WAN


def test_an_amount_nobody_can_decide_refuses_under_its_kind():
    wanted = rule(part("amount", amount=0, must_decide=True), amounts=[amount(50)])

    assert refused(wanted)[0] == "amount"


# --- a range


TEAM = rule(part("range", tiers={"range": (0, 1)}, decided="decided"), facts=[DECIDED],
            amounts=[amount(100, "range"), amount(300, "range")])  # fmt: skip


@pytest.mark.parametrize("decided", [100 * WAN, 100 * WAN + 1, 300 * WAN - 1, 300 * WAN])
def test_a_decided_amount_inside_the_range(decided):
    assert fen(TEAM, decided=decided) == decided


@pytest.mark.parametrize("decided", [0, 100 * WAN - 1, 300 * WAN + 1])
def test_a_decided_amount_outside_the_range_is_refused(decided):
    assert refused(TEAM, decided=decided) == ("decided", "核定金额不在条款规定的幅度内（100万元）")


def test_of_a_range_nothing_is_told_before_it_is_decided():
    assert refused(TEAM)[0] == "decided"


def test_a_range_by_tier():
    tiers = {"national": (0, 1), "provincial": (2, 3)}
    wanted = rule(part("range", by="level", tiers=tiers, decided="decided"), facts=[LEVEL, DECIDED],
                  amounts=[amount(each, "range") for each in (100, 300, 30, 100)])  # fmt: skip

    assert fen(wanted, level="provincial", decided=30 * WAN) == 30 * WAN
    assert refused(wanted, level="national", decided=30 * WAN)[0] == "decided"


# --- items and months


ITEMS = part("items", amount=1, count="count")


@pytest.mark.parametrize(("count", "expected"), [(0, 50), (1, 80), (5, 200), (6, 200), (99, 200)])
def test_wuxi_adds_30_for_every_enterprise_to_50_up_to_200_together(count, expected):
    wanted = rule(part("amount", amount=0), ITEMS, facts=[COUNT],
                  amounts=[amount(50, "fixed"), amount(30), amount(200)],
                  caps=[cap("joint", amount=2)])  # fmt: skip

    assert fen(wanted, count=count) == expected * WAN


def test_items_are_counted_each_with_what_was_decided():
    wanted = rule(part("items", amount=0, count="count", decided="decided"),
                  facts=[COUNT, DECIDED], amounts=[amount(30)])  # fmt: skip
    found = told(wanted, count=3, decided=20 * WAN)

    assert lines(found, "award") == [("items", 60 * WAN)]
    assert found.lines[0].title == "[items] × 3"


@pytest.mark.parametrize(
    ("level", "months", "yuan"),
    [("national", 36, 108_000), ("provincial", 36, 72_000), ("national", 1, 3000),
     ("provincial", 0, 0)],
)  # fmt: skip
def test_an_allowance_by_the_month(level, months, yuan):
    tiers = {"national": 0, "provincial": 1}
    wanted = rule(part("months", by="level", tiers=tiers, months="months"), facts=[LEVEL, MONTHS],
                  amounts=[amount(0.3, "fixed"), amount(0.2, "fixed")])  # fmt: skip

    assert fen(wanted, level=level, months=months) == yuan * 100


@pytest.mark.parametrize(
    ("months", "expected"), [(12, 8 * WAN), (120, 80 * WAN), (5, 3_333_333), (1, 666_666), (0, 0)]
)
def test_a_yearly_amount_counts_by_the_month(months, expected):
    wanted = rule(part("months", amount=0, months="months", months_each=12), facts=[MONTHS],
                  amounts=[amount(8, "fixed")])  # fmt: skip

    assert fen(wanted, months=months) == expected


@pytest.mark.parametrize(
    "wanted",
    [
        rule(part("items", amount=0, count="n"), amounts=[amount(1)],
             facts=[fact("n", "integer", "count", optional=True)]),
        rule(part("months", amount=0, months="n"), amounts=[amount(1)],
             facts=[fact("n", "integer", "months", optional=True)]),
    ],
)  # fmt: skip
def test_an_optional_number_that_a_part_needs_is_asked_for(wanted):
    assert refused(wanted) == ("n", "须填写[n]（n）")


# --- a fee


FEE = rule(part("fee", rate=0, decided="decided_percent"), facts=[DECIDED_PERCENT],
           rates=[rate(1, "ceiling")])  # fmt: skip


@pytest.mark.parametrize("charged", ["0", "0.999999", "1"])
def test_a_fee_within_the_ceiling_pays_the_applicant_nothing(charged):
    found = told(FEE, decided_percent=charged)

    assert found.amount_fen == 0
    title = f"费率 {charged}%，不高于条款上限；不向企业拨付"
    assert found.lines == (Line("base", "fee", title, 0, "1%"),)


def test_a_fee_over_the_ceiling_is_refused():
    reason = refused(FEE, decided_percent="1.000001")

    assert reason == ("decided_percent", "费率 1.000001% 高于条款上限（1%）")


def test_a_fee_must_be_told():
    assert refused(FEE)[0] == "decided_percent"


# --- beyond all measure


def test_a_sum_beyond_all_measure_is_refused():
    wanted = rule(
        part("items", amount=0, count="count"), facts=[COUNT], amounts=[amount(100_000, "fixed")]
    )

    assert fen(wanted, count=10_000) == MOST_FEN
    with pytest.raises(InvalidInput, match=f"金额超出 {MOST_FEN} 分"):
        told(wanted, count=10_001)
