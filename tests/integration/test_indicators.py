"""Indicators of a policy: opened when a period is over, reported with proof, added up, chased."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from caseflow.cases.indicators import policy_progress
from caseflow.catalogue import versions
from caseflow.database.access import Database
from caseflow.deadlines.holidays import Day
from caseflow.deadlines.service import confirm_year, import_year
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed, NotFound
from tests.conftest import _copy
from tests.definitions.families import policies
from tests.integration.five_cities import Land, amounts, cities, found_land
from tests.integration.kept_database import keep
from tests.integration.reporting import (
    COMPUTE,
    DATASETS,
    LEAD,
    MODELS,
    PARKS,
    POLICY,
    REPORTED_AT,
    SCENARIOS,
    SECOND,
    Office,
    day,
    office_on,
    offices,
)

pytestmark = pytest.mark.soak

DUES = "SELECT count(*), min(due_on), max(due_on) FROM indicator_due WHERE period = %s"
DUE_DAY = "SELECT due_on, provisional FROM indicator_due WHERE period = '2026Q4' AND indicator = %s"
STATUS = (
    "SELECT v.status FROM policy p JOIN policy_version v ON v.policy_id = p.id"
    f" WHERE v.current AND p.code = '{POLICY}'"
)
CO_OWNER, DATA = "nt_shujuju.handler", "nt_shujuju.reviewer"
OWNERS = 10
"""The bureaus in charge of the industries that 南通 lists."""
INDICATORS = 6
END = date(2028, 12, 31)
DUE_AT_ONCE = 3 + 3 * OWNERS


@pytest.fixture(scope="module")
def years(server, drafts_template, tmp_path_factory) -> Iterator[Office]:
    """An office whose time only goes on, from test to test."""
    yield from offices(_copy(server, drafts_template), tmp_path_factory.mktemp("years"))


def test_a_report_is_due_from_the_day_after_the_period_and_opened_once(years: Office):
    before = years.sweep("2026-06-30").reports_due
    opened = [years.sweep(on).reports_due for on in ("2026-07-01", "2026-07-02")]

    assert (before, opened) == (0, [DUE_AT_ONCE, 0])
    on = date(2026, 7, 15)
    assert years.sql(DUES, "2026Q2") == [(DUE_AT_ONCE, on, on)]
    assert years.sql(DUES, "2026Q1")[0][0] == 0  # due before the house knew the policy


def test_two_workers_open_a_period_once(years: Office):
    with ThreadPoolExecutor(2) as pool:
        swept = list(pool.map(years.sweep, ["2026-10-08", "2026-10-08"]))

    assert min(each.reports_due for each in swept) == 0
    assert years.sql(DUES, "2026Q3")[0][0] == DUE_AT_ONCE


def test_a_provisional_day_is_settled_when_the_years_notice_is_known(years: Office):
    years.sweep("2027-01-01")
    before = years.sql(DUE_DAY, PARKS)
    people = [n for (n,) in years.sql("SELECT id FROM person ORDER BY id LIMIT 2")]
    off = [Day(date(2027, 1, 15), "off", "调休")]
    with years.cases.database.session() as session:
        at = day("2027-01-01")
        import_year(session, 2027, source="通知", days=off, by=people[0], at=at)
        confirm_year(session, 2027, by=people[1], at=at)
    years.sweep("2027-01-02")

    assert before == [(date(2027, 1, 15), True)]
    assert years.sql(DUE_DAY, PARKS) == [(date(2027, 1, 18), False)]
    moved = years.sql("SELECT payload FROM event WHERE name = 'indicator_due_moved'")
    assert [(p["from"], p["to"]) for (p,) in moved] == [("2027-01-15", "2027-01-18")] * INDICATORS


@pytest.mark.soak
def test_the_last_period_is_asked_for_after_the_policy_has_expired(years: Office):
    years.sweep("2027-12-31")
    last = years.sweep("2028-01-01")

    assert (last.reports_due, years.sql(STATUS)) == (DUE_AT_ONCE, [("expired",)])
    assert years.sql(DUES, "2027Q4")[0][0] == DUE_AT_ONCE


@pytest.mark.soak
def test_a_new_version_may_ask_others_in_other_periods(years: Office):
    at = day("2028-01-10")
    years.settled(COMPUTE, "400", period="2027Q4", at=at)
    files = policies()[POLICY]
    compute, datasets, *others = files.policy.indicators
    half = replace(compute.reporting, period="half_year")
    compute = replace(compute, owners=("市数据局",), reporting=half)
    changed = replace(files.policy, indicators=(compute, datasets, *others), effective_to=END)
    with years.cases.database.session() as session:
        files = replace(files, policy=changed)
        row = versions.policy_row(session, files)
        before = versions.current(session, row)
        after = versions.new_version(
            session, row, files, content="changed", before=before, at=day("2028-01-20")
        )
        versions.make_current(session, before, after)
        versions.store_indicators(session, after, files, city=cities()["nantong"])
    swept = [years.sweep(on).reports_due for on in ("2028-02-01", "2028-07-01")]
    kept = years.progress(COMPUTE, day("2028-07-02"))
    made = {"by": CO_OWNER, "confirmed_by": DATA, "at": day("2028-07-02")}
    years.settled(COMPUTE, "450", period="2028H1", **made)

    assert swept == [0, 1 + 2 * (DUE_AT_ONCE - 1)]  # the half year of one, two quarters of five
    assert (kept.value, kept.as_of) == ("400", "2027Q4")
    found = years.progress(COMPUTE, day("2028-07-02"))
    assert (found.value, found.as_of, found.complete) == ("450", "2028H1", True)


@pytest.fixture
def july(server, drafts_template, tmp_path) -> Iterator[Office]:
    yield from offices(_copy(server, drafts_template), tmp_path)


def test_owners_are_reminded_then_chased_then_the_lead_is_told_once_each(july: Office):
    office, seen = july, []
    for on in ("07-01", "07-07", "07-08", "07-09", "07-12", "07-14", "07-15"):
        office.sweep(f"2026-{on}")
        seen.append(len(office.told("indicator_due", COMPUTE)))
        if on == "07-07":
            report = office.report(PARKS, "1", at=day("2026-07-07"))
            office.settled(DATASETS, "1", by=CO_OWNER, confirmed_by=DATA, at=day("2026-07-07"))
    early = office.told("indicator_overdue", COMPUTE)
    office.sweep("2026-07-16")
    office.confirm(report, at=day("2026-07-17"))
    office.sweep("2026-07-19")
    early += office.told("indicator_escalated", SCENARIOS)
    office.sweep("2026-07-20")
    office.sweep("2026-07-21")

    assert (seen, early) == ([0, 0, 2, 2, 4, 6, 6], [])
    assert office.told("indicator_due", COMPUTE) == [LEAD] * 3 + [CO_OWNER] * 3
    assert office.told("indicator_due", PARKS) == office.told("indicator_due", DATASETS) == []
    assert office.told("indicator_overdue", COMPUTE) == [LEAD, SECOND, CO_OWNER, DATA]
    assert office.told("indicator_overdue", PARKS) == [LEAD, SECOND]  # reported, not confirmed
    assert office.told("indicator_overdue", DATASETS) == []
    assert office.told("indicator_escalated", PARKS) == []
    assert "nt_kejiju.leader" in office.told("indicator_escalated", SCENARIOS)
    overdue = office.sql("SELECT count(*) FROM event WHERE name = 'indicator_overdue'")
    assert overdue == [(INDICATORS - 1,)]


@pytest.fixture(scope="module")
def kept(server, drafts_template) -> Iterator[Database]:
    yield from keep(server, drafts_template)


@pytest.fixture(scope="module")
def office(kept, tmp_path_factory) -> Office:
    """An office that tests share, each with an indicator or a period of its own."""
    return office_on(kept, tmp_path_factory.mktemp("home"))


def test_a_value_counts_once_another_person_has_confirmed_it(office: Office):
    report = office.report(COMPUTE, "320.50")
    waiting = office.progress(COMPUTE)
    with pytest.raises(NotAllowed, match="不在该席位"):
        office.confirm(report, by=LEAD)

    office.confirm(report)

    found = office.progress(COMPUTE)
    assert (waiting.value, waiting.percent, waiting.reached) == (None, None, False)
    assert (found.value, found.percent, found.as_of) == ("320.5", "64.1", "2026Q2")
    assert (found.target, found.target_year, found.reached) == ("500", 2027, False)
    assert (found.complete, found.counted) == (True, None)
    named = office.sql(
        "SELECT e.name, p.login, e.payload->>'value' FROM event e"
        " JOIN person p ON p.id = e.actor_id"
        " WHERE e.payload->>'indicator' = 'compute' ORDER BY e.seq"
    )
    assert named == [
        ("indicator_due_opened", LEAD, None),
        ("indicator_reported", LEAD, "320.5"),
        ("indicator_confirmed", SECOND, "320.5"),
    ]


def test_a_correction_takes_the_place_of_a_report_once_it_is_confirmed_too(office: Office):
    first = office.settled(PARKS, "1")
    second = office.report(PARKS, "2", corrects=first, reason="漏报一处")
    meanwhile = office.progress(PARKS)
    with pytest.raises(Conflict, match="不是 2026Q2 的最新报送"):
        office.report(PARKS, "3", corrects=first, reason="再更正")
    with pytest.raises(Conflict, match="已确认"):
        office.confirm(first, by="nt_kejiju.division_head")

    office.confirm(second)

    assert (meanwhile.value, meanwhile.percent, meanwhile.reached) == ("1", "50.0", False)
    after = office.progress(PARKS)
    assert (after.value, after.percent, after.reached) == ("2", "100.0", True)


def test_parts_of_several_bureaus_are_added_and_tell_who_is_missing(office: Office):
    lone = "nt_jiaotongju.handler"
    office.settled(MODELS, "7", by="nt_gongxinju.handler", confirmed_by="nt_gongxinju.reviewer")
    office.settled(MODELS, "5", by=lone)  # who has no second person: the lead confirms

    found, period = office.progress(MODELS), office.period(MODELS, "2026Q2", REPORTED_AT)

    assert (found.value, found.percent, found.complete) == ("12", "60.0", False)
    assert (period.asked, period.confirmed, period.value) == (OWNERS, 2, "12")
    office.settled(MODELS, "6", by=lone, period="2026Q3", at=day("2026-10-01"))
    later = office.progress(MODELS, day("2026-10-01"))
    assert (later.value, later.as_of) == ("13", "2026Q3")


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({"by": "nt_caizhengju.handler"}, NotAllowed, "不在该席位"),
        ({"by": SECOND}, NotAllowed, "不在该席位"),
        ({"indicator": "happiness"}, NotFound, "compute"),
        ({"value": "12.345"}, InvalidInput, "最多2位小数"),
        ({"indicator": PARKS, "value": "1.5"}, InvalidInput, "非负整数"),
        ({"value": "-1"}, InvalidInput, "value"),
        ({"period": "2026H1"}, InvalidInput, "2026Q3"),
        ({"period": "2024Q4"}, InvalidInput, "不在政策有效期内"),
        ({"period": "2028Q1"}, InvalidInput, "不在政策有效期内"),
        ({"evidence": ()}, InvalidInput, "佐证"),
        ({"corrects": "x", "reason": "y"}, Conflict, "尚无报送"),
        ({"note": "\n"}, InvalidInput, "note"),
        ({"period": "2026Q2", "at": day("2026-06-30")}, InvalidInput, "尚未结束"),
    ],
)
def test_what_is_not_reported(office: Office, wanted, error, words):
    with pytest.raises(error, match=words):
        office.report(**{"period": "2025Q4", **wanted})


def test_a_period_is_reported_from_the_day_after_it(office: Office):
    assert office.report(DATASETS, "3", by=CO_OWNER, at=day("2026-07-01"))


def test_of_two_at_once_one_reports_a_period_and_one_confirms_it(office: Office):
    def attempt(act, *arguments, **named):
        try:
            return act(*arguments, **named)
        except CaseflowError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        pairs = (LEAD, CO_OWNER) * 4
        tries = [pool.submit(attempt, office.report, by=by, period="2025Q3") for by in pairs]
        made = [each.result() for each in tries]
        (report,) = (each for each in made if isinstance(each, str))
        heads = (SECOND, "nt_kejiju.division_head")
        tries = [pool.submit(attempt, office.confirm, report, by=by) for by in heads * 2]
        done = [each.result() for each in tries]

    assert {type(each) for each in made} == {str, Conflict}
    assert [each for each in done if each is None] == [None]


def test_a_policy_that_is_not_loaded_has_no_progress(office: Office):
    with office.cases.database.session() as session, pytest.raises(NotFound, match="qidong-2020"):
        policy_progress(session, "qidong-2020", REPORTED_AT)


@pytest.fixture(scope="module")
def land(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), ["NT24-4"], pytestconfig)


def test_cases_are_counted_from_the_state_they_reached_until_they_are_lost(land, office):
    case = land.open("NT24-4", territory="nt_chongchuan")
    land.walk(case, "named", **amounts(50_000_000))
    named = office.progress(SCENARIOS, land.now)
    land.walk(case, "approved", **amounts(50_000_000))
    office.settled(SCENARIOS, "3", at=land.now, by="nt_nongyeju.handler")
    approved = office.progress(SCENARIOS, land.now)
    period = office.period(SCENARIOS, "2026Q2", land.now)
    land.act(case, "terminate", reason="企业弄虚作假", remedy="可依法申请行政复议")
    land.walk(case)

    assert (named.counted, named.against_cases) == ("0", None)
    assert (approved.counted, approved.difference, approved.against_cases) == ("1", "2", "more")
    assert (period.counted, period.difference) == ("0", "3")  # none by the end of June
    assert (land.outcome(case), office.progress(SCENARIOS, land.now).counted) == ("terminated", "0")
