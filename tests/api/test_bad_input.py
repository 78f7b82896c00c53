"""What comes from outside and is wrong: a clear problem document, and nothing half written."""

import json
from typing import Any

import pytest

from tests.api.conftest import UPLOAD_LIMIT
from tests.api.story import APPLICANT, CONTACT, FEN, HANDLER, REVIEWER, TOWN, Story

CALL = {
    "measure": "QD26-7a",
    "title": "申报通知",
    "opens_on": "2026-06-01",
    "closes_on": "2026-08-31",
}
APPLICATION = {
    "kind": "enterprise",
    "name": "启东某公司",
    "uscc": "91320681MA000009TX",
    "territory": "huilong",
}


@pytest.fixture(scope="module")
def draft(shared_story: Story) -> str:
    """A complete draft; nothing here submits it."""
    case = shared_story.draft()
    shared_story.complete(case)
    return case


def refused(answer: Any, status: int, *names: str) -> dict[str, Any]:
    """Return the problem document, which must be whole and name the fields."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert problem["status"] == status
    assert problem["detail"]
    assert "Traceback" not in answer.get_data(as_text=True)
    for name in names:
        assert name in problem["fields"], problem
    return problem


def unchanged(story: Story, case: str) -> None:
    found = story.show(case)
    assert found["case"]["state"] == "draft"
    assert found["case"]["version"] == 1


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (1.0, "分"),
        (1000000.5, "分"),
        ("10000000", "分"),
        ("１００", "分"),
        (True, "分"),
        (None, "分"),
        (-1, "分"),
        (10**30, "分"),
        ([1], "分"),
        ({"fen": 1}, "分"),
    ],
)
def test_money_is_whole_fen_and_nothing_else(shared_story, draft, value, word):
    answer = shared_story.client.act(draft, APPLICANT, "submit", applied_fen=value)

    problem = refused(answer, 422, "applied_fen")
    assert word in problem["fields"]["applied_fen"]
    unchanged(shared_story, draft)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({}, "applied_fen"),
        ({"applied_fen": FEN, "approved_fen": FEN}, "approved_fen"),
        ({"applied_fen": FEN, "policy_in_force": True}, "policy_in_force"),
        ({"applied_fen": FEN, "state": "disbursed"}, "state"),
        ({"applied_fen": FEN, "note": 7}, "note"),
        ({"applied_fen": FEN, "note": ""}, "note"),
        ({"applied_fen": FEN, "note": "a\x00b"}, "note"),
        ({"applied_fen": FEN, "note": "长" * 4001}, "note"),
        ({"applied_fen": FEN, "__class__": "x"}, "__class__"),
    ],
)
def test_a_payload_has_what_the_event_takes_and_no_more(shared_story, draft, payload, name):
    answer = shared_story.client.act(draft, APPLICANT, "submit", **payload)

    refused(answer, 422, name)
    unchanged(shared_story, draft)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"event": "submit", "payload": {"applied_fen": NaN}}',
        b'{"event": "submit", "payload": {"applied_fen": Infinity}}',
        b'{"event": "submit", "event": "discard_draft"}',
        b'{"event": "\xff\xfe"}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"event": "submit", "payload": ' + b'{"a":' * 60_000 + b"1" + b"}" * 60_001,
        b'{"event": "submit", "payload": {"applied_fen": ' + b"9" * 5_000 + b"}}",
    ],
    ids=["empty", "cut", "words", "nan", "infinity", "twice", "bytes", "deep", "deeper", "digits"],
)
def test_what_is_no_json_is_refused(shared_story, draft, body):
    answer = shared_story.client.ask(
        "POST",
        f"/cases/{draft}/events",
        APPLICANT,
        data=body,
        content_type="application/json",
    )

    refused(answer, 400)
    unchanged(shared_story, draft)


@pytest.mark.parametrize("body", [[], "submit", 7, None, True])
def test_a_body_is_an_object(shared_story, draft, body):
    answer = shared_story.client.ask(
        "POST",
        f"/cases/{draft}/events",
        APPLICANT,
        data=json.dumps(body),
        content_type="application/json",
    )

    refused(answer, 422)


def test_another_media_type_is_refused(shared_story, draft):
    answer = shared_story.client.ask(
        "POST", f"/cases/{draft}/events", APPLICANT, data="event=submit", content_type="text/plain"
    )

    refused(answer, 415)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"payload": {}}, "event"),
        ({"event": 7}, "event"),
        ({"event": ""}, "event"),
        ({"event": "submit", "payload": []}, "payload"),
        ({"event": "submit", "payload": None}, "payload"),
        ({"event": "submit", "actor": "shujuju.leader"}, "actor"),
        ({"event": "submit", "at": "2026-01-01T00:00:00Z"}, "at"),
        ({"event": "submit", "state": "disbursed"}, "state"),
    ],
)
def test_an_act_has_an_event_and_a_payload_and_no_more(shared_story, draft, body, name):
    refused(shared_story.client.post(f"/cases/{draft}/events", APPLICANT, body), 422, name)
    unchanged(shared_story, draft)


def test_an_event_that_is_not_possible_says_which_are(shared_story, draft):
    for event in ("approve", "no_such_event", "../submit", "提交", "DROP TABLE"):
        problem = refused(shared_story.client.act(draft, APPLICANT, event), 409)
        assert "submit" in problem["allowed"]
        assert problem["type"] == "/problems/event-not-allowed"


def test_a_guard_that_fails_says_why(shared_story):
    case = shared_story.draft()

    answer = shared_story.client.act(case, APPLICANT, "submit", applied_fen=FEN)

    problem = refused(answer, 409)
    assert problem["type"] == "/problems/guard-failed"
    assert problem["failed"] == ["必交材料不齐全"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"measure": "QD99-1"}, 404),
        ({"applicant": "nobody"}, 404),
        ({"call": "none"}, 404),
        ({"call": None}, 422),
        ({"measure": "QD26-7b"}, 409),
        ({"title": ""}, 422),
        ({"title": "长" * 201}, 422),
        ({"title": "a\x00b"}, 422),
        ({"title": "a\nb"}, 422),
        ({"matter_on": "2026-02-30"}, 422),
        ({"matter_on": "２０２６-01-01"}, 422),
        ({"matter_on": "2026-1-1"}, 422),
        ({"matter_on": 20260101}, 422),
        ({"state": "approved"}, 422),
        ({"approved_fen": 1}, 422),
    ],
)
def test_a_case_is_opened_with_good_values_only(shared_story, change, status):
    refused(shared_story.client.post("/cases", APPLICANT, shared_story.opening(**change)), status)


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"uscc": "91320681MA1TESTX00"}, 422, "uscc"),
        ({"uscc": "９１３２０６８１"}, 422, "uscc"),
        ({"uscc": 91320681}, 422, "uscc"),
        ({"uscc": None}, 422, "uscc"),
        ({"kind": "bureau"}, 422, "kind"),
        ({"kind": "individual"}, 422, "identity"),
        ({"territory": "atlantis"}, 404, None),
        ({"name": " "}, 422, "name"),
        ({"identity": {"type": "resident_id", "number": "1"}}, 422, None),
        ({"identity": {"type": "library_card", "number": "1"}}, 422, "identity.type"),
        ({"identity": {"number": "1", "colour": "red"}}, 422, "identity.colour"),
        ({"code": "shujuju"}, 422, "code"),
    ],
)
def test_an_applicant_is_registered_with_good_values_only(shared_story, change, status, name):
    body = {**APPLICATION, **change}

    refused(
        shared_story.client.post("/applicants", APPLICANT, body), status, *([name] if name else [])
    )


def test_an_identifier_is_registered_once(shared_story):
    from tests.factories.identity import uscc_number

    body = {**APPLICATION, "uscc": uscc_number(1)}

    refused(shared_story.client.post("/applicants", APPLICANT, body), 409)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"closes_on": "2026-05-31"}, 422),
        ({"opens_on": "2028-05-13", "closes_on": "2028-05-14"}, 422),
        ({"measure": "QD99-1"}, 404),
        ({"title": 7}, 422),
        ({"status": "open"}, 422),
    ],
)
def test_a_call_is_planned_inside_the_policys_life(shared_story, change, status):
    refused(shared_story.client.post("/calls", REVIEWER, {**CALL, **change}), status)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/cases?limit=0", "limit"),
        ("/cases?limit=201", "limit"),
        ("/cases?limit=１０", "limit"),
        ("/cases?limit=1e1", "limit"),
        ("/cases?limit=-1", "limit"),
        ("/cases?limit=", "limit"),
        ("/cases?sort=title", "sort"),
        ("/cases?after=nothing", "after"),
        ("/cases?colour=red", "colour"),
        ("/tasks?after=x", "after"),
        ("/inbox?unread_only=1", "unread_only"),
        ("/measures?article=seven", "article"),
        ("/calls?open=yes", "open"),
        ("/calls?after=nothing", "after"),
        ("/measures/QD26-7a/workflow?format=pdf", "format"),
    ],
)
def test_a_query_is_read_as_strictly_as_a_body(shared_story, path, name):
    refused(shared_story.client.get(path, APPLICANT), 422, name)


@pytest.mark.parametrize(
    "path",
    [
        "/cases/none",
        "/cases/%E2%98%83",
        "/cases/" + "x" * 500,
        "/cases/1",
        "/cases/none/events",
        "/cases/none/documents",
        "/policies/none",
        "/measures/none",
        "/measures/QD26-7a/workflow?child=none",
        "/publicities/none",
        "/applicants/none",
        "/applicants/shujuju",
        "/nothing",
    ],
)
def test_what_is_not_there_is_not_found(shared_story, path):
    refused(shared_story.client.get(path, APPLICANT), 404)


def test_another_method_is_refused(shared_story):
    answer = shared_story.client.ask("DELETE", "/cases", APPLICANT)

    refused(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("header", ["1", "abc", '"x"', '"-1"', '"１"', '"1", "2"'])
def test_if_match_is_an_etag_of_a_case(shared_story, draft, header):
    answer = shared_story.client.act(
        draft, APPLICANT, "submit", {"If-Match": header.encode().decode("latin-1")}, applied_fen=FEN
    )

    refused(answer, 422, "If-Match")


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "\x7f"])
def test_an_idempotency_key_is_short_visible_text(shared_story, draft, key):
    headers = {"Idempotency-Key": key}

    answer = shared_story.client.act(draft, APPLICANT, "submit", headers, applied_fen=FEN)

    refused(answer, 422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("kind", "content", "name", "status"),
    [
        ("contract", b"%PDF-1" + b"x" * UPLOAD_LIMIT, "a.pdf", 413),
        ("contract", b"%PDF-1" + b"x" * (2 * UPLOAD_LIMIT + 2**16), "a.pdf", 413),
        ("contract", b"MZ\x90\x00", "a.pdf", 422),
        ("contract", b"MZ\x90\x00", "a.exe", 422),
        ("contract", b"", "a.pdf", 422),
        ("contract", b"%PDF-1.7", "", 422),
        ("spell_book", b"%PDF-1.7", "a.pdf", 422),
        ("", b"%PDF-1.7", "a.pdf", 422),
        ("contract", b"PK\x03\x04rubbish", "a.docx", 422),
    ],
)
def test_a_file_has_its_size_its_kind_and_its_place(shared_story, kind, content, name, status):
    case = shared_story.draft()

    refused(shared_story.client.upload(case, APPLICANT, kind, content, name), status)
    found = shared_story.client.done(shared_story.client.get(f"/cases/{case}/documents", APPLICANT))
    assert found["files"] == []


def test_a_form_without_a_file_is_refused(shared_story, draft):
    answer = shared_story.client.ask(
        "POST", f"/cases/{draft}/documents", APPLICANT, data={"kind": "contract"}
    )

    refused(answer, 422, "file")


def test_a_body_over_a_megabyte_is_refused(shared_story, draft):
    body = b'{"event": "submit", "payload": {"note": "' + b"x" * 2**20 + b'"}}'

    answer = shared_story.client.ask(
        "POST", f"/cases/{draft}/events", APPLICANT, data=body, content_type="application/json"
    )

    refused(answer, 413)


def test_a_body_of_unknown_length_is_refused(shared_story, draft):
    answer = shared_story.client.ask(
        "POST",
        f"/cases/{draft}/events",
        APPLICANT,
        {"Transfer-Encoding": "chunked"},
        environ_overrides={"CONTENT_LENGTH": ""},
        content_type="application/json",
    )

    refused(answer, 411)


def test_a_stale_version_is_refused(shared_story):
    case = shared_story.submitted()
    tag = shared_story.client.get(f"/cases/{case}", TOWN).headers["ETag"]
    assert tag == '"2"'

    stale = shared_story.client.act(case, TOWN, "accept", {"If-Match": '"1"'})
    fresh = shared_story.client.act(case, TOWN, "accept", {"If-Match": tag})

    refused(stale, 412)
    assert fresh.status_code == 200
    assert fresh.headers["ETag"] == '"3"'


def test_a_repeated_request_is_answered_as_the_first_time(shared_story, draft):
    case = shared_story.submitted()
    key = {"Idempotency-Key": "accept-once"}
    act = shared_story.client.act

    first = shared_story.client.done(act(case, TOWN, "accept", key))
    again = shared_story.client.done(act(case, TOWN, "accept", key))
    other = act(case, TOWN, "accept", key, note="另一内容")
    elsewhere = act(draft, TOWN, "accept", key)

    assert again == {**first, "replayed": True}
    assert shared_story.show(case)["case"]["version"] == first["version"]
    problem = refused(other, 422)
    assert problem["type"] == "/problems/request-reused"
    refused(elsewhere, 422)


def test_a_repeated_opening_opens_once(shared_story):
    key = {"Idempotency-Key": "open-once"}
    post = shared_story.client.post

    first = shared_story.client.done(post("/cases", APPLICANT, shared_story.opening(), key), 201)
    again = shared_story.client.done(post("/cases", APPLICANT, shared_story.opening(), key), 201)
    other = post("/cases", APPLICANT, shared_story.opening(title="另一件"), key)

    assert again == {**first, "replayed": True}
    refused(other, 422)


def test_a_clock_is_not_turned_back(shared_story):
    for to in ("2026-05-31T00:00:00Z", "2026-06-01", "2026-06-01T09:00:00", "tomorrow", 7):
        refused(shared_story.client.post("/clock", None, {"to": to}), 422, "to")


def test_a_publicity_is_refused_whole(shared_story, draft):
    body = {"cases": [draft], "title": "名单", "basis": "第七条", "working_days": 5, **CONTACT}
    post = shared_story.client.post

    problem = refused(post("/publicities", HANDLER, body), 409)
    assert "不能列入公示" in problem["detail"]
    for change in (
        {"cases": []},
        {"working_days": 0},
        {"working_days": 5.0},
        {"title": ""},
        {"phone": ""},
    ):
        refused(post("/publicities", HANDLER, {**body, **change}), 422, next(iter(change)))
    refused(post("/publicities", HANDLER, {**body, "cases": ["none"]}), 404)
    assert shared_story.client.done(shared_story.client.get("/publicities"))["items"] == []


def test_answers_are_hardened(shared_story, draft):
    for path in (f"/cases/{draft}", "/cases/none", "/health"):
        headers = shared_story.client.get(path, APPLICANT).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
