"""When a check counts, what follows of several, and what is said of what is in the way."""

from datetime import date, timedelta

import pytest

from caseflow.kernel.checks import (
    DEFAULT_POINTS,
    KINDS,
    POINTS,
    explained,
    known_from,
    relied_on,
    standing,
    valid_until,
)

ASKED = date(2026, 11, 2)
DAY = timedelta(days=1)


def known(*rows):
    return known_from(
        (kind, result, valid_until(ASKED).isoformat(), f"K-{kind}", "ab" * 32, number)
        for number, (kind, result) in enumerate(rows)
    )


@pytest.mark.parametrize(("days", "found"), [(29, "passed"), (30, "passed"), (31, "missing")])
def test_day_thirty_counts_and_day_thirty_one_does_not(days, found):
    assert standing(["credit"], known(("credit", "pass")), ASKED + days * DAY) == found


@pytest.mark.parametrize(
    ("result", "found"),
    [("pass", "passed"), ("reduce", "passed"), ("flag", "passed"), ("veto", "vetoed")],
)
def test_only_a_veto_stops(result, found):
    assert standing(["credit"], known(("credit", result)), ASKED) == found


def test_a_veto_that_nobody_asked_for_stops_as_well_and_goes_before_what_is_missing():
    assert standing(["credit"], known(("credit", "pass"), ("safety", "veto")), ASKED) == "vetoed"
    assert standing(["credit"], known(("safety", "veto")), ASKED) == "vetoed"


def test_a_veto_that_is_stale_must_be_looked_up_again():
    stale = ASKED + 31 * DAY

    assert standing(["credit"], known(("credit", "veto")), stale) == "missing"
    assert standing(["safety"], known(("credit", "veto")), stale) == "missing"


def test_nothing_is_missing_where_nothing_is_asked():
    assert standing([], known(), ASKED) == "passed"
    assert known_from(None) == {}


def test_each_thing_in_the_way_is_said_in_words():
    found = known(("safety", "veto"), ("credit", "pass"))

    assert explained(["credit", "quality"], found, ASKED) == [
        "安全生产核查为“否决”（有效至 2026-12-02），修复后须重新核查",
        "质量核查尚未核查",
    ]
    assert explained(["credit"], found, ASKED + 31 * DAY) == [
        "信用审查已于 2026-12-02 失效，须重新核查"
    ]


def test_a_decision_rests_on_what_it_asked_for_and_on_every_veto():
    found = known(("credit", "pass"), ("quality", "pass"), ("safety", "veto"))

    used = relied_on(["credit"], found, ASKED)

    assert [each.check for each in used] == ["K-credit", "K-safety"]
    assert relied_on(["credit"], found, ASKED + 31 * DAY) == []


def test_credit_is_asked_at_every_point_where_nothing_else_is_said():
    assert set(DEFAULT_POINTS) == set(POINTS)
    assert all(kinds == ("credit",) for kinds in DEFAULT_POINTS.values())
    assert all(kind.of_case for kind in KINDS.values() if kind.computed)
