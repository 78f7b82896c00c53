"""The 追缴台账 as a workbook, with the columns of 手册§10.12."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from caseflow.cases.queries import MAX_PAGE
from caseflow.cases.recoveries.queries import RecoveryFilter, RecoveryLine, recovery_list
from caseflow.funds.sheets import About, Column, Sheet
from caseflow.funds.sheets import workbook as written
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date

TITLE: Final = "追缴台账"
MOST_LINES: Final = 5_000
COLUMNS: Final = (
    Column("编号", "number"), Column("单位", "applicant_title"),
    Column("原拨付(元)", "paid_fen", "fen"), Column("事由", "ground_title"),
    Column("应追回(元)", "decided_fen", "fen"), Column("其中市级(元)", "decided_city_fen", "fen"),
    Column("其中区级(元)", "decided_district_fen", "fen"), Column("决定书文号", "document_no"),
    Column("送达日", "delivered_on", "date"), Column("期限", "due_on", "date"),
    Column("已缴(元)", "received_fen", "fen"), Column("未缴(元)", "left_fen", "fen"),
    Column("措施", "taken"), Column("禁报期", "barred"), Column("状态", "state_title"),
)  # fmt: skip
PARTIAL: Final = f"仅列最近 {MOST_LINES} 件，其余请按条件分别导出。"


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
    """Return the ledger as an XLSX file, in yuan; it says so where it is not whole."""
    notes = () if found.is_whole else (PARTIAL,)
    about = About(TITLE, f"截至{local_date(at)}", at, by, notes=notes)
    return written([Sheet(TITLE, about, COLUMNS, list(map(_row, found.lines)))])


def _row(line: RecoveryLine) -> dict[str, Any]:
    return {**asdict(line), "taken": "、".join(line.measures) or None, "barred": _barred(line)}


def _barred(line: RecoveryLine) -> str | None:
    """Return the days of the bar, and whether it was lifted."""
    if line.bar_from is None:
        return None
    return f"{line.bar_from}至{line.bar_to}{'（已解除）' if line.bar_lifted else ''}"
