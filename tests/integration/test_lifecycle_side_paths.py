"""Side roads of every family: withdrawal, suspension, corrections, returns, refusals, deadlines."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import EventNotAllowed, GuardFailed, InvalidInput, NotAllowed
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, at, found_town, visit

pytestmark = [pytest.mark.long, pytest.mark.no_cover]

HEAD, LEADER = "lead_bureau.division_head", "lead_bureau.leader"
HANDLER, REVIEWER = "lead_bureau.handler", "lead_bureau.reviewer"
REFUSAL = {"reason": "不符合条件", "reason_code": "condition_not_met", "remedy": "六十日内可复议"}

soak = pytest.mark.soak
IN_REVIEW = [
    ("vouchers", "third_party_audit"),
    ("titles", "check_review"),
    pytest.param("investment", "project_joint_check", marks=soak),
    pytest.param("research", "indicators_offered", marks=soak),
    pytest.param("platforms", "onsite_check", marks=soak),
    pytest.param("scenarios", "ranking", marks=soak),
    pytest.param("events", "verification", marks=soak),
    pytest.param("talent", "background_check", marks=soak),
    pytest.param("interest", "recognition_review", marks=soak),
]
PUBLICISED = [
    "events",
    *(
        pytest.param(family, marks=soak)
        for family in FAMILIES
        if family not in {"events", "interest", "funds"}
    ),
]


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


# --- withdrawal


@pytest.mark.parametrize(("family", "state"), IN_REVIEW)
def test_before_the_plan_the_applicant_withdraws_freely(town: Town, family: str, state: str):
    case = town.reached(state, FAMILIES[family])

    with pytest.raises(EventNotAllowed):
        town.ask(case, "request_withdrawal", "applicant", reason="不再申报")
    town.ask(case, "withdraw", "applicant", reason="不再申报")

    assert town.outcome(case) == "withdrawn"
    assert town.seats(case) == []


@pytest.mark.parametrize("family", PUBLICISED)
def test_from_the_publicity_on_it_takes_the_bureaus_consent(town: Town, family: str):
    case = town.reached("publicity", FAMILIES[family])
    due = town.clock(case, "publicity")

    with pytest.raises(EventNotAllowed):
        town.ask(case, "withdraw", "applicant", reason="不再申报")
    town.ask(case, "request_withdrawal", "applicant", reason="不再申报")
    with pytest.raises(NotAllowed):
        town.ask(case, "consent_withdrawal", HANDLER, reason="同意")
    town.ask(case, "refuse_withdrawal", HEAD, reason="公示中")
    back = town.state(case), town.clock(case, "publicity")[2]
    town.ask(case, "request_withdrawal", "applicant", reason="坚持撤回")
    town.ask(case, "consent_withdrawal", HEAD, reason="同意，已公告")

    assert back == ("publicity", due[2])
    assert town.outcome(case) == "withdrawn"


def test_a_publicity_that_ends_while_consent_is_asked_goes_on_when_it_is_refused(town: Town):
    case = town.reached("publicity")
    town.act(case, "request_withdrawal")

    later(town, 10)
    waiting = town.state(case)
    outcome = town.act(case, "refuse_withdrawal")

    assert waiting == "withdrawal_requested"
    assert outcome.events == ("refuse_withdrawal", "close_publicity")
    assert outcome.state == "awaiting_approval"


def test_a_request_to_withdraw_that_nobody_answers_is_chased_and_not_granted(town: Town):
    case = town.reached("awaiting_approval")
    town.act(case, "request_withdrawal")

    later(town, 30)

    assert town.state(case) == "withdrawal_requested"
    assert town.events(case).count("withdrawal_overdue") == 1
    assert town.clock(case, "approval")[0] == "stopped"


def test_a_case_that_is_being_paid_is_not_withdrawn(town: Town):
    case = town.reached("finance_review")

    for event in ("withdraw", "request_withdrawal"):
        with pytest.raises(EventNotAllowed):
            town.ask(case, event, "applicant", reason="不再申报")


# --- suspension


@pytest.mark.parametrize(("family", "state"), IN_REVIEW)
def test_the_division_head_suspends_and_resumes_where_the_case_stood(
    town: Town, family: str, state: str
):
    case = town.reached(state, FAMILIES[family])
    seats = town.seats(case)

    for seat in (HANDLER, LEADER, "applicant"):
        with pytest.raises(NotAllowed):
            town.ask(case, "suspend", seat, reason="请示上级", basis="请示件")
    town.ask(case, "suspend", HEAD, reason="请示上级", basis="请示件")
    running = town.sql(
        'SELECT k.name FROM clock k JOIN "case" c ON c.id = k.case_id'
        " WHERE c.public_id = %s AND k.status = 'running'",
        case,
    )
    town.ask(case, "resume", HEAD, reason="已有批复")

    assert running == [("suspension",)]
    assert (town.state(case), town.seats(case)) == (state, seats)


def test_what_was_left_of_every_clock_is_left_after_the_suspension(town: Town):
    case = town.reached("bureau_review")
    later(town, 2)
    before = town.clock(case, "bureau_review")[2], town.clock(case, "service")[2]

    town.act(case, "suspend")
    stopped = town.clock(case, "bureau_review")[:2], town.clock(case, "service")[:2]
    later(town, 7)
    town.act(case, "resume")

    assert stopped[0] == ("stopped", 2)
    assert stopped[1][0] == "stopped"
    assert town.clock(case, "bureau_review")[:2] == ("running", 2)
    assert town.clock(case, "bureau_review")[2] > before[0]
    assert town.clock(case, "service")[2] > before[1]


def test_a_suspension_ends_by_itself_after_thirty_days(town: Town):
    case = town.reached("verification", FAMILIES["events"])
    town.act(case, "suspend")
    due_on = town.clock(case, "suspension")[2]

    town.sweep(at(due_on.month, due_on.day, 23, 59))
    before = town.state(case)
    town.sweep(town.now + timedelta(minutes=1))

    assert (due_on - local_date(at(9, 7))).days >= 30
    assert (before, town.state(case)) == ("suspended", "verification")
    assert town.clock(case, "verification")[:2] == ("running", 0)


def test_a_limit_that_had_run_out_is_not_given_anew_by_a_suspension(town: Town):
    case = town.reached("bureau_review")
    later(town, 60)
    assert town.clock(case, "bureau_review")[0] == "expired"

    town.act(case, "suspend")
    town.act(case, "resume")

    assert town.clock(case, "bureau_review")[0] == "expired"
    assert town.seats(case) == [HANDLER]


def test_an_audit_that_is_suspended_keeps_the_review_standing_still(town: Town):
    case = town.reached("third_party_audit")

    town.act(case, "suspend")
    town.act(case, "resume")

    assert town.state(case) == "third_party_audit"
    assert town.clock(case, "bureau_review")[0] == "stopped"
    assert town.clock(case, "service")[0] == "stopped"
    assert town.clock(case, "audit")[0] == "running"


# --- corrections


def test_only_the_division_head_asks_for_a_second_correction_and_says_why(town: Town):
    case = town.reached("submitted")
    town.act(case, "request_correction", items=["用量日志"])
    town.act(case, "resubmit")

    with pytest.raises(GuardFailed, match="一次性告知"):
        town.act(case, "request_correction", items=["发票"])
    for seat in ("district.handler", HANDLER, REVIEWER):
        with pytest.raises(NotAllowed):
            town.ask(case, "request_second_correction", seat, items=["发票"], reason="新发现")
    with pytest.raises(InvalidInput, match="reason"):
        town.ask(case, "request_second_correction", HEAD, items=["发票"])
    town.ask(case, "request_second_correction", HEAD, items=["发票"], reason="补正材料中新发现")
    town.act(case, "resubmit")

    assert town.state(case) == "submitted"
    assert town.value('SELECT corrections_made FROM "case" WHERE public_id = %s', case) == 2


def test_acceptance_stands_still_while_the_applicant_corrects(town: Town):
    case = town.reached("submitted")
    later(town, 2)
    town.act(case, "request_correction")
    later(town, 5)

    town.act(case, "resubmit")

    assert town.clock(case, "acceptance")[:2] == ("running", 2)
    assert town.clock(case, "acceptance")[2] == local_date(at(9, 17))


# --- going back to earlier stages


def test_a_reviewer_sends_back_to_an_earlier_stage_and_the_promise_runs_on(town: Town):
    case = town.reached("reviewed")
    promised = town.clock(case, "service")[2]

    town.ask(case, "return_to_submitted", REVIEWER, reason="材料与申报不一致")
    assert town.state(case) == "submitted"
    town.walk(case, "reviewed")
    town.ask(case, "return_to_district_review", REVIEWER, reason="属地核实有误")
    again = town.clock(case, "district_review")
    town.walk(case, "joint_check")

    assert again[0] == "running"
    assert town.clock(case, "service")[2] >= promised
    assert town.events(case).count("accept") == 2


def test_only_the_reviewer_returns_and_never_to_the_draft(town: Town):
    case = town.reached("bureau_review")

    with pytest.raises(NotAllowed):
        town.ask(case, "return_to_submitted", HANDLER, reason="x")
    with pytest.raises(EventNotAllowed):
        town.ask(case, "return_to_draft", REVIEWER, reason="x")
    with pytest.raises(InvalidInput, match="reason"):
        town.ask(case, "return_to_submitted", REVIEWER)


RETURNS = [
    ("district_recommend", "return_to_handler", "district_review"),
    ("reviewed", "return_to_handler", "bureau_review"),
    ("plan_review", "return_plan", "proposed"),
    ("leadership_meeting", "return_plan", "proposed"),
    ("awaiting_approval", "return_plan", "proposed"),
    ("finance_review", "return_request", "payment_requested"),
]


def test_a_return_goes_one_desk_back_and_the_case_comes_to_its_end(town: Town):
    case, returned = town.open(), []

    for state, event, _ in RETURNS:
        town.walk(case, state)
        town.act(case, event)
        returned.append((state, event, town.state(case)))
    town.walk(case)

    assert returned == RETURNS
    assert town.outcome(case) == "disbursed"


# --- refusals


@pytest.mark.parametrize(
    ("family", "state", "event", "seat"),
    [
        ("vouchers", "submitted", "not_accept", "district.handler"),
        ("vouchers", "bureau_review", "reject", HEAD),
        pytest.param("vouchers", "proposed", "reject", HEAD, marks=soak),
        ("vouchers", "leadership_meeting", "reject", LEADER),
        pytest.param("vouchers", "awaiting_approval", "reject", LEADER, marks=soak),
        ("vouchers", "finance_review", "terminate", LEADER),
        pytest.param("events", "verification", "reject", HEAD, marks=soak),
        pytest.param("titles", "check_review", "reject", HEAD, marks=soak),
        pytest.param("interest", "recognition_review", "reject", HEAD, marks=soak),
        pytest.param("research", "negotiation", "reject", HEAD, marks=soak),
        pytest.param("talent", "performing", "terminate", LEADER, marks=soak),
        pytest.param("platforms", "operating", "withdraw_title", LEADER, marks=soak),
    ],
)
def test_a_refusal_needs_reason_code_and_remedy_and_its_own_seat(
    town: Town, family: str, state: str, event: str, seat: str
):
    case = town.reached(state, FAMILIES[family])
    if event == "withdraw_title":
        later(town, 380)
        town.act(town.children(case)[0], "withdraw")

    for missing in REFUSAL:
        given = {name: value for name, value in REFUSAL.items() if name != missing}
        with pytest.raises(InvalidInput) as caught:
            town.ask(case, event, seat, **given)
        assert set(caught.value.fields) == {missing}
    with pytest.raises(InvalidInput, match="reason_code"):
        town.ask(case, event, seat, **{**REFUSAL, "reason_code": "because"})
    with pytest.raises(NotAllowed):
        town.ask(case, event, "applicant", **REFUSAL)
    town.ask(case, event, seat, **REFUSAL)

    assert town.outcome(case) in {"rejected", "not_accepted", "terminated"}
