"""Before anybody judges: money, call and pool; thirty apply; the districts accept and recommend."""

from typing import Any, Final

from caseflow.rehearsal.scenario_call.calling import (
    announce,
    look_from_city,
    read_sheets,
    refuse_unrecommended,
    send_sheet,
)
from caseflow.rehearsal.scenario_call.cast import (
    APPLICANTS,
    CITY,
    DISTRICTS,
    FINANCE,
    MEASURE,
    POLICY,
    POOL,
    Entrant,
    Play,
    by_district,
    made_up,
)
from caseflow.rehearsal.scenario_call.talk import TalkFailed

YEAR: Final = 2026
WAN: Final = 1_000_000
"""万元, in fen."""
APPLIED_FEN: Final = 60 * WAN
CITY_PERCENT: Final = "60"
NOT_ACCEPTED, WITHDRAWN, CORRECTED = 28, 29, 27
"""Who is 不予受理, who withdraws, whose papers are put right once."""
COLLEAGUE_OF, KNOWN_TO = 5, 8
"""Applicants whom one expert works for, and from whom another declares a recusal beforehand."""
REMEDY: Final = "可自收到之日起六十日内申请行政复议，或者六个月内提起行政诉讼。"
PDF: Final = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n"
BLIND: Final = "blind_file"


def prepare(play: Play) -> None:
    """Let the treasuries appropriate, the bureau call, the pool be told of."""
    play.step("登记申报人员")
    _people(play)
    play.step("安排预算")
    _money(play)
    play.step("发布申报通知")
    announce(play)
    play.step("登记专家")
    _experts(play)


def _people(play: Play) -> None:
    play.entrants = [made_up(number) for number in range(1, APPLICANTS + 1)]
    for each in play.entrants:
        name = f"{each.name}申报员"
        body = {"login": each.login, "name": name, "email": f"{each.login}@applicant.example"}
        play.talk.post("/people", None, body)


def _money(play: Play) -> None:
    """City and districts appropriate, and settle by two people who bears what."""
    division, treasury = play.who(FINANCE, "finance_division"), play.who(FINANCE, "treasury")
    line = {"policy": POLICY, "year": YEAR, "fen": 1000 * WAN}
    city = {**line, "share": "city", "territory": CITY, "document_no": "盐财预〔2026〕21号"}
    play.talk.post("/budgets", division, city)
    for number, (territory, organisation) in enumerate(DISTRICTS.items(), start=1):
        finance = play.who(organisation, "district_finance")
        own = {
            "share": "district",
            "territory": territory,
            "document_no": f"区财预〔2026〕{number}号",
        }
        play.talk.post("/budgets", finance, {**line, **own})
        split = {
            "policy": POLICY,
            "territory": territory,
            "city_percent": CITY_PERCENT,
            "valid_from": "2026-06-01",
            "basis": "现行财政体制（演练）",
        }
        entered = play.talk.post("/fiscal-splits", division, split)
        play.talk.post(f"/fiscal-splits/{entered['id']}/confirmation", treasury)


def _experts(play: Play) -> None:
    """The bureau's handler says what is known of each expert of the pool."""
    for number, login in enumerate(play.sitting(POOL, "expert"), start=1):
        known: dict[str, Any] = {"fields": ["人工智能"], "employer": f"某高校{number}"}
        if number == 1:
            known["employer_uscc"] = play.entrants[COLLEAGUE_OF - 1].uscc
        body = {"login": login, **known}
        play.talk.post("/experts", play.lead("bureau_handler"), body)


def apply(play: Play) -> None:
    """Register thirty applicants with their accounts, open, complete and submit their cases."""
    play.move_to("2026-06-02T09:00")
    for each in play.entrants:
        play.step(f"申报 {each.number}/{APPLICANTS}")
        _register(play, each)
        _open(play, each)
        _upload(play, each)
        play.act(each, each.login, "submit", applied_fen=APPLIED_FEN)
    recused = play.sitting(POOL, "expert")[1]
    body = {"applicant": play.entrants[KNOWN_TO - 1].public_id, "reason": "曾任该单位技术顾问"}
    play.talk.post("/experts/recusals", recused, body)


def _register(play: Play, each: Entrant) -> None:
    body = {"kind": "enterprise", "name": each.name, "uscc": each.uscc, "territory": each.territory}
    if each.number == 1:
        wrong = {**body, "uscc": each.uscc[:-1] + ("0" if each.uscc[-1] != "0" else "1")}
        play.seen["wrong_code"] = play.talk.refused("/applicants", each.login, wrong)
    each.public_id = play.talk.post("/applicants", each.login, body)["public_id"]
    account = {
        "holder": each.name,
        "bank": "示例银行盐城分行",
        "number": f"62009026{each.number:08d}",
    }
    play.talk.post(f"/organisations/{each.public_id}/accounts", each.login, account)


def _open(play: Play, each: Entrant) -> None:
    body = {
        "measure": MEASURE,
        "applicant": each.public_id,
        "title": f"{each.name}示范应用场景",
        "call": play.call,
        "matter_on": "2026-06-01",
    }
    opened = play.talk.post("/cases", each.login, body)
    each.case, each.case_number = opened["case"], opened["number"]


def _upload(play: Play, each: Entrant) -> None:
    """Send every paper of the checklist, the anonymous one for the experts with it."""
    checklist = play.talk.get(f"/cases/{each.case}/documents", each.login)["checklist"]
    for line in checklist:
        if line["required"] or line["kind"] == BLIND:
            send(play, each, line["kind"])


def send(play: Play, each: Entrant, kind: str) -> None:
    """Put one paper to the case of an entrant."""
    path, words = f"/cases/{each.case}/documents", f"{each.case_number} {kind}".encode()
    play.talk.send(path, each.login, {"kind": kind}, name=f"{kind}.pdf", content=PDF + words)


def recommend(play: Play) -> None:
    """Let each district accept what it was handed, verify it, recommend it and sum it up."""
    play.move_to("2026-06-04T09:00")
    withdrawn = play.entrants[WITHDRAWN - 1]
    play.act(withdrawn, withdrawn.login, "withdraw", reason="场景尚未上线，下年度再申报")
    for organisation, entrants in by_district(play.entrants):
        play.step(f"属地受理 {organisation}")
        for each in entrants:
            _take_in(play, each)
    corrected = play.entrants[CORRECTED - 1]
    play.move_to("2026-06-05T09:00")
    send(play, corrected, "contract")
    play.act(corrected, corrected.login, "resubmit", note="已补齐合同附件")
    play.act(corrected, play.who(corrected.district, "district_handler"), "accept")
    play.move_to("2026-06-08T09:00")
    look_from_city(play)
    refuse_unrecommended(play, corrected)
    for organisation, entrants in by_district(judged(play)):
        play.step(f"属地推荐、汇总 {organisation}")
        for each in entrants:
            _recommend(play, each)
        send_sheet(play, organisation)
        look_from_city(play, organisation)
    read_sheets(play)


def _take_in(play: Play, each: Entrant) -> None:
    handler = play.who(each.district, "district_handler")
    if each.number == WITHDRAWN:
        return
    if each.number == NOT_ACCEPTED:
        said = {"reason": "场景不在大市区", "reason_code": "not_in_scope", "remedy": REMEDY}
        play.act(each, handler, "not_accept", **said)
    elif each.number == CORRECTED:
        play.act(each, handler, "request_correction", items=["合同缺少附件二"])
    else:
        play.act(each, handler, "accept")


def _recommend(play: Play, each: Entrant) -> None:
    handler, head = (
        play.who(each.district, role) for role in ("district_handler", "district_head")
    )
    play.act(
        each, handler, "verify_claim", verified_fen=APPLIED_FEN, note="现场核实，场景已上线运行"
    )
    play.check_credit(each, handler)
    play.act(each, head, "recommend", document_no=f"推荐〔2026〕{each.number}号")


def judged(play: Play) -> list[Entrant]:
    """Return the entrants whose cases go on to be judged."""
    return [each for each in play.entrants if each.number not in {NOT_ACCEPTED, WITHDRAWN}]


def look_around(play: Play) -> None:
    """Read what a stranger reads first: is the house well, is the policy in force, who sits where.

    Raises:
        TalkFailed: the policy is not in force here.
    """
    play.seen["health"] = play.talk.get("/health")
    policy = play.talk.get(f"/policies/{POLICY}")["policy"]
    measure = play.talk.get(f"/measures/{MEASURE}")
    play.seen["clause"] = measure["measure"]["clause"]
    if policy["status"] != "in_force":
        raise TalkFailed(f"《{policy['title']}》现为 {policy['status']}，不得受理。")
