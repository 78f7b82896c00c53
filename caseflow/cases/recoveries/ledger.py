"""The 追缴台账 as a workbook, with the columns of 手册§10.12."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Font
from sqlalchemy.orm import Session

from caseflow.cases.queries import MAX_PAGE
from caseflow.cases.recoveries.queries import RecoveryFilter, RecoveryLine, recovery_list
from caseflow.funds.sheets import safe
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import SHANGHAI

TITLE: Final = "追缴台账"
MOST_LINES: Final = 5_000
MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
YUAN: Final = "#,##0.00"


def yuan(fen: int | None) -> Decimal | None:
    """Return fen as yuan with two decimals."""
    return None if fen is None else Decimal(fen).scaleb(-2)


def period(line: RecoveryLine) -> str | None:
    """Return the days of the bar, and whether it was lifted."""
    if line.bar_from is None:
        return None
    return f"{line.bar_from}至{line.bar_to}{'（已解除）' if line.bar_lifted else ''}"


COLUMNS: Final[dict[str, Callable[[RecoveryLine], Any]]] = {
    "编号": lambda line: line.number,
    "单位": lambda line: line.applicant_title,
    "原拨付(元)": lambda line: yuan(line.paid_fen),
    "事由": lambda line: line.ground_title,
    "应追回(元)": lambda line: yuan(line.decided_fen),
    "其中市级(元)": lambda line: yuan(line.decided_city_fen),
    "其中区级(元)": lambda line: yuan(line.decided_district_fen),
    "决定书文号": lambda line: line.document_no,
    "送达日": lambda line: line.delivered_on,
    "期限": lambda line: line.due_on,
    "已缴(元)": lambda line: yuan(line.received_fen),
    "未缴(元)": lambda line: yuan(line.left_fen),
    "措施": lambda line: "、".join(line.measures) or None,
    "禁报期": period,
    "状态": lambda line: line.state_title,
}


@dataclass(frozen=True)
class Ledger:
    """What the workbook holds; `is_whole` is false where there are more than `MOST_LINES`."""

    lines: tuple[RecoveryLine, ...]
    is_whole: bool


def ledger(session: Session, actor: Actor, wanted: RecoveryFilter) -> Ledger:
    """Return the recoveries that the actor may see, the newest first, at most `MOST_LINES`."""
    lines: list[RecoveryLine] = []
    after: str | None = None
    while len(lines) < MOST_LINES:
        page = recovery_list(session, actor, wanted, after=after, limit=MAX_PAGE)
        lines += page.items
        after = page.next
        if after is None:
            return Ledger(tuple(lines), is_whole=True)
    return Ledger(tuple(lines), is_whole=False)


def workbook(found: Ledger, *, by: str, at: datetime) -> bytes:
    """Return the ledger as an XLSX file: numbers are numbers, in yuan; the first column 序号."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = TITLE
    sheet.append([TITLE])
    sheet.append([f"生成时间：{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}；生成人：{by}；单位：元"])
    sheet.append(["序号", *COLUMNS])
    for number, line in enumerate(found.lines, start=1):
        sheet.append([number, *(_cell(column(line)) for column in COLUMNS.values())])
    if not found.is_whole:
        sheet.append([f"仅列最近 {MOST_LINES} 件，其余请按条件分别导出。"])
    for row in sheet.iter_rows(min_row=1, max_row=3):
        _bold(row)
    _format(sheet)
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def _cell(value: Any) -> Any:
    """A text is shown as it is, never computed."""
    return safe(value) if isinstance(value, str) else value


def _bold(row: Iterable[Any]) -> None:
    for cell in row:
        cell.font = Font(bold=True)


def _format(sheet: Any) -> None:
    for row in sheet.iter_rows(min_row=4):
        for cell in row:
            if isinstance(cell.value, Decimal):
                cell.number_format = YUAN
            elif isinstance(cell.value, date):
                cell.number_format = "yyyy-mm-dd"
