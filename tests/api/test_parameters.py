"""Parameters over HTTP: entered, confirmed, withdrawn, listed; and quotes that use them."""

import pytest

from tests.api.client import Client
from tests.api.story import APPLICANT, AUDITOR, HANDLER, REVIEWER, Story

PATH = "/measures/QD26-7a/parameters"
VALUE = {
    "name": "rounding",
    "value": "trunc_wan",
    "valid_from": "2026-06-01",
    "basis": "算力券实施细则第四条",
    "document_no": "启数〔2026〕2号",
}
FACTS = {"paid_rent_fen": 33_333_333, "real_scenario": True, "granted_this_year_fen": 0}
EXACT, ROUNDED = 16_666_666, 16_000_000


def entered(client, **changes):
    return client.done(client.post(PATH, HANDLER, {**VALUE, **changes}), 201)["public_id"]


def confirmed(client, **changes):
    parameter = entered(client, **changes)
    return client.done(client.post(f"/parameters/{parameter}/confirmation", REVIEWER))


def quoted(client, on):
    body = {"facts": FACTS, "on": on}
    return client.done(client.post("/measures/QD26-7a/quotes", None, body))


@pytest.fixture(scope="module")
def rounded(shared_client: Client):
    """What was said when the rounding of the module's house was confirmed."""
    return confirmed(shared_client)


@pytest.fixture(scope="module")
def waiting(shared_client: Client) -> str:
    """The one value of the module's house that waits for a second person."""
    return entered(shared_client, name="pool_fen", value=10**9)


def test_a_value_is_entered_confirmed_and_used_from_its_first_day(shared_client: Client, rounded):
    client, told = shared_client, rounded

    assert (told["status"], told["entered_by"]) == ("confirmed", "市数据局 经办")
    assert quoted(client, "2026-05-31")["amount_fen"] == EXACT
    after = quoted(client, "2026-06-01")
    assert after["amount_fen"] == ROUNDED
    assert after["parameters"] == [
        {
            "name": "rounding",
            "title": "金额取整方式",
            "value": "trunc_wan",
            "unit": "",
            "valid_from": "2026-06-01",
            "document_no": "启数〔2026〕2号",
        }
    ]


def test_a_quote_against_what_is_settled_is_refused(shared_client: Client, rounded):
    body = {"facts": FACTS, "on": "2026-06-01", "rounding": "trunc_fen"}

    answer = shared_client.post("/measures/QD26-7a/quotes", None, body)

    assert answer.status_code == 422
    assert "启数〔2026〕2号" in answer.get_json()["fields"]["rounding"]


def test_a_measure_tells_what_is_in_force_and_what_is_missing_and_by_whom(
    shared_client: Client, rounded, waiting: str
):
    client = shared_client
    told = client.done(client.get(PATH, HANDLER, on="2026-06-01"))

    assert [each["name"] for each in told["in_force"]] == ["rounding"]
    assert [each["name"] for each in told["missing"]] == [
        "day_count", "tax_inclusive", "pool_fen", "voucher_mode",
    ]  # fmt: skip
    assert {(each["bureau"], each["enters"]) for each in told["missing"]} == {
        ("市数据局", "牵头部门经办")
    }
    assert waiting in [each["public_id"] for each in told["items"]]
    assert client.done(client.get(PATH, HANDLER, on="2026-05-31"))["in_force"] == []
    seen = client.done(client.get(PATH, AUDITOR, known_at="2026-05-31T23:59:59Z"))
    assert seen["in_force"] == []
    assert {rounded["public_id"], waiting} <= {each["public_id"] for each in seen["items"]}


def test_others_see_what_is_confirmed_alone(shared_story: Story, rounded, waiting: str):
    story = shared_story
    told = story.client.done(story.client.get(PATH, APPLICANT))

    assert [each["status"] for each in told["items"]] == ["confirmed"]
    for login in (APPLICANT, "kejiju.reviewer"):
        answer = story.client.post(f"/parameters/{waiting}/confirmation", login)
        assert answer.status_code == 404


def test_what_waits_for_a_second_person_is_listed_over_all_measures(
    shared_client: Client, waiting: str
):
    client = shared_client
    told = client.done(client.get("/parameters", REVIEWER, status="entered"))

    assert [each["public_id"] for each in told["items"]] == [waiting]
    others = client.done(client.get("/parameters", "kejiju.reviewer"))["items"]
    assert waiting not in [each["public_id"] for each in others]
    assert {each["status"] for each in others} <= {"confirmed"}


def test_a_value_is_withdrawn_with_a_reason_and_stays_on_record(shared_client: Client):
    client = shared_client
    parameter = entered(client, name="pool_fen", value=1, valid_from="2026-07-01")
    path = f"/parameters/{parameter}/withdrawal"

    assert client.post(path, HANDLER, {}).status_code == 422
    told = client.done(client.post(path, HANDLER, {"reason": "文号有误"}))

    assert told["status"] == "withdrawn"
    assert client.post(path, HANDLER, {"reason": "文号有误"}).status_code == 409


@pytest.mark.parametrize(
    ("login", "changes", "status"),
    [
        (REVIEWER, {}, 403),
        ("kejiju.handler", {}, 403),
        (HANDLER, {"value": None}, 422),
        (HANDLER, {"value": 1.5, "name": "pool_fen"}, 422),
        (HANDLER, {"value": 10**30, "name": "pool_fen"}, 422),
        (HANDLER, {"value": "１２", "name": "pool_fen"}, 422),
        (HANDLER, {"name": "ratio", "value": "50"}, 422),
        (HANDLER, {"name": "colour"}, 422),
        (HANDLER, {"valid_from": "2028-05-14"}, 422),
        (HANDLER, {"basis": " "}, 422),
        (HANDLER, {"more": 1}, 422),
    ],
)
def test_what_cannot_be_entered(shared_client: Client, login, changes, status):
    assert shared_client.post(PATH, login, {**VALUE, **changes}).status_code == status


def test_a_measure_or_value_that_is_not_there(shared_client: Client):
    assert shared_client.get("/measures/QD26-99/parameters", HANDLER).status_code == 404
    assert shared_client.post("/parameters/x/confirmation", REVIEWER).status_code == 404


def test_a_case_is_quoted_with_the_values_of_its_day_and_asked_for_the_facts_of_today(story: Story):
    case = story.submitted()
    story.move_clock("2026-06-02T09:00:00+08:00")
    confirmed(story.client)
    body = {"facts": FACTS}

    told = story.client.done(story.client.post(f"/cases/{case}/quotes", APPLICANT, body))

    assert (told["on"], told["amount_fen"], told["parameters"]) == ("2026-06-01", EXACT, [])
    assert story.client.post(f"/cases/{case}/quotes", "jiaotongju.handler", body).status_code == 404
    assert story.client.post(f"/cases/{case}/quotes", None, body).status_code == 401
    assert quoted(story.client, "2026-06-02")["amount_fen"] == ROUNDED
    confirmed(story.client, name="tax_inclusive", value=False)
    facts = story.client.done(story.client.get("/measures/QD26-7a", None))["facts"]
    assert "paid_rent_vat_fen" in [fact["name"] for fact in facts]
