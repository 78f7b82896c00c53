"""What 一事一议 and laboratories share: payment by milestones."""

import pytest

from caseflow.kernel.conditions import all_hold
from tests.definitions.families import (
    compiled,
    flags_of,
    leads,
    main_road,
    outcomes,
    pays,
    targets,
    workflow,
)

PARENTS = ("deals", "laboratories")
CHILDREN = tuple(f"{name}/milestone" for name in PARENTS)


@pytest.mark.parametrize("name", PARENTS)
def test_milestones_are_opened_one_after_the_other(name):
    flow = workflow(name)
    opening = flow.step("milestone_reported", "open_milestone")

    assert opening.effects == ("open_child:milestone",)
    assert opening.guards == ("children_settled",)
    assert not pays(flow)
    assert leads(flow, "milestone_reported", "open_milestone", last_milestone=False) == [
        "implementing"
    ]


@pytest.mark.parametrize("name", PARENTS)
def test_no_child_is_opened_beyond_the_last_milestone(name):
    flow = workflow(name)
    waiting = flow.states["last_milestone_open"]
    begin = flow.step("implementing", "begin_last")

    assert (waiting.holders, waiting.clock) == (("system",), None)
    assert begin.automatic
    assert all_hold(begin.branches[0].when, {"children_total": 4})
    assert not all_hold(begin.branches[0].when, {"children_total": 3})
    assert leads(flow, "milestone_reported", "open_milestone", last_milestone=True) == [
        "last_milestone_open"
    ]
    assert not any(
        effect.startswith("open_child:")
        for step in flow.steps_from("last_milestone_open")
        for effect in step.effects
    )
    assert flow.step("last_milestone_open", "conclude_milestones").guards == (
        "children_settled",
        "some_child",
    )
    assert targets(flow, "last_milestone_open", "conclude_milestones") == ["acceptance"]


@pytest.mark.parametrize("name", PARENTS)
def test_a_measure_sets_how_many_milestones_there_are(name):
    flow = compiled(name, flags=flags_of(name), parameters={"milestone_limit": 2})[name]
    when = flow.step("implementing", "begin_last").branches[0].when

    assert [all_hold(when, {"children_total": n}) for n in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("name", PARENTS)
def test_support_is_stopped_only_when_no_milestone_is_open(name):
    flow = workflow(name)

    for event in ("stop_milestones", "close_milestones"):
        assert "children_settled" in flow.step("implementing", event).guards
    assert outcomes(flow, "implementing", "stop_milestones") == ["terminated"]
    assert outcomes(flow, "acceptance_failed", "end_for_failure") == ["terminated"]


@pytest.mark.parametrize("name", CHILDREN)
def test_a_milestone_is_claimed_in_time_publicised_and_paid(name):
    flow = workflow(name)

    assert flow.opened_by == ("system",)
    assert flow.step("milestone_claim", "claim_milestone").starts == ("service",)
    assert outcomes(flow, "milestone_claim", "milestone_claim_lapsed") == ["lapsed"]
    paid = ["disbursed", "payment_requested"]
    assert targets(flow, "disbursing", "city_share_paid") == [*paid, "partially_disbursed"]
    assert targets(flow, "partially_disbursed", "all_paid") == paid
    assert targets(flow, "publicity", "close_publicity") == ["awaiting_approval"]


def test_a_failed_milestone_is_put_right_in_six_months_and_a_second_failure_ends_it():
    flow = workflow("laboratories/milestone")
    clock = flow.clocks["milestone_rectification"]

    assert leads(
        flow,
        "milestone_evaluation",
        "conclude_milestone_evaluation",
        milestone_result="unqualified",
    ) == ["milestone_rectifying"]
    assert (clock.limit, clock.unit) == (6, "months")
    assert targets(flow, "milestone_rectifying", clock.expiry) == ["milestone_failed"]
    assert leads(
        flow, "milestone_recheck", "conclude_recheck", milestone_recheck_result="unqualified"
    ) == ["milestone_failed"]
    assert outcomes(flow, "milestone_failed", "end_for_failure") == ["terminated"]


def test_a_laboratory_is_recognised_on_the_approval_document_before_it_is_built():
    flow = workflow("laboratories")

    assert "approval_level" in flow.step("approval_awaited", "submit_approval_document").requires
    assert targets(flow, "approval_check", "confirm_recognition") == ["recognised"]
    assert targets(flow, "renegotiation", "agree_renegotiation") == ["recognised"]
    assert outcomes(flow, "approval_check", "reject") == ["rejected"]


@pytest.mark.parametrize("name", PARENTS)
def test_the_whole_is_approved_before_the_first_milestone_since_it_bounds_them_all(name):
    flow = workflow(name)
    approve = flow.step("awaiting_approval", "approve")

    assert "approved_fen" in approve.requires
    road = main_road(flow)
    assert road.index("approved") < road.index("implementing")
