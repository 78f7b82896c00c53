"""Asking a source over HTTP: against a real server on loopback, and against none."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from caseflow.kernel.errors import InvalidInput, Unavailable
from caseflow.reviews.checks.http_source import Access, HttpSource, signature
from caseflow.reviews.checks.sources import FAILURES, REST, Question, query_id
from tests.factories.fact_source import FactServer, fact_server

NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)
ASKED = Question("Q-1", "credit", "payment", "91320681MA2TE5T28T", "uscc", "甲公司")


@pytest.fixture
def server() -> Iterator[FactServer]:
    with fact_server() as running:
        yield running


def source(server: FactServer, **changes) -> HttpSource:
    access = Access(server.url, token="sesame", secret="hush")
    said = {"timeout_seconds": 2, "attempts": 3, "wait_seconds": 0.01, **changes}
    return HttpSource(name="credit", title="信用平台", valid_days=30, access=access, **said)


def test_a_question_is_signed_and_its_answer_kept_word_for_word(server):
    server.answers = [{"result": "veto", "note": "失信被执行人"}]

    answer = source(server).ask(ASKED, NOW)

    headers, question = server.asked[0]
    assert (answer.result, answer.note) == ("veto", "失信被执行人")
    assert b'"veto"' in answer.snapshot
    assert headers["Authorization"] == "Bearer sesame"
    assert headers["Idempotency-Key"] == question["query"] == "Q-1"
    moment = headers["X-Caseflow-Timestamp"]
    assert headers["X-Caseflow-Signature"] == signature("hush", moment, question["raw"].encode())


def test_a_source_that_stumbles_is_asked_again_under_the_same_id(server):
    server.answers = [503, 429]

    assert source(server).ask(ASKED, NOW).result == "pass"
    assert [headers["Idempotency-Key"] for headers, _ in server.asked] == ["Q-1"] * 3


@pytest.mark.parametrize(
    ("told", "times"),
    [
        (500, 3),
        (404, 1),
        (302, 1),
        ({"query": "Q-2"}, 1),
        ({"holder": "91320681MA2TE5T29T"}, 1),
        ({"result": "ok"}, 1),
        ({"result": None}, 1),
        ({"note": 7}, 1),
        (b"<html>pass</html>", 1),
        (b"[]", 1),
        (b" " * (1024 * 1024 + 1), 1),
    ],
)
def test_what_is_not_the_answer_agreed_is_none(server, told, times):
    server.answers = [told] * 3

    with pytest.raises(Unavailable, match="信用平台"):
        source(server).ask(ASKED, NOW)

    assert len(server.asked) == times


def test_a_source_that_is_too_slow_has_not_answered(server):
    server.delay_seconds = 0.4

    with pytest.raises(Unavailable, match="没有答复"):
        source(server, timeout_seconds=0.1, attempts=1).ask(ASKED, NOW)


def test_a_source_that_is_down_is_left_alone_for_a_while_and_tried_once_again(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    down = source(server, attempts=1)
    alive, down.access = down.access, Access(nobody)
    for _ in range(FAILURES):
        with pytest.raises(Unavailable, match="没有答复"):
            down.ask(ASKED, NOW)

    down.access = alive
    with pytest.raises(Unavailable, match="暂停查询"):
        down.ask(ASKED, NOW + REST - timedelta(seconds=1))
    answer = down.ask(ASKED, NOW + REST)

    assert answer.result == "pass"
    assert len(server.asked) == 1
    assert down.ask(ASKED, NOW).result == "pass"


@pytest.mark.parametrize("address", ["ftp://x/", "http:///x", "http://user:pw@x/", "x"])
def test_what_is_no_address_is_refused_before_anybody_is_asked(address):
    with pytest.raises(InvalidInput):
        HttpSource("credit", "信用平台", 30, Access(address))


def test_a_query_is_the_same_until_it_is_answered():
    assert query_id("s", "credit", "A", "2026-11-02", "") == query_id(
        "s", "credit", "A", "2026-11-02", ""
    )
    assert query_id("s", "credit", "A", "2026-11-02", "") != query_id(
        "s", "credit", "A", "2026-11-02", "K"
    )
