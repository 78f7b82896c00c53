"""Workbooks: what is above the table, money to the fen, nothing that runs, what comes back."""

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from caseflow.funds import sheets
from caseflow.funds.sheets import About, Column, Sheet, read_table, safe, workbook
from caseflow.kernel.errors import InvalidInput, TooLarge
from tests.factories.sheets import opened

AT = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
COLUMNS = (
    Column("名称", "name"), Column("金额", "fen", "fen"), Column("日期", "on", "date"),
    Column("时间", "at", "instant"), Column("数", "count", "number"),
)  # fmt: skip
HEADINGS = ("拨付单号", "支付状态")


def sheet(**row: object) -> Sheet:
    about = About("表", "2026年度", AT, "张三", notes=("说明一",))
    return Sheet("表一", about, COLUMNS, [row])


def table(*rows: object) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_above_the_table_stands_what_it_is():
    about, rows = opened(
        workbook([sheet(name="甲", fen=100_01, on=date(2026, 1, 2), at=AT, count=3)])
    )

    assert about == {
        "标题": "表", "期间": "2026年度", "单位": "元", "生成时间": "2026-11-20 09:30:00",
        "制表人": "张三", "筛选条件": "全部", "总行数": "1", "说明": "说明一",
        "校验码": sheet(name="甲", fen=100_01, on=date(2026, 1, 2), at=AT, count=3).checksum,
    }  # fmt: skip
    assert rows == [
        {
            "序号": 1, "名称": "甲", "金额": 100.01, "日期": datetime(2026, 1, 2),  # noqa: DTZ001
            "时间": "2026-11-20 09:30", "数": 3,
        }
    ]  # fmt: skip


def test_the_checksum_changes_with_a_fen():
    assert sheet(name="甲", fen=1).checksum != sheet(name="甲", fen=2).checksum
    assert sheet(name="甲", fen=1).checksum == sheet(name="甲", fen=1).checksum


@given(st.integers(0, 10**15))
def test_an_amount_is_written_to_the_fen(fen):
    (value,) = [v for v in sheets._values(sheet(fen=fen), {"fen": fen}) if v is not None]

    assert value == Decimal(fen) / 100
    assert int(value * 100) == fen


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "\u3000=1", "\ufeff=1",
     "a\n=1", "a\r\n+1", "＝1", "＠a", "\x00=1"],
)  # fmt: skip
def test_what_a_table_program_might_run_is_only_read(text):
    book = load_workbook(io.BytesIO(workbook([sheet(name=text)])))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value]

    assert all(cell.data_type != "f" for cell in cells)
    assert "'" in safe(text)
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize("text", ["启东甲公司", "A-1", "a=b", "3+4", "x@y.cn", ""])
def test_an_ordinary_text_stays_as_it_is(text):
    assert safe(text) == text


@pytest.mark.parametrize("text", ["=1", "-PZ-1", "PZ-1"])
def test_what_was_made_harmless_comes_back_as_it_was(text):
    content = table(["标题", "x"], [], ["序号", *HEADINGS], [1, safe(text), "已付"])

    assert read_table(content, HEADINGS, name="a.xlsx") == [{"拨付单号": text, "支付状态": "已付"}]


def test_a_heading_may_say_more_in_brackets_and_stand_anywhere():
    content = table(
        ["备注", "支付状态(已付/退票)", "拨付单号"], ["", " 已付 ", 7], [None, None, None]
    )

    assert read_table(content, HEADINGS, name="A.XLSX") == [{"拨付单号": "7", "支付状态": "已付"}]


def test_a_date_stays_a_date():
    content = table(["拨付单号", "支付状态"], ["k", datetime(2026, 11, 20)])  # noqa: DTZ001

    assert read_table(content, HEADINGS, name="a.xlsx")[0]["支付状态"] == date(2026, 11, 20)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_in_the_encodings_in_use(encoding):
    content = "拨付单号,支付状态\nK/1/city,已付\nshort\n,\n".encode(encoding)

    assert read_table(content, HEADINGS, name="a.csv") == [
        {"拨付单号": "K/1/city", "支付状态": "已付"},
        {"拨付单号": "short", "支付状态": None},
    ]


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * (sheets.MOST_UNPACKED + 1))
    return out.getvalue()


def other_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("hello.txt", "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"no zip", "a.xlsx", "XLSX"),
        (other_zip(), "a.xlsx", "XLSX"),
        (table(["a", "b"]), "a.xlsx", "表头"),
        (table(["拨付单号"], ["k"]), "a.xlsx", "表头"),
        (table(["拨付单号", "支付状态", "支付状态"]), "a.xlsx", "表头"),
        (b"\xff\xff\xff", "a.csv", "编码"),
        (b"a" * 200_000, "a.csv", "CSV"),
        (b"", "a.csv", "表头"),
    ],
)
def test_what_is_no_such_table_is_refused(content, name, words):
    with pytest.raises(InvalidInput, match=words):
        read_table(content, HEADINGS, name=name)


def test_a_file_that_unpacks_to_too_much_is_not_unpacked():
    with pytest.raises(TooLarge):
        read_table(bomb(), HEADINGS, name="a.xlsx")


@pytest.mark.soak
def test_a_file_has_its_most_rows_and_not_one_more():
    def rows(count: int) -> bytes:
        return ("拨付单号,支付状态\n" + "k,已付\n" * count).encode()

    assert len(read_table(rows(sheets.MOST_ROWS), HEADINGS, name="a.csv")) == sheets.MOST_ROWS
    with pytest.raises(TooLarge):
        read_table(rows(sheets.MOST_ROWS + 1), HEADINGS, name="a.csv")
