"""Formal documents of real cases: what each kind says, and what it hides."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from caseflow.batches.letters import make_notice, open_notice
from caseflow.cases.letters import (
    LETTERS,
    Wanted,
)
from caseflow.documents.letters.kinds import load_letters
from caseflow.kernel.errors import InvalidInput, NotAllowed, NotFound
from tests.conftest import EVERYTHING
from tests.integration.letter_desk import (
    CLAUSE,
    CONTACT,
    HANDLER,
    PRIVATE,
    REFUSAL,
    TOWN,
    Desk,
    words,
)
from tests.integration.walking import BEGINS


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


@pytest.mark.soak
def test_a_correction_that_is_over_has_no_last_day_any_more(desk: Desk):
    case = desk.town.reached("submitted")
    desk.town.act(case, "request_correction", items=["补充用量日志"])
    first = desk.town.value('SELECT head_seq FROM "case" WHERE public_id = %s', case)
    desk.town.now = BEGINS + timedelta(days=1)
    desk.town.act(case, "resubmit")
    desk.town.act(case, "request_second_correction", items=["盖章"])

    second = desk.make(case, "correction", "lead_bureau.handler")

    with pytest.raises(InvalidInput, match="期限届满日"):
        desk.make(case, "correction", TOWN, version=first)
    assert second.number.startswith("启数补〔2026〕")
    assert "再次告知的理由：" in desk.texts(second.public_id)[0]


@pytest.mark.soak
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
    case = desk.town.reached("bureau_review")
    with pytest.raises(InvalidInput, match="尚无可制作“特别程序告知书”的事项"):
        desk.make(case, "special_procedure")
    desk.town.walk(case, "third_party_audit")

    text, _ = desk.texts(desk.make(case, "special_procedure").public_id)

    assert "依法需要进行第三方专项审计" in text
    assert "所需时间为30个工作日" in text
    assert "不计算在办理时限内" in text


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


@pytest.mark.soak
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


@pytest.mark.soak
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


def test_a_kind_whose_seat_the_case_does_not_have_is_refused(
    desk: Desk, rejected: str, tmp_path: Path
):
    folder = shutil.copytree(EVERYTHING / LETTERS, tmp_path / "letters")
    kind = (folder / "acceptance.yaml").read_text()
    by = "by: [district.handler, lead_bureau.handler]"
    (folder / "acceptance.yaml").write_text(kind.replace(by, "by: [public]"))
    other = Desk(desk.town, replace(desk.press, book=load_letters(folder)))

    with pytest.raises(InvalidInput, match="没有可制作“受理通知书”的单位"):
        other.make(rejected, "acceptance", TOWN)
