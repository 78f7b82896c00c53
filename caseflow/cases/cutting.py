"""The amount history of an act: each amount that it states, and why it is less than the last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.caps import room_of, room_told
from caseflow.cases.reading import Reading
from caseflow.cases.statement import Writes
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.funds.part import AMOUNTS
from caseflow.kernel.cuts import CUT_CODE, CUT_CODES, REASON, Cut, cut_of
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS as CHAIN

PLANNED: Final = "planned_fen"


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
    told = _rule_told(cut, act.reading, act.measure, act.workflow)
    return {"reason": reason or told, "cut_code": cut.code}


@dataclass(frozen=True)
class RuleCut:
    """A reduction that a rule makes: its code (of `CUT_CODES`) and its words."""

    code: str
    words: str


def rule_cut(
    fen: int, facts: Mapping[str, Any], reading: Reading, measure: MeasureInfo, workflow: Workflow
) -> RuleCut | None:
    """Return the rule that leaves just `fen` to be planned for a case of these facts.

    None where that is no reduction, or one that only a person can explain.
    """
    cut = cut_of(PLANNED, {**facts, PLANNED: fen}, tuple(CHAIN))
    if cut is None or cut.code is None:
        return None
    return RuleCut(cut.code, _rule_told(cut, reading, measure, workflow))


def _rule_told(cut: Cut, reading: Reading, measure: MeasureInfo, workflow: Workflow) -> str:
    title = CUT_CODES[str(cut.code)]
    if cut.code != "ceiling":
        return title
    room = room_of(reading, measure, workflow)
    tight = [each for each in room if each.most_fen is not None and each.most_fen <= cut.before_fen]
    return "。".join([title, *(room_told(each) for each in tight)])
