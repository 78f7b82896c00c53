"""A case by HTTP alone, from the first registration to the paid yuan, and what is seen of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest

from tests.api.conftest import house_with_story
from tests.api.story import (
    AFTER_PUBLICITY,
    APPLICANT,
    AUDITOR,
    BEFORE_COSIGNING,
    CONTACT,
    FEN,
    HANDLER,
    MEASURE,
    TOWN,
    Story,
)

NANYANG = "nanyang_zhen.handler"


@dataclass
class Days:
    """A case that is submitted, one that is paid and one that is objected to, as time passes."""

    story: Story
    submitted: str
    paid: str
    disputed: str
    shown: dict[str, Any]
    seen: dict[str, Any] = field(default_factory=dict)

    def clock(self) -> dict[str, Any]:
        """Return the running clock of the case that is submitted."""
        clocks = self.story.show(self.submitted)["clocks"]
        (clock,) = [each for each in clocks if each["status"] == "running"]
        return dict(clock)

    def pass_by(self) -> None:
        """Play what happens, and keep what was seen on the way."""
        story, seen, board = self.story, self.seen, self.shown["public_id"]
        seen["clock"] = self.clock()
        body = {"login": "citizen", "name": "王某"}
        story.client.done(story.client.post("/people", None, body), 201)
        seen["objections"] = [
            story.client.done(story.object(board, self.disputed, "citizen", **said), 201)
            for said in ({}, {"grounds": "另有证据。"})
        ]
        story.move_clock("2026-06-05T01:00:00Z")
        seen["clock_of_friday"] = self.clock()
        story.move_clock("2026-06-08T15:59:59Z")
        seen["before"] = [story.show(each)["case"]["state"] for each in (self.paid, self.disputed)]
        seen["moved"] = story.move_clock("2026-06-08T16:00:00Z")
        seen["after"] = [story.show(each) for each in (self.paid, self.disputed)]
        seen["late"] = story.object(board, self.paid, "citizen", grounds="晚了。")
        seen["answer"] = story.run(self.paid, AFTER_PUBLICITY)


@pytest.fixture(scope="module")
def days(server, founded_template, tmp_path_factory) -> Iterator[Days]:
    """A house of which the time passes, until one of its cases is paid."""
    with house_with_story(server, founded_template, tmp_path_factory.mktemp("days")) as story:
        paid, disputed = story.publicity_pending(), story.publicity_pending()
        shown = story.publicise(paid, disputed)
        found = Days(story, story.submitted(), paid, disputed, shown)
        found.pass_by()
        yield found


@pytest.fixture(scope="module")
def listed(shared_story: Story) -> tuple[str, dict[str, Any]]:
    """A case that is publicised alone, and its publicity."""
    case = shared_story.publicity_pending()
    return case, shared_story.publicise(case)


@pytest.fixture(scope="module")
def in_nanyang(shared_story: Story) -> str:
    """The one case of another town."""
    login = "nan.yang"
    firm = shared_story.register(login, number=2, territory="nanyang")
    case = shared_story.draft(login, applicant=firm)
    shared_story.complete(case, login)
    shared_story.run(case, ((login, *BEFORE_COSIGNING[0][1:]),))
    return case


def test_a_voucher_case_runs_from_registration_to_disbursement(days: Days):
    seen, shown = days.seen, days.shown

    assert shown["starts_on"] == "2026-06-01"
    assert shown["ends_on"] == "2026-06-08"
    assert seen["before"] == ["publicity", "objection"]
    assert seen["moved"]["publicised"] == 1
    assert seen["moved"]["clock"]["today"] == "2026-06-09"
    assert seen["answer"]["state"] == "disbursed"
    assert seen["answer"]["events"] == ["confirm_payment", "city_share_paid"]
    found = days.story.show(days.paid)
    assert found["case"]["outcome"] == "disbursed"
    assert found["case"]["approved_fen"] == found["case"]["paid_fen"] == FEN
    assert [each["kind"] for each in found["amounts"]] == [
        "applied", "verified", "reviewed", "planned", "publicised", "approved",
    ]  # fmt: skip
    assert [(each["fen"], each["status"], each["voucher_no"]) for each in found["payments"]] == [
        (FEN, "paid", "PZ-0001")
    ]
    assert found["events"] == []
    assert all(task["status"] != "open" for task in found["tasks"])


def test_a_case_says_what_the_actor_may_do_and_what_it_takes(shared_story: Story):
    case = shared_story.draft()

    (submit,) = [
        each for each in shared_story.show(case, APPLICANT)["events"] if each["event"] == "submit"
    ]

    assert submit["title"] == "提交申报"
    assert submit["seats"] == ["applicant"]
    assert submit["blocked"] == ["必交材料不齐全"]
    assert {each["name"]: (each["type"], each["required"]) for each in submit["inputs"]} == {
        "applied_fen": ("fen", True),
        "note": ("text", False),
    }
    shared_story.complete(case)
    (submit,) = [
        each for each in shared_story.show(case, APPLICANT)["events"] if each["event"] == "submit"
    ]
    assert submit["blocked"] == []
    assert shared_story.show(case, AUDITOR)["events"] == []


def test_a_case_shows_its_clocks_with_their_light(days: Days):
    clock = days.seen["clock"]
    assert (clock["name"], clock["limit"], clock["unit"]) == ("acceptance", 5, "working_days")
    assert (clock["used"], clock["remaining"], clock["light"]) == (0, 5, "green")
    assert clock["due_on"] == "2026-06-08"
    clock = days.seen["clock_of_friday"]
    assert (clock["used"], clock["remaining"], clock["light"]) == (4, 1, "red")


def test_a_task_waits_for_the_seat_and_is_gone_once_done(shared_story: Story, in_nanyang: str):
    story, case = shared_story, in_nanyang

    (task,) = story.client.done(story.client.get("/tasks", NANYANG))["items"]
    assert (task["case"], task["state"], task["seat"]) == (case, "submitted", "district.handler")
    for (_, *step), seat in zip(BEFORE_COSIGNING[1:4], ("handler", "handler", "head"), strict=True):
        story.run(case, ((f"nanyang_zhen.{seat}", *step),))

    assert story.client.done(story.client.get("/tasks", NANYANG))["items"] == []
    waiting = story.client.done(story.client.get("/tasks", HANDLER, limit=200))["items"]
    (next_task,) = [each for each in waiting if each["case"] == case]
    assert next_task["state"] == "bureau_review"


def test_the_history_tells_who_did_what_and_pages_on(shared_story: Story):
    case = shared_story.submitted()

    first = shared_story.client.done(
        shared_story.client.get(f"/cases/{case}/events", TOWN, limit=1)
    )
    rest = shared_story.client.done(
        shared_story.client.get(f"/cases/{case}/events", TOWN, after=first["next"], limit=1)
    )

    assert [each["event"] for each in first["items"]] == ["case_opened"]
    (submit,) = rest["items"]
    assert submit["title"] == "提交申报"
    assert (submit["actor"], submit["seat"]) == (APPLICANT, "applicant")
    assert (submit["from_state"], submit["to_state"]) == ("draft", "submitted")
    assert len(submit["payload"]["files"]) == 10
    assert rest["next"] is None


def test_lists_page_by_key_and_filter(shared_story: Story):
    story, login = shared_story, "li.san"
    firm = story.register(login, number=3)
    cases = [story.draft(login, applicant=firm, title=f"算力券{n}") for n in range(3)]
    get = story.client.get

    page = story.client.done(get("/cases", login, limit=2))
    rest = story.client.done(get("/cases", login, limit=2, after=page["next"]))
    oldest = story.client.done(get("/cases", login, sort="oldest", limit=1))
    due = story.client.done(get("/cases", login, sort="due", limit=2))
    due_rest = story.client.done(get("/cases", login, sort="due", after=due["next"]))

    assert [each["public_id"] for each in page["items"]] == [cases[2], cases[1]]
    assert [each["public_id"] for each in rest["items"]] == [cases[0]]
    assert rest["next"] is None
    assert [each["public_id"] for each in oldest["items"]] == [cases[0]]
    assert [each["public_id"] for each in due["items"] + due_rest["items"]] == cases

    def found(**query: str) -> list[str]:
        items = story.client.done(get("/cases", login, sort="oldest", **query))["items"]
        return [each["public_id"] for each in items]

    assert found(text="算力券1") == [cases[1]]
    assert found(text="%") == []
    assert found(measure=MEASURE, family="vouchers", policy="qidong-2026") == cases
    assert found(measure="QD26-1a") == []
    assert found(state="draft", outcome="open", territory="huilong") == cases
    assert found(applicant=firm) == cases
    assert found(outcome="disbursed") == []


def test_a_public_objection_holds_one_case_back(days: Days):
    quiet, disputed = days.seen["after"]

    assert [each["case"] for each in days.seen["objections"]] == [days.disputed] * 2
    assert disputed["case"]["state"] == "objection"
    assert disputed["objections_open"] == 2
    assert quiet["case"]["state"] == "awaiting_approval"
    late = days.seen["late"]
    assert late.status_code == 409
    assert "举报、信访" in late.json["detail"]
    assert days.story.object(days.shown["public_id"], "none", "citizen").status_code == 404


def test_the_objector_is_not_named_to_the_applicant(shared_story: Story, listed):
    case, shown = listed
    shared_story.client.done(
        shared_story.client.post("/people", None, {"login": "objector", "name": "王某"}), 201
    )
    shared_story.client.done(shared_story.object(shown["public_id"], case, "objector"), 201)

    def objection(login: str) -> dict[str, object]:
        history = shared_story.client.done(
            shared_story.client.get(f"/cases/{case}/events", login, limit=200)
        )
        (event,) = [each for each in history["items"] if each["event"] == "object"]
        return dict(event)

    told = objection(APPLICANT)
    assert (told["actor"], told["actor_name"], told["payload"]) == (None, "实名异议人", {})
    assert objection(TOWN) == told
    for login in (HANDLER, AUDITOR):
        known = objection(login)
        assert (known["actor"], known["payload"]) == (
            "objector",
            {
                "real_name": "王某",
                "contact": "某信箱",
                "grounds": "数据不实。",
                "proof": "用量日志一份",
            },
        )


def test_the_board_is_public_and_names_no_numbers(shared_story: Story, listed):
    story, (_, shown) = shared_story, listed

    board = story.client.done(story.client.get("/publicities", status="open"))
    rest = story.client.done(story.client.get("/publicities", after=shown["public_id"]))
    one = story.client.done(story.client.get(f"/publicities/{shown['public_id']}"))

    assert (board["items"], rest["items"]) == ([one], [])
    (line,) = one["cases"]
    assert set(line) == {
        "line", "number", "public_id", "applicant", "title", "measure", "clause", "fen",
        "territory", "note",
    }  # fmt: skip
    assert line["fen"] == FEN


def test_notices_come_to_the_inbox_and_are_read_once(shared_story: Story, in_nanyang: str):
    story, case = shared_story, in_nanyang

    inbox = story.client.done(story.client.get("/inbox", NANYANG))
    notice = inbox["items"][0]
    assert notice["case"] == case
    assert inbox["unread"] == len(inbox["items"])
    assert notice["title"]
    read = story.client.post(f"/inbox/{notice['id']}/read", NANYANG)
    assert read.status_code == 204
    assert story.client.post(f"/inbox/{notice['id']}/read", HANDLER).status_code == 404

    after = story.client.done(story.client.get("/inbox", NANYANG))
    assert after["unread"] == inbox["unread"] - 1
    assert after["items"][0]["read_at"] == "2026-06-01T01:00:00+00:00"
    unread = story.client.done(story.client.get("/inbox", NANYANG, unread_only="true"))
    assert notice["id"] not in [each["id"] for each in unread["items"]]


def test_a_file_comes_back_as_it_was_sent_and_is_never_shown_in_place(shared_story: Story):
    case = shared_story.draft()
    sent = shared_story.client.done(
        shared_story.client.upload(case, APPLICANT, "contract", b"%PDF-1.7 first", "合同.pdf"), 201
    )

    got = shared_story.client.get(f"/cases/{case}/documents/{sent['public_id']}", APPLICANT)

    assert got.data == b"%PDF-1.7 first"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.content_type == "application/pdf"
    got.close()


def test_a_newer_file_replaces_the_one_before(shared_story: Story):
    case = shared_story.draft()
    old = shared_story.client.done(shared_story.client.upload(case, APPLICANT, "contract"), 201)
    new = shared_story.client.done(
        shared_story.client.upload(case, APPLICANT, "contract", b"%PDF-2"), 201
    )

    found = shared_story.client.done(shared_story.client.get(f"/cases/{case}/documents", APPLICANT))

    replaced = {each["public_id"]: each["replaced"] for each in found["files"]}
    assert replaced == {old["public_id"]: True, new["public_id"]: False}
    (line,) = [each for each in found["checklist"] if each["kind"] == "contract"]
    assert (line["present"], line["public_id"]) == (True, new["public_id"])


def test_anybody_fetches_the_frozen_list_byte_for_byte(shared_story: Story, listed):
    _, shown = listed
    path = f"/publicities/{shown['public_id']}/list"

    fetched = [shared_story.client.get(path) for _ in range(2)]

    assert [answer.status_code for answer in fetched] == [200, 200]
    assert fetched[0].data == fetched[1].data
    assert sha256(fetched[0].data).hexdigest() == shown["list_sha256"]
    assert fetched[0].json["cases"] == shown["cases"]
    assert fetched[0].json["contact"] == {"unit": "市数据局", **CONTACT} == shown["contact"]
    assert "attachment" in fetched[0].headers["Content-Disposition"]
    assert shared_story.client.get("/publicities/none/list").status_code == 404
