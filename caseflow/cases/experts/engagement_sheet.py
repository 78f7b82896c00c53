"""The service ledger on paper (专家履职台账, 手册§10.16): totals and lines as an XLSX file."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from caseflow.cases.experts.engagements import (
    Engagement,
    EngagementFilter,
    Look,
    whole_ledger,
    whole_totals,
)
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.kernel.calendar import local_date

STATUSES: Final = {"seated": "在组", "declined": "回避", "replaced": "更换", "absent": "缺席"}
TIMINGS_TOLD: Final = {
    "on_time": "按时", "late": "逾期提交", "waiting": "待评", "overdue": "逾期未交",
    "released": "无须再评",
}  # fmt: skip
HIDDEN: Final = "（其他部门办件）"
TOTALS: Final = (
    Column("专家", "name"), Column("工作单位", "employer"), Column("抽取次数", "drawn", "number"),
    Column("评审件数", "cases", "number"), Column("按时提交", "on_time", "number"),
    Column("逾期提交", "late", "number"), Column("待评", "waiting", "number"),
    Column("逾期未交", "overdue", "number"), Column("回避", "declined", "number"),
    Column("更换", "replaced", "number"), Column("缺席", "absent", "number"),
    Column("去高去低", "trimmed", "number"), Column("偏离预警", "alarms", "number"),
    Column("声明回避主体", "recusals", "number"),
    Column("近12个月抽取次数", "times_in_year", "number"),
)  # fmt: skip
LINES: Final = (
    Column("专家", "name"), Column("工作单位", "employer"), Column("牵头部门", "bureau"),
    Column("条款", "measure"), Column("条款名称", "measure_title"), Column("环节", "stage_title"),
    Column("方式", "way"), Column("办件编号", "number"), Column("项目名称", "title"),
    Column("抽取时间", "drawn_at", "instant"), Column("履职情况", "status"),
    Column("原因", "reason"), Column("评分表", "timing"), Column("应交日期", "due_on", "date"),
    Column("提交时间", "scored_at", "instant"), Column("评分", "score"),
    Column("去高去低", "trimmed"), Column("偏离预警", "alarm"),
    Column("近12个月抽取次数", "times_in_year", "number"),
)  # fmt: skip


def service_sheet(look: Look, wanted: EngagementFilter) -> bytes:
    """Return the whole ledger that the filter means, as the actor may see it.

    Raises:
        NotAllowed: the actor may see no pool.
    """
    totals, lines = whole_totals(look, wanted), whole_ledger(look, wanted)
    since = wanted.since or "建库"
    period = f"{since}至{wanted.until or local_date(look.at)}（按抽取日期）"

    def about(title: str) -> About:
        return About(title, period, look.at, look.actor.name, described(wanted))

    return workbook(
        [
            Sheet("专家履职汇总", about("专家履职汇总"), TOTALS, [asdict(each) for each in totals]),
            Sheet("专家履职明细", about("专家履职台账"), LINES, told_lines(lines)),
        ]
    )


def described(wanted: EngagementFilter) -> str:
    """Return in words of what experts and draws a ledger is."""
    titles = {"expert": "专家", "bureau": "牵头部门", "since": "抽取自", "until": "抽取至"}
    said = [f"{titles[name]} {value}" for name, value in vars(wanted).items() if value is not None]
    return "、".join(said) or "全部"


def told_lines(lines: Sequence[Engagement]) -> list[Mapping[str, Any]]:
    """Return the lines with their codes in Chinese, as people read them."""
    return [
        {
            **asdict(line),
            "way": "现场" if line.in_person else "盲评",
            "number": line.number or HIDDEN,
            "status": STATUSES[line.status],
            "timing": TIMINGS_TOLD[line.timing] if line.timing else None,
            "trimmed": "是" if line.trimmed else None,
            "alarm": "是" if line.alarm else None,
        }
        for line in lines
    ]
