"""股权台账 on paper: an XLSX file with the columns of 手册§10.13, its filter and its checksum."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from caseflow.cases.equity_register import RegisterLine
from caseflow.funds.sheets import safe
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.money import FEN_PER_YUAN

TITLE: Final = "股权台账（拨投）"
ROUTES: Final = {
    "founder_buyback": "创始人回购",
    "transfer": "转让",
    "listing": "上市退出",
    "liquidation": "清算",
}
COLUMNS: Final = (
    "序号", "项目", "企业", "拨款额（元）", "拨款日", "协议转股条件", "触发日", "转股额（元）",
    "轮次", "估值（元）", "持股比例（%）", "登记日", "最新估值（元）", "退出方式", "退出日",
    "回收本金（元）",
    "收益（元）", "损失（元）", "免责文号",
)  # fmt: skip
MONEY: Final = "#,##0.00"


@dataclass(frozen=True)
class Heading:
    """What stands above the columns: when it was made, by whom, of which projects."""

    at: datetime
    by: str
    filter: str


def register_sheet(lines: Sequence[RegisterLine], heading: Heading) -> bytes:
    """Return the file; amounts are yuan, percentages cut to four decimals."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = TITLE
    made = heading.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    words = f"单位：元　生成时间：{made}　生成人：{heading.by}　范围：{heading.filter}"
    rows = [_row(number, line) for number, line in enumerate(lines, start=1)]
    sheet.append([TITLE])
    sheet.append([f"{words}　共 {len(rows)} 项　校验：{_checksum(rows)}"])
    sheet.append(list(COLUMNS))
    for cells in (sheet[1], sheet[3]):
        for cell in cells:
            cell.font = Font(bold=True)
    for row in rows:
        _write(sheet, row)
    sheet.freeze_panes = "A4"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _row(number: int, line: RegisterLine) -> list[Any]:
    return [
        number,
        line.title,
        line.applicant_title,
        _yuan(line.granted_fen),
        "、".join(map(str, line.granted_on)),
        line.triggers,
        line.triggered_on,
        _yuan(line.converted_fen),
        line.round,
        _yuan(line.valuation_fen),
        line.percent,
        _day(line.registered_on),
        _yuan(line.latest_valuation_fen),
        ROUTES.get(line.exit_route or ""),
        _day(line.exit_on),
        _yuan(line.returned_fen),
        _yuan(line.gain_fen),
        _yuan(line.lost_fen),
        line.exemption_no,
    ]


def _yuan(fen: int | None) -> Decimal | None:
    return None if fen is None else Decimal(fen) / FEN_PER_YUAN


def _day(day: Any) -> str | None:
    return None if day is None else str(day)


def _checksum(rows: Sequence[Sequence[Any]]) -> str:
    """Return the first digits of the SHA-256 over the rows."""
    texts = [[None if cell is None else str(cell) for cell in row] for row in rows]
    return hashlib.sha256(canonical(texts)).hexdigest()[:16]


def _write(sheet: Worksheet, row: Sequence[Any]) -> None:
    """Append a row; what an applicant wrote is text, never a formula."""
    sheet.append([safe(value) if isinstance(value, str) else value for value in row])
    for cell in sheet[sheet.max_row]:
        if isinstance(cell.value, Decimal):
            cell.number_format = MONEY


def described(filters: Mapping[str, object]) -> str:
    """Return in words which projects a register is of."""
    titles = {"measure": "条款", "due_by": "固定转股日不晚于"}
    said = [f"{titles[name]} {value}" for name, value in filters.items() if value is not None]
    return "、".join(said) or "全部可见项目"
