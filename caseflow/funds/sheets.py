"""Reports and files as XLSX workbooks, and reading what comes back as XLSX or CSV.

A sheet begins with the lines that §10 of the handbook wants: title, period, unit, generated at, by,
filter, number of rows, checksum. Money is entered in yuan, exact to the fen, as a number.
"""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import InvalidInput, TooLarge

Kind = Literal["text", "fen", "number", "date", "instant"]
MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FEN_PER_YUAN: Final = Decimal(100)
FORMATS: Final[dict[Kind, str]] = {
    "text": "@", "fen": "#,##0.00", "number": "0.##", "date": "yyyy-mm-dd", "instant": "@",
}  # fmt: skip
WIDEST: Final = 40
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 100
MOST_UNPACKED: Final = 64 * 1024 * 1024
"""What a workbook may have in it once unpacked: a zip of a few kilobytes may hold gigabytes."""
HEADING_WITHIN: Final = 30
"""In so many rows the headings are looked for, below the lines about the sheet."""
BLANK: Final = "\u00a0\u200b\ufeff\u3000"
FORMULA: Final = re.compile(rf"(?:^|(?<=[\n\r]))([ {BLANK}]*)([=+\-@\t\r＝＋－＠])")
IN_BRACKETS: Final = re.compile(r"\s*[(（].*", re.DOTALL)
"""What a heading says in brackets, which does not count when a file comes back."""
UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """A heading, the key of a row's value, and what the value is: fen become yuan."""

    title: str
    key: str
    kind: Kind = "text"


@dataclass(frozen=True)
class About:
    """What is said above the rows: of what period, made when, by whom, filtered how."""

    title: str
    period: str
    generated_at: datetime
    by: str
    filter: str = "全部"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table with its headings; every row is numbered in a first column 序号."""

    name: str
    about: About
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of all rows as written: cells joined by tabs, rows by line ends."""
        lines = ("\t".join(_told(value) for value in _values(self, row)) for row in self.rows)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def safe(text: str) -> str:
    """Return `text` as no table program takes it for a formula: with ' before = + - @ tab CR.

    Also after blanks and line ends, and for the full-width signs; control characters go.
    """
    return FORMULA.sub(r"\1'\2", UNWRITABLE.sub("", text))


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return the sheets as an XLSX file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        _write(book, sheet)
    book.properties.creator = "caseflow"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(book: Workbook, sheet: Sheet) -> None:
    page = book.create_sheet(sheet.name)
    for number, (label, value) in enumerate(_lines(sheet), start=1):
        _put(page.cell(number, 1), label, "text", bold=True)
        _put(page.cell(number, 2), value, "text")
    top = len(_lines(sheet)) + 2
    for place, column in enumerate(_numbered(sheet), start=1):
        _put(page.cell(top, place), column.title, "text", bold=True)
        width = max(10, min(WIDEST, 2 * len(column.title) + 2))
        page.column_dimensions[get_column_letter(place)].width = width
    for number, row in enumerate(sheet.rows, start=1):
        _put(page.cell(top + number, 1), number, "number")
        for place, (column, value) in enumerate(_pairs(sheet, row), start=2):
            _put(page.cell(top + number, place), value, column.kind)
    page.freeze_panes = page.cell(top + 1, 1)


def _lines(sheet: Sheet) -> list[tuple[str, str]]:
    about = sheet.about
    made = about.generated_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    return [
        ("标题", about.title),
        ("期间", about.period),
        ("单位", "元"),
        ("生成时间", made),
        ("制表人", about.by),
        ("筛选条件", about.filter),
        ("总行数", str(len(sheet.rows))),
        ("校验码", sheet.checksum),
        *(("说明", note) for note in about.notes),
    ]


def _numbered(sheet: Sheet) -> tuple[Column, ...]:
    return (Column("序号", ""), *sheet.columns)


def _pairs(sheet: Sheet, row: Mapping[str, Any]) -> Iterator[tuple[Column, Any]]:
    yield from zip(sheet.columns, _values(sheet, row), strict=True)


def _values(sheet: Sheet, row: Mapping[str, Any]) -> Iterator[Any]:
    """Yield a row's values as they are written: yuan for fen, texts made harmless."""
    for column in sheet.columns:
        yield _value(row.get(column.key), column.kind)


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "fen":
        return Decimal(value) / FEN_PER_YUAN
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return value if kind in ("number", "date") else safe(str(value))


def _told(value: Any) -> str:
    return "" if value is None else str(value)


def _put(cell: Any, value: Any, kind: Kind, *, bold: bool = False) -> None:
    assert isinstance(cell, Cell)
    cell.value = safe(value) if isinstance(value, str) else value
    cell.number_format = FORMATS[kind]
    if bold:
        cell.font = Font(bold=True)


def read_table(content: bytes, wanted: Sequence[str], *, name: str) -> list[dict[str, Any]]:
    """Return the rows below the headings `wanted`, by heading; `name` tells XLSX from CSV.

    Texts are stripped, empty rows left out; dates stay dates.

    Raises:
        InvalidInput: neither XLSX nor CSV, a heading missing or twice. TooLarge: too many rows.
    """
    rows = rows_of(content, name)
    return _below(rows, _headings(rows, wanted))


def read_columns(content: bytes, first: str, *, name: str) -> list[dict[str, Any]]:
    """Return the rows below the headings, whichever there are beside `first`; see `read_table`.

    Raises:
        InvalidInput: neither XLSX nor CSV, no heading `first`, one twice. TooLarge: too many rows.
    """
    rows = rows_of(content, name)
    for _, row in zip(range(HEADING_WITHIN), rows, strict=False):
        titles = _titles(row)
        if first in titles:
            places = {title: number for number, title in enumerate(titles) if title}
            if len(places) == sum(map(bool, titles)):
                return _below(rows, places)
            break
    raise InvalidInput(
        f"文件须有表头“{first}”，各列名称不得重复。", fields={"file": f"表头：{first}"}
    )


def rows_of(content: bytes, name: str) -> Iterator[Sequence[Any]]:
    """Yield the cells of the first sheet as they are, row by row; `name` tells XLSX from CSV.

    Raises:
        InvalidInput: neither XLSX nor CSV. TooLarge: it would unpack to more than a file takes.
    """
    is_xlsx = name.lower().endswith(".xlsx")
    return iter(_xlsx_rows(content) if is_xlsx else _csv_rows(content))


def _below(rows: Iterable[Sequence[Any]], places: Mapping[str, int]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        line = {title: _plain(row[n]) if n < len(row) else None for title, n in places.items()}
        if any(value is not None for value in line.values()):
            found.append(line)
        if len(found) > MOST_ROWS:
            raise TooLarge(f"一个文件至多 {MOST_ROWS} 行。")
    return found


def _headings(rows: Iterator[Sequence[Any]], wanted: Sequence[str]) -> dict[str, int]:
    for _, row in zip(range(HEADING_WITHIN), rows, strict=False):
        titles = _titles(row)
        if wanted[0] in titles:
            missing = [title for title in wanted if titles.count(title) != 1]
            if missing:
                break
            return {title: titles.index(title) for title in wanted}
    listed = "、".join(wanted)
    raise InvalidInput(f"文件须有表头（各一列）：{listed}。", fields={"file": f"表头：{listed}"})


def _titles(row: Sequence[Any]) -> list[str]:
    return [IN_BRACKETS.sub("", str(_plain(each) or "")) for each in row]


def _plain(value: Any) -> Any:
    """Return a cell's value: texts stripped, without the ' that `safe` puts before a sign."""
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    text = str(value).strip(f" \t\r\n{BLANK}")
    if text.startswith("'") and FORMULA.match(text[1:]):
        text = text[1:]
    return text or None


def _xlsx_rows(content: bytes) -> Iterable[Sequence[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > MOST_UNPACKED:
                raise TooLarge("工作簿解压后过大。")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        page = book.worksheets[0]
        most = HEADING_WITHIN + MOST_ROWS + 1
        return list(page.iter_rows(max_row=most, max_col=MOST_COLUMNS, values_only=True))
    except (
        zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, TypeError,
        ParseError,
    ) as error:  # fmt: skip
        raise InvalidInput("不是可读的 XLSX 文件。", fields={"file": "XLSX"}) from error


def _csv_rows(content: bytes) -> Iterable[Sequence[Any]]:
    """Read CSV as UTF-8, else as GB 18030, which table programs here still write."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            return list(csv.reader(io.StringIO(text, newline="")))
        except csv.Error as error:
            raise InvalidInput("不是可读的 CSV 文件。", fields={"file": "CSV"}) from error
    raise InvalidInput("CSV 文件须为 UTF-8 或 GB 18030 编码。", fields={"file": "编码"})
