"""拨投股 and 一事一议: who decides, what is refused, and what is recovered."""

import pytest

from caseflow.kernel.errors import DefinitionError
from tests.definitions.families import (
    compiled,
    flags_of,
    leads,
    library,
    main_road,
    outcomes,
    states_of,
    targets,
    workflow,
)


@pytest.mark.parametrize(
    ("result", "target"),
    [("favourable", "joint_meeting"), ("conditional", "joint_meeting"),
     ("adverse", "diligence_adverse")],
)  # fmt: skip
def test_the_trustee_examines_before_the_joint_meeting_decides(result, target):
    flow = workflow("equity")

    assert flow.states["equity_diligence"].holders == ("trustee",)
    assert flow.states["equity_diligence"].stops == ("service",)
    assert leads(flow, "equity_diligence", "report_diligence", diligence_result=result) == [target]
    assert outcomes(flow, "diligence_adverse", "reject") == ["rejected"]


def test_a_plan_returned_at_approval_goes_to_the_joint_meeting_again():
    for name in ("equity", "deals"):
        assert targets(workflow(name), "awaiting_approval", "return_plan") == ["joint_meeting"]


def test_three_parties_sign_an_agreement_that_fixes_the_conversion():
    flow = workflow("equity")
    send = flow.step("equity_drafting", "send_equity_agreement")
    seal = flow.step("equity_sealing", "seal_equity_agreement")

    assert {"conversion_triggers", "price_rule", "buyback_terms", "exemption_terms"} <= set(
        send.requires
    )
    assert flow.states["equity_signing"].holders == ("applicant",)
    assert flow.states["trustee_signing"].holders == ("trustee",)
    assert flow.states["equity_sealing"].holders == ("lead_bureau.leader",)
    assert (seal.starts, seal.ends) == (("incubation_term",), ("service",))
    assert outcomes(flow, "equity_signing", "decline_equity_agreement") == ["withdrawn"]


@pytest.mark.parametrize(("cap", "target"), [(20, "equity_signing"), (21, "equity_drafting")])
def test_no_agreement_promises_more_than_the_greatest_share(cap, target):
    flow = workflow("equity")

    assert leads(flow, "equity_drafting", "send_equity_agreement", agreed_share_cap=cap) == [target]


def test_the_money_goes_through_the_trustee_to_the_company():
    flow = workflow("equity")

    for number, back in (("", "incubating"), ("#2", "incubating")):
        partly, wholly = f"partially_disbursed{number}", f"granted{number}"
        assert set(targets(flow, f"disbursing{number}", "city_share_paid")) == {partly, wholly}
        assert set(targets(flow, partly, "all_paid")) == {wholly}
        assert flow.states[f"granted{number}"].holders == ("trustee",)
        assert targets(flow, f"granted{number}", "transfer_to_company") == [back]
        assert (flow.clocks[f"transfer{number}"].limit) == 10


def test_the_next_tranche_follows_a_midterm_passed_and_only_while_something_is_unpaid():
    flow = workflow("equity")

    assert "tranche_due" in targets(flow, "midterm", "conclude_midterm")
    assert leads(flow, "tranche_due", "decide_tranche", unpaid_fen=1) == ["payment_requested#2"]
    assert leads(flow, "tranche_due", "decide_tranche", unpaid_fen=0) == ["incubating"]


def test_the_company_reports_every_half_year_and_the_trustee_every_quarter():
    flow = workflow("equity")

    for name, months in (("incubation_report", 6), ("statement", 3)):
        clock = flow.clocks[name]
        assert (clock.limit, clock.unit, clock.repeats) == (months, "months", True)
    assert flow.states["incubating"].holders == ("applicant",)
    assert flow.states["equity_monitoring"].holders == ("trustee",)


def test_a_trigger_is_converted_in_thirty_days_notice_and_sixty_working_days():
    flow = workflow("equity")

    assert targets(flow, "incubating", "report_trigger") == ["conversion_pending"]
    assert flow.step("incubating", "report_trigger").by == ("applicant", "trustee")
    assert flow.step("incubating", "report_trigger").ends == ("incubation_term",)
    assert (flow.clocks["conversion_notice"].limit, flow.clocks["conversion_notice"].unit) == (
        30,
        "days",
    )
    assert (flow.clocks["conversion"].limit, flow.clocks["conversion"].unit) == (
        60,
        "working_days",
    )


@pytest.mark.parametrize(("within", "target"), [(True, "equity_held"),
                                                (False, "conversion_meeting")])  # fmt: skip
def test_shares_beyond_the_cap_or_the_largest_holding_go_to_the_joint_meeting(within, target):
    facts = {"conversion_within_cap": within}

    assert leads(workflow("equity"), "converting", "register_conversion", **facts) == [target]


def test_the_joint_meeting_may_order_a_conversion_beyond_the_agreed_cap():
    order = workflow("equity").step("conversion_meeting", "order_conversion")

    assert set(order.accepts) == {"meeting_share_cap", "meeting_may_be_largest"}
    assert "minutes_no" in order.requires
    assert order.effects == ("limit_conversion",)


def test_every_act_that_moves_money_of_the_pool_says_so():
    flow = workflow("equity")
    effects = {
        step.event: step.effects[0] for step in flow.steps.values() if step.effects[:1] != ()
    }

    assert {
        "transfer_to_company": "grant_from_pool",
        "return_transfer": "return_to_trustee",
        "register_conversion": "convert_equity",
        "record_equity_exit": "exit_equity",
        "confirm_repayment": "repay_pool",
        "record_recovery": "recover_pool",
        "recognise_equity_loss": "lose_equity",
        "keep_as_grant": "keep_grant",
        "waive_and_exempt": "keep_grant",
    }.items() <= effects.items()


def test_a_transfer_that_the_bank_returned_is_made_again_by_the_trustee_alone():
    flow = workflow("equity")

    for state in ("incubating", "incubation_review"):
        step = flow.step(state, "return_transfer")
        assert (targets(flow, state, "return_transfer"), step.by) == (["granted"], ("trustee",))
        assert {"bounced_fen", "document_no", "reason"} <= set(step.requires)
    assert flow.step("midterm_review", "return_transfer") is None


def test_a_conversion_is_waived_by_the_joint_meeting_alone():
    flow = workflow("equity")
    repaid = flow.step("conversion_meeting", "waive_for_repayment")

    for state in ("conversion_pending", "converting"):
        assert targets(flow, state, "propose_waiver") == ["conversion_meeting"]
    assert [branch.target for branch in repaid.branches] == ["repayment"]
    assert targets(flow, "conversion_meeting", "waive_and_exempt") == ["exempted"]
    assert "minutes_no" in repaid.requires


@pytest.mark.parametrize(
    ("event", "target"),
    [
        ("keep_as_grant", "kept_as_grant"),
        ("demand_repayment", "repayment"),
        ("extend_incubation", "incubating"),
        ("report_trigger", "conversion_pending"),
    ],
)
def test_a_term_that_ends_without_conversion_is_settled_as_agreed(event, target):
    flow = workflow("equity")

    assert targets(flow, "incubating", "request_acceptance") == ["acceptance"]
    assert "settled_no_conversion" in targets(flow, "acceptance", "conclude_acceptance")
    assert targets(flow, "settled_no_conversion", event) == [target]
    assert flow.step("settled_no_conversion", "extend_incubation").starts == ("incubation_term",)


def test_repayment_ends_when_all_of_it_has_come_and_is_enforced_when_it_has_not():
    flow = workflow("equity")

    assert leads(flow, "repayment", "confirm_repayment", repayment_complete=True) == ["repaid"]
    assert leads(flow, "repayment", "confirm_repayment", repayment_complete=False) == ["repayment"]
    assert targets(flow, "repayment", "refer_to_recovery") == ["recovery"]


def test_a_breach_is_examined_heard_and_decided_before_anything_is_recovered():
    flow = workflow("equity")
    opened = {step.source for step in flow.steps.values() if step.event == "open_recovery"}

    assert {"incubating", "midterm", "granted", "equity_monitoring", "exiting"} <= opened
    assert flow.step("incubating", "open_recovery").guards == ("no_payment_open",)
    assert opened == set(targets(flow, "recovery_check", "find_no_breach"))
    assert opened == set(targets(flow, "recovery_decision", "drop_recovery"))
    assert targets(flow, "recovery_check", "notify_breach") == ["recovery_notified"]
    assert (flow.clocks["hearing"].limit, flow.clocks["hearing"].unit) == (5, "working_days")
    for event in ("make_statement", "hearing_over"):
        assert targets(flow, "recovery_notified", event) == ["recovery_decision"]
    decided = flow.step("recovery_decision", "decide_recovery")
    assert {"reason", "reason_code", "remedy", "document_no"} <= set(decided.requires)
    assert [branch.target for branch in decided.branches] == ["recovery"]


def test_what_is_recovered_is_recorded_and_what_is_not_paid_is_enforced():
    flow = workflow("equity")

    for state in ("recovery", "recovery_enforced"):
        assert leads(flow, state, "record_recovery", recovery_complete=True) == ["recovered"]
        assert leads(flow, state, "record_recovery", recovery_complete=False) == [state]
        assert "recovered_fen" in flow.step(state, "record_recovery").requires
    assert (flow.clocks["recovery"].limit, flow.clocks["recovery"].unit) == (30, "days")
    assert targets(flow, "recovery", "recovery_overdue") == ["recovery_enforced"]
    assert targets(flow, "recovery_enforced", "propose_write_off") == ["loss_opinions"]


@pytest.mark.parametrize("state", ["midterm_failed", "acceptance_failed"])
def test_a_failed_project_is_recovered_not_merely_terminated(state):
    assert targets(workflow("equity"), state, "end_for_failure") == ["recovery"]


def test_a_loss_in_good_faith_is_recognised_and_exempted():
    flow = workflow("equity")
    reported = {step.source for step in flow.steps.values() if step.event == "report_equity_loss"}

    assert {"incubating", "midterm_failed", "converting", "equity_monitoring"} <= reported
    assert flow.states["loss_opinions"].holders == ("finance.division", "audit_firm")
    assert flow.step("loss_opinions", "conclude_loss_opinions").guards == ("all_seats_answered",)
    assert targets(flow, "loss_meeting", "recognise_equity_loss") == ["loss_recognised"]
    assert targets(flow, "loss_recognised", "record_exemption") == ["exempted"]
    assert targets(flow, "loss_meeting", "refuse_equity_loss") == ["recovery"]
    assert set(targets(flow, "loss_meeting", "return_equity_loss")) == {
        *reported,
        "recovery_enforced",
    }


def test_no_recovery_is_suspended_so_that_the_remembered_state_stays():
    flow = workflow("equity")

    for stage_state in library().stages["equity_recovery"].data["states"]:
        for state in states_of(flow, stage_state):
            assert flow.step(state, "suspend") is None


# --- 一事一议


def test_a_deal_is_studied_by_several_and_one_no_sends_it_back():
    flow = workflow("deals")
    conclude = flow.step("deal_consultation", "conclude_consultation")

    assert "finance.division" in flow.states["deal_consultation"].holders
    assert conclude.guards == ("all_seats_answered",)
    assert [b.target for b in conclude.branches] == ["third_party_assessment", "study_objected"]
    assert targets(flow, "study_objected", "order_new_study") == ["deal_study"]
    assert flow.step("study_objected", "overrule_veto") is None


def test_a_deal_that_fails_legality_or_fairness_is_changed_or_refused_never_overruled():
    flow = workflow("deals")
    conclude = flow.step("legality_review", "conclude_legality")
    exception = flow.step("legality_filing", "submit_with_exception")

    assert flow.states["legality_review"].holders == ("cosign.legal", "cosign.fairness")
    assert [b.target for b in conclude.branches] == ["fiscal_opinion", "legality_failed"]
    onward = {
        branch.target
        for event in ("revise_deal", "reject")
        for branch in flow.step("legality_failed", event).branches
    }
    assert onward == {"legality_filing", "rejected"}
    assert flow.step("legality_failed", "overrule_veto") is None
    assert {"exception_ground", "exception_ends"} <= set(exception.requires)


def test_an_adverse_assessment_and_an_unaffordable_deal_stop_before_the_government():
    flow = workflow("deals")

    assert leads(
        flow, "third_party_assessment", "report_assessment", assessment_result="adverse"
    ) == ["assessment_adverse"]
    assert leads(flow, "fiscal_opinion", "give_fiscal_opinion", affordable=False) == [
        "unaffordable"
    ]
    for state in ("assessment_adverse", "unaffordable", "joint_meeting_declined", "gov_declined"):
        assert outcomes(flow, state, "reject") == ["rejected"]


def test_a_changed_deal_goes_back_to_the_government_and_an_unchanged_one_goes_on():
    flow = workflow("deals")

    assert targets(flow, "renegotiation", "agree_renegotiation") == ["gov_change"]
    assert targets(flow, "gov_change", "approve_by_government") == ["proposed"]
    assert targets(flow, "gov_change", "decline_government_change") == ["implementing"]
    assert targets(flow, "renegotiation", "refuse_renegotiation") == ["implementing"]


def test_a_deal_that_is_not_selective_is_publicised_only_with_its_milestones():
    without = ("plan", "publicity")
    flow = compiled("deals", without=without, flags=flags_of("deals"))["deals"]

    assert targets(flow, "gov_approval", "approve_by_government") == ["awaiting_approval"]
    assert targets(flow, "gov_change", "approve_by_government") == ["awaiting_approval"]
    assert flow.states[main_road(flow)[-1]].end == "disbursed"


def test_the_governments_approval_cannot_be_left_out_of_a_deal():
    with pytest.raises(DefinitionError, match="stage-not-optional"):
        compiled("deals", without=("gov_approval",), flags=flags_of("deals"))
