"""A call's short pool: previewed, applied case by case, never over the pool, each cut with why."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from caseflow.batches.founding import plan_standing_calls
from caseflow.batches.short_pools import Division, apply_division, preview_division
from caseflow.catalogue.models import Call
from caseflow.catalogue.service import set_pool
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.funds.service import Appropriation, Hand, appropriate, withdraw
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, visit

pytestmark = pytest.mark.soak

MEASURE, RANKED, OWN_LINE = "QD26-7a", "QD26-5b", "QD26-8c"
HANDLER, REVIEWER = "shujuju.handler", "shujuju.reviewer"
WANTED = (1_000_01, 2_000_00, 3_000_00)
_ids = PublicIds(random.Random(77))


WAITING = (
    'SELECT c.public_id FROM "case" c JOIN call n ON n.id = c.call_id'
    " WHERE n.public_id = %s AND c.state = 'proposed'"
)


@dataclass
class Round:
    """A call with its pool, and cases under it that stand in 拟支持."""

    town: Town
    call: str

    def case(self, fen: int, measure: str = MEASURE, **facts: Any) -> str:
        case = self.town.open(measure, call=self.call)
        said = dict.fromkeys(("applied_fen", "verified_fen", "audited_fen", "reviewed_fen"), fen)
        self.town.walk(case, "proposed", **said, **facts)
        return case

    def actor(self, login: str = HANDLER) -> Actor:
        with self.town.house.database.session() as session:
            return actor_by_login(session, login, self.town.now)

    def preview(self, login: str = HANDLER) -> Division:
        cases, at = self.town.house.cases, self.town.now
        return preview_division(cases, self.actor(login), self.call, at)

    def apply(self, login: str = HANDLER) -> Division:
        cases, at = self.town.house.cases, self.town.now
        for (case,) in self.town.sql(WAITING, self.call):
            self.town.check(case)
        return apply_division(cases, self.actor(login), self.call, at)

    def planned(self, case: str) -> int | None:
        return self.town.value(
            "SELECT (facts->>'planned_fen')::bigint FROM \"case\" WHERE public_id = %s", case
        )


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE, RANKED, OWN_LINE))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


def called(town: Town, rule: str | None, pool_fen: int | None, measure: str = MEASURE) -> Round:
    """Publish a call of its own that says this about its pool."""
    today = local_date(town.now)
    signer = town.house.cases.office.signer
    with town.house.database.session() as session:
        made = plan_standing_calls(
            session, [measure], opens_on=today, closes_on=today + timedelta(days=300),
            at=town.now, signer=signer, ids=_ids,
        )[measure]  # fmt: skip
        if rule is not None:
            set_pool(session, made, rule=rule, fen=pool_fen, by=0, at=town.now, signer=signer)
        return Round(town, made.public_id)


def told(division: Division) -> list[tuple[int, str]]:
    return [(line.fen, line.result) for line in division.lines]


def test_a_pool_is_divided_in_proportion_and_each_plan_says_why_it_was_cut(town: Town):
    held = called(town, "proportional", 3_000_00)
    cases = [held.case(fen) for fen in WANTED]

    seen = held.preview()
    before = [held.planned(case) for case in cases]
    done = held.apply()

    assert before == [None, None, None]
    assert seen.lines == done.lines
    assert (seen.pool_fen, seen.wanted_fen, seen.allotted_fen) == (3_000_00, 6_000_01, 3_000_00)
    assert told(done) == [(500_00, "cut"), (1_000_00, "cut"), (1_500_00, "cut")]
    assert [held.planned(case) for case in cases] == [500_00, 1_000_00, 1_500_00]
    reasons = town.sql(
        'SELECT a.reason FROM amount_step a JOIN "case" c ON c.id = a.case_id'
        " WHERE a.kind = 'planned' AND c.public_id = ANY(%s)",
        cases,
    )
    assert all("同比例折减" in reason and "3,000.00" in reason for (reason,) in reasons)
    assert {town.state(case) for case in cases} == {"plan_review"}


def test_a_pool_of_which_others_have_their_part_is_not_given_twice(town: Town):
    held = called(town, "first_come", 3_000_00)
    first = held.case(1_000_00)
    held.apply()
    second, third = held.case(1_500_00), held.case(1_000_00)

    again = held.apply()

    assert held.planned(first) == 1_000_00
    assert again.pool_fen == 2_000_00
    assert told(again) == [(1_500_00, "planned"), (500_00, "cut")]
    assert (held.planned(second), held.planned(third)) == (1_500_00, 500_00)
    assert held.preview().pool_fen == 0


@pytest.mark.soak
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("carry_over", [(1_000_01, "planned"), (0, "waits"), (0, "waits")]),
        pytest.param(
            "first_come_whole",
            [(1_000_01, "planned"), (0, "left"), (0, "left")],
            marks=pytest.mark.soak,
        ),
    ],
)
def test_who_gets_nothing_stays_in_the_plan_stage(town: Town, rule: str, expected):
    held = called(town, rule, 2_000_00)
    cases = [held.case(fen) for fen in WANTED]

    done = held.apply()

    assert told(done) == expected
    assert [town.state(case) for case in cases] == ["plan_review", "proposed", "proposed"]
    assert all(line.reason for line in done.lines[1:])


def test_ranks_decide_where_the_call_says_so(town: Town):
    held = called(town, "rank", 2_500_00, RANKED)
    cases = [held.case(2_000_00, RANKED, rank=rank) for rank in (2, 1)]

    done = held.apply(*_leading(town, cases[0]))

    assert [line.rank for line in done.lines] == [2, 1]
    assert told(done) == [(500_00, "cut"), (2_000_00, "planned")]


def _leading(town: Town, case: str) -> tuple[str]:
    person = town.person(case, "lead_bureau.handler")
    return (town.value("SELECT login FROM person WHERE id = %s", person),)


def test_without_ranks_no_pool_is_divided_by_rank(town: Town):
    held = called(town, "rank", 1_000_00)
    held.case(2_000_00)

    with pytest.raises(InvalidInput, match="尚无名次"):
        held.preview()


@pytest.mark.soak
def test_one_case_that_refuses_is_told_and_the_others_go_on(town: Town):
    held = called(town, "proportional", 3_000_00)
    first, second = held.case(2_000_00), held.case(2_000_00)
    town.act(first, "draft_plan", seat="lead_bureau.handler", planned_fen=1)
    town.act(first, "return_plan")

    refused = held.apply(login=REVIEWER)
    done = held.apply()

    assert {line.result for line in refused.lines} == {"refused"}
    assert all("牵头部门经办" in line.reason for line in refused.lines)
    assert refused.allotted_fen == 0
    assert told(done) == [(1_500_00, "cut"), (1_500_00, "cut")]
    assert [held.planned(case) for case in (first, second)] == [1_500_00, 1_500_00]


def own_line(town: Town, fen: int, measure: str = OWN_LINE) -> None:
    """Give the measure a line of its own for this year with exactly this available."""
    person = town.value("SELECT id FROM person WHERE login = 'caizhengju.finance_division'")
    hand = Hand(person, town.now, town.house.cases.office.signer)
    wanted = Appropriation(
        policy="qidong-2026", measure=measure, year=local_date(town.now).year, share="city",
        territory="qidong", fen=10**9, document_no="启财预〔2026〕77号",
    )  # fmt: skip
    with town.house.database.session() as session:
        line = appropriate(session, wanted, hand, ids=_ids)
        session.flush()
        available = session.connection().exec_driver_sql(
            "SELECT balance_fen FROM ledger_account WHERE kind = 'available' AND line_id = %s",
            (line.id,),
        ).scalar_one()  # fmt: skip
        withdraw(session, line.id, fen=available - fen, document_no="启财预〔2026〕78号", hand=hand)


def test_where_the_call_names_no_sum_the_pool_is_what_the_line_has(town: Town):
    held = called(town, "proportional", None, OWN_LINE)
    cases = [held.case(2_000_00, OWN_LINE) for _ in range(2)]
    own_line(town, 3_000_01)

    seen = held.preview()
    done = held.apply()
    left = town.value(
        "SELECT a.balance_fen FROM ledger_account a JOIN budget_line l ON l.id = a.line_id"
        " JOIN measure m ON m.id = l.measure_id WHERE m.code = %s AND a.kind = 'available'",
        OWN_LINE,
    )

    assert seen.pool_fen == 3_000_01
    assert sum(line.fen for line in done.lines) == 3_000_01
    assert left == 0
    assert {town.state(case) for case in cases} == {"plan_review"}


def test_a_returned_plan_gives_its_reservation_back_to_its_own_pool(town: Town):
    held = called(town, "proportional", None, OWN_LINE)
    case = held.case(2_000_00, OWN_LINE)
    own_line(town, 1_000_00)
    held.apply()
    town.act(case, "return_plan")

    again = held.apply()

    assert again.pool_fen == 1_000_00
    assert told(again) == [(1_000_00, "cut")]


@pytest.mark.soak
def test_cases_of_two_lines_have_no_pool_but_the_one_the_call_names(town: Town):
    held = called(town, "first_come", None, RANKED)
    first = held.case(1_000_00, RANKED)
    town.act(first, "draft_plan", planned_fen=1_000_00)
    town.act(first, "return_plan")
    own_line(town, 5_000_00, RANKED)
    held.case(1_000_00, RANKED)

    with pytest.raises(InvalidInput, match="同一市级预算项目"):
        held.preview(*_leading(town, first))


def test_a_call_without_cases_or_without_a_rule_divides_nothing(town: Town):
    assert called(town, "proportional", None).preview().lines == ()
    with pytest.raises(InvalidInput, match="没有写明"):
        called(town, None, None).preview()
    with pytest.raises(NotFound):
        Round(town, "nothing").preview()


def test_a_pool_is_looked_at_by_the_lead_bureau_finance_and_audit_and_nobody_else(town: Town):
    held = called(town, "proportional", 1)

    for login in (HANDLER, REVIEWER, "caizhengju.finance_division", "shenjiju.auditor"):
        assert held.preview(login).lines == ()
    for login in (
        "kejiju.handler", "huilong_zhen.handler", "nanyang_zhen.finance", "fagaiwei.cosign",
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            held.preview(login)


def test_what_a_call_says_of_its_pool_is_said_once(town: Town):
    held = called(town, "proportional", 100)
    signer = town.house.cases.office.signer
    for rule, fen, kind in (
        ("rank", 1, Conflict), ("lottery", 1, InvalidInput), ("rank", 0, InvalidInput),
    ):  # fmt: skip
        with town.house.database.session() as session:
            call = session.query(Call).filter(Call.public_id == held.call).one()
            with pytest.raises(kind):
                set_pool(session, call, rule=rule, fen=fen, by=0, at=town.now, signer=signer)


@pytest.mark.parametrize(
    ("change", "name"),
    [("short_pool = 'lottery'", "ck_call_short_pool"), ("pool_fen = 0", "ck_call_pool")],
)
def test_the_database_refuses_a_pool_that_is_none(town: Town, change: str, name: str):
    url = town.house.database.address.owner_url.replace("+psycopg", "")

    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match=name):
        connection.execute(f"UPDATE call SET {change}")
