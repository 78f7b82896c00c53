"""Formal documents of real cases: what each kind says, its number, its file, and its delivery."""

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from caseflow.batches.letters import make_notice, open_notice, send_letter
from caseflow.cases.facts import facts_of
from caseflow.cases.letters import (
    LETTERS,
    Wanted,
    case_letters,
    hand_of,
    make_case_letter,
    mark_delivery,
    open_letter,
    receipt_file,
)
from caseflow.cases.reading import Asker, read_case
from caseflow.documents.letters.kinds import load_letters
from caseflow.documents.letters.queries import find_letter
from caseflow.documents.letters.service import Press, Sending, content_of
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from caseflow.kernel.workflow.vocabulary import GUARDS
from tests.conftest import EVERYTHING, ROOT
from tests.integration.kept_database import keep
from tests.integration.walking import BEGINS, Town, found_town, together

CLAUSE = "支持企业购买算力服务，用于行业垂类模型的开发研究与训练应用相关业务"
PRIVATE = ("320681198512310021", "13812341234", "6222021111000012345")
REFUSAL = {
    "reason": f"经办人（{PRIVATE[0]}，电话{PRIVATE[1]}，账号{PRIVATE[2]}）提供的合同不实。",
    "reason_code": "material_false",
    "remedy": "可自知道之日起六十日内申请行政复议，或者六个月内提起行政诉讼。",
}
CONTACT = {
    "contact": "数据科",
    "phone": "0513-83312345",
    "email": "shuju@example.test",
    "address": "启东市示例路1号",
}
CONSENT = "2026-09-07申报时在系统中勾选同意电子送达"
HANDLER, TOWN = "lead_bureau.handler", "district.handler"


@dataclass
class Desk:
    """A town whose people make documents."""

    town: Town
    press: Press

    @property
    def cases(self):
        return self.town.house.cases

    def who(self, case: str, seat: str) -> Actor:
        person = self.town.person(case, seat)
        login = self.town.value("SELECT login FROM person WHERE id = %s", person)
        with self.cases.database.session() as session:
            return actor_by_login(session, login, self.town.now)

    def make(self, case: str, kind: str, seat: str = HANDLER, *, version=None, **texts: str):
        wanted = Wanted(kind, texts=texts, version=version)
        return make_case_letter(
            self.cases, self.press, self.who(case, seat), case=case, wanted=wanted, at=self.town.now
        )

    def deliver(self, case: str, letter: str, sending: Sending, seat: str = HANDLER):
        actor, at = self.who(case, seat), self.town.now
        return send_letter(self.cases, self.press, actor, public_id=letter, sending=sending, at=at)

    def open(self, case: str, letter: str, seat: str, form: str = "pdf"):
        actor = self.who(case, seat)
        with self.cases.database.session() as session:
            hand = hand_of(self.cases, actor, self.town.now)
            return open_letter(session, actor, letter, form=form, press=self.press, hand=hand)

    def listed(self, case: str, seat: str, **page):
        with self.cases.database.session() as session:
            return case_letters(session, self.who(case, seat), case, press=self.press, **page)

    def texts(self, letter: str) -> tuple[str, str]:
        """The words of a document's PDF and DOCX, without white space."""
        with self.cases.database.session() as session:
            row = find_letter(session, letter)
            pdf, docx = (content_of(row, form, self.press)[0] for form in ("pdf", "docx"))
        return words(pdf), words(docx)


def words(content: bytes) -> str:
    """Return what a PDF or DOCX says, without white space."""
    if content.startswith(b"%PDF"):
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            xml = container.read("word/document.xml").decode()
        text = re.sub(r"<[^>]+>", "", xml)
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def desk(server, founded_template, tmp_path_factory, request) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("letters")
    name = request.module.__name__.rpartition(".")[2]  # other modules borrow this desk
    for database in keep(server, founded_template, f"{name}_desk"):
        town = found_town(database, folder, measures=["QD26-7a"])
        yield Desk(town, Press(load_letters(ROOT / LETTERS), folder / "files"))


@pytest.fixture(autouse=True)
def _same_morning(desk: Desk) -> None:
    desk.town.now = BEGINS


@pytest.fixture(scope="module")
def rejected(desk: Desk) -> str:
    """A case that is not supported, for a reason full of private numbers."""
    case = desk.town.reached("bureau_review")
    desk.town.act(case, "reject", **REFUSAL)
    return case


@pytest.fixture(scope="module")
def paid(desk: Desk) -> str:
    """A case of which all was paid, but what the audit and the meeting cut."""
    case = desk.town.reached("third_party_audit", applied_fen=100_000_000)
    desk.town.act(case, "report_audit", audited_fen=90_000_000, reason="存储费用不予认可")
    desk.town.walk(case)
    assert desk.town.outcome(case) == "disbursed"
    return case


def test_an_acceptance_quotes_the_clause_and_the_policy_and_is_issued_by_the_town(desk: Desk):
    case = desk.town.reached("district_review")

    made = desk.make(case, "acceptance", TOWN, phone="0513-83312345")

    assert made.number == "汇龙镇人民政府受〔2026〕1号"
    for text in desk.texts(made.public_id):
        assert "受理通知书" in text
        assert made.number in text
        assert CLAUSE in text
        assert "启政办规〔2026〕1号" in text
        assert "第七条" in text
        assert "2026年9月7日" in text
        assert "〔盖章处〕" in text
        assert "0513-83312345" in text


def test_a_correction_lists_everything_and_the_last_day_with_its_kind_of_days(desk: Desk):
    case = desk.town.reached("submitted")
    desk.town.act(case, "request_correction", items=["补充用量日志", "发票须注明合同编号"])

    made = desk.make(case, "correction", TOWN)

    for text in desk.texts(made.public_id):
        assert "1．补充用量日志" in text
        assert "2．发票须注明合同编号" in text
        assert "10个工作日内，即2026年9月20日前" in text  # a Sunday that is worked


def test_a_refusal_at_the_door_has_facts_clause_and_remedy(desk: Desk):
    case = desk.town.reached("submitted")
    desk.town.act(case, "not_accept", **REFUSAL)

    text, _ = desk.texts(desk.make(case, "non_acceptance", TOWN).public_id)

    assert "不予受理" in text
    assert "理由类别：材料不实" in text
    assert REFUSAL["remedy"] in text
    assert CLAUSE in text


def test_a_rejection_hides_every_private_number(desk: Desk, rejected: str):
    made = desk.make(rejected, "rejection")

    assert made.number.startswith("启数不予〔2026〕")
    for text in desk.texts(made.public_id):
        assert "不予支持决定书" in text
        assert REFUSAL["remedy"] in text
        assert "138****1234" in text
        assert "32*************021" in text
        assert not [number for number in PRIVATE if number in text]
    facts = str(desk.town.sql("SELECT facts FROM letter"))
    assert not [number for number in PRIVATE if number in facts]


def test_a_special_procedure_says_that_the_clock_stops_and_how_long(desk: Desk):
    case = desk.town.reached("third_party_audit")

    text, _ = desk.texts(desk.make(case, "special_procedure").public_id)

    assert "依法需要进行第三方专项审计" in text
    assert "所需时间为30个工作日" in text
    assert "不计算在办理时限内" in text


def test_before_its_event_a_document_is_refused(desk: Desk):
    case = desk.town.reached("bureau_review")

    with pytest.raises(InvalidInput, match="尚无可制作“特别程序告知书”的事项"):
        desk.make(case, "special_procedure")


def test_an_approval_writes_the_amount_in_capital_figures_and_the_reason_of_each_cut(
    desk: Desk, paid: str
):
    made = desk.make(paid, "approval", remedy=REFUSAL["remedy"])

    for text in desk.texts(made.public_id):
        assert "立项（审定）通知书" in text
        assert "元（大写：人民币" in text
        assert "审计核定金额" in text
        assert "存储费用不予认可" in text


def test_an_approval_without_remedy_is_refused_with_words_and_takes_no_number(
    desk: Desk,
):
    case = desk.town.reached("payment_requested")
    before = desk.town.sql("SELECT word, last FROM letter_number ORDER BY word")

    with pytest.raises(InvalidInput, match="缺少必须载明的内容：救济途径") as refused:
        desk.make(case, "approval")

    assert set(refused.value.fields) == {"remedy"}
    assert desk.town.sql("SELECT word, last FROM letter_number ORDER BY word") == before


def test_every_payment_has_its_own_notice_by_finance_with_the_tail_of_the_account(
    desk: Desk, paid: str
):
    made = desk.make(paid, "payment", "finance.division")
    account = desk.town.value(
        'SELECT account_number FROM payment p JOIN "case" c ON c.id = p.case_id'
        " WHERE c.public_id = %s LIMIT 1",
        paid,
    )

    assert made.number.startswith("启财拨〔")
    for text in desk.texts(made.public_id):
        assert "本次拨付" in text
        assert "市级" in text
        assert f"尾号{account[-4:]}" in text
        assert account not in text


def test_a_publicity_has_a_notice_for_anybody_with_dates_in_full(desk: Desk):
    case = desk.town.reached("publicity_pending")
    desk.town.publicise(case)
    publicity, ends_on = desk.town.sql(
        "SELECT public_id, ends_on FROM publicity ORDER BY id DESC LIMIT 1"
    )[0]
    handler, wanted = desk.who(case, HANDLER), Wanted("publicity", texts=CONTACT)

    def make(actor, asked):
        at = desk.town.now
        return make_notice(desk.cases, desk.press, actor, public_id=publicity, wanted=asked, at=at)

    with pytest.raises(NotFound, match="尚未制作"):
        open_notice(desk.cases, desk.press, public_id=publicity, form="pdf")
    with pytest.raises(NotAllowed):
        make(desk.who(case, TOWN), wanted)
    with pytest.raises(InvalidInput, match="联系人、联系电话、电子邮箱、通信地址"):
        make(handler, Wanted("publicity"))
    made = make(handler, wanted)
    shown = open_notice(desk.cases, desk.press, public_id=publicity, form="pdf")

    text = words(shown.path.read_bytes())
    assert shown.sha256 == made.pdf_sha256
    assert f"至{ends_on.year}年{ends_on.month}月{ends_on.day}日止" in text
    assert "共5个工作日" in text
    assert "实名" in text
    assert not [each for each in CONTACT.values() if each not in text]


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


def test_eight_at_once_number_without_gaps_and_without_repetition(desk: Desk):
    cases = [desk.town.reached("district_review") for _ in range(8)]
    first = desk.make(desk.town.reached("district_review"), "acceptance", TOWN)
    start = int(re.search(r"(\d+)号", first.number)[1])

    made = together(*(lambda case=case: desk.make(case, "acceptance", TOWN) for case in cases))

    serials = sorted(int(re.search(r"(\d+)号", each.number)[1]) for each in made)
    assert serials == list(range(start + 1, start + 9))


def test_two_who_ask_for_one_document_at_once_make_one(desk: Desk):
    case = desk.town.reached("district_review")

    made = together(*(lambda: desk.make(case, "acceptance", TOWN) for _ in range(4)))

    assert len({each.number for each in made if not isinstance(each, Conflict)}) == 1
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

    desk.open(case, letter, "applicant")  # opening it here signs for no paper
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


def test_documents_are_paged_and_the_newest_comes_first(desk: Desk, paid: str):
    first = desk.make(paid, "payment", "finance.division")
    desk.make(paid, "approval", remedy=REFUSAL["remedy"])

    page = desk.listed(paid, HANDLER, limit=1)
    rest = desk.listed(paid, HANDLER, limit=1, after=page.next)

    found = {page.items[0].public_id, rest.items[0].public_id}
    assert first.public_id in found
    assert len(found) == 2
    assert rest.next is None


def test_a_lost_file_is_told_and_a_missing_row_is_written_anew(desk: Desk):
    case = desk.town.reached("district_review")
    made = desk.make(case, "acceptance", TOWN)
    file = desk.open(case, made.public_id, TOWN)

    file.path.unlink()

    with pytest.raises(Unavailable, match="缺失或已损坏"):
        desk.open(case, made.public_id, TOWN)


def test_a_new_kind_is_a_file(desk: Desk, tmp_path: Path):
    folder = shutil.copytree(EVERYTHING / LETTERS, tmp_path / "letters")
    (folder / "review_notice.yaml").write_text(
        "letter: review_notice\ntitle: 审核通知书\nof: case\nword: 审\nevents: [recommend]\n"
        "by: [district.handler]\nbasis: 惯例\nsource: 惯例（示例）\n"
    )
    (folder / "review_notice.zh-CN.txt").write_text("@{{ addressee }}：\n已推荐{{ title }}。\n")
    other = Desk(desk.town, replace(desk.press, book=load_letters(folder)))
    case = desk.town.reached("bureau_review")

    made = other.make(case, "review_notice", TOWN)

    assert made.number.startswith("汇龙镇人民政府审〔2026〕")
    assert "已推荐行业垂类模型项目。" in other.texts(made.public_id)[0]


def test_a_kind_whose_seat_the_case_does_not_have_is_refused(desk: Desk, tmp_path: Path):
    folder = shutil.copytree(EVERYTHING / LETTERS, tmp_path / "letters")
    kind = (folder / "acceptance.yaml").read_text()
    by = "by: [district.handler, lead_bureau.handler]"
    (folder / "acceptance.yaml").write_text(kind.replace(by, "by: [public]"))
    other = Desk(desk.town, replace(desk.press, book=load_letters(folder)))

    with pytest.raises(InvalidInput, match="没有可制作“受理通知书”的单位"):
        other.make(desk.town.reached("district_review"), "acceptance", TOWN)


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
