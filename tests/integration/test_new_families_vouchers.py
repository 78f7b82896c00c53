"""Vouchers that are issued before they are used: never redeemed beyond their face, or too late."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import CaseflowError, Conflict, GuardFailed, NotAllowed
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import at, together, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

ISSUED, INSTANT = "NT26-3b", "NT24-2"
FACE = 100_000 * YUAN
FIRST = 60_000 * YUAN
LEFT = FACE - FIRST


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), [ISSUED, INSTANT], pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)


def used_voucher(land: Land) -> str:
    return land.reached("voucher_used", ISSUED, **amounts(FACE))


def redemption(land: Land, voucher: str, state: str | None = None, fen: int = FIRST) -> str:
    """Ask for a redemption of so much and bring it to a state, to its end where none is named."""
    land.act(voucher, "request_redemption")
    *_, child = land.children(voucher)
    land.walk(child, state, **amounts(fen))
    return child


def past(land: Land, case: str, clock: str) -> None:
    """Let the case's clock run out."""
    due_on = land.clock(case, clock)[2]
    land.sweep(at(due_on.month, due_on.day, year=due_on.year) + timedelta(days=1))


# --- 先领后兑


def test_a_voucher_of_more_than_the_clause_gives_is_not_planned(land: Land):
    case = land.reached("proposed", ISSUED, applied_fen=300_000 * YUAN)

    with pytest.raises(GuardFailed, match="上限"):
        land.act(case, "draft_plan", planned_fen=200_000 * YUAN + 1)

    assert land.act(case, "draft_plan", planned_fen=200_000 * YUAN).state == "plan_review"


def test_redemptions_together_reach_the_face_and_never_pass_it(land: Land):
    voucher = used_voucher(land)
    redemption(land, voucher)
    second = redemption(land, voucher, "proposed", FACE)

    with pytest.raises(GuardFailed, match="上限"):
        land.act(second, "draft_plan", planned_fen=LEFT + 1)
    below = land.act(second, "draft_plan", planned_fen=LEFT - 1).state
    land.act(second, "return_plan")
    land.walk(second, **amounts(LEFT))
    third = redemption(land, voucher, "proposed", 1)
    with pytest.raises(GuardFailed, match="上限"):
        land.act(third, "draft_plan", planned_fen=1)
    land.act(third, "reject")
    land.walk(voucher)

    assert below == "plan_review"
    assert [land.paid(child) for child in land.children(voucher)] == [FIRST, LEFT, 0]
    assert (land.state(voucher), land.outcome(voucher)) == ("settled", "disbursed")
    assert land.payments(voucher) == []


def test_redemptions_released_at_once_are_split_as_their_sum(land: Land):
    odd = 100_002
    voucher = used_voucher(land)
    pair = [redemption(land, voucher, "finance_review", odd) for _ in range(2)]

    together(*[lambda case=case: land.act(case, "release") for case in pair])

    shares = land.sql(
        'SELECT p.share, sum(p.fen)::int FROM payment p JOIN "case" c ON c.id = p.case_id'
        " WHERE c.public_id = ANY(%s) GROUP BY p.share ORDER BY p.share",
        pair,
    )
    assert shares == [("city", 2 * odd * 4 // 10), ("district", 2 * odd - 2 * odd * 4 // 10)]


@pytest.mark.soak
def test_what_an_open_redemption_has_planned_is_taken_until_it_is_refused(land: Land):
    voucher = used_voucher(land)
    first = redemption(land, voucher, "plan_review")
    second = redemption(land, voucher, "proposed", FACE)

    with pytest.raises(GuardFailed, match="上限"):
        land.act(second, "draft_plan", planned_fen=LEFT + 1)
    land.act(first, "reject")

    assert land.act(second, "draft_plan", planned_fen=FACE).state == "plan_review"


def test_two_redemptions_planned_at_once_are_not_both_publicised_beyond_the_face(land: Land):
    voucher = used_voucher(land)
    pair = [redemption(land, voucher, "proposed") for _ in range(2)]

    together(*[lambda case=case: land.act(case, "draft_plan", planned_fen=FIRST) for case in pair])
    planned = [case for case in pair if land.state(case) == "plan_review"]
    for case in planned:
        land.walk(case, "publicity_pending")
    listed = together(*[lambda case=case: land.publicise(case) for case in planned])

    assert planned
    assert all(isinstance(each, Conflict) for each in listed if each)
    if len(planned) == len(pair):
        assert {type(each) for each in listed} == {Conflict}
    assert sum(land.state(case) == "publicity" for case in pair) <= 1


@pytest.mark.soak
def test_two_clerks_pay_one_redemption_once(land: Land):
    child = redemption(land, used_voucher(land), "disbursing")

    answers = together(
        *[lambda: land.ask(child, "confirm_payment", "finance.treasury", voucher_no="PZ-1")] * 2
    )

    assert sum(isinstance(answer, CaseflowError) for answer in answers) == 1
    city, district = FIRST * 4 // 10, FIRST * 6 // 10
    assert land.payments(child) == [(city, "paid"), (district, "ordered")]
    assert (land.paid(child), land.state(child)) == (city, "partially_disbursed")


def test_an_unused_voucher_expires_unpaid_and_takes_no_redemption(land: Land):
    voucher = land.reached("voucher_issued", ISSUED)

    with pytest.raises(CaseflowError):
        land.ask(voucher, "request_redemption", "applicant")
    past(land, voucher, "voucher")

    assert (land.state(voucher), land.outcome(voucher)) == ("expired", "lapsed")
    with pytest.raises(CaseflowError):
        land.ask(voucher, "request_redemption", "applicant")
    assert land.children(voucher) == []


def test_a_used_voucher_is_redeemed_in_the_window_after_its_end_and_not_later(land: Land):
    voucher = used_voucher(land)
    past(land, voucher, "voucher")
    closing = land.state(voucher)
    with pytest.raises(CaseflowError):
        land.ask(voucher, "record_use", "platform_operator", voucher_left_fen=1, usage_record="x")
    in_time = redemption(land, voucher, "proposed")

    past(land, voucher, "redemption")
    settling = land.state(voucher)
    with pytest.raises(CaseflowError):
        land.ask(voucher, "request_redemption", "applicant")
    land.walk(in_time, **amounts(FIRST))
    land.sweep()

    assert (closing, settling) == ("voucher_closing", "voucher_settling")
    assert land.outcome(in_time) == "disbursed"
    assert (land.children(voucher), land.state(voucher)) == ([in_time], "settled")


def test_a_voucher_whose_redemptions_all_failed_has_expired(land: Land):
    voucher = used_voucher(land)
    land.act(redemption(land, voucher, "submitted"), "withdraw")

    land.act(voucher, "settle_voucher")
    land.sweep()

    assert (land.state(voucher), land.outcome(voucher)) == ("expired", "lapsed")


def test_a_voucher_with_an_open_redemption_is_frozen_but_not_revoked(land: Land):
    voucher = used_voucher(land)
    child = redemption(land, voucher, "proposed")

    with pytest.raises(GuardFailed, match="子办件"):
        land.act(voucher, "revoke_voucher")
    land.act(voucher, "freeze_voucher")
    frozen = land.clock(voucher, "voucher")[0]
    land.act(child, "reject")
    land.act(voucher, "revoke_voucher")

    assert frozen == "stopped"
    assert land.outcome(voucher) == "terminated"


# --- 即领即用


def live_voucher(land: Land) -> str:
    """Return a voucher that the platform deducts."""
    return land.reached("voucher_live", INSTANT, **amounts(FACE))


def settlement(land: Land, voucher: str) -> str:
    land.act(voucher, "request_settlement")
    *_, child = land.children(voucher)
    return child


def test_a_settlement_is_asked_claimed_and_put_right_by_the_platform_alone(land: Land):
    live = live_voucher(land)
    claim = {"applied_fen": FIRST, "metering_log": "JL-0001"}
    with pytest.raises(NotAllowed):
        land.ask(live, "request_settlement", "applicant")
    child = settlement(land, live)
    holders = land.seats(child)
    with pytest.raises(NotAllowed):
        land.act(child, "claim_settlement", "applicant", **claim)

    land.act(child, "claim_settlement", "platform_operator", **claim)
    land.walk(child, "disbursing", **amounts(FIRST))
    land.act(child, "return_payment")
    waiting = land.seats(child)
    with pytest.raises(NotAllowed):
        land.ask(child, "correct_account", "applicant", note="x")
    land.ask(child, "correct_account", "platform_operator", note="已更正")
    land.act(child, "confirm_payment")

    assert holders == waiting == ["platform_operator"]
    assert (land.outcome(child), land.paid(child)) == ("disbursed", FIRST)


@pytest.mark.soak
def test_settlements_together_never_pass_the_face(land: Land):
    live = live_voucher(land)
    land.walk(settlement(land, live), **amounts(FIRST))
    second = settlement(land, live)
    land.walk(second, "proposed", **amounts(FACE))

    with pytest.raises(GuardFailed, match="上限"):
        land.act(second, "draft_plan", planned_fen=LEFT + 1)

    assert land.act(second, "draft_plan", planned_fen=LEFT).state == "plan_review"


@pytest.mark.soak
def test_a_quarter_opens_a_settlement_and_the_vouchers_end_the_last_window(land: Land):
    live = live_voucher(land)
    past(land, live, "settlement")
    (child,) = land.children(live)
    land.act(child, "report_no_deduction")

    past(land, live, "voucher_validity")
    cleared = land.state(live)
    for each in land.children(live)[1:]:
        assert land.outcome(each) == "lapsed" or land.act(each, "report_no_deduction")
    past(land, live, "final_settlement")
    land.sweep()

    assert cleared == "voucher_clearing"
    assert (land.state(live), land.outcome(live)) == ("expired", "lapsed")
    assert [land.paid(each) for each in land.children(live)] == [0] * len(land.children(live))
