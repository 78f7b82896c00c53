"""Plan, meeting, publicity with two objections, 递补 by a supplementary one, naming, approval."""

from typing import Any, Final

from caseflow.rehearsal.scenario_call.cast import Entrant, Play
from caseflow.rehearsal.scenario_call.checking import (
    VETOED,
    check_jointly,
    promote,
    refuse_vetoed,
)
from caseflow.rehearsal.scenario_call.intake import REMEDY, WAN
from caseflow.rehearsal.scenario_call.judging import PLACES

UPHELD, DISMISSED = 6, 4
"""Against whose cases somebody objects: rightly, wrongly."""
FIRST_FEN, OTHER_FEN = 50 * WAN, 30 * WAN
"""按照评价结果: the first three, the others; the clause names no sum (AMB-08, AMB-19)."""
FIRST: Final = 3
BASIS: Final = "2026年度优秀示范应用场景奖励等次表（工信〔2026〕33号）"
CUT: Final = "standard"
"""按等次奖励：低于核定的金额，是等次表所定。"""
CONTACT: Final = {
    "phone": "0515-00000000", "email": "sample@example.test", "address": "样例路2号",
}  # fmt: skip
WORKING_DAYS: Final = 5
GROUNDS: Final = {"contact": "某信箱", "proof": "对比材料一份，SHA-256 见附件目录"}


def award_fen(number: int) -> int:
    """Return what the entrant of a number is awarded."""
    return FIRST_FEN if number <= FIRST else OTHER_FEN


def decide(play: Play) -> None:
    """Bring the ten to their approval, whatever happens to two of them on the way."""
    first = play.numbered(*range(1, PLACES + 1))
    play.move_to("2026-06-29T09:00")
    check_jointly(play, first)
    play.move_to("2026-07-02T09:00")
    refuse_vetoed(play)
    going_on = [each for each in first if each.number != VETOED]
    plan(play, going_on, minutes_no="工信纪要〔2026〕12号")
    play.move_to("2026-07-06T09:00")
    shown = publicise(play, going_on, title="2026年度优秀示范应用场景拟支持名单")
    _objections(play, shown["public_id"])
    second = _fill_places(play)
    play.seen["supplementary"] = publicise(play, second, title="2026年度优秀示范应用场景递补名单")
    play.move_to("2026-07-24T09:00")
    play.seen["awarded"] = [each for each in going_on if each.number != UPHELD] + second
    _name_and_approve(play, play.seen["awarded"])


def plan(play: Play, entrants: list[Entrant], *, minutes_no: str) -> None:
    """Plan cases with their sums; a second person checks, the meeting agrees."""
    handler, reviewer = play.lead("bureau_handler"), play.lead("bureau_reviewer")
    for each in entrants:
        play.step(f"资金方案 {each.case_number}")
        play.check_credit(each, handler)
        said = {"planned_fen": award_fen(each.number), "reason": BASIS, "cut_code": CUT}
        play.act(each, handler, "draft_plan", **said)
        play.act(each, reviewer, "confirm_plan")
        play.act(each, play.lead("bureau_leader"), "agree_plan", minutes_no=minutes_no)


def publicise(play: Play, entrants: list[Entrant], *, title: str) -> Any:
    """List cases for five working days; returns the publicity as the public board shows it."""
    body = {
        "cases": [each.case for each in entrants],
        "title": title,
        "basis": "《盐城市支持“人工智能+”发展若干政策措施》第二条",
        "working_days": WORKING_DAYS,
        **CONTACT,
    }
    shown = play.talk.post("/publicities", play.lead("bureau_handler"), body)
    public = play.talk.get(f"/publicities/{shown['public_id']}")
    play.seen.setdefault("publicities", []).append(public)
    return public


def _objections(play: Play, publicity: str) -> None:
    """Two object under their names; the window closes; one is right, the other is not."""
    play.move_to("2026-07-08T09:00")
    play.step("异议")
    upheld, dismissed = play.numbered(UPHELD, DISMISSED)
    neighbours = [each.login for each in play.numbered(25, 26)]
    path = f"/publicities/{publicity}/objections"
    grounds = ("场景由政府全额投资", "成效数据与公开数据不一致")
    for each, login, ground in zip((upheld, dismissed), neighbours, grounds, strict=True):
        said = {"case": each.case, "real_name": "王某", "grounds": ground, **GROUNDS}
        play.talk.post(path, login, said)
    play.move_to("2026-07-09T09:00")
    reviewer = play.lead("bureau_reviewer")
    said = {
        "reason": "经查，提供主体为政府投资主体",
        "reason_code": "not_in_scope",
        "remedy": REMEDY,
    }
    play.act(upheld, reviewer, "uphold_objection", **said)
    play.act(dismissed, reviewer, "dismiss_objection", reason="经查，数据口径不同，情况不属实")
    play.move_to("2026-07-14T09:00")
    late = {"case": dismissed.case, "real_name": "李某", "grounds": "逾期", **GROUNDS}
    play.seen["late_objection"] = play.talk.refused(path, neighbours[0], late)


def _fill_places(play: Play) -> list[Entrant]:
    """Let the next two of the waitlist take the two free places, in turn; plan them anew."""
    play.step("递补")
    said = {"minutes_no": "工信纪要〔2026〕14号"}
    promoted = [
        promote(play, reason=reason, **said) for reason in ("入围项目被否决", "公示异议成立")
    ]
    check_jointly(play, promoted)
    play.move_to("2026-07-15T09:00")
    plan(play, promoted, minutes_no=said["minutes_no"])
    play.seen["promoted"] = promoted
    return promoted


def _name_and_approve(play: Play, awarded: list[Entrant]) -> None:
    handler, leader = play.lead("bureau_handler"), play.lead("bureau_leader")
    for each in awarded:
        play.step(f"授牌、审定 {each.case_number}")
        play.act(each, handler, "issue_title", document_no="盐工信〔2026〕55号")
        said = {"approved_fen": award_fen(each.number), "basis": BASIS}
        play.act(each, leader, "approve", **said)
        play.act(each, handler, "issue_decision", document_no="盐工信〔2026〕56号")
    said = {"reason": "再增一个", "minutes_no": "工信纪要〔2026〕15号"}
    path = f"/calls/{play.call}/promotions"
    play.seen["after_naming"] = play.talk.refused(path, handler, said)
