"""Who had to pay back may be barred: from the first day to the last, unless it is lifted."""

from datetime import date, datetime, timedelta

import psycopg
import pytest

from caseflow.cases.recoveries.service import lift_bar
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.integration.claiming import FEN, Claims

BAR = {"bar_years": 3, "bar_basis": "惯例（三年），启数追〔2026〕1号", "credit_entry": "计入"}
LAST = date(2029, 9, 28)
"""Three years from the day on which the tests decide."""


@pytest.fixture
def barred(claims: Claims) -> str:
    """A recovery whose decision bars the applicant for three years."""
    return _bar(claims)


@pytest.fixture(scope="module")
def standing_bar(standing_claims: Claims) -> str:
    """A bar that the tests which share it leave as it is."""
    return _bar(standing_claims)


def _bar(claims: Claims) -> str:
    recovery = claims.of("ruling")
    said = {"recovery_fen": FEN, "offset_allowed": False, "document_no": "启数追〔2026〕1号"}
    claims.town.act(recovery, "order_recovery", **said, **BAR)
    return recovery


def _lift(claims: Claims, recovery: str, seat: str = "lead_bureau.leader", reason: str = "已修复"):
    person = claims.town.person(recovery, seat)
    cases = claims.town.house.cases
    return lift_bar(cases, recovery, reason=reason, actor_id=person, at=claims.town.now)


def test_a_decision_bars_from_its_day_for_the_years_it_says(
    standing_claims: Claims, standing_bar: str
):
    (row,) = standing_claims.town.sql("SELECT from_on, to_on, years, basis, credit_entry FROM bar")

    assert row == (date(2026, 9, 28), LAST, 3, BAR["bar_basis"], "计入")


def test_a_decision_that_says_nothing_bars_nobody(claims: Claims):
    claims.decided(claims.of("paid"), FEN, "recovery_delivery")

    assert claims.town.sql("SELECT * FROM bar") == []


def test_the_barred_open_no_case_until_the_day_after_the_last(
    standing_claims: Claims, standing_bar: str
):
    with pytest.raises(NotAllowed, match="2026-09-28 至 2029-09-28"):
        standing_claims.reopen(standing_bar)


@pytest.mark.parametrize(("days", "is_barred"), [(1, True), (0, True), (-1, False)])
def test_the_last_day_is_barred_and_the_day_after_is_not(claims, barred, days: int, is_barred):
    today = local_date(claims.town.now)
    claims.let_the_bar_end_on(today + timedelta(days=days))

    if is_barred:
        with pytest.raises(NotAllowed, match="禁止申报"):
            claims.reopen(barred)
    else:
        assert claims.reopen(barred).state == "draft"


def test_the_barred_submit_nothing_plan_nothing_and_are_paid_nothing(claims: Claims):
    town, applicant = claims.town, claims.applicant_of(claims.of("ruling"))
    waiting = {
        event: claims.reached_by(applicant, state)
        for state, event in (
            ("draft", "submit"),
            ("proposed", "draft_plan"),
            ("finance_review", "release"),
        )
    }
    claims.town.act(claims.of("ruling"), "order_recovery", **{**claims.ruling_without(""), **BAR})

    for event, case in waiting.items():
        with pytest.raises(NotAllowed, match="禁止申报和享受政策资金"):
            town.act(case, event)
        assert event not in town.events(case)


def test_other_acts_of_the_barred_go_on(claims: Claims):
    case = claims.reached_by(claims.applicant_of(claims.of("ruling")), "submitted")
    claims.town.act(claims.of("ruling"), "order_recovery", **{**claims.ruling_without(""), **BAR})

    assert claims.town.act(case, "accept").state == "district_review"


def test_a_lifted_bar_bars_nobody_and_the_history_says_why(claims: Claims, barred: str):
    outcome = _lift(claims, barred, reason="已全额退款并完成信用修复")

    assert (outcome.events, outcome.state) == (("bar_lifted",), "recovery_delivery")
    assert claims.town.events(barred)[-1] == "bar_lifted"
    assert claims.town.value("SELECT lift_reason FROM bar") == "已全额退款并完成信用修复"
    assert claims.reopen(barred).state == "draft"


def test_a_bar_outlives_its_recovery_and_is_lifted_then(claims: Claims, barred: str):
    claims.town.walk(barred, "recovery_due")
    claims.receive(barred, FEN)

    outcome = _lift(claims, barred)

    assert (outcome.state, claims.town.outcome(barred)) == ("recovered", "closed")


def test_a_bar_is_lifted_once(claims: Claims, barred: str):
    _lift(claims, barred)

    with pytest.raises(Conflict, match="已经解除"):
        _lift(claims, barred)


@pytest.mark.parametrize("seat", ["lead_bureau.handler", "applicant", "auditor"])
def test_only_the_leader_lifts_it(standing_claims: Claims, standing_bar: str, seat: str):
    with pytest.raises(NotAllowed, match="解除禁止申报"):
        _lift(standing_claims, standing_bar, seat)


def test_a_bar_is_not_lifted_without_a_reason_nor_where_there_is_none(
    standing_claims: Claims, standing_bar: str
):
    with pytest.raises(InvalidInput, match="理由"):
        _lift(standing_claims, standing_bar, reason=" ")
    with pytest.raises(NotFound, match="没有登记禁止申报"):
        _lift(standing_claims, standing_claims.of("due"))


def test_with_the_decision_falls_its_bar(claims: Claims, barred: str):
    claims.town.act(barred, "withdraw_recovery_decision", reason="复议决定撤销")

    assert claims.town.value("SELECT lift_reason FROM bar") == "复议决定撤销"
    assert claims.reopen(barred).state == "draft"


# --- raw SQL


@pytest.mark.parametrize(("day", "is_refused"), [(28, True), (27, False)])
def test_the_database_takes_no_submission_of_the_barred(claims: Claims, barred, day, is_refused):
    applicant = claims.applicant_of(barred)
    case = claims.draft_before_the_bar(applicant)
    at = datetime(2026, 9, day, 23, 59, tzinfo=SHANGHAI)
    statement = 'UPDATE "case" SET submitted_at = %s WHERE public_id = %s'

    if is_refused:
        with pytest.raises(psycopg.Error, match="is barred on 2026-09-28"):
            claims.owner(statement, at, case)
    else:
        claims.owner(statement, at, case)


def test_the_database_takes_no_payment_order_for_the_barred(
    standing_claims: Claims, standing_bar: str
):
    case = standing_claims.paid_case(standing_bar)

    with pytest.raises(psycopg.Error, match="is barred on"):
        standing_claims.owner(
            "INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at, payee_id,"
            " account_holder, account_bank, account_number, document_no)"
            " SELECT c.id, 7, 'city', 1, 'ordered', %s, a.organisation_id, a.holder, a.bank,"
            " a.number, 'D' FROM \"case\" c"
            " JOIN bank_account a ON a.organisation_id = c.applicant_id AND a.until IS NULL"
            " WHERE c.public_id = %s",
            standing_claims.town.now,
            case,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bar SET to_on = from_on + 1",
        "DELETE FROM bar",
        "UPDATE bar SET lifted_at = placed_at",
        "UPDATE bar SET years = 0",
    ],
)
def test_even_the_owner_changes_no_bar(standing_claims: Claims, standing_bar: str, statement: str):
    with pytest.raises(psycopg.Error, match=r"fixed|append-only|ck_bar_"):
        standing_claims.owner(statement)
