"""Bulk acts by HTTP: looked at before, asked for, carried by the sweeps, cancelled, taken up."""

import io
import itertools

import pytest
from openpyxl import load_workbook

from tests.api.story import AUDITOR, BEFORE_COSIGNING, MEASURE, REVIEWER, TOWN, Story

ACCEPT = {"event": "accept"}
MINUTES = itertools.count(1)


@pytest.fixture
def story(shared_story: Story) -> Story:
    """The story of the module; every test has cases of its own in it."""
    return shared_story


def call_of_its_own(story: Story) -> str:
    """Publish another call; returns its id."""
    body = {
        "measure": MEASURE, "title": "另一通知",
        "opens_on": "2026-06-01", "closes_on": "2026-06-30",
    }  # fmt: skip
    return str(story.client.done(story.client.post("/calls", REVIEWER, body), 201)["public_id"])


def sweep(story: Story) -> None:
    """Let the next minute come, and happen what is due."""
    story.move_clock(f"2026-06-01T10:{next(MINUTES):02}:00+08:00")


def test_a_bulk_act_is_looked_at_asked_for_and_done_by_the_sweep(story: Story):
    client, cases = story.client, [story.submitted() for _ in range(3)]
    story.run(cases[2], ((TOWN, "accept", {}),))
    body = {**ACCEPT, "cases": cases}

    looked = client.done(client.post("/bulk-acts/precheck", TOWN, {**body, "limit": 2}))
    headers = {"Idempotency-Key": "once"}
    asked = client.done(client.post("/bulk-acts", TOWN, body, headers), 202)
    again = client.done(client.post("/bulk-acts", TOWN, body, headers), 202)
    sweep(story)
    path = f"/bulk-acts/{asked['public_id']}"
    shown = client.done(client.get(path, TOWN))
    refused = client.done(client.get(f"{path}/items", AUDITOR, status="refused"))["items"]
    sheet = client.get(f"{path}/results", TOWN)
    other = client.post("/bulk-acts", TOWN, {**ACCEPT, "cases": cases[:1]}, headers)

    assert (looked["count"], looked["allowed"], looked["next"]) == (3, 2, 2)
    assert asked["public_id"] == again["public_id"]
    assert (asked["status"], asked["pending"]) == ("running", 3)
    assert (shown["status"], shown["done"], shown["refused"]) == ("done", 2, 1)
    assert [each["case"] for each in refused] == [cases[2]]
    assert "属地初审" in refused[0]["reason"]
    assert load_workbook(io.BytesIO(sheet.data)).active is not None
    assert other.status_code in {409, 422}
    assert client.get(path, "jiaotongju.handler").status_code == 404
    assert client.done(client.get("/bulk-acts", "jiaotongju.handler"))["items"] == []
    done = client.done(client.get("/bulk-acts", TOWN, status="done"))["items"]
    assert [each["public_id"] for each in done].count(asked["public_id"]) == 1


@pytest.mark.soak
def test_what_is_left_is_cancelled_and_taken_up(story: Story):
    client, call = story.client, call_of_its_own(story)
    case = story.draft(call=call)
    story.complete(case)
    story.run(case, BEFORE_COSIGNING[:1])
    body = {**ACCEPT, "filter": {"call": call, "state": "submitted"}}
    asked = client.done(client.post("/bulk-acts", TOWN, body), 202)
    path = f"/bulk-acts/{asked['public_id']}"

    cancelled = client.done(client.post(f"{path}/cancel", TOWN))
    twice = client.post(f"{path}/cancel", TOWN)
    stranger = client.post(f"{path}/resume", AUDITOR, {})
    resumed = client.done(client.post(f"{path}/resume", TOWN, {"refused_too": True}))
    sweep(story)

    assert (cancelled["status"], cancelled["cancelled"]) == ("cancelled", 1)
    assert (twice.status_code, stranger.status_code) == (409, 404)
    assert resumed["status"] == "running"
    assert story.show(case)["case"]["state"] == "district_review"


def test_a_bulk_act_that_says_too_little_or_what_it_may_not_is_refused(story: Story):
    client, case = story.client, story.draft()
    bodies = (
        ACCEPT,
        {**ACCEPT, "cases": [case], "filter": {"state": "submitted"}},
        {**ACCEPT, "cases": [case], "colour": "red"},
        {**ACCEPT, "cases": [case], "payload": {"publicity_id": 1}},
        {"event": "publicise", "cases": [case]},
        {**ACCEPT, "cases": [case], "values": {case: "x"}},
    )

    answers = [client.post("/bulk-acts", TOWN, body).status_code for body in bodies]
    unknown = client.post("/bulk-acts", TOWN, {**ACCEPT, "cases": ["nothing"]})

    assert set(answers) == {422}
    assert unknown.status_code == 404
