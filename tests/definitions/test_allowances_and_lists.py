"""津贴补贴、推荐名单、机会清单、年度评定: what branches off their roads, how they fail."""

import pytest

from caseflow.kernel.errors import DefinitionError
from caseflow.kernel.workflow.graph import edges, reachable
from caseflow.kernel.workflow.money_words import PAYS
from tests.definitions.families import compiled, leads, outcomes, pays, targets, workflow

TEN_YEARS = {"period_months": 12, "allowance_periods": 10}


# --- what gives no money


@pytest.mark.parametrize("name", ["recommendations", "opportunities"])
def test_a_draft_without_amounts_is_submitted_discarded_or_lapses(name):
    flow = workflow(name)
    submit = flow.step("service_draft", "submit")

    assert set(submit.guards) == {"policy_in_force", "call_open", "documents_complete"}
    assert outcomes(flow, "service_draft", "discard_draft") == ["withdrawn"]
    assert outcomes(flow, "service_draft", "abandon_draft") == ["lapsed"]
    assert outcomes(flow, "submitted", "not_accept") == ["not_accepted"]
    assert outcomes(flow, "correction_requested", "lapse_correction") == ["lapsed"]


# --- 津贴补贴


@pytest.mark.parametrize(
    ("employed", "insured", "parallel", "target"),
    [
        (True, True, False, "entitlement_recheck"),
        (True, True, True, "unentitled"),
        (True, False, False, "unentitled"),
        (True, False, True, "unentitled"),
        (False, True, False, "unentitled"),
        (False, False, True, "unentitled"),
    ],
)
def test_only_who_works_here_is_insured_and_has_no_like_allowance_is_entitled(
    employed, insured, parallel, target
):
    facts = {"employment_met": employed, "insurance_met": insured, "parallel_allowance": parallel}

    found = leads(workflow("allowances"), "entitlement_check", "conclude_entitlement", **facts)

    assert found == [target]


def test_insurance_is_confirmed_by_the_social_security_bureau_and_not_declared():
    flow = workflow("allowances")
    step = flow.step("insurance_check", "confirm_insurance")

    assert step.by == flow.states["insurance_check"].holders == ("cosign.social_security",)
    assert {"employment_met", "insurance_met"} <= set(step.requires)
    assert outcomes(flow, "unentitled", "reject") == ["rejected"]
    assert targets(flow, "unentitled", "return_to_handler") == ["insurance_check"]


def test_no_period_opens_before_the_first_grant_was_publicised():
    flow = workflow("allowances")
    before = reachable(
        [flow.initial], edges(flow), passing=lambda step: step.event != "close_publicity"
    )
    opening = {step.source for step in flow.steps.values() if "open_child:period" in step.effects}

    assert opening == {"allowance_running", "allowance_changing"}
    assert not opening & before
    assert not pays(flow)


def test_a_period_is_paid_without_a_publicity_of_its_own():
    flow = workflow("allowances/period")

    assert "publicity" not in flow.states
    paying = {step.event for step in flow.steps.values() if PAYS.intersection(step.effects)}
    assert paying == {"release", "offset_payment", "confirm_payment", "confirm_district_payment"}


def test_a_period_is_claimed_after_the_policy_has_ended_but_never_submitted_anew():
    claim = workflow("allowances/period").step("allowance_claim", "claim_period")

    assert claim.guards == ("documents_complete",)
    assert "policy_in_force" in workflow("allowances").step("draft", "submit").guards


@pytest.mark.parametrize(
    ("months", "target"),
    [(0, "months_none"), (1, "verification"), (3, "verification"), (4, "months_check")],
)
def test_a_quarter_counts_one_to_three_months_and_none_pays_nothing(months, target):
    flow = workflow("allowances/period")

    assert leads(flow, "months_check", "confirm_months", months_eligible=months) == [target]
    assert outcomes(flow, "months_none", "reject") == ["rejected"]
    assert targets(flow, "months_none", "recheck_months") == ["months_check"]


def test_a_period_nobody_claims_lapses_and_only_that_one():
    flow = workflow("allowances/period")

    assert outcomes(flow, "allowance_claim", "period_claim_lapsed") == ["lapsed"]
    assert (flow.clocks["allowance_claim"].limit, flow.clocks["allowance_claim"].unit) == (
        60,
        "days",
    )


@pytest.mark.parametrize(("parameters", "months", "periods"), [({}, 3, 12), (TEN_YEARS, 12, 10)])
def test_the_clock_opens_every_period_and_the_last_begins_at_their_number(
    parameters, months, periods
):
    found = compiled("allowances", flags=("selective",), parameters=parameters)
    flow, period = found["allowances"], found["allowances/period"]
    clock = flow.clocks["allowance_period"]
    state = "allowance_running"

    assert (clock.limit, clock.unit, clock.repeats) == (months, "months", True)
    assert clock.expiry == "open_period"
    assert leads(flow, state, "begin_last", children_total=periods - 1) == []
    assert leads(flow, state, "begin_last", children_total=periods) == ["allowance_ending"]
    full, more = (
        leads(period, "months_check", "confirm_months", months_eligible=count)
        for count in (months, months + 1)
    )
    assert (full, more) == (["verification"], ["months_check"])


def test_the_last_period_is_waited_for_without_a_clock():
    flow = workflow("allowances")
    state, step = flow.states["allowance_ending"], flow.step("allowance_ending", "allowance_over")

    assert (state.holders, state.clock) == (("system",), None)
    assert (step.automatic, step.guards) == (True, ("children_settled",))
    assert leads(flow, state.code, step.event, children_paid_fen=1) == ["allowance_over"]
    assert leads(flow, state.code, step.event, children_paid_fen=0) == ["closed"]
    assert flow.states["allowance_over"].end == "disbursed"


def test_a_change_is_decided_with_its_basis_and_the_allowance_goes_on():
    flow = workflow("allowances")
    promoted = flow.step("allowance_changing", "set_new_rate")

    assert targets(flow, "allowance_running", "report_change") == ["allowance_changing"]
    assert flow.states["allowance_changing"].stops == ("allowance_period",)
    assert {"allowance_rate_fen", "basis"} <= set(promoted.requires)
    assert "current_employer" in flow.step("allowance_changing", "confirm_new_employer").requires
    for event in ("set_new_rate", "confirm_new_employer", "record_interruption", "refuse_change"):
        assert targets(flow, "allowance_changing", event) == ["allowance_running"]


def test_a_new_rate_reaches_the_periods_that_open_after_it():
    parent, period = workflow("allowances"), workflow("allowances/period")

    assert parent.facts["allowance_rate_fen"] == period.facts["allowance_rate_fen"]


@pytest.mark.parametrize("state", ["allowance_running", "allowance_changing"])
def test_who_leaves_gets_one_last_period_and_no_further_one(state):
    flow = workflow("allowances")
    stop = flow.step(state, "stop_allowance")

    assert targets(flow, state, "stop_allowance") == ["allowance_ending"]
    assert stop.effects == ("open_child:period",)
    assert {"reason", "reason_code", "remedy"} <= set(stop.requires)
    assert flow.step("allowance_ending", "open_period") is None


# --- 年度评定奖励


@pytest.mark.parametrize(
    ("repeated", "tier", "target"),
    [
        (False, "first", "award_recheck"),
        (False, "third", "award_recheck"),
        (False, "none", "award_unmet"),
        (True, "first", "award_unmet"),
    ],
)
def test_one_tier_a_year_is_awarded_and_never_twice(repeated, tier, target):
    facts = {"award_repeated": repeated, "award_tier": tier}
    flow = workflow("yearly_awards")

    assert leads(flow, "award_evaluation", "conclude_award_evaluation", **facts) == [target]
    assert outcomes(flow, "award_unmet", "reject") == ["rejected"]


def test_a_year_once_paid_leaves_nothing_open_for_the_next():
    flow = workflow("yearly_awards")

    assert dict(flow.children) == {}
    assert {state.phase for state in flow.states.values()}.isdisjoint({"follow_up"})
    assert "award_year" in flow.step("award_evaluation", "conclude_award_evaluation").requires


def test_a_yearly_award_without_onsite_and_experts_is_as_sound():
    leaving_out = ("onsite_check", "expert_review")
    flow = compiled("yearly_awards", flags=("selective",), without=leaving_out)["yearly_awards"]

    assert targets(flow, "formal_recheck", "confirm_review") == ["award_evaluation"]
    with pytest.raises(DefinitionError, match="stage-not-optional"):
        compiled("yearly_awards", without=("award_evaluation",))


# --- 推荐与列入名单


@pytest.mark.parametrize(
    ("way", "target"),
    [
        ("listed", "listed"),
        ("recommended", "recommendation_pending"),
        ("other_policy", "referred"),
    ],
)
def test_a_recommendation_is_a_listing_a_letter_or_a_referral_with_its_document(way, target):
    flow = workflow("recommendations")
    found = leads(flow, "recommendation_issuing", "issue_recommendation", recommendation_way=way)

    assert found == [target]
    assert "document_no" in flow.step("recommendation_issuing", "issue_recommendation").requires


@pytest.mark.parametrize(
    ("result", "target"), [("selected", "recommended"), ("not_selected", "closed")]
)
def test_the_result_above_closes_a_recommendation_either_way(result, target):
    flow = workflow("recommendations")
    facts = {"recommendation_result": result}
    event = "record_recommendation_result"

    assert leads(flow, "recommendation_pending", event, **facts) == [target]
    assert {flow.states[code].end for code in ("listed", "recommended", "referred")} == {"closed"}


def test_who_is_not_fit_to_be_recommended_is_checked_again_or_refused():
    flow = workflow("recommendations")
    event = "conclude_recommendation_check"

    assert leads(flow, "recommendation_check", event, recommendable=False) == ["unrecommendable"]
    assert targets(flow, "unrecommendable", "return_to_handler") == ["recommendation_check"]
    assert outcomes(flow, "unrecommendable", "reject") == ["rejected"]
    assert leads(flow, "nomination_signing", "recommend", checks_at_acceptance="vetoed") == [
        "nomination_vetoed"
    ]
    assert outcomes(flow, "nomination_vetoed", "reject") == ["rejected"]


# --- 机会清单


def test_a_need_that_may_not_be_opened_is_not_listed():
    flow = workflow("opportunities")

    assert leads(flow, "need_check", "conclude_need_check", need_open=False) == ["need_unfit"]
    assert outcomes(flow, "need_unfit", "reject") == ["rejected"]
    assert "document_no" in flow.step("need_publishing", "publish_opportunity").requires


def test_a_listed_need_is_matched_changed_taken_down_or_expires():
    flow = workflow("opportunities")
    listed = "opportunity_listed"

    assert targets(flow, listed, "register_supplier") == [listed]
    assert targets(flow, listed, "record_match") == ["opportunity_matched"]
    assert targets(flow, listed, "update_opportunity") == ["need_check"]
    assert outcomes(flow, listed, "close_opportunity") == ["closed"]
    assert targets(flow, listed, "opportunity_expired") == ["delisted"]
    assert outcomes(flow, listed, "opportunity_expired") == ["lapsed"]


def test_a_failed_market_verification_puts_the_need_back_on_the_list():
    flow = workflow("opportunities")
    state, event = "opportunity_matched", "record_verification"

    assert leads(flow, state, event, market_verified=True) == ["opportunity_confirming"]
    assert leads(flow, state, event, market_verified=False) == ["opportunity_listed"]
    assert flow.states[state].stops == ("opportunity",)
    assert targets(flow, "opportunity_confirming", "return_verification") == [state]
    assert outcomes(flow, "opportunity_confirming", "confirm_verification") == ["closed"]
