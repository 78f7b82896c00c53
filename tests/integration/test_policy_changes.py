"""A policy that is amended, suspended, resumed, replaced: what waits for whose decision."""

import random
from contextlib import contextmanager

import psycopg
import pytest

from caseflow.batches.changes.queries import change_line, change_list, impact_list
from caseflow.batches.changes.service import Decision, Wanted, change_policy, decide
from caseflow.batches.publicity import Listing, open_publicity
from caseflow.batches.sweeps import sweep_life
from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.kernel.errors import (
    Conflict,
    GuardFailed,
    InvalidInput,
    NotAllowed,
    NotFound,
    PolicyClosed,
)
from caseflow.rehearsal.samples import SAMPLE_CONTACT
from tests.conftest import _copy, settings_of_templates
from tests.factories import catalogue as factories
from tests.factories.in_flight import CODE, FEN, ROAD, Works, data_folder, in_flight_template
from tests.integration.conftest import house_on, shanghai

AMENDED_AT = shanghai(11, 9)
OFFICE, HEAD, LEADER = "zhengfuban.office", "shujuju.division_head", "shujuju.leader"
ENDING = {"reason_code": "policy_expired", "remedy": "六十日内复议，六个月内诉讼"}


class Town:
    """The house of the short edition with a case at every boundary."""

    def __init__(self, works: Works) -> None:
        self.works, self.house, self.cases = works, works.house, works.house.cases
        self.draft = self.house.open(shanghai(10, 13)).case
        self.house.attach_all(self.draft, shanghai(10, 13))
        self.submitted, self.audited, self.ending = works.case(0), works.case(4), works.case(4)
        self.waiting, self.approved = works.case(len(ROAD)), works.case(len(ROAD))
        self.ended = works.case(0)
        self.house.act(self.ended, "withdraw", "applicant1", shanghai(10, 14), reason="不再申报")
        self._publicise(self.waiting, self.approved)
        self.approve(self.approved, shanghai(10, 27))

    def _publicise(self, *cases: str) -> None:
        listing = Listing(
            cases=cases, title="拟支持名单", basis="启政办规〔2026〕1号", contact=SAMPLE_CONTACT,
            working_days=5, actor_id=self.house.people["shujuju.handler"], at=shanghai(10, 14),
        )  # fmt: skip
        open_publicity(self.cases, listing)
        self.house.sweep(shanghai(10, 26))

    def approve(self, case, at):
        return self.house.act(case, "approve", LEADER, at, approved_fen=FEN, basis="会议决定")

    def decide(self, change, case, decision, who=HEAD, at=AMENDED_AT, reason="按原规定", **said):
        actor = self.works.actor(who, at)
        decide(self.cases, actor, change, case, Decision(decision, reason, said), at)

    def change(self, kind, at, who=OFFICE, **said):
        wanted = Wanted(CODE, kind, said.pop("reason", "上级要求"), "启政〔2026〕20号", **said)
        return change_policy(self.cases, self.works.actor(who, at), wanted, at)

    def impacts(self, change, who=HEAD, **wanted):
        with self.cases.database.session() as session:
            actor = self.works.actor(who, AMENDED_AT)
            return impact_list(session, actor, change, **wanted)

    def status(self):
        return self.house.sql("SELECT DISTINCT status FROM policy_version ORDER BY 1")


@pytest.fixture(scope="module")
def town(server, empty_template, tmp_path_factory):
    template, home = in_flight_template(server, empty_template), tmp_path_factory.mktemp("town")
    root = data_folder(home / "data")
    with contextmanager(_copy)(server, template) as database:
        cases = assemble(database, settings_of_templates(str(home)), root,
                         ids=PublicIds(random.Random(8)))  # fmt: skip
        yield Town(Works(house_on(cases), root))


@pytest.fixture(scope="module")
def amended(town):
    town.works.change(town.works.measure, {"\ntitle: 算力券\n": "\ntitle: 智能算力券\n"})
    town.works.load(AMENDED_AT)
    with town.cases.database.session() as session:
        (line,) = change_list(session, town.works.actor(HEAD, AMENDED_AT), policy=CODE).items
    return line


def test_an_amendment_lists_what_was_applied_for_and_is_not_approved(town, amended):
    listed = {item.case for item in town.impacts(amended.public_id).items}

    assert (amended.kind, amended.version, amended.new_version) == ("amended", 1, 2)
    assert listed == {town.submitted, town.audited, town.ending, town.waiting}
    assert amended.progress.total == amended.progress.undecided == 4
    superseded = town.house.sql(
        "SELECT count(*) FROM policy_version WHERE supersedes_id IS NOT NULL"
    )
    assert superseded == [(1,)]


def test_undecided_cases_are_reminded_of_once_a_week(town, amended):
    def told(day):
        sweep_life(town.cases, shanghai(11, day))
        query = (
            "SELECT count(*) FROM notification n JOIN person p ON p.id = n.person_id"
            " WHERE n.notice = 'impact_undecided' AND p.login = %s"
        )
        return town.house.sql(query, HEAD)[0][0]

    assert [told(day) for day in (10, 11, 15, 16)] == [1, 1, 1, 2]


@pytest.fixture(scope="module")
def decided(town, amended):
    change = amended.public_id
    with pytest.raises(NotAllowed, match="牵头部门负责人"):
        town.decide(change, town.submitted, "keep", who="shujuju.handler")
    with pytest.raises(NotFound, match="不在本次调整的影响清单内"):
        town.decide(change, town.approved, "keep")
    with pytest.raises(InvalidInput, match="不是 keep"):
        town.decide(change, town.submitted, "forget")
    with pytest.raises(InvalidInput, match="reason"):
        town.decide(change, town.submitted, "keep", reason=" ")
    town.decide(change, town.submitted, "keep")
    town.decide(change, town.audited, "re_evaluate")
    with pytest.raises(NotAllowed, match="终止"):
        town.decide(change, town.ending, "terminate", **ENDING)
    with pytest.raises(InvalidInput, match="remedy"):
        town.decide(change, town.ending, "terminate", who=LEADER)
    town.decide(change, town.ending, "terminate", who=LEADER, **ENDING)
    return change


def test_each_decision_is_recorded_once_with_who_when_and_why(town, decided):
    page = town.impacts(decided)
    found = {item.case: item for item in page.items}

    assert {case: item.status for case, item in found.items()} == {
        town.submitted: "keep",
        town.audited: "re_evaluate",
        town.ending: "terminate",
        town.waiting: "undecided",
    }
    assert found[town.submitted].decided_at == AMENDED_AT
    assert found[town.submitted].reason == "按原规定"
    progress = page.change.progress
    assert (progress.keep, progress.re_evaluate, progress.terminate) == (1, 1, 1)
    assert [item.case for item in town.impacts(decided, status="undecided").items] == [town.waiting]
    with pytest.raises(Conflict, match="不得更改"):
        town.decide(decided, town.submitted, "terminate", who=LEADER, **ENDING)


def test_impact_lists_and_changes_are_paged(town, decided):
    first = town.impacts(decided, limit=1)
    rest = town.impacts(decided, after=first.next)

    assert (len(first.items), len(rest.items), rest.next) == (1, 3, None)
    for wrong in ({"after": "x"}, {"status": "lost"}):
        with pytest.raises(InvalidInput):
            town.impacts(decided, **wrong)
    with town.cases.database.session() as session:
        actor = town.works.actor(HEAD, AMENDED_AT)
        assert change_list(session, actor, after=decided).items == ()
        with pytest.raises(InvalidInput, match="after"):
            change_list(session, actor, after="x")
        with pytest.raises(NotFound, match="没有政策调整"):
            change_line(session, actor, "x")


def test_to_terminate_is_an_act_on_the_case_and_the_others_stand_where_they_stood(town, decided):
    last = town.house.sql(
        "SELECT c.state, c.outcome, e.name, e.payload->>'reason' FROM \"case\" c JOIN event e"
        " ON e.stream = c.id AND e.seq = c.head_seq WHERE c.public_id = ANY(%s) ORDER BY c.id",
        [town.submitted, town.audited, town.ending],
    )

    assert last == [
        ("district_review", None, "impact_decided", "按原规定"),
        ("third_party_audit", None, "impact_decided", "按原规定"),
        ("terminated", "terminated", "terminate", "按原规定"),
    ]


def test_nothing_is_approved_before_it_is_decided(town, decided):
    at = shanghai(11, 12)
    with pytest.raises(Conflict, match="须先对本办件作出处理决定"):
        town.approve(town.waiting, at)
    with _owner(town) as owner, pytest.raises(psycopg.Error, match="先迁移到新版本"):
        owner.execute('UPDATE "case" SET approved_fen = 1 WHERE public_id = %s', (town.audited,))

    town.decide(decided, town.waiting, "keep", at=at)
    town.approve(town.waiting, at)

    assert town.house.state(town.waiting) == "approved"


def _owner(town):
    url = town.cases.database.address.owner_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


LISTED = "INSERT INTO impact SELECT max(p.id), {case}, 1, 'x' FROM policy_change p"
DECIDED = (
    "UPDATE impact SET decision = 'keep', reason = 'x', decided_by = 1, decided_at = now(), seq = 1"
    " WHERE decision = 're_evaluate'"
)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (LISTED, "no change touches"),
        (DECIDED, "taken once"),
        ("UPDATE impact SET reason = ' '", "taken once|reasoned"),
        ("UPDATE policy_change SET reason = 'x'", "is fixed"),
        ("UPDATE policy_change SET lifted_at = now()", "ck_policy_change_lifted"),
        ("DELETE FROM impact", "append-only"),
        ("DELETE FROM policy_change", "append-only"),
    ],
)  # fmt: skip
def test_even_the_owner_is_refused(town, decided, statement, words):
    case = f"(SELECT id FROM \"case\" WHERE public_id = '{town.approved}')"
    with _owner(town) as owner, pytest.raises(psycopg.Error, match=words):
        owner.execute(statement.replace("{case}", case))


@pytest.fixture(scope="module")
def suspended(town, decided):
    at = shanghai(11, 13)
    with pytest.raises(NotAllowed, match="市政府办"):
        town.change("suspended", at, who=LEADER)
    with pytest.raises(Conflict, match="不能恢复执行"):
        town.change("resumed", at)
    with pytest.raises(InvalidInput, match="不是 suspended"):
        town.change("forgotten", at)
    return town.change("suspended", at)


def test_a_suspended_policy_takes_nothing_and_goes_on_with_what_it_promised(town, suspended):
    at = shanghai(11, 13, 10)
    assert town.status() == [("suspended",)]
    with pytest.raises(PolicyClosed, match="暂停执行"):
        town.house.open(at)
    with pytest.raises(GuardFailed, match="政策不在有效期内"):
        town.house.act(town.draft, "submit", "applicant1", shanghai(11, 6), applied_fen=FEN)
    with pytest.raises(Conflict, match="不能暂停执行"):
        town.change("suspended", at)
    assert [item.case for item in town.impacts(suspended).items] == [town.submitted, town.audited]

    town.house.act(
        town.approved, "issue_decision", "shujuju.handler", at, document_no="启数〔2026〕3号"
    )

    assert town.house.state(town.approved) == "payment_requested"
    town.works.change(town.works.measure, {"\ntitle: 智能算力券\n": "\ntitle: 智能算力服务券\n"})
    town.works.load(at)
    assert town.status() == [("suspended",)]  # a version loaded meanwhile does not come into force


@pytest.fixture(scope="module")
def resumed(town, suspended):
    town.change("resumed", shanghai(11, 14))
    return suspended


def test_resumed_the_policy_takes_applications_and_the_list_of_the_pause_is_over(town, resumed):
    page = town.impacts(resumed)

    assert town.status() == [("in_force",)]
    assert {item.status for item in page.items} == {"over"}
    assert page.change.lifted_at == shanghai(11, 14)
    with pytest.raises(Conflict, match="已解除"):
        town.decide(resumed, town.submitted, "keep")


@pytest.fixture(scope="module")
def replaced(town, resumed):
    at = shanghai(11, 15)
    with town.cases.database.session() as session:
        factories.bind(session)
        factories.PolicyVersionFactory(policy=factories.PolicyFactory(code="successor-2026"))
    for other, error in ((None, InvalidInput), (CODE, InvalidInput), ("nowhere", NotFound)):
        with pytest.raises(error):
            town.change("replaced", at, replaced_by=other)
    return town.change("replaced", at, replaced_by="successor-2026")


def test_a_replaced_policy_is_over_its_calls_closed_and_nothing_of_it_is_loaded(town, replaced):
    at = shanghai(11, 16)
    with town.cases.database.session() as session:
        line = change_line(session, town.works.actor(HEAD, at), replaced)

    assert (line.kind, line.replaced_by, line.progress.total) == ("replaced", "successor-2026", 2)
    assert town.house.sql("SELECT DISTINCT status FROM call") == [("closed",)]
    told = "SELECT name FROM event WHERE name LIKE 'policy_%%' ORDER BY at, seq"
    assert town.house.sql(told) == [
        (f"policy_{name}",)
        for name in ("loaded", "loaded", "amended", "suspended", "loaded", "amended", "resumed",
                     "replaced")
    ]  # fmt: skip
    for kind in ("suspended", "resumed", "repealed"):
        with pytest.raises(Conflict, match="现为 replaced"):
            town.change(kind, at)
    town.works.change(town.works.measure, {"\ntitle: 智能算力服务券\n": "\ntitle: 算力券\n"})
    with pytest.raises(Conflict, match="已由其他政策替代"):
        town.works.load(at)
    with _owner(town) as owner, pytest.raises(psycopg.Error, match="replaced -> in_force refused"):
        owner.execute("UPDATE policy_version SET status = 'in_force' WHERE status = 'replaced'")
