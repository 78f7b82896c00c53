"""What recurs: a platform's years, a loan's interest periods. Their clocks, caps and ends."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from caseflow.cases.models import Case
from caseflow.cases.quoting import case_day
from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import GuardFailed
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, at, found_town, together, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

YEARLY, LIFE = 200_000_000, 600_000_000
INTEREST_LIFE = 500_000_000
YEAR, PERIOD = ("platforms", "operating", "year"), ("interest", "subsidising", "period")
ALSO_YEAR = [PERIOD, pytest.param(*YEAR, marks=pytest.mark.soak)]
ALSO_PERIOD = [YEAR, pytest.param(*PERIOD, marks=pytest.mark.soak)]
"""What both do alike is shown on one of them; `make soak` shows it on the other too."""
ENDING = {"year": "operation_ending", "period": "subsidy_ending"}
WORKED_ON = {"year": "bureau_review", "period": "verification"}


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    measures = [FAMILIES[name] for name in ("platforms", "interest")]
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=measures)


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def next_child(town: Town, case: str, clock: str) -> str:
    """Let the parent's clock run out once and return the child that it opens."""
    due_on = town.clock(case, clock)[2]
    before = len(town.children(case))
    town.sweep(at(due_on.month, due_on.day, 23, 59, year=due_on.year))
    assert len(town.children(case)) == before
    town.sweep(town.now + timedelta(minutes=1))
    *_, child = town.children(case)
    assert len(town.children(case)) == before + 1
    return child


def paid(town: Town, case: str) -> int:
    return int(town.value('SELECT paid_fen FROM "case" WHERE public_id = %s', case))


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_YEAR)
def test_the_clock_opens_a_child_every_twelve_months_and_the_third_settled_concludes(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])
    began = local_date(town.now)

    due = []
    for number in (1, 2, 3):
        child = next_child(town, case, clock)
        due.append(local_date(town.now))
        assert town.state(case) == (state if number < 3 else ENDING[clock])
        town.walk(child)
        assert (town.outcome(child), paid(town, child)) == ("disbursed", 10_000_000)
        assert len(town.children(case)) == number
        town.sweep()

    assert [day.year - began.year for day in due] == [1, 2, 3]
    assert town.state(case) not in {state, ENDING[clock]}
    assert len(town.children(case)) == 3
    town.walk(case)
    assert town.outcome(case) == "disbursed"


def test_a_years_child_keeps_the_values_of_its_parents_day(town: Town):
    case = town.reached("operating", FAMILIES["platforms"])
    submitted = town.value('SELECT submitted_at FROM "case" WHERE public_id = %s', case)
    child = next_child(town, case, "year")

    with town.house.cases.database.session() as session:
        found = session.scalars(select(Case).where(Case.public_id == child)).one()
        day = case_day(session, found, town.now)

    assert (day.known_at, day.on) == (submitted, local_date(submitted))


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_PERIOD)
def test_the_parent_waits_for_the_last_child_and_wakes_when_it_ends(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])
    for _ in range(2):
        town.act(next_child(town, case, clock), "withdraw")
        town.sweep()
    third = next_child(town, case, clock)
    entry, waiting = town.state(third), town.state(case)

    town.act(third, "withdraw")
    before_the_wake = town.state(case)
    town.sweep()

    assert entry == {"year": "self_report", "period": "period_claim"}[clock]
    assert (waiting, before_the_wake) == (ENDING[clock], ENDING[clock])
    assert town.state(case) == {"year": "acceptance", "period": "disbursed"}[clock]


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_YEAR)
def test_a_last_child_that_takes_more_than_twelve_months_brings_no_further_one(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])
    for _ in range(2):
        town.act(next_child(town, case, clock), "withdraw")
        town.sweep()
    third = next_child(town, case, clock)
    town.walk(third, WORKED_ON[clock])

    town.sweep(town.now + timedelta(days=800))

    assert (town.state(third), town.state(case)) == (WORKED_ON[clock], ENDING[clock])
    assert (len(town.children(case)), town.clock(case, clock)[0]) == (3, "ended")
    town.act(third, "withdraw")
    town.sweep()
    assert town.state(case) == {"year": "acceptance", "period": "disbursed"}[clock]


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_YEAR)
def test_a_silent_applicant_loses_the_period_and_not_the_others(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])

    first = next_child(town, case, clock)
    town.wait(first)
    second = next_child(town, case, clock)

    assert town.outcome(first) == "lapsed"
    assert town.outcome(second) is None


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_PERIOD)
def test_a_parent_with_an_open_child_is_not_ended_early(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])
    child = next_child(town, case, clock)
    ends = {
        "year": ("close_operation", "withdraw_title"),
        "period": ("close_subsidy", "stop_subsidy"),
    }

    for event in (*ends[clock], "terminate"):
        with pytest.raises(GuardFailed, match="子办件"):
            town.act(case, event)
    town.act(child, "withdraw")
    town.act(case, ends[clock][0])

    assert town.state(case) in {"acceptance", "disbursed"}


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_YEAR)
def test_sweepers_at_once_open_one_child_and_conclude_once(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])

    for _ in range(3):
        due_on = town.clock(case, clock)[2]
        town.now = at(due_on.month, due_on.day, 9, year=due_on.year) + timedelta(days=1)
        together(*[town.sweep] * 3)
        town.act(town.children(case)[-1], "withdraw")
        together(*[town.sweep] * 3)

    concluded = {"year": "conclude_operation", "period": "conclude_subsidy"}[clock]
    assert len(town.children(case)) == 3
    assert town.events(case).count(concluded) == 1


@pytest.mark.parametrize(("family", "state", "clock"), ALSO_YEAR)
def test_a_suspended_parent_opens_no_child_and_goes_on_with_what_was_left(
    town: Town, family: str, state: str, clock: str
):
    case = town.reached(state, FAMILIES[family])
    due = town.clock(case, clock)[2]
    town.sweep(town.now + timedelta(days=100))

    town.act(case, "suspend")
    town.sweep(town.now + timedelta(days=34))

    assert town.state(case) == state
    assert town.clock(case, clock)[0] == "running"
    assert timedelta(days=29) <= town.clock(case, clock)[2] - due <= timedelta(days=36)
    assert town.children(case) == []


def test_a_year_that_fails_ends_that_year_and_not_the_platform(town: Town):
    case = town.reached("operating", FAMILIES["platforms"])
    child = next_child(town, case, "year")
    town.walk(child, "evaluation")

    town.act(child, "conclude_evaluation", evaluation_result="fail")
    town.act(child, "end_for_failure")
    town.sweep()

    assert town.outcome(child) == "terminated"
    assert town.state(case) == "operating"


# --- ceilings


def test_a_year_is_planned_up_to_two_million(town: Town):
    case = town.reached("operating", FAMILIES["platforms"])
    child = next_child(town, case, "year")
    town.walk(child, "proposed", applied_fen=LIFE)

    with pytest.raises(GuardFailed, match="上限"):
        town.act(child, "draft_plan", planned_fen=YEARLY + 1)
    outcome = town.act(child, "draft_plan", planned_fen=YEARLY)

    assert outcome.state == "plan_review"


def amounts(fen: int) -> dict[str, int]:
    names = ("applied_fen", "verified_fen", "audited_fen", "reviewed_fen", "planned_fen")
    return {**dict.fromkeys(names, fen), "approved_fen": fen}


@pytest.mark.soak
def test_three_full_years_reach_six_million_and_end_the_support(town: Town):
    case = town.reached("operating", FAMILIES["platforms"])

    for _ in range(3):
        town.walk(next_child(town, case, "year"), **amounts(YEARLY))
    town.sweep()

    assert sum(paid(town, child) for child in town.children(case)) == LIFE
    assert town.state(case) == "acceptance"


def test_the_interest_of_a_project_never_passes_five_million(town: Town):
    case = town.reached("subsidising", FAMILIES["interest"])
    town.walk(next_child(town, case, "period"), **amounts(300_000_000))
    second = next_child(town, case, "period")
    town.walk(second, "proposed", **amounts(300_000_000))

    with pytest.raises(GuardFailed, match="上限"):
        town.act(second, "draft_plan", planned_fen=200_000_001)
    town.walk(second, **amounts(200_000_000))
    town.sweep()

    assert sum(paid(town, child) for child in town.children(case)) == INTEREST_LIFE
    assert len(town.children(case)) == 2
    assert town.outcome(case) == "disbursed"


def test_two_open_periods_share_what_is_left(town: Town):
    case = town.reached("subsidising", FAMILIES["interest"])
    first, second = next_child(town, case, "period"), next_child(town, case, "period")
    assert town.outcome(first) == "lapsed"
    town.act(second, "claim_period", applied_fen=INTEREST_LIFE)
    third = next_child(town, case, "period")
    for child in (second, third):
        town.walk(child, "proposed", **amounts(300_000_000))

    town.act(second, "draft_plan", planned_fen=300_000_000)
    with pytest.raises(GuardFailed, match="上限"):
        town.act(third, "draft_plan", planned_fen=200_000_001)
    town.act(third, "draft_plan", planned_fen=200_000_000)

    assert town.state(third) == "plan_review"


@pytest.mark.soak
def test_what_a_refused_period_had_planned_is_free_again(town: Town):
    case = town.reached("subsidising", FAMILIES["interest"])
    first = next_child(town, case, "period")
    town.walk(first, "plan_review", **amounts(INTEREST_LIFE))
    town.act(first, "reject")
    second = next_child(town, case, "period")

    town.walk(second, "proposed", **amounts(INTEREST_LIFE))
    town.act(second, "draft_plan", planned_fen=INTEREST_LIFE)

    assert town.state(second) == "plan_review"


# --- the loan itself


def test_an_irregular_loan_stands_still_until_it_is_cleared_or_stopped(town: Town):
    cleared, stopped = (town.reached("subsidising", FAMILIES["interest"]) for _ in range(2))
    for case in (cleared, stopped):
        town.act(case, "report_irregularity", reason="贷款逾期")
        assert town.clock(case, "period")[0] == "stopped"

    town.act(cleared, "clear_irregularity")
    town.act(stopped, "stop_subsidy")

    assert (town.state(cleared), town.outcome(stopped)) == ("subsidising", "terminated")


def test_a_loan_not_registered_in_ninety_days_lapses(town: Town):
    case = town.reached("loan_registered", FAMILIES["interest"])

    due_on = town.clock(case, "loan")[2]
    town.sweep(at(due_on.month, due_on.day, 23, 59))
    before = town.outcome(case)
    town.sweep(town.now + timedelta(minutes=1))

    assert (due_on - date(2026, 9, 7)).days in range(90, 95)
    assert (before, town.outcome(case)) == (None, "lapsed")


def test_a_period_whose_loan_is_overdue_is_asked_again_or_refused(town: Town):
    case = town.reached("subsidising", FAMILIES["interest"])
    child = next_child(town, case, "period")
    town.walk(child, "loan_abnormal", loan_normal=False)

    town.act(child, "ask_bank_again")
    town.act(child, "confirm_period", loan_normal=False)
    town.act(child, "reject")

    assert town.outcome(child) == "rejected"
    assert town.state(case) == "subsidising"


# --- the policy ends, its promises do not


def test_a_promised_year_is_paid_after_the_policy_has_ended(town: Town):
    town.with_life = True
    case = town.reached("operating", FAMILIES["platforms"])
    children = [next_child(town, case, "year") for _ in range(3)]
    assert town.value("SELECT status FROM policy_version WHERE current") == "expired"

    town.walk(children[2])
    town.sweep()

    assert local_date(town.now) > date(2029, 9, 1)
    assert town.outcome(children[2]) == "disbursed"
    assert town.state(case) == "acceptance"
