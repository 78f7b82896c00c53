"""Telling the story: one JSON object, or tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.money import Money
from caseflow.rehearsal.draft import DraftTold
from caseflow.rehearsal.fixture import Moment
from caseflow.rehearsal.queries import Summary
from caseflow.rehearsal.story import Played
from caseflow.rehearsal.years import Years

NARROW: Final = frozenset({"编号", "类别", "已拨付", "天数", "时间", "日期"})
"""Columns that are not broken over lines."""

AT_ITS_END: Final = {
    "expired": "有效期届满，存量办件继续办理",
    "lapsed": "征求意见稿至有效期届满未印发，不再办理",
}
"""What is said of a policy on the day after its last."""

STATUS: Final = {"running": "计时", "stopped": "停钟", "ended": "已结束", "expired": "已届满"}


@dataclass(frozen=True)
class Tale:
    """A case that was played, the states it visited, and their titles."""

    case: Summary
    states: list[str]
    titles: list[str]


@dataclass(frozen=True)
class Told:
    """Everything the tables show."""

    cases: list[Tale]
    played: Played
    years: Years
    expired: list[tuple[str, str]]
    rehearsed: list[dict[str, Any]]
    letters: int

    @property
    def refused(self) -> list[str]:
        """Return every refusal of the story, each with its day."""
        return [*(self.played.draft.refused if self.played.draft else ()), *self.years.refused]

    @property
    def result(self) -> dict[str, Any]:
        """Return the one JSON object."""
        return {
            "cases": [
                {
                    "measure": tale.case.measure,
                    "family": tale.case.family,
                    "final": tale.case.state,
                    "path": tale.states,
                }
                for tale in self.cases
            ],
            "refused": [{"why": why} for why in self.refused],
            "expired": [{"policy": policy, "on": on} for policy, on in self.expired],
            "reminders": sum(tale.case.reminders for tale in self.cases),
            "rehearsed": len(self.rehearsed),
        }


def show(told: Told, console: Console) -> None:
    """Print what happened: cases, the fixture's dates, refusals, warnings and the end."""
    tables = (
        _cases(told.cases),
        _paths(told.cases),
        _fixture(told.played.moments),
        *(_draft(told.played.draft) if told.played.draft else ()),
        _policy(told),
        _rehearsed(told.rehearsed),
    )
    for table in tables:
        console.print(table)
    console.print(
        f"向申报主体发出期限提醒 {told.result['reminders']} 条，"
        f"经本机 SMTP 送达邮件 {told.letters} 封。"
    )


def _cases(tales: Sequence[Tale]) -> Table:
    table = _table("办件", "编号", "类别", "申报主体", "结果", "已拨付", "天数")
    for tale in tales:
        case, ended = tale.case, tale.case.ended_at
        days = (ended - case.created_at).days if ended else ""
        paid = str(Money.from_fen(case.paid_fen))
        table.add_row(case.number, case.family, case.applicant, tale.titles[-1], paid, str(days))
    return table


def _paths(tales: Sequence[Tale]) -> Table:
    table = _table("经过", "编号", "环节")
    for tale in tales:
        table.add_row(tale.case.number, "→".join(tale.titles))
    return table


def _fixture(moments: Sequence[Moment]) -> Table:
    table = _table(
        "算力券样例（手册§6.6）", "时间", "事项", "时限", "状态", "已用", "剩余", "届满日"
    )
    for moment in moments:
        due = f"{moment.due_on}{'（暂定）' if moment.provisional else ''}"
        table.add_row(
            moment.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
            moment.title,
            moment.clock,
            STATUS[moment.status],
            str(moment.used),
            str(moment.left),
            due,
        )
    return table


def _policy(told: Told) -> Table:
    table = _table("政策的有效期", "日期", "事项")
    rows = [(str(day), f"到期提醒，告知 {people} 人") for day, people in told.years.warned]
    rows += [(last, f"{policy} 有效期最后一日，至24:00") for policy, last in told.expired]
    rows += [(str(day), f"《{title}》{AT_ITS_END[how]}") for day, title, how in told.years.ended]
    rows += [(why[:10], why[11:]) for why in told.refused]
    for row in sorted(rows, key=lambda row: row[0]):
        table.add_row(*row)
    return table


def _draft(draft: DraftTold) -> tuple[Table, Table]:
    """Return how the issued document differs from its draft, and its clause beside an older."""
    changes = _table("征求意见稿印发后（文号、日期为演示所设）", "字段", "征求意见稿", "印发稿")
    for change in draft.difference.policy:
        changes.add_row(change.path, *(_shown(each) for each in (change.before, change.after)))
    for line in draft.difference.text:
        if line[:1] in "+-" and line[:3] not in {"+++", "---"}:
            side = line[0] == "+"
            changes.add_row("正文", "" if side else line[1:], line[1:] if side else "")
    beside = _table("同一事项的两条条款", "条款", "名称", "状态", "比例", "金额", "有效期至")
    for clause in draft.beside:
        values = (clause.measure, clause.title, clause.status, clause.rates, clause.amounts)
        beside.add_row(*values, str(clause.effective_to))
    return changes, beside


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _rehearsed(rows: Sequence[dict[str, Any]]) -> Table:
    table = _table("全部措施演练", "措施", "类别", "环节数", "结果", "事件", "提醒", "天数")
    for row in rows:
        values = (
            row["id"],
            row["family"],
            len(row["states"]),
            row["final"],
            row["events"],
            row["reminders"],
            row["days"],
        )
        table.add_row(*(str(value) for value in values))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in NARROW)
    return table
