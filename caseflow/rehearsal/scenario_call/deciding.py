"""One plan and publicity with two objections, 递补 by a supplementary one, naming, approval."""

from typing import Final

from caseflow.rehearsal.scenario_call.calling import PLACES
from caseflow.rehearsal.scenario_call.cast import Entrant, Play
from caseflow.rehearsal.scenario_call.checking import (
    VETOED,
    check_jointly,
    promote,
    refuse_vetoed,
)
from caseflow.rehearsal.scenario_call.intake import REMEDY
from caseflow.rehearsal.scenario_call.planning import (
    BASIS,
    award_fen,
    plan_as_proposed,
    plan_supplement,
    publicise,
    refuse_alone,
)

UPHELD, DISMISSED = 6, 4
"""Against whose cases somebody objects: rightly, wrongly."""
GROUNDS: Final = {"contact": "某信箱", "proof": "对比材料一份，SHA-256 见附件目录"}


def decide(play: Play) -> None:
    """Bring the ten to their approval, whatever happens to two of them on the way."""
    first = play.numbered(*range(1, PLACES + 1))
    play.move_to("2026-06-29T09:00")
    check_jointly(play, first)
    play.move_to("2026-07-02T09:00")
    refuse_vetoed(play)
    going_on = [each for each in first if each.number != VETOED]
    plan = plan_as_proposed(play, going_on, minutes_no="工信纪要〔2026〕12号")
    play.move_to("2026-07-06T09:00")
    refuse_alone(play, going_on[0])
    shown = publicise(play, plan, title="2026年度优秀示范应用场景拟支持名单")
    _objections(play, shown["public_id"])
    second = _fill_places(play)
    play.move_to("2026-07-24T09:00")
    play.seen["awarded"] = [each for each in going_on if each.number != UPHELD] + second
    _name_and_approve(play, play.seen["awarded"])


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
    """Let the next two of the waitlist take the two free places by a supplementary plan."""
    play.step("递补")
    said = {"minutes_no": "工信纪要〔2026〕14号"}
    promoted = [
        promote(play, reason=reason, **said) for reason in ("入围项目被否决", "公示异议成立")
    ]
    check_jointly(play, promoted)
    play.move_to("2026-07-15T09:00")
    plan = plan_supplement(play, promoted, reason="两个名额空出，依次递补", **said)
    publicise(play, plan, title="2026年度优秀示范应用场景递补名单")
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
