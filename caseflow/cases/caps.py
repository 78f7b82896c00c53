"""A case and its ceilings: which it draws on, what they leave it, what an act makes it take.

A case draws on them itself where an amount is approved in its workflow. A parent that only
promises years or periods (a platform, a loan) takes nothing, they do; where the promise itself was
approved (券面、协议金额), it is the parent that takes, and its children draw on the promise alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.reading import Reading
from caseflow.cases.statement import Writes
from caseflow.catalogue.pinned import SUPPORT_OBJECT, MeasureInfo
from caseflow.funds.caps.part import CAP_USES, CAPS
from caseflow.funds.caps.queries import held, known, settled, used
from caseflow.kernel.calendar import local_date
from caseflow.kernel.caps.counters import (
    counters_of,
    left_of,
    most_of,
    promise_key,
    promise_of,
    told,
)
from caseflow.kernel.caps.model import NOTHING, Counter, Room, Subject
from caseflow.kernel.caps.priors import priors
from caseflow.kernel.caps.taking import Doing, changed, take_after
from caseflow.kernel.errors import GuardFailed
from caseflow.kernel.workflow.machine import Decision
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import GUARDS

MATTER_ON: Final = "matter_on"
GIVING: Final = frozenset({"planned_fen", "approved_fen"})
"""What an act brings with it that plans or approves an award."""
TOO_MUCH: Final = GUARDS["plan_within_ceiling"].refusal


def room_of(reading: Reading, measure: MeasureInfo, workflow: Workflow) -> tuple[Room, ...]:
    """Return what each ceiling of the case leaves it, in the order in which they apply."""
    counters = _counters(reading, measure, workflow, reading.facts)
    return left_of(counters, used(reading.caps), held(reading.cap_uses))


def most_left(reading: Reading, measure: MeasureInfo, workflow: Workflow) -> int | None:
    """Return the most that the ceilings leave the case, None where nothing limits it."""
    if not workflow.gives:
        return None
    in_use = reading.caps or reading.cap_uses or reading.cap_parameters
    if not in_use and measure.told_apart.isdisjoint(reading.facts):
        return measure.whole_room_fen
    return most_of(room_of(reading, measure, workflow))


def priors_of(reading: Reading, measure: MeasureInfo, workflow: Workflow) -> dict[str, int]:
    """Return the prior facts of the case's quote: what others have taken of its ceilings."""
    return priors(measure.benefit_caps, room_of(reading, measure, workflow))


def refuse_uncontrolled(
    reading: Reading, measure: MeasureInfo, workflow: Workflow, decision: Decision
) -> None:
    """Refuse a plan or an approval while the yearly control that the policy demands is not settled.

    The text says 单个企业享受奖补次数、资金额度受年度总额控制 and has no numbers (AMB-10).

    Raises:
        GuardFailed: names each parameter that is missing, and who enters and confirms it.
    """
    given = decision.moves[0].payload
    if not workflow.gives or GIVING.isdisjoint(given):
        return
    if promise_key(reading.parent_id or 0) in known(reading.caps):
        return
    settled_names = reading.cap_parameters or {}
    missing = {n: title for n, title in measure.year_controls.items() if n not in settled_names}
    if missing:
        words = "、".join(f"{title}（{name}）" for name, title in missing.items())
        refusal = (
            f"政策规定单个企业享受奖补次数、资金额度受年度总额控制，{measure.code} 的{words}"
            "尚未录入："
            "由牵头部门经办录入、另一人（复核或处室负责人）确认后，方可安排、审定资金"
        )
        raise GuardFailed(
            f"“{decision.moves[0].step.title}”暂不能办理：{refusal}。",
            allowed=[step.event for step in workflow.steps_from(reading.state)],
            failed=[refusal],
        )


def explained(error: GuardFailed, left: Sequence[Room]) -> GuardFailed:
    """Return the refusal of a plan that is too much with the ceilings in words."""
    if TOO_MUCH not in error.failed or not left:
        return error
    words = [room_told(each) for each in left]
    message = f"{error.message}{'。'.join(words)}。"
    refused = GuardFailed(message, allowed=error.allowed, failed=[*error.failed, *words])
    refused.details["caps"] = [vars(each) for each in left]
    return refused


def room_told(left: Room) -> str:
    """Return a ceiling in words: what set it, what others have taken, what is left."""
    limit, used_ = (left.limit_fen, left.limit_times), (left.used_fen, left.used_times)
    return told(left.title, left.words, limit=limit, used=used_)


def add_caps(act: Act, writes: Writes) -> None:
    """Put what the act changes of the case's takes into `writes`; most acts change nothing."""
    before = held(act.reading.cap_uses)
    if not before and GIVING.isdisjoint(act.decision.moves[0].payload):
        return
    doing = _doing(act)
    take = take_after(next(iter(before.values()), NOTHING), doing)
    stated = _stated(act, doing)
    keys = stated or before
    rows = changed(before, {key: take for key in keys if take != NOTHING})
    for key, new in rows.items():
        writes.add(CAPS, _cap_row(act, key, stated))
        row = {"case_id": act.case_id, "key": key, "fen": new.fen, "times": new.times}
        writes.add(CAP_USES, {**row, "state": new.state})
    if doing.approved_fen is not None and act.workflow.children:
        promise = promise_of(act.case_id, act.reading.root_id, approved_fen=doing.approved_fen)
        writes.add(CAPS, _cap_row(act, promise.key, {promise.key: promise}))


def _doing(act: Act) -> Doing:
    facts, end = act.decision.facts, act.workflow.states[act.decision.state].end
    given = act.decision.moves[0].payload if act.workflow.gives else {}
    return Doing(
        planned_fen=given.get("planned_fen"),
        approved_fen=given.get("approved_fen"),
        standing_fen=facts.get("approved_fen"),
        planning=act.decision.state in act.workflow.planning,
        spent_fen=None if end is None else facts["paid_fen"] + facts["children_paid_fen"],
    )


def _stated(act: Act, doing: Doing) -> dict[str, Counter]:
    """Return the ceilings that apply where an amount is given now; else those held stay."""
    if doing.planned_fen is None and doing.approved_fen is None:
        return {}
    counters = _counters(act.reading, act.measure, act.workflow, act.decision.facts)
    return {counter.key: counter for counter in counters}


def _counters(
    reading: Reading, measure: MeasureInfo, workflow: Workflow, facts: Mapping[str, Any]
) -> tuple[Counter, ...]:
    if not workflow.gives:
        return ()
    promise = known(reading.caps).get(promise_key(reading.parent_id or 0))
    if promise is not None:
        return (promise,)
    return counters_of(
        measure.cap_rules(settled(reading.cap_parameters)), _subject(reading, measure, facts)
    )


def _subject(reading: Reading, measure: MeasureInfo, facts: Mapping[str, Any]) -> Subject:
    return Subject(
        measure=measure.code,
        organisation_id=reading.applicant_id,
        year=_year_of_use(reading, facts),
        root_id=reading.root_id,
        child_id=None if reading.parent_id is None else reading.id,
        object_name=facts.get(SUPPORT_OBJECT),
        facts=facts,
    )


def _year_of_use(reading: Reading, facts: Mapping[str, Any]) -> int:
    """Return the calendar year of the matter, not of the payment (手册§4.5); a child's own."""
    told = facts.get(MATTER_ON)
    if told is not None:
        return date.fromisoformat(told).year
    begun = local_date(reading.submitted_at or reading.created_at)
    own = reading.matter_on if reading.parent_id is None else None
    return int((own or begun).year)


def _cap_row(act: Act, key: str, stated: Mapping[str, Counter]) -> dict[str, Any]:
    """Return a ceiling's row; one that is only given back is locked and keeps its limit."""
    counter = stated.get(key) or known(act.reading.caps)[key]
    whole_policy = counter.scope == "enterprise_policy_year"
    return {
        "case_id": act.case_id,
        "organisation_id": act.reading.applicant_id,
        "measure_id": None if whole_policy else act.measure.measure_id,
        "stated": key in stated,
        **vars(counter),
    }
