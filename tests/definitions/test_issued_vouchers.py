"""Vouchers issued before they are used: 算力券 that are redeemed, and those deducted at once."""

import pytest

from tests.definitions.families import compiled, leads, outcomes, pays, targets, workflow

VOUCHERS = ("issued_vouchers", "instant_vouchers")


def taken(name, state, event, **facts):
    return leads(workflow(name), state, event, **facts)


@pytest.mark.parametrize("name", VOUCHERS)
def test_a_provider_off_the_list_or_related_is_refused_or_checked_again(name):
    flow = workflow(name)

    def checked(**facts):
        return taken(name, "voucher_precheck", "report_precheck", **facts)

    assert checked(provider_listed=True, provider_related=False) == ["formal_review"]
    assert checked(provider_listed=True, provider_related=True) == ["precheck_failed"]
    assert checked(provider_listed=False, provider_related=False) == ["precheck_failed"]
    assert outcomes(flow, "precheck_failed", "reject") == ["rejected"]
    assert targets(flow, "precheck_failed", "order_new_precheck") == ["voucher_precheck"]


@pytest.mark.parametrize("name", VOUCHERS)
def test_a_voucher_itself_is_publicised_but_never_paid(name):
    flow = workflow(name)

    assert "close_publicity" in {step.event for step in flow.steps.values()}
    assert not pays(flow)


@pytest.mark.parametrize(
    ("name", "clock"), [("issued_vouchers", "voucher"), ("instant_vouchers", "voucher_validity")]
)
def test_a_voucher_lives_for_twelve_months_unless_the_measure_says_otherwise(name, clock):
    shorter = compiled(name, parameters={"voucher_months": 6})[name]

    assert (workflow(name).clocks[clock].limit, workflow(name).clocks[clock].unit) == (12, "months")
    assert shorter.clocks[clock].limit == 6


def test_an_unused_voucher_expires_and_a_used_one_may_still_be_redeemed():
    flow = workflow("issued_vouchers")

    assert flow.states["voucher_issued"].clock == flow.states["voucher_used"].clock == "voucher"
    assert outcomes(flow, "voucher_issued", "voucher_expires") == ["lapsed"]
    assert targets(flow, "voucher_issued", "voucher_expires") == ["expired"]
    assert targets(flow, "voucher_used", "voucher_expires") == ["voucher_closing"]
    assert targets(flow, "voucher_closing", "redemption_window_over") == ["voucher_settling"]


@pytest.mark.parametrize(("left", "target"), [(1, "voucher_used"), (0, "voucher_closing")])
def test_a_voucher_is_used_until_nothing_is_left(left, target):
    used = taken("issued_vouchers", "voucher_used", "record_use", voucher_left_fen=left)

    assert used == [target]
    assert workflow("issued_vouchers").step("voucher_closing", "record_use") is None


@pytest.mark.parametrize("state", ["voucher_used", "voucher_closing"])
def test_the_applicant_opens_a_redemption_only_of_a_used_voucher(state):
    flow = workflow("issued_vouchers")
    step = flow.step(state, "request_redemption")

    assert (step.by, step.effects) == (("applicant",), ("open_child:redemption",))
    assert targets(flow, state, "request_redemption") == [state]
    assert flow.step("voucher_issued", "request_redemption") is None


@pytest.mark.parametrize("name", VOUCHERS)
@pytest.mark.parametrize(("paid", "end"), [(1, "settled"), (0, "expired")])
def test_a_voucher_is_settled_when_its_children_are_and_something_was_paid(name, paid, end):
    conclude = workflow(name).step("voucher_settling", "conclude_voucher")

    assert conclude.automatic
    assert conclude.guards == ("children_settled",)
    assert taken(name, "voucher_settling", "conclude_voucher", children_paid_fen=paid) == [end]


@pytest.mark.parametrize(
    ("name", "unused", "used", "then"),
    [
        ("issued_vouchers", "voucher_issued", "voucher_used", "voucher_closing"),
        ("instant_vouchers", "voucher_activation", "voucher_live", "voucher_clearing"),
    ],
)
def test_a_voucher_is_returned_whole_or_for_what_is_left(name, unused, used, then):
    flow = workflow(name)

    assert targets(flow, unused, "return_voucher") == ["returned"]
    assert outcomes(flow, unused, "return_voucher") == ["withdrawn"]
    assert targets(flow, used, "return_voucher") == [then]


@pytest.mark.parametrize(
    ("name", "state"), [(VOUCHERS[0], "voucher_used"), (VOUCHERS[1], "voucher_live")]
)
def test_a_voucher_is_frozen_with_its_clocks_and_revoked_for_false_use(name, state):
    flow = workflow(name)

    assert targets(flow, state, "freeze_voucher") == ["voucher_frozen"]
    assert state in targets(flow, "voucher_frozen", "unfreeze_voucher")
    assert set(flow.states["voucher_frozen"].stops) == set(flow.clocks) - {"freeze"}
    assert flow.step("voucher_frozen", "suspend") is None
    for event, end in (("revoke_voucher", "revoked"), ("cancel_voucher", "cancelled")):
        for where in (state, "voucher_frozen"):
            assert targets(flow, where, event) == [end]
            assert flow.step(where, event).guards == ("children_settled",)
            assert flow.step(where, event).by == ("lead_bureau.leader",)
    assert flow.step("voucher_granting", "freeze_voucher") is None


def test_a_redemption_is_rechecked_by_the_district_and_audited_by_sample():
    flow = workflow("issued_vouchers/redemption")

    assert "documents_complete" in flow.step("redemption_claim", "claim_redemption").guards
    assert outcomes(flow, "redemption_claim", "redemption_claim_lapsed") == ["lapsed"]
    assert targets(flow, "bureau_review", "send_to_audit") == ["third_party_audit"]
    assert targets(flow, "bureau_review", "conclude_review") == ["reviewed"]
    assert outcomes(flow, "bureau_review", "reject") == ["rejected"]
    assert targets(flow, "objection", "partly_uphold_objection") == ["proposed"]


def test_settlements_open_every_quarter_or_when_the_platform_asks():
    flow = workflow("instant_vouchers")
    clock = flow.clocks["settlement"]
    monthly = compiled("instant_vouchers", parameters={"settlement_months": 1})["instant_vouchers"]

    assert (clock.limit, clock.unit, clock.repeats) == (3, "months", True)
    assert clock.expiry == "open_settlement"
    assert monthly.clocks["settlement"].limit == 1
    for event in ("open_settlement", "request_settlement"):
        assert flow.step("voucher_live", event).effects == ("open_child:settlement",)
        assert targets(flow, "voucher_live", event) == ["voucher_live"]
    assert flow.step("voucher_live", "request_settlement").by == ("platform_operator",)


def test_a_vouchers_life_runs_beside_the_settlements_and_moves_only_a_live_one():
    flow = workflow("instant_vouchers")

    assert flow.step("voucher_activation", "activate_voucher").starts == ("voucher_validity",)
    assert targets(flow, "voucher_live", "voucher_expires") == ["voucher_clearing"]
    assert targets(flow, "voucher_clearing", "voucher_expires") == ["voucher_clearing"]
    live = taken("instant_vouchers", "voucher_live", "record_deduction", voucher_left_fen=1)
    spent = taken("instant_vouchers", "voucher_live", "record_deduction", voucher_left_fen=0)
    assert (live, spent) == (["voucher_live"], ["voucher_clearing"])


def test_a_settlement_is_the_platforms_from_claim_to_account():
    flow = workflow("instant_vouchers/settlement")

    seats = {seat for state in flow.states.values() for seat in state.holders}
    acting = {seat for step in flow.steps.values() for seat in step.by}
    assert "applicant" not in seats | acting
    assert flow.states["account_correction"].holders == ("platform_operator",)
    assert "metering_log" in flow.step("settlement_claim", "claim_settlement").requires
    assert outcomes(flow, "settlement_claim", "report_no_deduction") == ["closed"]
    assert outcomes(flow, "settlement_claim", "settlement_claim_lapsed") == ["lapsed"]
