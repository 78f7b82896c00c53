"""Experts by HTTP and on the command line: the pool, a draw, blind sheets, the ranking, 递补."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook

from caseflow.cases.blind import HIDDEN
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.settings import read_settings
from tests.api.client import Client
from tests.api.conftest import application
from tests.factories.commands import Result
from tests.integration.kept_database import keep
from tests.integration.reviewing import MEASURE, OPINION, Round, called
from tests.integration.test_expert_review import login_of
from tests.integration.walking import found_town

TERMS = {
    "criteria": [
        {"code": "innovation", "title": "创新性", "weight": 60},
        {"code": "effect", "title": "成效", "weight": 40},
    ],
    "tie_rule": ["effect"],
    "quota": 1,
}
PANEL = {"document_no": "评审〔2026〕1号"}
PROMOTION = {"reason": "第一名撤回", "minutes_no": "纪要3号"}
FIRST = ["shortlisted", "waitlisted"]


@pytest.fixture(scope="module")
def call(server, founded_template, tmp_path_factory) -> Iterator[Round]:
    """A call with two cases whose panels are to be drawn."""
    for database in keep(server, founded_template):
        town = found_town(database, tmp_path_factory.mktemp("town"), measures=(MEASURE,))
        found = called(town)
        found.applicants(2)
        yield found


@pytest.fixture(scope="module")
def client(call: Round, tmp_path_factory) -> Iterator[Client]:
    home = str(tmp_path_factory.mktemp("home"))
    settings = read_settings({"CASEFLOW_HOME": home, "CASEFLOW_MAC_KEY": "ab" * 32})
    with application(settings, call.town.house.cases) as app:
        VirtualClock(call.town.house.database.connect).move_to(call.town.now)
        yield Client(app)


@pytest.fixture
def run(call: Round, client: Client, monkeypatch, tmp_path, capsys):
    """Run a command on the same database."""
    address = call.town.house.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def done(answer, status: int = 201):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def test_the_pool_is_the_lead_bureaus_and_an_expert_sees_only_themselves(
    client: Client, call: Round, run
):
    body = {"login": "zhuanjiaku.expert1", "employer": "南通大学", "fields": ["算力"]}
    handler = call.handler()

    made = done(client.post("/experts", handler, body))
    refused = client.post("/experts", "shuiwuju.cosign", body)
    wrong = client.post("/experts", handler, {**body, "holdings": ["1"]})
    nobody = client.post("/experts", handler, {**body, "login": handler})
    early = client.post("/experts", handler, {**body, "active_to": "2020-01-01"})
    page = done(client.get("/experts", handler, limit=2), 200)
    rest = done(client.get("/experts", handler, after=page["next"]), 200)
    own = done(client.get("/experts", "zhuanjiaku.expert1"), 200)["items"]
    none = done(client.get("/experts", "shuiwuju.cosign"), 200)["items"]
    told = run("experts", "add", "zhuanjiaku.expert2", "--employer", "某所", "--as", handler)
    listed = run("experts", "list", "--limit", "1", "--as", handler)

    audited = done(client.get("/experts", "shenjiju.auditor"), 200)["items"]

    assert len(audited) == 10
    assert (made["fields"], made["employer"]) == (["算力"], "南通大学")
    assert [each.status_code for each in (refused, wrong, nobody, early)] == [403, 422, 404, 422]
    assert (len(page["items"]), len(rest["items"])) == (2, 8)
    assert ([each["public_id"] for each in own], none) == ([made["public_id"]], [])
    assert told.code == 0
    assert "more" in listed.err


def test_a_recusal_is_an_experts_own_and_keeps_them_out(client: Client, call: Round, run):
    applicant = call.town.value(
        'SELECT o.public_id FROM organisation o JOIN "case" c ON c.applicant_id = o.id'
        " WHERE c.public_id = %s",
        call.cases[0],
    )
    words = {"applicant": applicant, "reason": "亲属任职"}
    extra = call.expert()
    login = login_of(call.town, call.town.value(PERSON, extra))

    first = done(client.post("/experts/recusals", login, words))
    again = run("experts", "recuse", applicant, "--reason", "又说", "--as", login)
    stranger = client.post("/experts/recusals", call.handler(), words)
    nobody = client.post("/experts/recusals", login, {**words, "applicant": "moon"})

    assert (first["reason"], again.code) == ("亲属任职", 0)
    assert (stranger.status_code, nobody.status_code) == (403, 404)


PERSON = "SELECT id FROM person WHERE public_id = %s"


@pytest.fixture(scope="module")
def reviewed(client: Client, call: Round) -> dict[str, Any]:
    """What the doors said while a panel was drawn, looked at the cases blind, and was refilled."""
    handler, path, case = call.handler(), f"/calls/{call.call}", call.cases[0]
    events = f"/cases/{case}/events"
    said = {"by_hand": client.post(events, handler, {"event": "draw_experts", "payload": PANEL})}
    done(client.post(f"{path}/review-terms", handler, TERMS))
    said["drawn"] = done(client.post(f"{path}/panel", handler, {**PANEL, "size": 5}))
    said["nothing_left"] = client.post(f"{path}/panel", handler, PANEL)
    expert = login_of(call.town, call.panel(case)[0])
    said["seen"] = done(client.get(f"/cases/{case}", expert), 200)
    said["closed"] = [
        client.get(f"/cases/{case}/{part}", expert).status_code
        for part in ("events", "documents", "review")
    ]
    left = {"event": "decline_review", "payload": {"reason": "亲属任职"}}
    done(client.post(events, expert, left), 200)
    call.expert()
    refill = f"/cases/{case}/panel/replacements"
    said["refilled"] = done(client.post(refill, handler, {"reason": "回避"}))
    return said


def test_a_panel_is_drawn_judges_blind_and_is_refilled(reviewed: dict[str, Any]):
    assert "尚未抽取" in reviewed["by_hand"].get_json()["detail"]
    assert len(reviewed["drawn"]["panel"]) == 5
    assert reviewed["nothing_left"].status_code == 409
    assert reviewed["seen"]["case"]["applicant_title"] == HIDDEN
    assert reviewed["closed"] == [403, 403, 403]
    assert reviewed["refilled"]["panel"][0] not in reviewed["drawn"]["panel"]


@pytest.mark.usefixtures("reviewed")
def test_a_call_is_ranked_and_promoted_over_both_doors(client: Client, call: Round, run, tmp_path):
    handler, path = call.handler(), f"/calls/{call.call}"
    case, other = call.cases
    for each, points in ((case, 90), (other, 80)):
        call.scored(each, points, points)
    shown = done(client.get(f"{path}/ranking", handler), 200)
    ranked = run("experts", "rank", call.call, "--apply", "--as", handler, "--json").json
    rerun = done(client.post(f"{path}/ranking", handler), 200)
    page = done(client.get(f"{path}/reviews", handler, limit=1), 200)
    book = client.get(f"{path}/reviews.xlsx", handler)
    told = run("experts", "reviews", call.call, "-o", str(tmp_path / "r.xlsx"), "--as", handler)
    promote = ("experts", "promote", call.call, "--reason", "x", "--minutes-no", "1")
    full = run(*promote, "--as", handler)
    call.town.act(case, "withdraw")
    promoted = done(client.post(f"{path}/promotions", handler, PROMOTION))
    nobody = run(*promote, "--as", handler)
    history = done(client.get(f"/cases/{case}/events", applicant_of(call, case)), 200)["items"]

    for ranking, results in ((shown, FIRST), (ranked, FIRST), (rerun, ["ranked", "ranked"])):
        assert [line["result"] for line in ranking["lines"]] == results
    assert page["items"][0]["score"] == "90.00"
    assert page["next"] == page["items"][0]["number"]
    assert load_workbook(io.BytesIO(book.data)).sheetnames == ["专家评审汇总表", "评审意见表"]
    assert (told.code, (tmp_path / "r.xlsx").exists()) == (0, True)
    assert (full.code, nobody.code, promoted["case"]) == (1, 1, other)
    scored = [each for each in history if each["event"] == "score_case"]
    assert {each["actor_name"] for each in scored} == {"评审专家"}
    assert OPINION not in json.dumps(scored, ensure_ascii=False)


@pytest.mark.usefixtures("reviewed")
def test_what_panels_said_is_read_by_page_and_by_stage(client: Client, call: Round, run):
    handler, case = call.handler(), call.cases[0]
    page = done(client.get(f"/calls/{call.call}/reviews", handler, limit=1), 200)
    paged = ("experts", "reviews", call.call, "--limit", "1", "--as", handler)

    first, second = run(*paged, "--json"), run(*paged, "--after", page["next"], "--json")
    absent = client.get(f"/cases/{case}/review", handler, stage="defence")
    read = run("experts", "review", case, "--as", handler)

    assert [each["case"] for each in (*first.json, *second.json)] == call.cases
    assert f"--after {page['next']}" in first.err
    assert (absent.status_code, read.code) == (404, 0)


@pytest.mark.soak
@pytest.mark.usefixtures("reviewed")
def test_the_service_ledger_is_read_over_both_doors(client: Client, call: Round, run, tmp_path):
    handler, path = call.handler(), "/experts/service"
    file = tmp_path / "service.xlsx"

    page = done(client.get(path, handler, limit=3), 200)
    rest = done(client.get(path, handler, after=page["next"], limit=200), 200)
    left = [e for e in (*page["items"], *rest["items"]) if e["status"] == "declined"]
    totals = done(client.get(f"{path}/totals", handler, expert=left[0]["expert"]), 200)["items"]
    book = client.get(f"{path}.xlsx", handler, since="2026-01-01")
    told = run("experts", "service", "-o", str(file), "--limit", "2", "--as", handler, "--json")
    shown = run("experts", "service", "--totals", "--since", "2026-01-01", "--as", handler)
    names = {name: client.get(path, name).status_code
             for name in ("shuiwuju.cosign", "zhuanjiaku.expert1", "shenjiju.auditor")}  # fmt: skip
    wrong = [client.get(path, handler, **q).status_code for q in ({"after": "x"}, {"since": "x"})]

    assert [each["reason"] for each in left] == ["亲属任职"]
    assert [(each["declined"], each["drawn"]) for each in totals] == [(1, 1)]
    assert load_workbook(io.BytesIO(book.data)).sheetnames == ["专家履职汇总", "专家履职明细"]
    assert 'filename="expert-service.xlsx"' in book.headers["Content-Disposition"]
    assert (len(told.json), file.exists(), shown.code) == (2, True, 0)
    assert names == {
        "shuiwuju.cosign": 403, "zhuanjiaku.expert1": 403, "shenjiju.auditor": 200,
    }  # fmt: skip
    assert wrong == [422, 422]


def applicant_of(call: Round, case: str) -> str:
    """Return the login of a person of the case's applicant."""
    return str(
        call.town.value(
            "SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id"
            ' JOIN "case" c ON c.applicant_id = a.organisation_id WHERE c.public_id = %s',
            case,
        )
    )


def test_a_single_case_is_drawn_and_refilled_on_the_command_line(call: Round, client, run):
    case = call.town.open(MEASURE, call=called(call.town).call)
    call.town.walk(case, "expert_panel")
    call.expert()
    VirtualClock(call.town.house.database.connect).move_to(call.town.now)
    handler = call.handler()

    both = run("experts", "draw", "--document-no", "1", "--as", handler)
    drawn = run("experts", "draw", case, "--document-no", "1", "--as", handler, "--json").json
    replaced = run("experts", "replace", case, "--reason", "失职", "--expert", drawn["panel"][0],
                   "--as", handler, "--json").json  # fmt: skip
    full = run("experts", "replace", case, "--reason", "无", "--as", handler)
    gone = run("experts", "replace", case, "--reason", "无", "--expert", "moon", "--as", handler)
    away = run("experts", "replace", case, "--reason", "无", "--expert", replaced["panel"][0],
               "--ground", "absent", "--as", handler)  # fmt: skip
    some = run("experts", "draw", case, "--only", case, "--document-no", "1", "--as", handler)
    wrong = run("experts", "terms", "x", "--criterion", "a", "--as", handler)
    review = client.get(f"/cases/{case}/review", handler).get_json()
    printed = run("experts", "review", case, "--stage", "expert_review", "--as", handler, "--json")
    shown = done(client.get(f"/cases/{case}/panel", handler), 200)["items"]
    listed = run("experts", "draws", case, "--as", handler, "--json").json
    outsider = client.get(f"/cases/{case}/panel", login_of(call.town, call.panel(case)[0]))

    assert [drawn, replaced] == shown == listed
    assert outsider.status_code == 403
    assert (both.code, full.code, gone.code, wrong.code) == (2, 1, 1, 2)
    assert (away.code, some.code) == (1, 2)
    assert printed.json == review
    assert "网上评审没有到场" in away.err
    assert replaced["panel"][0] not in drawn["panel"]
    assert (review["waiting"], review["conclusion"]) == (5, "评审中")
    assert "失职" in {each["reason"] for each in review["left"]}
