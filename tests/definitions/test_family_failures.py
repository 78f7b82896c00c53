"""What goes wrong in any process has its road too: corrections, refusals, objections, 退票."""

import pytest

from caseflow.kernel.conditions import all_hold
from caseflow.kernel.workflow.money_words import PAYS
from tests.definitions.families import (
    ALL,
    APPLIED_FOR,
    DRAFTED,
    PAYING,
    PUBLICISED,
    TRACKED,
    of_each,
    outcomes,
    states_of,
    targets,
    workflow,
)

DECIDES = {
    "allocations": "allocation_computing",
    "deals": "joint_meeting",
    "equity": "joint_meeting",
}
"""Where an amount is decided again that is not merely planned by the bureau."""

PLANNED = tuple(name for name in PAYING if name != "allocations")
UNTRACKED = tuple(name for name in ALL if name not in TRACKED)


@of_each(APPLIED_FOR)
def test_acceptance_is_decided_in_five_days_or_counts_as_given(name):
    flow = workflow(name)
    clock = flow.clocks["acceptance"]

    assert (clock.limit, clock.unit, clock.expiry) == (5, "working_days", "auto_accept")
    assert targets(flow, "submitted", "auto_accept") == targets(flow, "submitted", "accept")
    assert "escalate" in flow.step("submitted", "auto_accept").effects
    assert flow.step("submitted", "accept").starts == ("service",)


@of_each(APPLIED_FOR)
def test_correction_is_asked_once_stops_acceptance_and_lapses(name):
    flow = workflow(name)
    first = flow.step("submitted", "request_correction")
    second = flow.step("submitted", "request_second_correction")

    assert first.guards == ("first_correction",)
    assert "items" in first.requires
    assert first.effects == second.effects == ("count_correction",)
    assert (second.by, "reason" in second.requires) == (("lead_bureau.division_head",), True)
    assert flow.states["correction_requested"].stops == ("acceptance", "service")
    assert flow.clocks["correction"].limit == 10
    assert targets(flow, "correction_requested", "resubmit") == ["submitted"]
    assert outcomes(flow, "correction_requested", "lapse_correction") == ["lapsed"]
    assert outcomes(flow, "submitted", "not_accept") == ["not_accepted"]


@of_each(DRAFTED)
def test_a_draft_is_submitted_under_an_open_call_or_lapses_with_it(name):
    flow = workflow(name)
    submit = flow.step("draft", "submit")

    assert set(submit.guards) == {"policy_in_force", "call_open", "documents_complete"}
    assert flow.clocks["draft"].until == "call_closes_on"
    assert outcomes(flow, "draft", "abandon_draft") == ["lapsed"]
    assert outcomes(flow, "draft", "discard_draft") == ["withdrawn"]


@of_each(UNTRACKED)
def test_withdrawal_is_free_before_the_plan_and_needs_consent_after(name):
    flow = workflow(name)

    for state in flow.states.values():
        free = flow.step(state.code, "withdraw")
        asked = flow.step(state.code, "request_withdrawal")
        assert (free is None) or state.phase in {"intake", "review"}, state.code
        assert (asked is None) or state.phase == "decision", state.code
    assert outcomes(flow, "withdrawal_requested", "consent_withdrawal") == ["withdrawn"]


@of_each(PUBLICISED)
def test_a_listed_case_asks_to_withdraw_and_comes_back_when_refused(name):
    flow = workflow(name)

    assert targets(flow, "publicity", "request_withdrawal") == ["withdrawal_requested"]
    assert flow.step("publicity", "withdraw") is None
    assert flow.step("objection", "request_withdrawal") is None
    assert "publicity" in targets(flow, "withdrawal_requested", "refuse_withdrawal")


@of_each(UNTRACKED)
def test_a_suspended_case_resumes_where_it_stood_and_its_clocks_stand_still(name):
    flow = workflow(name)
    stopped = {step.source for step in flow.steps.values() if step.event == "suspend"}

    assert stopped
    assert stopped <= set(targets(flow, "suspended", "resume"))
    assert set(flow.states["suspended"].stops) == set(flow.clocks) - {"suspension"}
    assert (flow.clocks["suspension"].limit, flow.clocks["suspension"].unit) == (30, "days")
    assert targets(flow, "suspended", "suspension_over") == targets(flow, "suspended", "resume")


@of_each(UNTRACKED)
def test_a_hold_can_be_placed_from_the_plan_on_and_moves_nothing(name):
    flow = workflow(name)

    for state in flow.states.values():
        if state.phase in {"decision", "payment", "follow_up"} and state.end is None:
            assert targets(flow, state.code, "place_hold") == [state.code]
            assert targets(flow, state.code, "lift_hold") == [state.code]


@of_each(PUBLICISED)
def test_an_objection_is_heard_in_the_window_and_decided(name):
    flow = workflow(name)

    assert flow.step("publicity", "object").guards == ("publicity_running",)
    assert "service" in flow.states["objection"].stops
    assert (flow.clocks["objection"].limit, flow.clocks["objection"].unit) == (15, "working_days")
    assert targets(flow, "objection", "objection_overdue") == ["objection"]
    assert targets(flow, "objection", "dismiss_objection") == ["publicity"]
    assert targets(flow, "objection", "partly_uphold_objection") == [DECIDES.get(name, "proposed")]
    assert outcomes(flow, "objection", "uphold_objection") == ["rejected"]
    for event in ("dismiss_objection", "partly_uphold_objection", "uphold_objection"):
        assert flow.step("objection", event).effects == ("settle_objection",)


@of_each(PUBLICISED)
def test_publicity_closes_by_itself_only_when_over_and_undisputed(name):
    close = workflow(name).step("publicity", "close_publicity")

    assert (close.automatic, close.by) == (True, ("system",))
    assert set(close.guards) == {"publicity_over", "no_open_objection"}
    assert workflow(name).clocks["publicity"].until == "publicity_ends_on"


@of_each(PLANNED)
def test_credit_is_checked_before_the_plan_and_before_every_payment(name):
    flow = workflow(name)

    assert "publicity_checked" in flow.step("proposed", "draft_plan").guards
    assert "plan_vetoed" in targets(flow, "proposed", "draft_plan")
    assert outcomes(flow, "plan_vetoed", "reject") == ["rejected"]
    for state in states_of(flow, "payment_requested"):
        number = state.removeprefix("payment_requested")
        assert "payment_checked" in flow.step(state, "request_funds").guards
        assert f"payment_vetoed{number}" in targets(flow, state, "request_funds")
    assert outcomes(flow, "payment_vetoed", "reject") == ["rejected"]


def test_a_later_payment_refused_ends_the_case_unless_shares_are_held_for_the_first():
    for name in PLANNED:
        flow = workflow(name)
        for state in states_of(flow, "payment_vetoed"):
            if "#" in state and name == "equity":
                assert targets(flow, state, "reject") == ["incubating"]
            elif "#" in state:
                assert outcomes(flow, state, "reject") == ["terminated"], (name, state)


def test_credit_is_checked_when_the_district_recommends():
    for name in ALL:
        flow = workflow(name)
        if "district_recommend" in flow.states:
            step = flow.step("district_recommend", "recommend")
            assert "acceptance_checked" in step.guards, name
            assert "review_vetoed" in targets(flow, "district_recommend", "recommend"), name
            assert outcomes(flow, "review_vetoed", "reject") == ["rejected"], name


@of_each(PAYING)
def test_money_leaves_only_in_force_without_hold_and_within_the_publicised_amount(name):
    flow = workflow(name)

    if name != "allowances/period":  # nothing of its own is publicised
        assert "approval_within_publicity" in flow.step("awaiting_approval", "approve").guards
        assert "plan_within_ceiling" in flow.step("publicity_pending", "publicise").guards
    paying = [step for step in flow.steps.values() if PAYS.intersection(step.effects)]
    assert paying
    for step in paying:
        assert {"matter_in_force", "no_hold", "payment_cleared"} <= set(step.guards), step.event
    for state in states_of(flow, "disbursing"):
        assert flow.step(state, "confirm_payment").by == ("finance.treasury",)
        assert "voucher_no" in flow.step(state, "confirm_payment").requires


@of_each(PAYING)
def test_a_returned_payment_waits_for_the_account_and_is_paid_again(name):
    flow = workflow(name)
    payee = {"instant_vouchers/settlement": "platform_operator"}.get(name, "applicant")

    for state in states_of(flow, "disbursing"):
        number = state.removeprefix("disbursing")
        waiting = f"account_correction{number}"
        assert targets(flow, state, "return_payment") == [waiting]
        assert flow.states[waiting].holders == (payee,)
        assert targets(flow, waiting, "correct_account") == [state]


def test_a_joint_check_waits_for_every_seat_and_one_veto_holds_it():
    checks = ("joint_check", "project_joint_check", "background_check")
    found = {(name, state) for name in ALL for state in checks if state in workflow(name).states}

    assert {("investment", checks[1]), ("talent", checks[2]), ("vouchers", checks[0])} <= found
    for name, state in found:
        flow = workflow(name)
        conclude = next(step for step in flow.steps_from(state) if step.automatic)
        vetoed = conclude.branches[1].target
        assert len(flow.states[state].holders) >= 3, name
        assert flow.step(state, "answer_seat").by == flow.states[state].holders, name
        assert conclude.guards == ("all_seats_answered",), name
        assert outcomes(flow, vetoed, "reject") == ["rejected"], name
        assert "reason" in flow.step(vetoed, "overrule_veto").requires, name


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
        ("platforms", "acceptance", "conclude_acceptance", "acceptance_failed"),
        ("platforms/year", "evaluation", "conclude_evaluation", "evaluation_failed"),
        ("deals", "acceptance", "conclude_acceptance", "acceptance_failed"),
        ("laboratories", "acceptance", "conclude_acceptance", "acceptance_failed"),
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
        facts = [{"rank": number, "within_quota": free} for free in (True, False)]
        return [b.target for each in facts for b in branches if all_hold(b.when, each)]

    assert ranked(10) == ["joint_check", "waitlisted"]
    assert ranked(11) == ["waitlisted", "waitlisted"]
    assert targets(flow, "waitlisted", "promote") == ["joint_check"]
    assert outcomes(flow, "waitlisted", "waitlist_over") == ["lapsed"]


@pytest.mark.parametrize(
    ("score", "target"), [(59, "expert_failed"), (60, "defence_panel"), (61, "defence_panel")]
)
def test_the_pass_mark_itself_passes(score, target):
    branches = workflow("research").step("expert_review", "conclude_expert_review").branches

    assert [b.target for b in branches if all_hold(b.when, {"panel_score": score})] == [target]


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

    def holds(event, children, paid=0):
        facts = {"children_total": children, "children_paid_fen": paid}
        return any(all_hold(branch.when, facts) for branch in flow.step(state, event).branches)

    assert (clock.limit, clock.unit, clock.repeats, clock.expiry) == (12, "months", True, opens)
    assert flow.step(state, opens).effects[0].startswith("open_child:")
    assert not holds("begin_last", 2)
    assert holds("begin_last", 3)
    assert not holds(ends, 2, cap - 1)
    assert holds(ends, 2, cap)
    assert not holds(ends, 3, cap)
    assert "children_settled" in flow.step(state, ends).guards


@pytest.mark.parametrize(
    ("name", "state", "ends", "after"),
    [
        ("platforms", "operating", "conclude_operation", ["acceptance"]),
        ("interest", "subsidising", "conclude_subsidy", ["disbursed"]),
    ],
)
def test_once_the_last_has_begun_no_clock_runs_and_all_wait_for_it(name, state, ends, after):
    flow = workflow(name)
    (last,) = targets(flow, state, "begin_last")
    step = flow.step(last, ends)

    assert (flow.states[last].holders, flow.states[last].clock) == (("system",), None)
    assert flow.step(state, "begin_last").automatic
    assert (step.automatic, step.guards) == (True, ("children_settled",))
    assert targets(flow, last, ends) == after


def test_a_loan_gone_wrong_in_its_last_period_is_reported_too():
    flow = workflow("interest")

    assert targets(flow, "subsidy_ending", "report_irregularity") == ["loan_irregular"]
    assert targets(flow, "loan_irregular", "clear_irregularity") == ["subsidising"]


def test_a_fund_is_tracked_but_never_approved_or_paid_by_the_bureau():
    flow = workflow("funds")

    assert not any(PAYS.intersection(step.effects) for step in flow.steps.values())
    assert {state.end for state in flow.states.values()} == {None, "closed", "withdrawn"}
    for state in ("manager_screening", "due_diligence", "investment_meeting", "invested"):
        assert flow.states[state].holders == ("fund_manager",)
        assert outcomes(flow, state, "record_no_investment") == ["closed"]
