"""Many at once on one ceiling, and any order of acts: what is used is what is held, never more."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caseflow.cases.part import WRITTEN
from caseflow.cases.service import Outcome, Request
from caseflow.cases.sets import act_in_sets
from caseflow.cases.statement import Writes, write
from caseflow.database.access import Database
from caseflow.funds.caps.part import CAP_USES, CAPS
from caseflow.kernel.caps.model import Counter
from caseflow.kernel.errors import CapReached, CaseflowError, GuardFailed
from tests.integration.capped import assert_counted, firm_of, opened, plan, proposed, used
from tests.integration.five_cities import YUAN, Land, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import together, visit

pytestmark = pytest.mark.soak

WAN = 10_000 * YUAN
VOUCHER, ROBOT = "QD26-7a", "WX-8a"
LIMIT = 200 * WAN
WRITERS, ROUNDS = 8, 20
PASSED = {"cut_code": "decision", "reason": "会议研究核减"}
Way = Callable[[Land, str, int], int]


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), [VOUCHER, ROBOT], pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)
    assert_counted(founded)


@pytest.mark.parametrize(
    ("measure", "at_once", "each", "fit"),
    [
        (VOUCHER, 8, 40 * WAN, 5),
        pytest.param(VOUCHER, 32, 10 * WAN, 20, marks=pytest.mark.soak),
        pytest.param(ROBOT, 32, 50 * WAN, 4, marks=pytest.mark.soak),
    ],
)
def test_of_many_plans_at_once_exactly_as_many_as_fit_are_made(
    land: Land, measure: str, at_once: int, each: int, fit: int
):
    firm = firm_of(land, measure)
    cases = [proposed(land, measure, firm) for _ in range(at_once)]

    answers = together(*[lambda case=case: plan(land, case, each) for case in cases])

    refused = [each for each in answers if isinstance(each, CapReached | GuardFailed)]
    assert answers.count("plan_review") == fit
    assert len(refused) == at_once - fit
    assert used(land, f"year:{measure}:{firm.id}:2026") == (LIMIT, fit)


def test_plans_made_as_one_set_fit_together_or_none_is_made(land: Land):
    firm = firm_of(land, VOUCHER)
    cases = [proposed(land, VOUCHER, firm) for _ in range(2)]
    handler = land.person(cases[0], "lead_bureau.handler")
    query = 'SELECT id FROM "case" WHERE public_id = ANY(%s) ORDER BY id'
    ids = [case_id for (case_id,) in land.sql(query, cases)]

    def plan_all(fen: int) -> None:
        request = Request("draft_plan", handler, land.now, {"planned_fen": fen})
        with land.house.cases.connect() as connection, connection.transaction():
            land.house.cases.act_many(connection, ids, request)

    with pytest.raises(CapReached, match=r"已占用100\.000001万元，尚余99\.999999万元"):
        plan_all(LIMIT // 2 + 1)
    before = [land.state(case) for case in cases]
    plan_all(LIMIT // 2)

    assert before == ["proposed", "proposed"]
    assert used(land, f"year:{VOUCHER}:{firm.id}:2026") == (LIMIT, 2)


def test_where_a_set_is_too_much_its_cases_are_taken_one_by_one(land: Land):
    firm = firm_of(land, VOUCHER)
    cases = [proposed(land, VOUCHER, firm) for _ in range(4)]
    handler = land.person(cases[0], "lead_bureau.handler")
    query = 'SELECT id FROM "case" WHERE public_id = ANY(%s) ORDER BY id'
    ids = [case_id for (case_id,) in land.sql(query, cases)]
    request = Request("draft_plan", handler, land.now, {**PASSED, "planned_fen": LIMIT // 3 + 1})

    with land.house.cases.connect() as connection, connection.transaction():
        results = act_in_sets(land.house.cases, connection, dict.fromkeys(ids, request), size=3)

    assert [isinstance(results[each], Outcome) for each in ids] == [True, True, False, False]
    assert isinstance(results[ids[2]], GuardFailed)
    assert used(land, f"year:{VOUCHER}:{firm.id}:2026") == (2 * (LIMIT // 3 + 1), 2)


def test_sets_behind_each_other_see_and_undo_nothing_of_one_that_is_refused(land: Land):
    firm = firm_of(land, VOUCHER)
    cases = [proposed(land, VOUCHER, firm) for _ in range(5)]
    handler = land.person(cases[0], "lead_bureau.handler")
    query = 'SELECT id FROM "case" WHERE public_id = ANY(%s) ORDER BY id'
    ids = [case_id for (case_id,) in land.sql(query, cases)]
    request = Request("draft_plan", handler, land.now, {**PASSED, "planned_fen": LIMIT // 3})

    with land.house.cases.connect() as connection, connection.transaction():
        results = act_in_sets(land.house.cases, connection, dict.fromkeys(ids, request), size=1)

    assert sum(isinstance(each, Outcome) for each in results.values()) == 3
    assert used(land, f"year:{VOUCHER}:{firm.id}:2026") == (3 * (LIMIT // 3), 3)


def test_two_ceilings_written_in_either_order_wait_and_never_deadlock(land: Land):
    firm = firm_of(land, VOUCHER)
    public_ids = [opened(land, VOUCHER, firm) for _ in range(WRITERS)]
    query = 'SELECT id FROM "case" WHERE public_id = ANY(%s)'
    cases = [case_id for (case_id,) in land.sql(query, public_ids)]
    together(*[partial(take_and_give_back, land, firm.id, case) for case in cases])

    rows = land.sql("SELECT used_fen, used_times FROM cap WHERE key LIKE %s", f"both:{firm.id}:%")
    assert rows == [(ROUNDS * WRITERS, WRITERS)] * 2


def take_and_give_back(land: Land, firm: int, case: int) -> None:
    """Take ever more of two ceilings in one statement, each round in the other order."""
    keys = [f"both:{firm}:a", f"both:{firm}:b"]
    for number in range(1, ROUNDS + 1):
        keys.reverse() if number % 2 == case % 2 else None
        writes = Writes()
        writes.add(WRITTEN, case)
        for key in keys:
            counter = Counter(key, "object", "上限", "", None, None)
            writes.add(CAPS, {"case_id": case, "stated": False, "organisation_id": firm,
                              "measure_id": None, **vars(counter)})  # fmt: skip
            use = {"case_id": case, "key": key, "fen": number, "times": 1, "state": "reserved"}
            writes.add(CAP_USES, use)
        with land.house.cases.connect() as connection:
            write(connection, writes)


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2]),
        st.sampled_from(["plan", "plan", "replan", "approve", "reject", "withdraw"]),
        st.sampled_from([0, 1, LIMIT // 2, LIMIT // 2 + 1, LIMIT - 1, LIMIT, LIMIT + 1]),
    ),
    min_size=5,
    max_size=10,
)


ANY_ORDER = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(ANY_ORDER, max_examples=3)
@given(steps=steps)
def test_an_order_of_acts_keeps_what_is_used_what_is_held_and_within_the_limit(
    land: Land, steps: list[tuple[int, str, int]]
):
    _kept_and_held(land, steps)


@pytest.mark.soak
@settings(ANY_ORDER, max_examples=40)
@given(steps=steps)
def test_any_order_of_acts_keeps_what_is_used_what_is_held_and_within_the_limit(
    land: Land, steps: list[tuple[int, str, int]]
):
    _kept_and_held(land, steps)


def _kept_and_held(land: Land, steps: list[tuple[int, str, int]]) -> None:
    firm = firm_of(land, VOUCHER)
    cases = [proposed(land, VOUCHER, firm) for _ in range(3)]
    held = dict.fromkeys(cases, 0)

    for number, act, fen in steps:
        case = cases[number]
        change = _asked(land, case, act, fen)
        others = sum(held.values()) - held[case]
        if change is not None:
            assert others + change <= LIMIT
            held[case] = change
        assert used(land, f"year:{VOUCHER}:{firm.id}:2026")[0] == sum(held.values())


def _asked(land: Land, case: str, act: str, fen: int) -> int | None:
    """Ask for an act where the case stands; what it holds then, None where that is as before."""
    way = WAYS.get((act, land.state(case)))
    if way is None:
        return None
    try:
        return way(land, case, fen)
    except CaseflowError:
        return None


def _planned(land: Land, case: str, fen: int) -> int:
    plan(land, case, fen)
    return fen


def _given_back(*events: str) -> Way:
    def way(land: Land, case: str, _fen: int) -> int:
        for event in events:
            land.act(case, event)
        return 0

    return way


def _approved(land: Land, case: str, fen: int) -> int:
    """Approve no more than what was planned."""
    planned = land.value(
        "SELECT (facts->>'planned_fen')::bigint FROM \"case\" WHERE public_id = %s", case
    )
    land.walk(case, "awaiting_approval")
    land.act(case, "approve", approved_fen=min(fen, planned))
    return min(fen, planned)


WITHDRAWN = _given_back("request_withdrawal", "consent_withdrawal")
WAYS: dict[tuple[str, str], Way] = {
    ("plan", "proposed"): _planned,
    ("replan", "plan_review"): _given_back("return_plan"),
    ("approve", "plan_review"): _approved,
    ("reject", "proposed"): _given_back("reject"),
    ("reject", "plan_review"): _given_back("reject"),
    ("withdraw", "proposed"): WITHDRAWN,
    ("withdraw", "plan_review"): WITHDRAWN,
    ("withdraw", "approved"): WITHDRAWN,
}
