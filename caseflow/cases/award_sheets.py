"""企业享受政策台账 and 就高不重复核查表 as files, with the columns of 手册§10.10–§10.11."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from caseflow.cases.awards import ClashView, Ledger, OverlapReport
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.kernel.calendar import local_date

LEDGER: Final = "企业享受政策台账"
YEARS: Final = (
    Column("单位", "holder_title"), Column("年度", "year", "number"), Column("条款", "clause"),
    Column("次数", "times", "number"), Column("金额", "amount_fen", "fen"),
    Column("年度总额上限", "ceiling", "fen"), Column("剩余", "left", "fen"),
    Column("来源", "source"),
)  # fmt: skip
"""The yearly ceiling is the bureau's to set (AMB-10) and empty until it does."""
CHECK: Final = "就高不重复核查表"
CLASHES: Final = (
    Column("单位", "applicant"), Column("事项指纹", "shared"), Column("本条款金额", "asked", "fen"),
    Column("命中政策", "hit"), Column("层级", "level"), Column("已享受金额", "total_fen", "fen"),
    Column("重合程度", "grade_title"), Column("处理", "treatment"),
    Column("可享受", "pay_fen", "fen"), Column("依据", "words"), Column("编号", "other"),
)  # fmt: skip


def ledger_sheet(found: Ledger, *, by: str, at: datetime) -> bytes:
    """Return the years of one applicant as a file."""
    about = About(LEDGER, f"截至{local_date(at)}", at, by, filter=found.applicant_title)
    return workbook([Sheet(LEDGER, about, YEARS, [asdict(line) for line in found.years])])


def check_sheet(found: OverlapReport, *, by: str, at: datetime) -> bytes:
    """Return the overlaps of one case as a file."""
    about = About(CHECK, f"截至{local_date(at)}", at, by, filter=found.number, notes=found.warnings)
    rows = [_clash(found, each) for each in found.clashes]
    return workbook([Sheet(CHECK, about, CLASHES, rows)])


def treatment_of(clash: ClashView) -> str:
    """Return what was decided on an overlap, else what the clause proposes."""
    return clash.decided or f"建议：{clash.proposal_title}"


def _clash(found: OverlapReport, clash: ClashView) -> dict[str, Any]:
    return {
        **asdict(clash),
        "applicant": found.applicant_title,
        "shared": "、".join(clash.matters),
        "asked": found.asked_fen,
        "hit": f"{clash.clause} {clash.title}",
        "treatment": treatment_of(clash),
    }
