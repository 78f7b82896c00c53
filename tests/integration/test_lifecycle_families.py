"""What only one family has: titles that lapse, events registered ahead, funds without a payment."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import EventNotAllowed, GuardFailed, NotAllowed
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, at, found_town, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

HEAD, LEADER, HANDLER = "lead_bureau.division_head", "lead_bureau.leader", "lead_bureau.handler"


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def later(town: Town, days: int) -> None:
    town.sweep(town.now + timedelta(days=days))


def run_out(town: Town, case: str, clock: str) -> tuple[str, str]:
    """Return where the case stands a minute before the clock's end and at it."""
    due_on = town.clock(case, clock)[2]
    town.sweep(at(due_on.month, due_on.day, 23, 59, year=due_on.year))
    before = town.state(case)
    town.sweep(town.now + timedelta(minutes=1))
    return before, town.state(case)


# --- titles


def test_a_title_nobody_confirms_is_urged_and_then_lapses(town: Town):
    case = town.reached("pushed", FAMILIES["titles"])

    urged = run_out(town, case, "confirmation")
    lapsed = run_out(town, case, "urged")

    assert urged == ("pushed", "urged")
    assert lapsed == ("urged", "lapsed")
    assert town.payments(case) == []


@pytest.mark.soak
def test_a_title_may_still_be_confirmed_when_urged(town: Town):
    case = town.reached("pushed", FAMILIES["titles"])
    run_out(town, case, "confirmation")

    town.walk(case)

    assert town.outcome(case) == "disbursed"


def test_a_match_is_discarded_by_the_bureau_and_declined_by_the_enterprise(town: Town):
    discarded, declined = town.open(FAMILIES["titles"]), town.reached("pushed", FAMILIES["titles"])

    with pytest.raises(NotAllowed):
        town.ask(discarded, "discard_match", "applicant", reason="x")
    town.act(discarded, "discard_match")
    town.act(declined, "decline")

    assert (town.outcome(discarded), town.outcome(declined)) == ("closed", "withdrawn")


def test_a_title_paid_by_a_higher_policy_is_superseded_or_paid_the_difference(town: Town):
    superseded, topped_up = (town.reached("checked", FAMILIES["titles"]) for _ in range(2))
    for case in (superseded, topped_up):
        town.act(case, "conclude_check", duplicate_found=True)
        assert town.state(case) == "duplicate_matched"

    town.act(superseded, "supersede")
    town.act(topped_up, "clear_duplicate", reviewed_fen=1_000)
    town.walk(topped_up)

    assert (town.outcome(superseded), town.outcome(topped_up)) == ("closed", "disbursed")
    assert town.payments(topped_up) == [(1_000, "paid")]


# --- events


@pytest.mark.parametrize(
    ("ahead", "mode", "state"),
    [
        (19, "market", "registration_refused"),
        (20, "market", "confirmed"),
        (21, "market", "confirmed"),
        (20, "public", "registration_refused"),
    ],
)
def test_an_event_is_registered_twenty_working_days_ahead(
    town: Town, ahead: int, mode: str, state: str
):
    case = town.reached("pre_registered", FAMILIES["events"])

    town.act(
        case, "confirm_registration", registered_days_ahead=ahead, market_oriented=mode == "market"
    )

    assert town.state(case) == state


def test_a_registration_that_came_too_late_is_not_accepted(town: Town):
    case = town.reached("pre_registered", FAMILIES["events"])
    town.act(case, "confirm_registration", registered_days_ahead=3)

    with pytest.raises(EventNotAllowed):
        town.ask(case, "claim", "applicant", applied_fen=1)
    town.act(case, "not_accept", reason_code="condition_not_met")

    assert town.outcome(case) == "not_accepted"


def test_an_event_is_claimed_only_after_it_was_held_and_with_its_documents(town: Town):
    case = town.reached("confirmed", FAMILIES["events"])

    with pytest.raises(EventNotAllowed):
        town.ask(case, "claim", "applicant", applied_fen=1)
    town.act(case, "report_held")
    with pytest.raises(GuardFailed, match="材料不齐全"):
        town.ask(case, "claim", "applicant", applied_fen=1)
    town.act(case, "claim")

    assert town.state(case) == "submitted"


def test_an_event_not_claimed_in_sixty_days_lapses(town: Town):
    case = town.reached("held", FAMILIES["events"])
    started = local_date(town.now)

    lapsed = run_out(town, case, "claim")

    assert lapsed == ("held", "lapsed")
    assert 60 <= (town.clock(case, "claim")[2] - started).days <= 68


def test_a_changed_event_is_confirmed_again(town: Town):
    case = town.reached("confirmed", FAMILIES["events"])

    town.act(case, "report_change")
    with pytest.raises(EventNotAllowed):
        town.ask(case, "report_held", "applicant", note="已举办")
    town.act(case, "confirm_change")
    town.act(case, "report_held")

    assert town.state(case) == "held"


def test_an_event_not_held_before_the_policys_end_lapses(town: Town):
    case = town.reached("confirmed", FAMILIES["events"])

    assert run_out(town, case, "event_life") == ("confirmed", "lapsed")
    assert local_date(town.now) == local_date(at(5, 14, year=2028))


# --- funds


@pytest.mark.parametrize(
    "state",
    [
        "manager_screening",
        *(
            pytest.param(state, marks=pytest.mark.soak)
            for state in ("due_diligence", "investment_meeting", "invested")
        ),
    ],
)
def test_the_manager_decides_and_no_investment_closes_the_file(town: Town, state: str):
    case = town.reached(state, FAMILIES["funds"])

    for seat in (HANDLER, LEADER, "applicant"):
        with pytest.raises(NotAllowed):
            town.ask(case, "record_no_investment", seat, note="不投资")
    town.act(case, "record_no_investment")

    assert town.outcome(case) == "closed"
    assert town.payments(case) == []


def test_a_fund_reports_every_half_year_and_its_exit_closes_the_file_without_a_payment(town: Town):
    case = town.reached("post_investment", FAMILIES["funds"])

    later(town, 400)
    reports = town.events(case).count("report_due")
    town.act(case, "report_investment")
    town.act(case, "record_exit")

    assert reports == 2
    assert town.outcome(case) == "closed"
    assert town.payments(case) == []


def test_a_loss_is_recognised_by_the_leader_or_sent_back(town: Town):
    case = town.reached("post_investment", FAMILIES["funds"])
    town.act(case, "report_loss")

    town.act(case, "return_loss")
    town.act(case, "report_loss")
    with pytest.raises(NotAllowed):
        town.ask(case, "recognise_loss", "fund_manager", minutes_no="1", reason="已尽职")
    town.act(case, "recognise_loss")

    assert town.outcome(case) == "closed"


# --- evaluations, ranks, waits


@pytest.mark.parametrize(
    ("family", "state", "event", "fact", "stem"),
    [
        ("research", "midterm", "conclude_midterm", "midterm_result", "midterm"),
        pytest.param(
            "research",
            "acceptance",
            "conclude_acceptance",
            "acceptance_result",
            "acceptance",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            "talent",
            "midterm",
            "conclude_midterm",
            "midterm_result",
            "midterm",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_who_does_not_put_an_evaluation_right_in_time_is_ended_by_the_leader(
    town: Town, family: str, state: str, event: str, fact: str, stem: str
):
    case = town.reached(state, FAMILIES[family])

    town.act(case, event, **{fact: "rectify"})
    missed = run_out(town, case, f"{stem}_rectification")
    town.act(case, "end_for_failure")

    assert missed == (f"{stem}_rectifying", f"{stem}_failed")
    assert town.outcome(case) == "terminated"


def test_who_is_ranked_beyond_the_places_waits_and_is_promoted(town: Town):
    case = town.reached("ranking", FAMILIES["scenarios"])

    town.act(case, "record_rank", rank=11)
    waiting = town.state(case)
    town.act(case, "promote")

    assert (waiting, town.state(case)) == ("waitlisted", "joint_check")


def test_matching_waits_for_the_national_money_and_lapses_with_the_policy(town: Town):
    arrived, never = (town.reached("matching_base", "QD26-5a") for _ in range(2))
    for case in (arrived, never):
        town.act(case, "confirm_receipts", national_received_fen=0)
        assert town.clock(case, "service")[0] == "stopped"

    town.act(arrived, "report_receipt")
    town.act(arrived, "confirm_receipts")
    lapsed = run_out(town, never, "matching_waiting")

    assert town.events(arrived).count("confirm_receipts") == 2
    assert lapsed == ("matching_waiting", "lapsed")


@pytest.mark.soak
def test_an_investment_is_filed_before_it_is_made_and_claimed_after(town: Town):
    case = town.reached("filing", "QD26-1a")

    town.walk(case, "draft")
    filed = town.events(case)
    town.walk(case, "submitted")

    assert "submit" not in filed
    assert town.state(case) == "submitted"


def test_a_project_under_way_is_changed_ended_or_goes_on(town: Town):
    case = town.reached("performing", FAMILIES["research"])

    town.act(case, "request_change")
    standing_still = town.clock(case, "performance")[0]
    town.act(case, "approve_change")
    town.act(case, "request_termination")
    town.act(case, "refuse_termination")
    back = town.state(case)
    town.act(case, "request_termination")
    town.act(case, "agree_termination")

    assert (standing_still, back) == ("stopped", "performing")
    assert town.outcome(case) == "terminated"


def test_a_contract_is_disputed_signed_or_declined(town: Town):
    case = town.reached("contracted", FAMILIES["talent"])
    assert town.clock(case, "service")[0] == "stopped"

    town.act(case, "dispute_contract")
    assert town.clock(case, "service")[0] == "running"
    town.walk(case, "contracted")
    town.act(case, "decline_contract")

    assert town.outcome(case) == "withdrawn"


def test_a_veto_of_the_credit_office_is_repaired_and_goes_on(town: Town):
    case = town.reached("district_recommend")

    town.check(case, "veto")
    town.act(case, "recommend")
    vetoed = town.state(case)
    town.check(case)
    town.act(case, "credit_repaired")
    town.walk(case, "proposed")
    town.check(case, "veto")
    town.act(case, "draft_plan")
    town.check(case)
    town.act(case, "credit_repaired")
    town.walk(case)

    assert vetoed == "review_vetoed"
    assert town.outcome(case) == "disbursed"
