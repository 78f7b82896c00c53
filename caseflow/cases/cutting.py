"""The amount history of an act: each amount that it states, and why it is less than the last."""

from typing import Any

from caseflow.cases.acting import Act
from caseflow.cases.caps import room_of, room_told
from caseflow.cases.statement import Writes
from caseflow.funds.part import AMOUNTS
from caseflow.kernel.cuts import CUT_CODE, CUT_CODES, REASON, Cut, cut_of
from caseflow.kernel.workflow.vocabulary import AMOUNTS as CHAIN


def add_amounts(act: Act, writes: Writes) -> None:
    """Put a row for every amount that the act changed."""
    facts = act.decision.facts
    for name in CHAIN:
        if facts.get(name) is not None and facts[name] != act.reading.facts.get(name):
            row = {"case_id": act.case_id, "seq": act.reading.head_seq + 1, "fen": facts[name]}
            said = _said(act, cut_of(name, facts, tuple(CHAIN)))
            writes.add(AMOUNTS, {**row, "kind": name.removesuffix("_fen"), **said})


def _said(act: Act, cut: Cut | None) -> dict[str, Any]:
    """Return why: in the words of who entered it, else of the rule that makes just this figure."""
    payload = act.decision.moves[0].payload
    reason, code = payload.get(REASON), payload.get(CUT_CODE)
    if cut is None:
        return {"reason": reason, "cut_code": None}
    if cut.code is None or code is not None:
        return {"reason": reason, "cut_code": code}
    return {"reason": reason or _rule_told(act, cut), "cut_code": cut.code}


def _rule_told(act: Act, cut: Cut) -> str:
    title = CUT_CODES[str(cut.code)]
    if cut.code != "ceiling":
        return title
    room = room_of(act.reading, act.measure, act.workflow)
    tight = [each for each in room if each.most_fen is not None and each.most_fen <= cut.before_fen]
    return "。".join([title, *(room_told(each) for each in tight)])
