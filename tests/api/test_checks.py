"""Checks over HTTP: recorded, asked for, sent in as lists, seen by whom they concern."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from openpyxl import Workbook

from caseflow.batches.checks import HEADINGS
from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.settings import read_settings
from tests.api.client import Client
from tests.api.conftest import application
from tests.api.story import APPLICANT, AUDITOR, BEFORE_COSIGNING, HANDLER, REVIEWER, Story
from tests.conftest import ROOT, _copy
from tests.factories.fact_source import FactServer, fact_server
from tests.factories.identity import uscc_number

DAY = "2026-06-01"
FIRM = "启东第1智能科技有限公司"


@pytest.fixture(scope="module")
def platform() -> Iterator[FactServer]:
    with fact_server() as running:
        yield running


@pytest.fixture(scope="module")
def told(server, founded_template, tmp_path_factory, platform) -> Iterator[Story]:
    """A story in a city whose credit platform answers."""
    settings = read_settings(
        {
            "CASEFLOW_HOME": str(tmp_path_factory.mktemp("house")),
            "CASEFLOW_MAC_KEY": "ab" * 32,
            "CASEFLOW_SOURCE_QD_CREDIT_URL": platform.url,
            "CASEFLOW_SOURCE_QD_CREDIT_TOKEN": "sesame",
        }
    )
    with contextmanager(_copy)(server, founded_template) as city:
        cases = assemble(city, settings, ROOT, ids=PublicIds(random.Random(2)))
        with application(settings, cases) as app:
            story = Story(Client(app))
            story.prepare()
            yield story


@pytest.fixture(scope="module")
def case(told: Story) -> str:
    """A submitted case that nobody moves on."""
    return told.submitted()


def run(story: Story, case: str, login: str = HANDLER, **said):
    answer = story.client.post(f"/cases/{case}/checks/runs", login, said)
    return story.client.done(answer)["lines"]


def listed(story: Story, case: str, login: str = AUDITOR):
    return story.client.done(story.client.get(f"/cases/{case}/checks", login))


def send(story: Story, rows: list[tuple], login: str = HANDLER, mode: str = "import", **said):
    book = Workbook()
    book.active.append(HEADINGS)
    for row in rows:
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    data = {"source": "credit_list", "mode": mode, **said}
    return story.client.post_file(
        "/checks/imports", login, data, content=made.getvalue(), name="名单.xlsx"
    )


def test_a_source_is_asked_once_a_day_and_its_answer_moves_the_case(told: Story, platform):
    firm = told.register("zhou.wu", number=5)
    case = told.draft("zhou.wu", applicant=firm)
    told.complete(case, "zhou.wu")
    told.run(case, (("zhou.wu", *BEFORE_COSIGNING[0][1:]), *BEFORE_COSIGNING[1:3]))
    platform.asked.clear()

    first, again = run(told, case), run(told, case)
    anew = run(told, case, again=True)
    moved = told.client.act(case, "huilong_zhen.head", "recommend")

    assert [line["status"] for line in (*first, *again, *anew)] == [
        "recorded", "already", "recorded",
    ]  # fmt: skip
    assert first[0]["check"] == again[0]["check"] != anew[0]["check"]
    assert len(platform.asked) == 2
    assert platform.asked[0][1]["holder"] == uscc_number(5)
    assert moved.status_code == 200
    event = told.client.done(told.client.get(f"/cases/{case}/events", AUDITOR))["items"][-1]
    assert event["payload"]["checks"][0][0] == anew[0]["check"]


def test_a_veto_is_seen_told_and_repaired(told: Story, platform):
    case = told.submitted()
    told.run(case, BEFORE_COSIGNING[1:])
    platform.answers = [{"result": "veto", "note": "列入失信被执行人名单"}]

    (line,) = run(told, case, again=True)
    seen, shown = listed(told, case), listed(told, case, APPLICANT)
    detail = told.show(case)
    repaired = told.check(case, "pass", source="信用修复决定书")

    assert (line["result"], line["reason"]) == ("veto", "列入失信被执行人名单")
    assert {point["standing"] for point in seen["points"]} == {"vetoed"}
    assert seen["page"]["items"][0]["note"] == "列入失信被执行人名单"
    assert shown["page"]["items"][0]["result"] == "veto"
    assert {each["note"] for each in shown["page"]["items"]} == {""}
    assert "为“否决”" in detail["checks"][0]["reasons"][0]
    events = told.client.done(told.client.get(f"/cases/{case}/events", AUDITOR))["items"]
    assert events[-1]["title"] == "核查发现否决情形"
    assert repaired["status"] == "recorded"
    assert {point["standing"] for point in listed(told, case)["points"]} == {"passed"}


def test_a_source_that_is_down_passes_nothing(told: Story, platform, case: str):
    platform.answers = [404]

    (line,) = run(told, case, again=True)

    assert (line["status"], line["check"]) == ("unanswered", None)
    (none,) = run(told, case, kinds=["safety"])
    assert none["status"] == "no_source"


def test_the_same_finding_told_twice_is_one_check(told: Story, case: str):
    said = {"kind": "territory", "note": "属地核实", "queried_at": "2026-06-01T00:30:00Z"}

    one, two = told.check(case, **said), told.check(case, **said)

    assert (one["status"], two["status"]) == ("recorded", "already")
    assert one["check"] == two["check"]


def test_the_snapshot_is_for_officials_and_is_what_was_sent(told: Story, case: str):
    check = told.check(case)["check"]
    path = f"/cases/{case}/checks/{check}/evidence"

    sent = told.client.get(path, AUDITOR)

    assert (sent.status_code, sent.data[:4]) == (200, b"%PDF")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    sent.close()
    assert told.client.get(path, APPLICANT).status_code == 403
    assert told.client.get(f"/cases/{case}/checks/none/evidence", AUDITOR).status_code == 404


def test_strangers_record_and_run_nothing(told: Story, case: str):
    form = {"kind": "credit", "result": "pass", "source": "x"}

    for login in (APPLICANT, AUDITOR):
        assert told.client.post_file(f"/cases/{case}/checks", login, form).status_code == 403
        assert told.client.post(f"/cases/{case}/checks/runs", login, {}).status_code == 403
    other = "nantong.applicant"
    told.client.done(told.client.post("/people", None, {"login": other, "name": "他人"}), 201)
    assert told.client.post(f"/cases/{case}/checks/runs", other, {}).status_code == 404
    for wrong in ({"result": "unanswered"}, {"kind": "luck"}, {"kind": "first_time"}):
        bad = told.client.post_file(f"/cases/{case}/checks", HANDLER, {**form, **wrong})
        assert bad.status_code == 422, wrong


@pytest.mark.soak
def test_a_whole_call_is_checked_at_once_and_again_costs_nothing(told: Story, platform, case: str):
    cases = [case, told.submitted()]
    path = f"/calls/{told.call}/checks"
    platform.asked.clear()

    first = told.client.done(told.client.post(path, HANDLER, {"kinds": ["credit"], "again": True}))
    second = told.client.done(told.client.post(path, HANDLER, {"kinds": ["credit"]}))

    assert {each["case"] for each in first["cases"]} >= set(cases)
    assert first["counts"]["recorded"] == len(platform.asked) == len(first["cases"])
    assert second["counts"]["already"] == len(second["cases"])
    assert told.client.post("/calls/none/checks", HANDLER, {}).status_code == 404
    auditors = told.client.done(told.client.post(path, AUDITOR, {}))
    assert auditors["counts"]["refused"] == len(auditors["cases"])


def test_a_list_is_taken_in_row_by_row_and_once(told: Story, case: str):
    rows = [
        (uscc_number(1), FIRM, "信用审查", "通过", DAY, "未见异常"),
        (uscc_number(1), "别的公司", "信用审查", "通过", DAY, None),
        (uscc_number(1), FIRM, "安全生产核查", "通过", DAY, None),
        (uscc_number(1), FIRM, "运气", "通过", DAY, None),
        (uscc_number(1), FIRM, "credit", "好", DAY, None),
        (uscc_number(1), FIRM, "credit", "pass", "昨天", None),
        (uscc_number(1), FIRM, "credit", "pass", "2026-02-30", None),
        (uscc_number(1), FIRM, "credit", "pass", "2026-06-02", None),
        (uscc_number(1), FIRM, "credit", "pass", "2026-05-01", None),
        (uscc_number(2), FIRM, "信用审查", "通过", DAY, None),
        ("1" * 18, FIRM, "信用审查", "通过", DAY, None),
    ]

    tried = told.client.done(send(told, rows, mode="try"))
    done, again = told.client.done(send(told, rows)), told.client.done(send(told, rows))

    assert (tried["recorded"], tried["dry_run"], tried["sha256"]) == (1, True, None)
    assert (done["recorded"], done["refused"], len(done["sha256"])) == (1, 10, 64)
    assert (again["recorded"], again["already"]) == (0, 1)
    words = [row["message"] for row in done["rows"]]
    expected = (
        "通过",
        "不一致",
        "不提供",
        "须为",
        "须为",
        "须如",
        "须如",
        "晚于",
        "有效期",
        "没有",
    )
    for said, word in zip(words, expected, strict=False):
        assert word in said


def test_a_veto_of_a_list_holds_up_the_live_cases(told: Story, case: str):
    at = "2026-06-01 09:00"

    done = told.client.done(send(told, [(uscc_number(1), FIRM, "信用审查", "否决", at, "失信")]))

    assert done["held"] >= 1
    assert listed(told, case)["points"][0]["standing"] == "vetoed"
    told.check(case)


def test_a_list_needs_its_headings_a_source_and_a_seat(told: Story):
    rows = [(uscc_number(1), FIRM, "信用审查", "通过", DAY, None)]

    assert send(told, rows, APPLICANT).status_code == 403
    assert send(told, rows, source="nobody").status_code == 404
    data = {"source": "credit_list"}
    for content, name in ((b"a,b\n1,2\n", "a.csv"), (b"x", "a.pdf")):
        answer = told.client.post_file(
            "/checks/imports", REVIEWER, data, content=content, name=name
        )
        assert answer.status_code == 422, name
