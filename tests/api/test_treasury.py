"""The treasury by HTTP: budgets, what became of them, files and answers, pools, who sees what."""

import io
from datetime import date, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from caseflow.rehearsal.treasury import PLENTY_FEN
from tests.api.client import Client
from tests.api.story import (
    AFTER_PUBLICITY,
    APPLICANT,
    AUDITOR,
    BEFORE_COSIGNING,
    BEFORE_PUBLICITY,
    COSIGNERS,
    FEN,
    FINANCE,
    HANDLER,
    MEASURE,
    REVIEWER,
    TREASURY,
    Story,
)
from tests.factories.sheets import filled_in, opened

POLICY = "qidong-2026"
LINE = {
    "policy": POLICY, "measure": "QD26-8d", "year": 2026, "share": "city", "territory": "qidong",
    "fen": 1_000_00, "document_no": "启财预〔2026〕9号", "functional_subject": "2060499",
}  # fmt: skip


def line_of(client: Client, **changes: Any) -> Any:
    return client.done(client.post("/budgets", FINANCE, {**LINE, **changes}), 201)


def test_money_is_put_into_a_line_taken_back_and_carried_over(shared_client: Client):
    line = line_of(shared_client)
    path = f"/budgets/{line['public_id']}"
    document = {"document_no": "启财预〔2026〕10号"}

    less = shared_client.post(f"{path}/withdrawals", FINANCE, {"fen": 300_00, **document})
    next_year = shared_client.post(f"{path}/carry-overs", FINANCE, {"fen": 200_00, **document})
    shown = shared_client.done(shared_client.get(path, AUDITOR))
    too_much = shared_client.post(f"{path}/withdrawals", FINANCE, {"fen": 500_01, **document})

    assert (line["measure"], line["available_fen"]) == ("QD26-8d", 1_000_00)
    assert shared_client.done(less, 201)["available_fen"] == 700_00
    assert shared_client.done(next_year, 201)["year"] == 2027
    assert (shown["available_fen"], shown["appropriated_fen"]) == (500_00, 500_00)
    assert too_much.status_code == 409


def test_a_request_that_is_repeated_moves_no_money_again(shared_client: Client):
    line = line_of(shared_client, measure="QD26-8e")
    path = f"/budgets/{line['public_id']}"
    key = {"Idempotency-Key": "budget-1"}

    answers = [
        shared_client.post("/budgets", FINANCE, {**LINE, "measure": "QD26-8e"}, key).status_code
        for _ in range(2)
    ]

    assert answers == [201, 422]
    assert shared_client.done(shared_client.get(path, FINANCE))["available_fen"] == 2 * LINE["fen"]


@pytest.mark.parametrize(
    ("login", "changes", "status"),
    [
        (HANDLER, {}, 403),
        (TREASURY, {}, 403),
        (APPLICANT, {}, 403),
        (FINANCE, {"fen": 0}, 422),
        (FINANCE, {"fen": 1.5}, 422),
        (FINANCE, {"fen": 10**15 + 1}, 422),
        (FINANCE, {"year": 1999}, 422),
        (FINANCE, {"share": "state"}, 422),
        (FINANCE, {"policy": "nothing"}, 404),
        (FINANCE, {"measure": "NT26-2b"}, 404),
        (FINANCE, {"document_no": " "}, 422),
        (FINANCE, {"available_fen": 1}, 422),
    ],
)
def test_money_is_put_in_by_who_answers_for_it_and_rightly(
    shared_client: Client, login: str, changes: dict[str, Any], status: int
):
    assert shared_client.post("/budgets", login, {**LINE, **changes}).status_code == status


def test_lines_are_listed_and_paged(shared_client: Client):
    query = {"policy": POLICY, "share": "city", "limit": 2}
    first = shared_client.done(shared_client.get("/budgets", FINANCE, **query))
    second = shared_client.done(
        shared_client.get("/budgets", FINANCE, **query, after=first["next"])
    )

    assert len(first["items"]) == 2
    assert {each["public_id"] for each in first["items"]}.isdisjoint(
        each["public_id"] for each in second["items"]
    )
    assert shared_client.get("/budgets", FINANCE, limit=201).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/budgets", "/budgets/execution", "/budgets/verification", "/fiscal-splits"],
)
def test_applicants_and_strangers_read_no_budgets(shared_client: Client, path: str):
    assert shared_client.get(path, APPLICANT).status_code == 403
    assert shared_client.get(path, "fagaiwei.cosign").status_code == 403
    assert shared_client.get(path, AUDITOR).status_code == 200


def test_the_ledger_says_that_it_is_whole(shared_client: Client):
    found = shared_client.done(shared_client.get("/budgets/verification", AUDITOR))

    assert found == {"ok": True, "faults": []}


def test_a_split_is_entered_by_one_and_confirmed_by_another(shared_client: Client):
    body = {
        "policy": POLICY, "territory": "nanyang", "city_percent": "45.5",
        "valid_from": "2026-06-01", "basis": "启政发〔2026〕3号",
    }  # fmt: skip

    entered = shared_client.done(shared_client.post("/fiscal-splits", FINANCE, body), 201)
    path = f"/fiscal-splits/{entered['id']}/confirmation"
    confirmed = shared_client.done(shared_client.post(path, TREASURY, {}))
    listed = shared_client.done(shared_client.get("/fiscal-splits", AUDITOR, policy=POLICY))

    assert (entered["city_percent"], entered["confirmed_by"]) == ("45.5", None)
    assert (confirmed["entered_by"], confirmed["confirmed_by"]) == (FINANCE, TREASURY)
    assert listed["items"][0] == confirmed
    second = {**body, "valid_from": "2026-07-01"}
    newest = shared_client.done(shared_client.post("/fiscal-splits", FINANCE, second), 201)
    page = shared_client.done(shared_client.get("/fiscal-splits", AUDITOR, limit=1))
    rest = shared_client.done(
        shared_client.get("/fiscal-splits", AUDITOR, limit=1, after=page["next"])
    )
    assert (page["items"], rest["items"], rest["next"]) == ([newest], [confirmed], None)
    assert shared_client.post(path, FINANCE, {}).status_code == 403
    assert shared_client.post("/fiscal-splits/1/confirmation", TREASURY, {}).status_code == 404
    for wrong in ("４0", "abc", "NaN", "101", "-1"):
        answer = shared_client.post("/fiscal-splits", FINANCE, {**body, "city_percent": wrong})
        assert answer.status_code == 422, wrong


def test_execution_is_data_or_a_workbook_with_the_same_checksum(shared_client: Client):
    found = shared_client.done(shared_client.get("/budgets/execution", FINANCE, year=2026))
    book = shared_client.get("/budgets/execution", FINANCE, year=2026, format="xlsx")

    about, rows = opened(book.data)
    assert book.headers["Content-Disposition"] == 'attachment; filename="budget-execution.xlsx"'
    assert about["校验码"] == found["checksum"]
    assert len(rows) == len(found["rows"]) + 1
    assert found["total"]["appropriated_fen"] >= PLENTY_FEN
    assert found["rows"][0]["sums"]["recovered_fen"] == 0


# --- payments


def disbursing(story: Story) -> tuple[str, str]:
    """Return a case that waits for the treasury, and the day on which it does."""
    case = story.publicity_pending()
    ends_on = date.fromisoformat(story.publicise(case)["ends_on"])
    story.move_clock(f"{ends_on}T16:00:00Z")
    story.run(case, AFTER_PUBLICITY[:-1])
    return case, str(ends_on + timedelta(days=1))


def row_of(content: bytes, key: str) -> dict[str, Any]:
    """Return the row of an order in a file that may have others."""
    return next(row for row in opened(content)[1] if row["拨付单号"] == key)


def counts(report: dict[str, Any]) -> dict[str, int]:
    """Return how many rows came to what; rows without an answer are another case's."""
    return {result: count for result, count in report["counts"].items() if result != "skipped"}


def bring(story: Story, content: bytes, login: str = TREASURY, **form: Any) -> TestResponse:
    name = form.pop("name", "答复.xlsx")
    return story.client.ask(
        "POST", "/payments/imports", login, data={"file": (io.BytesIO(content), name), **form},
        content_type="multipart/form-data",
    )  # fmt: skip


def test_a_case_is_paid_by_file_and_shows_the_road_of_its_money(shared_story: Story):
    story = shared_story
    case, day = disbursing(story)
    (order,) = story.client.done(story.client.get("/payments", TREASURY, case=case))["items"]
    whole = story.client.get("/payments/export", TREASURY, share="city", accounts="whole")
    masked = story.client.get("/payments/export", APPLICANT)
    answer = filled_in(
        whole.data,
        {order["key"]: {"支付日期": day, "支付凭证号": "启支-1", "支付状态": "已付"}},
    )

    tried = story.client.done(bring(story, answer, mode="try"))
    paid = story.client.done(bring(story, answer))
    again = story.client.done(bring(story, answer))

    assert day >= "2026-06-09"
    assert row_of(whole.data, order["key"])["账号"] == "620000000001"
    assert row_of(masked.data, order["key"])["账号(末四位)"] == "********0001"
    assert order["account"] == "********0001"
    assert [counts(report) for report in (tried, paid, again)] == [
        {"paid": 1}, {"paid": 1}, {"repeated": 1},
    ]  # fmt: skip
    shown = story.show(case)
    assert shown["case"]["outcome"] == "disbursed"
    assert [(each["kind"], each["fen"]) for each in shown["amount_chain"]] == [
        (kind, FEN) for kind in (
            "applied", "verified", "reviewed", "planned", "publicised", "approved", "paid",
        )
    ]  # fmt: skip
    assert [(each["source"], each["target"]) for each in shown["entries"]] == [
        ("available", "reserved"), ("reserved", "committed"), ("committed", "released"),
        ("released", "paid"),
    ]  # fmt: skip
    assert shown["payments"][0]["paid_on"] == day
    assert story.show(case, APPLICANT)["entries"] == []
    assert story.show(case, FINANCE)["entries"] == shown["entries"]


@pytest.mark.soak
def test_a_returned_payment_goes_to_the_account_that_the_applicant_registers_next(
    shared_story: Story,
):
    story = shared_story
    case, day = disbursing(story)
    (order,) = story.client.done(story.client.get("/payments", TREASURY, case=case))["items"]

    def whole() -> bytes:
        return story.client.get("/payments/export", TREASURY, share="city", accounts="whole").data

    def answer(**said: str) -> Any:
        return story.client.done(bring(story, filled_in(whole(), {order["key"]: said})))

    returned = answer(支付状态="退票", 备注="账号有误")
    waiting = story.client.done(story.client.get("/payments", AUDITOR, status="returned"))["items"]
    holder = story.client.done(story.client.get(f"/applicants/{story.applicant}", APPLICANT))
    account = {"holder": holder["name"], "bank": "示例银行", "number": "6299999999990042"}
    path = f"/organisations/{story.applicant}/accounts"
    story.client.done(story.client.post(path, APPLICANT, account), 201)
    story.run(case, ((APPLICANT, "correct_account", {"note": "已更正账号"}),))
    row = row_of(whole(), order["key"])
    paid = answer(支付日期=day, 支付凭证号="启支-2", 支付状态="已付")

    assert (counts(returned), counts(paid)) == ({"returned": 1}, {"paid": 1})
    assert [(each["key"], each["remark"]) for each in waiting] == [(order["key"], "账号有误")]
    assert row["账号"] == "6299999999990042"
    assert story.show(case)["case"]["outcome"] == "disbursed"


def test_each_cut_has_its_reason_in_the_order_of_the_road(shared_story: Story):
    story = shared_story
    case = story.submitted()
    cuts = {
        "verify_claim": {
            "verified_fen": FEN - 1_00,
            "cut_code": "evidence",
            "reason": "一张发票不符",
        },
        "conclude_review": {
            "reviewed_fen": FEN - 3_00,
            "cut_code": "ineligible",
            "reason": "存储费用不予认可",
        },
    }
    steps = tuple(
        (login, event, {**payload, **cuts.get(event, {})})
        for login, event, payload in BEFORE_COSIGNING[1:]
    )
    story.run(case, steps)
    for login in COSIGNERS:
        story.run(case, ((login, "answer_seat", {"verdict": "pass", "note": "无异议"}),))
    story.check(case, "reduce")
    plan = {"planned_fen": FEN - 10_00, "cut_code": "credit", "reason": "信用扣减"}
    story.run(case, ((HANDLER, "draft_plan", plan), *BEFORE_PUBLICITY[1:]))

    chain = story.show(case)["amount_chain"]

    assert [(each["kind"], each["reduction_fen"], each["reason"]) for each in chain] == [
        ("applied", 0, None),
        ("verified", 1_00, "一张发票不符"),
        ("reviewed", 2_00, "存储费用不予认可"),
        ("planned", 7_00, "信用扣减"),
    ]
    assert [each["cut_code"] for each in chain] == [None, "evidence", "ineligible", "credit"]
    assert chain[3]["cut_title"] == "按信用审查结果核减"
    assert [each["title"] for each in chain][:2] == ["申请金额", "属地核定金额"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"name": "a.pdf"}, 422),
        ({"name": "a.xlsx"}, 422),
        ({"name": "a.csv", "mode": "maybe"}, 422),
        ({"name": "a.csv", "content": b"x" * (64 * 1024 + 1)}, 413),
    ],
)
def test_a_file_that_is_no_answer_is_refused(
    shared_story: Story, form: dict[str, Any], status: int
):
    content = form.pop("content", b"nothing")

    assert bring(shared_story, content, **form).status_code == status


def test_whole_accounts_are_not_for_others(shared_client: Client):
    for login in (FINANCE, HANDLER, AUDITOR, APPLICANT):
        answer = shared_client.get("/payments/export", login, share="city", accounts="whole")
        assert answer.status_code == 403, login
    assert shared_client.get("/payments/export", TREASURY, accounts="whole").status_code == 422
    masked = shared_client.get("/payments/export", FINANCE)
    assert load_workbook(io.BytesIO(masked.data)).sheetnames == ["拨付明细"]


# --- pools


@pytest.mark.soak
def test_a_call_says_its_pool_and_it_is_divided(shared_story: Story):
    story = shared_story
    body = {
        "measure": MEASURE, "title": "资金有限的申报通知", "opens_on": "2026-06-01",
        "closes_on": "2026-08-31", "short_pool": "proportional", "pool_fen": FEN - 1,
    }  # fmt: skip
    call = story.client.done(story.client.post("/calls", REVIEWER, body), 201)
    case = story.draft(call=call["public_id"])
    story.complete(case)
    story.run(case, BEFORE_COSIGNING)
    for login in COSIGNERS:
        story.run(case, ((login, "answer_seat", {"verdict": "pass", "note": "无异议"}),))
    path = f"/calls/{call['public_id']}/division"

    seen = story.client.done(story.client.get(path, AUDITOR))
    done = story.client.done(story.client.post(path, HANDLER))

    assert (call["short_pool"], call["pool_fen"]) == ("proportional", FEN - 1)
    assert [(line["fen"], line["result"]) for line in seen["lines"]] == [(FEN - 1, "cut")]
    assert done["lines"] == seen["lines"]
    (planned,) = [each for each in story.show(case)["amount_chain"] if each["kind"] == "planned"]
    assert "同比例折减" in planned["reason"]
    assert story.client.get(path, APPLICANT).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [{"pool_fen": 1}, {"short_pool": "lottery"}, {"short_pool": "rank", "pool_fen": 0}],
)
def test_a_pool_is_said_rightly_or_not_at_all(shared_client: Client, changes: dict[str, Any]):
    body = {
        "measure": MEASURE,
        "title": "通知",
        "opens_on": "2026-06-01",
        "closes_on": "2026-08-31",
    }

    assert shared_client.post("/calls", REVIEWER, {**body, **changes}).status_code == 422
