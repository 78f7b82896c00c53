"""Telling the call: one JSON object, or tables."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from caseflow.kernel.calls import EVENTS, TITLES
from caseflow.rehearsal.scenario_call.cast import MEASURE, POLICY, Play
from caseflow.rehearsal.scenario_call.comparing import Comparison, Told

NARROW: Final = frozenset({"办件", "名次", "得分", "结果", "答复", "事项", "环节"})
RESULTS: Final = {"shortlisted": "入围", "waitlisted": "候补"}
VERDICTS: Final = {"pass": "通过", "flag": "提示", "veto": "否决", None: "—"}
REFUSALS: Final = {
    "wrong_code": "统一社会信用代码有误",
    "eleventh": "第十一个名额",
    "out_of_turn": "不按候补顺序",
    "recused": "回避后答复联审",
    "late_objection": "公示期满后的异议",
    "after_naming": "授牌发文后递补",
    "published_alone": "拟定人自行发布通知",
    "unrecommended": "市级查阅未经推荐的办件",
    "listed_alone": "单件脱离方案公示",
}
"""What the house had to refuse, and did."""


@dataclass(frozen=True)
class CallTold:
    """The play, the history as the auditor read it, and how the two agree."""

    play: Play
    events: Sequence[Told]
    comparison: Comparison
    verified: dict[str, Any]

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is missing, and every event is as it was written."""
        return self.comparison.is_whole and bool(self.verified["ok"])

    @property
    def result(self) -> dict[str, Any]:
        """Return the one JSON object."""
        seen = self.play.seen
        return {
            "policy": POLICY,
            "measure": MEASURE,
            "people": len({each.login for each in self.play.talk.log if each.login}),
            "cases": [self._case(each.case_number) for each in self.play.entrants],
            "ranking": seen["ranking"]["lines"],
            "draw": seen["draw"],
            "replacement": seen["replacement"],
            "unanswered": seen["unanswered"],
            "joint_check": self._joint_check(),
            "publicities": seen["publicities"],
            "call": {"status": seen["call"]["status"], "events": self._call_events()},
            "city_saw": seen["city_saw"],
            "sheets": seen["sheets"],
            "plans": seen["plans"],
            "treasury": [seen[name]["counts"] for name in ("city_answer", "second_answer")],
            "refused": {name: seen[name]["detail"] for name in REFUSALS},
            "history": {**asdict(self.comparison), "verified": self.verified},
        }

    def _call_events(self) -> list[dict[str, Any]]:
        names = ("seq", "at", "name", "actor", "actor_name")
        return [{name: each[name] for name in names} for each in self.play.seen["call_events"]]

    def _case(self, number: str) -> dict[str, Any]:
        own = [event for event in self.events if event["subject"] == number]
        states = [event["to_state"] for event in own if event["to_state"] != event["from_state"]]
        entrant = next(each for each in self.play.entrants if each.case_number == number)
        return {
            "number": number,
            "applicant": entrant.name,
            "events": len(own),
            "final": states[-1],
            "path": states,
        }

    def _joint_check(self) -> list[dict[str, Any]]:
        names = ("seat", "organisation_title", "status", "verdict", "note", "evidence",
                 "closed_by_name", "is_added", "is_handed_over")  # fmt: skip
        tasks = self.play.seen["joint_check"]["tasks"]
        return [
            {name: task[name] for name in names} for task in tasks if task["state"] == "joint_check"
        ]


def show(told: CallTold, console: Console) -> None:
    """Print who came where, how the joint check went, what was refused, and the history's word."""
    result = told.result
    tables = (
        _call(told),
        _ranking(result),
        _joint(result["joint_check"], result["unanswered"]),
        _cases(result["cases"]),
        _refused(result["refused"]),
    )
    for each in tables:
        console.print(each)
    console.print(_word(told))


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=column in NARROW)
    return table


def _ranking(result: dict[str, Any]) -> Table:
    table = _table("排序", ("名次", "办件", "得分", "结果", "理由"))
    for line in result["ranking"]:
        said = RESULTS.get(line["result"], line["result"])
        table.add_row(str(line["rank"]), line["number"], line["score"], said, line["reason"])
    return table


def _call(told: CallTold) -> Table:
    """Return the states of the call, each with the event that brought it there and by whom."""
    table = _table(
        f"申报通知（{told.play.seen['call']['status_title']}）", ("时间", "环节", "办理人")
    )
    states = {event: TITLES[status] for status, event in EVENTS.items()}
    for each in told.play.seen["call_events"]:
        if each["name"] in states:
            table.add_row(each["at"][:10], states[each["name"]], each["actor_name"])
    return table


def _joint(tasks: list[dict[str, Any]], waiting: list[dict[str, Any]]) -> Table:
    names = "、".join(each["organisation_title"] for each in waiting)
    table = _table(f"联审（最后一席答复前尚未答复：{names}）", ("单位", "答复", "办理人", "备注"))
    for task in tasks:
        marks = [
            word
            for word, is_so in (("加签", task["is_added"]), ("转办", task["is_handed_over"]))
            if is_so
        ]
        note = "；".join(filter(None, [*marks, task["note"]]))
        verdict = VERDICTS[task["verdict"]]
        table.add_row(task["organisation_title"], verdict, task["closed_by_name"], note)
    return table


def _cases(cases: list[dict[str, Any]]) -> Table:
    table = _table("办件", ("办件", "申报主体", "结果", "留痕", "经过"))
    for case in cases:
        path = "→".join(case["path"])
        table.add_row(case["number"], case["applicant"], case["final"], str(case["events"]), path)
    return table


def _refused(refused: dict[str, str]) -> Table:
    table = _table("应当拒绝并已拒绝", ("事项", "拒绝理由"))
    for name, detail in refused.items():
        table.add_row(REFUSALS[name], detail)
    return table


def _word(told: CallTold) -> str:
    found, verified = told.comparison, told.verified
    said = (
        f"请求 {found.requests} 次（其中依规拒绝 {found.refused} 次），应留痕 {found.acts} 件；"
        f"留痕 {found.events} 件，其余为系统所为："
        f"因他事而起 {found.caused} 件，期限届满 {found.timed} 件。"
    )
    whole = "无一缺漏" if found.is_whole else "缺漏：\n" + "\n".join(found.gaps)
    sound = "全部核验无误" if verified["ok"] else f"核验有误：{verified['faults']}"
    return f"{said}\n对照：{whole}。核验 {verified['events']} 件：{sound}。"
