"""Short pools: nobody over what was wanted, never over the pool, every cut with its reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.pools import RULES, Claim, divide

MORNING = datetime(2026, 11, 6, 1, tzinfo=UTC)


def claim(number: int, fen: int, *, minute: int | None = None, rank: int | None = None) -> Claim:
    return Claim(
        key=f"C{number}",
        fen=fen,
        submitted_at=MORNING + timedelta(minutes=number if minute is None else minute),
        rank=rank,
    )


def shares(rule: str, pool: int, *claims: Claim) -> list[int]:
    return [each.fen for each in divide(rule, claims, pool)]


@st.composite
def wanted(draw: st.DrawFn) -> tuple[list[Claim], int]:
    sums = draw(st.lists(st.integers(0, 10**12), min_size=1, max_size=12))
    ranks = draw(st.permutations(range(1, len(sums) + 1)))
    minutes = draw(st.lists(st.integers(0, 5), min_size=len(sums), max_size=len(sums)))
    claims = [claim(n, fen, minute=minutes[n], rank=ranks[n]) for n, fen in enumerate(sums)]
    return claims, draw(st.integers(0, sum(sums) + 1))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("over", [0, 1])
def test_a_pool_that_is_enough_cuts_nobody(rule: str, over: int):
    claims = [claim(1, 70, rank=2), claim(2, 30, rank=1)]

    found = divide(rule, claims, 100 + over)

    assert [(each.fen, each.reason, each.waits) for each in found] == [
        (70, "", False),
        (30, "", False),
    ]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [(99, [70, 29]), (50, [35, 15]), (1, [1, 0]), (0, [0, 0]), (10, [7, 3])],
)
def test_a_proportional_cut_adds_up_to_the_pool(pool: int, expected: list[int]):
    found = shares("proportional", pool, claim(1, 70), claim(2, 30))

    assert sum(found) == pool
    assert found in (expected, [expected[0] - 1, expected[1] + 1])


def test_of_equal_rests_the_first_to_submit_gets_the_fen():
    assert shares("proportional", 1, claim(2, 5, minute=9), claim(1, 5, minute=8)) == [0, 1]
    assert shares("proportional", 1, claim(2, 5, minute=8), claim(1, 5, minute=8)) == [0, 1]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("rank", [20, 50, 30, 0]),
        ("rank_whole", [0, 50, 30, 0]),
        ("first_come", [60, 40, 0, 0]),
        ("first_come_whole", [60, 0, 0, 0]),
        ("carry_over", [60, 0, 0, 0]),
    ],
)
def test_who_comes_first_is_served_first_and_nobody_jumps_the_queue(rule: str, expected: list[int]):
    claims = [claim(1, 60, rank=3), claim(2, 50, rank=1), claim(3, 30, rank=2), claim(4, 5, rank=4)]

    assert shares(rule, 100, *claims) == expected


def test_a_cut_says_the_rule_the_pool_and_what_was_wanted():
    cut, none = divide("rank", [claim(1, 60, rank=1), claim(2, 50, rank=2)], 40)
    (waiting,) = divide("carry_over", [claim(1, 60)], 40)

    assert cut.reason == (
        "资金池 0.40 元 不足，按名次安排，末位取余额：应安排 0.60 元，安排 0.40 元。"
    )
    assert none.reason.endswith("应安排 0.50 元，不予安排。")
    assert (none.cut_fen, none.waits) == (50, False)
    assert waiting.waits
    assert waiting.reason.endswith("结转下年安排。")


@pytest.mark.parametrize(
    ("rule", "claims", "pool", "words"),
    [
        ("lottery", [claim(1, 1)], 1, "没有资金不足"),
        ("proportional", [claim(1, 1), claim(1, 1)], 1, "两次"),
        ("proportional", [replace(claim(1, 1), fen=1.0)], 1, "整数"),
        ("proportional", [claim(1, -1)], 1, "整数"),
        ("proportional", [claim(1, 1)], -1, "整数"),
        ("proportional", [claim(1, 1)], True, "整数"),
        ("proportional", [claim(1, 1)], MOST_FEN + 1, "整数"),
        ("rank", [claim(1, 2, rank=1), claim(2, 2)], 1, "尚无名次：C2"),
        ("rank_whole", [claim(1, 2, rank=1), claim(2, 2, rank=1)], 1, "名次相同"),
    ],
)
def test_what_cannot_be_divided_is_refused(rule, claims, pool, words):
    with pytest.raises(InvalidInput, match=words):
        divide(rule, claims, pool)


@given(wanted(), st.sampled_from(RULES))
def test_nobody_gets_more_than_wanted_and_all_together_no_more_than_the_pool(case, rule):
    claims, pool = case

    found = divide(rule, claims, pool)

    assert all(0 <= each.fen <= each.wanted_fen for each in found)
    assert sum(each.fen for each in found) <= pool
    assert all(bool(each.reason) == (each.cut_fen > 0) for each in found)


@given(wanted(), st.sampled_from(["proportional", "rank", "first_come"]))
def test_a_pool_is_used_up_where_a_part_may_be_given(case, rule):
    claims, pool = case

    found = divide(rule, claims, pool)

    assert sum(each.fen for each in found) == min(pool, sum(each.fen for each in claims))


@given(wanted())
def test_a_proportional_part_is_the_exact_one_to_the_fen_and_grows_with_what_is_wanted(case):
    claims, pool = case
    total = sum(each.fen for each in claims)

    found = divide("proportional", claims, pool)

    for each in found:
        exact = Fraction(each.wanted_fen * min(pool, total), max(total, 1))
        assert abs(each.fen - exact) < 1
    for more in found:
        for less in found:
            assert more.fen >= less.fen or more.wanted_fen <= less.wanted_fen


@given(wanted(), st.sampled_from(RULES), st.randoms())
def test_the_order_in_which_cases_are_listed_changes_nothing(case, rule, source):
    claims, pool = case
    mixed = source.sample(claims, len(claims))

    found = {each.key: each for each in divide(rule, mixed, pool)}

    assert found == {each.key: each for each in divide(rule, claims, pool)}


@given(wanted(), st.sampled_from(["rank", "rank_whole", "first_come", "first_come_whole"]))
def test_a_larger_pool_takes_nothing_from_anybody_who_is_served_in_turn(case, rule):
    claims, pool = case

    smaller, larger = divide(rule, claims, pool), divide(rule, claims, pool + 1)

    assert all(less.fen <= more.fen for less, more in zip(smaller, larger, strict=True))
