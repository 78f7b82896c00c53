"""Sheets: weighted, averaged exactly, trimmed from five on, and an alarm beyond two sigmas."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.scoring import (
    CUSTOMARY,
    Criterion,
    Panel,
    Terms,
    alarms,
    criteria_of,
    left_out,
    mean_of,
    refuse_short,
    terms_data,
    terms_of,
    told,
    total_of,
)
from caseflow.kernel.workflow.effects import PANEL, apply, panel_facts
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Branch, Step

TWO = (Criterion("a", "甲", 60), Criterion("b", "乙", 40))
TERMS = Terms(TWO, trimmed=True, least_opinion=4)
SCORES = {"a": 80, "b": 70}


def test_a_sheet_adds_up_by_its_weights_in_hundredths():
    assert total_of(SCORES, TWO) == 7600
    assert sum(each.weight for each in CUSTOMARY) == 100


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({"a": 80}, "“乙”未评分"),
        ({"a": 80, "b": 1, "c": 1}, "没有这一项"),
        ({"a": 101, "b": 1}, "0 与 100"),
        ({"a": -1, "b": 1}, "0 与 100"),
    ],
)
def test_a_sheet_has_every_criterion_and_nothing_else(scores: dict[str, int], words: str):
    with pytest.raises(InvalidInput, match=words):
        total_of(scores, TWO)


@pytest.mark.parametrize("points", [0, 100])
def test_nothing_and_a_hundred_are_points(points: int):
    assert total_of({"a": points, "b": points}, TWO) == points * 100


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"code": "a", "title": "甲", "weight": 99}],
        [{"code": "a", "title": "甲", "weight": 50}] * 2,
        [{"code": "a", "title": "甲", "weight": 100}, {"code": "b", "title": "乙", "weight": 0}],
    ],
)
def test_weights_are_positive_and_add_up_to_a_hundred(data):
    with pytest.raises(InvalidInput, match="评分指标"):
        criteria_of(data)


def test_terms_come_back_as_they_were_written():
    assert terms_of(terms_data(TERMS)) == TERMS


@pytest.mark.parametrize(
    ("totals", "trimmed", "mean"),
    [
        ([], True, Fraction(0)),
        ([1000, 2000, 2000], False, Fraction(50, 3)),
        ([0, 5000, 5000, 5000], True, Fraction(75, 2)),
        ([0, 5000, 5000, 5000, 10000], True, Fraction(50)),
        ([0, 5000, 5000, 5000, 10000], False, Fraction(50)),
        ([0, 6000, 6000, 6000, 6000], True, Fraction(60)),
    ],
)
def test_the_mean_is_exact_and_is_trimmed_from_five_sheets_on(totals, trimmed, mean):
    assert mean_of(totals, trimmed=trimmed) == mean


def test_who_is_beyond_two_sigmas_is_told_and_who_is_at_two_is_not():
    beyond = dict.fromkeys(range(6), 9000) | {6: 4000}
    at_two = dict.fromkeys(range(4), 9000) | {4: 4000}

    assert alarms(beyond) == {6}
    assert alarms(at_two) == frozenset()
    assert alarms({}) == frozenset()


def test_an_opinion_has_the_least_number_of_characters_blanks_at_its_ends_aside():
    refuse_short(" 四个字了 ", 4)

    with pytest.raises(InvalidInput, match="不少于 4 字，现为 3 字"):
        refuse_short(" 三个字 ", 4)


def test_points_are_told_half_up():
    assert [told(Fraction(n, 200)) for n in (1, 2, 3)] == ["0.01", "0.01", "0.02"]


def panel(asker: int, **totals: int) -> Panel:
    given = {int(key[1:]): total for key, total in totals.items()}
    return Panel(3, TERMS, frozenset({1, 2, 3}), given, asker)


def test_a_panel_takes_one_sheet_from_each_who_sits_in_it():
    after = panel(1, p2=5000).scored(SCORES, "同意支持")

    assert (after.waiting, after.mean) == (1, Fraction(63))
    for other in (after, panel(4)):
        with pytest.raises(NotAllowed):
            other.scored(SCORES, "同意支持")


def test_who_leaves_makes_a_place_vacant_and_who_has_scored_does_not_leave():
    left = panel(1, p2=5000).left()

    assert (left.seated, left.waiting) == (frozenset({2, 3}), 2)
    with pytest.raises(NotAllowed, match="只评一次"):
        panel(2, p2=5000).left()


def move(effect: str, **payload) -> Move:
    step = Step("e", "s", "t", (Branch("s"),), ("experts",), effects=(effect,))
    return Move(step, "s", "s", payload)


def test_the_effects_count_down_the_sheets_and_cut_the_score_to_whole_points():
    facts = {PANEL: panel(3, p1=6000, p2=5999), **panel_facts(panel(3, p1=6000, p2=5999))}

    scored = apply(move("score_case", scores={"a": 60, "b": 60}, note="同意支持"), facts)
    left = apply(move("decline_review"), facts)

    assert (facts["sheets_waiting"], scored["sheets_waiting"]) == (1, 0)
    assert scored["panel_score"] == 59
    assert left["sheets_waiting"] == 1


def test_without_a_panel_nobody_scores():
    with pytest.raises(NotAllowed, match="没有抽取专家组"):
        apply(move("score_case", scores=SCORES, note="同意支持"), {})


@given(st.dictionaries(st.integers(1, 30), st.integers(0, 10_000), max_size=12), st.booleans())
def test_whoever_is_left_out_is_what_the_mean_does_not_count(totals, trimmed):
    out = left_out(totals, trimmed=trimmed)
    kept = [total for key, total in totals.items() if key not in out]

    assert len(out) == (2 if trimmed and len(totals) >= 5 else 0)
    assert mean_of(kept, trimmed=False) == mean_of(list(totals.values()), trimmed=trimmed)


def test_of_equal_sheets_that_of_the_lowest_id_is_left_out():
    assert left_out(dict.fromkeys((5, 4, 3, 2, 1), 80), trimmed=True) == {1, 2}
