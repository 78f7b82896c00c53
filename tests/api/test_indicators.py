"""Indicators over HTTP: progress for everybody, reports with proof by owners, files for few."""

import io
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.settings import read_settings
from tests.api.client import PDF, Client
from tests.api.conftest import application
from tests.conftest import EVERYTHING, _copy

pytestmark = pytest.mark.long

PATH = "/policies/nantong-agi-2024/indicators"
REPORTS = f"{PATH}/compute/reports"
LEAD, SECOND, AUDITOR = "nt_kejiju.handler", "nt_kejiju.reviewer", "nt_shenjiju.auditor"
STRANGER = "nt_caizhengju.handler"
FILE = "统计表.pdf"


@pytest.fixture(scope="module")
def client(server, drafts_template, tmp_path_factory) -> Iterator[Client]:
    """A house with every policy at nine in the morning of 2026-06-01."""
    folder = tmp_path_factory.mktemp("house")
    settings = read_settings({"CASEFLOW_HOME": str(folder), "CASEFLOW_MAC_KEY": "ab" * 32})
    with contextmanager(_copy)(server, drafts_template) as database:
        cases = assemble(database, settings, EVERYTHING, ids=PublicIds(random.Random(2)))
        with application(settings, cases) as app:
            yield Client(app)


def reported(client, login=LEAD, path=REPORTS, *, files=((PDF, FILE),), key=None, **changes):
    given = {"period": "2026Q1", "value": "320.5", **changes}
    data = {**given, "file": [(io.BytesIO(content), name) for content, name in files]}
    return client.ask(
        "POST", path, login, data=data, content_type="multipart/form-data", headers=key
    )


def fetched(client, path, login):
    with client.get(path, login) as answer:
        return answer.status_code, answer.data


def test_everybody_reads_targets_and_progress(client: Client):
    told = client.done(client.get(PATH))

    assert [each["target"] for each in told["items"]] == ["500", "10", "20", "100", "100", "2"]
    assert told["lead"] == "市科技局"
    scenarios = told["items"][3]
    assert (scenarios["value"], scenarios["counted"], len(scenarios["owners"])) == (None, "0", 10)
    shown = client.done(client.get(f"{PATH}/scenarios"))
    assert shown["definition"]["words"].startswith("4 典型应用场景(个) 100")
    assert client.get("/policies/no-such/indicators").status_code == 404
    assert client.get(f"{PATH}/happiness").status_code == 404


def test_a_report_is_public_once_confirmed_and_its_proof_is_for_those_concerned(client: Client):
    other = PDF.replace(b"obj", b"obj ", 1)
    answer = reported(client, files=[(PDF, FILE), (other, "附表.pdf"), (PDF, FILE)])
    made = client.done(answer, 201)
    seen = client.done(client.get(REPORTS, STRANGER))["items"]
    waiting = client.done(client.get("/indicator-dues", SECOND))["items"]
    path = f"/indicator-reports/{made['public_id']}"

    assert [each["name"] for each in made["evidence"]] == [FILE, "附表.pdf"]
    assert (seen, client.done(client.get(PATH))["items"][0]["value"]) == ([], None)
    assert [(each["state"], each["report"]) for each in waiting] == [
        ("to_confirm", made["public_id"])
    ]
    assert client.done(client.get("/indicator-dues", STRANGER))["items"] == []
    assert client.get("/indicator-dues", SECOND, after="x").status_code == 422
    for login, status in ((LEAD, 403), (STRANGER, 404), (SECOND, 200), (SECOND, 409)):
        assert client.post(f"{path}/confirmation", login).status_code == status, login
    assert client.done(client.get(PATH))["items"][0]["value"] == "320.5"
    assert [each["status"] for each in client.done(client.get(REPORTS, STRANGER))["items"]] == [
        "confirmed"
    ]
    proof = f"{path}/evidence/{made['evidence'][0]['sha256']}"
    for login, status in ((LEAD, 200), (AUDITOR, 200), (STRANGER, 404), (None, 401)):
        assert fetched(client, proof, login)[0] == status, login
    assert fetched(client, proof, LEAD)[1] == PDF
    assert reported(client).status_code == 409
    corrected = reported(client, value="330", corrects=made["public_id"], reason="漏报")
    assert client.done(corrected, 201)["corrects"] == made["public_id"]
    page = client.done(client.get(REPORTS, LEAD, limit=1))
    assert page["items"][0]["value"] == "330"
    after = client.done(client.get(REPORTS, LEAD, after=page["next"]))["items"]
    assert [each["status"] for each in after] == ["superseded"]


@pytest.mark.parametrize(
    ("login", "changes", "status"),
    [
        (None, {}, 401),
        (STRANGER, {}, 403),
        (SECOND, {}, 403),
        (LEAD, {"value": "-1"}, 422),
        (LEAD, {"value": "１２"}, 422),
        (LEAD, {"period": "2026Q2"}, 422),
        (LEAD, {"period": "2026H1"}, 422),
        (LEAD, {"files": ()}, 422),
        (LEAD, {"files": [(b"MZ", "run.exe")]}, 422),
        (LEAD, {"more": "1"}, 422),
        (LEAD, {"path": f"{PATH}/happiness/reports"}, 404),
    ],
)
def test_what_cannot_be_reported(client: Client, login, changes, status):
    given = {"path": f"{PATH}/parks/reports", "value": "1", **changes}

    assert reported(client, login, **given).status_code == status


def test_the_same_request_again_answers_the_first_report_and_confirmation(client: Client):
    key, path = {"Idempotency-Key": "q1-parks"}, f"{PATH}/parks/reports"
    said = {"path": path, "value": "3"}
    first = client.done(reported(client, key=key, **said), 201)

    again = client.done(reported(client, key=key, **said), 201)
    other = [
        reported(client, key=key, **{**said, **changes})
        for changes in ({"value": "4"}, {"files": [(PDF + b" ", FILE)]}, {"path": REPORTS})
    ]
    confirmation = f"/indicator-reports/{first['public_id']}/confirmation"
    done = [client.done(client.post(confirmation, SECOND, headers=key)) for _ in range(2)]
    reused = client.post(confirmation, LEAD, headers=key)

    assert again == first
    assert [each.status_code for each in other] == [422, 422, 422]
    assert {each.json["type"] for each in (*other, reused)} == {other[0].json["type"]}
    assert "已用于另一请求" in other[0].json["detail"]
    assert done[0] == done[1]
    assert done[0]["status"] == "confirmed"
    assert client.post(confirmation, SECOND).status_code == 409
    assert len(client.done(client.get(path, LEAD))["items"]) == 1


def test_four_copies_of_one_report_at_once_are_one(client: Client):
    said = {"path": f"{PATH}/models/reports", "value": "2", "key": {"Idempotency-Key": "copies"}}

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(reported, client, **said) for _ in range(4)]
        made = [client.done(each.result(), 201)["public_id"] for each in answers]

    assert len(set(made)) == 1
