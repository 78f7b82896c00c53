"""The words of formal documents: signs, tables, masks; and what facts cannot do to them."""

import pytest

from caseflow.documents.letters.words import blocks_of, capital, due, faults, masked

FULL_WIDTH = "１３８１２３４１２３４"


def test_the_first_sign_of_a_line_says_what_it_is():
    lines = (
        "@{{ addressee }}：",
        "# 一、依据",
        "> {{ clause }}",
        "正文",
        "- 甲",
        "- 乙",
        "正文",
        "- 丙",
    )
    text = "\n".join(lines)

    blocks = blocks_of(text, {"addressee": "某公司", "clause": "条款"})

    assert [(each["kind"], each["text"]) for each in blocks] == [
        ("salutation", "某公司："), ("heading", "一、依据"), ("quote", "条款"),
        ("paragraph", "正文"), ("item", "甲"), ("item", "乙"), ("paragraph", "正文"),
        ("item", "丙"),
    ]  # fmt: skip
    assert [each["no"] for each in blocks if each["kind"] == "item"] == [1, 2, 1]


def test_rows_make_one_table_whose_first_row_is_its_head():
    row = "| {{ cut.words }} | {{ cut.fen | yuan }} |"
    text = f"| 名称 | 金额 |\n{{% for cut in cuts %}}\n{row}\n{{% endfor %}}\n"

    blocks = blocks_of(
        text, {"cuts": [{"words": "审计", "fen": 105}, {"words": "甲", "fen": None}]}
    )

    assert blocks == [
        {"kind": "table", "columns": ["名称", "金额"], "rows": [["审计", "1.05"], ["甲", "—"]]}
    ]


def test_what_a_fact_says_is_never_a_sign_a_cell_or_markup():
    reason = "@ 甲\n> 乙 | 丙\n- {{ clause }}\ue000\ue004#strong"
    facts = {"reason": reason, "clause": "条款", "items": ["一\n二|三"]}

    paragraphs = blocks_of("{{ reason }}\n> {{ reason }}", facts)
    row = blocks_of("| {{ items[0] }} | 末 |", facts)

    assert [each["kind"] for each in paragraphs] == ["paragraph"] * 3 + ["quote"] * 3
    assert [each["text"] for each in paragraphs[:3]] == [
        "@ 甲",
        "> 乙 | 丙",
        "- {{ clause }}#strong",
    ]
    assert row == [{"kind": "table", "columns": ["一 二|三", "末"], "rows": []}]


def test_an_item_of_two_lines_stays_one_item():
    assert blocks_of("- {{ items[0] }}", {"items": ["甲\n乙"]}) == [
        {"kind": "item", "no": 1, "text": "甲 乙"}
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13812341234。", "电话138****1234。"),
        ("电话138 1234 1234", "电话138****1234"),
        (FULL_WIDTH, "138****1234"),
        ("身份证320681198512310021", "身份证32*************021"),
        ("身份证32068119851231002X。", "身份证32*************02X。"),
        ("账号6222021111000012345", "账号62**************345"),
        ("发票24322000000123456789", "发票24322000000123456789"),
        ("91320681MA2TE5T28T", "91320681MA2TE5T28T"),
        ("0513-83312345", "0513-83312345"),
        ("2026-11-06至2026-11-17", "2026-11-06至2026-11-17"),
        ("金额12345678901元", "金额12345678901元"),
    ],
)
def test_private_numbers_are_masked_and_others_are_not(text, shown):
    assert masked(text) == shown


def test_what_is_missing_has_a_word():
    assert capital(None) == "金额待定"
    assert due(None) == "日期待定"
    assert due("2027-01-07", provisional=True) == "2027年1月7日（暂定）"
    assert blocks_of("{{ basis }}", {})[0]["text"] == "—"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("甲\n{{ nonsense }}", 2, "nonsense is no fact"),
        ("{% if %}", 1, "Expected an expression"),
        ("{{ reason | shout }}", 1, "No filter named"),
        ("\n{% if reason %}{{ reason | shout }}{% endif %}", 2, "there is no filter shout"),
        ("{% if reason is loud %}甲{% endif %}", 1, "there is no test loud"),
        ("{% include 'x' %}", 1, "stands alone"),
        ("{% for cut in cuts %}{{ cut.nonsense }}{% endfor %}", 1, "no attribute 'nonsense'"),
    ],
)
def test_a_faulty_template_is_told_with_its_line(text, line, what):
    found = faults(text)

    assert found[0][0] == line
    assert what in found[0][1]
