"""The one way a case moves: who, when, in which order, once."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.cases.service import Request
from caseflow.kernel.errors import (
    CaseflowError,
    Conflict,
    EventNotAllowed,
    GuardFailed,
    InvalidInput,
    NotAllowed,
    NotFound,
    PolicyClosed,
    RequestReused,
    StaleVersion,
)
from tests.integration.conftest import House, shanghai
from tests.integration.kept_house import keep_house, visited

HANDLER = "huilong_zhen.handler"


@pytest.fixture(scope="module")
def kept(server, house_template, tmp_path_factory) -> Iterator[House]:
    yield from keep_house(server, house_template, tmp_path_factory.mktemp("home"))


@pytest.fixture
def shared(kept: House) -> House:
    """The kept house with a firm of the test's own; what lets time pass takes `house`."""
    return visited(kept)


def test_a_submission_without_its_documents_is_refused_and_says_why(shared: House):
    at = shanghai(11, 6)
    case = shared.open(at).case

    with pytest.raises(GuardFailed, match="必交材料不齐全") as caught:
        shared.act(case, "submit", "applicant1", at, applied_fen=1)

    assert "submit" in caught.value.allowed
    assert shared.state(case) == "draft"


def test_an_impossible_event_names_the_possible_ones(shared: House):
    case = shared.submitted()

    with pytest.raises(EventNotAllowed, match="accept") as caught:
        shared.act(case, "confirm_payment", HANDLER, shanghai(11, 9), voucher_no="1")

    assert {"accept", "request_correction", "not_accept"} <= set(caught.value.allowed)


def test_only_the_seat_may_act(shared: House):
    case = shared.submitted()

    for stranger in ("applicant1", "shujuju.handler", "nanyang_zhen.handler", "shenjiju.auditor"):
        with pytest.raises(NotAllowed, match="属地经办"):
            shared.act(case, "accept", stranger, shanghai(11, 9))


def test_the_handler_is_never_the_approver(house: House, cases):
    case = house.submitted()
    at = shanghai(11, 9)
    house.act(case, "accept", HANDLER, at)
    with cases.connect() as connection:
        connection.execute(
            "INSERT INTO assignment (person_id, organisation_id, role, valid_from)"
            " SELECT %s, id, 'bureau_leader', %s FROM organisation WHERE code = 'shujuju'",
            (house.people[HANDLER], at),
        )

    with pytest.raises(NotAllowed, match="不得再担任"):
        house.act(
            case, "terminate", HANDLER, at, reason="x", reason_code="not_in_scope", remedy="y"
        )


def test_the_database_refuses_a_second_control_role(shared: House):
    case = shared.submitted()
    shared.act(case, "accept", HANDLER, shanghai(11, 9))

    with (
        shared.cases.connect() as connection,
        pytest.raises(Exception, match="pk_duty"),
    ):
        connection.execute(
            "INSERT INTO duty SELECT d.case_id, d.person_id, 'approver' FROM duty d"
            ' JOIN "case" c ON c.id = d.case_id WHERE c.public_id = %s',
            (case,),
        )


def test_a_repeated_request_gets_the_first_answer(shared: House):
    case = shared.submitted()
    request = Request("accept", shared.people[HANDLER], shanghai(11, 9), {}, id="repeated")

    first = shared.cases.act(case, request)
    again = shared.cases.act(case, request)

    assert (again.state, again.version, again.events) == (first.state, first.version, first.events)
    assert again.replayed
    assert not first.replayed


def test_a_request_id_cannot_serve_two_requests(shared: House):
    case = shared.submitted()
    who, at = shared.people[HANDLER], shanghai(11, 9)
    shared.cases.act(case, Request("accept", who, at, {}, id="once"))

    with pytest.raises(RequestReused):
        shared.cases.act(case, Request("accept", who, at, {"note": "另一内容"}, id="once"))


def test_an_opening_repeated_makes_one_case(shared: House):
    at = shanghai(10, 13)

    first = shared.open(at, request_id="open-1")
    again = shared.open(at, request_id="open-1")

    assert again.case == first.case
    assert again.replayed
    with pytest.raises(RequestReused):
        shared.open(at, request_id="open-1", title="另一项目")


def test_a_stale_version_is_a_conflict(shared: House):
    case = shared.submitted()

    with pytest.raises(StaleVersion, match="第 2 版"):
        shared.cases.act(
            case, Request("accept", shared.people[HANDLER], shanghai(11, 9), {}, expected_version=1)
        )


@pytest.fixture(scope="module")
def ready(kept: House) -> House:
    """A house whose applicant has a draft with all its documents; it is never handed in."""
    house, at = visited(kept), shanghai(11, 6)
    house.attach_all(house.open(at, title="ready").case, at)
    return house


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "applied_fen"),
        ({"applied_fen": 1.0}, "applied_fen"),
        ({"applied_fen": "1"}, "applied_fen"),
        ({"applied_fen": True}, "applied_fen"),
        ({"applied_fen": -1}, "applied_fen"),
        ({"applied_fen": 10**30}, "applied_fen"),
        ({"applied_fen": 1, "unknown": 2}, "unknown"),
        ({"applied_fen": 1, "note": ""}, "note"),
        ({"applied_fen": 1, "note": "字" * 4001}, "note"),
        ({"applied_fen": 1, "note": ["x"]}, "note"),
        ({"applied_fen": 1, "note": "a\x00b"}, "note"),
    ],
)
def test_a_wrong_payload_names_its_field_and_moves_nothing(ready: House, payload, field):
    (case,) = ready.sql("SELECT public_id FROM \"case\" WHERE title = 'ready'")[0]

    with pytest.raises(InvalidInput) as caught:
        ready.act(case, "submit", "applicant1", shanghai(11, 6), **payload)

    assert field in caught.value.fields
    assert ready.state(case) == "draft"


def test_sixteen_clients_deciding_at_once_have_one_winner(shared: House):
    case = shared.submitted()
    results: list[object] = []
    barrier = threading.Barrier(16)

    def decide(number: int) -> None:
        event, payload = ("accept", {})
        if number % 2:
            event, payload = "request_correction", {"items": [f"材料{number}"]}
        barrier.wait()
        try:
            results.append(shared.act(case, event, HANDLER, shanghai(11, 9), **payload))
        except CaseflowError as error:
            results.append(error)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    errors = [result for result in results if isinstance(result, CaseflowError)]
    assert len(results) - len(errors) == 1
    assert all(isinstance(error, Conflict | EventNotAllowed) for error in errors)
    assert shared.sql(
        'SELECT count(*) FROM event e JOIN "case" c ON c.id = e.stream'
        " WHERE e.seq = 3 AND c.public_id = %s",
        case,
    ) == [(1,)]


def test_a_case_that_does_not_exist_is_not_found(shared: House):
    with pytest.raises(NotFound):
        shared.act("nothing", "accept", HANDLER, shanghai(11, 9))


# --- the last day of the call and of the policy


def test_the_call_takes_submissions_to_the_end_of_its_last_day(shared: House):
    last = shanghai(11, 6, 23, 59)
    case = shared.open(last).case
    shared.attach_all(case, last)

    assert shared.act(case, "submit", "applicant1", last, applied_fen=1).state == "submitted"


def test_the_call_takes_nothing_the_minute_after(shared: House):
    last = shanghai(11, 6, 23, 59)
    case = shared.open(last).case
    shared.attach_all(case, last)

    with pytest.raises(GuardFailed, match="未开放或已截止"):
        shared.act(case, "submit", "applicant1", last + timedelta(minutes=1), applied_fen=1)
    with pytest.raises(PolicyClosed, match="2026-11-06"):
        shared.open(last + timedelta(minutes=1))


def test_a_draft_not_submitted_lapses_after_the_calls_last_day(house: House):
    case = house.open(shanghai(10, 20)).case

    house.sweep(shanghai(11, 6, 23, 59))
    assert house.state(case) == "draft"

    house.sweep(shanghai(11, 7, 0, 0))
    assert house.state(case) == "lapsed"


def test_no_case_is_opened_before_the_call_opens(shared: House):
    with pytest.raises(PolicyClosed):
        shared.open(shanghai(10, 11, 23, 59))


# --- silence


def test_no_answer_within_five_working_days_counts_as_accepted(house: House):
    case = house.submitted()

    house.sweep(shanghai(11, 13, 23, 59))
    assert house.state(case) == "submitted"

    house.sweep(shanghai(11, 14, 0, 0))
    assert house.state(case) == "district_review"
    assert house.sql(
        "SELECT e.name, e.seat FROM event e ORDER BY stream DESC, seq DESC LIMIT 1"
    ) == [("auto_accept", "system")]


def test_a_district_that_does_not_answer_is_chased_and_nothing_is_approved(house: House):
    case = house.submitted()
    house.act(case, "accept", HANDLER, shanghai(11, 18))

    house.sweep(shanghai(12, 3, 0, 0))

    assert house.state(case) == "district_review"
    assert house.clock(case, "district_review")[0] == "expired"
    assert house.sql("SELECT count(*) FROM event WHERE name = 'district_review_overdue'") == [(1,)]
