"""The workflow library: every family compiles, walks its real road, and has its ways of failing."""

from collections import deque
from functools import cache

import pytest

from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.places import data_root
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.errors import DefinitionError
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.graph import is_possible
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.source import MeasureSpec
from caseflow.kernel.workflow.vocabulary import PAYS, PREVIOUS_STATE

FAMILIES = (
    "events",
    "funds",
    "interest",
    "investment",
    "platforms",
    "research",
    "scenarios",
    "talent",
    "titles",
    "vouchers",
)
CHILDREN = ("interest/period", "platforms/year")
ALL = (*FAMILIES, *CHILDREN)
APPLIED_FOR = tuple(name for name in FAMILIES if name not in {"funds", "titles"})
PAYING = tuple(name for name in ALL if name not in {"funds", "interest", "platforms"})
PUBLICISED = tuple(name for name in ALL if name not in {"funds", "interest"})
REFUSALS = ("rejected", "not_accepted", "terminated")


@cache
def library():
    return load_library(data_root() / "workflows")


def compiled(family, **options):
    spec = MeasureSpec(id=family, title=family, family=family, **options)
    return compile_workflows(library().families[family], library(), spec)


@cache
def workflow(name) -> Workflow:
    return compiled(name.partition("/")[0])[name]


def main_road(flow):
    """Walk the main events; of a list `a|b` the first not yet done in this case."""
    samples = {name: fact.sample for name, fact in flow.facts.items()}
    state, road, done = flow.initial, [flow.initial], set()
    while flow.states[state].end is None:
        open_events = [e for e in flow.states[state].main.split("|") if (state, e) not in done]
        step = flow.step(state, open_events[0])
        done.add((state, step.event))
        ways = [branch for branch in step.branches if all_hold(branch.when, samples)]
        target = (ways or step.branches)[0].target
        if target == state and len(open_events) == 1:
            waiting = next(other for other in flow.steps_from(state) if other.automatic)
            target = waiting.branches[0].target
        if target != state:
            road.append(target)
        state = target
    return road


def targets(flow, state, event):
    return [branch.target for branch in flow.step(state, event).branches]


def outcomes(flow, state, event):
    return [flow.states[target].end for target in targets(flow, state, event)]


def states_of(flow, code):
    return [state for state in flow.states if state.partition("#")[0] == code]


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


@pytest.mark.parametrize("name", [*APPLIED_FOR])
def test_acceptance_is_decided_in_five_days_or_counts_as_given(name):
    flow = workflow(name)
    clock = flow.clocks["acceptance"]

    assert (clock.limit, clock.unit, clock.expiry) == (5, "working_days", "auto_accept")
    assert targets(flow, "submitted", "auto_accept") == targets(flow, "submitted", "accept")
    assert "escalate" in flow.step("submitted", "auto_accept").effects
    assert flow.step("submitted", "accept").starts == ("service",)


@pytest.mark.parametrize("name", APPLIED_FOR)
def test_correction_is_asked_once_stops_acceptance_and_lapses(name):
    flow = workflow(name)
    first = flow.step("submitted", "request_correction")
    second = flow.step("submitted", "request_second_correction")

    assert first.guards == ("first_correction",)
    assert "items" in first.requires
    assert first.effects == second.effects == ("count_correction",)
    assert (second.by, "reason" in second.requires) == (("lead_bureau.division_head",), True)
    assert flow.states["correction_requested"].stops == ("acceptance",)
    assert flow.clocks["correction"].limit == 10
    assert targets(flow, "correction_requested", "resubmit") == ["submitted"]
    assert outcomes(flow, "correction_requested", "lapse_correction") == ["lapsed"]
    assert outcomes(flow, "submitted", "not_accept") == ["not_accepted"]


@pytest.mark.parametrize("name", [n for n in APPLIED_FOR if n != "events"])
def test_a_draft_is_submitted_under_an_open_call_or_lapses_with_it(name):
    flow = workflow(name)
    submit = flow.step("draft", "submit")

    assert set(submit.guards) == {"policy_in_force", "call_open", "documents_complete"}
    assert flow.clocks["draft"].until == "call_closes_on"
    assert outcomes(flow, "draft", "abandon_draft") == ["lapsed"]
    assert outcomes(flow, "draft", "discard_draft") == ["withdrawn"]


@pytest.mark.parametrize("name", [n for n in ALL if n != "funds"])
def test_withdrawal_is_free_before_the_plan_and_needs_consent_after(name):
    flow = workflow(name)

    for state in flow.states.values():
        free = flow.step(state.code, "withdraw")
        asked = flow.step(state.code, "request_withdrawal")
        assert (free is None) or state.phase in {"intake", "review"}, state.code
        assert (asked is None) or state.phase == "decision", state.code
    assert outcomes(flow, "withdrawal_requested", "consent_withdrawal") == ["withdrawn"]


@pytest.mark.parametrize("name", PUBLICISED)
def test_a_listed_case_asks_to_withdraw_and_comes_back_when_refused(name):
    flow = workflow(name)

    assert targets(flow, "publicity", "request_withdrawal") == ["withdrawal_requested"]
    assert flow.step("publicity", "withdraw") is None
    assert flow.step("objection", "request_withdrawal") is None
    assert "publicity" in targets(flow, "withdrawal_requested", "refuse_withdrawal")


@pytest.mark.parametrize("name", [n for n in ALL if n != "funds"])
def test_a_suspended_case_resumes_where_it_stood_and_its_clocks_stand_still(name):
    flow = workflow(name)
    stopped = {step.source for step in flow.steps.values() if step.event == "suspend"}

    assert stopped
    assert stopped <= set(targets(flow, "suspended", "resume"))
    assert set(flow.states["suspended"].stops) == set(flow.clocks) - {"suspension"}
    assert (flow.clocks["suspension"].limit, flow.clocks["suspension"].unit) == (30, "days")
    assert targets(flow, "suspended", "suspension_over") == targets(flow, "suspended", "resume")


@pytest.mark.parametrize("name", [n for n in ALL if n != "funds"])
def test_a_hold_can_be_placed_from_the_plan_on_and_moves_nothing(name):
    flow = workflow(name)

    for state in flow.states.values():
        if state.phase in {"decision", "payment", "follow_up"} and state.end is None:
            assert targets(flow, state.code, "place_hold") == [state.code]
            assert targets(flow, state.code, "lift_hold") == [state.code]


@pytest.mark.parametrize("name", PUBLICISED)
def test_an_objection_is_heard_in_the_window_and_decided(name):
    flow = workflow(name)

    assert flow.step("publicity", "object").guards == ("publicity_running",)
    assert "service" in flow.states["objection"].stops
    assert (flow.clocks["objection"].limit, flow.clocks["objection"].unit) == (15, "working_days")
    assert targets(flow, "objection", "objection_overdue") == ["objection"]
    assert targets(flow, "objection", "dismiss_objection") == ["publicity"]
    assert targets(flow, "objection", "partly_uphold_objection") == ["proposed"]
    assert outcomes(flow, "objection", "uphold_objection") == ["rejected"]
    for event in ("dismiss_objection", "partly_uphold_objection", "uphold_objection"):
        assert flow.step("objection", event).effects == ("settle_objection",)


@pytest.mark.parametrize("name", PUBLICISED)
def test_publicity_closes_by_itself_only_when_over_and_undisputed(name):
    close = workflow(name).step("publicity", "close_publicity")

    assert (close.automatic, close.by) == (True, ("system",))
    assert set(close.guards) == {"publicity_over", "no_open_objection"}
    assert workflow(name).clocks["publicity"].until == "publicity_ends_on"


@pytest.mark.parametrize("name", PAYING)
def test_credit_is_checked_before_the_plan_and_before_every_payment(name):
    flow = workflow(name)

    assert "credit_at_plan" in flow.step("proposed", "draft_plan").requires
    assert "plan_vetoed" in targets(flow, "proposed", "draft_plan")
    assert outcomes(flow, "plan_vetoed", "reject") == ["rejected"]
    for state in states_of(flow, "payment_requested"):
        number = state.removeprefix("payment_requested")
        assert "credit_at_payment" in flow.step(state, "request_funds").requires
        assert f"payment_vetoed{number}" in targets(flow, state, "request_funds")
        refused = outcomes(flow, f"payment_vetoed{number}", "reject")
        assert refused == ["rejected" if not number else "terminated"]


@pytest.mark.parametrize(
    "name", ["vouchers", "investment", "research", "platforms", "scenarios", "talent"]
)
def test_credit_is_checked_when_the_district_recommends(name):
    flow = workflow(name)

    assert "credit_at_review" in flow.step("district_recommend", "recommend").requires
    assert "review_vetoed" in targets(flow, "district_recommend", "recommend")
    assert outcomes(flow, "review_vetoed", "reject") == ["rejected"]


@pytest.mark.parametrize("name", PAYING)
def test_money_leaves_only_in_force_without_hold_and_within_the_publicised_amount(name):
    flow = workflow(name)

    assert "approval_within_publicity" in flow.step("awaiting_approval", "approve").guards
    paying = [step for step in flow.steps.values() if PAYS.intersection(step.effects)]
    assert paying
    for step in paying:
        assert {"matter_in_force", "no_hold"} <= set(step.guards), step.event
    for state in states_of(flow, "disbursing"):
        assert flow.step(state, "confirm_payment").by == ("finance.treasury",)
        assert "voucher_no" in flow.step(state, "confirm_payment").requires


@pytest.mark.parametrize("name", PAYING)
def test_a_returned_payment_waits_for_the_account_and_is_paid_again(name):
    flow = workflow(name)

    for state in states_of(flow, "disbursing"):
        number = state.removeprefix("disbursing")
        waiting = f"account_correction{number}"
        assert targets(flow, state, "return_payment") == [waiting]
        assert flow.states[waiting].holders == ("applicant",)
        assert targets(flow, waiting, "correct_account") == [state]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("vouchers", "joint_check"),
        ("investment", "project_joint_check"),
        ("research", "joint_check"),
        ("events", "joint_check"),
        ("talent", "background_check"),
    ],
)
def test_a_joint_check_waits_for_every_seat_and_one_veto_holds_it(name, state):
    flow = workflow(name)
    conclude = next(step for step in flow.steps_from(state) if step.automatic)
    vetoed = conclude.branches[1].target

    assert len(flow.states[state].holders) >= 3
    assert flow.step(state, "answer_seat").by == flow.states[state].holders
    assert conclude.guards == ("all_seats_answered",)
    assert outcomes(flow, vetoed, "reject") == ["rejected"]
    assert "reason" in flow.step(vetoed, "overrule_veto").requires


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


def test_a_reviewer_sends_a_case_back_but_never_to_the_draft():
    flow = workflow("vouchers")
    returns = {
        step.event: step.by
        for step in flow.steps_from("bureau_review")
        if step.event.startswith("return_to_")
    }

    assert returns == {
        "return_to_submitted": ("lead_bureau.reviewer",),
        "return_to_district_review": ("lead_bureau.reviewer",),
    }


def test_an_event_without_timely_registration_is_refused():
    flow = workflow("events")

    refused = targets(flow, "pre_registered", "confirm_registration")
    assert set(refused) == {"confirmed", "registration_refused"}
    assert outcomes(flow, "registration_refused", "not_accept") == ["not_accepted"]
    assert outcomes(flow, "confirmed", "cancel_event") == ["lapsed"]
    assert outcomes(flow, "held", "claim_lapsed") == ["lapsed"]
    assert (flow.clocks["claim"].limit, flow.clocks["claim"].unit) == (60, "days")


def test_a_matched_title_is_confirmed_declined_or_lapses_after_being_urged():
    flow = workflow("titles")

    assert flow.initial == "matched"
    assert targets(flow, "pushed", "confirm") == ["checked"]
    assert outcomes(flow, "pushed", "decline") == ["withdrawn"]
    assert targets(flow, "pushed", "urge_confirmation") == ["urged"]
    assert outcomes(flow, "urged", "confirmation_lapsed") == ["lapsed"]


@pytest.mark.parametrize(
    ("name", "state", "event", "fails"),
    [
        ("research", "midterm", "conclude_midterm", "midterm_failed"),
        ("research", "acceptance", "conclude_acceptance", "acceptance_failed"),
        ("talent", "midterm", "conclude_midterm", "midterm_failed"),
        ("talent", "final", "conclude_final_evaluation", "final_evaluation_failed"),
        ("platforms/year", "evaluation", "conclude_evaluation", "evaluation_failed"),
    ],
)
def test_a_failed_evaluation_is_put_right_once_then_ended(name, state, event, fails):
    flow = workflow(name)
    stem = fails.removesuffix("_failed")

    assert {f"{stem}_rectifying", fails} <= set(targets(flow, state, event))
    assert fails in targets(flow, f"{stem}_recheck", "conclude_recheck")
    assert f"{stem}_rectifying" not in targets(flow, f"{stem}_recheck", "conclude_recheck")
    assert targets(flow, f"{stem}_rectifying", f"{stem}_rectification_overdue") == [fails]
    assert outcomes(flow, fails, "end_for_failure") == ["terminated"]


def test_who_is_ranked_beyond_the_places_waits_and_may_be_promoted():
    flow = workflow("scenarios")
    branches = flow.step("ranking", "record_rank").branches

    def ranked(number):
        return [b.target for b in branches if all_hold(b.when, {"rank": number})]

    assert ranked(10) == ["joint_check"]
    assert ranked(11) == ["waitlisted"]
    assert targets(flow, "waitlisted", "promote") == ["joint_check"]
    assert outcomes(flow, "waitlisted", "waitlist_over") == ["lapsed"]


@pytest.mark.parametrize(
    ("score", "target"), [(59, "expert_failed"), (60, "defence"), (61, "defence")]
)
def test_the_pass_mark_itself_passes(score, target):
    branches = workflow("research").step("expert_review", "conclude_expert_review").branches

    assert [b.target for b in branches if all_hold(b.when, {"score": score})] == [target]


@pytest.mark.parametrize(
    ("name", "state", "opens", "ends", "cap"),
    [
        ("platforms", "operating", "open_year", "conclude_operation", 600_000_000),
        ("interest", "subsidising", "open_period", "conclude_subsidy", 500_000_000),
    ],
)
def test_a_recurring_claim_opens_by_the_clock_and_ends_at_the_years_or_the_cap(
    name, state, opens, ends, cap
):
    flow = workflow(name)
    clock = flow.clocks[flow.states[state].clock]

    def concludes(children, paid):
        facts = {"children_total": children, "children_paid_fen": paid}
        return any(all_hold(branch.when, facts) for branch in flow.step(state, ends).branches)

    assert (clock.limit, clock.unit, clock.repeats, clock.expiry) == (12, "months", True, opens)
    assert flow.step(state, opens).effects[0].startswith("open_child:")
    assert not concludes(2, cap - 1)
    assert concludes(2, cap)
    assert concludes(3, 0)
    assert "children_settled" in flow.step(state, ends).guards


def test_a_fund_is_tracked_but_never_approved_or_paid_by_the_bureau():
    flow = workflow("funds")

    assert not any(PAYS.intersection(step.effects) for step in flow.steps.values())
    assert {state.end for state in flow.states.values()} == {None, "closed", "withdrawn"}
    for state in ("manager_screening", "due_diligence", "investment_meeting", "invested"):
        assert flow.states[state].holders == ("fund_manager",)
        assert outcomes(flow, state, "record_no_investment") == ["closed"]


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
