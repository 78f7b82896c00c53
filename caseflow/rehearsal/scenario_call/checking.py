"""The joint check of five bureaus: a veto, a 转办, a 加签, a recusal; who has not answered yet."""

from typing import Any, Final

from caseflow.rehearsal.scenario_call.cast import Entrant, Play
from caseflow.rehearsal.scenario_call.intake import REMEDY

VETOED: Final = 3
"""Whose joint check is told in full."""
COSIGNERS: Final = {
    "cosign.credit": "yc_fagaiwei",
    "cosign.market": "yc_shichangju",
    "cosign.tax": "yc_shuiwuju",
    "cosign.safety": "yc_yingjiju",
    "cosign.environment": "yc_huanjingju",
}
ADDED: Final = ("cosign.statistics", "yc_tongjiju")
HANDED_TO: Final = "yc_jiaotongju"
ROLE: Final = "cosign_bureau"
PASSED: Final = {"verdict": "pass", "note": "经核查，无异议"}


def check_jointly(play: Play, entrants: list[Entrant]) -> None:
    """Let the five bureaus answer on each case, every one its own question."""
    for each in entrants:
        play.step(f"联审 {each.case_number}")
        if each.number == VETOED:
            _check_in_full(play, each)
            continue
        for organisation in COSIGNERS.values():
            play.act(each, play.who(organisation, ROLE), "answer_seat", **PASSED)


def _check_in_full(play: Play, each: Entrant) -> None:
    who = {seat: play.who(organisation, ROLE) for seat, organisation in COSIGNERS.items()}
    seat, organisation = ADDED
    asked = {"seat": seat, "placement": "beside", "reason": "营业收入以统计口径核实"}
    play.act(each, play.lead("bureau_handler"), "add_seat", **asked)
    moved = {"organisation": HANDED_TO, "reason": "营运车辆场景，安全由行业主管部门答复"}
    play.act(each, who["cosign.safety"], "hand_over", **moved)
    play.act(each, who["cosign.tax"], "declare_recusal", reason="配偶在申报单位任职")
    play.seen["recused"] = play.refuse(each, who["cosign.tax"], "answer_seat", **PASSED)
    answers: list[tuple[str, dict[str, Any]]] = [
        (who["cosign.credit"], {**PASSED, "evidence": ["信用报告2026-0630"]}),
        (who["cosign.market"], PASSED),
        (play.who("yc_shuiwuju", ROLE, 1), {**PASSED, "note": "近两年无欠税"}),
        (play.who(HANDED_TO, ROLE), {**PASSED, "note": "营运安全记录良好"}),
        (play.who(organisation, ROLE), {**PASSED, "verdict": "flag", "note": "营收口径差异已说明"}),
    ]
    for login, said in answers:
        play.act(each, login, "answer_seat", **said)
    play.seen["unanswered"] = unanswered(play.show(each, play.lead("bureau_handler")))
    veto = {"verdict": "veto", "note": "责令改正期内", "evidence": ["环责改字〔2026〕18号"]}
    play.act(each, who["cosign.environment"], "answer_seat", **veto)
    play.seen["joint_check"] = play.show(each, play.lead("bureau_handler"))


def unanswered(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the seats of a case that have not answered: who may, until when."""
    names = ("seat", "organisation_title", "status", "candidates", "due_on")
    waiting = [task for task in shown["tasks"] if task["status"] in {"open", "waiting"}]
    return [{name: task[name] for name in names} for task in waiting]


def refuse_vetoed(play: Play) -> None:
    """Let the division's head refuse the vetoed case with reason and remedy; its place is free."""
    (each,) = play.numbered(VETOED)
    said = {"reason": "生态环境部门一票否决", "reason_code": "credit_veto", "remedy": REMEDY}
    play.act(each, play.lead("bureau_division_head"), "reject", **said)


def promote(play: Play, *, reason: str, minutes_no: str) -> Entrant:
    """Let the first of the waitlist take the free place (递补); returns whose case it is."""
    body = {"reason": reason, "minutes_no": minutes_no}
    path = f"/calls/{play.call}/promotions"
    outcome = play.talk.post(path, play.lead("bureau_handler"), body)
    return next(each for each in play.entrants if each.case == outcome["case"])
