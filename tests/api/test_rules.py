"""Who may come in, and what they see: every route, every role, whose case it is."""

import pytest

from caseflow.api.rules import Rule, rule_of
from caseflow.app import create_app
from caseflow.clock import SystemClock
from caseflow.database.orm import db
from tests.api.client import Client
from tests.api.story import (
    APPLICANT,
    AUDITOR,
    CONTACT,
    FEN,
    FINANCE,
    HANDLER,
    LEADER,
    REVIEWER,
    TOWN,
    TREASURY,
    Story,
)

OPEN_ROUTES = {
    "GET /api/docs/",
    "GET /api/docs/<path:path>",
    "GET /api/openapi.json",
    "GET /api/v1/calls",
    "GET /api/v1/calls/<public_id>",
    "GET /api/v1/clock",
    "GET /api/v1/health",
    "GET /api/v1/letters/kinds",
    "GET /api/v1/measures",
    "GET /api/v1/measures/<code>",
    "GET /api/v1/measures/<code>/workflow",
    "GET /api/v1/policies",
    "POST /api/v1/measures/<code>/quotes",
    "GET /api/v1/policies/<code>",
    "GET /api/v1/policies/<code>/diff",
    "GET /api/v1/policies/<code>/indicators",
    "GET /api/v1/policies/<code>/indicators/<indicator>",
    "GET /api/v1/policies/<code>/versions",
    "GET /api/v1/publicities",
    "GET /api/v1/publicities/<public_id>",
    "GET /api/v1/publicities/<public_id>/notice",
    "GET /api/v1/publicities/<public_id>/list",
    "GET /api/v1/publicities/<public_id>/sheet",
    "GET /api/v1/territories",
}
READERS = {"zhao.lei", "shuiwuju.cosign", "jiaotongju.handler"}
"""For whom every way to a case is tried: its applicant, a party, a stranger."""
LOOPBACK_ROUTES = {"POST /api/v1/people", "POST /api/v1/clock"}
"""Written by hand: a route that is not here needs a token."""


def routes(client: Client):
    for rule in client.app.url_map.iter_rules():
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            yield f"{method} {rule.rule}", rule


def test_every_route_has_the_rule_that_the_table_says(shared_client: Client):
    found = {
        name: rule_of(shared_client.app, rule.endpoint) for name, rule in routes(shared_client)
    }

    assert None not in found.values()
    assert {name for name, rule in found.items() if rule is Rule.EVERYBODY} == OPEN_ROUTES
    assert {name for name, rule in found.items() if rule is Rule.LOOPBACK} == LOOPBACK_ROUTES
    assert len(found) > len(OPEN_ROUTES) + len(LOOPBACK_ROUTES) + 12


def test_a_route_without_a_rule_is_refused(shared_client: Client, settings):
    cases = shared_client.app.extensions["caseflow"].cases
    client = Client(create_app(settings, cases=cases, clock=SystemClock()))
    client.app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "secret")

    assert client.get("/forgotten", AUDITOR).status_code == 403
    with client.app.app_context():
        db.engine.dispose()


def test_no_closed_route_answers_without_a_token(shared_client: Client):
    for name, _ in routes(shared_client):
        if name in OPEN_ROUTES | LOOPBACK_ROUTES:
            continue
        method, path = name.split(" ")
        for number in ("notice_id", "split_id", "task_id", "line"):
            path = path.replace(f"<int:{number}>", "1")
        path = path.replace("<public_id>", "x")
        path = path.replace("<document_id>", "y").removeprefix("/api/v1")
        answer = shared_client.ask(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 401, name
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "dev:shujuju.handler",
        "Basic dev:x",
        "Bearer shujuju.handler",
        "Bearer dev:",
        "Bearer dev:no",
    ],
)
def test_a_bad_token_is_refused(shared_client: Client, header: str):
    answer = shared_client.ask("GET", "/people/me", headers={"Authorization": header})

    assert answer.status_code == 401


def test_nobody_is_the_system(shared_client: Client):
    assert shared_client.get("/people/me", "system").status_code == 401


@pytest.mark.parametrize(
    "options",
    [
        {"environ_base": {"REMOTE_ADDR": "10.0.0.7"}},
        {"headers": {"X-Forwarded-For": "10.0.0.7"}},
        {"headers": {"Forwarded": "for=10.0.0.7"}},
    ],
)
def test_tokens_and_registering_work_on_this_machine_only(shared_client: Client, options):
    assert shared_client.ask("GET", "/people/me", HANDLER, **options).status_code == 401
    body = {"login": "somebody", "name": "x"}
    assert shared_client.ask("POST", "/people", json=body, **options).status_code == 403
    assert shared_client.ask("GET", "/publicities", **options).status_code == 200


def test_another_host_name_is_refused(shared_client: Client):
    answer = shared_client.ask("GET", "/people/me", HANDLER, headers={"Host": "evil.example"})

    assert answer.status_code == 400


def test_who_sees_a_case(shared_story: Story):
    mine = shared_story.submitted()
    other_applicant = shared_story.register("zhao.lei", number=2, territory="nanyang")
    theirs = shared_story.draft("zhao.lei", applicant=other_applicant)
    table = {
        APPLICANT: {mine},
        "zhao.lei": {theirs},
        AUDITOR: {mine, theirs},
        TOWN: {mine},
        "huilong_zhen.head": {mine},
        "nanyang_zhen.handler": {theirs},
        "beixin_zhen.handler": set(),
        HANDLER: {mine, theirs},
        LEADER: {mine, theirs},
        FINANCE: {mine, theirs},
        TREASURY: {mine, theirs},
        "shuiwuju.cosign": {mine, theirs},
        "gongxinju.handler": {mine, theirs},
        "jiaotongju.handler": set(),
        "kejiju.reviewer": set(),
        "zhuanjiaku.expert1": set(),
        "shenjijigou.audit_firm": set(),
        "yinhang.bank": set(),
    }
    shared_story.client.done(
        shared_story.client.post("/people", None, {"login": "citizen", "name": "王某"}), 201
    )
    table["citizen"] = set()

    for login, expected in table.items():
        found = shared_story.client.done(shared_story.client.get("/cases", login))["items"]
        assert {each["public_id"] for each in found} & {mine, theirs} == expected, login
        for case in (mine, theirs):
            status = 200 if case in expected else 404
            paths = ("", "/events", "/documents") if login in READERS else ("",)
            for path in paths:
                assert (
                    shared_story.client.get(f"/cases/{case}{path}", login).status_code == status
                ), login
            if status != 200:
                assert shared_story.client.act(case, login, "accept").status_code == 404
                assert shared_story.client.upload(case, login, "contract").status_code == 404


def test_a_third_party_sees_what_it_was_asked_about(shared_story: Story):
    case = shared_story.submitted()
    shared_story.run(
        case,
        (
            (TOWN, "accept", {}),
            (TOWN, "verify_claim", {"verified_fen": FEN, "note": "属实。"}),
            ("huilong_zhen.head", "recommend", {}),
        ),
    )
    assert shared_story.client.get(f"/cases/{case}", "shenjijigou.audit_firm").status_code == 404

    shared_story.run(case, ((HANDLER, "send_to_audit", {"note": "请审计"}),))

    assert shared_story.client.get(f"/cases/{case}", "shenjijigou.audit_firm").status_code == 200
    assert shared_story.client.get(f"/cases/{case}", "yinhang.bank").status_code == 404


def test_what_is_seen_is_not_yet_acted_on(shared_story: Story):
    case = shared_story.submitted()

    for login in (APPLICANT, AUDITOR, HANDLER, REVIEWER, "huilong_zhen.head"):
        answer = shared_story.client.act(case, login, "accept")
        assert answer.status_code == 403, login
        assert "属地经办" in answer.get_json()["detail"]


def test_papers_are_put_to_a_case_by_whoever_has_it(shared_story: Story):
    case = shared_story.submitted()

    assert shared_story.client.upload(case, APPLICANT, "contract").status_code == 403
    assert shared_story.client.upload(case, HANDLER, "contract").status_code == 403
    assert shared_story.client.upload(case, TOWN, "contract").status_code == 201


def test_a_document_is_not_reached_through_another_case(shared_story: Story):
    first, second = shared_story.draft(), shared_story.draft()
    sent = shared_story.client.done(shared_story.client.upload(first, APPLICANT, "contract"), 201)

    answer = shared_story.client.get(f"/cases/{second}/documents/{sent['public_id']}", APPLICANT)

    assert answer.status_code == 404


@pytest.mark.parametrize("login", [HANDLER, "kejiju.reviewer", APPLICANT, AUDITOR])
def test_a_call_is_planned_by_the_lead_bureau_alone(shared_story: Story, login: str):
    body = {"measure": "QD26-7a", "title": "x", "opens_on": "2026-06-01", "closes_on": "2026-06-02"}

    assert shared_story.client.post("/calls", login, body).status_code == 403


def test_an_official_does_not_register_as_an_applicant(shared_client: Client):
    body = {"kind": "enterprise", "name": "x", "uscc": "91320681MA1TESTX0T", "territory": "huilong"}

    assert shared_client.post("/applicants", HANDLER, body).status_code == 403


def test_an_applicant_is_shown_to_its_own_people(shared_story: Story):
    path = f"/applicants/{shared_story.applicant}"

    assert (
        shared_story.client.done(shared_story.client.get(path, APPLICANT))["territory"] == "huilong"
    )
    assert shared_story.client.get(path, HANDLER).status_code == 404


def test_nobody_opens_a_case_for_somebody_else(shared_story: Story):
    other = shared_story.register("qian.yi", number=3)

    answer = shared_story.client.post("/cases", APPLICANT, shared_story.opening(applicant=other))

    assert answer.status_code == 403


def test_a_publicity_is_opened_by_the_handler_of_the_lead_bureau(shared_story: Story):
    case = shared_story.publicity_pending()
    body = {"cases": [case], "title": "名单", "basis": "第七条", "working_days": 5, **CONTACT}

    assert shared_story.client.post("/publicities", REVIEWER, body).status_code in {403, 409}
    assert shared_story.client.post("/publicities", "kejiju.handler", body).status_code == 404
    forged = shared_story.client.act(
        case, HANDLER, "publicise", publicity_id=1, publicity_ends_on="2026-06-02"
    )
    assert forged.status_code == 422
    assert shared_story.show(case)["case"]["state"] == "publicity_pending"


def test_the_accounts_of_offices_are_listed_by_seat(shared_story: Story):
    found = shared_story.client.done(
        shared_story.client.get("/people", APPLICANT, organisation="shujuju", role="bureau_handler")
    )

    assert [each["login"] for each in found["items"]] == [HANDLER]
    everyone = shared_story.client.done(shared_story.client.get("/people", APPLICANT, limit=200))
    assert APPLICANT not in [each["login"] for each in everyone["items"]]
