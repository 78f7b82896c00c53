"""Lists of titles as a bureau has them: CSV and XLSX files, and what is said beside them."""

import io
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook

HEADINGS = ("序号", "统一社会信用代码", "单位名称", "对象", "编号", "等次", "有效期至")
FILING = {
    "document_no": "国信办公告〔2026〕3号",
    "issued_by": "国家互联网信息办公室",
    "kind": "生成式人工智能服务备案",
    "level": "national",
    "issued_on": "2026-05-20",
}
"""What is said of a list of filings, which QD26-8c rewards."""
FIRST_SET = {
    "document_no": "苏工信〔2026〕8号",
    "issued_by": "江苏省工业和信息化厅",
    "kind": "首台套重大装备或关键部件",
    "level": "provincial",
    "issued_on": "2026-05-20",
}
"""What is said of a list of first sets, which QD26-2b rewards."""


def rows_of(*rows: Sequence[Any]) -> list[list[Any]]:
    """Return the table: headings, then (code, name, object, number, grade, valid to) each."""
    table: list[list[Any]] = [list(HEADINGS)]
    for number, row in enumerate(rows, start=1):
        cells = [number, *row]
        table.append([*cells, *[None] * (len(HEADINGS) - len(cells))])
    return table


def csv_of(*rows: Sequence[Any]) -> bytes:
    """Return a list as CSV."""
    lines = (",".join("" if c is None else str(c) for c in row) for row in rows_of(*rows))
    return "\n".join(lines).encode()


def xlsx_of(*rows: Sequence[Any]) -> bytes:
    """Return a list as a workbook, under the two lines of an official letterhead."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["附件"])
    sheet.append(["公示名单"])
    for row in rows_of(*rows):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(
    client: Any,
    content: bytes,
    login: str = "shujuju.handler",
    name: str = "名单.csv",
    **said: str,
) -> Any:
    """Upload a list of filings, or of what `said` says; returns the answer, whatever it is."""
    data = {**FILING, **said, "file": (io.BytesIO(content), name)}
    kind = "multipart/form-data"
    return client.ask("POST", "/title-lists", login, data=data, content_type=kind)


def match(client: Any, title_list: str, login: str = "shujuju.handler") -> Any:
    """Match a list; returns how many rows came to what."""
    return client.done(client.post(f"/title-lists/{title_list}/matching", login))


def rows(client: Any, title_list: str, login: str = "shujuju.handler", **asked: Any) -> list[Any]:
    """Return the rows of a list with what became of each."""
    return list(client.done(client.get(f"/title-lists/{title_list}/rows", login, **asked))["items"])


def revoke(client: Any, title_list: str, login: str, line: int = 1, **said: str) -> Any:
    """Revoke the title of a line; returns the answer, whatever it is."""
    return client.post(f"/title-lists/{title_list}/rows/{line}/revocation", login, said)
