"""Tables of awards: reading what other systems send (XLSX, CSV), writing what people are given."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from caseflow.kernel.errors import InvalidInput, TooLarge
from caseflow.kernel.money import Money

HEADINGS: Final[dict[str, str]] = {
    "来源编号": "source_id", "单位": "name", "统一社会信用代码": "uscc",
    "证件类型": "identity_type", "证件号码": "identity_number", "政策": "policy",
    "条款编号": "measure", "条款": "clause", "类别": "family", "级别": "level", "地区": "place",
    "事项": "matters", "费用起": "cost_from", "费用止": "cost_to", "成本项(元)": "items",
    "金额(元)": "amount_yuan", "批准日期": "granted_on",
}  # fmt: skip
"""The columns of an import file; the names of the fields do as well."""
COST: Final = ("cost_from", "cost_to", "items")
MOST_BYTES: Final = 10 * 1024 * 1024
MOST_UNPACKED: Final = 100 * 1024 * 1024
MOST_LINES: Final = 5001
_PARTS: Final = re.compile(r"[;；\n]")
_FORMULA: Final = re.compile(r"(?:^|[\r\n])[\s\u00a0]*[=+\-@\t\r]")
"""What a spreadsheet would take for a formula. (reliability.md §3, 42)"""

Row = tuple[int, dict[str, Any]]


def read_table(content: bytes, name: str) -> list[Row]:
    """Return (line, row) of an XLSX or CSV file, as `read_award` takes them.

    Amounts are texts or whole numbers of yuan: a cell with a fraction is binary and is refused.

    Raises:
        InvalidInput: neither, not readable, unknown columns, a column twice. TooLarge: too long.
    """
    if len(content) > MOST_BYTES:
        raise TooLarge(f"{name} 超过 {MOST_BYTES} 字节。")
    lines = list(_xlsx(content, name) if name.lower().endswith(".xlsx") else _csv(content, name))
    if len(lines) > MOST_LINES:
        raise TooLarge(f"{name} 超过 {MOST_LINES - 1} 行。")
    if not lines:
        raise InvalidInput(f"{name} 是空的。")
    columns = _columns(lines[0], name)
    return [
        (number, _row(columns, cells))
        for number, cells in enumerate(lines[1:], start=2)
        if any(cell not in (None, "") for cell in cells)
    ]


def workbook(
    title: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], about: str
) -> bytes:
    """Return an XLSX of one table: title, what it is about, heading, numbered rows, checksum.

    `columns` maps headings to the keys of a row; no text of it can run as a formula.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    table = [["序号", *columns]]
    for number, row in enumerate(rows, start=1):
        table.append([str(number), *(safe(row.get(key)) for key in columns.values())])
    checksum = hashlib.sha256(repr(table).encode()).hexdigest()
    sheet.append([title])
    sheet.append([safe(about)])
    for cells in table:
        sheet.append(cells)
    sheet.append([f"共 {len(table) - 1} 行，校验值 {checksum}"])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def safe(value: Any) -> str:
    """Return a value as a cell's text that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.search(text) else text


def _csv(content: bytes, name: str) -> Iterator[Sequence[Any]]:
    try:
        text = content.decode("utf-8-sig")
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{name} 不是 UTF-8 编码的 CSV：{error}。") from error


def _xlsx(content: bytes, name: str) -> Iterator[Sequence[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
        if unpacked > MOST_UNPACKED:
            raise TooLarge(f"{name} 解开后超过 {MOST_UNPACKED} 字节。")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True)):
            if number > MOST_LINES:
                break
            yield cells
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise InvalidInput(f"{name} 不是可读的 XLSX。") from error


def _columns(heading: Sequence[Any], name: str) -> list[str | None]:
    known = {**HEADINGS, **{field: field for field in HEADINGS.values()}}
    titles = [str(cell).strip() if cell is not None else "" for cell in heading]
    unknown = [title for title in titles if title and title not in known]
    found = [known.get(title) for title in titles]
    named = [column for column in found if column]
    if unknown or len(set(named)) != len(named) or not named:
        wrong = "、".join(unknown) or "同一列出现两次，或没有表头"
        raise InvalidInput(f"{name} 的表头有误：{wrong}；可用：{'、'.join(HEADINGS)}。")
    return found


def _row(columns: Sequence[str | None], cells: Sequence[Any]) -> dict[str, Any]:
    read = {
        column: _plain(cell)
        for column, cell in zip(columns, cells, strict=False)
        if column and cell not in (None, "")
    }
    cost: dict[str, Any] = {name: read.pop(name) for name in COST if name in read}
    if "matters" in read:
        read["matters"] = _matters(read["matters"], cost)
    if "amount_yuan" in read:
        read["amount_fen"] = _fen(read.pop("amount_yuan"))
    return read


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else cell


def _fen(value: Any) -> Any:
    """Return the fen of yuan written as text or a whole number; anything else as it is, refused."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    try:
        return Money.from_yuan(str(value)).fen
    except InvalidInput:
        return value if isinstance(value, str) else str(value)


def _matters(text: Any, cost: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `kind:key;kind:key` as a list of matters, each with the row's cost."""
    said: dict[str, Any] = {}
    if "cost_from" in cost or "cost_to" in cost:
        said |= {"from": cost.get("cost_from"), "to": cost.get("cost_to")}
    if "items" in cost:
        pairs = [part.partition("=") for part in _PARTS.split(str(cost["items"])) if part.strip()]
        said["items"] = {item.strip(): _fen(yuan.strip()) for item, _, yuan in pairs}
    parts = [part.partition(":") for part in _PARTS.split(str(text).replace("：", ":"))]
    return [
        {"kind": kind.strip(), "key": key.strip(), **said} for kind, _, key in parts if kind.strip()
    ]
