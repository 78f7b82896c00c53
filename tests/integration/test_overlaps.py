"""Two supports of one matter: named, found, decided, claimed; the database lets one stand."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from caseflow.cases.service import Request
from caseflow.database.access import Database
from caseflow.kernel.errors import Conflict, GuardFailed, InvalidInput
from tests.integration.kept_database import keep
from tests.integration.walking import BEGINS, Town, found_town, together

pytestmark = pytest.mark.soak

VOUCHER, REVIEWER, HANDLER = "QD26-7a", "lead_bureau.reviewer", "lead_bureau.handler"
_contracts = iter(f"HT-{random.Random(7).randrange(10**6):06}-{n:04}" for n in range(1, 1000, 7))


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Iterator[Town]:
    """A town in which everything is sound when its tests are over."""
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=(VOUCHER,))
    yield town
    town.now = max(town.now, town.swept)
    town.assert_sound()


@pytest.fixture
def town(founded) -> Town:
    """The town at the beginning of its time; every test has cases of its own."""
    founded.now = BEGINS
    return founded


class Clash(NamedTuple):
    """An approved case and a planned one of the same matter; whatever is tried is refused."""

    first: str
    second: str
    key: str


@pytest.fixture(scope="module")
def clash(founded) -> Clash:
    founded.now, matter = BEGINS, contract()
    first = named(founded, "awaiting_approval", matter)
    founded.act(first, "approve")
    return Clash(first, named(founded, "proposed", matter), matter["key"])


def contract(key: str | None = None, **cost) -> dict:
    return {"kind": "contract", "key": key or next(_contracts), **cost}


def named(town: Town, state: str, *matters: dict, by: str = HANDLER, **given) -> str:
    """Return a case at `state` that named its matters before it was reviewed."""
    case = town.reached("submitted", VOUCHER, **given)
    town.ask(case, "name_matters", by, matters=list(matters))
    town.walk(case, state, **given)
    return case


def awards(town: Town, case: str) -> list:
    return town.sql(
        'SELECT a.amount_fen, a.carried_fen, a.status FROM award a JOIN "case" c'
        " ON c.id = a.case_id WHERE c.public_id = %s ORDER BY a.id",
        case,
    )


def award_of(town: Town, case: str) -> str:
    return town.value(
        'SELECT a.public_id FROM award a JOIN "case" c ON c.id = a.case_id WHERE c.public_id = %s'
        " AND a.status = 'live'",
        case,
    )


def claims(town: Town, case: str) -> list:
    return town.sql(
        "SELECT n.kind, n.key, n.claims FROM award_matter n JOIN award a ON a.id = n.award_id"
        ' JOIN "case" c ON c.id = a.case_id WHERE c.public_id = %s ORDER BY n.kind, n.key',
        case,
    )


def test_what_was_typed_is_named_in_its_normal_form_and_kept_in_the_history(town: Town):
    case = town.reached("submitted", VOUCHER)

    town.ask(case, "name_matters", "applicant", matters=[contract("ｈｔ〔２０２６〕 ９９１")])

    kept = town.sql(
        'SELECT m.kind, m.key FROM case_matter m JOIN "case" c ON c.id = m.case_id'
        " WHERE c.public_id = %s",
        case,
    )
    said = town.value(
        'SELECT e.payload FROM event e JOIN "case" c ON c.id = e.stream'
        " WHERE c.public_id = %s AND e.name = 'name_matters'",
        case,
    )
    assert kept == [("contract", "HT(2026)991")]
    assert said == {"matters": [{"kind": "contract", "key": "HT(2026)991"}]}


def test_an_approved_case_has_an_award_that_claims_its_matters(town: Town, clash: Clash):
    live = [(fen > 0, carried, status) for fen, carried, status in awards(town, clash.first)]

    assert live == [(True, 0, "live")]
    assert claims(town, clash.first) == [("contract", clash.key, True)]


def test_a_second_case_of_the_matter_is_not_planned_before_somebody_decides(
    town: Town, clash: Clash
):
    with pytest.raises(GuardFailed, match="decide_overlap"):
        town.act(clash.second, "draft_plan")


@pytest.fixture
def topped(town: Town) -> Clash:
    """An approved case of 5 万元 and one entitled to 8 that was topped up to the fen."""
    matter = contract()
    first = named(town, "awaiting_approval", matter, applied_fen=5_000_000)
    town.act(first, "approve")
    second = named(town, "proposed", matter, applied_fen=8_000_000)
    decision = {"other": award_of(town, first), "treatment": "top_up", "reason": "补差"}
    with pytest.raises(InvalidInput, match="没有差额"):
        town.ask(second, "decide_overlap", REVIEWER, **decision, entitled_fen=5_000_000)
    town.ask(second, "decide_overlap", REVIEWER, **decision, entitled_fen=8_000_000)
    with pytest.raises(GuardFailed, match="补差"):
        town.act(second, "draft_plan", planned_fen=3_000_001)
    town.walk(second, "awaiting_approval", planned_fen=3_000_000)
    town.act(second, "approve", approved_fen=3_000_000)
    return Clash(first, second, matter["key"])


@pytest.mark.soak
def test_who_is_topped_up_and_who_was_first_are_both_paid(town: Town, topped: Clash):
    for case in (topped.first, topped.second):
        town.walk(case)

    assert {town.outcome(case) for case in (topped.first, topped.second)} == {"disbursed"}


def test_a_top_up_is_the_difference_and_what_ends_without_money_gives_the_matter_back(
    town: Town, topped: Clash
):
    first, second, key = topped
    assert awards(town, first) == [(5_000_000, 0, "superseded")]
    assert awards(town, second) == [(3_000_000, 5_000_000, "live")]
    assert claims(town, second) == [("contract", key, True)]

    town.act(second, "terminate")

    assert awards(town, second) == [(3_000_000, 5_000_000, "given_back")]
    assert awards(town, first) == [(5_000_000, 0, "live")]
    assert claims(town, first) == [("contract", key, True)]


def test_of_two_approvals_at_once_exactly_one_wins_and_the_other_is_told_of_it(town: Town):
    matter = contract()
    pair = [town.reached("awaiting_approval", VOUCHER) for _ in range(2)]
    for case in pair:
        town.ask(case, "name_matters", HANDLER, matters=[matter])

    results = together(*(lambda c=case: town.act(c, "approve") for case in pair))

    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == 1
    (winner,) = [case for case in pair if town.state(case) == "approved"]
    assert award_of(town, winner) in refused[0].message
    assert matter["key"] in refused[0].message
    assert (
        town.value("SELECT count(*) FROM award_matter WHERE claims AND key = %s", matter["key"])
        == 1
    )
    (loser,) = {*pair} - {winner}
    assert (town.state(loser), awards(town, loser)) == ("awaiting_approval", [])


def test_of_two_that_ask_the_higher_is_kept_and_the_lower_is_not_planned(town: Town):
    matter = contract()
    higher = named(town, "proposed", matter, applied_fen=9_000_000)
    lower = named(town, "proposed", matter, applied_fen=8_999_999)
    with pytest.raises(InvalidInput, match="金额相等"):  # unequal: not the applicant's to choose
        town.ask(lower, "choose_award", "applicant", other=higher, chosen="this")
    town.ask(higher, "decide_overlap", REVIEWER, other=lower, treatment="keep_this", reason="从高")
    town.ask(lower, "decide_overlap", REVIEWER, other=higher, treatment="keep_other", reason="从高")

    town.act(higher, "draft_plan")
    with pytest.raises(GuardFailed, match="享受"):
        town.act(lower, "draft_plan")

    assert town.state(higher) == "plan_review"


def test_between_equals_the_applicant_chooses_and_nobody_else(town: Town):
    matter = contract()
    first, second = (named(town, "proposed", matter, applied_fen=9_000_000) for _ in range(2))

    town.ask(first, "choose_award", "applicant", other=second, chosen="this")
    town.act(first, "draft_plan")

    rows = town.sql(
        "SELECT treatment, seat, reason FROM overlap_decision d"
        ' JOIN "case" c ON c.id = d.case_id WHERE c.public_id = %s',
        first,
    )
    assert rows == [("keep_this", "applicant", "申报主体选择")]
    with pytest.raises(GuardFailed):
        town.act(second, "draft_plan")


@pytest.mark.soak
def test_other_cost_of_the_same_contract_is_awarded_beside_the_first(town: Town):
    year_one = {"from": "2026-01-01", "to": "2026-06-30"}
    year_two = {"from": "2026-07-01", "to": "2026-12-31"}
    key = next(_contracts)
    first = named(town, "awaiting_approval", contract(key, **year_one), applied_fen=5_000_000)
    town.act(first, "approve")
    second = named(town, "proposed", contract(key, **year_two), applied_fen=4_000_000)
    town.ask(
        second,
        "decide_overlap",
        REVIEWER,
        other=award_of(town, first),
        treatment="cut_base",
        reason="费用期间不重合",
        entitled_fen=4_000_000,
    )
    town.walk(second, "awaiting_approval")

    town.act(second, "approve")

    assert awards(town, second) == [(4_000_000, 0, "live")]
    assert claims(town, second) == [("contract", key, False)]
    town.walk(first)
    assert town.outcome(first) == "disbursed"


def test_a_matter_is_dropped_until_the_approval_and_named_after_it_if_it_is_free(
    town: Town, clash: Clash
):
    wrong, right, free = contract(), contract(), contract()
    case = named(town, "proposed", wrong, right)

    town.ask(case, "drop_matters", HANDLER, matters=[wrong], reason="合同号录入有误")
    town.walk(case, "awaiting_approval")
    town.act(case, "approve")

    assert claims(town, case) == [("contract", right["key"], True)]
    with pytest.raises(InvalidInput, match="已审定"):
        town.ask(case, "drop_matters", HANDLER, matters=[right], reason="更正")
    town.ask(case, "name_matters", HANDLER, matters=[free])
    with pytest.raises(Conflict, match=clash.key):
        town.ask(case, "name_matters", HANDLER, matters=[contract(clash.key)])
    assert ("contract", free["key"], True) in claims(town, case)


def test_the_check_is_told_at_submit_and_kept_at_every_point(town: Town, clash: Clash):
    second = town.reached("draft", VOUCHER)
    town.ask(second, "name_matters", "applicant", matters=[contract(clash.key)])

    town.walk(second, "reviewed")

    found = town.sql(
        "SELECT e.name, e.payload->'overlaps'->0->>'grade' FROM event e JOIN"
        ' "case" c ON c.id = e.stream WHERE c.public_id = %s AND e.payload ? %s'
        " ORDER BY e.seq",
        second,
        "overlaps",
    )
    assert found == [("submit", "same"), ("conclude_review", "same")]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"treatment": "different", "reason": "不同"}, "同一事项"),
        ({"treatment": "keep_this", "reason": "保留"}, "已审定"),
        ({"treatment": "refund_then_apply", "reason": "退"}, "top_up"),
        ({"treatment": "cut_base", "reason": "扣除", "entitled_fen": 1}, "没有不重合部分"),
        ({"treatment": "top_up", "reason": "补差"}, "须填写"),
    ],
)
def test_a_sure_clash_is_not_decided_away(town: Town, clash: Clash, given: dict, words: str):
    award = award_of(town, clash.first)

    with pytest.raises(InvalidInput, match=words):
        town.ask(clash.second, "decide_overlap", REVIEWER, other=award, **given)


def test_a_decision_names_another_support_that_there_is(town: Town, clash: Clash):
    case = clash.second
    decision = {"treatment": "different", "reason": "不同"}

    with pytest.raises(InvalidInput, match="没有编号"):
        town.ask(case, "decide_overlap", REVIEWER, other="nobody", **decision)
    with pytest.raises(InvalidInput, match="先登记"):
        town.ask(
            case,
            "decide_overlap",
            REVIEWER,
            other="nobody",
            treatment="top_up",
            reason="补差",
            entitled_fen=1,
        )


ID_NUMBER = "32068119851231001X"


def test_a_persons_number_is_nowhere_but_in_the_register(town: Town):
    case = town.reached("submitted", VOUCHER)
    matter = {"kind": "person", "key": f"{ID_NUMBER}:2026-05"}

    town.ask(case, "name_matters", HANDLER, matters=[matter])

    with pytest.raises(InvalidInput, match="已登记"):
        town.ask(case, "name_matters", HANDLER, matters=[matter])
    key = town.value("SELECT key FROM case_matter WHERE kind = 'person'")
    assert key.startswith("~K1-")
    assert key.endswith(":2026-05")
    texts = town.sql(
        "SELECT payload::text FROM event UNION ALL SELECT case_matter::text FROM"
        " case_matter UNION ALL SELECT facts::text FROM notification"
    )
    assert not any(ID_NUMBER in text for (text,) in texts)


@pytest.mark.soak
def test_two_approvals_of_one_matter_in_one_set_refuse_only_the_second(town: Town):
    matter = contract()
    pair = [town.reached("awaiting_approval", VOUCHER) for _ in range(2)]
    for case in pair:
        town.ask(case, "name_matters", HANDLER, matters=[matter])
    other = town.reached("awaiting_approval", VOUCHER)
    asked = [*pair, other]
    query = 'SELECT id FROM "case" WHERE public_id = %s'
    ids = [int(town.value(query, case)) for case in asked]
    leader = town.person(pair[0], "lead_bureau.leader")
    planned = town.value(
        "SELECT (facts->>'planned_fen')::bigint FROM \"case\" WHERE id = %s", ids[0]
    )
    payload = {"approved_fen": planned, "basis": "会议研究决定"}

    with town.house.cases.connect() as connection, connection.transaction():
        request = Request("approve", leader, town.now, payload)
        results = town.house.cases.act_many(connection, ids, request)

    assert isinstance(results[ids[1]], Conflict)
    assert matter["key"] in results[ids[1]].message
    assert [town.state(case) for case in asked] == ["approved", "awaiting_approval", "approved"]
