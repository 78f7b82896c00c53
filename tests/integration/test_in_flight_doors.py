"""New versions, migrations and changes of a policy through the doors: HTTP and the command line."""

import contextlib
import io
import random

import pytest

from caseflow.cases.assembly import assemble
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.database.ids import PublicIds
from tests.api.client import Client
from tests.api.conftest import application
from tests.conftest import _copy, settings_of_templates
from tests.factories.commands import Result
from tests.factories.in_flight import CODE, Works, data_folder, in_flight_template
from tests.integration.conftest import house_on, shanghai

HANDLER, HEAD, LEADER = "shujuju.handler", "shujuju.division_head", "shujuju.leader"
OFFICE, STRANGER, AUDITOR = "zhengfuban.office", "fagaiwei.handler", "shenjiju.auditor"
WHY = {"reason": "流程优化", "document_no": "启数〔2026〕8号"}
SAID = ("--reason", "流程优化", "--document-no", "启数〔2026〕9号")
PLAN = "QD26-7a:\n  states: {third_party_audit: bureau_review}\n"


class Doors:
    """A house with both doors open, and two cases on the way."""

    def __init__(self, works: Works, client: Client) -> None:
        self.works, self.client = works, client
        self.plan = works.root / "plan.yaml"
        self.plan.write_text(PLAN, encoding="utf-8")
        self.submitted, self.audited = works.case(0), works.case(4)
        works.without_audit()
        works.change(works.measure, {"\ntitle: 算力券\n": "\ntitle: 智能算力券\n"})

    def run(self, *arguments: str) -> Result:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
        for each in (out, err):
            each.seek(0)
        return Result(code, out.read(), err.read())

    def told(self, *arguments: str):
        found = self.run(*arguments, "--json")
        assert found.code == 0, found.err or found.out
        return found.json

    def get(self, path, login=HANDLER, **query):
        return self.client.done(self.client.get(path, login, **query))


@pytest.fixture(scope="module")
def doors(server, empty_template, tmp_path_factory):
    template, home = in_flight_template(server, empty_template), tmp_path_factory.mktemp("doors")
    root, settings = data_folder(home / "data"), settings_of_templates(str(home))
    with (
        contextlib.contextmanager(_copy)(server, template) as database,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in (
            ("CASEFLOW_DATA", str(root)),
            ("CASEFLOW_HOME", str(home)),
            ("CASEFLOW_MAC_KEY", "ab" * 32),
            ("CASEFLOW_DATABASE_URL", database.address.url),
            ("CASEFLOW_OWNER_DATABASE_URL", database.address.owner_url),
        ):
            environment.setenv(name, value)
        cases = assemble(database, settings, root, ids=PublicIds(random.Random(9)))
        with application(settings, cases) as app:
            VirtualClock(cases.connect).move_to(shanghai(11, 9))
            yield Doors(Works(house_on(cases), root), Client(app))


@pytest.fixture(scope="module")
def published(doors):
    """A version that was checked, refused and published; and what each door said of it."""
    checked = doors.run("versions", "check", CODE, "--as", LEADER)
    tried = doors.client.post(f"/policies/{CODE}/dry-runs", LEADER, {})
    refused = doors.client.post(f"/policies/{CODE}/publications", LEADER, WHY)
    as_command = doors.run("versions", "publish", CODE, *SAID, "--as", LEADER)
    stranger = doors.client.post(f"/policies/{CODE}/dry-runs", STRANGER, {})
    done = doors.told("versions", "publish", CODE, "--plan", str(doors.plan), *SAID, "--as", LEADER)
    return checked, tried, refused, as_command, stranger, done


def test_both_doors_show_who_would_be_stranded_and_refuse_to_publish(doors, published):
    checked, tried, refused, as_command, stranger, _ = published
    dry = doors.client.done(tried)

    assert checked.code == 1
    for words in ("无处可去", "第三方专项审计", "limits.audit", "条款内容有变"):
        assert words in checked.out
    assert dry["counts"] == {"QD26-7a": {"stays": 0, "moves": 1, "stranded": 1}}
    assert dry["cases"][0]["assessment"]["result"] == "stranded"
    assert dry["comparison"]["touched"] == ["QD26-7a"]
    assert (refused.status_code, as_command.code, stranger.status_code) == (409, 1, 403)
    assert len(refused.get_json()["stranded"]) == 1


def test_a_publication_is_on_record_with_its_plan(doors, published):
    done = published[-1]
    (by_http,) = doors.get(f"/policies/{CODE}/publications")["items"]
    (by_command,) = doors.told("versions", "list", CODE, "--as", AUDITOR)

    assert (done["version"], by_http["version"], by_http["replaces"]) == (2, 2, 1)
    assert by_http["public_id"] == by_command["public_id"] == done["publication"]
    assert by_http["plan"]["QD26-7a"]["states"] == {"third_party_audit": "bureau_review"}
    assert by_http["document_no"] == "启数〔2026〕9号"
    same = doors.run("versions", "check", CODE, "--as", LEADER)
    assert (same.code, "相同" in same.out) == (0, True)


@pytest.fixture(scope="module")
def migration(doors, published):
    """A migration proposed by command, approved by HTTP, run by both."""
    line = doors.told(
        "migrations", "propose", "QD26-7a", "--basis", "会议纪要第3号", *SAID, "--as", HEAD
    )
    path = f"/migrations/{line['public_id']}"
    alone = doors.client.post(f"{path}/approval", HEAD)
    early = doors.client.post(f"{path}/runs", HANDLER, {})
    approved = doors.client.done(doors.client.post(f"{path}/approval", LEADER))
    first = doors.client.done(doors.client.post(f"{path}/runs", HANDLER, {"limit": 1}))
    rest = doors.told("migrations", "run", line["public_id"], "--as", HANDLER)
    return line, alone, early, approved, first, rest


def test_a_migration_is_proposed_approved_by_a_second_person_and_run(doors, migration):
    line, alone, early, approved, first, rest = migration

    assert (line["status"], line["pending"]) == ("proposed", 2)
    assert (alone.status_code, early.status_code) == (403, 409)
    assert approved["status"] == "approved"
    assert first == {"moved": 1, "kept": 0, "refused": 0, "left": 1}
    assert rest == {"moved": 1, "kept": 0, "refused": 0, "left": 0}
    assert doors.works.pins(doors.audited)[0] == 2


def test_what_became_of_each_case_is_listed_page_by_page(doors, migration):
    path = f"/migrations/{migration[0]['public_id']}"
    first = doors.get(f"{path}/cases", limit=1)
    second = doors.get(f"{path}/cases", after=first["next"])
    shown = doors.run("migrations", "show", migration[0]["public_id"], "--as", AUDITOR)

    (item,) = second["items"]
    assert (item["case"], item["status"], item["to_state"]) == (
        doors.audited, "moved", "bureau_review",
    )  # fmt: skip
    assert second["next"] is None
    assert doors.get(path)["status"] == "finished"
    assert [each["status"] for each in doors.get("/migrations", measure="QD26-7a")["items"]] == [
        "finished"
    ]
    assert doors.told("migrations", "list", "--as", HANDLER)[0]["moved"] == 2
    assert "已迁2" in shown.out
    assert doors.client.get(path, STRANGER).status_code == 404
    assert doors.get("/migrations", STRANGER)["items"] == []
    history = doors.told("cases", "history", doors.audited, "--as", HANDLER)
    assert "迁移到新版本" in {event["title"] for event in history}


def test_a_proposal_may_be_withdrawn_and_one_without_cases_is_refused(doors, migration):
    body = {**WHY, "basis": "x"}
    nothing = doors.client.post("/measures/QD26-7a/migrations", HANDLER, body)
    gone = doors.client.post(
        f"/migrations/{migration[0]['public_id']}/withdrawal", HANDLER, {"reason": "x"}
    )
    by_command = doors.run(
        "migrations", "withdraw", migration[0]["public_id"], "--reason", "x", "--as", HANDLER
    )

    assert (nothing.status_code, gone.status_code, by_command.code) == (409, 409, 1)


def test_an_amendment_is_decided_case_by_case_through_both_doors(doors, migration):
    (change,) = doors.get(f"/policies/{CODE}/changes")["items"]
    (by_command,) = doors.told("policies", "changes", CODE, "--as", HEAD)
    impacts = doors.get(f"/changes/{change['public_id']}/impacts", status="undecided", limit=1)
    path = f"/changes/{change['public_id']}/impacts/{doors.submitted}/decision"
    body = {"decision": "keep", "reason": "按受理时规定"}

    refused = doors.client.post(path, HANDLER, body)
    kept = doors.client.done(doors.client.post(path, HEAD, body))
    ended = doors.told(
        "policies", "decide", change["public_id"], doors.audited, "terminate", "--reason",
        "条款已调整", "--reason-code", "policy_expired", "--remedy", "六十日内复议", "--as", LEADER,
    )  # fmt: skip
    shown = doors.run("policies", "impacts", change["public_id"], "--as", HEAD)

    assert (change["kind"], by_command["progress"]["total"]) == ("amended", 2)
    assert impacts["next"] == impacts["items"][0]["case"]
    assert refused.status_code == 403
    assert (kept["status"], ended["status"], ended["state"]) == ("keep", "terminate", "terminated")
    assert "待决定 0 件" in shown.out


def test_a_policy_is_suspended_resumed_and_repealed_through_the_doors(doors, migration):
    path = f"/policies/{CODE}/changes"
    by_leader = doors.client.post(path, LEADER, {"kind": "suspended", **WHY})
    wrong = doors.client.post(path, OFFICE, {"kind": "amended", **WHY})
    suspended = doors.told("policies", "suspend", CODE, *SAID, "--as", OFFICE)
    status = doors.get(f"/policies/{CODE}/versions")["items"][-1]["status"]
    resumed = doors.client.done(doors.client.post(path, OFFICE, {"kind": "resumed", **WHY}), 201)
    itself = doors.run("policies", "replace", CODE, "--by", CODE, *SAID, "--as", OFFICE)
    repealed = doors.run("policies", "repeal", CODE, *SAID, "--as", OFFICE)
    again = doors.run("policies", "resume", CODE, *SAID, "--as", OFFICE)

    assert (by_leader.status_code, wrong.status_code) == (403, 422)
    assert (suspended["kind"], status, resumed["kind"]) == ("suspended", "suspended", "resumed")
    assert (itself.code, repealed.code, again.code) == (1, 0, 1)
    assert "现为 repealed" in again.err


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/policies/{CODE}/dry-runs", {"plan": {"QD26-7a": {"colour": "red"}}}),
        (f"/policies/{CODE}/dry-runs", {"plan": ["QD26-7a"]}),
        (f"/policies/{CODE}/dry-runs", {"plan": {"QD26-7a": 7}}),
        (f"/policies/{CODE}/dry-runs", {"plan": {"QD26-7a": {"stay": "all"}}}),
        (f"/policies/{CODE}/dry-runs", {"plan": {"QD26-7a": {"states": {"a": 1}}}}),
        (f"/policies/{CODE}/dry-runs", {"plan": {"QD26-7a": {"clocks": ["a"]}}}),
        (f"/policies/{CODE}/dry-runs", {"plan": {"QD26-7a": {"treatment": "guess"}}}),
        (f"/policies/{CODE}/publications", {"reason": "x"}),
        ("/measures/QD26-7a/migrations", {**WHY, "basis": "x", "cases": []}),
    ],
)
def test_a_plan_or_body_that_is_none_is_refused_with_its_field(doors, path, body):
    answer = doors.client.post(path, LEADER, body)

    assert answer.status_code == 422
    assert answer.get_json()["fields"]


@pytest.mark.parametrize(
    "path",
    ["/policies/nowhere/dry-runs", "/migrations/x/approval", "/changes/x/impacts/y/decision"],
)
def test_what_is_not_there_is_not_found(doors, path):
    body = {"decision": "keep", "reason": "x"} if path.startswith("/changes") else {}

    assert doors.client.post(path, LEADER, body).status_code == 404
