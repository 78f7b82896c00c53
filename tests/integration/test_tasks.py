"""Tasks: claimed by one, handed over, prepared by another, added, removed, chased, copied."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from caseflow.cases.claiming import claim, release
from caseflow.cases.detail import case_detail
from caseflow.cases.queries import find_case
from caseflow.cases.service import Request
from caseflow.cases.task_list import my_tasks
from caseflow.database.access import Database
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import actor_by_login
from caseflow.identity.service import assign, register_person
from caseflow.kernel.errors import (
    CaseflowError,
    Conflict,
    EventNotAllowed,
    InvalidInput,
    NotAllowed,
    NotFound,
)
from tests.integration.kept_database import keep
from tests.integration.walking import BEGINS, Town, found_town, together

pytestmark = pytest.mark.no_cover

CREDIT, MARKET, TAX = "cosign.credit", "cosign.market", "cosign.tax"
SAFETY = "cosign.safety"
HANDLER, HEAD = "lead_bureau.handler", "lead_bureau.division_head"
FIRST, SECOND, OTHER = "shuiwuju.cosign", "tax.second", "tax.colleague"
WHY = {"reason": "人员调整"}


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Iterator[Town]:
    """A town in which everything is sound when its tests are over."""
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=("QD26-7a",))
    seat(town, SECOND, "shuiwuju", "cosign_bureau")
    seat(town, OTHER, "shuiwuju", "bureau_handler")
    seat(town, "data.second", "shujuju", "bureau_handler")
    yield town
    town.now = max(town.now, town.swept)
    town.assert_sound()


@pytest.fixture
def town(founded) -> Town:
    """The town at the beginning of its time."""
    founded.now = BEGINS
    return founded


@pytest.fixture(scope="module")
def joint(founded) -> str:
    """A case that stays in its joint check: what is asked of it is refused, or is only to read."""
    founded.now = BEGINS
    return founded.reached("joint_check")


@pytest.fixture(scope="module")
def claimed(founded) -> str:
    """A case that stays in its joint check, one seat answered, one claimed by the first."""
    founded.now = BEGINS
    case = founded.reached("joint_check")
    claims(founded, FIRST, task(founded, case, TAX)[0])
    said = {"verdict": "flag", "note": "有一条已修复记录", "evidence": ["信〔2026〕1号"]}
    request = Request("answer_seat", founded.person(case, CREDIT), BEGINS, said)
    founded.house.cases.act(case, request)
    return case


def seat(town: Town, login: str, organisation: str, role: str) -> None:
    """Register a person and seat them."""
    with town.house.database.session() as session:
        person = register_person(session, login=login, name=login, ids=town.house.ids)
        office = session.query(Organisation).filter_by(code=organisation).one()
        assign(session, person, office, role=role, at=town.now - timedelta(days=1))


LOWER = frozenset({"reviewed_fen", "planned_fen"})
"""Amounts that these tests make small; why does not matter here."""


def act(town: Town, case: str, event: str, login: str, **payload: Any) -> Any:
    """Let somebody act who is named by login."""
    person = town.value("SELECT id FROM person WHERE login = %s", login)
    why = {} if LOWER.isdisjoint(payload) else {"cut_code": "audit", "reason": "审计核减"}
    return town.house.cases.act(case, Request(event, person, town.now, {**why, **payload}))


def answer(town: Town, case: str, login: str, verdict: str = "pass") -> Any:
    return act(town, case, "answer_seat", login, verdict=verdict, note="已比对")


def login_of(town: Town, case: str, seat_name: str) -> str:
    person = town.person(case, seat_name)
    return str(town.value("SELECT login FROM person WHERE id = %s", person))


def task(town: Town, case: str, seat_name: str) -> Any:
    """Return (id, status, claimant's login, due date) of a seat's last task."""
    return town.sql(
        "SELECT t.id, t.status, p.login, k.due_on FROM task t"
        ' JOIN "case" c ON c.id = t.case_id LEFT JOIN person p ON p.id = t.claimant_id'
        " LEFT JOIN clock k ON k.case_id = t.case_id AND k.name = t.clock"
        " WHERE c.public_id = %s AND t.seat = %s ORDER BY t.id DESC LIMIT 1",
        case,
        seat_name,
    )[0]


def asked(town: Town, login: str, use: Any) -> Any:
    """Return what `use` makes of a session and the actor."""
    with town.house.database.session() as session:
        return use(session, actor_by_login(session, login, town.now))


def claims(town: Town, login: str, number: int, how: Any = claim) -> Any:
    cases = town.house.cases
    return asked(town, login, lambda s, a: how(cases, s, a, number, at=town.now))


def told(town: Town, case: str, login: str) -> list[str]:
    rows = town.sql(
        'SELECT n.notice FROM notification n JOIN "case" c ON c.id = n.case_id'
        " JOIN person p ON p.id = n.person_id"
        " WHERE c.public_id = %s AND p.login = %s ORDER BY n.id",
        case,
        login,
    )
    return [notice for (notice,) in rows]


def owner(town: Town) -> psycopg.Connection:
    url = town.house.database.address.owner_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


# --- 签收


def test_a_claim_is_exclusive_repeatable_and_names_who_has_it(town: Town):
    case = town.reached("joint_check")
    number = task(town, case, TAX)[0]

    with pytest.raises(NotFound):
        claims(town, "shujuju.handler", number)  # of another seat
    first, again = claims(town, FIRST, number), claims(town, FIRST, number)
    with pytest.raises(Conflict, match="税务"):
        claims(town, SECOND, number)
    with pytest.raises(Conflict, match="已由"):
        answer(town, case, SECOND)

    assert (first.events, again.events, again.version) == (("claim_task",), (), first.version)
    assert town.events(case).count("claim_task") == 1
    assert answer(town, case, FIRST).events == ("answer_seat",)
    with pytest.raises(Conflict, match="已办结"):
        claims(town, FIRST, number)


def test_a_released_task_is_anybodys_of_the_seat_again(town: Town):
    case = town.reached("joint_check")
    number = task(town, case, TAX)[0]
    claims(town, FIRST, number)

    with pytest.raises(Conflict):
        claims(town, SECOND, number, release)
    claims(town, FIRST, number, release)
    claims(town, FIRST, number, release)

    assert claims(town, SECOND, number).events == ("claim_task",)
    assert town.events(case).count("release_task") == 1


def test_two_who_claim_at_once_leave_one_claimant(town: Town):
    case = town.reached("joint_check")
    number = task(town, case, TAX)[0]

    for attempt in range(1, 6):
        results = together(
            lambda: claims(town, FIRST, number), lambda: claims(town, SECOND, number)
        )
        assert sum(isinstance(each, Conflict) for each in results) == 1
        assert town.events(case).count("claim_task") == attempt
        claims(town, task(town, case, TAX)[2], number, release)


def test_the_list_shows_mine_nobodys_claimed_and_overdue_by_due_date(town: Town):
    cases = [town.reached("joint_check"), town.reached("joint_check")]
    numbers = [task(town, case, TAX)[0] for case in cases]
    claims(town, FIRST, numbers[0])

    def seen(view: str, **page: Any) -> list[int]:
        found = asked(town, FIRST, lambda s, a: my_tasks(s, a, town.now, view=view, **page))
        return [line.id for line in found.items if line.id in numbers]

    lists = {view: seen(view) for view in ("mine", "unclaimed", "claimed", "overdue")}
    beyond = seen("mine", after=numbers[0])
    town.now += timedelta(days=30)
    late = seen("overdue")
    for case in cases:
        answer(town, case, FIRST)

    assert lists == {
        "mine": numbers, "unclaimed": numbers[1:], "claimed": numbers[:1], "overdue": [],
    }  # fmt: skip
    assert beyond == numbers[1:]
    assert late == numbers
    with pytest.raises(InvalidInput, match="view"):
        seen("all")
    with pytest.raises(InvalidInput, match="after"):
        seen("mine", after=10**9)


# --- 转办、委派


def test_a_task_is_handed_over_to_another_of_the_seat_who_is_told(town: Town):
    case = town.reached("joint_check")
    claims(town, FIRST, task(town, case, TAX)[0])

    act(town, case, "hand_over", FIRST, person=SECOND, **WHY)

    assert task(town, case, TAX)[2] == SECOND
    assert told(town, case, SECOND)[-1] == "task_handed_over"
    with pytest.raises(Conflict):
        answer(town, case, FIRST)
    answer(town, case, SECOND)


def test_a_question_goes_to_the_bureau_that_is_competent_which_then_sees_the_case(town: Town):
    case = town.reached("joint_check")
    elsewhere = town.value(
        "SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id"
        " JOIN organisation o ON o.id = a.organisation_id"
        " WHERE a.role = 'cosign_bureau' AND o.code = 'fagaiwei'"
    )

    act(town, case, "hand_over", FIRST, organisation="fagaiwei", **WHY)

    assert asked(town, elsewhere, lambda s, a: find_case(s, a, case).public_id) == case
    with pytest.raises(NotAllowed):
        answer(town, case, FIRST)
    for name in (elsewhere, elsewhere, login_of(town, case, MARKET)):
        if name != FIRST and town.state(case) == "joint_check":
            answer(town, case, name)
    assert town.state(case) == "proposed"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({}, "须指明"),
        ({"person": FIRST}, "自己"),
        ({"person": OTHER}, "不在该席位"),
        ({"organisation": "huilong_zhen"}, "无人担任"),
    ],
)
def test_a_task_is_handed_to_nobody_outside_its_seat(town: Town, joint: str, payload, words):
    with pytest.raises(InvalidInput, match=words):
        act(town, joint, "hand_over", FIRST, **payload, **WHY)


def test_a_task_is_handed_to_nobody_who_is_not_there(town: Town, joint: str):
    with pytest.raises(NotFound):
        act(town, joint, "hand_over", FIRST, person="nobody.at.all", **WHY)


def test_who_leads_hands_over_within_the_bureau_only(town: Town):
    case = town.reached("bureau_review")

    with pytest.raises(EventNotAllowed):  # there is no joint check to which a seat is added
        act(town, case, "add_seat", "shujuju.handler", seat=SAFETY, placement="beside", **WHY)
    with pytest.raises(InvalidInput, match="其他单位"):
        act(town, case, "hand_over", "shujuju.handler", organisation="kejiju", **WHY)
    act(town, case, "hand_over", "shujuju.handler", person="data.second", **WHY)

    with pytest.raises(Conflict):
        act(town, case, "conclude_review", "shujuju.handler", reviewed_fen=1, note="x")


def test_a_colleague_prepares_and_the_decision_stays(town: Town):
    case = town.reached("joint_check")

    act(town, case, "entrust", FIRST, person=OTHER, **WHY)
    with pytest.raises(NotAllowed):
        answer(town, case, OTHER)
    with pytest.raises(NotAllowed):
        act(town, case, "report_back", SECOND, note="x")
    act(town, case, "report_back", OTHER, note="无欠税", evidence=["税〔2026〕9号"])

    assert told(town, case, OTHER)[-1] == told(town, case, FIRST)[-1] == "task_handed_over"
    with pytest.raises(NotAllowed):
        act(town, case, "report_back", OTHER, note="x")
    answer(town, case, FIRST)


def test_nobody_outside_the_bureau_prepares(town: Town, joint: str):
    with pytest.raises(InvalidInput, match="本单位"):
        act(town, joint, "entrust", FIRST, person="shujuju.handler", **WHY)


# --- 加签、减签


def test_a_seat_added_beside_answers_against_a_clock_of_its_own(town: Town):
    case = town.reached("joint_check")
    town.sweep(town.now + timedelta(days=1))
    act(town, case, "add_seat", "shujuju.handler", seat=SAFETY, placement="beside", **WHY)
    safety = login_of(town, case, SAFETY)

    mine, theirs = task(town, case, SAFETY), task(town, case, TAX)
    for name in (CREDIT, MARKET, TAX):
        answer(town, case, login_of(town, case, name))
    waits = town.seats(case)
    answer(town, case, safety, "veto")

    assert mine[3] > theirs[3]
    assert told(town, case, safety)[-1] == "task_handed_over"
    assert waits == [SAFETY]
    assert town.state(case) == "joint_check_vetoed"


def test_a_seat_added_before_is_waited_for_and_the_clock_of_who_waits_stands_still(town: Town):
    case = town.reached("joint_check")
    act(town, case, "add_seat", FIRST, seat=SAFETY, placement="before", **WHY)
    stands = town.clock(case, f"cosign@{TAX}")[0]

    with pytest.raises(NotAllowed, match="先答复"):
        answer(town, case, FIRST)
    answer(town, case, login_of(town, case, SAFETY))

    assert (stands, town.clock(case, f"cosign@{TAX}")[0]) == ("stopped", "running")
    answer(town, case, FIRST)


def test_an_added_seat_is_removed_only_unanswered_and_the_last_one_concludes(town: Town):
    case = town.reached("joint_check")
    act(town, case, "add_seat", FIRST, seat=SAFETY, placement="before", **WHY)
    with pytest.raises(Conflict, match="答复之列"):
        act(town, case, "add_seat", "shujuju.handler", seat=SAFETY, placement="beside", **WHY)
    with pytest.raises(InvalidInput, match="只能减去"):
        act(town, case, "remove_seat", "shujuju.handler", seat=CREDIT, **WHY)
    for name in (CREDIT, MARKET):
        answer(town, case, login_of(town, case, name))

    act(town, case, "remove_seat", FIRST, seat=SAFETY, **WHY)
    answer(town, case, FIRST)

    assert town.state(case) == "proposed"
    assert town.clock(case, f"cosign@{SAFETY}")[0] == "ended"


def test_nobody_who_decides_is_added(town: Town, joint: str):
    wanted = {"placement": "beside", **WHY}

    for wrong in (HEAD, "finance.treasury", "moon"):
        with pytest.raises(InvalidInput, match="不能加签"):
            act(town, joint, "add_seat", "shujuju.handler", seat=wrong, **wanted)
    with pytest.raises(InvalidInput, match="前加签"):
        act(town, joint, "add_seat", "shujuju.handler", seat=SAFETY, placement="before", **WHY)


def test_the_removal_of_the_last_seat_that_was_waited_for_concludes(town: Town):
    case = town.reached("joint_check")
    act(town, case, "add_seat", "shujuju.handler", seat=SAFETY, placement="beside", **WHY)
    for name in (CREDIT, MARKET, TAX):
        answer(town, case, login_of(town, case, name))

    outcome = act(town, case, "remove_seat", "shujuju.handler", seat=SAFETY, **WHY)

    assert outcome.events == ("remove_seat", "conclude_joint_check")


# --- 催办、抄送


def test_who_is_waited_for_is_chased_once_a_day(town: Town):
    case = town.reached("joint_check")
    answer(town, case, login_of(town, case, CREDIT))

    act(town, case, "urge", "shujuju.handler")
    with pytest.raises(Conflict, match="今日已催办"):
        town.ask(case, "urge", "applicant")
    town.sweep(town.now + timedelta(days=1))
    town.ask(case, "urge", "applicant", reason="请尽快")

    assert told(town, case, FIRST).count("urged") == 2
    assert "urged" not in told(town, case, login_of(town, case, CREDIT))


def test_a_copy_lets_read_and_no_more_until_it_is_revoked(town: Town, joint: str):
    case, reader = joint, "jiaotongju.handler"

    act(town, case, "copy_to", "shujuju.handler", person=reader)
    seen = asked(town, reader, lambda s, a: find_case(s, a, case).public_id)
    with pytest.raises(NotAllowed):
        answer(town, case, reader)
    act(town, case, "revoke_copy", "shujuju.handler", person=reader)

    assert (seen, told(town, case, reader)) == (case, ["copied"])
    with pytest.raises(NotFound):
        asked(town, reader, lambda s, a: find_case(s, a, case))
    with pytest.raises(NotAllowed):
        act(town, case, "copy_to", reader, person=reader)


# --- who has not answered


def test_who_has_not_answered_is_shown_with_question_candidates_and_due_date(
    town: Town, claimed: str
):
    def shown(session: Any, actor: Any) -> Any:
        pinned = town.house.cases.pinned
        return case_detail(session, actor, claimed, town.now, pinned=pinned)

    detail = asked(town, "shujuju.handler", shown)
    present = {each.seat: each for each in detail.tasks if each.state == "joint_check"}

    assert {name for name, each in present.items() if each.status == "open"} == {MARKET, TAX}
    assert present[TAX].claimant == FIRST
    assert len(present[TAX].candidates) == 2
    assert "税" in str(present[TAX].question)
    assert present[TAX].due_on is not None
    credit = present[CREDIT]
    assert (credit.verdict, credit.note, credit.evidence) == (
        "flag", "有一条已修复记录", ("信〔2026〕1号",),
    )  # fmt: skip
    offered = {option.event for option in detail.events}
    assert {"urge", "copy_to", "add_seat"} <= offered


# --- 回避


def test_a_recused_person_takes_no_step_and_what_they_claimed_is_free(town: Town):
    case = town.reached("joint_check")
    claims(town, FIRST, task(town, case, TAX)[0])

    act(town, case, "declare_recusal", FIRST, reason="配偶在申报企业任职")
    with pytest.raises(NotAllowed, match="配偶"):
        answer(town, case, FIRST)
    with pytest.raises(Conflict):
        act(town, case, "declare_recusal", FIRST, reason="又一次")
    answer(town, case, SECOND)
    head = login_of(town, case, HEAD)
    act(town, case, "order_recusal", head, person="shujuju.handler", reason="与企业有投资关系")

    town.walk(case, "proposed")
    town.check(case)
    with pytest.raises(NotAllowed, match="投资"):
        act(town, case, "draft_plan", "shujuju.handler", planned_fen=1)
    act(town, case, "draft_plan", "data.second", planned_fen=1)


def test_raw_sql_gives_no_control_role_to_who_is_recused_or_employed(town: Town):
    case = town.reached("joint_check")
    act(town, case, "declare_recusal", FIRST, reason="亲属")
    number, applicant = town.sql(
        'SELECT c.id, p.id FROM "case" c JOIN assignment a ON a.organisation_id = c.applicant_id'
        " JOIN person p ON p.id = a.person_id WHERE c.public_id = %s",
        case,
    )[0]
    tax = town.value("SELECT id FROM person WHERE login = %s", FIRST)
    duty = "INSERT INTO duty (case_id, person_id, duty) VALUES (%s, %s, 'reviewer')"
    done = (
        "UPDATE task SET status = 'done', closed_at = now(), closed_by = %s"
        " WHERE case_id = %s AND seat = 'cosign.tax' AND status = 'open'"
    )
    taken = (
        "UPDATE task SET claimant_id = %s, claimed_at = now()"
        " WHERE case_id = %s AND seat = 'cosign.tax' AND status = 'open'"
    )

    for connection in (town.house.cases.connect(), owner(town)):
        with connection as raw:
            for statement, parameters in (
                (duty, (number, tax)),
                (duty, (number, applicant)),
                (done, (tax, number)),
                (taken, (tax, number)),
                ("DELETE FROM recusal WHERE case_id = %s", (number,)),
            ):
                with pytest.raises(psycopg.Error, match=r"须回避|append-only|denied"):
                    raw.execute(statement, parameters)


def test_raw_sql_takes_no_task_from_its_claimant(town: Town, claimed: str):
    second = town.value("SELECT id FROM person WHERE login = %s", SECOND)
    where = f" WHERE id = {task(town, claimed, TAX)[0]}"

    with owner(town) as raw:
        with pytest.raises(psycopg.Error, match="claimed by"):
            raw.execute(f"UPDATE task SET claimant_id = {second}" + where)
        with pytest.raises(psycopg.Error, match="done_by_claimant"):
            raw.execute(
                f"UPDATE task SET status = 'done', closed_at = now(), closed_by = {second}" + where
            )


def test_an_official_who_works_for_the_applicant_is_recused_by_rule(town: Town):
    case = town.reached("bureau_review")
    with town.house.database.session() as session:
        found = find_case(session, actor_by_login(session, "shujuju.handler", town.now), case)
        firm = session.get_one(Organisation, found.applicant_id)
        person = session.query(Person).filter_by(login="data.second").one()
        assign(session, person, firm, role="applicant", at=town.now)

    with pytest.raises(NotAllowed, match="任职"):
        act(town, case, "conclude_review", "data.second", reviewed_fen=1, note="x")
    with pytest.raises(CaseflowError, match="任职"):
        act(town, case, "claim_task", "data.second")
