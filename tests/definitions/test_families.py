"""The workflow library: every process compiles, walks its real road and keeps the law."""

from collections import deque

import pytest

from caseflow.kernel.errors import DefinitionError
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.graph import is_possible
from caseflow.kernel.workflow.money_words import PAYS
from caseflow.kernel.workflow.source import MeasureSpec, Source
from caseflow.kernel.workflow.vocabulary import AMOUNTS, PREVIOUS_STATE
from tests.definitions.families import (
    ALL,
    APPLIED_FOR,
    BY_THE_BUREAU,
    CHILDREN,
    DRAFTED,
    FAMILIES,
    MONEYLESS,
    PARENTS,
    PAYING,
    PROCESSES,
    PUBLICISED,
    REFUSALS,
    TRACKED,
    compiled,
    flags_of,
    library,
    main_road,
    of_each,
    pays,
    targets,
    workflow,
)
from tests.definitions.golden.form import FAMILY_OF_LETTER
from tests.definitions.roads import MAIN_ROADS

EVERY = of_each(ALL)
STILL_WITHOUT_SOURCE = {
    "acceptance_failed", "completion", "evaluation_failed", "exemption", "final_evaluation_failed",
    "gov_declined", "leading_group_declined", "loan_abnormal", "loan_irregular", "midterm_failed",
    "milestone_failed", "results_check", "targets_unmet",
}  # fmt: skip
UNTRACKED = tuple(name for name in ALL if name not in TRACKED)

# --- what there is


def test_the_families_are_those_of_the_handbook():
    assert set(FAMILIES) == set(FAMILY_OF_LETTER.values())


def test_every_other_process_says_whose_it_is():
    assert {name: library().families[name].data["of"] for name in PROCESSES} == {
        "allowances": "talent",
        "concessions": "funds",
        "fee_support": "guarantees",
        "instant_vouchers": "vouchers",
        "issued_vouchers": "vouchers",
        "laboratories": "platforms",
        "matched_research": "research",
        "opportunities": "scenarios",
        "recommendations": "talent",
        "yearly_awards": "platforms",
    }


def test_child_cases_are_opened_by_those_that_pay_by_and_by():
    assert set(CHILDREN) == {
        "allowances/period",
        "deals/milestone",
        "instant_vouchers/settlement",
        "interest/period",
        "issued_vouchers/redemption",
        "laboratories/milestone",
        "platforms/year",
    }


def test_the_lists_of_what_pays_is_publicised_and_applied_for_are_true():
    own = (*FAMILIES, *PROCESSES)

    assert {name for name in ALL if pays(workflow(name))} == set(PAYING)
    assert {name for name in ALL if "publicity" in workflow(name).states} == set(PUBLICISED)
    assert {name for name in own if "submitted" in workflow(name).states} == set(APPLIED_FOR)
    assert {name for name in own if "draft" in workflow(name).states} == set(DRAFTED)
    assert {name for name in ALL if "service" not in workflow(name).clocks} == set(TRACKED)
    assert not {*MONEYLESS} & {*PAYING, *PARENTS}


def test_every_stage_is_used_by_a_family():
    entries = [
        entry if isinstance(entry, str) else entry["stage"]
        for family in library().families.values()
        for entry in (*family.data["stages"], *family.data.get("anywhere", []))
    ]

    assert set(library().stages) == set(entries)


def test_a_state_code_stands_in_one_stage_only():
    codes = [code for stage in library().stages.values() for code in stage.data.get("states", {})]

    assert sorted(codes) == sorted(set(codes))


# --- the roads


@EVERY
def test_the_main_road_is_the_one_of_the_handbook(name):
    assert main_road(workflow(name)) == MAIN_ROADS[name].split()


def test_a_process_is_sound_with_the_legal_flags_of_its_measures():
    for process in (*FAMILIES, *PROCESSES):
        flags = flags_of(process)
        assert workflow(process).flags == tuple(sorted(flags)), process


def test_optional_stages_can_all_be_left_out():
    ends = {}
    for process in (*FAMILIES, *PROCESSES):
        stages = library().families[process].data["stages"]
        optional = {e["stage"] for e in stages if not isinstance(e, str) and e.get("optional")}
        flags = set(flags_of(process))
        if "publicity" in optional:
            flags.discard("selective")
        if "gov_approval" in optional:
            flags.discard("government_approval")
        if optional:
            flow = compiled(process, without=tuple(sorted(optional)), flags=tuple(flags))[process]
            ends[process] = flow.states[main_road(flow)[-1]].end

    assert {"deals", "investment", "scenarios"} <= set(ends)
    assert set(ends.values()) == {"disbursed"}


def test_who_opens_a_case_is_the_applicant_the_bureau_or_the_system():
    opened = {name: workflow(name).opened_by for name in ALL}

    assert opened.pop("issued_vouchers/redemption") == ("applicant",)
    assert opened.pop("instant_vouchers/settlement") == ("system", "platform_operator")
    assert {opened.pop(name) for name in BY_THE_BUREAU} == {("lead_bureau.handler",)}
    assert {opened.pop(name) for name in CHILDREN if name in opened} == {("system",)}
    assert set(opened.values()) == {("applicant",)}


# --- clocks


@EVERY
def test_who_waits_for_a_person_has_a_clock(name):
    for state in workflow(name).states.values():
        if state.end is None and state.holders != ("system",):
            assert state.clock, state.code


def test_a_limit_names_its_source():
    clocks = [clock for name in ALL for clock in workflow(name).clocks.values()]
    without = {clock.name.partition("#")[0] for clock in clocks if not clock.source}

    assert without - {clock.name for clock in clocks if clock.until} <= STILL_WITHOUT_SOURCE


@EVERY
def test_an_applicant_is_reminded_seven_three_and_one_day_before(name):
    flow = workflow(name)

    for state in flow.states.values():
        if "applicant" in state.holders:
            assert {7, 3, 1} <= set(flow.clocks[state.clock].remind), state.code


@EVERY
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


@of_each(UNTRACKED)
def test_an_overdue_case_stays_where_it_is_and_is_escalated(name):
    flow = workflow(name)

    for state in flow.states.values():
        if state.end is None:
            assert targets(flow, state.code, "service_overdue") == [state.code]
            assert "escalate" in flow.step(state.code, "service_overdue").effects
    assert (flow.clocks["service"].limit, flow.clocks["service"].unit) == (60, "working_days")


# --- the law


@EVERY
def test_every_refusal_says_why_and_where_to_turn(name):
    flow = workflow(name)

    for step in flow.steps.values():
        if any(flow.states[branch.target].end in REFUSALS for branch in step.branches):
            assert {"reason", "reason_code", "remedy"} <= set(step.requires), step.event


@EVERY
def test_a_seat_has_one_control_duty(name):
    duties = {}
    for step in workflow(name).steps.values():
        for seat in step.by:
            duties.setdefault(seat, set()).add(step.duty)

    for seat, found in duties.items():
        assert len(found - {None}) <= 1, (seat, found)


@of_each(MONEYLESS)
def test_what_gives_no_money_asks_for_no_amount_and_pays_nothing(name):
    flow = workflow(name)

    assert not pays(flow)
    assert not any(set(AMOUNTS).intersection(step.requires) for step in flow.steps.values())
    assert "disbursed" not in {state.end for state in flow.states.values()}


def test_a_clause_that_demands_the_government_is_refused_without_its_stage():
    flow = compiled("investment", flags=("government_approval",))["investment"]

    assert "approve_by_government" in {step.event for step in flow.steps.values()}
    for name in ("investment", "allocations"):
        with pytest.raises(DefinitionError, match="pays-without-government-approval"):
            compiled(name, flags=("government_approval",), without=("gov_approval",))


@of_each([n for n in PAYING if n in PUBLICISED])
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


# --- the worked example


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


def test_a_family_casts_only_seats_that_exist():
    family = library().families["voucher_redemption"]
    places = [
        {**place, "seats": {"aplicant": "platform_operator"}} for place in family.data["stages"]
    ]
    wrong = Source(family.file, {**family.data, "child": False, "stages": places}, family.lines)
    spec = MeasureSpec(id="x", title="x", family="voucher_redemption")

    with pytest.raises(DefinitionError, match=r"unknown-seat.*aplicant"):
        compile_workflows(wrong, library(), spec)
