"""The words of notices: amounts, dates, masks, and that nothing missing breaks them."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import DefinitionError
from caseflow.notifications import templates
from caseflow.notifications.rendering import render
from caseflow.notifications.rules import load_notices
from tests.definitions.families import notices

BOOK = notices()

FACTS = {
    "number": "QD26-7a-2026-000123",
    "measure": "算力券",
    "applicant": "启东示例科技有限公司",
    "state": "补齐补正",
    "due_on": "2026-11-13",
    "payload": {"items": ["用量日志", "银行付款凭证"]},
    "amounts": {"applied_fen": 123_450_000},
}


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "0元"),
        (1, "0.01元"),
        (99, "0.99元"),
        (100, "1元"),
        (999_900, "9,999元"),
        (999_999, "9,999.99元"),
        (1_000_000, "1万元"),
        (1_000_001, "10,000.01元"),
        (1_005_000, "10,050元"),
        (1_010_000, "1.01万元"),
        (1_100_000, "1.1万元"),
        (10_000_000, "10万元"),
        (123_450_000, "123.45万元"),
        (123_456_789, "1,234,567.89元"),
        (200_000_000, "200万元"),
        (1_000_000_000_000, "1,000,000万元"),
        (-1_000_000, "-1万元"),
    ],
)
def test_an_amount_reads_as_officials_write_it(fen: int, words: str):
    assert templates.money(fen) == words


@pytest.mark.parametrize("value", [None, "100", 1.5, True, [1]])
def test_what_is_no_fen_is_pending(value: object):
    assert templates.money(value) == "金额待定"


@given(st.integers(min_value=0, max_value=10**15))
def test_an_amounts_words_lose_no_fen(fen: int):
    words = templates.money(fen)
    scale = 1_000_000 if words.endswith("万元") else 100
    whole, _, part = words.removesuffix("元").removesuffix("万").replace(",", "").partition(".")

    assert int(whole) * scale + int((part or "0").ljust(2, "0")) * scale // 100 == fen


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2026-11-13", "2026年11月13日"),
        ("2027-03-01", "2027年3月1日"),
        (date(2028, 5, 3), "2028年5月3日"),
        ("2026-02-30", "日期待定"),
        (None, "日期待定"),
        (20261113, "日期待定"),
    ],
)
def test_a_date_reads_in_full(value: object, words: str):
    assert templates.day(value) == words


def test_a_provisional_deadline_says_so():
    assert templates.due("2027-01-04", provisional=True) == "2027年1月4日（暂定）"
    assert templates.due("2027-01-04", provisional=None) == "2027年1月4日"


def test_personal_data_is_masked_as_the_handbook_says():
    assert templates.phone("13812341234") == "138****1234"
    assert templates.identity("35012219900101512X") == "35*************12X"
    assert templates.account("6222 0212 3456 7890") == "尾号7890"
    assert templates.account("7890") == "账号未登记"


def test_a_correction_lists_everything_once_with_its_deadline():
    words = render(BOOK, "correction_requested", FACTS)

    assert words.title == "请补正材料：算力券"
    assert "1．用量日志\n2．银行付款凭证\n" in words.text
    assert "2026年11月13日" in words.text


def test_an_approval_gives_the_amount_and_each_cut():
    amounts = {"approved_fen": 100_000_000, "applied_fen": 123_450_000}
    cuts = [{"words": "超过单个企业每年最高200万元", "fen": 23_450_000}]

    words = render(BOOK, "approved", {**FACTS, "amounts": amounts, "cuts": cuts})

    assert "审定金额100万元" in words.text
    assert "1．超过单个企业每年最高200万元：核减23.45万元" in words.text


@pytest.mark.parametrize("notice", ["rejected", "not_accepted", "terminated", "objection_upheld"])
def test_a_refusal_gives_reason_and_remedy(notice: str):
    payload = {"reason": "发票不在使用期间内。", "remedy": "可自知道之日起六十日内申请行政复议。"}

    words = render(BOOK, notice, {**FACTS, "payload": payload})

    assert payload["reason"] in words.text
    assert payload["remedy"] in words.text


def test_a_decision_to_recover_says_how_much_why_and_for_how_long_it_bars():
    payload = {
        "recovery_fen": 10_001,
        "interest_fen": 5,
        "interest_basis": "协议第八条",
        "offset_words": "可从今后的奖补中抵扣",
        "bar_years": 3,
        "bar_basis": "惯例（三年）",
        "reason": "资金未用于租用算力。",
        "remedy": "可自知道之日起六十日内申请行政复议。",
        "document_no": "启数追〔2026〕1号",
    }

    words = render(BOOK, "recovery_ordered", {**FACTS, "payload": payload}).text

    for told in (
        "100.01元",
        "0.05元（协议第八条）",
        "抵扣：可从今后",
        "3年内禁止申报（惯例（三年））",
    ):
        assert told in words
    for name in ("reason", "remedy", "document_no"):
        assert payload[name] in words


def test_a_decision_to_recover_that_bars_nobody_does_not_speak_of_it():
    payload = {"recovery_fen": 10_001, "reason": "多拨。"}

    words = render(BOOK, "recovery_ordered", {**FACTS, "payload": payload}).text

    assert not [word for word in ("禁止申报", "利息", "抵扣") if word in words]


def test_an_objection_does_not_tell_who_objects_or_why():
    facts = {**FACTS, "payload": {"grounds": "我是同行张某，该公司造假"}}

    assert "张某" not in render(BOOK, "objection_received", facts).text


def test_a_reason_is_never_read_as_a_template():
    words = render(BOOK, "rejected", {**FACTS, "payload": {"reason": "{{ 7 * 7 }}{% raw %}"}})

    assert "{{ 7 * 7 }}{% raw %}" in words.text


def test_a_line_break_in_a_fact_does_not_break_the_title():
    words = render(BOOK, "received", {"measure": "算力券\r\nBcc: x@example.test"})

    assert words.title == "已收到申报：算力券 Bcc: x@example.test"


def test_a_notice_whose_file_is_gone_is_shown_in_general_words():
    words = render(BOOK, "dropped_long_ago", FACTS)

    assert words.title == "办件通知：算力券"
    assert "QD26-7a-2026-000123" in words.text


ODD_VALUES = [None, False, 0, -1, 1.5, "", "x", "{{", [], [None, "a", 1], {}, {"words": None}]


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_no_facts_whatever_break_a_notice(value: object):
    facts = dict.fromkeys([*templates.FACTS, "payload", "amounts"], value)

    for notice in sorted(BOOK.notices):
        words = render(BOOK, notice, facts)

        assert words.text.strip(), notice
        assert "\n" not in words.title, notice


def test_a_notice_without_facts_does_not_say_none():
    for notice in sorted(BOOK.notices):
        words = render(BOOK, notice, {})

        assert "None" not in words.title + words.text, notice


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("{{ measure", 1, "end of"),
        ("第一行\n{{ amout_fen | money }}", 2, "amout_fen"),
        ("{{ measure | upcase }}", 1, "upcase"),
        ("第一行\n{% if measure %}{{ measure | upcase }}{% endif %}", 2, "no filter upcase"),
        ("第一行\n{% if measure is missing %}甲{% endif %}", 2, "no test missing"),
        ("{% include 'paid.zh-CN.txt' %}", 1, "stands alone"),
        ("{{ range(9) }}", 1, "range"),
    ],
)
def test_a_wrong_template_is_refused_with_its_line(notices: Path, text: str, line: int, what: str):
    (notices / "paid.zh-CN.txt").write_text(text, encoding="utf-8")

    with pytest.raises(DefinitionError) as refusal:
        load_notices(notices)

    (problem,) = refusal.value.problems
    assert (Path(problem.file).name, problem.line) == ("paid.zh-CN.txt", line)
    assert problem.rule == "notice-template"
    assert what in problem.message


@pytest.mark.parametrize(
    ("changed", "line", "rule"),
    [
        ({"to": "[applicants]"}, 4, "notice-unknown-word"),
        ({"channels": "[inbox, pigeon]"}, 5, "notice-unknown-word"),
        ({"channels": "[]"}, 5, "notice-empty"),
        ({"notice": "payed"}, 1, "notice-name"),
        ({"title": '"{{ nobody }}"'}, 2, "notice-template"),
        ({"events": None}, 1, "notice-without-cause"),
        ({"events": None, "trigger": "full_moon"}, 6, "notice-unknown-trigger"),
        ({"outcomes": "[payed]"}, 7, "notice-unknown-word"),
        ({"colour": "red"}, 7, "yaml-unknown-key"),
        ({"source": None}, 1, "yaml-missing-key"),
        ({"text": "no_such_text"}, 1, "notice-text"),
    ],
)
def test_a_wrong_notice_is_refused_with_its_line(
    notices: Path, changed: dict[str, str | None], line: int, rule: str
):
    write_notice(notices, **changed)

    with pytest.raises(DefinitionError) as refusal:
        load_notices(notices)

    assert [(p.line, p.rule) for p in refusal.value.problems] == [(line, rule)]


def test_an_event_that_tells_nobody_may_not_tell_somebody(notices: Path):
    (notices / "none.yaml").write_text("none:\n  pay: 有人认为不必告知\n", encoding="utf-8")

    with pytest.raises(DefinitionError, match=r"none\.yaml:2: \[notice-contradiction\] pay"):
        load_notices(notices)


def write_notice(folder: Path, **changed: str | None) -> None:
    keys: dict[str, str | None] = {
        "notice": "paid",
        "title": '"已拨付"',
        "events": "[pay]",
        "to": "[applicant]",
        "channels": "[inbox]",
        "source": "手册§11.2",
        **changed,
    }
    lines = [f"{key}: {value}" for key, value in keys.items() if value is not None]
    (folder / "paid.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def notices(tmp_path: Path) -> Path:
    """A book of one notice."""
    write_notice(tmp_path)
    (tmp_path / "paid.zh-CN.txt").write_text("已拨付{{ amount_fen | money }}。", encoding="utf-8")
    (tmp_path / "none.yaml").write_text("none: {}\n", encoding="utf-8")
    return tmp_path
