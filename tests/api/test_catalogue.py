"""What everybody may read: policies, measures, workflows, calls, territories; and who I am."""

from dataclasses import replace

from caseflow.app import create_app
from caseflow.database.orm import db
from tests.api.client import Client
from tests.api.story import APPLICANT, HANDLER, REVIEWER, Story


def test_a_policy_is_shown_with_its_words_and_its_measures(shared_client: Client):
    (line,) = shared_client.done(shared_client.get("/policies"))["items"]
    shown = shared_client.done(shared_client.get("/policies/qidong-2026"))

    assert line["status"] == "in_force"
    assert (line["effective_from"], line["effective_to"]) == ("2026-05-14", "2028-05-13")
    assert line["document_no"] == "启政办规〔2026〕1号"
    assert shown["policy"] == line
    assert len(shown["measures"]) == 25
    assert "算力券" in shown["text"]


def test_measures_are_filtered_by_what_they_are(shared_client: Client):
    def found(**query: str) -> list[str]:
        items = shared_client.done(shared_client.get("/measures", **query))["items"]
        return [each["id"] for each in items]

    assert len(found()) == 25
    assert found(article="7") == ["QD26-7a", "QD26-7b"]
    assert "QD26-7a" in found(bureau="shujuju", family="vouchers")
    assert found(policy="qidong-2026", city="qidong", applicant="individual") == found(
        applicant="individual"
    )
    assert found(city="nantong") == []
    assert shared_client.get("/measures", bureau="nobody").status_code == 404


def test_a_measure_is_shown_word_for_word(shared_client: Client):
    shown = shared_client.done(shared_client.get("/measures/QD26-7a"))

    assert shown["measure"]["amounts_yuan"] == [2_000_000]
    assert shown["measure"]["rates_pct"] == ["50"]
    assert shown["measure"]["bureaus"] == ["市数据局"]
    assert shown["definition"]["clause"] == shown["measure"]["clause"]
    assert shown["policy_status"] == "in_force"


def test_a_workflow_is_shown_as_data_picture_and_text(shared_client: Client):
    path = "/measures/QD26-7a/workflow"
    data = shared_client.done(shared_client.get(path))
    picture = shared_client.get(path, format="svg")
    text = shared_client.get(path, format="mermaid")

    measure = shared_client.done(shared_client.get("/measures/QD26-7a"))
    assert data["hash"] == measure["workflow_hash"]
    assert data["initial"] == "draft"
    assert picture.content_type.startswith("image/svg+xml")
    assert "提交申报" in picture.get_data(as_text=True)
    assert "flowchart" in text.get_data(as_text=True)


def test_the_workflow_of_a_child_case_is_shown(shared_client: Client):
    measures = shared_client.done(shared_client.get("/measures", family="interest"))["items"]
    code = measures[0]["id"]
    children = shared_client.done(shared_client.get(f"/measures/{code}"))["children"]
    kind = next(iter(children))

    shown = shared_client.done(shared_client.get(f"/measures/{code}/workflow", child=kind))

    assert shown["name"] == f"{code}/{kind}"
    assert shown["hash"] == children[kind]


def test_calls_are_listed_the_last_to_open_first(shared_story: Story):
    client, story = shared_story.client, shared_story
    body = {
        "measure": "QD26-7a",
        "title": "秋季申报通知",
        "opens_on": "2026-09-01",
        "closes_on": "2026-09-30",
        "eligible_from": "2026-05-14",
        "eligible_to": "2026-08-31",
    }
    later = client.done(client.post("/calls", REVIEWER, body), 201)

    def found(**query: str | int) -> list[str]:
        items = client.done(client.get("/calls", **query))["items"]
        return [each["public_id"] for each in items]

    assert found() == [later["public_id"], story.call]
    assert found(measure="QD26-7a") == found()
    assert found(measure="QD26-7b") == []
    assert found(open="true") == [story.call]
    assert found(status="closed") == []
    first = client.done(client.get("/calls", limit=1))
    assert found(after=first["next"]) == [story.call]
    assert later["status"] == "published"
    assert later["is_open"] is False


def test_i_am_told_who_i_am(shared_story: Story):
    me = shared_story.client.done(shared_story.client.get("/people/me", HANDLER))
    applicant = shared_story.client.done(shared_story.client.get("/people/me", APPLICANT))

    (role,) = me["roles"]
    assert (role["code"], role["role"]) == ("shujuju", "bureau_handler")
    (role,) = applicant["roles"]
    assert (role["organisation"], role["role"]) == (shared_story.applicant, "applicant")


def test_an_individual_is_registered_by_a_document_that_is_never_shown_whole(shared_story: Story):
    client = shared_story.client
    client.done(client.post("/people", None, {"login": "sun.wu", "name": "孙某"}), 201)
    body = {
        "kind": "individual",
        "name": "孙某",
        "identity": {"type": "resident_id", "number": "11010519491231002X"},
        "territory": "huilong",
    }

    shown = client.done(client.post("/applicants", "sun.wu", body), 201)

    assert shown["identity_number"] == "11*************02X"
    assert shown["uscc"] is None
    again = client.done(client.get(f"/applicants/{shown['public_id']}", "sun.wu"))
    assert again == shown


def test_a_login_is_taken_once(shared_client: Client):
    body = {"login": "twice", "name": "甲", "email": "a@example.com"}

    assert shared_client.post("/people", None, body).status_code == 201
    assert shared_client.post("/people", None, body).status_code == 409
    for change in ({"login": "UPPER"}, {"login": "a"}, {"email": "no address"}):
        answer = shared_client.post("/people", None, {**body, "login": "other", **change})
        assert answer.status_code == 422


def test_towns_and_parks_are_listed(shared_client: Client):
    found = shared_client.done(shared_client.get("/territories"))["items"]

    (town,) = [each for each in found if each["code"] == "huilong"]
    assert (town["title"], town["level"], town["parent"]) == ("汇龙镇", "town", "qidong")


def test_accounts_page_by_login(shared_client: Client):
    first = shared_client.done(shared_client.get("/people", HANDLER, limit=2))
    rest = shared_client.done(shared_client.get("/people", HANDLER, limit=1, after=first["next"]))

    logins = [each["login"] for each in first["items"] + rest["items"]]
    assert logins == sorted(logins)
    assert len(set(logins)) == 3


def test_the_application_is_made_from_settings_alone(settings, shared_client: Client):
    address = shared_client.app.extensions["caseflow"].cases.database.address
    app = create_app(replace(settings, database_url=address.url))

    assert Client(app).get("/health").get_json()["status"] == "ok"
    with app.app_context():
        db.engine.dispose()
    app.extensions["caseflow"].cases.database.close()
