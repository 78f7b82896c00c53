"""The command line on a real database: every command that reads or writes one."""

import io
import random
import socket
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime

import psycopg
import pytest

from caseflow.batches.founding import plan_standing_calls
from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.opening import Opening, open_case
from caseflow.catalogue.places import data_root
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.database import migration
from caseflow.database.access import Address, open_database
from caseflow.database.ids import PublicIds
from caseflow.database.server import PROGRAM_ROLE
from caseflow.identity.service import assign, register_applicant, register_person
from caseflow.kernel.calendar import SHANGHAI
from caseflow.settings import read_settings
from tests.factories.commands import Result
from tests.factories.identity import uscc_number

pytestmark = pytest.mark.long

NOW = datetime(2026, 6, 1, 9, tzinfo=SHANGHAI)
USCC = "91320681MA2TE5T28T"
PASSPORT = ("--kind", "individual", "--identity-type", "passport")
DRAFT = "QD26-7a-2026-000001"
SAME_PAPER = """
    INSERT INTO document
        (case_id, public_id, kind, name, media_type, size, sha256, uploaded_by, uploaded_at)
    SELECT case_id, left(md5(k.kind), 22), k.kind, name, media_type, size, sha256, uploaded_by,
        uploaded_at
    FROM document CROSS JOIN unnest(%s::text[]) AS k (kind)
"""
"""The paper that was uploaded, for other kinds too."""


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


@dataclass(frozen=True)
class World:
    """A founded city at NOW with an applicant, an open call and a case in draft."""

    template: str
    applicant: str
    call: str


@pytest.fixture(scope="module")
def world(server, founded_template, tmp_path_factory):
    url = server.url("template_cli")
    migration.create_database(url, template=founded_template)
    database = open_database(Address(server.url("template_cli", role=PROGRAM_ROLE), url))
    home = str(tmp_path_factory.mktemp("cli"))
    house = read_settings({"CASEFLOW_HOME": home, "CASEFLOW_MAC_KEY": "ab" * 32})
    ids, signer = PublicIds(random.Random(5)), signer_of(house)
    VirtualClock(database.connect).move_to(NOW)
    with database.session() as session:
        firm = register_applicant(
            session, kind="enterprise", name="启东甲智能科技有限公司", territory_code="huilong",
            ids=ids, uscc=USCC,
        )  # fmt: skip
        person = register_person(session, login="jia.applicant", name="甲", ids=ids)
        assign(session, person, firm, role="applicant", at=NOW)
        call = plan_standing_calls(
            session, ["QD26-7a"], opens_on=NOW.date(), closes_on=date(2026, 7, 31), at=NOW,
            signer=signer, ids=ids,
        )["QD26-7a"]  # fmt: skip
        made = World("template_cli", firm.public_id, call.public_id)
        actor_id = person.id
    cases = assemble(database, house, data_root(), ids=ids)
    opening = Opening("QD26-7a", made.applicant, "算力券申报", actor_id, NOW, call=made.call)
    open_case(cases, replace(opening, request_id="r1"))
    database.close()
    return made


def copied(server, template, name):
    url = server.url(name)
    migration.create_database(url, template=template)
    return Address(server.url(name, role=PROGRAM_ROLE), url)


@pytest.fixture(scope="module")
def shared(server, world):
    """One copy of the world for all tests that leave it as it was."""
    address = copied(server, world.template, "test_cli_shared")
    yield address
    migration.drop_database(address.owner_url)


@pytest.fixture
def run(runner, shared):
    """Run commands on the shared world."""
    return runner(shared)


@pytest.fixture
def own(server, world):
    """A copy of the world that the test may change."""
    address = copied(server, world.template, "test_cli_own")
    yield address
    migration.drop_database(address.owner_url)


@pytest.fixture
def change(runner, own):
    """Run commands on a world of its own."""
    return runner(own)


@pytest.fixture
def bare(server, runner):
    """Run commands on a database that nobody has migrated."""
    url = server.url("test_cli_bare")
    migration.create_database(url)
    yield runner(Address(server.url("test_cli_bare", role=PROGRAM_ROLE), url))
    migration.drop_database(url)


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
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # nobody answers

    refused = bare("db", "downgrade", "base")

    assert refused.code == 130
    assert refused.out == ""


def test_loading_again_changes_nothing(run):
    again = run("policies", "load", "--json")

    assert again.code == 0
    assert [(each["policy"], each["version"]) for each in again.json] == [("qidong-2026", 1)]


# Calls and applicants


def test_a_call_is_planned_by_the_lead_bureau_and_listed(run):
    planned = run(
        "calls", "plan", "QD26-8c", "--title", "2026年备案奖励", "--opens-on", "2026-06-01",
        "--closes-on", "2026-07-31", "--as", "shujuju.handler", "--json",
    ).json  # fmt: skip

    listed = run("calls", "list", "--measure", "QD26-8c", "--open", "--json").json

    assert listed == [planned]
    assert (planned["status"], planned["closes_on"]) == ("published", "2026-07-31")
    assert run("calls", "list", "--status", "closed", "--json").json == []
    assert "2026年备案奖励" in run("calls", "list").out


def test_another_bureau_plans_no_call(run):
    refused = run(
        "calls", "plan", "QD26-7a", "--title", "x", "--opens-on", "2026-06-01",
        "--closes-on", "2026-07-31", "--as", "kejiju.handler", "--json",
    )  # fmt: skip

    assert (refused.code, refused.json["type"]) == (1, "/problems/not-allowed")


@pytest.mark.parametrize(("closes_on", "code"), [("2028-05-13", 0), ("2028-05-14", 1)])
def test_a_call_ends_with_its_policy_at_the_latest(run, closes_on, code):
    done = run(
        "calls", "plan", "QD26-8b", "--title", "x", "--opens-on", "2026-06-01",
        "--closes-on", closes_on, "--as", "shujuju.handler",
    )  # fmt: skip

    assert done.code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--uscc", USCC[:-1] + "X"), 1),
        (("--uscc", uscc_number(1), "--territory", "atlantis"), 1),
        (("--uscc", USCC), 1),
        (("--kind", "individual"), 1),
        (PASSPORT, 2),
        (
            (
                "--kind",
                "individual",
                "--identity-type",
                "passport",
                "--identity-number",
                "E1234567",
            ),
            0,
        ),
        (("--uscc", uscc_number(2), "--email", "jia@example.test"), 2),
        (("--uscc", uscc_number(3), "--login", "yi.applicant", "--email", "yi@example.test"), 0),
    ],
)
def test_an_applicant_is_known_once_by_a_checked_identifier(run, options, code):
    done = run("applicants", "register", "--name", "乙", "--territory", "huilong", *options)

    assert done.code == code


# Cases


def test_a_case_is_opened_once_however_often_it_is_asked(run, world):
    again = run(
        "cases", "open", "QD26-7a", "--applicant", world.applicant, "--call", world.call, "--title",
        "算力券申报",
        "--request-id", "r1", "--as", "jia.applicant", "--json",
    )  # fmt: skip

    assert (again.json["number"], again.json["replayed"]) == (DRAFT, True)
    assert len(run("cases", "list", "--as", "jia.applicant", "--json").json) == 1


def test_a_case_is_seen_by_those_it_concerns(run):
    def seen(login):
        return [each["number"] for each in run("cases", "list", "--as", login, "--json").json]

    assert seen("jia.applicant") == seen("shujuju.handler") == seen("shenjiju.auditor") == [DRAFT]
    assert seen("kejiju.handler") == []
    assert run("cases", "show", DRAFT, "--as", "kejiju.handler").code == 1


def test_nobody_is_not_somebody(run):
    refused = run("cases", "list", "--as", "nobody", "--json")

    assert (refused.code, refused.json["type"]) == (1, "/problems/unauthenticated")


def test_a_case_shows_what_can_be_done_with_it(run):
    shown = run("cases", "show", DRAFT, "--as", "jia.applicant", "--json").json
    told = run("cases", "show", DRAFT, "--as", "jia.applicant").out

    events = {each["event"]: each for each in shown["events"]}
    assert (shown["case"]["state"], shown["case"]["version"]) == ("draft", 1)
    assert events["submit"]["blocked"] == ["必交材料不齐全"]
    assert "提交申报" in told
    assert [cap["left_fen"] for cap in shown["caps"]] == [200_000_000]
    assert "2,000,000.00 元" in told


def test_a_task_waits_for_its_holder(run):
    waiting = run("tasks", "list", "--as", "jia.applicant", "--json").json

    assert [each["number"] for each in waiting] == [DRAFT]
    empty = run("tasks", "list", "--as", "huilong_zhen.handler", "--json").json
    assert empty == []


@pytest.fixture
def paper(tmp_path):
    file = tmp_path / "paper.pdf"
    file.write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")
    return file


def test_a_case_is_submitted_with_its_papers(change, own, paper):
    shown = change("cases", "show", DRAFT, "--as", "jia.applicant", "--json").json
    first, *rest = [each["kind"] for each in shown["documents"]]
    done = change("cases", "upload", DRAFT, first, str(paper), "--as", "jia.applicant")
    assert done.code == 0, done.err
    with closing(psycopg.connect(plain(own))) as owner:
        owner.execute(SAME_PAPER, (rest,))
        owner.commit()

    done = change("cases", "act", DRAFT, "submit", "--set", "applied_fen=10000000",
                  "--expected-version", "1", "--as", "jia.applicant", "--json")  # fmt: skip
    told = change("cases", "history", DRAFT, "--as", "jia.applicant", "--json").json

    assert done.json["state"] == "submitted"
    assert [each["event"] for each in told] == ["case_opened", "submit"]
    assert "提交申报" in change("cases", "history", DRAFT, "--as", "jia.applicant").out


def test_a_paper_of_another_kind_is_refused(run, paper, tmp_path):
    program = tmp_path / "program.exe"
    program.write_bytes(b"MZ\x90\x00")

    unknown = run("cases", "upload", DRAFT, "love_letter", str(paper), "--as", "jia.applicant")
    wrong = run("cases", "upload", DRAFT, "contract", str(program), "--as", "jia.applicant")
    stranger = run("cases", "upload", DRAFT, "contract", str(paper), "--as", "shujuju.handler")

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
def test_an_act_that_is_refused_says_why_and_writes_nothing(run, event, options, kind):
    refused = run("cases", "act", DRAFT, event, *options, "--as", "jia.applicant", "--json")

    assert (refused.code, refused.json["type"]) == (1, f"/problems/{kind}")
    assert len(run("cases", "history", DRAFT, "--as", "jia.applicant", "--json").json) == 1


def test_a_payload_comes_from_a_file(run, tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"applied_fen": 1, "note": "x"}', encoding="utf-8")

    refused = run("cases", "act", DRAFT, "submit", "--payload", f"@{body}",
                  "--as", "jia.applicant", "--json")  # fmt: skip

    assert refused.json["type"] == "/problems/guard-failed"


def test_a_list_of_cases_goes_on_after_the_last(change, world):
    for number in range(2):
        change("cases", "open", "QD26-7a", "--applicant", world.applicant, "--call", world.call,
               "--title", f"第{number}件", "--as", "jia.applicant")  # fmt: skip

    def asked(*options):
        return change(
            "cases", "list", "--sort", "oldest", *options, "--as", "jia.applicant", "--json"
        )

    first = asked("--limit", "2")
    rest = asked("--after", first.json[-1]["public_id"])

    assert f"--after {first.json[-1]['public_id']}" in first.err
    assert [each["number"][-1] for each in first.json + rest.json] == ["1", "2", "3"]


def test_cases_that_are_not_to_be_publicised_are_refused_together(run):
    refused = run(
        "publicities", "open", DRAFT, "--title", "公示", "--as", "shujuju.handler", "--json",
        "--contact", "0513-00000000", "sample@example.test", "样例路1号",
    )  # fmt: skip

    assert (refused.code, refused.json["type"]) == (1, "/problems/conflict")
    assert DRAFT in refused.json["detail"]
    assert run("publicities", "list", "--json").json == []


# Time


def test_a_virtual_clock_moves_forward_only(change):
    moved = change("clock", "move", "2026-06-02T10:30", "--sweep", "--json").json
    back = change("clock", "move", "2026-06-01", "--json")

    assert (moved["at"], moved["virtual"]) == ("2026-06-02T02:30:00+00:00", True)
    assert set(moved["swept"]) == {"timers", "publicised", "life", "bulk"}
    assert (back.code, back.json["type"]) == (1, "/problems/invalid-input")
    assert "2026-06-02T10:30:00+08:00" in change("clock", "show", "--json").out


def test_the_real_time_is_not_moved(change, own):
    with closing(psycopg.connect(plain(own))) as owner:
        owner.execute("DELETE FROM virtual_clock")
        owner.commit()

    refused = [
        change("clock", "move", "2099-01-01", *more, "--json") for more in ((), ("--start",))
    ]

    assert {(each.code, each.json["type"]) for each in refused} == {(1, "/problems/not-allowed")}
    assert change("clock", "show", "--json").json["virtual"] is False


def test_an_instant_must_be_one(run):
    assert run("clock", "move", "tomorrow").code == 1


def test_the_calendar_says_which_years_are_certain(run):
    listed = run("calendar", "list", "--json").json

    status = {each["year"]: each["status"] for each in listed}
    assert (status[2026], status[2027]) == ("confirmed", "statutory")
    assert run("calendar", "list", "--status", "imported", "--json").json == []


def test_a_year_is_imported_by_one_and_confirmed_by_another(change, tmp_path):
    notice = tmp_path / "2027.csv"
    notice.write_text("day,kind,name\n2027-01-01,off,元旦\n2027-02-20,work,春节调休\n", "utf-8")
    given = ("--file", str(notice), "--source", "国办发明电〔2026〕9号")

    imported = change("calendar", "import", "2027", *given, "--as", "zhengfuban.office", "--json")
    alone = change("calendar", "confirm", "2027", "--as", "zhengfuban.office", "--json")
    together = change("calendar", "confirm", "2027", "--as", "fagaiwei.handler", "--json")

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


def test_a_year_that_is_not_announced_is_not_imported(run):
    unknown = run("calendar", "import", "2028", "--as", "zhengfuban.office")
    stranger = run("calendar", "import", "2026", "--as", "jia.applicant")

    assert (unknown.code, stranger.code) == (1, 1)
    assert "2028" in unknown.err


# Health


def test_a_whole_history_is_found_whole(run):
    verified = run("history", "verify", "--json")

    assert (verified.code, verified.json["ok"], verified.json["faults"]) == (0, True, [])
    assert verified.json["events"] >= 2
    assert run("history", "verify").code == 0


def plain(address):
    """Return the owner's URL as psycopg reads it."""
    return address.owner_url.replace("+psycopg", "")


def test_a_changed_event_is_found(change, own):
    with closing(psycopg.connect(plain(own))) as owner:
        owner.execute("ALTER TABLE event DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE event SET payload = payload || '{\"title\": \"x\"}' WHERE name = 'case_opened'"
        )
        owner.commit()

    verified = change("history", "verify", "--json")

    assert verified.code == 1
    assert [each["seq"] for each in verified.json["faults"]] == [1]
    assert "payload" in change("history", "verify").out


def checks(done):
    return {each["name"]: each["status"] for each in done.json["probes"]}


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


def test_the_doctor_counts_refused_timers(change, own):
    with closing(psycopg.connect(plain(own))) as owner:
        owner.execute("UPDATE timer SET fired_at = now(), problem = '条件不满足'")
        owner.commit()

    examined = change("doctor", "--json")

    assert checks(examined)["timers"] == "warning"


def test_a_port_that_is_taken_is_said_before_anything_starts(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        refused = run("serve", "--port", str(taken.getsockname()[1]))

    assert refused.code == 1
    assert "cannot be bound" in refused.err


@pytest.mark.soak
def test_a_measure_is_rehearsed_to_its_end_beside_the_database(run):
    before = run("history", "verify", "--json").json["events"]

    played = run("measures", "rehearse", "QD26-10b", "--json")

    [told] = played.json
    assert set(told) == {"id", "family", "states", "final", "events", "reminders", "days"}
    assert (told["id"], told["family"], told["final"]) == ("QD26-10b", "funds", "exited")
    assert run("history", "verify", "--json").json["events"] == before
