"""A plan of the batch: drafted by one, reviewed by another, approved by a third, one publicity."""

from typing import Any, Final

from caseflow.rehearsal.scenario_call.cast import Entrant, Play
from caseflow.rehearsal.scenario_call.intake import WAN

FIRST_FEN, OTHER_FEN = 50 * WAN, 30 * WAN
"""按照评价结果: the first three, the others; the clause names no sum (AMB-08, AMB-19)."""
FIRST: Final = 3
BASIS: Final = "2026年度优秀示范应用场景奖励等次表（工信〔2026〕33号）"
CUT: Final = "standard"
"""Each gets less than was verified: what the table of grades gives."""
SUPPORT: Final = "support"
CONTACT: Final = {
    "phone": "0515-00000000", "email": "sample@example.test", "address": "样例路2号",
}  # fmt: skip
CLAUSE: Final = "《盐城市支持“人工智能+”发展若干政策措施》第二条"


def award_fen(number: int) -> int:
    """Return what the entrant of a number is awarded."""
    return FIRST_FEN if number <= FIRST else OTHER_FEN


def plan_as_proposed(play: Play, entrants: list[Entrant], *, minutes_no: str) -> str:
    """Draft the batch's one plan as ranks and places propose it, and bring it to its approval.

    The proposal gives each what was verified; the table of grades gives less.
    """
    _check(play, entrants)
    path = f"/calls/{play.call}/proposal"
    proposal = play.talk.get(path, play.lead("bureau_handler"))
    play.seen["proposal"] = proposal
    cases = {each.case: each for each in play.entrants}
    lines = [
        _supported(cases[line["case"]])
        if line["result"] == SUPPORT
        else {name: line[name] for name in ("case", "result", "reason")}
        for line in proposal["lines"]
    ]
    return _decide(play, {"lines": lines}, minutes_no=minutes_no)


def plan_supplement(play: Play, entrants: list[Entrant], *, reason: str, minutes_no: str) -> str:
    """Draft a supplementary plan (递补) of these alone, and bring it to its approval."""
    _check(play, entrants)
    lines = [_supported(each) for each in entrants]
    body = {"kind": "supplementary", "reason": reason, "lines": lines}
    return _decide(play, body, minutes_no=minutes_no)


def _check(play: Play, entrants: list[Entrant]) -> None:
    for each in entrants:
        play.step(f"核查 {each.case_number}")
        play.check_credit(each, play.lead("bureau_handler"))


def _supported(each: Entrant) -> dict[str, Any]:
    fen = award_fen(each.number)
    return {"case": each.case, "result": SUPPORT, "fen": fen, "reason": BASIS, "cut_code": CUT}


def _decide(play: Play, body: dict[str, Any], *, minutes_no: str) -> str:
    play.step("拟定、复核、审定方案")
    path = f"/calls/{play.call}/plans"
    drafted = play.talk.post(path, play.lead("bureau_handler"), body)
    plan = str(drafted["plan"]["public_id"])
    play.talk.post(f"/plans/{plan}/review", play.lead("bureau_reviewer"))
    agreed = {"minutes_no": minutes_no}
    play.talk.post(f"/plans/{plan}/approval", play.lead("bureau_leader"), agreed)
    return plan


def publicise(play: Play, plan: str, *, title: str) -> Any:
    """Make a plan public for as long as the call says; returns what the public board shows."""
    body = {"title": title, "basis": CLAUSE, **CONTACT}
    shown = play.talk.post(f"/plans/{plan}/publicity", play.lead("bureau_handler"), body)
    public = play.talk.get(f"/publicities/{shown['public_id']}")
    play.seen.setdefault("publicities", []).append(public)
    return public


def refuse_alone(play: Play, each: Entrant) -> None:
    """Try to make one case of the batch public without its plan."""
    body = {"cases": [each.case], "title": "拟支持名单", "basis": CLAUSE, "working_days": 5}
    handler = play.lead("bureau_handler")
    play.seen["listed_alone"] = play.talk.refused("/publicities", handler, {**body, **CONTACT})
