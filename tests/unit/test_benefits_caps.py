import pytest

from caseflow.kernel.benefits.model import MATTER_ON, Line
from caseflow.kernel.errors import CaseflowError, InvalidInput, QuoteRefused
from tests.factories.benefits import (
    COST,
    COUNT,
    GRANTED,
    LEVEL,
    OF_COST,
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


def capped(*caps, facts=(), amounts=()):
    """A rule that gives what is told, so that a cut is seen to the fen."""
    return rule(OF_COST, facts=[COST, *facts], rates=[rate(100)], amounts=amounts, caps=caps)


# --- ceilings


@pytest.mark.parametrize("kind", ["case", "object", "joint", "year", "life"])
@pytest.mark.parametrize(
    ("cost", "expected", "cut"),
    [(0, 0, 0), (50 * WAN - 1, 50 * WAN - 1, 0), (50 * WAN, 50 * WAN, 0),
     (50 * WAN + 1, 50 * WAN, 1), (90 * WAN, 50 * WAN, 40 * WAN)],
)  # fmt: skip
def test_what_goes_over_a_ceiling_is_cut_with_its_words(kind, cost, expected, cut):
    found = told(capped(cap(kind, amount=0), amounts=[amount(50)]), cost=cost)

    assert found.amount_fen == expected
    wanted = Line("cut", f"cap.{kind}", f"[cap {kind}]", cut, "50万元")
    assert [line for line in found.lines if line.kind == "cut"] == ([wanted] if cut else [])


@pytest.mark.parametrize(
    ("granted", "expected"),
    [(0, 50), (20, 30), (49, 1), (50, 0), (51, 0), (10_000, 0)],
)
def test_what_was_granted_before_is_taken_off_the_ceiling(granted, expected):
    wanted = capped(cap("year", amount=0, less="granted"), facts=[GRANTED], amounts=[amount(50)])

    assert fen(wanted, cost=80 * WAN, granted=granted * WAN) == expected * WAN


def test_what_was_granted_before_is_nothing_where_it_is_not_told_and_stays_open():
    wanted = capped(cap("year", amount=0, less="granted"), facts=[GRANTED], amounts=[amount(50)])

    assert (fen(wanted, cost=80 * WAN), asked(told(wanted, cost=1))) == (50 * WAN, ["granted"])


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 50), (2, 100), (3, 120)])
def test_a_ceiling_for_every_object(count, expected):
    wanted = capped(cap("object", amount=0, count="count"), facts=[COUNT], amounts=[amount(50)])

    assert fen(wanted, cost=120 * WAN, count=count) == expected * WAN


def test_a_ceiling_by_the_number_asks_for_it():
    optional = fact("count", "integer", "count", optional=True)
    wanted = capped(cap("object", amount=0, count="count"), facts=[optional], amounts=[amount(50)])

    with pytest.raises(QuoteRefused, match=r"须填写\[count\]"):
        told(wanted, cost=1)


@pytest.mark.parametrize(("granted", "expected"), [(0, 1080), (1050, 30), (1080, 0)])
def test_a_ceiling_of_36_months_that_the_clause_itself_counts(granted, expected):
    wanted = capped(cap("life", amount=0, most=36, less="granted"), facts=[GRANTED],
                    amounts=[amount("0.3")])  # fmt: skip

    assert fen(wanted, cost=2000 * 10_000, granted=granted * 10_000) == expected * 10_000


@pytest.mark.parametrize(("level", "expected"), [("national", 100), ("provincial", 50)])
def test_a_ceiling_by_tier(level, expected):
    tiers = {"national": 0, "provincial": 1}
    wanted = capped(cap("case", by="level", tiers=tiers), facts=[LEVEL],
                    amounts=[amount(100), amount(50)])  # fmt: skip

    assert fen(wanted, cost=200 * WAN, level=level) == expected * WAN


def test_ceilings_cut_in_their_order_and_each_only_what_is_left():
    caps = [cap("case", amount=0), cap("year", amount=1, less="granted"), cap("life", amount=2)]
    wanted = capped(*caps, facts=[GRANTED], amounts=[amount(100), amount(200), amount(30)])
    found = told(wanted, cost=150 * WAN, granted=120 * WAN)

    cuts = [("cap.case", 50 * WAN), ("cap.year", 20 * WAN), ("cap.life", 50 * WAN)]
    assert (found.amount_fen, lines(found, "cut")) == (30 * WAN, cuts)


# --- times, and the difference


@pytest.mark.parametrize(("counted", "expected"), [(0, 50), (3, 50), (4, 0), (5, 0)])
def test_the_fifth_product_of_a_year_gives_nothing(counted, expected):
    products = fact("products", "integer", "prior")
    wanted = rule(part("amount", amount=0), facts=[products], amounts=[amount(50, "fixed")],
                  caps=[cap("times", most=4, counted="products")])  # fmt: skip
    found = told(wanted, products=counted)

    assert found.amount_fen == expected * WAN
    assert lines(found, "cut") == ([] if expected else [("cap.times", 50 * WAN)])


def test_awards_not_counted_are_none_and_stay_open():
    products = fact("products", "integer", "prior")
    wanted = capped(cap("times", most=1, counted="products"), facts=[products])

    assert (fen(wanted, cost=9), asked(told(wanted, cost=9))) == (9, ["products"])


@pytest.mark.parametrize(("granted", "expected"), [(0, 50), (10, 40), (50, 0), (60, 0)])
def test_an_award_after_a_lower_one_is_the_difference(granted, expected):
    wanted = rule(part("amount", amount=0), facts=[GRANTED], amounts=[amount(50, "fixed")],
                  caps=[cap("paid", less="granted")])  # fmt: skip
    found = told(wanted, granted=granted * WAN)

    assert found.amount_fen == expected * WAN
    cut = min(granted, 50) * WAN
    assert lines(found, "cut") == ([("cap.paid", cut)] if cut else [])


# --- conditions


def conditional(*facts):
    return rule(part("amount", amount=0), facts=facts, amounts=[amount(1, "fixed")])


FIRST = fact("first", "boolean", "condition", words="首次认定")
NEW = fact("new", "boolean", "condition")


def refused(wanted, **facts):
    with pytest.raises(QuoteRefused) as refusal:
        told(wanted, **facts)
    return refusal.value


def test_a_condition_that_is_met_leaves_nothing_open():
    found = told(conditional(FIRST), first=True)

    assert (found.amount_fen, found.open) == (WAN, ())


def test_a_condition_not_told_stays_open_with_its_words():
    found = told(conditional(FIRST, NEW))

    assert [each.text for each in found.open] == ["待核实：首次认定", "待核实：[new]"]


def test_a_condition_that_is_not_met_is_refused_with_its_words():
    refusal = refused(conditional(FIRST), first=False)

    assert refusal.reasons == {"first": "不符合条件“首次认定”"}
    assert refusal.message == "不能计算：不符合条件“首次认定”。"


def test_all_conditions_not_met_are_told_together():
    refusal = refused(conditional(FIRST, NEW), first=False, new=False)

    assert [*refusal.reasons] == ["first", "new"]
    assert refusal.message == "不能计算：不符合条件“首次认定”；不符合条件“[new]”。"


def test_all_facts_lacking_are_told_together_before_any_condition():
    wanted = capped(facts=[COUNT, FIRST])
    refusal = refused(wanted, first=False)

    assert refusal.reasons == {"cost": "须填写[cost]（cost）", "count": "须填写[count]（count）"}


@pytest.mark.parametrize(
    ("type_", "must", "met", "unmet"),
    [
        ("fen", {"at_least": 500}, [500, 501], [0, 499]),
        ("fen", {"more_than": 500}, [501], [499, 500]),
        ("integer", {"at_most": 36}, [0, 35, 36], [37]),
        ("integer", {"less_than": 36}, [35], [36]),
        ("integer", {"at_least": 2, "at_most": 4}, [2, 3, 4], [1, 5]),
        ("integer", {"equals": 1}, [1], [0, 2]),
        ("integer", {"one_of": [1, 3]}, [1, 3], [0, 2]),
        ("percent", {"at_least": "12.5"}, ["12.5", "100"], ["12.499999", "0"]),
        ("percent", {"more_than": 30}, ["30.000001"], ["30"]),
        ("date", {"at_least": "2026-05-14"}, ["2026-05-14"], ["2026-05-13", "2025-12-31"]),
        ("choice", {"equals": "3D"}, ["3D"], ["2D"]),
        ("choice", {"one_of": ["3D", "4D"]}, ["3D"], ["2D"]),
        ("boolean", {"is": False}, [False], [True]),
    ],
)
def test_a_bound_holds_at_its_limit_and_not_beside_it(type_, must, met, unmet):
    bounded = fact("it", type_, "date", must=must, choices=("2D", "3D", "4D"), words="门槛")
    wanted = conditional(bounded)

    for value in met:
        assert fen(wanted, it=value) == WAN
    for value in unmet:
        assert refused(wanted, it=value).reasons == {"it": "不符合条件“门槛”"}
    assert asked(told(wanted)) == ["it"]


def test_a_condition_is_met_by_true_and_by_no_number():
    number = fact("number", "integer", "condition")

    assert [*refused(conditional(number), number=1).reasons] == ["number"]


EITHER = (
    fact("turnover", must={"at_least": 500}, any="scale", words="营业收入"),
    fact("export", "boolean", "condition", any="scale", words="首次出口"),
)


@pytest.mark.parametrize(
    "facts",
    [{"turnover": 500}, {"export": True}, {"turnover": 0, "export": True},
     {"turnover": 500, "export": False}],
)  # fmt: skip
def test_of_a_group_one_suffices(facts):
    found = told(conditional(*EITHER), **facts)

    assert (found.amount_fen, found.open) == (WAN, ())


@pytest.mark.parametrize("facts", [{}, {"turnover": 499}, {"export": False}])
def test_a_group_stays_open_while_one_is_not_told(facts):
    found = told(conditional(*EITHER), **facts)

    assert [(each.id, each.text) for each in found.open] == [
        ("scale", "待核实：营业收入，或首次出口")
    ]


def test_a_group_of_which_none_is_met_is_refused():
    refusal = refused(conditional(*EITHER), turnover=499, export=False)

    assert refusal.reasons == {"scale": "不符合条件“营业收入，或首次出口”"}


def test_a_group_may_bear_the_name_of_another_fact():
    scale = fact("scale", "boolean", "condition")

    assert [*refused(conditional(*EITHER, scale), scale=False, export=True).reasons] == ["scale"]


def test_two_bad_facts_are_told_together_and_nothing_is_computed():
    matter = fact(MATTER_ON, "date", "date")
    with pytest.raises(InvalidInput) as error:
        told(conditional(FIRST, matter), first="yes", matter_on="tomorrow", more=1)

    assert [*error.value.fields] == ["more", "first", MATTER_ON]


def test_a_refusal_keeps_its_reasons_for_programs_too():
    refusal = QuoteRefused("不能计算。", reasons={"amount": "没有写明"})

    assert isinstance(refusal, CaseflowError)
    assert str(refusal) == refusal.message == "不能计算。"
    assert refusal.details == {"reasons": refusal.reasons} == {"reasons": {"amount": "没有写明"}}
