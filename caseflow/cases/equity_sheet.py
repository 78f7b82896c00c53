"""股权台账 on paper: an XLSX file with the columns of 手册§10.13."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from caseflow.cases.equity_register import RegisterLine
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.kernel.calendar import local_date

TITLE: Final = "股权台账（拨投）"
ROUTES: Final = {
    "founder_buyback": "创始人回购",
    "transfer": "转让",
    "listing": "上市退出",
    "liquidation": "清算",
}
COLUMNS: Final = (
    Column("项目", "title"), Column("企业", "applicant_title"),
    Column("拨款额（元）", "granted_fen", "fen"), Column("拨款日", "granted"),
    Column("协议转股条件", "triggers"), Column("触发日", "triggered_on"),
    Column("转股额（元）", "converted_fen", "fen"), Column("轮次", "round"),
    Column("估值（元）", "valuation_fen", "fen"), Column("持股比例（%）", "percent"),
    Column("登记日", "registered_on", "date"),
    Column("最新估值（元）", "latest_valuation_fen", "fen"), Column("退出方式", "route"),
    Column("退出日", "exit_on", "date"), Column("回收本金（元）", "returned_fen", "fen"),
    Column("收益（元）", "gain_fen", "fen"), Column("损失（元）", "lost_fen", "fen"),
    Column("免责文号", "exemption_no"),
)  # fmt: skip
FILTERS: Final = {"measure": "条款", "due_by": "固定转股日不晚于"}


def register_sheet(
    lines: Sequence[RegisterLine], filters: Mapping[str, object], *, by: str, at: datetime
) -> bytes:
    """Return the file of the projects that `filters` chose; percentages cut to four decimals."""
    about = About(TITLE, f"截至{local_date(at)}", at, by, filter=_described(filters))
    return workbook([Sheet(TITLE, about, COLUMNS, list(map(_row, lines)))])


def _row(line: RegisterLine) -> dict[str, Any]:
    route = ROUTES.get(line.exit_route or "")
    return {**asdict(line), "granted": "、".join(map(str, line.granted_on)), "route": route}


def _described(filters: Mapping[str, object]) -> str:
    """Return in words which projects a register is of."""
    said = [f"{FILTERS[name]} {value}" for name, value in filters.items() if value is not None]
    return "、".join(said) or "全部可见项目"
