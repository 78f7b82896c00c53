"""Money: never above what was publicised, never while held, never twice; paid after a return."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import (
    CaseflowError,
    Conflict,
    EventNotAllowed,
    GuardFailed,
    InvalidInput,
    NotAllowed,
)
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, found_town, together, visit

pytestmark = pytest.mark.no_cover

FEN = 10_000_000
TREASURY, FINANCE, AUDITOR = "finance.treasury", "finance.division", "auditor"


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    measures = [FAMILIES[name] for name in ("vouchers", "talent", "research")]
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=measures)


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


# --- approval


@pytest.mark.parametrize("fen", [FEN - 1, FEN])
def test_what_was_publicised_or_less_is_approved_and_not_a_fen_more(town: Town, fen: int):
    case = town.reached("awaiting_approval")

    with pytest.raises(GuardFailed, match="超过公示金额"):
        town.act(case, "approve", approved_fen=FEN + 1)
    refused = town.state(case)

    assert refused == "awaiting_approval"
    assert town.act(case, "approve", approved_fen=fen).state == "approved"


def test_an_amount_raised_after_the_publicity_goes_through_another(town: Town):
    case = town.reached("awaiting_approval")
    town.act(case, "return_plan")
    town.walk(case, "publicity", planned_fen=FEN + 1)

    town.walk(case, "awaiting_approval")
    outcome = town.act(case, "approve", approved_fen=FEN + 1)

    assert outcome.state == "approved"
    assert town.events(case).count("publicise") == town.events(case).count("close_publicity") == 2


def test_no_more_is_planned_than_the_clause_allows(town: Town):
    case = town.reached("proposed", applied_fen=300_000_000)

    with pytest.raises(GuardFailed, match="上限"):
        town.act(case, "draft_plan", planned_fen=200_000_001)
    outcome = town.act(case, "draft_plan", planned_fen=200_000_000)

    assert outcome.state == "plan_review"


# --- one payment


@pytest.mark.soak
def test_a_returned_payment_is_paid_after_the_account_is_put_right_without_a_new_decision(
    town: Town,
):
    case = town.reached("disbursing")

    town.act(case, "return_payment", reason="户名不符")
    returned = (
        town.state(case),
        town.seats(case),
        town.payments(case),
        town.clock(case, "payment"),
    )
    town.sweep(town.now + timedelta(days=1))
    town.act(case, "correct_account", note="已更正开户行")
    town.act(case, "confirm_payment", voucher_no="PZ-0002")

    assert returned[:3] == ("account_correction", ["applicant"], [(FEN, "returned")])
    assert returned[3][0] == "stopped"
    assert town.outcome(case) == "disbursed"
    assert town.payments(case) == [(FEN, "paid")]
    assert town.events(case).count("approve") == town.events(case).count("release") == 1


@pytest.mark.soak
def test_a_payment_returned_twice_is_still_one_order(town: Town):
    case = town.reached("disbursing")

    for _ in range(2):
        town.act(case, "return_payment", reason="账户已注销")
        town.act(case, "correct_account", note="已更正")
    town.act(case, "confirm_payment")

    assert town.payments(case) == [(FEN, "paid")]
    assert town.outcome(case) == "disbursed"


@pytest.mark.soak
def test_two_clerks_confirming_one_order_pay_once(town: Town):
    cases = [town.reached("disbursing") for _ in range(3)]

    for case in cases:
        town.check(case)
        confirm = [
            lambda c=case, n=n: town.ask(c, "confirm_payment", TREASURY, voucher_no=f"{c}-{n}")
            for n in range(2)
        ]
        results = together(*confirm)
        lost = [result for result in results if isinstance(result, CaseflowError)]
        assert len(lost) == 1
        assert isinstance(lost[0], EventNotAllowed | Conflict)

    assert {tuple(town.payments(case)) for case in cases} == {((FEN, "paid"),)}
    paid = town.sql('SELECT DISTINCT paid_fen FROM "case" WHERE public_id = ANY(%s)', cases)
    assert paid == [(FEN,)]


def test_who_handled_reviewed_or_approved_never_disburses_and_a_paid_case_takes_no_further_order(
    town: Town,
):
    case = town.reached("disbursing")

    for seat in ("lead_bureau.handler", FINANCE, "applicant", AUDITOR):
        with pytest.raises(NotAllowed):
            town.ask(case, "confirm_payment", seat, voucher_no="PZ-1")
    town.act(case, "confirm_payment")

    for event in ("confirm_payment", "release", "return_payment"):
        with pytest.raises(EventNotAllowed):
            town.ask(case, event, TREASURY, voucher_no="PZ-9")


def test_an_order_is_more_than_nothing_and_all_orders_come_to_the_last_fen(town: Town):
    case = town.reached("finance_review")
    for fen in (0, FEN + 1):
        with pytest.raises(InvalidInput) as caught:
            town.act(case, "release", instalment_fen=fen)
        assert "instalment_fen" in caught.value.fields
    assert town.payments(case) == []

    for fen in (1, FEN - 2, 1):
        town.walk(case, "finance_review")
        town.act(case, "release", instalment_fen=fen)
        town.act(case, "order_payment")
        town.act(case, "confirm_payment")

    assert town.payments(case) == [(1, "paid"), (FEN - 2, "paid"), (1, "paid")]
    assert town.outcome(case) == "disbursed"


# --- instalments


@pytest.mark.parametrize("family", ["talent", pytest.param("research", marks=pytest.mark.soak)])
def test_instalments_never_come_to_more_than_was_approved(town: Town, family: str):
    case = town.reached("finance_review", FAMILIES[family])
    town.act(case, "release", instalment_fen=FEN // 2)
    town.walk(case, "finance_review#2")
    left = FEN - FEN // 2

    with pytest.raises(InvalidInput):
        town.act(case, "release", instalment_fen=left + 1)
    town.act(case, "release", instalment_fen=left - 1)
    town.walk(case, "finance_review#3")
    with pytest.raises(InvalidInput):
        town.act(case, "release", instalment_fen=2)
    town.act(case, "release")
    town.walk(case)

    assert town.payments(case) == [(FEN // 2, "paid"), (left - 1, "paid"), (1, "paid")]
    assert town.outcome(case) == "disbursed"


@pytest.mark.soak
def test_a_second_instalment_returned_twice_leaves_the_first_one_paid(town: Town):
    case = town.reached("finance_review", FAMILIES["talent"])
    town.act(case, "release", instalment_fen=1_000)
    town.walk(case, "finance_review#2")
    town.act(case, "release", instalment_fen=2_000)
    town.walk(case, "disbursing#2")

    for _ in range(2):
        town.act(case, "return_payment")
        assert town.payments(case) == [(1_000, "paid"), (2_000, "returned")]
        town.act(case, "correct_account")
    town.act(case, "confirm_payment")

    assert town.payments(case) == [(1_000, "paid"), (2_000, "paid")]
    assert town.value('SELECT paid_fen FROM "case" WHERE public_id = %s', case) == 3_000


@pytest.mark.soak
def test_when_the_first_instalment_is_everything_the_later_ones_are_passed_by(town: Town):
    case = town.reached("finance_review", FAMILIES["talent"])
    town.act(case, "release", instalment_fen=FEN)

    town.walk(case)

    assert town.payments(case) == [(FEN, "paid")]
    assert town.events(case).count("nothing_unpaid") == 2
    assert town.outcome(case) == "disbursed"


# --- holds


def hold(town: Town, case: str, event: str, seat: str, kind: str) -> None:
    town.ask(case, event, seat, hold_kind=kind, basis="审计通知书")


def held(town: Town, case: str) -> int:
    return int(
        town.value(
            'SELECT count(*) FROM hold h JOIN "case" c ON c.id = h.case_id'
            " WHERE h.lifted_at IS NULL AND c.public_id = %s",
            case,
        )
    )


@pytest.fixture(scope="module")
def unheld(founded: Town) -> str:
    """A case whose holds are lifted again by whoever places one."""
    return founded.reached("proposed")


def test_the_audit_hold_is_the_auditors_alone_to_place_and_to_lift(town: Town, unheld: str):
    case = unheld

    for seat in (FINANCE, "lead_bureau.leader", "lead_bureau.handler", "applicant"):
        with pytest.raises(NotAllowed):
            hold(town, case, "place_hold", seat, "audit_hold")
    hold(town, case, "place_hold", AUDITOR, "audit_hold")
    for seat in (FINANCE, "lead_bureau.leader"):
        with pytest.raises(NotAllowed):
            hold(town, case, "lift_hold", seat, "audit_hold")
    hold(town, case, "lift_hold", AUDITOR, "audit_hold")

    assert held(town, case) == 0


def test_the_credit_hold_is_finances_to_place_and_to_lift(town: Town, unheld: str):
    case = unheld

    for seat in (AUDITOR, "lead_bureau.leader"):
        with pytest.raises(NotAllowed):
            hold(town, case, "place_hold", seat, "credit_hold")
    hold(town, case, "place_hold", FINANCE, "credit_hold")
    with pytest.raises(NotAllowed):
        hold(town, case, "lift_hold", AUDITOR, "credit_hold")
    hold(town, case, "lift_hold", FINANCE, "credit_hold")

    assert held(town, case) == 0


@pytest.mark.soak
def test_a_held_case_goes_on_up_to_the_release_and_not_further(town: Town):
    case = town.reached("proposed")
    hold(town, case, "place_hold", AUDITOR, "audit_hold")

    town.walk(case, "finance_review")
    with pytest.raises(GuardFailed, match="暂停拨付"):
        town.act(case, "release")
    hold(town, case, "lift_hold", AUDITOR, "audit_hold")
    town.act(case, "release")

    assert town.state(case) == "fund_released"


@pytest.mark.parametrize(
    ("state", "event"), [("fund_released", "order_payment"), ("disbursing", "confirm_payment")]
)
def test_a_hold_stops_the_order_and_the_payment_too(town: Town, state: str, event: str):
    case = town.reached(state)
    hold(town, case, "place_hold", FINANCE, "credit_hold")
    hold(town, case, "place_hold", AUDITOR, "audit_hold")

    with pytest.raises(GuardFailed, match="暂停拨付"):
        town.act(case, event)
    hold(town, case, "lift_hold", FINANCE, "credit_hold")
    with pytest.raises(GuardFailed, match="暂停拨付"):
        town.act(case, event)
    hold(town, case, "lift_hold", AUDITOR, "audit_hold")
    town.walk(case)

    assert town.outcome(case) == "disbursed"


def test_a_hold_that_was_not_placed_cannot_be_lifted_nor_one_placed_twice(town: Town, unheld: str):
    case = unheld

    with pytest.raises(GuardFailed, match="没有需要解除"):
        hold(town, case, "lift_hold", FINANCE, "credit_hold")
    hold(town, case, "place_hold", FINANCE, "credit_hold")
    with pytest.raises(InvalidInput, match="under_appeal"):
        hold(town, case, "lift_hold", FINANCE, "under_appeal")
    with pytest.raises(Conflict):
        hold(town, case, "place_hold", FINANCE, "credit_hold")
    hold(town, case, "lift_hold", FINANCE, "credit_hold")


@pytest.mark.soak
def test_a_returned_payment_is_registered_while_the_case_is_held(town: Town):
    case = town.reached("disbursing")
    hold(town, case, "place_hold", AUDITOR, "audit_hold")

    town.act(case, "return_payment")

    assert town.state(case) == "account_correction"


# --- credit before every payment


@pytest.mark.soak
def test_a_veto_before_the_payment_holds_the_money_until_it_is_repaired_or_refused(town: Town):
    repaired, refused = town.reached("payment_requested"), town.reached("payment_requested")
    for case in (repaired, refused):
        town.check(case, "veto")
        town.act(case, "request_funds")
        assert town.state(case) == "payment_vetoed"

    town.check(repaired)
    town.act(repaired, "credit_repaired")
    town.walk(repaired)
    town.act(refused, "reject", reason_code="credit_veto")

    assert (town.outcome(repaired), town.outcome(refused)) == ("disbursed", "rejected")
    assert town.payments(refused) == []


def test_a_case_with_an_order_that_waits_cannot_be_terminated(town: Town):
    case = town.reached("fund_released")

    with pytest.raises(GuardFailed, match="未付清的拨付单"):
        town.act(case, "terminate")
