"""拨投股: tranches within what was approved, and every way in which the money comes back or not."""

from collections.abc import Iterator

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import CaseflowError, GuardFailed, InvalidInput
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import together, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

EQUITY = "NT24-7"
FINANCE = "finance.division"
APPROVED = 6_000_000 * YUAN
CEILING = 10_000_000 * YUAN
TRANCHE = 2_500_000 * YUAN
REST = APPROVED - TRANCHE


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), [EQUITY], pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)


def incubation(land: Land) -> str:
    """Return a case of which the first tranche is with the company."""
    return land.reached("incubating", EQUITY, instalment_fen=TRANCHE, **amounts(APPROVED))


def after_midterm(land: Land, case: str) -> str:
    land.act(case, "request_midterm")
    land.act(case, "conclude_midterm", midterm_result="pass")
    return land.state(case)


def test_a_project_is_planned_up_to_ten_million_and_not_a_fen_more(land: Land):
    case = land.reached("proposed", EQUITY, applied_fen=2 * CEILING)

    with pytest.raises(GuardFailed, match="上限"):
        land.act(case, "draft_plan", planned_fen=CEILING + 1)

    assert land.act(case, "draft_plan", planned_fen=CEILING).state == "plan_review"


def test_tranches_together_reach_what_was_approved_and_never_pass_it(land: Land):
    incubating = incubation(land)
    second = after_midterm(land, incubating)
    land.walk(incubating, "finance_review#2")
    with pytest.raises(InvalidInput, match="本期应拨"):
        land.act(incubating, "release", instalment_fen=REST + 1)
    land.act(incubating, "release", instalment_fen=REST)
    land.walk(incubating, "incubating")

    third = after_midterm(land, incubating)

    assert second == "payment_requested#2"
    assert land.payments(incubating) == [(TRANCHE, "paid"), (REST, "paid")]
    assert (third, land.paid(incubating)) == ("incubating", APPROVED)


def test_no_tranche_is_paid_before_the_agreement_nor_the_second_before_a_midterm_passed(land: Land):
    incubating = incubation(land)
    drafting = land.reached("equity_drafting", EQUITY)
    land.act(incubating, "request_midterm")
    land.act(incubating, "conclude_midterm", midterm_result="rectify")

    for case in (drafting, incubating):
        assert not {"release", "request_funds"} & set(land.ways(case))
        with pytest.raises(CaseflowError):
            land.ask(case, "release", FINANCE, document_no="x")
    assert land.payments(incubating) == [(TRANCHE, "paid")]


@pytest.mark.soak
def test_two_releases_of_the_rest_at_once_order_it_once(land: Land):
    incubating = incubation(land)
    after_midterm(land, incubating)
    land.walk(incubating, "finance_review#2")
    order = {"instalment_fen": REST, "document_no": "通财预〔2026〕7号"}

    answers = together(*[lambda: land.ask(incubating, "release", FINANCE, **order)] * 2)

    assert sum(isinstance(answer, CaseflowError) for answer in answers) == 1
    assert land.payments(incubating) == [(TRANCHE, "paid"), (REST, "ordered")]


@pytest.mark.soak
def test_a_trigger_is_converted_held_and_exited(land: Land):
    incubating = incubation(land)
    land.act(incubating, "report_trigger", trigger_kind="financing")
    term = land.clock(incubating, "incubation_term")[0]
    pending = land.seats(incubating)
    for event in ("give_conversion_notice", "register_conversion", "record_holding"):
        land.act(incubating, event)
    land.act(incubating, "propose_exit", exit_route="founder_buyback")
    with pytest.raises(InvalidInput):
        land.ask(incubating, "approve_exit", "lead_bureau.leader")
    land.act(incubating, "approve_exit", minutes_no="联席会纪要3号")
    land.act(incubating, "record_equity_exit")

    assert (term, pending) == ("ended", ["trustee"])
    assert (land.state(incubating), land.outcome(incubating)) == ("exited", "closed")
    assert land.paid(incubating) == TRANCHE


@pytest.mark.soak
def test_more_than_what_was_agreed_is_for_the_joint_meeting(land: Land):
    incubating = incubation(land)
    land.act(incubating, "report_trigger")
    land.act(incubating, "give_conversion_notice")

    land.act(incubating, "register_conversion", pre_money_fen=TRANCHE)

    assert land.state(incubating) == "conversion_meeting"


@pytest.mark.soak
def test_a_loss_in_good_faith_is_heard_twice_recognised_by_minutes_and_exempted(land: Land):
    incubating = incubation(land)
    land.act(incubating, "report_equity_loss", loss_fen=TRANCHE)
    waiting = land.seats(incubating)
    land.ask(incubating, "answer_seat", FINANCE, verdict="pass", note="尽职")
    half = land.state(incubating)
    land.ask(incubating, "answer_seat", "audit_firm", verdict="pass", note="尽职")
    with pytest.raises(InvalidInput):
        land.ask(
            incubating, "recognise_equity_loss", "lead_bureau.leader", loss_fen=TRANCHE, reason="x"
        )
    land.act(incubating, "recognise_equity_loss", loss_fen=TRANCHE)
    land.act(incubating, "record_exemption")

    assert (waiting, half) == (["audit_firm", FINANCE], "loss_opinions")
    assert (land.state(incubating), land.outcome(incubating)) == ("exempted", "closed")


def test_a_term_without_conversion_is_kept_as_a_grant_by_minutes(land: Land):
    incubating = incubation(land)
    land.act(incubating, "request_acceptance")
    land.act(incubating, "conclude_acceptance", acceptance_result="pass")
    settling = land.state(incubating)
    with pytest.raises(InvalidInput):
        land.ask(incubating, "keep_as_grant", "lead_bureau.leader", basis="x")

    land.act(incubating, "keep_as_grant")

    assert settling == "settled_no_conversion"
    assert (land.state(incubating), land.outcome(incubating)) == ("kept_as_grant", "disbursed")


def test_a_repayment_ends_when_all_has_come_and_is_enforced_when_it_has_not(land: Land):
    incubating = incubation(land)
    land.act(incubating, "request_acceptance")
    land.act(incubating, "conclude_acceptance", acceptance_result="conclude")
    land.act(incubating, "demand_repayment")

    land.act(incubating, "confirm_repayment", repaid_fen=1, repayment_complete=False)
    still = land.state(incubating)
    land.act(incubating, "refer_to_recovery")
    enforced = land.state(incubating)
    with pytest.raises(InvalidInput, match="累计金额"):
        land.act(incubating, "record_recovery", recovered_fen=TRANCHE, recovery_complete=True)
    land.act(incubating, "record_recovery", recovered_fen=TRANCHE - 1, recovery_complete=True)

    assert (still, enforced) == ("repayment", "recovery")
    assert (land.state(incubating), land.outcome(incubating)) == ("recovered", "closed")


@pytest.mark.soak
def test_a_repayment_that_is_complete_closes_the_case(land: Land):
    incubating = incubation(land)
    land.act(incubating, "request_acceptance")
    land.act(incubating, "conclude_acceptance", acceptance_result="pass")
    land.act(incubating, "demand_repayment")

    land.act(incubating, "confirm_repayment", repaid_fen=TRANCHE, repayment_complete=True)

    assert (land.state(incubating), land.outcome(incubating)) == ("repaid", "closed")
