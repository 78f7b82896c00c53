"""The whole history by HTTP: what auditors read of it, page by page, and whether it is whole."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from caseflow.cli import main
from tests.api.client import Client
from tests.api.conftest import house_with_story
from tests.api.story import APPLICANT, AUDITOR, BEFORE_COSIGNING, DOCUMENTS, HANDLER, TOWN, Story
from tests.factories.commands import Result


def read(client: Client, **query: Any) -> list[dict[str, Any]]:
    """Read the feed to its last page."""
    found: list[dict[str, Any]] = []
    while True:
        page = client.done(client.get("/history/events", AUDITOR, **query))
        found += page["items"]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


@pytest.fixture(scope="module")
def submitted(shared_story: Story) -> str:
    case = shared_story.submitted()
    return str(shared_story.show(case)["case"]["number"])


def test_the_feed_has_every_event_once_in_the_order_of_time(shared_story: Story, submitted: str):
    whole = read(shared_story.client, limit=200)
    paged = read(shared_story.client, limit=7)

    assert paged == whole
    assert len({event["mark"] for event in whole}) == len(whole)
    assert [event["at"] for event in whole] == sorted(event["at"] for event in whole)
    assert {"policy", "call", "person", "organisation", "case", "budget_line"} <= {
        event["subject_kind"] for event in whole
    }


def test_an_event_tells_who_in_which_seat_of_which_organisation(
    shared_story: Story, submitted: str
):
    own = [e for e in read(shared_story.client) if e["subject"] == submitted]

    told = [(e["seq"], e["event"], e["actor"], e["seat"], e["organisation_title"]) for e in own]
    firm = "启东第1智能科技有限公司"
    assert told == [
        (1, "case_opened", APPLICANT, "applicant", firm),
        (2, "submit", APPLICANT, "applicant", firm),
    ]


def test_what_is_done_outside_cases_tells_the_seat_too(shared_story: Story, submitted: str):
    found = [e for e in read(shared_story.client) if e["event"] == "funds_appropriated"]

    assert {(e["seat"], e["organisation_title"]) for e in found} == {
        ("finance_division", "市财政局")
    }
    assert shared_story.client.done(shared_story.client.get("/history/verification", AUDITOR))["ok"]


def test_whoever_comes_in_and_whatever_is_brought_is_an_event(shared_story: Story, submitted: str):
    told = read(shared_story.client, actor=APPLICANT)
    by_name = {e["event"]: e for e in told}
    papers = [e["payload"] for e in told if e["event"] == "document_uploaded"]

    assert by_name["person_registered"]["subject"] == APPLICANT
    assert by_name["applicant_registered"]["payload"]["territory"] == "huilong"
    assert [each["case"] for each in papers].count(submitted) == len(DOCUMENTS)
    assert {len(each["sha256"]) for each in papers} == {64}


def test_a_paper_does_not_move_the_case(shared_story: Story):
    story, case = shared_story, shared_story.draft()
    before = story.show(case, APPLICANT)["case"]["version"]

    story.client.done(story.client.upload(case, APPLICANT, "contract"), 201)

    assert story.show(case, APPLICANT)["case"]["version"] == before


@pytest.fixture(scope="module")
def passed(server, founded_template, tmp_path_factory) -> Iterator[tuple[Story, str]]:
    """A house with one submitted case, a week later."""
    with house_with_story(server, founded_template, tmp_path_factory.mktemp("week")) as story:
        case = story.submitted()
        story.move_clock("2026-06-08T16:05:00Z")
        yield story, case


def test_what_a_clock_let_happen_names_the_clock(passed: tuple[Story, str]):
    story, case = passed

    (accepted,) = read(story.client, event="auto_accept")
    shown = story.client.done(story.client.get(f"/cases/{case}/events", TOWN))["items"]

    assert (accepted["actor"], accepted["clock"]) == ("system", "受理时限")
    assert [e["clock"] for e in shown] == [None, None, "受理时限"]


def test_the_feed_is_filtered_by_time_person_and_name(shared_story: Story, submitted: str):
    client = shared_story.client
    from_call = read(client, since="2026-06-01T01:00:00Z")
    before = read(client, until="2026-06-01T01:00:00Z")

    assert len(from_call) + len(before) == len(read(client))
    assert {e["event"] for e in read(client, event="submit")} == {"submit"}
    assert read(client, actor="nobody.at.all") == []


@pytest.mark.parametrize("login", [APPLICANT, HANDLER, TOWN])
def test_nobody_but_an_auditor_reads_it(shared_story: Story, login: str):
    for path in ("/history/events", "/history/verification"):
        assert shared_story.client.get(path, login).status_code == 403


@pytest.mark.parametrize("mark", ["x", "1", "1.", "-1.2", "１.2", "9" * 40 + ".1"])
def test_a_mark_that_is_none_is_refused(shared_story: Story, mark: str):
    for path in ("/history/events", "/history/verification"):
        answer = shared_story.client.get(path, AUDITOR, after=mark)

        assert answer.status_code == 422
        assert "after" in answer.get_json()["fields"]


def verified(client: Client, **query: Any) -> tuple[int, list[Any]]:
    events, faults = 0, []
    while True:
        page = client.done(client.get("/history/verification", AUDITOR, **query))
        events, faults = events + page["events"], faults + page["faults"]
        assert page["ok"] is not bool(page["faults"])
        if page["next"] is None:
            return events, faults
        query["after"] = page["next"]


def test_pages_verify_all_events_and_find_the_one_that_was_changed(passed: tuple[Story, str]):
    story, case = passed
    count = len(read(story.client))

    whole, pages = verified(story.client), verified(story.client, limit=5)
    owner = story.client.app.extensions["caseflow"].cases.database.address.owner_url
    with psycopg.connect(owner.replace("+psycopg", "")) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER USER")
        connection.execute("UPDATE event SET payload = '{}' WHERE name = 'submit'")
    _, faults = verified(story.client, limit=5)

    assert case
    assert whole == pages == (count, [])
    assert [fault["what"] for fault in faults] == ["its payload is not the one it commits to"]


@pytest.mark.soak
def test_a_task_that_was_handed_over_is_answered_in_the_name_of_who_took_it(shared_story: Story):
    story, case = shared_story, shared_story.submitted()
    story.run(case, BEFORE_COSIGNING[1:])
    moved = {"organisation": "yingjiju", "reason": "应急部门主管"}
    said = {"verdict": "pass", "note": "无异议"}

    story.run(case, (("shichangju.cosign", "hand_over", moved),))
    story.run(case, (("yingjiju.cosign", "answer_seat", said),))

    last = story.client.done(story.client.get(f"/cases/{case}/events", AUDITOR))["items"][-1]
    assert (last["seat"], last["organisation"]) == ("cosign.market", "市应急管理局")


def test_the_command_lists_the_same(
    shared_story: Story, submitted: str, monkeypatch, tmp_path, capsys
):
    story = shared_story
    address = story.client.app.extensions["caseflow"].cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    def run(*arguments: str) -> Result:
        code = main(("history", "list", "--limit", "200", *arguments))
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    listed = run("--as", AUDITOR, "--event", "submit", "--json")
    refused = run("--as", HANDLER, "--json")
    table = run("--as", AUDITOR, "--since", "2026-06-01T09:00:00+08:00")

    told = [event["mark"] for event in read(story.client, event="submit")]
    assert submitted in [row["subject"] for row in listed.json]
    assert [row["mark"] for row in listed.json] == told
    assert {row["event"] for row in listed.json} == {"submit"}
    assert (refused.code, table.code) == (1, 0)
    assert json.loads(refused.err or refused.out)
    assert "case_opened" in table.out
