"""Who had to pay back may be barred: from the first day to the last, unless it is lifted."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import psycopg
import pytest

from caseflow.cases.recoveries.service import lift_bar
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.integration.claiming import CITY, DISTRICT, FEN, STOCKED, Claims

BAR = {"bar_years": 3, "bar_basis": "惯例（三年），启数追〔2026〕1号", "credit_entry": "计入"}
LAST = date(2029, 9, 28)
"""Three years from the day on which the tests decide."""


@pytest.fixture
def claims(standing_claims: Claims) -> Claims:
    """The module's stock at the tests' time."""
    standing_claims.town.now = STOCKED
    return standing_claims


@pytest.fixture
def barred(claims: Claims) -> Iterator[str]:
    """A recovery of its own whose decision bars the applicant for three years."""
    recovery = claims.ruling(claims.of("paid"))
    _bar(claims, recovery)
    yield recovery
    if claims.town.outcome(recovery) is None:
        claims.town.act(recovery, "withdraw_recovery_decision")


@pytest.fixture(scope="module")
def waiting(standing_claims: Claims) -> dict[str, str]:
    """Cases of who will be barred, by the event that each waits for."""
    applicant = standing_claims.applicant_of(standing_claims.of("ruling"))
    made = {}
    for state, event in (
        ("draft", "submit"),
        ("proposed", "draft_plan"),
        ("finance_review", "release"),
    ):
        with standing_claims.beforehand():
            made[event] = standing_claims.reached_by(applicant, state)
    standing_claims.town.now = STOCKED
    return {**made, "accept": standing_claims.reached_by(applicant, "submitted")}


@pytest.fixture(scope="module")
def standing_bar(standing_claims: Claims, waiting: dict[str, str]) -> str:
    """A bar that the tests which share it leave as it is."""
    recovery = standing_claims.of("ruling")
    standing_claims.town.now = STOCKED
    _bar(standing_claims, recovery)
    return recovery


def _bar(claims: Claims, recovery: str) -> None:
    said = {"recovery_fen": FEN, "offset_allowed": False, "document_no": "启数追〔2026〕1号"}
    claims.town.act(recovery, "order_recovery", **said, **BAR)


def _bars(claims: Claims, recovery: str, columns: str) -> list[tuple[object, ...]]:
    """Return what is told of the bars that a recovery placed."""
    return claims.town.sql(
        f'SELECT {columns} FROM bar b JOIN "case" c ON c.id = b.recovery_id WHERE c.public_id = %s',
        recovery,
    )


def _lift(claims: Claims, recovery: str, seat: str = "lead_bureau.leader", reason: str = "已修复"):
    person = claims.town.person(recovery, seat)
    cases = claims.town.house.cases
    return lift_bar(cases, recovery, reason=reason, actor_id=person, at=claims.town.now)


def test_a_decision_bars_from_its_day_for_the_years_it_says(claims: Claims, standing_bar: str):
    (row,) = _bars(claims, standing_bar, "from_on, to_on, years, basis, credit_entry")

    assert row == (date(2026, 9, 28), LAST, 3, BAR["bar_basis"], "计入")


def test_a_decision_that_says_nothing_bars_nobody(claims: Claims):
    assert _bars(claims, claims.of("due"), "*") == []
    assert claims.reopen(claims.of("due")).state == "draft"


def test_the_barred_open_no_case_until_the_day_after_the_last(claims: Claims, standing_bar: str):
    with pytest.raises(NotAllowed, match="2026-09-28 至 2029-09-28"):
        claims.reopen(standing_bar)


def test_the_last_day_is_barred_and_the_day_after_is_not(claims: Claims, barred: str):
    today = local_date(claims.town.now)
    for days in (1, 0):
        claims.let_the_bar_end_on(today + timedelta(days=days), barred)
        with pytest.raises(NotAllowed, match="禁止申报"):
            claims.reopen(barred)

    claims.let_the_bar_end_on(today - timedelta(days=1), barred)

    assert claims.reopen(barred).state == "draft"


@pytest.mark.parametrize("event", ["submit", "draft_plan", "release"])
def test_the_barred_submit_nothing_plan_nothing_and_are_paid_nothing(
    claims: Claims, waiting: dict[str, str], standing_bar: str, event: str
):
    case = waiting[event]

    with pytest.raises(NotAllowed, match="禁止申报和享受政策资金"):
        claims.town.act(case, event)
    assert event not in claims.town.events(case)


def test_other_acts_of_the_barred_go_on(claims: Claims, waiting: dict[str, str], standing_bar: str):
    assert claims.town.act(waiting["accept"], "accept").state == "district_review"


def test_a_lifted_bar_bars_nobody_once_and_the_history_says_why(claims: Claims, barred: str):
    outcome = _lift(claims, barred, reason="已全额退款并完成信用修复")

    assert (outcome.events, outcome.state) == (("bar_lifted",), "recovery_delivery")
    assert claims.town.events(barred)[-1] == "bar_lifted"
    assert _bars(claims, barred, "lift_reason") == [("已全额退款并完成信用修复",)]
    assert claims.reopen(barred).state == "draft"
    with pytest.raises(Conflict, match="已经解除"):
        _lift(claims, barred)


def test_a_bar_outlives_its_recovery_and_is_lifted_then(claims: Claims):
    recovery = claims.ruling(claims.of("paid by both"))
    said = {"offset_allowed": False, "document_no": "启数追〔2026〕1号", **BAR}
    claims.town.act(recovery, "order_recovery", recovery_fen=CITY + DISTRICT, **said)
    claims.town.walk(recovery, "recovery_due")
    claims.receive(recovery, CITY + DISTRICT)
    with pytest.raises(NotAllowed, match="禁止申报"):
        claims.reopen(recovery)

    outcome = _lift(claims, recovery)

    assert (outcome.state, claims.town.outcome(recovery)) == ("recovered", "closed")


@pytest.mark.parametrize("seat", ["lead_bureau.handler", "applicant", "auditor"])
def test_only_the_leader_lifts_it(claims: Claims, standing_bar: str, seat: str):
    with pytest.raises(NotAllowed, match="解除禁止申报"):
        _lift(claims, standing_bar, seat)


def test_a_bar_is_not_lifted_without_a_reason_nor_where_there_is_none(
    claims: Claims, standing_bar: str
):
    with pytest.raises(InvalidInput, match="理由"):
        _lift(claims, standing_bar, reason=" ")
    with pytest.raises(NotFound, match="没有登记禁止申报"):
        _lift(claims, claims.of("due"))


def test_with_the_decision_falls_its_bar(claims: Claims, barred: str):
    claims.town.act(barred, "withdraw_recovery_decision", reason="复议决定撤销")

    assert _bars(claims, barred, "lift_reason") == [("复议决定撤销",)]
    assert claims.reopen(barred).state == "draft"


# --- raw SQL


@pytest.mark.parametrize(("day", "is_refused"), [(28, True), (27, False)])
def test_the_database_takes_no_submission_of_the_barred(
    claims: Claims, standing_bar: str, day, is_refused
):
    applicant = claims.applicant_of(standing_bar)
    case = claims.draft_before_the_bar(applicant)
    at = datetime(2026, 9, day, 23, 59, tzinfo=SHANGHAI)
    statement = 'UPDATE "case" SET submitted_at = %s WHERE public_id = %s'

    if is_refused:
        with pytest.raises(psycopg.Error, match="is barred on 2026-09-28"):
            claims.owner(statement, at, case)
    else:
        claims.owner(statement, at, case)


def test_the_database_takes_no_payment_order_for_the_barred(claims: Claims, standing_bar: str):
    case = claims.paid_case(standing_bar)

    with pytest.raises(psycopg.Error, match="is barred on"):
        claims.owner(
            "INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at, payee_id,"
            " account_holder, account_bank, account_number, document_no)"
            " SELECT c.id, 7, 'city', 1, 'ordered', %s, a.organisation_id, a.holder, a.bank,"
            " a.number, 'D' FROM \"case\" c"
            " JOIN bank_account a ON a.organisation_id = c.applicant_id AND a.until IS NULL"
            " WHERE c.public_id = %s",
            claims.town.now,
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
def test_even_the_owner_changes_no_bar(claims: Claims, standing_bar: str, statement: str):
    with pytest.raises(psycopg.Error, match=r"fixed|append-only|ck_bar_"):
        claims.owner(statement)
