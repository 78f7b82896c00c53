"""The workflow library: every family compiles, walks its real road and keeps the law."""

from collections import deque

import pytest

from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.places import data_root
from caseflow.kernel.errors import DefinitionError
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.graph import is_possible
from caseflow.kernel.workflow.vocabulary import PAYS, PREVIOUS_STATE
from tests.definitions.families import (
    ALL,
    CHILDREN,
    FAMILIES,
    PAYING,
    REFUSALS,
    compiled,
    library,
    main_road,
    targets,
    workflow,
)

APPLICATION = "draft submitted district_review district_recommend"
PLAN = "proposed plan_review leadership_meeting publicity_pending publicity"
APPROVAL = "awaiting_approval approved"
AUDITED = "bureau_review third_party_audit bureau_review reviewed"
CONTRACT = "contract_drafting contracted contract_sealing"


def payment(number=""):
    states = ("payment_requested", "finance_review", "fund_released", "disbursing")
    return " ".join(state + number for state in states)


MAIN_ROADS = {
    "vouchers": f"{APPLICATION} {AUDITED} joint_check {PLAN} {APPROVAL} {payment()} disbursed",
    "investment": (
        f"filing filing_check project_filed completed {APPLICATION} onsite_check {AUDITED}"
        f" project_joint_check expert_panel expert_review gov_approval {PLAN} {APPROVAL}"
        f" {payment()} supervising supervision_review disbursed"
    ),
    "research": (
        f"{APPLICATION} formal_review formal_recheck expert_panel expert_review defence"
        f" negotiation indicators_offered joint_check {PLAN} {APPROVAL} {CONTRACT} {payment()}"
        f" performing midterm {payment('#2')} performing#2 acceptance {payment('#3')}"
        " results_pending results_registered disbursed"
    ),
    "titles": f"matched pushed checked check_review {PLAN} {APPROVAL} {payment()} disbursed",
    "platforms": (
        f"{APPLICATION} formal_review formal_recheck onsite_check expert_panel expert_review"
        f" joint_check {PLAN} recognised construction_plan_review {CONTRACT} operating"
        " acceptance disbursed"
    ),
    "platforms/year": (f"self_report {AUDITED} evaluation {PLAN} {APPROVAL} {payment()} disbursed"),
    "scenarios": (
        f"{APPLICATION} formal_review formal_recheck matching_base expert_panel expert_review"
        f" onsite_check ranking joint_check {PLAN} named {APPROVAL} {payment()}"
        " supervising supervision_review disbursed"
    ),
    "events": (
        "registration_draft pre_registered confirmed held submitted verification"
        f" verification_recheck joint_check {PLAN} {APPROVAL} {payment()} disbursed"
    ),
    "talent": (
        f"{APPLICATION} qualification expert_panel expert_review defence background_check"
        f" leading_group {PLAN} {APPROVAL} {CONTRACT} {payment()} performing midterm"
        f" {payment('#2')} performing#2 final {payment('#3')} disbursed"
    ),
    "interest": (
        "draft submitted project_recognised recognition_review joint_check loan_registered"
        " loan_check subsidising disbursed"
    ),
    "interest/period": (
        "period_claim bank_confirm verification verification_recheck"
        f" {PLAN} {APPROVAL} {payment()} disbursed"
    ),
    "funds": (
        "fund_set_up project_recommended manager_screening due_diligence investment_meeting"
        " invested post_investment exited"
    ),
}


@pytest.mark.parametrize("name", ALL)
def test_the_main_road_is_the_one_of_the_handbook(name):
    assert main_road(workflow(name)) == MAIN_ROADS[name].split()


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "funds"])
def test_a_selective_measure_of_the_family_is_sound(name):
    assert compiled(name, flags=("selective",))[name].flags == ("selective",)


def test_every_measure_of_every_policy_compiles():
    for files in read_policies(data_root()):
        for measure in files.measures:
            family = library().families[measure.family]
            assert measure.id in compile_workflows(family, library(), files.spec(measure))


def test_every_stage_is_used_by_a_family():
    entries = [
        entry if isinstance(entry, str) else entry["stage"]
        for family in library().families.values()
        for entry in (*family.data["stages"], *family.data.get("anywhere", []))
    ]

    assert set(library().stages) == set(entries)


def test_a_state_code_stands_in_one_stage_only():
    codes = [code for stage in library().stages.values() for code in stage.data["states"]]

    assert sorted(codes) == sorted(set(codes))


def test_only_titles_and_funds_begin_without_an_applicant():
    opened = {name: workflow(name).opened_by for name in ALL}

    assert opened.pop("titles") == ("lead_bureau.handler",)
    assert opened.pop("funds") == ("lead_bureau.handler",)
    assert {opened.pop(name) for name in CHILDREN} == {("system",)}
    assert set(opened.values()) == {("applicant",)}


@pytest.mark.parametrize("name", ALL)
def test_who_waits_for_a_person_has_a_clock(name):
    for state in workflow(name).states.values():
        if state.end is None and state.holders != ("system",):
            assert state.clock, state.code


@pytest.mark.parametrize("name", ALL)
def test_an_applicant_is_reminded_seven_three_and_one_day_before(name):
    flow = workflow(name)

    for state in flow.states.values():
        if "applicant" in state.holders:
            assert {7, 3, 1} <= set(flow.clocks[state.clock].remind), state.code


@pytest.mark.parametrize("name", ALL)
def test_a_clock_never_pays_approves_or_rejects(name):
    flow = workflow(name)

    for state in flow.states.values():
        if state.clock is None:
            continue
        step = flow.step(state.code, flow.clocks[state.clock].expiry)
        ends = {flow.states[branch.target].end for branch in step.branches}
        assert ends <= {None, "lapsed"}, state.code
        assert not PAYS.intersection(step.effects)
        assert "system" in step.by


@pytest.mark.parametrize("name", [name for name in ALL if name != "funds"])
def test_an_overdue_case_stays_where_it_is_and_is_escalated(name):
    flow = workflow(name)

    for state in flow.states.values():
        if state.end is None:
            assert targets(flow, state.code, "service_overdue") == [state.code]
            assert "escalate" in flow.step(state.code, "service_overdue").effects
    assert (flow.clocks["service"].limit, flow.clocks["service"].unit) == (60, "working_days")


@pytest.mark.parametrize("name", ALL)
def test_every_refusal_says_why_and_where_to_turn(name):
    flow = workflow(name)

    for step in flow.steps.values():
        if any(flow.states[branch.target].end in REFUSALS for branch in step.branches):
            assert {"reason", "reason_code", "remedy"} <= set(step.requires), step.event


@pytest.mark.parametrize("name", ALL)
def test_a_seat_has_one_control_duty(name):
    duties = {}
    for step in workflow(name).steps.values():
        for seat in step.by:
            duties.setdefault(seat, set()).add(step.duty)

    for seat, found in duties.items():
        assert len(found - {None}) <= 1, (seat, found)


def test_the_voucher_road_has_the_limits_of_the_worked_example():
    flow = workflow("vouchers")
    limits = {name: (flow.clocks[name].limit, flow.clocks[name].unit) for name in flow.clocks}

    assert targets(flow, "submitted", "accept") == ["district_review"]
    assert limits["district_review"] == (10, "working_days")
    assert limits["bureau_review"] == (20, "working_days")
    assert limits["audit"] == (30, "working_days")
    assert limits["release"] == (10, "working_days")
    assert limits["payment"] == (15, "working_days")
    assert set(flow.states["third_party_audit"].stops) == {"bureau_review", "service"}
    assert targets(flow, "third_party_audit", "report_audit") == ["bureau_review"]


def test_a_clause_that_demands_the_government_is_refused_without_its_stage():
    flow = compiled("investment", flags=("government_approval",))["investment"]

    assert "approve_by_government" in {step.event for step in flow.steps.values()}
    with pytest.raises(DefinitionError, match="pays-without-government-approval"):
        compiled("investment", flags=("government_approval",), without=("gov_approval",))


@pytest.mark.parametrize("name", PAYING)
def test_no_road_pays_without_publicity_whatever_is_remembered(name):
    flow = workflow(name)
    start = (flow.initial, None)
    seen, waiting = {start}, deque([start])

    while waiting:
        state, remembered = waiting.popleft()
        for step in flow.steps_from(state):
            if step.event == "close_publicity":
                continue
            assert not PAYS.intersection(step.effects), (state, step.event)
            memory = state if "remember_state" in step.effects else remembered
            for target in ways(flow, step, remembered):
                if (target, memory) not in seen:
                    seen.add((target, memory))
                    waiting.append((target, memory))


def ways(flow, step, remembered):
    for branch in step.branches:
        wanted = [test.value for test in branch.when if test.fact == PREVIOUS_STATE]
        if wanted in ([], [remembered]) and is_possible(flow, step, branch):
            yield branch.target


def test_optional_stages_can_all_be_left_out():
    for name, family in library().families.items():
        optional = tuple(e["stage"] for e in family.data["stages"] if e.get("optional"))
        if optional:
            flow = compiled(name, without=optional, flags=("selective",))[name]
            assert flow.states[main_road(flow)[-1]].end == "disbursed"
