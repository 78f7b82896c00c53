"""What was paid comes back: the whole chain of 手册§5.9, to both shares, and never twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.kernel.errors import (
    Conflict,
    EventNotAllowed,
    GuardFailed,
    InvalidInput,
    NotAllowed,
    NotFound,
    RequestReused,
)
from tests.integration.claiming import AUDITOR, FEN, STOCKED, Claims, lend, town_on
from tests.integration.walking import together

pytestmark = pytest.mark.soak


@pytest.fixture
def shared(standing_claims: Claims) -> Iterator[Claims]:
    """The module's stock, of which no clock runs out: who opens a recovery leaves it a lead."""
    yield from lend(standing_claims)


# --- opening


def test_what_was_paid_is_claimed_back_in_parts_to_the_last_fen_and_not_again(shared: Claims):
    with shared.beforehand():
        case = shared.paid()
    shared.receive(shared.decided(case, 300), 300)
    second = shared.open(case)
    shared.town.walk(second.case, "recovery_ruling")

    with pytest.raises(InvalidInput, match=f"至多为已拨付尚未追回的 {FEN - 300} 分"):
        shared.town.act(second.case, "order_recovery", recovery_fen=FEN - 299)
    ordered = shared.town.act(second.case, "order_recovery", recovery_fen=FEN - 300)
    shared.town.walk(second.case, "recovery_due")
    outcome = shared.receive(second.case, FEN - 300)

    assert (second.state, second.number[-3:]) == ("recovery_lead", "/R2")
    assert ordered.state == "recovery_delivery"
    assert (outcome.state, outcome.events) == ("recovered", ("record_receipt", "settle_recovery"))
    assert shared.shares(second.case) == [(FEN - 300, 0)]
    assert shared.recovered(case) == FEN
    assert shared.town.state(case) == "disbursed"
    assert shared.town.events(case)[-1] == "recovery_opened"
    assert shared.holds(case) == []
    with pytest.raises(EventNotAllowed, match=f"已追回 {FEN} 分"):
        shared.open(case)


def test_a_case_without_a_payment_is_not_claimed_back(shared: Claims):
    case = shared.town.open()

    with pytest.raises(EventNotAllowed, match="没有可以追回的资金"):
        shared.open(case)


@pytest.mark.parametrize("seat", ["lead_bureau.handler", "lead_bureau.leader", "applicant"])
def test_only_the_head_of_the_division_and_the_auditor_open_one(shared: Claims, seat: str):
    with pytest.raises(NotAllowed, match="处室负责人、审计机关"):
        shared.open(shared.of("paid"), seat)


def test_the_auditor_opens_one_and_it_waits_for_the_bureaus_handler(shared: Claims):
    recovery = shared.open(shared.of("paid"), AUDITOR, ground="audit_finding")

    assert shared.town.seats(recovery.case) == ["lead_bureau.handler"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ground": "bad_mood"}, "ground"),
        ({"evidence": "  "}, "evidence"),
        ({"evidence": "据" * 4001}, "evidence"),
        ({"ground": "project_moved"}, "legal_review_no"),
    ],
)
def test_a_lead_has_a_known_ground_and_evidence(shared: Claims, changes, field: str):
    with pytest.raises(InvalidInput) as refused:
        shared.open(shared.of("paid"), **changes)

    assert list(refused.value.fields) == [field]


def test_moving_away_is_a_ground_where_the_agreement_passed_the_review(shared: Claims):
    review = {"ground": "project_moved", "legal_review_no": "启司审〔2026〕3号"}

    assert shared.open(shared.of("paid"), **review).state == "recovery_lead"


def test_there_is_no_recovery_of_a_case_that_does_not_exist(shared: Claims):
    wanted = shared.town.person(shared.of("paid"), "auditor")

    with pytest.raises(NotFound):
        shared.open_as(wanted, "nothing")


def test_two_people_open_one_at_once_and_there_is_one(shared: Claims):
    case = shared.of("paid")
    before = len(shared.town.children(case))

    results = together(lambda: shared.open(case), lambda: shared.open(case, AUDITOR))

    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Outcome"]
    assert len(shared.town.children(case)) == before + 1
    with pytest.raises(Conflict, match="已有未办结的追缴"):
        shared.open(case)


def test_the_same_request_twice_at_once_gets_the_same_answer(shared: Claims):
    case = shared.of("paid")

    results = together(*[lambda: shared.open(case, request_id="lead-at-once")] * 3)

    assert len({each.case for each in results}) == 1
    assert sorted(each.replayed for each in results) == [False, True, True]


def test_what_the_database_refuses_is_a_conflict_and_opens_nothing(shared: Claims):
    case, rename = shared.of("paid"), "UPDATE \"case\" SET number = %s WHERE title = 'ruling'"
    number = shared.town.value('SELECT number FROM "case" WHERE public_id = %s', case)
    known = shared.town.value("SELECT number FROM \"case\" WHERE title = 'ruling'")
    before = shared.town.children(case)
    shared.owner(rename, f"{number}/R{len(before) + 1}")

    with pytest.raises(Conflict, match="uq_case_number"):
        shared.open(case)
    shared.owner(rename, known)

    assert shared.town.children(case) == before


def test_the_same_request_twice_opens_one(shared: Claims):
    case = shared.of("paid")

    first = shared.open(case, request_id="lead-1")
    again = shared.open(case, request_id="lead-1")

    assert (again.case, again.replayed) == (first.case, True)
    with pytest.raises(RequestReused):
        shared.open(case, request_id="lead-1", evidence="其他")


# --- the chain


def test_findings_without_a_breach_end_it_and_another_may_follow(shared: Claims):
    case = shared.of("paid by both")
    before = len(shared.holds(case))
    recovery = shared.open(case).case
    shared.town.walk(recovery, "recovery_investigating")
    shared.town.act(recovery, "report_findings", recovery_finding="none")

    outcome = shared.town.act(recovery, "sign_findings")

    assert (outcome.state, shared.town.outcome(recovery)) == ("no_ground", "closed")
    assert shared.holds(case)[before:] == [("clawback_open", True)]
    assert shared.open(case).state == "recovery_lead"


def test_who_investigated_neither_signs_nor_decides(shared: Claims):
    recovery = shared.open(shared.of("paid")).case
    shared.town.walk(recovery, "findings_signature")
    handler = shared.town.person(recovery, "lead_bureau.handler")

    with shared.seated_also(handler, "bureau_reviewer", "bureau_leader"):
        with pytest.raises(NotAllowed, match="经办、复核、审批、拨付须为不同的人"):
            shared.act_as(handler, recovery, "sign_findings", note="同意")
        shared.town.walk(recovery, "recovery_ruling")
        with pytest.raises(NotAllowed, match="经办、复核、审批、拨付须为不同的人"):
            shared.act_as(handler, recovery, "accept_defence", reason="申辩成立")
    shared.town.act(recovery, "accept_defence")


@pytest.mark.parametrize("missing", ["reason", "remedy", "document_no", "offset_allowed"])
def test_nothing_is_decided_without_reason_remedy_and_number(shared: Claims, missing: str):
    with pytest.raises(InvalidInput) as refused:
        shared.town.ask(
            shared.of("ruling"),
            "order_recovery",
            "lead_bureau.leader",
            **shared.ruling_without(missing),
        )

    assert refused.value.fields == {missing: "必填"}


@pytest.mark.parametrize("fen", [0, FEN + 1])
def test_no_more_is_decided_than_was_paid_and_never_nothing(shared: Claims, fen: int):
    with pytest.raises(InvalidInput, match="recovery_fen"):
        shared.town.act(
            shared.of("ruling"), "order_recovery", recovery_fen=fen, offset_allowed=False
        )


def test_days_pass_until_it_is_decided_overdue_enforced_and_written_off(claims: Claims):
    town, recovery, hearing = claims.town, claims.of("due"), claims.open(claims.of("paid")).case
    given_up = claims.of("due by both")
    claims.receive(recovery, 1)
    _who_says_nothing_in_five_working_days_is_decided_about(claims, hearing)
    _it_is_overdue_on_the_day_after_thirty_days_and_not_before(claims, recovery)
    assert town.state(given_up) == "recovery_late"

    for each in (recovery, given_up):
        town.act(each, "demand_recovery")
    claims.receive(recovery, 2)
    town.wait(recovery)
    assert town.state(recovery) == town.state(given_up) == "recovery_court"
    _a_debt_written_off_is_closed_by_another_meeting(claims, given_up)
    town.act(recovery, "file_enforcement")
    town.act(recovery, "propose_debt_write_off")
    town.act(recovery, "refuse_write_off")
    town.act(recovery, "propose_debt_write_off")
    town.act(recovery, "write_off", minutes_no="〔2027〕第3号")
    town.wait(recovery)  # a year later
    assert town.state(recovery) == "written_off"

    late = claims.receive(recovery, FEN - 3)

    assert (late.state, town.outcome(recovery)) == ("recovered", "closed")
    assert claims.recovered(claims.paid_case(recovery)) == FEN


def _who_says_nothing_in_five_working_days_is_decided_about(claims: Claims, recovery: str) -> None:
    claims.town.walk(recovery, "recovery_hearing")
    due_on = claims.town.clock(recovery, "defence")[2]

    claims.town.wait(recovery)

    assert due_on.isoformat() == "2026-10-10"
    assert claims.town.state(recovery) == "recovery_ruling"


def _it_is_overdue_on_the_day_after_thirty_days_and_not_before(
    claims: Claims, recovery: str
) -> None:
    due_on = claims.town.clock(recovery, "recovery_due")[2]
    due_at = claims.town.value(
        'SELECT due_at FROM clock k JOIN "case" c ON c.id = k.case_id WHERE c.public_id = %s'
        " AND k.name = 'recovery_due'",
        recovery,
    )

    claims.town.sweep(due_at - timedelta(seconds=1))
    before = claims.town.state(recovery)
    claims.town.sweep(due_at)

    assert due_on.isoformat() == "2026-10-15"
    assert (before, claims.town.state(recovery)) == ("recovery_due", "recovery_late")


def _a_debt_written_off_is_closed_by_another_meeting(claims: Claims, recovery: str) -> None:
    claims.town.act(recovery, "propose_debt_write_off")
    claims.town.act(recovery, "write_off")

    assert claims.town.act(recovery, "close_written_off").state == "debt_written_off"


def test_a_decision_is_withdrawn_while_nothing_came(shared: Claims):
    case = shared.of("paid by both")
    before = len(shared.holds(case))
    recovery = shared.decided(case, 100)

    outcome = shared.town.act(recovery, "withdraw_recovery_decision")

    assert outcome.state == "decision_withdrawn"
    assert shared.holds(case)[before:] == [("clawback_open", True)]
    assert shared.open(case).state == "recovery_lead"


def test_a_decision_on_which_money_came_is_not_withdrawn(shared: Claims):
    recovery = shared.of("due")
    shared.receive(recovery, 1)

    with pytest.raises(GuardFailed, match="须先办理退库"):
        shared.town.act(recovery, "withdraw_recovery_decision")


def test_it_is_referred_without_moving(shared: Claims):
    recovery = shared.open(shared.of("paid")).case

    outcome = shared.town.act(recovery, "refer_recovery", AUDITOR, referred_to="police")

    assert (outcome.state, outcome.events) == ("recovery_lead", ("refer_recovery",))


# --- while it runs


@pytest.mark.soak
def test_nothing_is_paid_on_a_running_case_until_the_recovery_ends(shared: Claims):
    with shared.beforehand():
        case = shared.town.reached("finance_review")
        shared.town.act(case, "release", instalment_fen=1)
        shared.town.act(case, "order_payment")
        shared.town.act(case, "confirm_payment")
        shared.town.walk(case, "disbursing")
        assert shared.town.now < STOCKED
    recovery = shared.open(case).case

    with pytest.raises(GuardFailed, match="暂停拨付"):
        shared.town.act(case, "confirm_payment")
    with pytest.raises(Conflict, match="追缴尚未办结"):
        shared.town.act(case, "lift_hold", "finance.division", hold_kind="clawback_open")
    shared.town.act(recovery, "dismiss_lead")

    assert shared.holds(case) == [("clawback_open", True)]
    _a_hold_that_stands_already_is_lifted_with_the_recovery(shared, case)
    assert shared.town.act(case, "confirm_payment").state == "disbursed"


def _a_hold_that_stands_already_is_lifted_with_the_recovery(claims: Claims, case: str) -> None:
    claims.town.act(case, "place_hold", "finance.division", hold_kind="clawback_open")

    recovery = claims.open(case).case
    claims.town.act(recovery, "dismiss_lead")

    assert claims.holds(case) == [("clawback_open", True)] * 2


def test_a_recovery_is_none_of_the_children_that_a_case_waits_for(shared: Claims):
    case = shared.of("paid by both")
    shared.open(case)

    facts = shared.facts(case)

    assert (facts["children_total"], facts["children_open"], facts["holds"]) == (0, 0, 1)


# --- a version of before


@pytest.mark.soak
def test_a_case_pinned_before_recoveries_were_defined_is_claimed_by_todays(
    claims: Claims,
):
    case = claims.of("paid")
    claims.forget_the_recovery_of(case)

    assert claims.open(case).state == "recovery_lead"
    assert claims.pinned_version(case) != claims.pinned_version(claims.town.children(case)[0])
    _a_measure_that_has_none_today_says_so(claims)


def _a_measure_that_has_none_today_says_so(claims: Claims) -> None:
    claims.owner("ALTER TABLE measure_version DISABLE TRIGGER ALL")
    claims.owner("UPDATE measure_version SET children = children - 'recovery'")
    house = claims.town.house
    begun_anew = Claims(town_on(house.database, house.files.parent))

    with pytest.raises(EventNotAllowed, match="没有追缴流程"):
        begun_anew.open(claims.of("paid by both"))
