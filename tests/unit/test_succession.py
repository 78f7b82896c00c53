"""What a running case lacks under another version of its workflow, and what it may not skip."""

from dataclasses import replace

import pytest

from caseflow.kernel.workflow.model import Branch, Clock, Fact, State, Step, Test, Workflow
from caseflow.kernel.workflow.succession import (
    MovePlan,
    facts_lost,
    faults_of_facts,
    faults_of_plan,
    faults_of_state,
    gates_passed,
    successor_of,
)


def step(event, source, target, *, when=(), **options):
    branch = Branch(target, tuple(when))
    return Step(event, source, event, (branch,), ("lead_bureau.handler",), **options)


def flow(*steps, **changes):
    """A case that is checked, publicised, approved and paid."""
    codes = ("draft", "review", "publicity", "meeting", "approved", "paid")
    states = {code: State(code, code, "s", "review", ("lead_bureau.handler",)) for code in codes}
    states["paid"] = replace(states["paid"], holders=(), end="disbursed")
    made = steps or (
        step("submit", "draft", "review", requires=("applied_fen", "score")),
        step("pass_review", "review", "publicity"),
        step("close_publicity", "publicity", "meeting"),
        step("approve", "meeting", "approved", requires=("approved_fen",)),
        step("order", "approved", "paid", effects=("open_payment",)),
    )
    known = Workflow(
        name="M",
        title="M",
        family="f",
        opened_by=("applicant",),
        initial="draft",
        states=states,
        steps={(each.source, each.event): each for each in made},
        clocks={"service": Clock("service", "时限", "late", limit=5, unit="days")},
        facts={
            "score": Fact("score", "integer", "得分"),
            "kept": Fact("kept", "text", "x", system=True),
        },
    )
    return replace(known, **changes)


@pytest.mark.parametrize(
    ("state", "passed"),
    [
        ("review", set()),
        ("publicity", set()),
        ("meeting", {"公示"}),
        ("approved", {"公示", "审定"}),
        ("paid", {"公示", "审定", "开具拨付单"}),
    ],
)
def test_a_state_behind_a_gate_has_passed_it(state, passed):
    assert gates_passed(flow(), state) == passed


def test_a_move_may_not_skip_a_gate_nor_end_a_case_nor_lead_nowhere():
    old = new = flow()

    assert faults_of_state(old, new, "review", "publicity") == []
    assert faults_of_state(old, new, "review", "meeting") == [
        "进入“meeting”须先经公示，不能以迁移越过"
    ]
    assert faults_of_state(old, new, "meeting", "review") == []
    assert faults_of_state(old, new, "review", "paid") == ["“paid”是终结环节，办件只能依事件办结"]
    assert faults_of_state(old, new, "review", "x") == ["新版本没有“review”（x）环节"]


def test_a_gate_that_the_new_version_brings_in_is_not_skipped_where_the_case_stands():
    old = flow(
        step("submit", "draft", "review"),
        step("pass_review", "review", "meeting"),
        step("approve", "meeting", "approved", requires=("approved_fen",)),
        step("order", "approved", "paid"),
    )

    assert faults_of_state(old, flow(), "review", "review") == []
    assert faults_of_state(old, flow(), "meeting", "meeting") != []


def scored(at):
    """The flow with a branch in `at` that reads the score entered when it is submitted."""
    reads = (Test("score", "at_least", 60),)
    steps = dict(flow().steps)
    for key, each in steps.items():
        if key[0] == at:
            steps[key] = replace(each, branches=(replace(each.branches[0], when=reads),))
    return replace(flow(), steps=steps)


def test_a_fact_that_is_read_later_and_entered_no_more_is_lost():
    assert facts_lost(scored("meeting"), "review", {"applied_fen"}) == {"score"}
    assert facts_lost(scored("meeting"), "review", {"score"}) == frozenset()
    assert facts_lost(scored("meeting"), "draft", ()) == frozenset()
    assert facts_lost(scored("draft"), "review", ()) == frozenset()


def test_only_what_the_new_version_adds_is_missing():
    old, new = flow(), scored("meeting")

    assert faults_of_facts(old, new, "review", "review", ()) == [
        "缺少“得分”（score），新版本此后要用而不再录入"
    ]
    assert faults_of_facts(new, new, "review", "review", ()) == []


@pytest.mark.parametrize(
    ("plan", "clock", "after"),
    [
        ({}, "service", "service"),
        ({}, "audit", None),
        ({}, "service@cosign.tax", "service@cosign.tax"),
        ({"audit": "service"}, "audit", "service"),
        ({"audit": "service"}, "audit@cosign.tax", "service@cosign.tax"),
        ({"audit": "$end"}, "audit@cosign.tax", "$end"),
    ],
)
def test_a_clock_goes_on_under_its_name_or_as_the_plan_says(plan, clock, after):
    assert successor_of(MovePlan(clocks=plan), flow(), clock) == after


def test_a_plan_names_what_the_new_version_has():
    good = MovePlan(states={"gone": "review"}, clocks={"a": "service", "b": "$end"})
    bad = MovePlan(states={"gone": "nowhere"}, clocks={"a": "never"})

    assert faults_of_plan(good, flow()) == []
    assert faults_of_plan(bad, flow()) == ["新版本没有环节 nowhere", "新版本没有时限 never"]


def test_who_stays_is_said_by_state_or_for_all():
    assert MovePlan(stay=frozenset({"review"})).stays("review")
    assert not MovePlan(stay=frozenset({"review"})).stays("draft")
    assert MovePlan(stay=frozenset({"*"})).stays("draft")
    assert MovePlan(stay=frozenset({"b", "a"})).to_data()["stay"] == ["a", "b"]
