"""A batch by HTTP alone: planned, published, its plan decided by three and made public."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from openpyxl import load_workbook

from tests.api.client import Client
from tests.api.conftest import house_with_story
from tests.api.story import (
    APPLICANT,
    AUDITOR,
    BEFORE_COSIGNING,
    CONTACT,
    COSIGNERS,
    FEN,
    FINANCE,
    HANDLER,
    LEADER,
    MEASURE,
    REVIEWER,
    TOWN,
    Story,
)

HEAD = "shujuju.division_head"
BATCH = {
    "measure": MEASURE, "title": "算力券第一批", "procedure": "batch", "quota": 1,
    "opens_on": "2026-06-01", "closes_on": "2026-06-03", "publicity_days": 7,
    "short_pool": "first_come", "pool_fen": FEN, "rounding": "trunc_wan",
    "documents": [{"kind": "blind_plan", "title": "技术方案"}],
}  # fmt: skip
SAID = {"title": "拟支持名单", "basis": "启政办规〔2026〕1号", **CONTACT}
MINUTES = {"minutes_no": "〔2026〕第7号"}


def waiting(client: Client, login: str) -> list[str]:
    """Return the batches that wait to be published, as somebody is shown them."""
    found = client.done(client.get("/calls/planned", login))["items"]
    return [each["public_id"] for each in found]


def listed(client: Client) -> list[str]:
    """Return the calls that anybody is shown, page by page."""
    found, query = [], {"limit": 2}
    while True:
        page = client.done(client.get("/calls", **query))
        found += [each["public_id"] for each in page["items"]]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


def taken_in(story: Story) -> tuple[str, str]:
    """Publish a batch and bring a case of it to 拟支持; returns the call's path and the case."""
    client = story.client
    call = client.done(client.post("/calls", HANDLER, BATCH), 201)
    path = f"/calls/{call['public_id']}"
    assert (call["status"], call["is_open"]) == ("planned", False)
    assert client.post(f"{path}/publication", HANDLER).status_code == 403
    assert waiting(client, REVIEWER) == waiting(client, AUDITOR) == [call["public_id"]]
    assert waiting(client, APPLICANT) == waiting(client, "kejiju.reviewer") == []
    assert call["public_id"] not in listed(client)
    assert (
        client.post("/cases", APPLICANT, story.opening(call=call["public_id"])).status_code == 409
    )
    opened = client.done(client.post(f"{path}/publication", REVIEWER))
    assert (opened["status"], opened["is_open"]) == ("open", True)
    assert waiting(client, REVIEWER) == []
    assert call["public_id"] in listed(client)

    case = story.draft(call=call["public_id"])
    story.complete(case)
    assert client.act(case, APPLICANT, "submit", applied_fen=FEN).status_code == 409
    client.done(client.upload(case, APPLICANT, "blind_plan"), 201)
    story.run(case, BEFORE_COSIGNING)
    for login in COSIGNERS:
        story.run(case, ((login, "answer_seat", {"verdict": "pass", "note": "无异议"}),))
    return path, case


@dataclass
class Closed:
    """Two batches whose days of application are over: one with a case, one without."""

    story: Story
    path: str
    case: str
    empty: str


@pytest.fixture(scope="module")
def closed(server, founded_template, tmp_path_factory) -> Iterator[Closed]:
    """Both batches, and what was too early while they were open."""
    with house_with_story(server, founded_template, tmp_path_factory.mktemp("closed")) as story:
        client = story.client
        path, case = taken_in(story)
        sheets(story, path)
        early = client.post(f"{path}/plans", HANDLER, {})
        assert (early.status_code, "受理中" in early.json["detail"]) == (409, True)
        empty = client.done(client.post("/calls", HANDLER, BATCH), 201)["public_id"]
        client.done(client.post(f"/calls/{empty}/publication", LEADER))
        late = client.post(f"/calls/{empty}/late-intakes", HEAD, wanted(story))
        assert late.status_code == 409
        story.move_clock("2026-06-03T16:00:00Z")
        yield Closed(story, path, case, empty)


def wanted(story: Story) -> dict[str, str]:
    """Return what is said of an application that comes late."""
    return {"applicant": story.applicant, "until_on": "2026-06-08", "reason": "系统故障"}


def test_a_batch_is_played_by_http_alone(closed: Closed):
    story, path, case = closed.story, closed.path, closed.case
    client = story.client

    proposal = client.done(client.get(f"{path}/proposal", HANDLER))
    assert (proposal["support_count"], proposal["support_fen"]) == (1, FEN)
    assert client.post(f"{path}/plans", REVIEWER, {}).status_code == 403
    over = {"lines": [{"case": case, "result": "support", "fen": FEN + 1}]}
    assert client.post(f"{path}/plans", HANDLER, over).status_code == 409
    drafted = client.done(client.post(f"{path}/plans", HANDLER, {}), 201)
    plan = f"/plans/{drafted['plan']['public_id']}"
    assert client.get(plan, APPLICANT).status_code == 403
    returned = client.done(client.post(f"{plan}/return", REVIEWER, {"reason": "重核"}))
    assert returned["plan"]["status"] == "returned"
    drafted = client.done(client.post(f"{path}/plans", HANDLER, {}), 201)
    plan = f"/plans/{drafted['plan']['public_id']}"
    client.done(client.post(f"{plan}/review", REVIEWER))
    assert client.post(f"{plan}/approval", REVIEWER, MINUTES).status_code == 403
    client.done(client.post(f"{plan}/approval", LEADER, MINUTES))
    shown = client.done(client.post(f"{plan}/publicity", HANDLER, SAID), 201)
    assert (shown["working_days"], [each["fen"] for each in shown["cases"]]) == (7, [FEN])

    assert client.done(client.get(plan, FINANCE))["plan"]["publicity"] == shown["public_id"]
    told_of(story, path)


def told_of(story: Story, path: str) -> None:
    """Versions, history and values of the batch are told."""
    client = story.client
    versions = client.done(client.get(f"{path}/plans", AUDITOR))["items"]
    assert [each["status"] for each in versions] == ["publicised", "returned"]
    told = client.done(client.get(f"{path}/events", AUDITOR))["items"]
    assert [each["name"] for each in told][-3:] == [
        "plan_reviewed", "call_plan_approved", "call_publicised",
    ]  # fmt: skip
    detail = client.done(client.get(path))
    assert detail["call"]["status_title"] == "公示"
    says = {each["name"]: each["source"] for each in detail["values"]}
    assert says == dict.fromkeys(("quota", "publicity_days", "rounding", "documents"), "call")


def sheets(story: Story, path: str) -> None:
    """The town's summary sheet is sent, listed and read by the bureau, not by others."""
    client = story.client
    number = {"document_no": "汇报〔2026〕3号"}
    assert client.post(f"{path}/summary-sheets", HANDLER, number).status_code == 403
    sent = client.done(client.post(f"{path}/summary-sheets", TOWN, number), 201)
    listed = client.done(client.get(f"{path}/summary-sheets", HANDLER))["items"]
    assert [each["file_sha256"] for each in listed] == [sent["file_sha256"]]
    file = f"/summary-sheets/{sent['public_id']}/file"
    assert client.get(file, "kejiju.reviewer").status_code == 404
    page = load_workbook(io.BytesIO(client.get(file, HANDLER).data)).worksheets[0]
    assert page.cell(1, 2).value == "申报汇总表：算力券第一批"


def test_what_is_late_is_asked_by_one_and_consented_to_by_another(closed: Closed):
    story, call = closed.story, closed.empty
    client, said, path = story.client, wanted(story), f"/calls/{call}/late-intakes"

    assert client.post(path, HANDLER, said).status_code == 403
    asked = client.done(client.post(path, HEAD, said), 201)["items"]
    consent = f"{path}/{asked[0]['public_id']}/consent"
    assert client.post(consent, HEAD).status_code == 403
    client.done(client.post(consent, REVIEWER))
    assert client.post(consent, LEADER).status_code == 409

    assert story.draft(call=call)
    (told,) = client.done(client.get(path, AUDITOR))["items"]
    assert (told["until_on"], told["consented_by"] is not None) == ("2026-06-08", True)
    assert client.get(path, APPLICANT).status_code == 403
