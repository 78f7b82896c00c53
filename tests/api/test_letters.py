"""Formal documents by HTTP: made by the handler, sent, read by the applicant, public for all."""

import io

import pytest
from pypdf import PdfReader

from tests.api.client import Client
from tests.api.story import APPLICANT, AUDITOR, BEFORE_COSIGNING, HANDLER, TOWN, Story

CONTACT = {
    "contact": "数据科",
    "phone": "0513-83312345",
    "email": "shuju@example.test",
    "address": "启东市示例路1号",
}
REFUSAL = {"reason": "不符合条款。", "reason_code": "condition_not_met", "remedy": "可申请复议。"}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture(scope="module")
def rejected(shared_story: Story) -> str:
    case = shared_story.submitted()
    shared_story.run(case, BEFORE_COSIGNING[1:4])
    shared_story.run(case, (("shujuju.division_head", "reject", REFUSAL),))
    return case


@pytest.fixture(scope="module")
def letter(shared_client: Client, rejected: str):
    body = {"kind": "rejection"}
    return shared_client.done(shared_client.post(f"/cases/{rejected}/letters", HANDLER, body), 201)


def test_the_kinds_are_listed_for_anybody(shared_client: Client):
    found = shared_client.done(shared_client.get("/letters/kinds"))["items"]

    assert {"rejection", "approval", "publicity"} <= {each["letter"] for each in found}
    assert all(each["basis"] and each["source"] for each in found)


def test_a_document_is_made_once_and_read_in_both_formats(
    shared_client: Client, rejected: str, letter
):
    again = shared_client.done(
        shared_client.post(f"/cases/{rejected}/letters", HANDLER, {"kind": "rejection"}), 201
    )
    pdf = shared_client.get(f"/letters/{letter['public_id']}", AUDITOR)
    docx = shared_client.get(f"/letters/{letter['public_id']}", HANDLER, format="docx")

    assert again == letter
    assert pdf.headers["Content-Disposition"].startswith("attachment")
    assert pdf.headers["ETag"] == f'"{letter["pdf_sha256"]}"'
    assert "不予支持" in PdfReader(io.BytesIO(pdf.data)).pages[0].extract_text()
    assert docx.content_type == DOCX
    assert docx.data.startswith(b"PK")


def test_the_applicant_reads_what_was_sent_and_no_stranger_does(
    shared_client: Client, rejected: str, letter
):
    path = f"/letters/{letter['public_id']}"
    unsent = shared_client.get(path, APPLICANT)
    electronic = {"method": "inbox"}
    unasked = shared_client.post(f"{path}/deliveries", HANDLER, electronic)
    electronic["consent"] = "申报时勾选同意"
    sent = shared_client.done(shared_client.post(f"{path}/deliveries", HANDLER, electronic), 201)
    read = shared_client.get(path, APPLICANT)
    listed = shared_client.done(shared_client.get(f"/cases/{rejected}/letters", APPLICANT))

    assert unsent.status_code == 404
    assert unasked.status_code == 422
    assert "consent" in unasked.get_json()["fields"]
    assert sent["deliveries"][0]["read_at"] is None
    assert read.data.startswith(b"%PDF")
    assert listed["items"][0]["deliveries"][0]["read_at"] == "2026-06-01T01:00:00+00:00"
    assert listed["items"][0]["reconsideration_until"] == "2026-07-31"
    for stranger in ("nanyang_zhen.handler", "yinhang.bank", "jiaotongju.handler"):
        assert shared_client.get(path, stranger).status_code == 404
        assert shared_client.get(f"{path}/receipt", stranger).status_code == 404
        assert shared_client.get(f"/cases/{rejected}/letters", stranger).status_code == 404
        assert shared_client.post(f"{path}/deliveries", stranger, electronic).status_code == 404


def test_paper_is_marked_later_and_its_receipt_is_a_file(shared_client: Client, letter):
    path = f"/letters/{letter['public_id']}"
    sent = shared_client.done(
        shared_client.post(f"{path}/deliveries", HANDLER, {"method": "paper", "receiver": "张某"}),
        201,
    )
    marks = f"{path}/deliveries/{sent['deliveries'][-1]['public_id']}/marks"
    at = "2026-06-01T01:00:00Z"

    nothing = shared_client.post(marks, HANDLER, {})
    not_yet = shared_client.post(marks, HANDLER, {"arrived_at": "2026-06-02T01:00:00Z"})
    unknown = shared_client.post(f"{path}/deliveries/nothing/marks", HANDLER, {"arrived_at": at})
    early = shared_client.post(marks, HANDLER, {"read_at": at})
    done = shared_client.done(
        shared_client.post(marks, HANDLER, {"arrived_at": at, "read_at": at}), 201
    )
    receipt = shared_client.get(f"{path}/receipt", HANDLER)

    assert [each.status_code for each in (nothing, not_yet, unknown, early)] == [422, 422, 404, 409]
    assert done["deliveries"][-1]["read_at"] == "2026-06-01T01:00:00+00:00"
    assert "张某" in PdfReader(io.BytesIO(receipt.data)).pages[0].extract_text()


def test_what_is_asked_wrongly_is_told(shared_client: Client, rejected: str, letter):
    path = f"/cases/{rejected}/letters"

    assert shared_client.post(path, HANDLER, {"kind": "nothing"}).status_code == 404
    assert shared_client.post(path, HANDLER, {"kind": "approval"}).status_code == 422
    assert shared_client.post(path, TOWN, {"kind": "rejection"}).status_code == 403
    body = {"kind": "rejection", "texts": {"clause": "x"}}
    assert shared_client.post(path, HANDLER, body).status_code == 422
    assert shared_client.get("/letters/nothing", HANDLER).status_code == 404
    answer = shared_client.get(f"/letters/{letter['public_id']}", HANDLER, format="odt")
    assert answer.status_code == 422


@pytest.mark.soak
def test_the_notice_of_a_publicity_is_public_with_it(shared_story: Story):
    client = shared_story.client
    case = shared_story.publicity_pending()
    publicity = shared_story.publicise(case)["public_id"]
    path = f"/publicities/{publicity}"
    body = {"kind": "publicity", "texts": CONTACT}

    before = client.get(f"{path}/notice")
    refused = client.post(f"{path}/letters", APPLICANT, body)
    made = client.done(client.post(f"{path}/letters", HANDLER, body), 201)
    shown = client.get(f"{path}/notice")
    sending = client.post(f"/letters/{made['public_id']}/deliveries", HANDLER, {"method": "paper"})
    receipt = client.get(f"/letters/{made['public_id']}/receipt", HANDLER)

    assert [each.status_code for each in (before, refused)] == [404, 403]
    assert "0513-83312345" in PdfReader(io.BytesIO(shown.data)).pages[0].extract_text()
    assert [each.status_code for each in (sending, receipt)] == [422, 422]
    assert client.get(f"/letters/{made['public_id']}", APPLICANT).data == shown.data
