"""Keys of counters, and the room that they leave one case."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.benefits.model import Cap
from caseflow.kernel.caps.counters import (
    counters_of,
    left_of,
    most_of,
    promise_key,
    promise_of,
    told,
    wan,
)
from caseflow.kernel.caps.model import CapRule, Subject, Take
from caseflow.kernel.caps.priors import priors
from caseflow.kernel.errors import InvalidInput

FIRM = Subject(measure="WX-8a", organisation_id=7, year=2026, root_id=41)


def key(scope, subject=FIRM, **rule):
    (counter,) = counters_of([CapRule(scope, "上限", "最高", **rule)], subject)
    return counter.key


def room(scope="object", limit=(None, None), used=(0, 0), own=None):
    """The room of one counter of FIRM; limit and used are (fen, times)."""
    rule = CapRule(scope, "上限", "最高200万元", limit_fen=limit[0], limit_times=limit[1])
    (counter,) = counters_of([rule], FIRM)
    held = {} if own is None else {counter.key: own}
    (found,) = left_of([counter], {counter.key: used}, held)
    return found


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("object", "object:WX-8a:7:case/41"),
        ("project_year", "object-year:WX-8a:7:case/41:2026"),
        ("enterprise_clause_year", "year:WX-8a:7:2026"),
        ("enterprise_policy_year", "policy-year:WX:7:2026"),
        ("project_life", "life:WX-8a:7:case/41"),
        ("enterprise_clause_life", "life:WX-8a:7"),
    ],
)
def test_a_counter_has_a_key_for_ever(scope, expected):
    assert key(scope) == expected


def test_every_enterprise_of_a_group_is_counted_for_itself():
    assert key("enterprise_clause_year", replace(FIRM, organisation_id=8)) == "year:WX-8a:8:2026"


def test_an_object_that_was_named_is_the_same_in_every_case():
    first = replace(FIRM, object_name="灵犀 一号Ａ")
    second = replace(FIRM, root_id=42, object_name="灵犀一号a")

    assert key("object", first) == key("object", second) == "object:WX-8a:7:name/灵犀一号a"


def test_a_child_case_is_of_its_root_whatever_it_calls_its_object_and_is_a_year_itself():
    child = replace(FIRM, child_id=55, object_name="灵犀一号")

    assert key("project_life", child) == key("project_life")
    assert key("project_year", child) == "object-year:WX-8a:7:case/41:child/55"


@pytest.mark.parametrize(("facts", "value"), [({"segment": "可 穿戴"}, "可穿戴"), ({}, "")])
def test_what_must_differ_has_a_counter_for_each_value_and_one_for_none(facts, value):
    subject = replace(FIRM, facts=facts)

    assert key("enterprise_clause_year", subject, distinct="segment") == (
        f"year:WX-8a:7:2026:segment/{value}"
    )


@pytest.mark.parametrize(("length", "fits"), [(199, True), (200, True), (201, False)])
def test_a_name_has_at_most_two_hundred_characters(length, fits):
    named = replace(FIRM, object_name="号" * length)

    if fits:
        assert key("object", named).endswith("号" * length)
    else:
        with pytest.raises(InvalidInput) as refused:
            key("object", named)
        assert "support_object" in refused.value.fields


@pytest.mark.parametrize(
    ("scope", "name", "root_id"),
    [
        ("object", None, 41),
        ("object", "灵犀一号", None),
        ("project_life", None, 41),
        ("enterprise_clause_year", None, None),
        ("enterprise_clause_life", "灵犀一号", None),
    ],
)
def test_only_a_counter_of_the_case_itself_belongs_to_its_root(scope, name, root_id):
    subject = replace(FIRM, object_name=name)

    (counter,) = counters_of([CapRule(scope, "上限", "")], subject)

    assert counter.root_id == root_id


def test_a_promise_is_a_ceiling_of_what_was_approved():
    found = promise_of(51, 41, approved_fen=500)

    assert (found.key, found.limit_fen, found.root_id) == (promise_key(51), 500, 41)


@pytest.mark.parametrize(("used", "left"), [(0, 200), (199, 1), (200, 0), (201, 0)])
def test_what_is_left_is_never_negative(used, left):
    assert room(limit=(200, None), used=(used, 1)).left_fen == left


def test_what_the_case_holds_itself_is_left_to_it():
    found = room(limit=(200, 2), used=(150, 2), own=Take(100, 1, "reserved"))

    assert (found.used_fen, found.left_fen, found.own_fen) == (50, 150, 100)
    assert (found.used_times, found.left_times) == (1, 1)


def test_without_a_limit_nothing_is_left_to_tell():
    found = room(used=(5, 1))

    assert (found.left_fen, found.left_times, found.most_fen) == (None, None, None)


def test_where_no_award_is_left_no_fen_is_either():
    assert room(limit=(200, 2), used=(50, 2)).most_fen == 0


def test_the_smallest_room_is_the_most_of_a_case():
    rooms = [room(limit=(200, None)), room(), room(limit=(50, 1))]

    assert (most_of(rooms), most_of([room()]), most_of([])) == (50, None, None)


def test_a_ceiling_is_told_with_its_words_its_limit_what_is_used_and_left():
    found = told("每年最高", "最高200万元", limit=(200_000_000, 2), used=(150_000_000, 1))

    assert found == (
        "每年最高（最高200万元）：上限200万元，已占用150万元，尚余50万元；"
        "上限2次，已占用1次，尚余1次"
    )


def test_words_that_are_the_title_are_told_once_and_no_limit_is_said_to_be_none():
    assert told("券面", "券面", limit=(None, None), used=(0, 0)) == "券面：不限"


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "0元"), (1, "0.01元"), (999_999, "9999.99元"), (1_000_000, "1万元"),
        (1_000_001, "1.000001万元"), (150_000_000, "150万元"), (10, "0.1元"),
    ],
)  # fmt: skip
def test_an_amount_is_written_exactly(fen, words):
    assert wan(fen) == words


@given(fen=st.integers(0, 10**15))
def test_an_amount_written_is_the_amount(fen):
    words = wan(fen)
    digits = 6 if words.endswith("万元") else 2
    whole, _, rest = words.removesuffix("万元").removesuffix("元").partition(".")

    assert int(whole) * 10**digits + int(rest.ljust(digits, "0")) == fen


PRIOR_CAPS = (
    Cap(kind="times", title="每个产品一次", most=1, counted="awards_before"),
    Cap(kind="times", title="每年两个", most=2, counted="now", per="enterprise", within="year"),
    Cap(kind="case", title="上限", amount=0, less="granted_fen"),
    Cap(kind="year", title="每年", amount=0, less="granted_this_year_fen"),
    Cap(kind="life", title="累计", amount=0, less="granted_life_fen"),
    Cap(kind="paid", title="补差", less="granted_by_other_clause_fen"),
    Cap(kind="case", title="无", amount=0),
)  # fmt: skip


def test_prior_facts_are_what_others_have_taken():
    rooms = [
        room("object", (100, 1), (30, 1), Take(30, 1, "reserved")),
        room("enterprise_clause_year", (200, 2), (120, 2)),
    ]

    assert priors(PRIOR_CAPS, rooms) == {
        "awards_before": 0,
        "now": 2,
        "granted_fen": 0,
        "granted_this_year_fen": 120,
    }


def test_a_case_without_counters_has_no_prior_facts():
    assert priors(PRIOR_CAPS, []) == {}
