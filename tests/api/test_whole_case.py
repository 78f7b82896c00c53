"""A case by HTTP alone, from the first registration to the paid yuan, and what is seen of it."""

from hashlib import sha256

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


def test_a_voucher_case_runs_from_registration_to_disbursement(story: Story):
    case = story.publicity_pending()
    shown = story.publicise(case)

    assert shown["starts_on"] == "2026-06-01"
    assert shown["ends_on"] == "2026-06-08"
    story.move_clock("2026-06-08T15:59:59Z")
    assert story.show(case)["case"]["state"] == "publicity"
    moved = story.move_clock("2026-06-08T16:00:00Z")
    assert moved["publicised"] == 1
    assert moved["clock"]["today"] == "2026-06-09"

    answer = story.run(case, AFTER_PUBLICITY)

    assert answer["state"] == "disbursed"
    assert answer["events"] == ["confirm_payment", "city_share_paid"]
    found = story.show(case)
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


def test_a_case_shows_its_clocks_with_their_light(story: Story):
    case = story.submitted()

    (clock,) = [each for each in story.show(case)["clocks"] if each["status"] == "running"]
    assert (clock["name"], clock["limit"], clock["unit"]) == ("acceptance", 5, "working_days")
    assert (clock["used"], clock["remaining"], clock["light"]) == (0, 5, "green")
    assert clock["due_on"] == "2026-06-08"

    story.move_clock("2026-06-05T01:00:00Z")
    (clock,) = [each for each in story.show(case)["clocks"] if each["status"] == "running"]
    assert (clock["used"], clock["remaining"], clock["light"]) == (4, 1, "red")


def test_a_task_waits_for_the_seat_and_is_gone_once_done(story: Story):
    case = story.submitted()

    (task,) = story.client.done(story.client.get("/tasks", TOWN))["items"]
    assert (task["case"], task["state"], task["seat"]) == (case, "submitted", "district.handler")
    story.run(case, BEFORE_COSIGNING[1:4])

    assert story.client.done(story.client.get("/tasks", TOWN))["items"] == []
    (next_task,) = story.client.done(story.client.get("/tasks", HANDLER))["items"]
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


def test_lists_page_by_key_and_filter(story: Story):
    cases = [story.draft(title=f"算力券{n}") for n in range(3)]
    get = story.client.get

    page = story.client.done(get("/cases", APPLICANT, limit=2))
    rest = story.client.done(get("/cases", APPLICANT, limit=2, after=page["next"]))
    oldest = story.client.done(get("/cases", APPLICANT, sort="oldest", limit=1))
    due = story.client.done(get("/cases", APPLICANT, sort="due", limit=2))
    due_rest = story.client.done(get("/cases", APPLICANT, sort="due", after=due["next"]))

    assert [each["public_id"] for each in page["items"]] == [cases[2], cases[1]]
    assert [each["public_id"] for each in rest["items"]] == [cases[0]]
    assert rest["next"] is None
    assert [each["public_id"] for each in oldest["items"]] == [cases[0]]
    assert [each["public_id"] for each in due["items"] + due_rest["items"]] == cases

    def found(**query: str) -> list[str]:
        items = story.client.done(get("/cases", APPLICANT, sort="oldest", **query))["items"]
        return [each["public_id"] for each in items]

    assert found(text="算力券1") == [cases[1]]
    assert found(text="%") == []
    assert found(measure=MEASURE, family="vouchers", policy="qidong-2026") == cases
    assert found(measure="QD26-1a") == []
    assert found(state="draft", outcome="open", territory="huilong") == cases
    assert found(applicant=story.applicant) == cases
    assert found(outcome="disbursed") == []


def test_a_public_objection_holds_one_case_back(story: Story):
    first, second = story.publicity_pending(), story.publicity_pending()
    shown = story.publicise(first, second)
    story.client.done(story.client.post("/people", None, {"login": "citizen", "name": "王某"}), 201)
    board = shown["public_id"]

    answer = story.client.done(story.object(board, first, "citizen"), 201)
    again = story.client.done(story.object(board, first, "citizen", grounds="另有证据。"), 201)
    story.move_clock("2026-06-08T16:00:00Z")

    assert answer["case"] == again["case"] == first
    assert story.show(first)["case"]["state"] == "objection"
    assert story.show(first)["objections_open"] == 2
    assert story.show(second)["case"]["state"] == "awaiting_approval"
    late = story.object(board, second, "citizen", grounds="晚了。")
    assert late.status_code == 409
    assert "举报、信访" in late.json["detail"]
    assert story.object(board, "none", "citizen").status_code == 404


def test_the_objector_is_not_named_to_the_applicant(shared_story: Story):
    case = shared_story.publicity_pending()
    shown = shared_story.publicise(case)
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


def test_the_board_is_public_and_names_no_numbers(story: Story):
    case = story.publicity_pending()
    shown = story.publicise(case)

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


def test_notices_come_to_the_inbox_and_are_read_once(story: Story):
    case = story.submitted()

    inbox = story.client.done(story.client.get("/inbox", TOWN))
    notice = inbox["items"][0]
    assert notice["case"] == case
    assert inbox["unread"] == len(inbox["items"])
    assert notice["title"]
    read = story.client.post(f"/inbox/{notice['id']}/read", TOWN)
    assert read.status_code == 204
    assert story.client.post(f"/inbox/{notice['id']}/read", HANDLER).status_code == 404

    after = story.client.done(story.client.get("/inbox", TOWN))
    assert after["unread"] == inbox["unread"] - 1
    assert after["items"][0]["read_at"] == "2026-06-01T01:00:00+00:00"
    unread = story.client.done(story.client.get("/inbox", TOWN, unread_only="true"))
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


def test_anybody_fetches_the_frozen_list_byte_for_byte(shared_story: Story):
    shown = shared_story.publicise(shared_story.publicity_pending())
    path = f"/publicities/{shown['public_id']}/list"

    fetched = [shared_story.client.get(path) for _ in range(2)]

    assert [answer.status_code for answer in fetched] == [200, 200]
    assert fetched[0].data == fetched[1].data
    assert sha256(fetched[0].data).hexdigest() == shown["list_sha256"]
    assert fetched[0].json["cases"] == shown["cases"]
    assert fetched[0].json["contact"] == {"unit": "市数据局", **CONTACT} == shown["contact"]
    assert "attachment" in fetched[0].headers["Content-Disposition"]
    assert shared_story.client.get("/publicities/none/list").status_code == 404
