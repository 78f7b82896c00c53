"""From the first look to the ranking: lots, blind sheets, one recusal, a tie at the edge."""

from typing import Any, Final

from caseflow.rehearsal.scenario_call.calling import CRITERIA, PLACES
from caseflow.rehearsal.scenario_call.cast import Entrant, Play
from caseflow.rehearsal.scenario_call.intake import BLIND, REMEDY, judged
from caseflow.rehearsal.scenario_call.talk import TalkFailed

PANEL: Final = 7
EDGE: Final = PLACES
"""The last place: the entrant of this number has the score of the one behind."""
RECUSED_FOR: Final = 7
"""Whose case an expert of the panel finds out to be too near."""
FAILED: Final = 30
"""Who does not reach 60 points."""
ODD: Final = 20
"""Whose case one sheet judges far from the others: an alarm."""
LENIENCE: Final = (-2, -1, -1, 0, 1, 1, 2)
"""How an expert's points differ from the mean; they add up to nothing."""
OPINION: Final = "场景运行稳定，成效数据可信，具有推广价值，同意按所评分数排序。"


def judge(play: Play) -> None:
    """Let the bureau look at the form, the panel be drawn, the sheets come in."""
    _formal_review(play)
    _draw(play)
    _recuse_one(play)
    _score(play)
    _fail_one(play)


def _formal_review(play: Play) -> None:
    play.move_to("2026-06-15T09:00")
    handler, reviewer = play.lead("bureau_handler"), play.lead("bureau_reviewer")
    for each in judged(play):
        play.step(f"形式审查 {each.case_number}")
        play.act(each, handler, "conclude_formal_review", note="材料齐全，符合第二条申报条件")
        play.act(each, reviewer, "confirm_review")


def _draw(play: Play) -> None:
    """Draw seven for the whole call; who may not judge one of them is out, with reason."""
    play.move_to("2026-06-16T09:00")
    play.step("随机抽取专家")
    body = {"document_no": "工信评〔2026〕6号", "size": PANEL}
    drawn = play.talk.post(f"/calls/{play.call}/panel", play.lead("bureau_handler"), body)
    pool = _pool(play)
    play.seen["draw"] = drawn
    play.seen["panel"] = [pool[key] for key in drawn["panel"]]


def _pool(play: Play) -> dict[str, str]:
    """Return the logins of the pool's experts by public id."""
    found = play.talk.get("/experts", play.lead("bureau_handler"), limit=50)
    return {each["public_id"]: each["login"] for each in found["items"]}


def _recuse_one(play: Play) -> None:
    """One of the seven leaves one case; another is drawn in their place, by lot again."""
    play.move_to("2026-06-17T09:00")
    play.step("专家回避与补抽")
    (each,) = play.numbered(RECUSED_FOR)
    leaving = play.seen["panel"][0]
    play.act(each, leaving, "decline_review", reason="近亲属在该单位任职")
    body = {"reason": "专家声明回避"}
    path = f"/cases/{each.case}/panel/replacements"
    redrawn = play.talk.post(path, play.lead("bureau_handler"), body)
    (key,) = redrawn["panel"]
    play.seen["draws"] = play.talk.get(f"/cases/{each.case}/panel", play.auditor)["items"]
    play.seen["redraw"] = redrawn
    play.seen["replacement"] = {"case": each.case, "left": leaving, "came": _pool(play)[key]}


def panel_of(play: Play, each: Entrant) -> list[str]:
    """Return who judges a case, by login."""
    changed = play.seen["replacement"]
    if each.case != changed["case"]:
        return list(play.seen["panel"])
    return [changed["came"] if one == changed["left"] else one for one in play.seen["panel"]]


def points(number: int, expert: int) -> dict[str, int]:
    """Return the sheet that an expert (0 to 6) gives the entrant of a number.

    Each has one point less than the one before; the two at the edge have the same, and the one with
    the better 应用成效 is to come first.
    """
    rank = EDGE if number == EDGE + 1 else number
    base = 40 if number == FAILED else 95 - rank
    if number == ODD and expert == PANEL - 1:
        base -= 40
    elif number != ODD:
        base += LENIENCE[expert]
    found = {code: base for code, *_ in CRITERIA}
    if number == EDGE:
        found |= {"effect": base + 2, "innovation": base - 2}
    return found


def _score(play: Play) -> None:
    play.move_to("2026-06-18T09:00")
    for each in judged(play):
        play.step(f"专家评分 {each.case_number}")
        for expert, login in enumerate(panel_of(play, each)):
            if (each.number, expert) == (1, 0):
                _look_blind(play, each, login)
            play.act(each, login, "score_case", scores=points(each.number, expert), note=OPINION)
    (odd,) = play.numbered(ODD)
    play.seen["review"] = play.talk.get(f"/cases/{odd.case}/review", play.lead("bureau_handler"))


def _look_blind(play: Play, each: Entrant, login: str) -> None:
    """See what an expert sees: neither who applies, nor any paper but the anonymous one."""
    shown = play.show(each, login)
    files = {line["kind"]: line["public_id"] for line in shown["documents"]}
    play.seen["blind"] = {
        "applicant": shown["case"]["applicant_title"],
        "papers": sorted(kind for kind, key in files.items() if key),
        "file": play.talk.file(f"/cases/{each.case}/documents/{files[BLIND]}", login),
        "whole": play.talk.refused(f"/cases/{each.case}/documents", login, method="GET")["status"],
    }


def _fail_one(play: Play) -> None:
    play.move_to("2026-06-22T09:00")
    (failed,) = play.numbered(FAILED)
    said = {
        "reason": "专家评审得分低于六十分",
        "reason_code": "condition_not_met",
        "remedy": REMEDY,
    }
    play.act(failed, play.lead("bureau_division_head"), "reject", **said)


def rank(play: Play) -> None:
    """Check on site, rank, and find that no eleventh gets a place."""
    play.move_to("2026-06-24T09:00")
    standing = [each for each in judged(play) if each.number != FAILED]
    for each in standing:
        play.step(f"现场核查 {each.case_number}")
        handler = play.who(each.district, "district_handler")
        said = {"onsite_staff": 2, "onsite_confirmed": True, "note": "两人到场，双方签字"}
        play.act(each, handler, "record_onsite", **said)
    play.move_to("2026-06-26T09:00")
    play.step("排序")
    handler, path = play.lead("bureau_handler"), f"/calls/{play.call}/ranking"
    play.seen["preview"] = play.talk.get(path, handler)
    ranking = play.talk.post(path, handler)
    play.seen["ranking"] = ranking
    _refuse_more(play, ranking["lines"])


def _refuse_more(play: Play, lines: list[dict[str, Any]]) -> None:
    handler = play.lead("bureau_handler")
    body = {"reason": "拟增加一个名额", "minutes_no": "工信纪要〔2026〕11号"}
    play.seen["eleventh"] = play.talk.refused(f"/calls/{play.call}/promotions", handler, body)
    waiting = [line["case"] for line in lines if line["result"] == "waitlisted"]
    third = next(each for each in play.entrants if each.case == waiting[2])
    play.seen["out_of_turn"] = play.refuse(third, handler, "promote", **body)
    if len(lines) - len(waiting) != PLACES:
        raise TalkFailed(f"入围应为 {PLACES} 件，现为 {len(lines) - len(waiting)} 件。")
