"""Moving running cases to a new version: refused, planned, approved, killed, resumed, told."""

import random
from contextlib import contextmanager, suppress
from datetime import date

import psycopg
import pytest

from caseflow.batches.case_migrations.queries import item_list, migration_line, migration_list
from caseflow.batches.case_migrations.running import run
from caseflow.batches.case_migrations.service import Proposal, approve, propose, withdraw
from caseflow.batches.publications.candidates import Candidate
from caseflow.batches.publications.plans import read_plan
from caseflow.batches.publications.queries import publication_list
from caseflow.cases.assembly import assemble
from caseflow.cases.opening import Opening, open_case
from caseflow.database.ids import PublicIds
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from tests.conftest import _copy, settings_of_templates
from tests.factories.in_flight import ROAD, Works, data_folder, in_flight_template
from tests.integration.conftest import house_on, shanghai

AT = shanghai(11, 9)
PLAN = {
    "QD26-7a": {
        "states": {"third_party_audit": "bureau_review", "joint_check": "joint_check"},
    }
}
SIXTY = "service_days: {unit: working_days, default: 60"
SEATS = {"[cosign.credit, cosign.market, cosign.tax]": "[cosign.credit, cosign.market]"}
DAYS = {SIXTY: SIXTY.replace("60", "40")}


class Kept(Works):
    """Works that read their files anew only when one of them has changed."""

    read: tuple[object, Candidate] | None = None

    def candidate(self) -> Candidate:
        now = {path: path.stat().st_mtime_ns for path in self.root.rglob("*.yaml")}
        if self.read is None or self.read[0] != now:
            self.read = now, super().candidate()
        return self.read[1]


class Flight:
    """A voucher whose audit and tax seat are gone and whose limit is 40 days, and its cases."""

    def __init__(self, works: Works) -> None:
        self.works, self.house, self.cases = works, works.house, works.house.cases
        self.draft = works.house.open(shanghai(10, 13)).case
        self.submitted, self.audited, self.joint = works.case(0), works.case(4), works.case(8)
        self.paused, self.ended = works.case(4), works.case(0)
        self.house.act(self.paused, "suspend", "shujuju.division_head", shanghai(10, 14),
                       reason="待核", basis="会议纪要")  # fmt: skip
        self.house.act(self.ended, "withdraw", "applicant1", shanghai(10, 14), reason="不再申报")
        works.without_audit()
        works.change(works.stage("joint_check"), SEATS)
        works.change(works.stage("universal"), DAYS)

    def actor(self, who: str):
        return self.works.actor(who, AT)

    def propose(self, who="shujuju.handler", **changes) -> str:
        said = {
            "reason": "流程优化",
            "basis": "会议纪要〔2026〕第3号",
            "document_no": "启数〔2026〕9号",
        }
        return propose(self.cases, self.actor(who), Proposal("QD26-7a", **{**said, **changes}), AT)

    def run(self, migration, who="shujuju.handler", **options):
        return run(self.cases, self.actor(who), migration, AT, **options)

    def line(self, migration):
        with self.cases.database.session() as session:
            return migration_line(session, self.actor("shujuju.handler"), migration)

    def items(self, migration):
        with self.cases.database.session() as session:
            page = item_list(session, self.actor("shujuju.handler"), migration)
        return {item.case: item for item in page.items}

    def clock(self, case, name):
        return self.house.sql(
            "SELECT k.status, k.limit_count, k.consumed, k.due_on, k.generation FROM clock k"
            ' JOIN "case" c ON c.id = k.case_id WHERE c.public_id = %s AND k.name = %s',
            case, name,
        )[0]  # fmt: skip


@pytest.fixture(scope="module")
def flight(server, empty_template, tmp_path_factory):
    template, home = in_flight_template(server, empty_template), tmp_path_factory.mktemp("flight")
    root = data_folder(home / "data")
    with contextmanager(_copy)(server, template) as database:
        cases = assemble(database, settings_of_templates(str(home)), root,
                         ids=PublicIds(random.Random(7)))  # fmt: skip
        yield Flight(Kept(house_on(cases), root))


@pytest.fixture(scope="module")
def dry(flight):
    return flight.works.dry_run()


def test_a_dry_run_says_who_would_change_and_who_would_be_stranded(flight, dry):
    found = {each.case: each.assessment for each in dry.cases}

    assert dry.counts["QD26-7a"] == {"stays": 0, "moves": 2, "stranded": 3}
    assert dry.stranded == 3
    assert found[flight.paused].reasons == found[flight.audited].reasons
    assert found[flight.audited].reasons == ("新版本没有“第三方专项审计”（third_party_audit）环节",)
    assert found[flight.joint].reasons == ("待办席位“联审·税务”在新版本中不再办理",)
    assert found[flight.submitted].result == found[flight.draft].result == "moves"
    assert flight.ended not in found
    (voucher,) = dry.comparison.workflows[:1]
    changes = {change.path for change in voucher.changes}
    assert {"states.third_party_audit", "limits.audit", "limits.service.limit"} <= changes


def test_a_version_that_strands_cases_is_neither_published_nor_loaded(flight, dry):
    works = flight.works
    with pytest.raises(Conflict, match="无处可去") as refused:
        works.publish()
    with pytest.raises(Conflict, match="versions publish --plan"):
        works.load(AT)
    with pytest.raises(InvalidInput, match="新版本没有环节 nowhere"):
        works.publish({"QD26-7a": {"states": {"third_party_audit": "nowhere"}}})
    with pytest.raises(Conflict, match="须先经公示、审定"):
        works.publish({"QD26-7a": {"states": {"third_party_audit": "payment_requested"}}})
    with pytest.raises(NotAllowed, match="市政府办或牵头部门"):
        works.publish(PLAN, who="shujuju.handler")

    assert len(refused.value.details["stranded"]) == 3
    assert works.pins(flight.audited)[0] == 1


@pytest.fixture(scope="module")
def published(flight, dry):
    return flight.works.publish(PLAN)


def test_published_with_a_plan_every_case_keeps_its_version(flight, published):
    assert published.version == 2
    assert published.change is None  # the road has changed, the law has not
    assert {flight.works.pins(case)[0] for case in (flight.submitted, flight.audited)} == {1}
    assert flight.house.sql("SELECT count(*) FROM event WHERE name = 'version_published'") == [(1,)]
    with pytest.raises(Conflict, match="没有可发布的内容"):
        flight.works.publish(PLAN)


def test_a_proposal_is_refused_where_it_strands_or_names_what_is_not_there(flight, published):
    with pytest.raises(NotAllowed, match="须由市数据局提出"):
        flight.propose("fagaiwei.handler")
    with pytest.raises(Conflict, match="无处可去"):
        flight.propose(plan=read_plan({}))
    with pytest.raises(InvalidInput, match="没有时限 nothing"):
        flight.propose(plan=read_plan({"clocks": {"audit": "nothing"}}))
    with pytest.raises(InvalidInput, match="不是本条款须迁移的在办件"):
        flight.propose(cases=(flight.ended,))
    with pytest.raises(InvalidInput, match="document_no"):
        flight.propose(document_no=" ")


@pytest.fixture(scope="module")
def withdrawn(flight, published):
    migration = flight.propose()
    with pytest.raises(Conflict, match="须为 approved"):
        flight.run(migration)
    withdraw(flight.cases, flight.actor("shujuju.reviewer"), migration, "时机未到", AT)
    return migration


def test_a_withdrawn_proposal_moves_nobody(flight, withdrawn):
    line = flight.line(withdrawn)

    assert (line.status, line.kept, line.pending) == ("withdrawn", 5, 0)
    assert flight.works.pins(flight.submitted)[0] == 1
    with pytest.raises(Conflict):
        approve(flight.cases, flight.actor("shujuju.leader"), withdrawn, AT)


@pytest.fixture(scope="module")
def moved(flight, withdrawn):
    """The migration, killed in the middle and run again; with what it changed beforehand."""
    before = {
        (case, name): flight.clock(case, name)
        for case, name in ((flight.audited, "bureau_review"), (flight.audited, "service"))
    }
    migration = flight.propose("shujuju.division_head")
    with pytest.raises(NotAllowed, match="第二人"):
        approve(flight.cases, flight.actor("shujuju.division_head"), migration, AT)
    approve(flight.cases, flight.actor("shujuju.leader"), migration, AT)
    with suppress(Unavailable):
        flight.run(migration, progress=lambda _: _kill(flight))
    killed = flight.line(migration)
    first = flight.run(migration, limit=1)
    second = flight.run(migration)
    return migration, before, killed, first, second


def _kill(flight):
    """End the connection that moves the case, as a crash would."""
    url = flight.cases.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
        )


def test_a_killed_run_leaves_nothing_half_done_and_goes_on(flight, moved):
    migration, _, killed, first, second = moved

    assert (killed.status, killed.pending, killed.moved) == ("approved", 5, 0)
    assert (first.moved, first.left) == (1, 4)
    assert (second.moved, second.kept, second.refused, second.left) == (4, 0, 0, 0)
    line = flight.line(migration)
    assert (line.status, line.moved, line.approved_at) == ("finished", 5, AT)
    assert {item.status for item in flight.items(migration).values()} == {"moved"}
    with pytest.raises(Conflict, match="没有须迁移的在办件"):
        flight.propose()


def test_each_case_has_one_event_that_says_from_where_to_where(flight, moved):
    rows = flight.house.sql(
        "SELECT c.public_id, e.payload->>'from_workflow', e.workflow_hash, e.from_state,"
        " e.to_state, e.payload->>'migration' FROM event e JOIN \"case\" c ON c.id = e.stream"
        " WHERE e.name = 'case_migrated'"
    )
    found = {row[0]: row[1:] for row in rows}

    assert len(rows) == len(found) == 5
    old, new, source, target, migration = found[flight.audited]
    assert flight.works.pins(flight.audited) == (2, new)
    assert old != new
    assert (source, target, migration) == ("third_party_audit", "bureau_review", moved[0])


def test_days_used_stay_used_and_every_touched_clock_has_a_new_generation(flight, moved):
    before = moved[1]
    service, earlier = flight.clock(flight.audited, "service"), before[flight.audited, "service"]
    review = flight.clock(flight.audited, "bureau_review")

    assert flight.clock(flight.audited, "audit")[0] == "ended"
    assert (earlier[0], earlier[1]) == ("stopped", 60)
    assert (service[0], service[1], service[2]) == ("running", 40, earlier[2])
    assert service[4] > earlier[4]
    assert service[3] == date(
        2027, 1, 5
    )  # 40 working days from 11-09 on: none was used before the audit
    assert review[0] == "running"
    assert review[4] > before[flight.audited, "bureau_review"][4]
    armed = flight.house.sql(
        "SELECT count(*) FROM timer t JOIN clock k ON k.case_id = t.case_id"
        " AND k.name = t.clock_name AND k.generation = t.generation"
        ' JOIN "case" c ON c.id = t.case_id'
        " WHERE c.public_id = %s AND k.name = 'service' AND t.kind = 'expiry'",
        flight.audited,
    )
    assert armed == [(1,)]


def test_seats_that_are_gone_are_asked_no_more_and_the_others_anew(flight, moved):
    tasks = flight.house.sql(
        'SELECT t.seat, t.status, t.verdict FROM task t JOIN "case" c ON c.id = t.case_id'
        " WHERE c.public_id = %s AND t.state = 'joint_check' ORDER BY t.id",
        flight.joint,
    )

    assert tasks == [
        ("cosign.credit", "done", "pass"),
        ("cosign.market", "cancelled", None),
        ("cosign.tax", "cancelled", None),
        ("cosign.credit", "open", None),
        ("cosign.market", "open", None),
    ]
    assert flight.clock(flight.joint, "cosign@cosign.tax")[0] == "ended"
    assert flight.clock(flight.joint, "cosign@cosign.credit")[0] == "running"


def test_a_moved_case_goes_on_under_the_new_version_and_its_people_are_told(flight, moved):
    at = shanghai(11, 10)
    for event, who, payload in ROAD[5:7]:
        flight.house.act(flight.audited, event, who, at, **payload)

    assert flight.house.state(flight.audited) == "joint_check"
    assert flight.works.open_tasks(flight.audited) == ["cosign.credit", "cosign.market"]
    told = flight.house.sql(
        "SELECT count(*) FROM notification n JOIN person p ON p.id = n.person_id"
        " WHERE n.notice = 'case_migrated' AND p.login = 'applicant1'"
    )
    assert told == [(5,)]


def test_only_the_lead_bureau_and_auditors_see_a_migration(flight, moved):
    with flight.cases.database.session() as session:
        assert migration_line(session, flight.actor("shenjiju.auditor"), moved[0]).moved == 5
        with pytest.raises(NotFound):
            migration_line(session, flight.actor("fagaiwei.handler"), moved[0])


def test_a_case_that_was_suspended_goes_on_where_its_state_went(flight, moved):
    at = shanghai(11, 10)
    flight.house.act(flight.paused, "resume", "shujuju.division_head", at, reason="已核")

    assert flight.house.state(flight.paused) == "bureau_review"
    assert flight.clock(flight.paused, "bureau_review")[0] == "running"


def test_lists_of_migrations_and_their_cases_are_paged(flight, moved):
    with flight.cases.database.session() as session:
        actor = flight.actor("shujuju.handler")
        first = migration_list(session, actor, limit=1)
        second = migration_list(session, actor, measure="QD26-7a", after=first.next)
        some = item_list(session, actor, moved[0], status="moved", limit=2)
        rest = item_list(session, actor, moved[0], after=some.next)
        for wrong in ({"after": "x"}, {"status": "lost"}):
            with pytest.raises(InvalidInput):
                item_list(session, actor, moved[0], **wrong)
        with pytest.raises(InvalidInput, match="after"):
            migration_list(session, actor, after="x")

    assert [each.status for each in (*first.items, *second.items)] == ["finished", "withdrawn"]
    assert (len(some.items), len(rest.items), second.next, rest.next) == (2, 3, None, None)


@pytest.fixture(scope="module")
def dropped(flight, moved):
    """A version without the title's measure, of which a case runs; and what was published."""
    at, works = shanghai(11, 11), flight.works
    handler = flight.house.people["shujuju.handler"]
    case = open_case(flight.cases, Opening("QD26-8c", flight.house.applicant, "备案", handler, at))
    works.change(works.stage("universal"), {"default: 40": "default: 50"})
    (works.measure.parent / "QD26-8c.yaml").unlink()
    with pytest.raises(Conflict, match="新版本没有本条款"):
        works.publish(at=at)
    with pytest.raises(InvalidInput, match="只能写 stay"):
        works.publish({"QD26-8c": {"states": {"matched": "matched"}}}, at)
    return case.case, works.publish({"QD26-8c": {"stay": ["*"]}}, at)


def test_cases_of_a_measure_that_is_gone_stay_on_their_version_and_ask_no_more(flight, dropped):
    case, published = dropped

    assert published.counts["QD26-8c"] == {"stays": 1, "moves": 0, "stranded": 0}
    assert published.change is not None  # a clause that is gone is an amendment
    assert flight.works.pins(case)[0] == 2  # it was opened under the version before
    with flight.cases.database.session() as session:
        page = publication_list(session, "qidong-2026", limit=1)
        earlier = publication_list(session, "qidong-2026", after=page.next)
        with pytest.raises(InvalidInput, match="after"):
            publication_list(session, "qidong-2026", after="x")
    assert [each.version for each in (*page.items, *earlier.items)] == [3, 2]


def test_a_plan_may_leave_cases_out_and_let_limits_begin_anew(flight, dropped):
    flight.works.change(flight.works.stage("universal"), {"default: 50": "default: 45"})
    flight.works.load(shanghai(11, 12))
    assert flight.works.pins(dropped[0])[0] == 2  # a clause that is gone stays as it was
    plan = read_plan({"stay": ["joint_check"], "treatment": "restart"})
    migration = flight.propose("shujuju.reviewer", plan=plan)
    approve(flight.cases, flight.actor("shujuju.leader"), migration, AT)
    ran = flight.run(migration)
    service = flight.clock(flight.paused, "service")

    assert (ran.moved, ran.kept, ran.left) == (3, 2, 0)
    assert (service[0], service[1], service[2]) == ("running", 45, 0)
    assert flight.works.pins(flight.joint)[0] == 2
    assert flight.works.pins(flight.paused)[0] == 4


PROPOSED = (
    "INSERT INTO case_migration (public_id, measure_id, to_version_id, plan, reason, basis,"
    " document_no, status, proposed_by, proposed_at) SELECT 'raw', measure_id, to_version_id, plan,"
    " reason, basis, document_no, 'proposed', proposed_by, now() FROM case_migration LIMIT 1;"
)
BACK = (
    'UPDATE "case" c SET measure_version_id = i.from_version_id, workflow_hash = i.from_workflow,'
    " policy_version_id = v.policy_version_id FROM case_migration_item i"
    " JOIN measure_version v ON v.id = i.from_version_id"
    " WHERE i.case_id = c.id AND i.status = 'moved'"
)
ALONE = (
    f"{PROPOSED} UPDATE case_migration SET status = 'approved', approved_by = proposed_by,"
    " approved_at = now() WHERE public_id = 'raw'"
)
JOINS_LATE = (
    "INSERT INTO case_migration_item SELECT m.id, i.case_id, 'pending', i.from_version_id,"
    " i.from_workflow, NULL, 'x', NULL, NULL, '{}', NULL FROM case_migration m,"
    " case_migration_item i WHERE m.status = 'finished' LIMIT 1"
)
OTHER = "(SELECT max(hash) FROM workflow WHERE hash <> workflow_hash)"
STEP = "UPDATE policy_version SET status = '{}'"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f'UPDATE "case" SET workflow_hash = {OTHER}', "keeps its version"),
        (BACK, "keeps its version"),
        (ALONE, "second_person"),
        (PROPOSED, "without the event that says so"),
        (PROPOSED.replace("'proposed'", "'approved'"), "begins as a proposal"),
        ("UPDATE case_migration SET status = 'proposed' WHERE status = 'finished'", "refused"),
        ("UPDATE case_migration SET reason = 'x'", "refused"),
        ("UPDATE case_migration_item SET status = 'refused'", "refused"),
        (JOINS_LATE, "only while it is proposed"),
        ("DELETE FROM case_migration_item", "append-only"),
        ("TRUNCATE case_migration_item", "append-only"),
        ("UPDATE publication SET reason = 'x'", "append-only"),
        (STEP.format("suspended"), "in_force -> suspended refused"),
        (STEP.format("repealed"), "in_force -> repealed refused"),
        (STEP.format("consultation_draft"), "in_force -> consultation_draft refused"),
    ],
)  # fmt: skip
def test_even_the_owner_is_refused(flight, moved, statement, words):
    url = flight.cases.database.address.owner_url.replace("+psycopg", "")
    with (
        psycopg.connect(url, autocommit=True) as owner,
        pytest.raises(psycopg.Error, match=words),
    ):
        owner.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_migration SET plan = '{}'",
        "UPDATE case_migration_item SET case_id = 1",
        "UPDATE policy_change SET reason = 'x'",
        "UPDATE impact SET state = 'x'",
        "DELETE FROM publication",
    ],
)
def test_the_programs_role_may_not_even_try(flight, statement):
    with (
        flight.cases.connect() as connection,
        pytest.raises(psycopg.Error, match="permission denied"),
    ):
        connection.execute(statement)
