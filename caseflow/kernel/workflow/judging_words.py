"""Words of the vocabulary that are about experts and places: what guards and branches read."""

from typing import Final

from caseflow.kernel.workflow.model import Fact

JUDGING_FACTS: Final = (
    Fact("panel_members", "integer", "已抽取的专家人数", system=True),
    Fact("sheets_waiting", "integer", "尚未交回的评分表数", system=True),
    Fact("panel_score", "integer", "评审得分（舍去小数）", system=True),
    Fact("quota_bound", "boolean", "条款或申报通知设有名额", system=True),
    Fact("within_quota", "boolean", "名次在名额之内且名额未满", system=True),
    Fact("place_free", "boolean", "名额未满", system=True),
    Fact("first_in_line", "boolean", "候补第一名", system=True),
    Fact("titles_issued", "boolean", "本批命名文件已印发", system=True),
)
