"""追缴 follows every measure that pays: one sound workflow, compiled for each of them."""

import pytest

from caseflow.kernel.workflow.money_words import PAYS
from tests.definitions.definitions import compile_demo, library_with, sound_text
from tests.definitions.families import (
    compiled_measure,
    compiled_policies,
    library,
    main_road,
    outcomes,
    targets,
)

NAME = "recovery"


def of(measure):
    """The recovery of a measure."""
    return compiled_measure(measure)[f"{measure}/{NAME}"]


FLOW = of("QD26-7a")
RECEIVING = (
    "recovery_due", "recovery_late", "recovery_demanded", "recovery_court", "write_off_review",
    "written_off",
)  # fmt: skip


def test_every_measure_that_pays_has_a_recovery_and_no_other_has():
    paying = {
        measure: any(PAYS.intersection(s.effects) for w in flows.values() for s in w.steps.values())
        for measure, flows in compiled_policies().items()
    }
    with_recovery = {m for m, flows in compiled_policies().items() if f"{m}/{NAME}" in flows}

    assert with_recovery == {measure for measure, pays in paying.items() if pays}
    assert (len(with_recovery), len(paying)) == (119, 132)


def test_it_is_no_child_that_the_measures_own_workflow_opens():
    assert all(NAME not in each.children for each in compiled_measure("QD26-7a").values())


def test_the_main_road_is_the_chain_of_the_handbook():
    assert main_road(FLOW) == [
        "recovery_lead", "recovery_investigating", "findings_signature", "recovery_notice",
        "recovery_hearing", "recovery_ruling", "recovery_delivery", "recovery_due", "recovered",
    ]  # fmt: skip


def test_it_is_opened_by_the_head_of_the_division_or_the_auditor():
    assert FLOW.opened_by == ("lead_bureau.division_head", "auditor")


@pytest.mark.parametrize(
    ("clock", "limit", "unit", "expiry"),
    [
        ("defence", 5, "working_days", "defence_over"),
        ("recovery_due", 30, "days", "refund_overdue"),
        ("demanded", 10, "days", "demand_expired"),
    ],
)
def test_the_periods_are_those_of_the_handbook(clock: str, limit: int, unit: str, expiry: str):
    found = FLOW.clocks[clock]

    assert (found.limit, found.unit, found.expiry) == (limit, unit, expiry)


def test_what_is_not_paid_in_time_is_demanded_enforced_and_written_off_by_a_meeting():
    assert targets(FLOW, "recovery_due", "refund_overdue") == ["recovery_late"]
    assert targets(FLOW, "recovery_late", "demand_recovery") == ["recovery_demanded"]
    assert targets(FLOW, "recovery_demanded", "demand_expired") == ["recovery_court"]
    assert targets(FLOW, "recovery_court", "propose_debt_write_off") == ["write_off_review"]
    assert targets(FLOW, "write_off_review", "write_off") == ["written_off"]
    assert "minutes_no" in FLOW.step("write_off_review", "write_off").requires
    assert outcomes(FLOW, "written_off", "close_written_off") == ["closed"]


@pytest.mark.parametrize("state", RECEIVING)
def test_a_receipt_is_recorded_wherever_something_is_due_even_after_the_write_off(state: str):
    receipt, settled = FLOW.step(state, "record_receipt"), FLOW.step(state, "settle_recovery")

    assert (receipt.by, receipt.duty) == (("finance.treasury",), "disburser")
    assert targets(FLOW, state, "record_receipt") == [state]
    assert (settled.automatic, settled.guards) == (True, ("recovery_complete",))
    assert targets(FLOW, state, "settle_recovery") == ["recovered"]


def test_findings_are_signed_by_a_second_person_and_the_decision_is_nobodys_of_them():
    duties = {step.event: step.duty for step in FLOW.steps.values() if step.duty}

    assert duties["report_findings"] == duties["notify_recovery"] == "handler"
    assert duties["sign_findings"] == "reviewer"
    assert duties["order_recovery"] == duties["write_off"] == "approver"
    assert duties["record_receipt"] == "disburser"


def test_findings_without_a_breach_end_it():
    assert targets(FLOW, "findings_signature", "sign_findings") == ["recovery_notice", "no_ground"]
    assert outcomes(FLOW, "recovery_lead", "dismiss_lead") == ["closed"]
    assert outcomes(FLOW, "recovery_ruling", "accept_defence") == ["closed"]


def test_a_decision_says_why_how_much_and_where_to_turn():
    ruling = FLOW.step("recovery_ruling", "order_recovery")

    assert {"recovery_fen", "offset_allowed", "reason", "remedy", "document_no"} <= set(
        ruling.requires
    )


@pytest.mark.parametrize("state", ["recovery_delivery", *RECEIVING])
def test_a_decision_is_withdrawn_only_before_money_came(state: str):
    step = FLOW.step(state, "withdraw_recovery_decision")

    assert step.guards == ("nothing_recovered",)
    assert targets(FLOW, state, step.event) == ["decision_withdrawn"]


def test_every_state_that_waits_can_be_referred():
    waiting = {state.code for state in FLOW.states.values() if state.end is None}

    assert {
        step.source for step in FLOW.steps.values() if step.event == "refer_recovery"
    } == waiting
    assert FLOW.facts["referred_to"].choices == ("finance", "police", "discipline")


def test_who_is_waited_for_is_named_and_has_a_clock():
    for state in FLOW.states.values():
        if state.end is None:
            clock = FLOW.clocks[state.clock]
            assert state.holders, state.code
            assert clock.source, state.code
            if "applicant" in state.holders:
                assert {7, 3, 1} <= set(clock.remind)


def test_every_stage_of_it_says_where_it_comes_from():
    stages = [stage for name, stage in library().stages.items() if name.startswith("recovery_")]

    assert len(stages) == 6
    assert all("手册§5.9" in stage.data["source"] for stage in stages)


# --- the compiler


FOLLOWER = sound_text("period.yaml").replace("family: period", "family: aftermath")
FOLLOWER += "follows: payment\n"


def test_a_family_that_follows_payments_is_compiled_for_a_measure_that_pays(tmp_path):
    compiled = compile_demo(library_with(tmp_path, aftermath=FOLLOWER))

    assert set(compiled) == {"M-1", "M-1/period", "M-1/aftermath"}
    assert dict(compiled["M-1"].children) == {"period": "M-1/period"}
    assert compiled["M-1/aftermath"].family == "aftermath"


def test_it_is_not_compiled_for_one_that_pays_nothing(tmp_path):
    pay = sound_text("stages/pay.yaml")
    unpaid = pay.replace("effects: [open_payment, confirm_payment]", "effects: []")

    compiled = compile_demo(library_with(tmp_path, aftermath=FOLLOWER, pay=unpaid))

    assert set(compiled) == {"M-1", "M-1/period"}
