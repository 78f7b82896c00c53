"""免申即享 over HTTP: a list is imported, matched, confirmed or lapsed, publicised, paid."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from tests.api.client import Client
from tests.api.conftest import application
from tests.api.story import AUDITOR, CONTACT, FINANCE, HANDLER, LEADER, REVIEWER, TREASURY, Story
from tests.conftest import ROOT, _copy, settings_of_templates
from tests.factories.identity import uscc_number
from tests.factories.titles import csv_of, match, revoke, rows, send

HEAD = "shujuju.division_head"
FEN = 1_000_000_00
CHECKED = (
    ("sun.qi", "confirm", {"note": "同意，账户无误"}),
    (HANDLER, "conclude_check", {"duplicate_found": False, "reviewed_fen": FEN, "note": "属实"}),
    (REVIEWER, "confirm_review", {}),
    (HANDLER, "draft_plan", {"planned_fen": FEN}),
    (REVIEWER, "confirm_plan", {}),
    (LEADER, "agree_plan", {"minutes_no": "〔2026〕第7号"}),
)
PAID = (
    (LEADER, "approve", {"approved_fen": FEN, "basis": "会议研究决定"}),
    (HANDLER, "issue_decision", {"document_no": "启数〔2026〕1号"}),
    (HANDLER, "request_funds", {}),
    (FINANCE, "release", {"document_no": "启财〔2026〕9号"}),
    (TREASURY, "order_payment", {}),
)
REVOKED = {"document_no": "国信办〔2026〕9号", "reason": "提供虚假材料", "revoked_on": "2026-06-08"}


@dataclass
class Road:
    """A list with one filing, and the case that was made of it."""

    story: Story
    title_list: str
    case: str
    seen: dict[str, Any]

    @property
    def client(self) -> Client:
        return self.story.client

    def state(self) -> str:
        return str(self.story.show(self.case)["case"]["state"])


def begin(client: Client, login: str = "sun.qi", *, number: int = 7, **said: str) -> Road:
    """Register a firm, import a list with its filing, and match it."""
    story = Story(client)
    story.register(login, number=number)
    line = (uscc_number(number), f"启东第{number}智能科技有限公司", "启智大模型")
    made = client.done(send(client, csv_of((*line, f"苏备2026000{number}")), **said))
    assert match(client, made["title_list"])["pushed"] == 1
    (row,) = rows(client, made["title_list"])
    case = client.done(client.get(f"/cases/{row['case']}", login))
    return Road(story, made["title_list"], row["case"], case["case"])


@pytest.fixture(scope="module")
def paid(server, founded_template, tmp_path_factory) -> Iterator[Road]:
    """A filing whose reward was paid: from the list to the yuan, without an application.

    Its title is revoked while the order of its payment is out, which nothing can stop any more.
    """
    settings = settings_of_templates(str(tmp_path_factory.mktemp("titles")))
    for database in _copy(server, founded_template):
        cases = assemble(database, settings, ROOT, ids=PublicIds(random.Random(3)))
        with application(settings, cases) as app:
            road = begin(Client(app))
            road.story.check(road.case)
            road.story.run(road.case, CHECKED)
            body = {"cases": [road.case], "title": "免申即享名单", "basis": "第八条",
                    "working_days": 5, **CONTACT}  # fmt: skip
            road.client.done(road.client.post("/publicities", HANDLER, body), 201)
            road.story.move_clock("2026-06-09T00:05:00+08:00")
            road.story.run(road.case, PAID)
            assert revoke(road.client, road.title_list, HANDLER, **REVOKED).status_code == 403
            early = road.client.done(revoke(road.client, road.title_list, HEAD, **REVOKED))
            assert (early["already"], early["consequences"][0]["done"]) == (False, "refused")
            confirmed = ((TREASURY, "confirm_payment", {"voucher_no": "PZ-0001"}),)
            road.story.run(road.case, confirmed)
            yield road


def test_a_title_is_paid_without_an_application(paid: Road):
    events = paid.client.done(paid.client.get(f"/cases/{paid.case}/events", AUDITOR, limit=50))
    letters = paid.client.done(paid.client.get("/inbox", "sun.qi", limit=50))["items"]
    (row,) = rows(paid.client, paid.title_list, result="revoked")

    assert (paid.seen["state"], paid.seen["due_on"]) == ("pushed", "2026-06-23")
    assert paid.seen["measure"] == "QD26-8c"
    begun = str(events["items"][0])
    assert "'matter_on': '2026-05-20'" in begun
    assert "{'key': '苏备20260007', 'kind': 'model_filing'}" in begun
    assert paid.state() == "disbursed"
    assert [each["event"] for each in events["items"][:3]] == ["case_opened", "push", "confirm"]
    assert any("免申即享" in each["title"] for each in letters)
    assert (row["case"], row["state"], row["result"]) == (paid.case, "disbursed", "revoked")
    shown = paid.client.done(paid.client.get(f"/title-lists/{paid.title_list}", HANDLER))
    assert (shown["counts"], shown["measures"]) == ({"revoked": 1}, ["QD26-8c"])


def test_what_was_paid_for_a_revoked_title_is_recovered(paid: Road):
    done = paid.client.done(revoke(paid.client, paid.title_list, HEAD, **REVOKED))
    again = paid.client.done(revoke(paid.client, paid.title_list, HEAD, **REVOKED))

    (became,) = done["consequences"]
    assert (done["already"], became["done"]) == (True, "recovery_opened")
    recovery = paid.client.done(paid.client.get(f"/recoveries/{became['recovery']}", AUDITOR))
    assert "title_revoked" in str(recovery)
    assert again["consequences"][0]["recovery"] == became["recovery"]
    other = {**REVOKED, "document_no": "国信办〔2026〕10号"}
    assert revoke(paid.client, paid.title_list, HEAD, **other).status_code == 409


def test_what_happened_to_a_list_is_told_with_the_seat_of_each_and_page_by_page(paid: Road):
    client, path = paid.client, f"/title-lists/{paid.title_list}/events"
    told = client.done(client.get(path, HANDLER))
    first = client.done(client.get(path, AUDITOR, limit=2))
    rest = client.done(client.get(path, AUDITOR, after=first["next"]))
    feed = client.done(client.get("/history/events", AUDITOR, event="title_revoked"))["items"]
    feed = [each for each in feed if each["subject"] == paid.title_list]
    whole = client.done(client.get("/history/verification", AUDITOR))

    seen = [(each["title"], each["line"], each["actor"], each["role"]) for each in told["items"]]
    assert seen == [
        ("导入名单", None, HANDLER, "bureau_handler"),
        ("匹配名单", None, HANDLER, "bureau_handler"),
        ("撤销称号", 1, HEAD, "bureau_division_head"),
    ]
    assert {each["organisation"] for each in told["items"]} == {"市数据局"}
    assert (told["next"], first["next"], rest["next"]) == (None, 2, None)
    assert [*first["items"], *rest["items"]] == told["items"]
    assert told["items"][2]["payload"]["reason"] == REVOKED["reason"]
    assert [each["organisation_title"] for each in feed] == ["市数据局"]
    assert (whole["ok"], whole["faults"]) == (True, [])
    assert client.get(path, "kejiju.handler").status_code == 404
    assert client.get(path, HANDLER, after="x").status_code == 422


@pytest.mark.soak
def test_a_firm_that_never_answers_lapses_and_is_not_asked_again(client: Client):
    road = begin(client)
    story = road.story

    story.move_clock("2026-06-23T23:59:00+08:00")
    assert road.state() == "pushed"
    story.move_clock("2026-06-24T00:05:00+08:00")
    assert road.state() == "urged"
    assert story.show(road.case)["case"]["due_on"] == "2026-07-08"
    story.move_clock("2026-07-08T23:59:00+08:00")
    assert road.state() == "urged"
    assert "confirm" in str(client.done(client.get(f"/cases/{road.case}", "sun.qi"))["events"])
    story.move_clock("2026-07-09T00:05:00+08:00")

    assert road.state() == "lapsed"
    assert client.act(road.case, "sun.qi", "confirm").status_code == 409
    assert match(client, road.title_list) == {
        "title_list": road.title_list, "counts": {}, "pushed": 0,
    }  # fmt: skip


def test_an_unpaid_case_stops_when_its_title_is_revoked(paid: Road):
    client = paid.client
    road = begin(client, "sun.ba", number=8, document_no="国信办公告〔2026〕8号")
    said = {"document_no": "国信办〔2026〕9号", "reason": "备案注销", "revoked_on": "2026-06-01"}

    done = client.done(revoke(client, road.title_list, HEAD, **said))

    assert done["consequences"][0]["done"] == "stopped"
    case = road.story.show(road.case)["case"]
    assert (case["state"], case["outcome"]) == ("revoked", "terminated")
    letters = client.done(client.get("/inbox", "sun.ba", limit=50))["items"]
    assert any("终止" in each["title"] for each in letters)
    again = client.done(revoke(client, road.title_list, HEAD, **said))
    assert again["consequences"][0]["done"] == "nothing"


def test_a_list_is_shown_to_its_bureau_and_the_auditor(paid: Road):
    path = f"/title-lists/{paid.title_list}"

    for login, status in ((HANDLER, 200), (AUDITOR, 200), ("kejiju.handler", 404), ("sun.qi", 404)):
        assert paid.client.get(path, login).status_code == status, login
        assert paid.client.get(f"{path}/rows", login).status_code == status, login
        found = paid.client.done(paid.client.get("/title-lists", login))["items"]
        assert (paid.title_list in {each["public_id"] for each in found}) == (status == 200), login
    assert paid.client.post(f"{path}/matching", REVIEWER).status_code == 403
