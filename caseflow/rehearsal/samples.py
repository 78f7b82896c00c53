"""What a player writes into a form: samples of the definitions, amounts that fit together."""

from collections.abc import Mapping
from typing import Any, Final

from caseflow.batches.published_list import Contact
from caseflow.kernel.cuts import CUT_CODE, REASON, cut_of
from caseflow.kernel.workflow.judging import TAKES_SHEET
from caseflow.kernel.workflow.model import Step, Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS, INPUTS
from caseflow.rehearsal.equity_samples import equity_figures

OPEN_PAYMENT: Final = "open_payment"
INSTALMENT: Final = "instalment_fen"
OPINION: Final = "申报内容属实，应用成效明显，同意支持。"
VOUCHER: Final = "voucher_no"
SAMPLE_CONTACT: Final = Contact(
    phone="0513-00000000", email="sample@example.test", address="样例路1号"
)
"""Where a rehearsal's objections go; nobody's."""
SERIAL: Final = "case_number"
"""Among the facts: what makes a voucher's number one of its own, as it pays only once."""


def payload_for(
    workflow: Workflow,
    step: Step,
    facts: Mapping[str, Any],
    ceiling_fen: int | None,
    *,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a payload that `step` accepts: every required value, and an instalment if due.

    `given` is what the caller has decided already; computed figures follow it.
    """
    payload = {
        name: _value(workflow, name, facts, ceiling_fen)
        for name in step.requires
        if name != INSTALMENT
    }
    if TAKES_SHEET in step.effects:
        payload["note"] = OPINION
    instalment = _instalment(workflow, step, facts)
    if instalment is not None:
        payload[INSTALMENT] = instalment
    return {**payload, **equity_figures(step, facts, given or {})}


def explained(step: Step, facts: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload with a reason (核减原因) where an amount falls and nothing says why."""
    if CUT_CODE in payload or CUT_CODE not in step.accepts:
        return dict(payload)
    known, names = {**facts, **payload}, tuple(AMOUNTS)
    cuts = [cut_of(name, known, names) for name in names if name in payload]
    if all(cut is None or cut.code is not None for cut in cuts):
        return dict(payload)
    return {CUT_CODE: "decision", REASON: INPUTS[REASON].sample, **payload}


def _value(workflow: Workflow, name: str, facts: Mapping[str, Any], ceiling_fen: int | None) -> Any:
    if name in AMOUNTS:
        return amount(workflow, name, facts, ceiling_fen)
    fact = INPUTS.get(name) or workflow.facts[name]
    if name == VOUCHER and SERIAL in facts:
        return f"{fact.sample}-{facts[SERIAL]}-{facts['paid_fen']}"
    return fact.sample


def amount(workflow: Workflow, name: str, facts: Mapping[str, Any], ceiling_fen: int | None) -> int:
    """Return an amount that is no more than any stated before it, nor than the ceiling.

    申请 ≥ 核定 ≥ 审计 ≥ 审核 ≥ 拟支持 ≥ 公示 ≥ 审定, and at most what the clause allows.
    """
    names = list(AMOUNTS)
    earlier = [facts[each] for each in names[: names.index(name)] if facts.get(each) is not None]
    sample = (workflow.facts.get(name) or AMOUNTS[name]).sample
    ceiling = [] if ceiling_fen is None else [ceiling_fen]
    return int(min([*(earlier or [sample]), *ceiling]))


def _instalment(workflow: Workflow, step: Step, facts: Mapping[str, Any]) -> int | None:
    """Return what this payment is of those still ahead: equal parts, the last takes the rest."""
    if OPEN_PAYMENT not in step.effects or INSTALMENT not in (*step.requires, *step.accepts):
        return None
    paying = [each.source for each in workflow.steps.values() if OPEN_PAYMENT in each.effects]
    order = list(workflow.states)
    ahead = [source for source in paying if order.index(source) >= order.index(step.source)]
    unpaid = (facts.get("approved_fen") or 0) - (facts.get("paid_fen") or 0)
    return max(1, unpaid // len(ahead))
