"""Guarantees, fee support, concessions, allocations, matched research: where they branch."""

import pytest

from caseflow.kernel.conditions import all_hold
from tests.definitions.families import compiled, leads, outcomes, pays, targets, workflow


def taken(name, state, event, **facts):
    return leads(workflow(name), state, event, **facts)


def test_a_guarantee_is_tracked_but_neither_approved_nor_paid():
    flow = workflow("guarantees")

    assert not pays(flow)
    assert flow.opened_by == ("lead_bureau.handler",)
    for state in ("referred", "guarantor_accepted"):
        assert flow.states[state].holders == ("guarantor",)
        assert targets(flow, state, "decline_guarantee") == ["declined"]
        assert outcomes(flow, state, "decline_guarantee") == ["closed"]
        assert outcomes(flow, state, "decline_referral") == ["withdrawn"]


@pytest.mark.parametrize(
    ("rate", "target"), [(99, "rate_checked"), (100, "rate_checked"), (101, "rate_violation")]
)
def test_the_ceiling_of_the_fee_itself_is_allowed(rate, target):
    assert taken("guarantees", "rate_checking", "check_rate", fee_rate_bp=rate) == [target]


def test_the_ceiling_of_the_fee_is_the_measures():
    flow = compiled("guarantees", parameters={"fee_rate_ceiling": 50})["guarantees"]
    branches = flow.step("rate_checking", "check_rate").branches

    assert [b.target for b in branches if all_hold(b.when, {"fee_rate_bp": 51})] == [
        "rate_violation"
    ]


def test_a_fee_too_high_is_corrected_or_the_guarantee_is_excluded():
    flow = workflow("guarantees")

    assert targets(flow, "rate_violation", "order_rate_correction") == ["rate_correcting"]
    assert targets(flow, "rate_correcting", "correct_rate") == ["rate_checking"]
    assert "fee_rate_bp" in flow.step("rate_correcting", "correct_rate").requires
    assert targets(flow, "rate_correcting", "rate_correction_overdue") == ["rate_violation"]
    assert targets(flow, "rate_violation", "exclude_guarantee") == ["excluded"]
    assert targets(flow, "rate_checked", "report_rate_change") == ["guaranteed"]


def test_a_fee_that_was_not_paid_is_not_supported():
    flow = workflow("fee_support")

    assert taken("fee_support", "fee_checking", "confirm_fee", fee_paid=True) == ["bureau_review"]
    assert taken("fee_support", "fee_checking", "confirm_fee", fee_paid=False) == [
        "fee_unconfirmed"
    ]
    assert outcomes(flow, "fee_unconfirmed", "reject") == ["rejected"]


def test_a_concession_asks_for_targets_only_where_the_measure_keeps_them():
    without = compiled("concessions", without=("targets_check",), flags=("selective",))

    assert targets(without["concessions"], "submitted", "accept") == ["trustee_review"]
    assert taken("concessions", "targets_check", "verify_targets", targets_met=False) == [
        "targets_unmet"
    ]
    assert outcomes(workflow("concessions"), "targets_unmet", "reject") == ["rejected"]


def test_trustee_and_finance_agree_on_a_concession_before_the_plan():
    flow = workflow("concessions")

    assert flow.states["trustee_review"].holders == ("trustee",)
    assert flow.states["finance_opinion"].holders == ("finance.division",)
    assert taken(
        "concessions", "finance_opinion", "give_finance_opinion", concession_supported=True
    ) == ["proposed"]
    assert targets(flow, "concession_disputed", "order_new_concession_review") == ["trustee_review"]
    assert outcomes(flow, "concession_disputed", "reject") == ["rejected"]


def test_an_allocation_is_computed_from_audited_factors_and_keeps_its_formula():
    flow = workflow("allocations")
    compute = flow.step("allocation_computing", "compute_allocation")

    assert flow.opened_by == ("lead_bureau.handler",)
    assert flow.states["factor_audit"].holders == ("cosign.statistics",)
    assert taken("allocations", "factor_audit", "audit_factors", factors_true=False) == [
        "factor_collection"
    ]
    kept = {"allocation_score", "allocation_weights", "allocation_formula", "planned_fen"}
    assert kept <= set(compute.requires)
    assert compute.guards == ("plan_within_ceiling",)


def test_an_allocation_goes_back_to_the_computation_never_to_a_plan():
    flow = workflow("allocations")

    for state, event in (
        ("leadership_meeting", "return_plan"),
        ("objection", "partly_uphold_objection"),
        ("awaiting_approval", "return_plan"),
    ):
        assert targets(flow, state, event) == ["allocation_computing"]
    assert "proposed" not in flow.states


def test_an_allocation_may_leave_out_the_government():
    without = compiled("allocations", without=("gov_approval",), flags=("selective",))

    assert targets(without["allocations"], "leadership_meeting", "agree_plan") == [
        "publicity_pending"
    ]


@pytest.mark.parametrize(("unused", "target"), [(0, "settled"), (1, "transfer_surplus")])
def test_money_a_district_did_not_use_is_recovered_or_offset(unused, target):
    flow = workflow("allocations")
    concluded = taken(
        "allocations", "performance_review", "conclude_transfer_review", transfer_unused_fen=unused
    )

    assert concluded == [target]
    for event in ("recover_surplus", "offset_surplus"):
        assert targets(flow, "transfer_surplus", event) == ["settled"]
        assert "basis" in flow.step("transfer_surplus", event).requires


def test_a_district_lists_its_projects_in_thirty_days_and_shows_receipts():
    flow = workflow("allocations")
    clock = flow.clocks["district_plan"]

    assert (clock.limit, clock.unit) == (30, "days")
    assert targets(flow, "district_plan_check", "return_projects") == ["district_plan"]
    assert targets(flow, "district_spent", "return_spending") == ["district_spending"]
    assert "district_spent_fen" in flow.step("district_spending", "report_spending").requires


@pytest.mark.parametrize(("received", "target"), [(1, "joint_check"), (0, "matching_waiting")])
def test_matching_waits_for_the_money_of_the_state(received, target):
    found = taken(
        "matched_research", "matching_base", "confirm_receipts", national_received_fen=received
    )

    assert found == [target]


def test_matched_money_is_paid_in_step_with_arrivals():
    flow = workflow("matched_research")

    def after(state, unpaid):
        facts = {"unpaid_fen": unpaid, "district_payments_open": 0}
        return taken("matched_research", state, "city_share_paid", **facts)

    assert after("disbursing", 1) == after("disbursing#2", 1) == ["arrival_waiting"]
    assert after("disbursing", 0) == after("disbursing#2", 0) == ["national_project"]
    assert targets(flow, "arrival_check", "confirm_arrival") == ["payment_requested#2"]
    assert targets(flow, "arrival_check", "return_arrival") == ["arrival_waiting"]
    assert targets(flow, "arrival_waiting", "report_no_arrival") == ["national_project"]
    assert outcomes(flow, "payment_vetoed", "reject") == ["rejected"]
    assert outcomes(flow, "payment_vetoed#2", "reject") == ["terminated"]


@pytest.mark.parametrize(
    ("result", "target"),
    [("pass", "disbursed"), ("conclude", "disbursed"), ("fail", "national_failed")],
)
def test_matched_research_is_accepted_by_the_national_task_book(result, target):
    flow = workflow("matched_research")
    found = taken(
        "matched_research",
        "national_result_check",
        "record_national_result",
        national_result=result,
    )

    assert found == [target]
    assert outcomes(flow, "national_failed", "end_for_failure") == ["terminated"]
    assert "minutes_no" in flow.step("national_failed", "excuse_failure").requires
