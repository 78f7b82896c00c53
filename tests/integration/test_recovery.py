"""What was paid comes back: the whole chain of 手册§5.9, to both shares, and never twice."""

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
from tests.integration.claiming import AUDITOR, FEN, Claims
from tests.integration.walking import together

# --- opening


def test_a_case_that_has_ended_is_claimed_back_to_the_last_fen(claims: Claims):
    case = claims.of("paid")

    recovery = claims.open(case)
    claims.town.walk(recovery.case, "recovery_ruling")
    claims.town.act(recovery.case, "order_recovery", recovery_fen=FEN, offset_allowed=False)
    claims.town.walk(recovery.case, "recovery_due")
    outcome = claims.receive(recovery.case, FEN)

    assert (recovery.state, recovery.number[-3:]) == ("recovery_lead", "/R1")
    assert (outcome.state, outcome.events) == ("recovered", ("record_receipt", "settle_recovery"))
    assert claims.shares(recovery.case) == [(FEN, 0)]
    assert claims.recovered(case) == FEN
    assert claims.town.state(case) == "disbursed"
    assert claims.town.events(case)[-1] == "recovery_opened"
    assert claims.holds(case) == []


def test_a_case_without_a_payment_is_not_claimed_back(standing_claims: Claims):
    case = standing_claims.town.reached("submitted")

    with pytest.raises(EventNotAllowed, match="没有可以追回的资金"):
        standing_claims.open(case)


def test_what_came_back_whole_is_not_claimed_again(claims: Claims):
    case = claims.of("paid")
    claims.receive(claims.decided(case, FEN), FEN)

    with pytest.raises(EventNotAllowed, match=f"已追回 {FEN} 分"):
        claims.open(case)


def test_what_came_back_in_part_is_claimed_for_the_rest_only(claims: Claims):
    case = claims.of("paid")
    claims.receive(claims.decided(case, 300), 300)
    second = claims.open(case)
    claims.town.walk(second.case, "recovery_ruling")

    with pytest.raises(InvalidInput, match=f"至多为已拨付尚未追回的 {FEN - 300} 分"):
        claims.town.act(second.case, "order_recovery", recovery_fen=FEN - 299)
    outcome = claims.town.act(second.case, "order_recovery", recovery_fen=FEN - 300)

    assert (second.number[-3:], outcome.state) == ("/R2", "recovery_delivery")


@pytest.mark.parametrize("seat", ["lead_bureau.handler", "lead_bureau.leader", "applicant"])
def test_only_the_head_of_the_division_and_the_auditor_open_one(standing_claims: Claims, seat: str):
    with pytest.raises(NotAllowed, match="处室负责人、审计机关"):
        standing_claims.open(standing_claims.of("paid"), seat)


def test_the_auditor_opens_one_and_it_waits_for_the_bureaus_handler(claims: Claims):
    recovery = claims.open(claims.of("paid"), AUDITOR, ground="audit_finding")

    assert claims.town.seats(recovery.case) == ["lead_bureau.handler"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ground": "bad_mood"}, "ground"),
        ({"evidence": "  "}, "evidence"),
        ({"evidence": "据" * 4001}, "evidence"),
        ({"ground": "project_moved"}, "legal_review_no"),
    ],
)
def test_a_lead_has_a_known_ground_and_evidence(standing_claims: Claims, changes, field: str):
    with pytest.raises(InvalidInput) as refused:
        standing_claims.open(standing_claims.of("paid"), **changes)

    assert list(refused.value.fields) == [field]


def test_moving_away_is_a_ground_where_the_agreement_passed_the_review(claims: Claims):
    review = {"ground": "project_moved", "legal_review_no": "启司审〔2026〕3号"}

    assert claims.open(claims.of("paid"), **review).state == "recovery_lead"


def test_there_is_no_recovery_of_a_case_that_does_not_exist(standing_claims: Claims):
    wanted = standing_claims.town.person(standing_claims.of("paid"), "auditor")

    with pytest.raises(NotFound):
        standing_claims.open_as(wanted, "nothing")


def test_two_people_open_one_at_once_and_there_is_one(claims: Claims):
    case = claims.of("paid")

    results = together(lambda: claims.open(case), lambda: claims.open(case, AUDITOR))

    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Outcome"]
    assert len(claims.town.children(case)) == 1
    with pytest.raises(Conflict, match="已有未办结的追缴"):
        claims.open(case)


def test_the_same_request_twice_at_once_gets_the_same_answer(claims: Claims):
    case = claims.of("paid")

    results = together(*[lambda: claims.open(case, request_id="lead-1")] * 3)

    assert len({each.case for each in results}) == 1
    assert sorted(each.replayed for each in results) == [False, True, True]


def test_what_the_database_refuses_is_a_conflict_and_opens_nothing(claims: Claims):
    case = claims.of("paid")
    number = claims.town.value('SELECT number FROM "case" WHERE public_id = %s', case)
    claims.owner("UPDATE \"case\" SET number = %s WHERE title = 'ruling'", f"{number}/R1")

    with pytest.raises(Conflict, match="uq_case_number"):
        claims.open(case)

    assert claims.town.children(case) == []


def test_the_same_request_twice_opens_one(claims: Claims):
    case = claims.of("paid")

    first = claims.open(case, request_id="lead-1")
    again = claims.open(case, request_id="lead-1")

    assert (again.case, again.replayed) == (first.case, True)
    with pytest.raises(RequestReused):
        claims.open(case, request_id="lead-1", evidence="其他")


# --- the chain


def test_findings_without_a_breach_end_it_and_another_may_follow(claims: Claims):
    case = claims.of("paid by both")
    recovery = claims.open(case).case
    claims.town.walk(recovery, "recovery_investigating")
    claims.town.act(recovery, "report_findings", recovery_finding="none")

    outcome = claims.town.act(recovery, "sign_findings")

    assert (outcome.state, claims.town.outcome(recovery)) == ("no_ground", "closed")
    assert claims.holds(case) == [("clawback_open", True)]
    assert claims.open(case).number.endswith("/R2")


def test_who_investigated_neither_signs_nor_decides(claims: Claims):
    recovery = claims.open(claims.of("paid")).case
    claims.town.walk(recovery, "findings_signature")
    handler = claims.town.person(recovery, "lead_bureau.handler")

    with claims.seated_also(handler, "bureau_reviewer", "bureau_leader"):
        with pytest.raises(NotAllowed, match="经办、复核、审批、拨付须为不同的人"):
            claims.act_as(handler, recovery, "sign_findings", note="同意")
        claims.town.walk(recovery, "recovery_ruling")
        with pytest.raises(NotAllowed, match="经办、复核、审批、拨付须为不同的人"):
            claims.act_as(handler, recovery, "accept_defence", reason="申辩成立")


@pytest.mark.parametrize("missing", ["reason", "remedy", "document_no", "offset_allowed"])
def test_nothing_is_decided_without_reason_remedy_and_number(standing_claims: Claims, missing: str):
    with pytest.raises(InvalidInput) as refused:
        standing_claims.town.ask(
            standing_claims.of("ruling"),
            "order_recovery",
            "lead_bureau.leader",
            **standing_claims.ruling_without(missing),
        )

    assert refused.value.fields == {missing: "必填"}


@pytest.mark.parametrize("fen", [0, FEN + 1])
def test_no_more_is_decided_than_was_paid_and_never_nothing(standing_claims: Claims, fen: int):
    with pytest.raises(InvalidInput, match="recovery_fen"):
        standing_claims.town.act(
            standing_claims.of("ruling"), "order_recovery", recovery_fen=fen, offset_allowed=False
        )


def test_who_says_nothing_in_five_working_days_is_decided_about(claims: Claims):
    recovery = claims.open(claims.of("paid")).case
    claims.town.walk(recovery, "recovery_hearing")
    due_on = claims.town.clock(recovery, "defence")[2]

    claims.town.wait(recovery)

    assert due_on.isoformat() == "2026-10-10"
    assert claims.town.state(recovery) == "recovery_ruling"


def test_overdue_demanded_enforced_written_off_and_paid_after_all(claims: Claims):
    town, recovery = claims.town, claims.of("due")
    claims.receive(recovery, 1)
    town.wait(recovery)
    assert town.state(recovery) == "recovery_late"
    town.act(recovery, "demand_recovery")
    claims.receive(recovery, 2)
    town.wait(recovery)
    assert town.state(recovery) == "recovery_court"
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


def test_a_debt_written_off_is_closed_by_another_meeting(claims: Claims):
    town, recovery = claims.town, claims.of("due")
    town.wait(recovery)
    town.act(recovery, "demand_recovery")
    town.wait(recovery)
    town.act(recovery, "propose_debt_write_off")
    town.act(recovery, "write_off")

    assert town.act(recovery, "close_written_off").state == "debt_written_off"


def test_it_is_overdue_on_the_day_after_thirty_days_and_not_before(claims: Claims):
    recovery = claims.of("due")
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


def test_a_decision_is_withdrawn_while_nothing_came(claims: Claims):
    case = claims.of("paid by both")
    recovery = claims.decided(case, 100)

    outcome = claims.town.act(recovery, "withdraw_recovery_decision")

    assert outcome.state == "decision_withdrawn"
    assert claims.holds(case) == [("clawback_open", True)]
    assert claims.open(case).state == "recovery_lead"


def test_a_decision_on_which_money_came_is_not_withdrawn(claims: Claims):
    recovery = claims.of("due")
    claims.receive(recovery, 1)

    with pytest.raises(GuardFailed, match="须先办理退库"):
        claims.town.act(recovery, "withdraw_recovery_decision")


def test_it_is_referred_without_moving(claims: Claims):
    recovery = claims.open(claims.of("paid")).case

    outcome = claims.town.act(recovery, "refer_recovery", AUDITOR, referred_to="police")

    assert (outcome.state, outcome.events) == ("recovery_lead", ("refer_recovery",))


# --- while it runs


def test_nothing_is_paid_on_a_running_case_until_the_recovery_ends(claims: Claims):
    case = claims.town.reached("finance_review")
    claims.town.act(case, "release", instalment_fen=1)
    claims.town.act(case, "order_payment")
    claims.town.act(case, "confirm_payment")
    claims.town.walk(case, "disbursing")
    recovery = claims.open(case).case

    with pytest.raises(GuardFailed, match="暂停拨付"):
        claims.town.act(case, "confirm_payment")
    with pytest.raises(Conflict, match="追缴尚未办结"):
        claims.town.act(case, "lift_hold", "finance.division", hold_kind="clawback_open")
    claims.town.act(recovery, "dismiss_lead")

    assert claims.holds(case) == [("clawback_open", True)]
    assert claims.town.act(case, "confirm_payment").state == "disbursed"


def test_a_hold_that_stands_already_is_lifted_with_the_recovery(claims: Claims):
    case = claims.of("paid by both")
    claims.town.act(case, "place_hold", "finance.division", hold_kind="clawback_open")

    recovery = claims.open(case).case
    claims.town.act(recovery, "dismiss_lead")

    assert claims.holds(case) == [("clawback_open", True)]


def test_a_recovery_is_none_of_the_children_that_a_case_waits_for(claims: Claims):
    case = claims.of("paid by both")
    claims.open(case)

    facts = claims.facts(case)

    assert (facts["children_total"], facts["children_open"], facts["holds"]) == (0, 0, 1)


# --- a version of before


def test_a_case_pinned_before_recoveries_were_defined_is_claimed_by_todays(claims: Claims):
    case = claims.of("paid")
    claims.forget_the_recovery_of(case)

    assert claims.open(case).state == "recovery_lead"
    assert claims.pinned_version(case) != claims.pinned_version(claims.town.children(case)[0])


def test_a_measure_that_has_none_today_says_so(claims: Claims):
    case = claims.of("paid")
    claims.owner("ALTER TABLE measure_version DISABLE TRIGGER ALL")
    claims.owner("UPDATE measure_version SET children = children - 'recovery'")

    with pytest.raises(EventNotAllowed, match="没有追缴流程"):
        claims.open(case)
