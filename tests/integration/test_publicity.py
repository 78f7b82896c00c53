"""Publicity: an object that lists cases, stands in full working days, and moves the undisputed."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from caseflow.batches.publicity import Listing, board, open_publicity
from caseflow.kernel.errors import Conflict, EventNotAllowed, GuardFailed, InvalidInput, NotFound
from caseflow.kernel.workflow.vocabulary import INPUTS, SEATS
from caseflow.rehearsal.samples import SAMPLE_CONTACT
from tests.factories.checks import check_credit
from tests.integration.conftest import House, shanghai
from tests.integration.kept_house import keep_house, visited

STEPS = (
    ("accept", "huilong_zhen.handler", {}),
    ("verify_claim", "huilong_zhen.handler", {"verified_fen": 100_000_000, "note": "属实"}),
)


@pytest.fixture(scope="module")
def kept(server, house_template, tmp_path_factory) -> Iterator[House]:
    yield from keep_house(server, house_template, tmp_path_factory.mktemp("home"))


@pytest.fixture
def shared(kept: House) -> House:
    """The kept house with a firm of the test's own; what lets time pass takes `house`."""
    return visited(kept)


SAID = {"real_name": "王某", "contact": "某信箱", "grounds": "用量不实", "proof": "日志"}


def _planned(house: House, count: int) -> list[str]:
    """Return cases in publicity_pending, put there by the shortest lawful road of the workflow."""
    return [_walk(house) for _ in range(count)]


def _walk(house: House) -> str:
    case = house.submitted()
    at = shanghai(11, 9)
    check_credit(house, case, at)
    done: set[str] = set()
    while (state := house.state(case)) != "publicity_pending":
        with house.cases.connect() as connection:
            workflow_hash, parties = connection.execute(
                'SELECT workflow_hash, parties FROM "case" WHERE public_id = %s', (case,)
            ).fetchone()
            runner = house.cases.pinned.runner(connection, workflow_hash)
        names = runner.workflow.states[state].main.split("|")
        event = next(name for name in names if f"{state}:{name}" not in done)
        done.add(f"{state}:{event}")
        step = runner.workflow.step(state, event)
        payload = {
            name: runner.facts[name].sample for name in step.requires if name in runner.facts
        }

        payload |= {name: INPUTS[name].sample for name in step.requires if name in INPUTS}
        if event == "verify_claim":
            payload |= {"cut_code": "evidence", "reason": "凭证只证明其中一部分"}
        for seat_name in step.by if event == "answer_seat" else step.by[:1]:
            seat = SEATS[seat_name]
            who = house.sql(
                "SELECT p.login FROM assignment a JOIN person p ON p.id = a.person_id"
                " WHERE a.organisation_id = %s AND a.role = %s ORDER BY p.id LIMIT 1",
                parties[seat.party],
                seat.role,
            )[0][0]
            house.act(case, event, who, at, **payload)
            if house.state(case) != state:
                break
    return case


def _objections(house: House, case: str) -> list[tuple[str]]:
    return house.sql(
        'SELECT o.status FROM objection o JOIN "case" c ON c.id = o.case_id WHERE c.public_id = %s',
        case,
    )


def _listing(house: House, listed: list[str], **changes) -> Listing:
    wanted = {
        "cases": tuple(listed),
        "title": "2026年度算力券拟支持名单公示",
        "basis": "启政办规〔2026〕1号",
        "contact": SAMPLE_CONTACT,
        "working_days": 5,
        "actor_id": house.people["shujuju.handler"],
        "at": shanghai(12, 18),
    }
    return Listing(**{**wanted, **changes})


def test_five_working_days_are_counted_in_full_and_closing_moves_the_undisputed(house: House):
    first, second, disputed = _planned(house, 3)

    shown = open_publicity(house.cases, _listing(house, [first, second, disputed]))
    house.act(disputed, "object", "nanyang_zhen.handler", shanghai(12, 24), **SAID)
    house.sweep(shanghai(12, 25, 23, 59))
    before = [house.state(case) for case in (first, second, disputed)]
    house.sweep(shanghai(12, 26, 0, 5))
    after = [house.state(case) for case in (first, second, disputed)]

    assert (shown.starts_on, shown.ends_on, shown.status) == (
        date(2026, 12, 18),
        date(2026, 12, 25),
        "open",
    )
    assert before == ["publicity", "publicity", "objection"]
    assert after == ["awaiting_approval", "awaiting_approval", "objection"]
    assert board(house.cases)[0].status == "closed"


def test_a_dismissed_objection_lets_the_case_go_on_at_once_when_the_period_is_over(house: House):
    case, other = _planned(house, 2)
    open_publicity(house.cases, _listing(house, [case, other]))
    house.act(case, "object", "nanyang_zhen.handler", shanghai(12, 24), **SAID)
    house.sweep(shanghai(12, 26, 0, 5))

    outcome = house.act(
        case, "dismiss_objection", "shujuju.reviewer", shanghai(12, 28), reason="查无实据"
    )

    assert outcome.events == ("dismiss_objection", "close_publicity")
    assert outcome.state == house.state(other)
    assert house.sql("SELECT status FROM objection") == [("dismissed",)]


def test_an_upheld_objection_ends_the_case_with_reason_and_remedy(shared: House):
    (case,) = _planned(shared, 1)
    open_publicity(shared.cases, _listing(shared, [case]))
    shared.act(case, "object", "nanyang_zhen.handler", shanghai(12, 24), **SAID)

    with pytest.raises(InvalidInput) as caught:
        shared.act(case, "uphold_objection", "shujuju.reviewer", shanghai(12, 28), reason="属实")
    outcome = shared.act(
        case,
        "uphold_objection",
        "shujuju.reviewer",
        shanghai(12, 28),
        reason="属实",
        reason_code="material_false",
        remedy="六十日内可申请行政复议",
    )

    assert set(caught.value.fields) == {"reason_code", "remedy"}
    assert outcome.state == "rejected"
    assert _objections(shared, case) == [("upheld",)]


def test_after_the_period_no_objection_is_taken(shared: House):
    (case,) = _planned(shared, 1)
    open_publicity(shared.cases, _listing(shared, [case]))

    with pytest.raises((GuardFailed, EventNotAllowed)):
        shared.act(case, "object", "nanyang_zhen.handler", shanghai(12, 26), **SAID)


def test_a_list_with_one_case_that_is_not_ready_publishes_nothing(shared: House):
    (ready,) = _planned(shared, 1)
    early, before = shared.submitted(), board(shared.cases)

    with pytest.raises(Conflict, match="QD26-7a-2026"):
        open_publicity(shared.cases, _listing(shared, [ready, early]))

    assert shared.state(ready) == "publicity_pending"
    assert board(shared.cases) == before


@pytest.mark.parametrize(
    "changes",
    [{"cases": ()}, {"title": " "}, {"working_days": 0}, {"working_days": 31}],
)
def test_a_listing_that_says_too_little_is_refused(shared: House, changes):
    with pytest.raises(InvalidInput):
        open_publicity(shared.cases, _listing(shared, ["x"], **changes))


def test_an_unknown_case_is_not_found(shared: House):
    with pytest.raises(NotFound):
        open_publicity(shared.cases, _listing(shared, ["nothing"]))


def test_a_period_that_reaches_into_an_unknown_year_is_provisional(shared: House):
    (case,) = _planned(shared, 1)

    shown = open_publicity(shared.cases, _listing(shared, [case], at=shanghai(12, 30)))

    assert shown.provisional
    assert shown.ends_on == date(2027, 1, 7)


def test_nobody_lists_a_case_past_the_publicity_itself(shared: House):
    (case,) = _planned(shared, 1)
    payload = {"publicity_id": 1, "publicity_ends_on": "2026-12-19"}

    with pytest.raises(InvalidInput, match="公示期由系统计算"):
        shared.act(case, "publicise", "shujuju.handler", shanghai(12, 18), **payload)


def test_the_database_refuses_another_last_day_than_the_publicitys(shared: House):
    (case,) = _planned(shared, 1)
    open_publicity(shared.cases, _listing(shared, [case]))

    with (
        shared.cases.connect() as connection,
        pytest.raises(psycopg.Error, match="fk_case_publicity"),
    ):
        connection.execute(
            "UPDATE \"case\" SET publicity_ends_on = '2026-12-19' WHERE public_id = %s", (case,)
        )
