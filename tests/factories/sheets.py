"""Workbooks as a person opens them, and fills them in."""

import io
from collections.abc import Mapping
from typing import Any

from openpyxl import load_workbook


def opened(content: bytes) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return what stands above the table, and its rows by heading."""
    page = load_workbook(io.BytesIO(content)).worksheets[0]
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    top = next(n for n, row in enumerate(rows) if row[0] == "序号")
    about = {row[0]: row[1] for row in rows[:top] if row[0]}
    return about, [dict(zip(rows[top], row, strict=True)) for row in rows[top + 1 :]]


def filled_in(content: bytes, answers: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the workbook with cells set, by the order's key and the heading's first words."""
    book = load_workbook(io.BytesIO(content))
    page = book.worksheets[0]
    headings = next(row for row in page.iter_rows() if row[0].value == "序号")
    places = {str(cell.value).partition("(")[0]: cell.column for cell in headings}
    for row in range(headings[0].row + 1, page.max_row + 1):
        for heading, value in answers.get(page.cell(row, places["拨付单号"]).value, {}).items():
            page.cell(row, places[heading]).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
