"""Ceilings over several cases: told beforehand, reached, never passed, and given back."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import psycopg
import pytest

from caseflow.cases.caps import priors_of
from caseflow.cases.reading import Asker, read_case
from caseflow.catalogue.parameters.service import (
    Entry,
    Hand,
    confirm_parameter,
    enter_parameter,
)
from caseflow.catalogue.quoting import rule_of
from caseflow.database.access import Database
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.benefits.quoting import quote
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CapReached, GuardFailed
from caseflow.rehearsal.applicants import Applicant
from caseflow.rehearsal.player import RehearsalStuck
from tests.integration.capped import assert_counted, firm_of, opened, plan, proposed, used
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import at, visit

pytestmark = pytest.mark.soak

WAN = 10_000 * YUAN
VOUCHER, ROBOT, HIT, CENTRE, ISSUED, TALENT, DEAL = (
    "QD26-7a", "WX-8a", "WX-9b", "QD26-4", "NT26-3b", "QD26-9a", "WX-5b",
)  # fmt: skip
OPEN: str = "WX-8b"
"""Of which these tests forget the yearly control that every house is founded with."""
MEASURES = [VOUCHER, ROBOT, HIT, CENTRE, ISSUED, TALENT, DEAL, OPEN]
NEW_YEARS_EVE, NEW_YEAR = date(2026, 12, 31), date(2027, 1, 1)


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), MEASURES, pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)
    assert_counted(founded)


# --- 每家单位每年


def test_products_reach_two_million_a_year_the_next_is_cut_and_then_nothing_is_left(land: Land):
    firm = firm_of(land, ROBOT)
    for wan in (50, 50, 50, 30):
        assert plan(land, proposed(land, ROBOT, firm), wan * WAN) == "plan_review"
    fifth = proposed(land, ROBOT, firm)
    definition, priors = told(land, fifth)

    facts = {"advanced": True, "launched_first": True, "decided_fen": 50 * WAN}
    found = quote(rule_of(definition), {**facts, **priors})

    assert priors == {"awards_before": 0, "granted_this_year_fen": 180 * WAN}
    assert found.amount_fen == 20 * WAN
    assert [(each.title, each.fen) for each in found.lines if each.kind == "cut"] == [
        ("每家单位每年上限", 30 * WAN)
    ]
    assert plan(land, fifth, 20 * WAN) == "plan_review"
    _nothing_is_left_before_the_new_year(land, firm)


def _nothing_is_left_before_the_new_year(land: Land, firm: Applicant) -> None:
    sixth = proposed(land, ROBOT, firm)

    with pytest.raises(GuardFailed) as refused:
        plan(land, sixth, 1)

    assert used(land, f"year:WX-8a:{firm.id}:2026") == (200 * WAN, 5)
    assert (
        "每家单位每年上限（每家单位每年最高200万元）：上限200万元，已占用200万元，尚余0元"
        in refused.value.message
    )
    assert plan(land, proposed(land, ROBOT, firm, NEW_YEAR), 50 * WAN) == "plan_review"


def told(land: Land, case: str) -> tuple[Mapping[str, Any], dict[str, int]]:
    """Return the definition of a case's measure and the prior facts of its quote."""
    with land.house.cases.connect() as connection:
        pinned = land.house.cases.pinned
        reading = read_case(connection, case, Asker(1, land.now))
        assert reading is not None
        measure = pinned.measure(connection, reading.measure_version_id)
        workflow = pinned.runner(connection, reading.workflow_hash).workflow
        return measure.definition, priors_of(reading, measure, workflow)


@pytest.mark.soak
def test_one_product_is_rewarded_once_whatever_the_case(land: Land):
    firm, other = firm_of(land, ROBOT), firm_of(land, ROBOT)
    named = {"support_object": "灵犀一号"}
    plan(land, proposed(land, ROBOT, firm), 20 * WAN, **named)
    again = proposed(land, ROBOT, firm)

    with pytest.raises(CapReached, match=r"每个产品一次性奖励.*上限1次，已占用1次，尚余0次"):
        plan(land, again, 1, support_object="灵犀 一号")

    assert plan(land, again, 30 * WAN, support_object="灵犀二号") == "plan_review"
    assert plan(land, proposed(land, ROBOT, other), 50 * WAN, **named) == "plan_review"


def test_a_year_is_used_up_to_the_fen(land: Land):
    firm = firm_of(land, VOUCHER)
    plan(land, proposed(land, VOUCHER, firm), 150 * WAN)
    second = proposed(land, VOUCHER, firm)

    with pytest.raises(GuardFailed, match="已占用150万元，尚余50万元"):
        plan(land, second, 50 * WAN + 1)
    for fen in (50 * WAN - 1, 50 * WAN):
        assert plan(land, second, fen) == "plan_review"
        assert used(land, f"year:QD26-7a:{firm.id}:2026") == (150 * WAN + fen, 2)
        land.act(second, "return_plan")


@pytest.mark.soak
def test_the_year_is_that_of_use_not_of_the_plan(land: Land):
    firm = firm_of(land, VOUCHER)
    for day in (NEW_YEARS_EVE, NEW_YEAR):
        assert plan(land, proposed(land, VOUCHER, firm, day), 200 * WAN) == "plan_review"
    late = proposed(land, VOUCHER, firm, NEW_YEARS_EVE)
    land.now = at(1, 4, year=2027)

    with pytest.raises(GuardFailed, match="尚余0元"):
        plan(land, late, 1)


# --- 每年不超过2个且属于不同细分市场


@pytest.mark.soak
def test_two_products_of_different_segments_win_and_a_third_does_not(land: Land):
    firm = firm_of(land, HIT)
    for segment in ("智能可穿戴", "全屋智能"):
        case = proposed(land, HIT, firm)
        assert plan(land, case, 100 * WAN, market_segment=segment) == "plan_review"

    with pytest.raises(RehearsalStuck, match="“递补入围（补充公示）”暂不能办理：名额已满"):
        proposed(land, HIT, firm)


@pytest.mark.soak
@pytest.mark.parametrize(
    "segment", [{"market_segment": " 智能可穿戴"}, pytest.param({}, marks=pytest.mark.soak)]
)
def test_a_second_product_of_the_same_segment_does_not_win(land: Land, segment):
    firm = firm_of(land, HIT)
    plan(land, proposed(land, HIT, firm), 10 * WAN, **segment)
    second = proposed(land, HIT, firm)

    with pytest.raises((CapReached, GuardFailed), match="同类只支持一次"):
        plan(land, second, 1, **segment)


# --- 年度总额控制


@pytest.fixture
def controlled(land: Land) -> Land:
    """The land whose 无锡 has entered its yearly control."""
    for measure in (ROBOT, HIT):
        for name, value in (("enterprise_year_fen", 150 * WAN), ("enterprise_year_times", 3)):
            entry = Entry(
                measure, name, value, date(2026, 9, 7), "年度总额控制办法", "锡工信〔2026〕1号"
            )
            settle(land, entry)
    return land


def settle(land: Land, entry: Entry) -> None:
    """Enter a parameter and confirm it, by two people of the lead bureau."""
    house = land.house
    with house.database.session() as session:
        handler, reviewer = (
            Hand(actor_by_login(session, f"wx_gongxinju.{seat}", land.now), land.now,
                 house.cases.office.signer)
            for seat in ("handler", "reviewer")
        )  # fmt: skip
        row = enter_parameter(session, entry, handler, ids=house.ids)
        confirm_parameter(session, row.public_id, reviewer)


def forget_control(land: Land, measure: str) -> None:
    """Let a measure have no yearly control, past the trigger that keeps what was confirmed."""
    url = land.house.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("ALTER TABLE measure_parameter DISABLE TRIGGER USER")
        owner.execute(
            "DELETE FROM measure_parameter WHERE name LIKE 'enterprise_year_%%' AND measure_id ="
            " (SELECT id FROM measure WHERE code = %s)",
            (measure,),
        )
        owner.execute("ALTER TABLE measure_parameter ENABLE TRIGGER USER")


def test_nothing_is_planned_before_the_bureau_has_settled_the_yearly_control(land: Land):
    forget_control(land, OPEN)
    case = proposed(land, OPEN, firm_of(land, OPEN))

    with pytest.raises(GuardFailed, match=r"enterprise_year_fen.*enterprise_year_times.*另一人"):
        plan(land, case, 10 * WAN)
    for name, value in (("enterprise_year_fen", 20 * WAN), ("enterprise_year_times", 1)):
        basis = ("年度总额控制办法", "锡工信〔2026〕2号")
        settle(land, Entry(OPEN, name, value, local_date(land.now), *basis))

    with pytest.raises((CapReached, GuardFailed), match=r"年度总额控制.*上限20万元"):
        plan(land, case, 20 * WAN + 1)
    assert plan(land, case, 20 * WAN) == "plan_review"


@pytest.mark.soak
def test_all_clauses_of_a_policy_share_the_yearly_control_of_an_enterprise(controlled: Land):
    firm = firm_of(controlled, ROBOT)
    for measure, segment in ((ROBOT, {}), (HIT, {"market_segment": "全屋智能"}), (ROBOT, {})):
        plan(controlled, proposed(controlled, measure, firm), 40 * WAN, **segment)
    fourth, next_year = (
        proposed(controlled, ROBOT, firm, day) for day in (NEW_YEARS_EVE, NEW_YEAR)
    )

    with pytest.raises(GuardFailed) as refused:
        plan(controlled, fourth, 1)

    assert used(controlled, f"policy-year:WX:{firm.id}:2026") == (120 * WAN, 3)
    assert (
        "单个企业年度总额控制（锡工信〔2026〕1号）：上限150万元，已占用120万元，尚余30万元；"
        "上限3次，已占用3次，尚余0次" in refused.value.message
    )
    assert plan(controlled, next_year, 50 * WAN) == "plan_review"


# --- 项目累计、券面


@pytest.mark.soak
def test_years_count_on_the_life_of_their_project_and_the_promise_counts_nothing(land: Land):
    case = land.reached("operating", CENTRE, **amounts(600 * WAN))
    promised = used(land, "%QD26-4%")
    first = land.children(case) or next_year(land, case)
    land.walk(first[0], **amounts(200 * WAN))
    (*_, second) = next_year(land, case)
    land.walk(second, "proposed", **amounts(200 * WAN))
    plan(land, second, 150 * WAN)

    root = land.value('SELECT root_id FROM "case" WHERE public_id = %s', case)
    assert promised == (0, 0)
    assert used(land, f"life:QD26-4:%:case/{root}") == (350 * WAN, 2)


def next_year(land: Land, case: str) -> list[str]:
    """Let time pass until the next child opens; returns all of them."""
    before = len(land.children(case))
    while len(land.children(case)) == before:
        land.wait(case)
    return land.children(case)


@pytest.mark.soak
def test_a_deal_is_not_made_smaller_than_what_its_stages_have_taken(land: Land):
    deal = land.reached("implementing", DEAL, **amounts(500 * WAN))
    land.act(deal, "report_milestone")
    land.act(deal, "open_milestone", last_milestone=False)
    land.walk(land.children(deal)[0], **amounts(300 * WAN))
    root = land.value('SELECT id FROM "case" WHERE public_id = %s', deal)
    agreed = used(land, f"object:WX-5b:%:case/{root}"), used(land, f"promise:{root}")
    land.act(deal, "request_renegotiation")
    land.act(deal, "agree_renegotiation")
    land.walk(deal, "awaiting_approval", **amounts(300 * WAN - 1))

    with pytest.raises(CapReached, match=r"已审定的总额.*上限299\.999999万元，已占用300万元"):
        land.act(deal, "approve", approved_fen=300 * WAN - 1)

    land.act(deal, "return_plan")
    land.walk(deal, "awaiting_approval", **amounts(300 * WAN))
    land.act(deal, "approve", approved_fen=300 * WAN)
    assert agreed == ((500 * WAN, 1), (300 * WAN, 1))
    assert used(land, f"object:WX-5b:%:case/{root}") == (300 * WAN, 1)
    assert used(land, f"promise:{root}") == (300 * WAN, 1)


@pytest.mark.soak
def test_an_unused_rest_of_a_voucher_is_given_back_when_it_expires(land: Land):
    firm = firm_of(land, ISSUED)
    pair = [opened(land, ISSUED, firm) for _ in range(2)]
    for case in pair:
        land.walk(case, "voucher_issued", **amounts(10 * WAN))
    whole = used(land, f"life:NT26-3b:{firm.id}")
    late = proposed(land, ISSUED, firm)
    with pytest.raises(GuardFailed, match="尚余0元"):
        plan(land, late, 1)

    due_on = land.clock(pair[0], "voucher")[2]
    land.sweep(at(due_on.month, due_on.day, 23, 59, year=due_on.year))
    land.sweep(at(due_on.month, due_on.day, 23, 59, year=due_on.year + 1))

    assert whole == (20 * WAN, 2)
    assert [land.outcome(case) for case in pair] == ["lapsed", "lapsed"]
    assert used(land, f"life:NT26-3b:{firm.id}") == (0, 0)


# --- what is given back


@pytest.mark.soak
@pytest.mark.parametrize(
    ("state", "ways"),
    [
        ("plan_review", ["request_withdrawal", "consent_withdrawal"]),
        ("awaiting_approval", ["return_plan"]),
        ("approved", ["terminate"]),
        pytest.param("plan_review", ["return_plan"], marks=pytest.mark.soak),
        pytest.param("plan_review", ["reject"], marks=pytest.mark.soak),
        pytest.param("plan_review", ["terminate"], marks=pytest.mark.soak),
        pytest.param("awaiting_approval", ["reject"], marks=pytest.mark.soak),
    ],
)
def test_a_plan_that_comes_to_nothing_is_given_back(land: Land, state: str, ways: list[str]):
    firm = firm_of(land, VOUCHER)
    case = opened(land, VOUCHER, firm)
    land.walk(case, state, **amounts(200 * WAN))
    held = used(land, f"year:QD26-7a:{firm.id}:2026")

    for way in ways:
        land.act(case, way)

    assert held == (200 * WAN, 1)
    assert used(land, f"year:QD26-7a:{firm.id}:2026") == (0, 0)


def test_what_a_suspended_case_planned_stays_reserved(land: Land):
    firm = firm_of(land, VOUCHER)
    case = proposed(land, VOUCHER, firm)
    plan(land, case, 200 * WAN)

    land.act(case, "suspend")

    assert used(land, f"year:QD26-7a:{firm.id}:2026") == (200 * WAN, 1)


def test_what_was_planned_and_not_approved_is_given_back(land: Land):
    firm = firm_of(land, VOUCHER)
    case = opened(land, VOUCHER, firm)
    land.walk(case, "awaiting_approval", **amounts(200 * WAN))

    land.act(case, "approve", approved_fen=120 * WAN)

    assert used(land, f"year:QD26-7a:{firm.id}:2026") == (120 * WAN, 1)
    assert land.sql(
        "SELECT state, fen FROM cap_use WHERE cap_key LIKE %s", f"%:{firm.id}:2026"
    ) == [("final", 120 * WAN)]
    assert plan(land, proposed(land, VOUCHER, firm), 80 * WAN) == "plan_review"


@pytest.mark.soak
def test_a_case_that_ends_keeps_what_was_paid_and_gives_back_the_rest(land: Land):
    case = land.reached("performing", TALENT, **amounts(300 * WAN))
    root = land.value('SELECT root_id FROM "case" WHERE public_id = %s', case)
    held = used(land, f"object:QD26-9a:%:case/{root}")

    land.act(case, "terminate")

    assert held == (300 * WAN, 1)
    assert used(land, f"object:QD26-9a:%:case/{root}") == (land.paid(case), 1)
    assert 0 < land.paid(case) < 300 * WAN


def test_a_plan_of_nothing_takes_nothing(land: Land):
    firm = firm_of(land, VOUCHER)

    plan(land, proposed(land, VOUCHER, firm), 0)

    assert used(land, f"year:QD26-7a:{firm.id}:2026") == (0, 0)
