"""Which states experts judge in is read from a workflow's effects; a panel goes with its stage."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from caseflow.cases.experts.effects import judging_facts
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.scoring import Panel, Terms
from caseflow.kernel.workflow.judging import (
    faults_of_panel,
    is_drawn_in,
    is_in_person,
    is_judged_in,
    judging_stages,
)
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.succession import faults_of_state
from caseflow.reviews.experts.queries import Judging, PanelReading
from tests.definitions.families import workflow

TALENT = workflow("talent")


def test_experts_are_drawn_and_judge_where_the_effects_say_so():
    states = TALENT.states

    assert [code for code in states if is_drawn_in(TALENT, code)] == [
        "expert_panel",
        "defence_panel",
    ]
    assert [code for code in states if is_judged_in(TALENT, code)] == ["expert_review", "defence"]
    assert judging_stages(TALENT) == ("expert_review", "defence")


def test_only_a_defence_is_face_to_face():
    assert [is_in_person(TALENT, stage) for stage in judging_stages(TALENT)] == [False, True]


@pytest.mark.parametrize("name", ["talent", "research"])
@pytest.mark.parametrize(("score", "target"), [(59, "defence_failed"), (60, None), (61, None)])
def test_a_defence_is_concluded_by_the_panels_score_and_by_nobody(name, score, target):
    flow = workflow(name)
    step = flow.step("defence", "conclude_defence")
    passed = "ranking" if name == "talent" else "negotiation"

    found = [b.target for b in step.branches if all_hold(b.when, {"panel_score": score})]

    assert found == [target or passed]
    assert (step.by, step.automatic, step.requires) == (("system",), True, ())
    assert "defence_score" not in flow.facts


def test_how_a_state_is_judged_is_kept_and_leaves_other_states_as_they_were():
    rows = {row["code"]: row for row in TALENT.to_data()["states"]}

    assert rows["defence"]["judged"] == "in_person"
    assert "judged" not in rows["expert_review"]
    assert Workflow.from_data(TALENT.to_data()) == TALENT


def typed() -> Workflow:
    """Return the workflow of before, in which somebody entered the score of a defence."""
    steps = {
        key: replace(step, effects=())
        for key, step in TALENT.steps.items()
        if not key[0].startswith("defence_panel")
    }
    return replace(TALENT, steps=steps)


@pytest.mark.parametrize(
    ("state", "target", "is_refused"),
    [
        ("defence", "defence", True),
        ("defence", "defence_panel", False),
        ("qualification", "qualification", False),
        ("defence_failed", "defence_failed", False),
    ],
)
def test_a_case_whose_score_was_to_be_entered_is_sent_to_the_draw_first(state, target, is_refused):
    found = faults_of_state(typed(), TALENT, state, target)

    assert bool(found) == is_refused
    assert all("须先抽取专家组" in each for each in found)


def test_a_panel_that_sits_goes_on_under_another_version_of_its_own_stage_only():
    assert faults_of_panel(TALENT, TALENT, "defence", "defence") == []
    assert faults_of_panel(TALENT, TALENT, "expert_review", "defence") != []


@pytest.mark.parametrize(("bound", "target"), [(False, ["background_check"]), (True, [])])
def test_a_defence_is_ranked_where_there_is_a_quota_and_nowhere_else(bound, target):
    branches = TALENT.step("ranking", "pass_unranked").branches

    assert [b.target for b in branches if all_hold(b.when, {"quota_bound": bound})] == target
    assert workflow("scenarios").step("ranking", "pass_unranked") is None


@pytest.mark.parametrize(("stage", "waiting"), [("defence", 0), ("expert_review", 1)])
def test_the_sheets_of_one_stage_count_in_no_other(stage, waiting):
    panel = Panel(1, Terms(), frozenset({7}), {7: 9000})
    reading = SimpleNamespace(
        judging=Judging(panel=PanelReading(2, stage, True, panel, {})),
        state="defence",
        has_call_quota=False,
    )
    measure = SimpleNamespace(definition={})

    facts = judging_facts(reading, measure, TALENT, datetime(2026, 11, 2, tzinfo=UTC))

    assert facts["sheets_waiting"] == waiting
    assert ("panel" in facts) == (stage == "defence")
