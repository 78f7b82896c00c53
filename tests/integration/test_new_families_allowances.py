"""津贴补贴 by the month and by the year: how much, how often, and after the policy's last day."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import GuardFailed, PolicyClosed
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import at, together, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

MONTHLY, YEARLY = "YC-8b", "YC-8c"
QUARTER, WHOLE = 3_000 * 3 * YUAN, 108_000 * YUAN
YEAR, TEN_YEARS = 80_000 * YUAN, 800_000 * YUAN
FIGURES = [
    (MONTHLY, QUARTER, WHOLE),
    pytest.param(YEARLY, YEAR, TEN_YEARS, marks=pytest.mark.soak),
]
LAST_DAY = date(2027, 12, 31)


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), [MONTHLY, YEARLY], pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)


def running(land: Land, measure: str, whole: int) -> str:
    return land.reached("allowance_running", measure, applied_fen=whole, planned_fen=whole)


def next_period(land: Land, case: str) -> str:
    """Let the clock open a period and return it."""
    due_on = land.clock(case, "allowance_period")[2]
    land.sweep(at(due_on.month, due_on.day, year=due_on.year) + timedelta(days=1))
    return land.children(case)[-1]


# --- how much


@pytest.mark.parametrize(("measure", "yuan"), [(MONTHLY, [108_000, 72_000]), (YEARLY, [800_000])])
def test_the_clauses_tiers_over_the_whole_time_are_the_handbooks_sums(land: Land, measure, yuan):
    (definition,) = land.sql(
        "SELECT v.definition FROM measure_version v JOIN measure m ON m.id = v.measure_id"
        " JOIN policy_version p ON p.id = v.policy_version_id AND p.current WHERE m.code = %s",
        measure,
    )[0]
    said = definition["workflow"]["parameters"]
    months = said["period_months"]["value"] * said["allowance_periods"]["value"]

    found = [
        amount["yuan"] * (months if amount["period"] == "month" else months // 12)
        for amount in definition["benefit"]["amounts"]
    ]

    assert found == yuan


@pytest.mark.parametrize(("measure", "period", "whole"), FIGURES)
def test_the_whole_and_each_period_are_planned_up_to_the_clause_and_not_a_fen_more(
    land: Land, measure: str, period: int, whole: int
):
    case = land.reached("proposed", measure, applied_fen=2 * whole)
    with pytest.raises(GuardFailed, match="上限"):
        land.act(case, "draft_plan", planned_fen=whole + 1)
    land.walk(case, "allowance_running", planned_fen=whole)
    child = next_period(land, case)
    land.walk(child, "proposed", **amounts(whole))

    with pytest.raises(GuardFailed, match="上限"):
        land.act(child, "draft_plan", planned_fen=period + 1)
    land.walk(child, "awaiting_approval", planned_fen=period)
    with pytest.raises(GuardFailed, match="审定金额"):
        land.act(child, "approve", approved_fen=period + 1)
    land.walk(child, approved_fen=period)

    assert (land.outcome(child), land.paid(child)) == ("disbursed", period)


@pytest.mark.soak
def test_twelve_full_quarters_pay_108_000_yuan_and_end_the_allowance(land: Land):
    case = running(land, MONTHLY, WHOLE)

    for _ in range(12):
        land.walk(next_period(land, case), **amounts(QUARTER))
    land.sweep()

    assert sum(land.paid(child) for child in land.children(case)) == WHOLE
    assert len(land.children(case)) == 12
    assert (land.state(case), land.outcome(case)) == ("allowance_over", "disbursed")
    assert land.payments(case) == []


# --- how often


@pytest.mark.parametrize(
    ("measure", "whole", "periods"),
    [pytest.param(MONTHLY, WHOLE, 12, marks=pytest.mark.soak), (YEARLY, TEN_YEARS, 10)],
)
def test_the_last_period_may_stay_unsettled_for_a_year_and_no_further_one_opens(
    land: Land, measure: str, whole: int, periods: int
):
    case = running(land, measure, whole)
    began = local_date(land.now)
    for _ in range(periods):
        last = next_period(land, case)
    opened = local_date(land.now)
    land.walk(last, "verification")

    land.sweep(land.now + timedelta(days=400))

    assert opened.year - began.year == {12: 3, 10: 10}[periods]
    assert (land.state(last), land.state(case)) == ("verification", "allowance_ending")
    assert (len(land.children(case)), land.clock(case, "allowance_period")[0]) == (periods, "ended")
    assert {land.outcome(child) for child in land.children(case)[:-1]} == {"lapsed"}
    land.walk(last)
    land.sweep()
    assert land.outcome(case) == "disbursed"


def test_an_allowance_of_which_nothing_was_ever_claimed_is_closed_unpaid(land: Land):
    case = running(land, YEARLY, TEN_YEARS)
    first = next_period(land, case)

    land.act(case, "stop_allowance")
    land.sweep(land.now + timedelta(days=400))

    assert [land.outcome(child) for child in (first, *land.children(case))] == ["lapsed"] * 3
    assert (land.state(case), land.outcome(case)) == ("closed", "closed")


def test_who_leaves_gets_the_months_until_then_and_no_further_period(land: Land):
    case = running(land, MONTHLY, WHOLE)
    next_period(land, case)
    land.act(case, "report_change", change_kind="departure")

    land.act(case, "stop_allowance")
    land.walk(land.children(case)[-1], **amounts(QUARTER))
    land.sweep(land.now + timedelta(days=400))

    assert len(land.children(case)) == 2
    assert (land.state(case), land.outcome(case)) == ("allowance_over", "disbursed")


def test_a_promotion_changes_the_rate_of_the_periods_after_it_alone(land: Land):
    case = running(land, MONTHLY, WHOLE)
    before = next_period(land, case)
    land.act(case, "report_change", change_kind="promotion")
    land.act(case, "set_new_rate", allowance_tier="正高职称", allowance_rate_fen=3_000 * YUAN)

    after = next_period(land, case)

    rates = [
        land.value("SELECT facts->>'allowance_rate_fen' FROM \"case\" WHERE public_id = %s", each)
        for each in (before, after)
    ]
    assert rates == ["200000", "300000"]


def test_sweepers_at_once_open_one_period(land: Land):
    case = running(land, MONTHLY, WHOLE)
    due_on = land.clock(case, "allowance_period")[2]
    land.now = at(due_on.month, due_on.day, year=due_on.year) + timedelta(days=1)

    together(*[land.sweep] * 3)

    assert len(land.children(case)) == 1


# --- until when; the policy ends here for every test that would come after


def test_who_was_admitted_is_paid_after_the_policys_last_day_and_nobody_is_admitted_any_more(
    land: Land,
):
    land.with_life = True
    case = running(land, MONTHLY, WHOLE)
    land.now = at(12, 30, year=2027)
    in_time, too_late = land.open(MONTHLY), land.open(YEARLY)
    land.now = at(12, 31, 23, 59, year=2027)
    land.walk(in_time, "submitted")

    land.now = at(1, 1, 0, 1, year=2028)
    with pytest.raises(GuardFailed, match="有效期"):
        land.act(too_late, "submit", applied_fen=YEAR)
    land.sweep(at(1, 3, year=2028))
    with pytest.raises(PolicyClosed, match="不得受理"):
        land.open(YEARLY)
    child = next_period(land, case)
    land.walk(child, **amounts(QUARTER))

    assert local_date(land.now) > LAST_DAY
    assert (
        land.value(
            "SELECT v.status FROM policy_version v JOIN policy p ON p.id = v.policy_id"
            " WHERE p.code = 'yancheng-ai-plus' AND v.current"
        )
        == "expired"
    )
    assert (land.outcome(child), land.paid(child)) == ("disbursed", QUARTER)
    land.walk(in_time, "allowance_running", planned_fen=WHOLE)
    assert (land.state(in_time), land.outcome(too_late)) == ("allowance_running", "lapsed")
