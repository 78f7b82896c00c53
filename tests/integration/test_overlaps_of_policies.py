"""One matter under two policies of a city: the wordings of 南通 and 盐城 on real cases."""

from collections.abc import Iterator

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import Conflict, GuardFailed
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.test_award_imports import ROW, imported
from tests.integration.test_overlaps import REVIEWER, award_of, awards, claims
from tests.integration.walking import BEGINS

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

LATER, EARLIER, FACTORY, SCENARIO = "NT26-4a", "NT26-3b", "NT26-2c", "YC-2a"
HANDLER = "lead_bureau.handler"


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Iterator[Land]:
    """A land in which everything is sound when its tests are over."""
    folder = tmp_path_factory.mktemp("land")
    land = found_land(kept, folder, [LATER, "NT24-2", FACTORY, SCENARIO], pytestconfig)
    yield land
    land.now = max(land.now, land.swept)
    land.assert_sound()


@pytest.fixture
def land(founded) -> Land:
    """The land at the beginning of its time."""
    founded.now = BEGINS
    return founded


def naming(land: Land, measure: str, state: str, matter: dict, **given) -> str:
    case = land.open(measure)
    land.ask(case, "name_matters", HANDLER, matters=[matter])
    land.walk(case, state, **given)
    assert land.state(case) == state
    return case


def holder(land: Land, case: str) -> str:
    return land.value(
        'SELECT o.uscc FROM "case" c JOIN organisation o ON o.id = c.applicant_id'
        " WHERE c.public_id = %s",
        case,
    )


def test_nt24_2_beside_nt26_4a_on_one_contract_comes_to_the_higher_of_both(land: Land):
    contract = {"kind": "contract", "key": "NT-2026-0001"}
    parent = naming(land, "NT24-2", "awaiting_approval", contract, **amounts(200_000 * YUAN))
    land.act(parent, "approve")
    case = naming(land, LATER, "proposed", contract, **amounts(300_000 * YUAN))

    with pytest.raises(GuardFailed, match="decide_overlap"):
        land.act(case, "draft_plan", planned_fen=300_000 * YUAN)
    land.ask(case, "decide_overlap", REVIEWER, other=award_of(land, parent), treatment="top_up",
             reason="NT26 就高不重复", entitled_fen=300_000 * YUAN)  # fmt: skip
    with pytest.raises(GuardFailed, match="补差"):
        land.act(case, "draft_plan", planned_fen=100_000 * YUAN + 1)
    land.walk(case, "awaiting_approval", planned_fen=100_000 * YUAN)
    land.act(case, "approve", approved_fen=100_000 * YUAN)

    assert awards(land, parent) == [(200_000 * YUAN, 0, "superseded")]
    assert awards(land, case) == [(100_000 * YUAN, 200_000 * YUAN, "live")]


@pytest.mark.soak
def test_a_contract_that_nantongs_own_ledger_paid_is_the_same_matter(land: Land):
    contract = {"kind": "contract", "key": "NT-2026-0002"}
    rows = {**ROW, "place": "nantong", "matters": [contract], "amount_fen": 100}
    (told,) = imported(land, rows)
    case = naming(land, LATER, "proposed", contract)

    with pytest.raises(GuardFailed):
        land.act(case, "draft_plan")
    grade = land.value(
        "SELECT e.payload->'overlaps'->0->>'grade' FROM event e JOIN \"case\" c"
        " ON c.id = e.stream WHERE c.public_id = %s AND e.name = 'submit'",
        case,
    )

    assert (told.result, grade) == ("recorded", "same")


def test_a_factory_that_rises_from_province_to_nation_gets_the_difference(land: Land):
    case = land.open(FACTORY)
    province = {"kind": "title", "key": "智能工厂:省级:2025"}
    nation = {"kind": "title", "key": "智能工厂:国家级:2026"}
    (told,) = imported(land, {**ROW, "source_id": "NT-T1", "uscc": holder(land, case),
                              "place": "nantong", "matters": [province],
                              "amount_fen": 500_000 * YUAN})  # fmt: skip
    land.ask(case, "name_matters", HANDLER, matters=[nation])
    land.walk(case, "proposed", **amounts(2_000_000 * YUAN))
    land.ask(case, "decide_overlap", REVIEWER, other=told.award, treatment="top_up",
             reason="省级升国家级，补差", entitled_fen=2_000_000 * YUAN)  # fmt: skip

    with pytest.raises(GuardFailed, match="补差"):
        land.act(case, "draft_plan", planned_fen=1_500_000 * YUAN + 1)
    land.walk(case, "awaiting_approval", planned_fen=1_500_000 * YUAN)
    land.act(case, "approve", approved_fen=1_500_000 * YUAN)

    assert awards(land, case) == [(1_500_000 * YUAN, 500_000 * YUAN, "live")]
    assert claims(land, case) == [("title", "智能工厂:国家级:2026", True)]


@pytest.mark.soak
def test_two_firms_have_the_same_title_each_and_one_contract_only_one(land: Land):
    title = {"kind": "title", "key": "智能工厂:国家级:2026"}
    first, second = (naming(land, FACTORY, "awaiting_approval", title) for _ in range(2))
    contract = {"kind": "contract", "key": "NT-2026-0003"}

    for case in (first, second):
        land.act(case, "approve")
    land.ask(first, "name_matters", HANDLER, matters=[contract])
    with pytest.raises(Conflict, match="NT-2026-0003"):
        land.ask(second, "name_matters", HANDLER, matters=[contract])

    assert {each[2] for case in (first, second) for each in claims(land, case)} == {True}


@pytest.mark.soak
def test_in_yancheng_two_enterprises_of_one_project_are_both_supported(land: Land):
    project = {"kind": "project", "key": "2604-320900-04-01-123456"}
    first, second = (land.open(SCENARIO) for _ in range(2))

    for case in (first, second):
        land.ask(case, "name_matters", HANDLER, matters=[project])
        land.walk(case, "awaiting_approval")
        land.act(case, "approve")

    for case in (first, second):
        assert claims(land, case) == [("project", "2604-320900-04-01-123456", True)]


@pytest.mark.soak
def test_a_settlement_inside_a_voucher_is_part_of_its_award(land: Land):
    contract = {"kind": "contract", "key": "NT-2026-0004"}
    parent = naming(land, "NT24-2", "awaiting_approval", contract, **amounts(200_000 * YUAN))
    land.act(parent, "approve")
    land.walk(parent, "voucher_live")
    land.act(parent, "request_settlement")
    (child,) = land.children(parent)
    land.ask(child, "name_matters", HANDLER, matters=[contract])
    land.walk(child, "awaiting_approval", **amounts(50_000 * YUAN))
    land.act(child, "approve")

    assert claims(land, child) == [("contract", "NT-2026-0004", False)]
    contained = land.value(
        'SELECT w.public_id FROM award a JOIN award w ON w.id = a.part_of JOIN "case" c'
        " ON c.id = a.case_id WHERE c.public_id = %s",
        child,
    )
    assert contained == award_of(land, parent)
