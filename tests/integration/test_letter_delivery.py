"""Formal documents: their numbers, their files, who makes and sees them, their delivery (送达)."""

import re
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from caseflow.cases.facts import facts_of
from caseflow.cases.letters import (
    hand_of,
    mark_delivery,
    receipt_file,
)
from caseflow.cases.reading import Asker, read_case
from caseflow.documents.letters.queries import find_letter
from caseflow.documents.letters.service import Sending, content_of
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from caseflow.kernel.workflow.vocabulary import GUARDS
from tests.integration.letter_desk import (
    CONSENT,
    HANDLER,
    REFUSAL,
    TOWN,
    Desk,
    words,
)
from tests.integration.walking import BEGINS, together


def test_asking_again_returns_the_same_document_and_the_same_bytes(desk: Desk, rejected: str):
    first, again = desk.make(rejected, "rejection"), desk.make(rejected, "rejection")

    with desk.cases.database.session() as session:
        row = find_letter(session, first.public_id)
        rendered = [content_of(row, form, desk.press)[0] for form in ("pdf", "pdf", "docx")]
    files = [desk.open(rejected, first.public_id, HANDLER, form) for form in ("pdf", "docx")]
    assert (again.number, again.pdf_sha256) == (first.number, first.pdf_sha256)
    assert rendered[0] == rendered[1] == files[0].path.read_bytes()
    assert rendered[2] == files[1].path.read_bytes()
    made_at = PdfReader(files[0].path).metadata["/CreationDate"]
    with zipfile.ZipFile(files[1].path) as container:  # nothing in it says when it was made
        assert {each.date_time for each in container.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert made_at.startswith("D:20260906160000")  # 00:00 of its date in Shanghai
    assert files[0].name == f"不予支持决定书 {first.number}.pdf"


def test_the_chinese_font_is_embedded(desk: Desk, rejected: str):
    made = desk.make(rejected, "rejection")

    page = PdfReader(desk.open(rejected, made.public_id, HANDLER).path).pages[0]
    fonts = [each.get_object() for each in page["/Resources"]["/Font"].values()]
    inner = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    assert inner
    assert all({"/FontFile2", "/FontFile3"} & set(each.get_object()) for each in inner)


def test_without_a_chinese_font_nothing_is_numbered_and_both_packages_are_named(
    desk: Desk, tmp_path: Path
):
    case = desk.town.reached("district_review")
    bare = Desk(desk.town, replace(desk.press, font_folders=(tmp_path,)))
    before = desk.town.value("SELECT count(*) FROM letter")

    with pytest.raises(Unavailable, match=r"fonts-noto-cjk.*cvttf-notosanscjk-regular"):
        bare.make(case, "acceptance", TOWN)

    assert desk.town.value("SELECT count(*) FROM letter") == before


@pytest.fixture(scope="module")
def accepted(kept_desk: Desk) -> str:
    """A case whose acceptance is made out again and again, which is once."""
    kept_desk.town.now = BEGINS
    return kept_desk.town.reached("district_review")


@pytest.mark.soak
def test_three_at_once_number_without_gaps_and_without_repetition(desk: Desk, accepted: str):
    cases = [desk.town.reached("district_review") for _ in range(3)]
    desk.make(accepted, "acceptance", TOWN)
    start = desk.town.value("SELECT max(serial) FROM letter WHERE kind = 'acceptance'")

    made = together(*(lambda case=case: desk.make(case, "acceptance", TOWN) for case in cases))

    serials = sorted(int(re.search(r"(\d+)号", each.number)[1]) for each in made)
    assert serials == list(range(start + 1, start + 4))


def test_two_who_ask_for_one_document_at_once_make_one(desk: Desk):
    case = desk.town.reached("district_review")

    made = together(*(lambda: desk.make(case, "acceptance", TOWN) for _ in range(2)))

    assert len({each.number for each in made}) == 1
    count = desk.town.value(
        'SELECT count(*) FROM letter l JOIN "case" c ON c.id = l.case_id WHERE c.public_id = %s',
        case,
    )
    assert count == 1


def test_only_the_issuing_seat_makes_and_delivers(desk: Desk, rejected: str):
    with pytest.raises(NotAllowed, match="牵头部门经办"):
        desk.make(rejected, "rejection", TOWN)
    made = desk.make(rejected, "rejection")

    with pytest.raises(NotAllowed, match="制发单位"):
        desk.deliver(rejected, made.public_id, Sending("paper"), TOWN)
    with pytest.raises(InvalidInput, match="只可补充"):
        desk.make(rejected, "rejection", reason="另一理由")
    with pytest.raises(NotFound, match="可用：acceptance"):
        desk.make(rejected, "publicity")
    with pytest.raises(InvalidInput, match="第 1 版不是"):
        desk.make(rejected, "rejection", version=1)


def test_the_applicant_sees_what_was_sent_and_reading_it_is_recorded_once(desk: Desk):
    case = desk.town.reached("bureau_review")
    desk.town.act(case, "reject", **REFUSAL)
    made = desk.make(case, "rejection")
    before = desk.listed(case, "applicant").items
    with pytest.raises(NotFound):
        desk.open(case, made.public_id, "applicant")

    desk.deliver(case, made.public_id, Sending("inbox", consent=CONSENT))
    desk.town.now = BEGINS + timedelta(days=1)
    desk.open(case, made.public_id, HANDLER)
    unread = desk.listed(case, "applicant").items[0].deliveries[0]
    desk.open(case, made.public_id, "applicant")
    desk.town.now = BEGINS + timedelta(days=2)
    desk.open(case, made.public_id, "applicant")

    told = desk.town.sql(
        "SELECT n.facts->>'letter_number', d.channel FROM notification n"
        ' LEFT JOIN delivery d ON d.notification_id = n.id JOIN "case" c ON c.id = n.case_id'
        " WHERE n.notice = 'letter_sent' AND c.public_id = %s",
        case,
    )
    view = desk.listed(case, "applicant").items[0]
    read_at = view.deliveries[0].read_at
    assert (before, unread.read_at) == ((), None)
    assert unread.arrived_at == BEGINS
    assert told == [(made.number, "email")]
    assert read_at == BEGINS + timedelta(days=1)
    assert view.delivered_on == date(2026, 9, 7)
    assert view.reconsideration_until == date(2026, 11, 6)
    assert view.litigation_until == date(2027, 3, 8)  # 7 March 2027 is a Sunday
    names = desk.town.sql(
        "SELECT e.name FROM event e JOIN letter l ON l.id = e.stream WHERE l.public_id = %s"
        " ORDER BY e.seq",
        made.public_id,
    )
    assert [name for (name,) in names] == [
        "letter_made", "letter_sent", "letter_arrived", "letter_read",
    ]  # fmt: skip


def test_paper_is_signed_for_later_and_the_receipt_says_so(desk: Desk):
    case = desk.town.reached("bureau_review")
    desk.town.act(case, "reject", **REFUSAL)
    letter = desk.make(case, "rejection").public_id
    sent = desk.deliver(case, letter, Sending("paper", receiver="张某"))
    desk.open(case, letter, "applicant")  # opening it here signs for no paper
    actor, delivery = desk.who(case, HANDLER), sent.deliveries[0].public_id
    signed_at = BEGINS + timedelta(days=3)

    desk.town.now = BEGINS + timedelta(days=4)
    with desk.cases.database.session() as session:
        hand = hand_of(desk.cases, actor, desk.town.now)
        marks = {"arrived": signed_at, "read": signed_at}
        view = mark_delivery(
            session, actor, letter, delivery=delivery, marks=marks, press=desk.press, hand=hand
        )
        late = {"arrived": desk.town.now + timedelta(hours=1)}
        with pytest.raises(InvalidInput) as refused:
            mark_delivery(
                session, actor, letter, delivery=delivery, marks=late, press=desk.press, hand=hand
            )
        forms = [
            receipt_file(session, actor, letter, form=form, press=desk.press, at=desk.town.now)
            for form in ("pdf", "docx")
        ]

    assert sent.delivered_on is None
    assert view.delivered_on == date(2026, 9, 10)
    assert refused.value.fields == {"arrived_at": "不得在将来"}
    for name, content in forms:
        assert name.startswith("送达回证 启数不予")
        text = words(content)
        assert "纸质送达" in text
        assert "张某" in text
        assert f"2026年9月10日{signed_at.astimezone(SHANGHAI):%H:%M}" in text


@pytest.mark.parametrize(
    ("sending", "field"),
    [
        (Sending("pigeon"), "method"),
        (Sending("inbox"), "consent"),
        (Sending("email", consent=" "), "consent"),
        (Sending("paper", sent_at=BEGINS + timedelta(seconds=1)), "sent_at"),
        (Sending("paper", arrived_at=BEGINS - timedelta(seconds=1)), "sent_at"),
        (Sending("paper", read_at=BEGINS), "arrived_at"),
    ],
)
def test_a_delivery_that_cannot_be_is_refused(desk: Desk, rejected: str, sending, field):
    made = desk.make(rejected, "rejection")

    with pytest.raises(InvalidInput) as refused:
        desk.deliver(rejected, made.public_id, sending)

    assert set(refused.value.fields) == {field}


def test_documents_are_paged_and_the_newest_comes_first(desk: Desk, rejected: str):
    first = desk.make(rejected, "rejection")
    desk.make(rejected, "acceptance", TOWN)

    page = desk.listed(rejected, HANDLER, limit=1)
    rest = desk.listed(rejected, HANDLER, limit=1, after=page.next)

    found = {page.items[0].public_id, rest.items[0].public_id}
    assert first.public_id in found
    assert len(found) == 2
    assert rest.next is None


def test_a_lost_file_is_told_and_a_missing_row_is_written_anew(desk: Desk, accepted: str):
    made = desk.make(accepted, "acceptance", TOWN)
    file = desk.open(accepted, made.public_id, TOWN)
    content = file.path.read_bytes()

    file.path.unlink()

    with pytest.raises(Unavailable, match="缺失或已损坏"):
        desk.open(accepted, made.public_id, TOWN)
    file.path.write_bytes(content)


def test_a_stage_may_demand_that_its_document_is_made_before_the_next_step(desk: Desk):
    case = desk.town.reached("district_review")

    def is_made() -> bool:
        asker = Asker(desk.town.person(case, TOWN), desk.town.now)
        with desk.cases.connect() as connection:
            reading = read_case(connection, case, asker)
            runner = desk.cases.pinned.runner(connection, reading.workflow_hash)
            measure = desk.cases.pinned.measure(connection, reading.measure_version_id)
        facts = facts_of(reading, measure, runner.workflow, desk.town.now)
        return all_hold(GUARDS["letter_made"].tests, facts)

    before = is_made()
    desk.make(case, "acceptance", TOWN)
    after = is_made()
    desk.town.act(case, "verify_claim")
    beyond = is_made()

    assert (before, after, beyond) == (False, True, False)
