"""The command line on a real database: every command that reads or writes one."""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import psycopg
import pytest

from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.database import migration
from caseflow.database.access import Address
from caseflow.database.server import PROGRAM_ROLE
from caseflow.history.models import Event
from caseflow.kernel.calendar import SHANGHAI

NOW = datetime(2026, 6, 1, 9, tzinfo=SHANGHAI)
USCC = "91320681MA2TE5T28T"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def runner(tmp_path, monkeypatch, capsys):
    """Run commands in a house of its own on the database at an address."""
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)

    def on(address: Address):
        monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
        monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

        def run(*arguments: str) -> Result:
            code = main(arguments)
            printed = capsys.readouterr()
            return Result(code, printed.out, printed.err)

        return run

    return on


@pytest.fixture
def real(city, runner):
    """Run commands on 启东 by the real time."""
    return runner(city.address)


@pytest.fixture
def run(city, real):
    """Run commands on 启东, on 2026-06-01 at nine."""
    VirtualClock(city.connect).move_to(NOW)
    return real


@pytest.fixture
def bare(server, runner):
    """Run commands on a database that nobody has migrated."""
    url = server.url("test_cli_bare")
    migration.drop_database(url)
    migration.create_database(url)
    yield runner(Address(server.url("test_cli_bare", role=PROGRAM_ROLE), url))
    migration.drop_database(url)


@pytest.fixture
def applicant(run):
    """The public id of a registered enterprise; jia.applicant acts for it."""
    done = run(
        "applicants", "register", "--name", "启东甲智能科技有限公司", "--territory", "huilong",
        "--uscc", USCC, "--login", "jia.applicant", "--email", "jia@example.test", "--json",
    )  # fmt: skip
    return done.json["id"]


@pytest.fixture
def call(run):
    """The public id of an open call for 算力券."""
    done = run(
        "calls", "plan", "QD26-7a", "--title", "2026年度算力券申报通知", "--opens-on", "2026-06-01",
        "--closes-on", "2026-07-31", "--as", "shujuju.handler", "--json",
    )  # fmt: skip
    return done.json["id"]


@pytest.fixture
def draft(run, applicant, call):
    """The number of a case in draft."""
    done = run(
        "cases", "open", "QD26-7a", "--applicant", applicant, "--call", call, "--title", "算力券申报",
        "--request-id", "r1", "--as", "jia.applicant", "--json",
    )  # fmt: skip
    return done.json["number"]


# The database's revision


def test_an_external_database_is_never_migrated_silently(bare):
    refused = bare("calls", "list")

    assert refused.code == 1
    assert "caseflow db upgrade" in refused.err
    assert bare("db", "current", "--json").json["revision"] is None


def test_the_database_is_brought_up_and_taken_back(bare):
    before = bare("db", "current", "--json").json
    up = bare("db", "upgrade", "--json").json
    listed = bare("calls", "list", "--json")
    down = bare("db", "downgrade", "base", "--yes", "--json").json

    assert (before["revision"], before["at_head"], before["embedded"]) == (None, False, False)
    assert (up["revision"], up["at_head"]) == (up["head"], True)
    assert (listed.code, listed.json) == (0, [])
    assert down["revision"] is None


def test_an_unknown_revision_is_refused(bare):
    refused = bare("db", "upgrade", "--revision", "9999", "--json")

    assert refused.code == 1
    assert "9999" in refused.json["detail"]


def test_going_back_asks_first(bare, monkeypatch):
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: PTH123, SIM115 - nobody answers

    refused = bare("db", "downgrade", "base")

    assert refused.code == 130
    assert refused.out == ""


def test_loading_again_changes_nothing(run):
    again = run("policies", "load", "--json")

    assert again.code == 0
    assert [(each["policy"], each["version"]) for each in again.json] == [("qidong-2026", 1)]


# Calls and applicants


def test_a_call_is_planned_by_the_lead_bureau_and_listed(run, call):
    listed = run("calls", "list", "--measure", "QD26-7a", "--open", "--json").json

    assert [(each["id"], each["measure"], each["closes_on"]) for each in listed] == [
        (call, "QD26-7a", "2026-07-31")
    ]
    assert run("calls", "list", "--status", "closed", "--json").json == []
    assert "2026年度算力券申报通知" in run("calls", "list").out


def test_another_bureau_plans_no_call(run):
    refused = run(
        "calls", "plan", "QD26-7a", "--title", "x", "--opens-on", "2026-06-01",
        "--closes-on", "2026-07-31", "--as", "kejiju.handler", "--json",
    )  # fmt: skip

    assert (refused.code, refused.json["type"]) == (1, "/problems/not-allowed")


@pytest.mark.parametrize(("closes_on", "code"), [("2028-05-13", 0), ("2028-05-14", 1)])
def test_a_call_ends_with_its_policy_at_the_latest(run, closes_on, code):
    done = run(
        "calls", "plan", "QD26-7a", "--title", "x", "--opens-on", "2026-06-01",
        "--closes-on", closes_on, "--as", "shujuju.handler",
    )  # fmt: skip

    assert done.code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--uscc", USCC[:-1] + "X"), 1),
        (("--uscc", USCC, "--territory", "atlantis"), 1),
        (("--kind", "individual"), 1),
        (("--kind", "individual", "--identity-type", "passport"), 2),
        (("--kind", "individual", "--identity-type", "passport", "--identity-number", "E1234567"), 0),
        (("--uscc", USCC, "--email", "jia@example.test"), 2),
        (("--uscc", USCC), 0),
    ],
)
def test_an_applicant_has_a_checked_identifier(run, options, code):
    done = run("applicants", "register", "--name", "甲", "--territory", "huilong", *options)

    assert done.code == code


def test_an_applicant_is_registered_once(run, applicant):
    again = run("applicants", "register", "--name", "乙", "--territory", "huilong", "--uscc", USCC)

    assert again.code == 1
    assert "registered already" in again.err


# Cases


def test_a_case_is_opened_once_however_often_it_is_asked(run, applicant, call, draft):
    again = run(
        "cases", "open", "QD26-7a", "--applicant", applicant, "--call", call, "--title", "算力券申报",
        "--request-id", "r1", "--as", "jia.applicant", "--json",
    )  # fmt: skip

    assert (again.json["number"], again.json["replayed"]) == (draft, True)
    assert len(run("cases", "list", "--as", "jia.applicant", "--json").json) == 1


def test_a_case_is_seen_by_those_it_concerns(run, draft):
    def seen(login):
        return [each["number"] for each in run("cases", "list", "--as", login, "--json").json]

    assert seen("jia.applicant") == seen("shujuju.handler") == seen("shenjiju.auditor") == [draft]
    assert seen("kejiju.handler") == []
    assert run("cases", "show", draft, "--as", "kejiju.handler").code == 1


def test_nobody_is_not_somebody(run):
    refused = run("cases", "list", "--as", "nobody", "--json")

    assert (refused.code, refused.json["type"]) == (1, "/problems/unauthenticated")


def test_a_case_shows_what_can_be_done_with_it(run, draft):
    shown = run("cases", "show", draft, "--as", "jia.applicant", "--json").json
    told = run("cases", "show", draft, "--as", "jia.applicant").out

    events = {each["event"]: each for each in shown["events"]}
    assert (shown["case"]["state"], shown["case"]["version"]) == ("draft", 1)
    assert events["submit"]["blocked"] == ["必交材料不齐全"]
    assert "提交申报" in told


def test_a_task_waits_for_its_holder(run, draft):
    waiting = run("cases", "tasks", "--as", "jia.applicant", "--json").json

    assert [each["number"] for each in waiting] == [draft]
    assert run("cases", "tasks", "--as", "huilong_zhen.handler", "--json").json == []


def upload_everything(run, draft, file):
    shown = run("cases", "show", draft, "--as", "jia.applicant", "--json").json
    for each in shown["documents"]:
        done = run("cases", "upload", draft, each["kind"], str(file), "--as", "jia.applicant")
        assert done.code == 0, done.err


@pytest.fixture
def paper(tmp_path):
    file = tmp_path / "paper.pdf"
    file.write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")
    return file


def test_a_case_is_submitted_with_its_papers(run, draft, paper):
    upload_everything(run, draft, paper)

    done = run("cases", "act", draft, "submit", "--set", "applied_fen=10000000",
               "--expected-version", "1", "--as", "jia.applicant", "--json")  # fmt: skip
    told = run("cases", "history", draft, "--as", "jia.applicant", "--json").json

    assert done.json["state"] == "submitted"
    assert [each["event"] for each in told][:2] == ["case_opened", "submit"]
    assert told[-1]["to_state"] == "submitted"
    assert "提交申报" in run("cases", "history", draft, "--as", "jia.applicant").out


def test_a_paper_of_another_kind_is_refused(run, draft, paper, tmp_path):
    program = tmp_path / "program.exe"
    program.write_bytes(b"MZ\x90\x00")

    unknown = run("cases", "upload", draft, "love_letter", str(paper), "--as", "jia.applicant")
    wrong = run("cases", "upload", draft, "contract", str(program), "--as", "jia.applicant")
    stranger = run("cases", "upload", draft, "contract", str(paper), "--as", "shujuju.handler")

    assert (unknown.code, wrong.code, stranger.code) == (1, 1, 1)
    assert "love_letter" in unknown.err


@pytest.mark.parametrize(
    ("event", "options", "kind"),
    [
        ("submit", ("--set", "applied_fen=10000000"), "guard-failed"),
        ("submit", ("--set", "applied_fen=100000.5"), "invalid-input"),
        ("submit", ("--set", "applied_fen=10000000", "--set", "colour=red"), "invalid-input"),
        ("submit", (), "invalid-input"),
        ("fly", (), "event-not-allowed"),
        ("abandon_draft", (), "not-allowed"),
        ("discard_draft", ("--expected-version", "7"), "stale-version"),
    ],
)
def test_an_act_that_is_refused_says_why_and_writes_nothing(run, draft, event, options, kind):
    refused = run("cases", "act", draft, event, *options, "--as", "jia.applicant", "--json")

    assert (refused.code, refused.json["type"]) == (1, f"/problems/{kind}")
    assert len(run("cases", "history", draft, "--as", "jia.applicant", "--json").json) == 1


def test_a_payload_comes_from_a_file(run, draft, tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"applied_fen": 1, "note": "x"}', encoding="utf-8")

    refused = run("cases", "act", draft, "submit", "--payload", f"@{body}",
                  "--as", "jia.applicant", "--json")  # fmt: skip

    assert refused.json["type"] == "/problems/guard-failed"


def test_a_list_of_cases_goes_on_after_the_last(run, applicant, call, draft):
    for number in range(2):
        run("cases", "open", "QD26-7a", "--applicant", applicant, "--call", call,
            "--title", f"第{number}件", "--as", "jia.applicant")  # fmt: skip

    first = run("cases", "list", "--sort", "oldest", "--limit", "2", "--as", "jia.applicant", "--json")
    last = first.json[-1]["public_id"]
    rest = run("cases", "list", "--sort", "oldest", "--after", last, "--as", "jia.applicant", "--json")

    assert f"--after {last}" in first.err
    assert [each["number"][-1] for each in first.json + rest.json] == ["1", "2", "3"]


def test_cases_that_are_not_to_be_publicised_are_refused_together(run, draft):
    refused = run("publicities", "open", draft, "--title", "公示", "--as", "shujuju.handler", "--json")

    assert (refused.code, refused.json["type"]) == (1, "/problems/conflict")
    assert draft in refused.json["detail"]
    assert run("publicities", "list", "--json").json == []


# Time


def test_a_virtual_clock_moves_forward_only(run):
    moved = run("clock", "move", "2026-06-02T10:30", "--sweep", "--json").json
    back = run("clock", "move", "2026-06-01", "--json")

    assert moved["at"] == "2026-06-02T02:30:00+00:00"
    assert moved["virtual"] is True
    assert set(moved["swept"]) == {"timers", "publicised", "life"}
    assert (back.code, back.json["type"]) == (1, "/problems/invalid-input")
    assert "2026-06-02T10:30:00+08:00" in run("clock", "show", "--json").out


@pytest.mark.parametrize("options", [(), ("--start",)])
def test_the_real_time_is_not_moved(real, options):
    refused = real("clock", "move", "2099-01-01", *options, "--json")

    assert (refused.code, refused.json["type"]) == (1, "/problems/not-allowed")
    assert real("clock", "show", "--json").json["virtual"] is False


def test_an_instant_must_be_one(run):
    assert run("clock", "move", "tomorrow").code == 1


def test_the_calendar_says_which_years_are_certain(run):
    listed = run("calendar", "list", "--json").json

    status = {each["year"]: each["status"] for each in listed}
    assert (status[2026], status[2027]) == ("confirmed", "statutory")
    assert run("calendar", "list", "--status", "imported", "--json").json == []


def test_a_year_is_imported_by_one_and_confirmed_by_another(run, tmp_path):
    notice = tmp_path / "2027.csv"
    notice.write_text("day,kind,name\n2027-01-01,off,元旦\n2027-02-20,work,春节调休\n", "utf-8")
    given = ("--file", str(notice), "--source", "国办发明电〔2026〕9号")

    imported = run("calendar", "import", "2027", *given, "--as", "zhengfuban.office", "--json")
    alone = run("calendar", "confirm", "2027", "--as", "zhengfuban.office", "--json")
    together = run("calendar", "confirm", "2027", "--as", "fagaiwei.handler", "--json")

    assert (imported.json["status"], imported.json["days_worked"]) == ("imported", 1)
    assert (alone.code, alone.json["type"]) == (1, "/problems/not-allowed")
    assert together.json["status"] == "confirmed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("day,name\n2027-01-01,元旦\n", ":1:"),
        ("day,kind,name\n2027-01-01,free,元旦\n", ":2:"),
        ("day,kind,name\n2027-01-01,off,元旦\n2027-13-01,off,元旦\n", ":3:"),
    ],
)
def test_a_calendar_file_is_refused_with_its_line(run, tmp_path, text, told):
    notice = tmp_path / "2027.csv"
    notice.write_text(text, "utf-8")

    refused = run("calendar", "import", "2027", "--file", str(notice), "--source", "通知",
                  "--as", "zhengfuban.office")  # fmt: skip

    assert refused.code == 1
    assert told in refused.err


def test_a_year_that_is_not_announced_is_not_imported(run, applicant):
    unknown = run("calendar", "import", "2028", "--as", "zhengfuban.office")
    stranger = run("calendar", "import", "2026", "--as", "jia.applicant")

    assert (unknown.code, stranger.code) == (1, 1)
    assert "2028" in unknown.err


# Health


def test_a_whole_history_is_found_whole(run, draft):
    verified = run("history", "verify", "--json")

    assert (verified.code, verified.json["ok"], verified.json["faults"]) == (0, True, [])
    assert verified.json["events"] >= 2
    assert run("history", "verify").code == 0


def test_a_changed_event_is_found(run, draft, city):
    with closing(psycopg.connect(city.address.owner_url.replace("+psycopg", ""))) as owner:
        owner.execute(f"ALTER TABLE {Event.__tablename__} DISABLE TRIGGER USER")
        owner.execute("UPDATE event SET payload = payload || '{\"title\": \"他人\"}' WHERE name = 'case_opened'")
        owner.execute(f"ALTER TABLE {Event.__tablename__} ENABLE TRIGGER USER")
        owner.commit()

    verified = run("history", "verify", "--json")

    assert verified.code == 1
    assert [each["seq"] for each in verified.json["faults"]] == [1]
    assert "payload" in run("history", "verify").out


def checks(done):
    return {each["name"]: each["status"] for each in done.json["checks"]}


def test_the_doctor_finds_a_sound_house_and_says_what_to_see_to(run):
    examined = run("doctor", "--json")

    found = checks(examined)
    assert (examined.code, examined.json["ok"]) == (0, True)
    assert found["revision"] == found["catalogue"] == found["clock"] == found["mac key"] == "ok"
    assert found["time"] == found["worker"] == found["calendar"] == "warning"
    assert "revision" in run("doctor").out


def test_the_doctor_finds_a_database_that_is_not_migrated(bare):
    examined = bare("doctor", "--json")

    assert examined.code == 1
    assert checks(examined)["revision"] == "broken"


def test_the_doctor_finds_no_database(runner):
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"

    examined = runner(Address(nowhere, nowhere))("doctor", "--json")

    assert (examined.code, checks(examined)["database"]) == (1, "broken")


def test_the_doctor_counts_refused_timers_and_letters_given_up(run, draft, city):
    with city.connect() as connection:
        connection.execute("UPDATE timer SET fired_at = now(), problem = '条件不满足'")

    examined = run("doctor", "--json")

    assert checks(examined)["timers"] == "warning"
