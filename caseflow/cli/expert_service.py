"""`caseflow experts service`: what experts were drawn for, and what came of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from caseflow.cases.experts.engagement_sheet import service_sheet, told_lines
from caseflow.cases.experts.engagements import (
    EngagementFilter,
    Look,
    engagement_list,
    service_totals,
)
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import json_option, note, show, table
from caseflow.reviews.experts.queries import MAX_PAGE

LINES: Final = {
    "专家": "name", "牵头部门": "bureau", "条款": "measure", "环节": "stage_title",
    "办件": "number", "抽取": "drawn_at", "情况": "status", "原因": "reason", "评分表": "timing",
    "评分": "score", "去高去低": "trimmed", "偏离": "alarm", "近12个月": "times_in_year",
}  # fmt: skip
TOTALS: Final = {
    "编号": "expert", "专家": "name", "抽取": "drawn", "评审": "cases", "按时": "on_time",
    "逾期": "late", "待评": "waiting", "逾期未交": "overdue", "回避": "declined",
    "更换": "replaced", "缺席": "absent", "去高去低": "trimmed", "偏离": "alarms",
    "近12个月": "times_in_year",
}  # fmt: skip
day_type = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--totals", "is_summed", is_flag=True, help="One line an expert, not a draw.")
@click.option("--expert", help="Of this expert (public id).")
@click.option("--bureau", help="Of this lead bureau (code or public id).")
@click.option("--since", type=day_type, help="Drawn on this day or later.")
@click.option("--until", type=day_type, help="Drawn on this day or earlier.")
@click.option("--after", help="Begin after this one: the last page names it.")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the whole 专家履职台账 there (.xlsx).")  # fmt: skip
@as_option
@json_option
def service(
    *, is_summed: bool, after: str | None, limit: int, output: Path | None, login: str,
    as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Show the service ledger of experts: drawn for what, declined, absent, on time, far off.

    Example: caseflow experts service --since 2026-01-01 --totals --as shujuju.handler
    """
    days = {name: said[name].date() for name in ("since", "until") if said[name]}
    wanted = EngagementFilter(**{**said, **days})
    with open_house() as house, house.database.session() as session:
        at = house.now()
        look = Look(session, house.actor(login, at), at)
        page: Any = (service_totals if is_summed else engagement_list)(
            look, wanted, after=after, limit=limit
        )
        if output is not None:
            output.write_bytes(service_sheet(look, wanted))
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    data = [asdict(each) for each in page.items]
    rows = data if is_summed else told_lines(page.items)
    columns = TOTALS if is_summed else LINES
    show(data, as_json=as_json, view=lambda: table("专家履职台账", columns, rows))
