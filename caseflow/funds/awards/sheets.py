"""Tables of awards that other systems send (XLSX, CSV), as they are read."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from caseflow.funds.sheets import rows_of
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
MOST_LINES: Final = 5001
_PARTS: Final = re.compile(r"[;；\n]")

Row = tuple[int, dict[str, Any]]


def read_table(content: bytes, name: str) -> list[Row]:
    """Return (line, row) of an XLSX or CSV file, as `read_award` takes them.

    Amounts are texts or whole numbers of yuan: a cell with a fraction is binary and is refused.

    Raises:
        InvalidInput: neither, not readable, unknown columns, a column twice. TooLarge: too long.
    """
    if len(content) > MOST_BYTES:
        raise TooLarge(f"{name} 超过 {MOST_BYTES} 字节。")
    lines = list(rows_of(content, name))
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
