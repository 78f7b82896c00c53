"""免申即享 over HTTP: a list is imported, matched, confirmed or lapsed, publicised, paid."""

import io
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.story import AUDITOR, CONTACT, FINANCE, HANDLER, LEADER, REVIEWER, TREASURY, Story
from tests.factories.identity import uscc_number
from tests.factories.titles import FILING, FIRST_SET, csv_of, xlsx_of

HEAD = "shujuju.division_head"
FIRM, NAME = uscc_number(7), "启东第7智能科技有限公司"
FEN = 1_000_000_00


def send(client: Client, content: bytes, login: str = HANDLER, name: str = "名单.csv", **said: str):
    """Upload a list; returns the answer, whatever it is."""
    data = {**FILING, **said, "file": (io.BytesIO(content), name)}
    return client.ask(
        "POST", "/title-lists", login, data=data, content_type="multipart/form-data"
    )


def match(client: Client, title_list: str, login: str = HANDLER) -> Any:
    return client.done(client.post(f"/title-lists/{title_list}/matching", login))


def rows(client: Client, title_list: str, **asked: Any) -> list[Any]:
    return client.done(client.get(f"/title-lists/{title_list}/rows", HANDLER, **asked))["items"]


def pushed(story: Story, content: bytes | None = None) -> tuple[str, str]:
    """Register a firm, import a list with its filing, match it; returns list and case."""
    story.register("sun.qi", number=7)
    content = content or csv_of((FIRM, NAME, "启智大模型", "苏备20260007"))
    made = story.client.done(send(story.client, content))
    assert match(story.client, made["title_list"])["pushed"] == 1
    (row,) = rows(story.client, made["title_list"])
    return made["title_list"], row["case"]


def state(story: Story, case: str) -> str:
    return str(story.show(case)["case"]["state"])


def test_a_filing_is_paid_without_an_application(client: Client):
    story = Story(client)
    title_list, case = pushed(story)

    seen = story.show(case, "sun.qi")["case"]
    letters = client.done(client.get("/inbox", "sun.qi"))["items"]
    story.run(case, (("sun.qi", "confirm", {"note": "同意，账户无误"}),))
    story.run(
        case,
        (
            (HANDLER, "conclude_check", {"duplicate_found": False, "reviewed_fen": FEN, "note": "属实"}),
            (REVIEWER, "confirm_review", {}),
            (HANDLER, "draft_plan", {"planned_fen": FEN, "credit_at_plan": "pass"}),
            (REVIEWER, "confirm_plan", {}),
            (LEADER, "agree_plan", {"minutes_no": "〔2026〕第7号"}),
        ),
    )
    body = {"cases": [case], "title": "免申即享名单", "basis": "第八条", "working_days": 5, **CONTACT}
    client.done(client.post("/publicities", HANDLER, body), 201)
    story.move_clock("2026-06-09T00:05:00+08:00")
    story.run(
        case,
        (
            (LEADER, "approve", {"approved_fen": FEN, "basis": "会议研究决定"}),
            (HANDLER, "issue_decision", {"document_no": "启数〔2026〕1号"}),
            (HANDLER, "request_funds", {"credit_at_payment": "pass"}),
            (FINANCE, "release", {"document_no": "启财〔2026〕9号"}),
            (TREASURY, "order_payment", {}),
            (TREASURY, "confirm_payment", {"voucher_no": "PZ-0001"}),
        ),
    )

    assert (seen["state"], seen["measure"], seen["due_on"]) == ("pushed", "QD26-8c", "2026-06-23")
    assert "免申即享" in letters[0]["title"]
    assert state(story, case) == "disbursed"
    events = client.done(client.get(f"/cases/{case}/events", AUDITOR, limit=50))["items"]
    assert [each["name"] for each in events[:2]] == ["case_opened", "push"]
    (row,) = rows(client, title_list, result="matched")
    assert (row["case"], row["state"], row["measure"]) == (case, "disbursed", "QD26-8c")
