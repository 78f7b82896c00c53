"""Many at once, and a database that is not there."""

import copy
import logging
import threading
from collections import Counter
from dataclasses import replace

import pytest

from caseflow.api.rules import Rule, admits
from caseflow.app import create_app
from caseflow.cases.service import Cases
from caseflow.clock import SystemClock
from caseflow.database.access import Address, open_database
from caseflow.database.orm import db
from tests.api.client import Client
from tests.api.story import TOWN, Story

THREADS = 16


@pytest.fixture
def story(shared_story: Story) -> Story:
    """The story of the module; every test has a case of its own in it."""
    return shared_story


@pytest.fixture
def cases(shared_client: Client) -> Cases:
    """The acts on the database of the story, for applications beside its own."""
    return shared_client.app.extensions["caseflow"].cases


def all_at_once(ask) -> Counter[int]:
    """Return how often each status was answered when everybody asks in the same moment."""
    barrier = threading.Barrier(THREADS)
    statuses: list[int] = []

    def run(number: int) -> None:
        barrier.wait()
        statuses.append(ask(number).status_code)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


def test_sixteen_decide_on_one_case_and_one_wins(story: Story):
    case = story.submitted()

    statuses = all_at_once(lambda _: story.client.act(case, TOWN, "accept"))

    assert statuses == {200: 1, 409: THREADS - 1}
    assert story.show(case)["case"]["version"] == 3


def test_sixteen_decide_on_what_they_saw_and_one_wins(story: Story):
    case = story.submitted()
    tag = {"If-Match": '"2"'}

    statuses = all_at_once(lambda _: story.client.act(case, TOWN, "accept", tag))

    assert statuses == {200: 1, 412: THREADS - 1}


def test_sixteen_copies_of_one_request_are_one(story: Story):
    case = story.submitted()
    key = {"Idempotency-Key": "one-act"}

    statuses = all_at_once(lambda _: story.client.act(case, TOWN, "accept", key))

    assert statuses == {200: THREADS}
    assert story.show(case)["case"]["version"] == 3


def test_sixteen_copies_of_one_opening_are_one(story: Story):
    key = {"Idempotency-Key": "one-opening"}
    body = story.opening(title="只此一件")

    statuses = all_at_once(lambda _: story.client.post("/cases", "li.ming", body, key))

    assert statuses == {201: THREADS}
    opened = story.client.done(story.client.get("/cases", "li.ming", text="只此一件"))["items"]
    assert len(opened) == 1


def test_without_a_database_every_route_says_so(settings, cases, tmp_path):
    gone = f"postgresql+psycopg://caseflow_program@/none?host={tmp_path}"
    cut_off = copy.copy(cases)
    cut_off.database = open_database(Address(gone, gone))
    cut_off.connect = cut_off.database.connect
    app = create_app(settings, cases=cut_off, clock=SystemClock())
    client = Client(app)

    for answer in (client.get("/health"), client.get("/publicities"), client.get("/tasks", TOWN)):
        assert answer.status_code == 503
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Retry-After"] == "5"
        assert str(tmp_path) not in answer.get_data(as_text=True)


def test_what_breaks_says_nothing_of_its_inside(settings, cases, caplog: pytest.LogCaptureFixture):
    client = Client(create_app(settings, cases=cases, clock=SystemClock()))

    @admits(Rule.EVERYBODY)
    def broken() -> None:
        raise ZeroDivisionError("the secret inside")

    client.app.add_url_rule("/api/v1/broken", "broken", broken)

    with caplog.at_level(logging.ERROR):
        answer = client.get("/broken")

    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "secret" not in answer.get_data(as_text=True)
    assert "ZeroDivisionError" in caplog.text


def test_a_server_beyond_this_machine_takes_no_development_token(settings, cases):
    app = create_app(replace(settings, host="0.0.0.0"), cases=cases, clock=SystemClock())
    client = Client(app)

    assert client.get("/people/me", TOWN).status_code == 401
    assert client.post("/people", None, {"login": "somebody", "name": "x"}).status_code == 403
    assert client.post("/clock", None, {"to": "2026-06-02T00:00:00Z"}).status_code == 403
    assert client.get("/policies").status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_the_machines_clock_is_not_moved(settings, cases):
    app = create_app(settings, cases=cases, clock=SystemClock())
    client = Client(app)

    assert client.get("/clock").get_json()["kind"] == "system"
    assert client.post("/clock", None, {"to": "2099-06-02T00:00:00Z"}).status_code == 403
    with app.app_context():
        db.engine.dispose()
