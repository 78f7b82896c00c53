"""Who is tied to whom: the doors of the register, the check and the recusals that rest on it."""

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from openpyxl import Workbook

from caseflow.batches.ties import HEADINGS
from caseflow.cases.checks.service import Checking, CheckLine, record_by_hand, run_checks
from caseflow.cases.service import Request
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.documents.service import path_of, receive_file
from caseflow.identity.successions.service import Following, record_succession
from caseflow.kernel.errors import Conflict, NotAllowed
from caseflow.reviews.checks.service import Finding
from caseflow.settings import read_settings
from tests.api.client import Client
from tests.api.conftest import application
from tests.factories.commands import Result
from tests.factories.identity import uscc_number
from tests.factories.ties import HANDLER, SOURCE, actor, identified, owned, resident, served
from tests.integration.kept_database import keep
from tests.integration.reviewing import MEASURE, Round, called
from tests.integration.walking import Town, found_town, visit

REVIEWER, AUDITOR = "shujuju.reviewer", "shenjiju.auditor"
MARKET, EXPERT = "shichangju.cosign", "zhuanjiaku.expert1"
BOSS, CLERK, SCHOLAR = "11010519491231002X", "440308199901101512", "330108199001017714"
DAY = timedelta(days=1)
codes = map(uscc_number, range(5000, 6000))


@pytest.fixture(scope="module")
def founded(server, founded_template, tmp_path_factory) -> Iterator[Town]:
    for database in keep(server, founded_template):
        home = tmp_path_factory.mktemp("town")
        yield found_town(database, home, measures=("QD26-7a", MEASURE))


@pytest.fixture
def town(founded: Town) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


@pytest.fixture(scope="module")
def client(founded: Town, tmp_path_factory) -> Iterator[Client]:
    home = str(tmp_path_factory.mktemp("home"))
    settings = read_settings({"CASEFLOW_HOME": home, "CASEFLOW_MAC_KEY": "ab" * 32})
    with application(settings, founded.house.cases) as app:
        VirtualClock(founded.house.database.connect).move_to(founded.now)
        yield Client(app)


@pytest.fixture
def run(town: Town, client: Client, tmp_path, monkeypatch, capsys):
    """Run a command on the same database."""
    address = town.house.database.address
    for name, value in (
        ("HOME", str(tmp_path / "home")), ("MAC_KEY", "ab" * 32), ("DATABASE_URL", address.url),
        ("OWNER_DATABASE_URL", address.owner_url),
    ):  # fmt: skip
        monkeypatch.setenv(f"CASEFLOW_{name}", value)

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def applicant_of(town: Town, case: str) -> str:
    return str(town.value('SELECT o.uscc FROM organisation o JOIN "case" c ON c.applicant_id = o.id'
                          " WHERE c.public_id = %s", case))  # fmt: skip


# --- the doors


@pytest.fixture(scope="module")
def body() -> dict[str, Any]:
    return {
        "kind": "shareholder", "holder": {"uscc": next(codes), "title": "甲集团"},
        "held": {"uscc": next(codes), "title": "乙公司"}, "percent": "33.3", "source": SOURCE,
        "valid_from": "2024-03-01",
    }  # fmt: skip


def test_a_tie_is_recorded_once_listed_ended_and_struck_out_by_another(client: Client, body, town):
    held = body["held"]["uscc"]
    person = {"title": "某甲", "identity": {"type": "resident_id", "number": BOSS}}
    director = {**body, "kind": "director", "holder": person}
    del director["percent"]

    made = client.done(client.post("/ties", HANDLER, body), 201)
    again = client.post("/ties", MARKET, body)
    chair = client.done(client.post("/ties", MARKET, director), 201)
    first = client.done(client.get("/ties", AUDITOR, code=held, limit=1))
    rest = client.done(client.get("/ties", AUDITOR, code=held, after=first["next"]))
    mine = client.post(f"/ties/{made['public_id']}/strike", HANDLER, {"reason": "录错"})
    ended = client.done(client.post(f"/ties/{made['public_id']}/end", HANDLER,
                                    {"valid_to": "2026-09-01"}))  # fmt: skip
    twice = client.post(f"/ties/{made['public_id']}/end", HANDLER, {"valid_to": "2026-09-02"})
    struck = client.done(client.post(f"/ties/{chair['public_id']}/strike", HANDLER,
                                     {"reason": "非本人"}))  # fmt: skip
    gone = client.post(f"/ties/{chair['public_id']}/strike", HANDLER, {"reason": "非本人"})
    on = {day: client.done(client.get("/ties", AUDITOR, code=held, on=day))["items"]
          for day in ("2024-02-29", "2024-03-01", "2026-09-01", "2026-09-02")}  # fmt: skip

    assert (made["percent"], made["kind_title"], made["holder"]) == (
        "33.3", "股东", body["holder"]["uscc"])  # fmt: skip
    assert (chair["holder"], chair["holder_title"]) == (None, "某甲")
    assert [again.status_code, mine.status_code, twice.status_code, gone.status_code] == [
        409, 403, 409, 409]  # fmt: skip
    assert [each["kind"] for page in (first, rest) for each in page["items"]] == [
        "director", "shareholder"]  # fmt: skip
    assert (rest["next"], ended["valid_to"], struck["struck_reason"]) == (
        None, "2026-09-01", "非本人")  # fmt: skip
    assert [len(items) for items in on.values()] == [0, 1, 1, 0]


def test_every_step_is_in_history_and_no_number_anywhere(client: Client, body, town: Town):
    told = town.sql("SELECT e.name, e.payload FROM event e JOIN tie t ON t.id = e.stream"
                    " ORDER BY e.stream, e.seq")  # fmt: skip
    kept = town.sql("SELECT to_jsonb(t)::text FROM tie t")

    assert [name for name, _ in told][:4] == [
        "tie_recorded", "tie_ended", "tie_recorded", "tie_struck"]  # fmt: skip
    assert told[0][1]["percent"] == "33.3"
    assert BOSS not in f"{told}{kept}"
    assert "某甲" not in str(told)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"percent": "0"}, 422),
        ({"percent": "100.0000001"}, 422),
        ({"kind": "controller"}, 422),
        ({"kind": "friend"}, 422),
        ({"held": {"title": "乙", "uscc": "1"}}, 422),
        ({"holder": {"title": "乙"}}, 422),
        ({"holder": {"login": "nobody-here"}}, 404),
        ({"holder": {"login": HANDLER}}, 422),
        ({"held": {"title": "某", "identity": {"type": "resident_id", "number": BOSS}}}, 422),
        ({"held": "same"}, 422),
        ({"source": " "}, 422),
        ({"valid_to": "2024-02-29"}, 422),
    ],
)
def test_what_is_no_tie_is_refused(client: Client, body, change: dict[str, Any], status: int):
    said = {**body, **change}
    if said["held"] == "same":
        said["held"] = said["holder"]

    assert client.post("/ties", HANDLER, said).status_code == status


def test_only_offices_read_and_only_bureaus_write(client: Client, body, town: Town):
    firm = town.value("SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id"
                      " WHERE a.role = 'applicant' LIMIT 1") if town.open() else ""  # fmt: skip
    pair = {"one": body["holder"]["uscc"], "other": body["held"]["uscc"]}
    tie = town.value("SELECT max(public_id) FROM tie")
    known = {"login": EXPERT, "identity": {"type": "resident_id", "number": SCHOLAR}}
    said = {"source": SOURCE, "file": (io.BytesIO(b"x"), "a.csv")}

    read = [client.get("/ties", who).status_code for who in (firm, EXPERT)]
    asked = [client.get("/ties/relation", who, **pair).status_code for who in (firm, EXPERT)]
    sent = client.ask("POST", "/ties/imports", AUDITOR, data=said,
                      content_type="multipart/form-data")  # fmt: skip
    written = [
        client.post(path, AUDITOR, what).status_code
        for path, what in (
            ("/ties", body), ("/ties/people", known),
            (f"/ties/{tie}/end", {"valid_to": "2026-09-01"}),
            (f"/ties/{tie}/strike", {"reason": "x"}),
        )
    ]  # fmt: skip

    assert (read, asked, sent.status_code, written) == ([403, 403], [403, 403], 403, [403] * 4)
    assert client.post("/ties/moon/end", HANDLER, {"valid_to": "2026-09-01"}).status_code == 404


def test_a_relation_names_its_ties_its_missing_owners_and_follows_successors(
    client: Client, town: Town
):
    old, one, other, parent = (next(codes) for _ in range(4))
    owned(town, old, parent, "80")
    owned(town, other, parent, "25")

    before = client.done(client.get("/ties/relation", AUDITOR, one=one, other=other))
    with town.house.database.session() as session:
        following = Following(old, one, "merger", "登记〔2026〕1号", date(2026, 8, 1))
        signer = town.house.cases.office.signer
        record_succession(session, following, actor(town, REVIEWER), town.now, signer=signer)
    after = client.done(client.get("/ties/relation", AUDITOR, one=one, other=other))
    early = client.done(
        client.get("/ties/relation", AUDITOR, one=old, other=other, on="2024-02-29")
    )

    assert (before["grade"], one in before["missing"], before["path"]) == ("unrelated", True, [])
    assert (after["grade"], set(after["missing"])) == ("related", {other, parent})
    assert [(tie["held"], tie["percent"], tie["source"]) for tie in after["path"]] == [
        (old, "80", SOURCE), (other, "25", SOURCE)]  # fmt: skip
    assert early["grade"] == "unrelated"


# --- a file


def test_a_file_is_taken_in_row_by_row_and_once(run, town: Town, tmp_path):
    firm, parent = next(codes), next(codes)
    head = ",".join(HEADINGS)
    rows = [
        f"股东,甲集团,{parent},,,乙公司,{firm},60,2024-03-01,",
        f"董事,某甲,,居民身份证,{BOSS},乙公司,{firm},,2024年3月1日,",
        f"股东,丙公司,{next(codes)},,,乙公司,{firm},1,2024-03-01,",  # 1 or 100%?
        f"同伴,丙公司,{next(codes)},,,乙公司,{firm},,2024-03-01,",
        f"董事,某甲,,驾驶证,{BOSS},乙公司,{firm},,2024-03-01,",
        f"股东,丁公司,{next(codes)},,,乙公司,{firm},0.5%,,",
    ]
    sheet = tmp_path / "股权.csv"
    sheet.write_text("\n".join([head, *rows]))
    command = ("ties", "import", str(sheet), "--source", SOURCE, "--as", MARKET)

    tried = run(*command, "--dry-run", "--json")
    kept = town.value("SELECT count(*) FROM tie WHERE held = %s", firm)
    sent = run(*command, "--json")
    told = run(*command)
    sheet.write_text("\n".join([head, rows[0] + "2026-08-31", rows[1].replace("董事", "监事")]))
    ended = run(*command, "--json")
    other = run(*command, "--json")
    sheet.write_text("\n".join([head, rows[0] + "2026-08-30"]))
    wrong = run(*command, "--json")

    assert (tried.code, tried.json["sha256"], kept) == (1, None, 0)
    outcomes = ["recorded", "recorded", "refused", "refused", "refused", "refused"]
    assert [row["result"] for row in tried.json["rows"]] == outcomes
    assert [row["result"] for row in sent.json["rows"]] == outcomes
    assert "须写百分号" in sent.json["rows"][2]["message"]
    assert ("此前已登记 2" in told.out, told.code) == (True, 1)
    assert [row["result"] for row in ended.json["rows"]] == ["ended", "recorded"]
    assert [row["result"] for row in other.json["rows"]] == ["already", "already"]
    assert "2026-08-31" in wrong.json["rows"][0]["message"]
    assert town.value("SELECT count(DISTINCT file_sha256) FROM tie WHERE held = %s", firm) == 2


def test_a_workbook_comes_in_by_http(client: Client):
    book, out = Workbook(), io.BytesIO()
    book.worksheets[0].append([f"{each}(%)" if each == "持股比例" else each for each in HEADINGS])
    book.worksheets[0].append(["股东", "甲", next(codes), None, None, "乙", next(codes), 33.3,
                               date(2024, 3, 1), None])  # fmt: skip
    book.save(out)
    said = {"source": SOURCE, "file": (io.BytesIO(out.getvalue()), "股权.xlsx")}

    sent = client.ask("POST", "/ties/imports", MARKET, data=said,
                      content_type="multipart/form-data")  # fmt: skip
    made = client.done(sent)
    line = client.done(client.get("/ties", AUDITOR, limit=1))["items"][0]

    assert made["counts"]["recorded"] == 1
    assert (line["percent"], line["file_sha256"]) == ("33.3", made["sha256"])


def test_the_commands_write_and_read_the_register(run, town: Town):
    firm, holder = next(codes), next(codes)
    by = ("--as", HANDLER)
    said = ("--held-title", "乙公司", "--source", SOURCE, "--valid-from", "2024-03-01", *by)

    known = run("ties", "identify", "zhuanjiaku.expert2", "--identity-number", CLERK, *by, "--json")
    added = run("ties", "add", "shareholder", firm, "--holder", holder, "--title", "甲",
                "--percent", "60", *said, "--json")  # fmt: skip
    expert = run("ties", "add", "officer", firm, "--holder-login", "zhuanjiaku.expert2", *said)
    person = run(
        "ties", "add", "controller", firm, "--identity-number", BOSS, "--title", "乙", *said
    )
    wrong = run("ties", "add", "shareholder", firm, "--holder", holder, "--title", "甲", *said)
    listed = run("ties", "list", "--holder", "zhuanjiaku.expert2", *by, "--json")
    paged = run("ties", "list", "--code", firm, "--limit", "1", "--on", "2026-09-07", *by)
    related = run("ties", "relation", holder, firm, *by)
    asked = run("ties", "relation", holder, firm, "--on", "2024-02-29", *by, "--json").json
    ended = run("ties", "end", added.json["public_id"], "--valid-to", "2026-09-01", *by)
    early = run("ties", "end", expert.out and listed.json[0]["public_id"], "--valid-to",
                "2024-02-29", *by)  # fmt: skip
    struck = run(
        "ties", "strike", listed.json[0]["public_id"], "--reason", "重名", "--as", REVIEWER
    )

    assert (known.json["ties"], [each.code for each in (added, expert, person)]) == (0, [0, 0, 0])
    assert (wrong.code, "持股比例" in wrong.err) == (1, True)
    assert [(row["kind"], row["holder_title"][-2:]) for row in listed.json] == [
        ("officer", listed.json[0]["holder_title"][-2:])]  # fmt: skip
    assert "--after" in paged.err
    assert ("存在关联关系" in related.out, asked["grade"]) == (True, "unrelated")
    assert (ended.code, early.code, struck.code) == (0, 1, 0)


# --- 非关联方 (手册§5.5)


def bought(town: Town, *sellers: str) -> str:
    """Return a case of the voucher whose contracts name these sellers."""
    case = town.reached("bureau_review")
    matters = [
        {"kind": "contract", "key": f"HT-{town.now:%H%M%S}{seller[8:16]}@{seller}"}
        for seller in sellers
    ]
    if matters:
        town.act(case, "name_matters", matters=matters)
    return case


def compared(town: Town, case: str) -> CheckLine:
    checking = Checking(kinds=("related_party",), again=True)
    (line,) = run_checks(town.house.cases, actor(town), case, checking, at=town.now)
    return line


def by_hand(town: Town, case: str, result: str = "pass") -> CheckLine:
    finding = Finding("related_party", result, "企业信用报告", town.now)
    files = town.house.cases.office.files
    return record_by_hand(
        town.house.cases, actor(town), case, finding,
        lambda: receive_file(files, io.BytesIO(b"%PDF-1.7\n%%EOF\n"), name="a.pdf", limit=99),
        at=town.now,
    )  # fmt: skip


def test_a_seller_with_other_owners_passes_and_the_evidence_says_what_was_looked_at(town: Town):
    seller = next(codes)
    case = bought(town, seller)
    mine = applicant_of(town, case)
    owned(town, mine, next(codes), "24")
    owned(town, mine, resident(BOSS), "76")
    owned(town, seller, resident(CLERK))

    line = compared(town, case)

    assert (line.status, line.result) == ("recorded", "pass")
    assert line.source == "本平台关联关系登记"
    assert line.reason == "未发现关联关系：与 1 个相对方比对"


def test_what_the_register_does_not_know_never_passes_and_a_person_decides(town: Town):
    seller, third = next(codes), next(codes)
    nobody, case = bought(town), bought(town, seller)
    mine = applicant_of(town, case)

    unnamed = compared(town, nobody)
    unknown = compared(town, case)
    owned(town, mine, resident(BOSS), "75")
    owned(town, seller, third, "80")
    half_known = compared(town, case)
    decided = by_hand(town, case)

    assert (unnamed.status, unnamed.check) == ("unanswered", None)
    assert "没有写明相对方" in str(unnamed.reason)
    assert f"没有 {mine}、{seller} 的股东" in str(unknown.reason)
    assert (half_known.status, f"没有 {mine}、{third} 的" in str(half_known.reason)) == (
        "unanswered", True)  # fmt: skip
    assert (decided.status, decided.result) == ("recorded", "pass")


@pytest.mark.parametrize(("percent", "result"), [("24.999999", "flag"), ("25", "veto")])
def test_a_common_owner_is_told_below_25_percent_and_vetoes_from_there(
    town: Town, percent: str, result: str
):
    seller, parent = next(codes), next(codes)
    case = bought(town, seller)
    mine = applicant_of(town, case)
    owned(town, mine, parent)
    owned(town, parent, resident(BOSS))
    owned(town, seller, resident(BOSS), percent)
    owned(town, seller, resident(CLERK), str(100 - float(percent)))

    line = compared(town, case)
    evidence = town.value('SELECT sha256 FROM "check" WHERE public_id = %s', line.check)
    told = path_of(town.house.cases.office.files, evidence).read_text()

    assert line.result == result
    assert "某股东为某企业的股东" in str(line.reason)
    assert SOURCE in told
    assert BOSS not in told
    if result == "veto":
        with pytest.raises(Conflict, match="与此不符"):
            by_hand(town, case)
        assert by_hand(town, case, "veto").result == "veto"


def test_who_was_related_when_it_bought_stays_so_after_selling_the_shares(town: Town):
    seller, parent = next(codes), next(codes)
    case = bought(town, seller)
    mine = applicant_of(town, case)
    bought_on = town.value('SELECT matter_on FROM "case" WHERE public_id = %s', case)
    owned(town, parent, resident(BOSS))
    owned(town, mine, parent)
    owned(town, seller, parent, valid_to=bought_on)
    owned(town, seller, resident(CLERK), valid_from=bought_on + DAY)
    town.now += 3 * DAY

    line = compared(town, case)

    assert (line.result, str(bought_on) in str(line.reason)) == ("veto", True)


# --- 回避 (手册§2.3(8)、§5.7)


def test_an_expert_tied_to_an_applicant_is_out_of_the_lot_with_the_reason(town: Town):
    found = called(town)
    case = found.applicants(1)[0]
    mine, employer = found.uscc(case), next(codes)
    owner, employee, small, free = (found.expert(), found.expert(employer), found.expert(),
                                    found.expert())  # fmt: skip
    for public_id, number in ((owner, SCHOLAR), (small, CLERK)):
        identified(town, town.value("SELECT login FROM person WHERE public_id = %s", public_id),
                   number)  # fmt: skip
    served(town, mine, SCHOLAR, "supervisor")
    owned(town, mine, employer, "30")
    owned(town, mine, next(codes), "24")
    owned(town, employer, resident(CLERK), "24")

    found.terms()
    drawn = found.draw()

    assert "本人——一方直接为另一方的股东、实际控制人或董监高" in drawn.pool[owner]
    assert "工作单位——" in drawn.pool[employee]
    assert (drawn.pool[small], drawn.pool[free]) == ("", "")
    assert owner not in drawn.panel
    _and_the_database_agrees(town, found, case)


def _and_the_database_agrees(town: Town, found: Round, case: str) -> None:
    """Somebody of the panel who buys shares later scores no more: nor does anybody for them."""
    expert = found.panel(case)[0]
    login = town.value("SELECT login FROM person WHERE id = %s", expert)
    late = "513436200001010014"
    identified(town, login, late)
    owned(town, found.uscc(case), resident(late), "0.1", valid_from=town.now.date())

    with pytest.raises(NotAllowed, match="登记为申报主体的股东"):
        found.score(case, expert, 50, 30)


@pytest.mark.parametrize(("days", "state"), [(-1, "reviewed"), (0, None), (1, "reviewed")])
def test_an_official_who_is_tied_to_the_applicant_takes_no_step_while_it_holds(
    town: Town, days: int, state: str | None
):
    case = town.reached("bureau_review")
    town.now += 10 * DAY
    handler = town.person(case, "lead_bureau.handler")
    login = town.value("SELECT login FROM person WHERE id = %s", handler)
    day = town.now.date() - days * DAY
    identified(town, login, BOSS)
    owned(town, applicant_of(town, case), resident(BOSS), valid_from=day, valid_to=day)
    step = town.step(case, "conclude_review")
    standing = town.standing(case)
    assert standing is not None
    request = Request("conclude_review", handler, town.now, town.sample(standing, step, {}))

    if state is None:
        with pytest.raises(NotAllowed, match="登记为申报主体的股东"):
            town.house.cases.act(case, request)
        assert town.value('SELECT recusal_of(id, %s) FROM "case" WHERE public_id = %s', handler,
                          case) is None  # fmt: skip  # as of the day the case last moved
    else:
        assert town.house.cases.act(case, request).state == state


def test_two_who_record_the_same_tie_at_once_record_it_once(town: Town):
    firm, holder = next(codes), next(codes)
    gate = threading.Barrier(4)

    def record(_: int) -> str:
        gate.wait()
        try:
            return owned(town, firm, holder)
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(record, range(4)))

    assert sorted(map(bool, made)) == [False, False, False, True]
    assert town.value("SELECT count(*) FROM tie WHERE held = %s", firm) == 1
