"""Bulk acts: looked at before, done case by case, stopped and taken up, each item once for ever."""

import io
import random
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from caseflow.batches.bulk.precheck import precheck
from caseflow.batches.bulk.queries import bulk_act, bulk_acts, bulk_items, results_sheet
from caseflow.batches.bulk.running import run_due, run_whole
from caseflow.batches.bulk.service import ask, cancel, resume
from caseflow.batches.bulk.values import with_values
from caseflow.batches.bulk.wanted import Wanted
from caseflow.cases.assembly import assemble
from caseflow.cases.queries import CaseFilter
from caseflow.database.ids import PublicIds
from caseflow.history.queries import verify
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.errors import Conflict, InvalidInput, NotFound, RequestReused
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import House, house_on, shanghai
from tests.integration.kept_database import keep
from tests.integration.walking import together

AT = shanghai(11, 9)
TOWN = "huilong_zhen.handler"
CUT = {"cut_code": "evidence", "reason": "凭证不足。"}


@pytest.fixture(scope="module")
def house(server, house_template, tmp_path_factory) -> Iterator[House]:
    """One house for the whole module: every test has cases and bulk acts of its own."""
    folder = str(tmp_path_factory.mktemp("home"))
    for database in keep(server, house_template):
        ids = PublicIds(random.Random(21))
        yield house_on(assemble(database, settings_of_templates(folder), ROOT, ids=ids))


@pytest.fixture(scope="module")
def accepted(house: House) -> str:
    """A case whose claim is to be verified."""
    (case,) = waiting(house, 1)
    house.act(case, "accept", TOWN, AT)
    return case


def actor(house: House, login: str = TOWN):
    with house.cases.database.session() as session:
        return actor_by_login(session, login, AT)


def waiting(house: House, count: int) -> list[str]:
    """Return cases that wait to be accepted."""
    return [house.submitted() for _ in range(count)]


def outcomes(house: House, number: str) -> list[tuple[str, str]]:
    items = bulk_items(house.cases, actor(house), number).items
    return [(item.case, item.status) for item in items]


def test_a_look_before_tells_case_by_case_and_changes_nothing(house: House):
    first, second = waiting(house, 2)
    house.act(second, "accept", TOWN, AT)
    before = house.sql("SELECT count(*) FROM event")

    found = precheck(house.cases, actor(house), Wanted("accept", cases=(first, second)), AT)
    page = precheck(
        house.cases, actor(house), Wanted("accept", cases=(first, second)), AT, after=1, limit=1
    )

    assert (found.count, found.allowed, found.refused, found.next) == (2, 1, 1, None)
    assert [(each.case, each.allowed, each.to_state) for each in found.items] == [
        (first, True, "district_review"),
        (second, False, None),
    ]
    assert "属地初审" in found.items[1].reason
    assert [(each.count, each.first) for each in found.reasons] == [(1, found.items[1].number)]
    assert [each.case for each in page.items] == [second]
    assert house.sql("SELECT count(*) FROM event") == before


def test_a_guard_that_fails_is_explained_by_case(house: House):
    draft = house.open(shanghai(11, 6)).case

    (found,) = precheck(
        house.cases,
        actor(house, "applicant1"),
        Wanted("submit", {"applied_fen": 100}, cases=(draft,)),
        shanghai(11, 6),
    ).items

    assert not found.allowed
    assert found.failed
    assert found.failed[0] in found.reason


def test_each_case_is_acted_on_in_its_own_right(house: House):
    first, second, third = waiting(house, 3)
    house.act(third, "accept", TOWN, AT)
    made = ask(house.cases, actor(house), Wanted("accept", cases=(third, first, second)), AT)

    ran = run_due(house.cases, AT)
    again = run_due(house.cases, AT)
    shown = bulk_act(house.cases, actor(house), made.public_id)

    assert (ran, again.items) == ((2, 1), 0)
    assert outcomes(house, made.public_id) == [
        (third, "refused"), (first, "done"), (second, "done"),
    ]  # fmt: skip
    assert (shown.status, shown.done, shown.refused, shown.pending) == ("done", 2, 1, 0)
    assert [house.state(case) for case in (first, second)] == ["district_review"] * 2
    events = house.sql("SELECT request_id FROM event WHERE name = 'accept' ORDER BY request_id")
    assert (f"{made.public_id}:2",) in events
    with house.cases.connect() as connection:
        assert list(verify(connection, bytes.fromhex("ab" * 32))) == []


def test_nobody_does_in_bulk_what_they_may_not_do_singly(house: House):
    names = tuple(waiting(house, 2))
    reviewer = actor(house, "shujuju.reviewer")

    made = ask(house.cases, reviewer, Wanted("accept", cases=names), AT)
    run_due(house.cases, AT)
    items = bulk_items(house.cases, reviewer, made.public_id).items

    assert {item.status for item in items} == {"refused"}
    assert all("属地经办" in (item.reason or "") for item in items)
    with pytest.raises(NotFound):
        ask(house.cases, actor(house, "jiaotongju.handler"), Wanted("accept", cases=names), AT)
    with pytest.raises(NotFound):
        bulk_act(house.cases, actor(house), made.public_id)
    with pytest.raises(NotFound):
        cancel(house.cases, actor(house, "shenjiju.auditor"), made.public_id, AT)
    assert bulk_act(house.cases, actor(house, "shenjiju.auditor"), made.public_id).items == 2


def test_a_filter_finds_the_cases_of_a_call_and_a_state(house: House):
    first, second = waiting(house, 2)
    house.act(second, "accept", TOWN, AT)
    wanted = Wanted("accept", filter=CaseFilter(call=house.call, state="submitted"))

    made = ask(house.cases, actor(house), wanted, AT)
    found = dict(outcomes(house, made.public_id))

    assert first in found
    assert second not in found
    assert made.asked_for == {"call": house.call, "state": "submitted"}
    run_due(house.cases, AT)
    with pytest.raises(InvalidInput, match="没有符合条件"):
        ask(house.cases, actor(house), Wanted("accept", filter=CaseFilter(call="none")), AT)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("accept"),
        Wanted("accept", cases=("x",), filter=CaseFilter(state="submitted")),
        Wanted("accept", filter=CaseFilter()),
        Wanted("publicise", cases=("x",)),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(house: House, wanted: Wanted):
    with pytest.raises(InvalidInput):
        ask(house.cases, actor(house), wanted, AT)


def test_values_of_single_cases_come_from_a_file(house: House):
    first, second = waiting(house, 2)
    for case in (first, second):
        house.act(case, "accept", TOWN, AT)
    town = actor(house)
    (number,) = house.sql('SELECT number FROM "case" WHERE public_id = %s', first)[0]
    table = f"办件编号,属地核定金额（元）\n{number},1234.56\n{second},2000\n"
    wanted = Wanted("verify_claim", {"note": "属实。", **CUT})

    read = with_values(house.cases, town, wanted, table.encode(), name="values.csv")
    made = ask(house.cases, town, read, AT)
    run_due(house.cases, AT)

    assert outcomes(house, made.public_id) == [(first, "done"), (second, "done")]
    assert house.sql("SELECT fen FROM amount_step WHERE kind = 'verified' ORDER BY fen") == [
        (123_456,), (200_000,),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("v.csv", "编号,属地核定金额\nx,1\n", "办件编号"),
        ("v.csv", "办件编号,天气\n{case},晴\n", "天气"),
        ("v.csv", "办件编号,属地核定金额\n{case},一千\n", "属地核定金额"),
        ("v.csv", "办件编号,属地核定金额\n{case},1\n{case},2\n", "两次"),
        ("v.json", "[1]", "办件编号"),
        ("v.json", "{{", "JSON"),
    ],
)
def test_a_file_that_says_something_else_is_refused(house, accepted, name, content, told):
    wanted = Wanted("verify_claim", {"note": "属实。"}, cases=(accepted,))

    with pytest.raises(InvalidInput, match=told):
        with_values(
            house.cases, actor(house), wanted, content.format(case=accepted).encode(), name=name
        )


def test_what_is_cancelled_stays_where_it_is_and_may_be_taken_up_again(house: House):
    names = tuple(waiting(house, 3))
    town = actor(house)
    made = ask(house.cases, town, Wanted("accept", cases=names), AT)
    run_due(house.cases, AT, limit=1)

    given_up = cancel(house.cases, town, made.public_id, AT)
    idle = run_due(house.cases, AT)
    with pytest.raises(Conflict, match="已结束"):
        cancel(house.cases, town, made.public_id, AT)
    resume(house.cases, town, made.public_id, AT)
    whole = run_whole(house.cases, town, made.public_id, lambda: AT, limit=1)
    with pytest.raises(Conflict, match="没有尚未办理"):
        resume(house.cases, town, made.public_id, AT)

    assert (given_up.status, given_up.done, given_up.cancelled) == ("cancelled", 1, 2)
    assert idle.items == 0
    assert (whole.status, whole.done, whole.cancelled) == ("done", 3, 0)
    assert [name for (name,) in house.sql(
        "SELECT e.name FROM event e JOIN bulk_act b ON b.id = e.stream"
        " WHERE b.public_id = %s ORDER BY e.seq", made.public_id,
    )] == ["bulk_act_asked", "bulk_act_cancelled", "bulk_act_resumed"]  # fmt: skip


def test_what_was_refused_is_tried_again_only_when_asked_for(house: House):
    (case,) = waiting(house, 1)
    town = actor(house)
    said = {"verified_fen": 1, "note": "属实。", **CUT}
    made = ask(house.cases, town, Wanted("verify_claim", said, cases=(case,)), AT)
    run_due(house.cases, AT)
    house.act(case, "accept", TOWN, AT)

    resumed = resume(house.cases, town, made.public_id, AT, refused_too=True)
    run_due(house.cases, AT)

    assert resumed.pending == 1
    assert outcomes(house, made.public_id) == [(case, "done")]


def test_the_same_request_is_put_down_once(house: House):
    names = tuple(waiting(house, 2))
    town, wanted = actor(house), Wanted("accept", cases=names)

    made = together(*[lambda: ask(house.cases, town, wanted, AT, request_id="once")] * 4)
    run_due(house.cases, AT)
    again = ask(house.cases, town, wanted, AT, request_id="once")

    assert {each.public_id for each in made} == {again.public_id}
    assert (again.status, again.done) == ("done", 2)
    with pytest.raises(RequestReused):
        ask(house.cases, town, Wanted("accept", cases=names[:1]), AT, request_id="once")


@pytest.mark.soak
def test_many_workers_share_an_act_and_do_each_case_once(house: House):
    names = tuple(waiting(house, 12))
    made = ask(house.cases, actor(house), Wanted("accept", cases=names), AT)

    ran = together(*[lambda: run_due(house.cases, AT, limit=3)] * 4)
    left = run_whole(house.cases, actor(house), made.public_id, lambda: AT)

    assert sum(each.items for each in ran) <= 12
    assert (left.status, left.done) == ("done", 12)
    events = house.sql("SELECT count(*) FROM event WHERE request_id LIKE %s", f"{made.public_id}:%")
    assert events == [(12,)]


def test_the_results_are_a_sheet_without_formulas(house: House):
    (case,) = waiting(house, 1)
    town = actor(house)
    made = ask(house.cases, town, Wanted("verify_claim", cases=(case,)), AT)
    run_due(house.cases, AT)

    content = results_sheet(house.cases, town, made.public_id, AT, status="refused")
    rows = list(load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))
    listed = bulk_acts(house.cases, town, status="done", limit=1)

    heads = ("序号", "办件编号", "结果", "环节", "办件版本", "原因", "办理时间")
    assert heads in rows
    last = rows[-1]
    assert (last[0], last[2]) == (1, "未予办理")
    assert "verify_claim" in last[5]
    assert (len(listed.items), listed.items[0].public_id) == (1, made.public_id)
    assert listed.next is not None
    assert bulk_acts(house.cases, town, after=listed.next, limit=1).items
