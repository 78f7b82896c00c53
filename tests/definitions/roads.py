"""The road of a case without trouble, through every process: written from handbook 4 by hand."""

APPLICATION = "draft submitted district_review district_recommend"
FORMAL = "formal_review formal_recheck"
EXPERTS = "expert_panel expert_review"
DEFENCE = "defence_panel defence"
AUDITED = "bureau_review third_party_audit bureau_review reviewed"
VERIFIED = "verification verification_recheck"
OFFERED = "proposed plan_review"
PUBLICITY = "publicity_pending publicity"
PLAN = f"{OFFERED} leadership_meeting {PUBLICITY}"
APPROVAL = "awaiting_approval approved"
CONTRACT = "contract_drafting contracted contract_sealing"
MILESTONES = "implementing milestone_reported last_milestone_open acceptance disbursed"


def payment(number=""):
    states = ("payment_requested", "finance_review", "fund_released", "disbursing")
    return " ".join(state + number for state in states)


PAID = f"{APPROVAL} {payment()} disbursed"
VOUCHER = f"draft submitted voucher_precheck {FORMAL} joint_check {PLAN} {APPROVAL}"

MAIN_ROADS = {
    "allocations": (
        "factor_collection factor_audit allocation_computing allocation_computed"
        f" leadership_meeting gov_approval {PUBLICITY} {APPROVAL} {payment()}"
        " district_plan district_plan_check district_spending district_spent performance_review"
        " settled"
    ),
    "deals": (
        f"{APPLICATION} deal_study deal_consultation third_party_assessment legality_filing"
        f" legality_review fiscal_opinion joint_meeting gov_approval {OFFERED} {PUBLICITY}"
        f" {APPROVAL} {CONTRACT} {MILESTONES}"
    ),
    "deals/milestone": f"milestone_claim {VERIFIED} {PLAN} {PAID}",
    "equity": (
        f"{APPLICATION} {FORMAL} {EXPERTS} equity_diligence joint_meeting {OFFERED} {PUBLICITY}"
        f" {APPROVAL} equity_drafting equity_signing trustee_signing equity_sealing {payment()}"
        f" granted incubating midterm tranche_due {payment('#2')} granted#2 incubating"
        " conversion_pending converting equity_held equity_monitoring statement_review"
        " equity_monitoring exit_review exiting exited"
    ),
    "events": (
        "registration_draft pre_registered confirmed held submitted"
        f" {VERIFIED} joint_check {PLAN} {PAID}"
    ),
    "funds": (
        "fund_set_up project_recommended manager_screening due_diligence investment_meeting"
        " invested post_investment exited"
    ),
    "concessions": f"draft submitted targets_check trustee_review finance_opinion {PLAN} {PAID}",
    "guarantees": (
        "project_listed referred guarantor_accepted guaranteed rate_checking rate_checked"
        " guarantee_reported closed"
    ),
    "fee_support": f"{APPLICATION} fee_checking {AUDITED} joint_check {PLAN} {PAID}",
    "interest": (
        "draft submitted project_recognised recognition_review joint_check loan_registered"
        " loan_check subsidising subsidy_ending disbursed"
    ),
    "interest/period": f"period_claim bank_confirm {VERIFIED} {PLAN} {PAID}",
    "investment": (
        f"filing filing_check project_filed completed {APPLICATION} onsite_check {AUDITED}"
        f" project_joint_check {EXPERTS} gov_approval {PLAN} {APPROVAL}"
        f" {payment()} supervising supervision_review disbursed"
    ),
    "platforms": (
        f"{APPLICATION} {FORMAL} onsite_check {EXPERTS} joint_check {PLAN} recognised"
        f" construction_plan_review {CONTRACT} operating operation_ending acceptance disbursed"
    ),
    "platforms/year": f"self_report {AUDITED} evaluation {PLAN} {PAID}",
    "laboratories": (
        f"{APPLICATION} {FORMAL} onsite_check {EXPERTS} joint_check {PLAN} {APPROVAL}"
        " approval_awaited approval_check recognised construction_plan_review"
        f" {CONTRACT} {MILESTONES}"
    ),
    "laboratories/milestone": f"milestone_claim milestone_evaluation {VERIFIED} {PLAN} {PAID}",
    "yearly_awards": (
        f"{APPLICATION} {FORMAL} onsite_check {EXPERTS} award_evaluation award_recheck joint_check"
        f" {PLAN} {PAID}"
    ),
    "research": (
        f"{APPLICATION} {FORMAL} {EXPERTS} {DEFENCE} negotiation indicators_offered joint_check"
        f" {PLAN} {APPROVAL} {CONTRACT} {payment()} performing midterm {payment('#2')}"
        f" performing#2 acceptance {payment('#3')} results_pending results_registered disbursed"
    ),
    "matched_research": (
        f"{APPLICATION} {FORMAL} matching_base joint_check {PLAN} {APPROVAL} {payment()}"
        " national_project national_result_check disbursed"
    ),
    "scenarios": (
        f"{APPLICATION} {FORMAL} matching_base {EXPERTS} onsite_check ranking joint_check {PLAN}"
        f" named {APPROVAL} {payment()} supervising supervision_review disbursed"
    ),
    "opportunities": (
        "service_draft submitted need_check need_signing need_publishing opportunity_listed"
        " opportunity_matched opportunity_confirming closed"
    ),
    "talent": (
        f"{APPLICATION} qualification {EXPERTS} {DEFENCE} ranking background_check leading_group"
        f" {PLAN} {APPROVAL} {CONTRACT} {payment()} performing midterm {payment('#2')} performing#2"
        f" final {payment('#3')} disbursed"
    ),
    "allowances": (
        f"draft submitted insurance_check entitlement_check entitlement_recheck {PLAN}"
        " allowance_granting allowance_running allowance_ending allowance_over"
    ),
    "allowances/period": f"allowance_claim months_check {VERIFIED} {OFFERED} {PAID}",
    "recommendations": (
        "service_draft submitted nomination nomination_signing recommendation_check"
        " recommendation_recheck recommendation_deciding recommendation_issuing"
        " recommendation_pending recommended"
    ),
    "titles": f"matched pushed checked check_review {PLAN} {PAID}",
    "vouchers": f"{APPLICATION} {AUDITED} joint_check {PLAN} {PAID}",
    "issued_vouchers": (
        f"{VOUCHER} voucher_granting voucher_issued voucher_used voucher_settling settled"
    ),
    "issued_vouchers/redemption": (
        f"redemption_claim submitted district_review district_recommend {AUDITED} {PLAN} {PAID}"
    ),
    "instant_vouchers": (
        f"{VOUCHER} voucher_granting voucher_activation voucher_live voucher_settling settled"
    ),
    "instant_vouchers/settlement": f"settlement_claim {VERIFIED} {PLAN} {PAID}",
}
