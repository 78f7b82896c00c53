"""The facts of a case that the system keeps, computed from one reading."""

from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from caseflow.cases.reading import Reading, iso
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.kernel.calendar import due_at, local_date
from caseflow.kernel.money import FEN_PER_YUAN
from caseflow.kernel.shares import city_percent
from caseflow.kernel.workflow.effects import CITY_PERCENT, ORDERED_BEFORE, ORDERS, derive
from caseflow.kernel.workflow.model import DRAWS_ON_PARENT, Workflow
from caseflow.kernel.workflow.voting import counted

LIFE_CAP: Final = "life_cap"


def facts_of(
    reading: Reading, measure: MeasureInfo, workflow: Workflow, at: datetime
) -> dict[str, Any]:
    """Return entered and kept facts as `at` finds them; dates as ISO text."""
    facts = dict(reading.facts)
    facts.update(_policy_facts(reading, local_date(at)))
    facts.update(_case_facts(reading, measure, at))
    facts.update(_money_facts(reading, measure, workflow))
    facts.update(_seat_facts(reading, workflow))
    facts["ceiling_fen"] = _ceiling_fen(reading, measure)
    facts.update(derive(facts))
    return facts


def _ceiling_fen(reading: Reading, measure: MeasureInfo) -> int | None:
    """Return what the case may be given: its own figure, and what its siblings leave of the whole.

    A life's figure (单个项目累计) binds the years or periods of one project together, and so does
    what was approved for their parent (券面、协议金额): what the others were paid, and what those
    still open have planned or approved, is taken.
    """
    own = measure.ceiling_fen(reading.child_kind)
    if reading.siblings_fen is None:
        return own
    lives = [
        amount["yuan"] * FEN_PER_YUAN
        for amount in measure.definition["benefit"].get("amounts", ())
        if amount.get("kind") == LIFE_CAP
    ]
    if reading.parent_approved_fen is not None:
        lives.append(reading.parent_approved_fen)
    left = [max(0, fen - reading.siblings_fen) for fen in lives]
    return min(left if own is None else [own, *left], default=None)


def _policy_facts(reading: Reading, today: date) -> dict[str, Any]:
    first, last = reading.policy_from, reading.policy_to
    issued = reading.policy_status in {"in_force", "expired", "repealed"}
    matter = reading.matter_on or local_date(reading.submitted_at or reading.created_at)
    opens, closes = reading.call_opens_on, reading.call_closes_on
    return {
        "policy_in_force": reading.policy_status == "in_force" and first <= today <= last,
        "matter_in_force": issued and first <= matter <= last,
        "call_open": opens is not None and opens <= today <= closes,
        "call_closes_on": iso(closes),
        "policy_ends_on": iso(last),
    }


def _case_facts(reading: Reading, measure: MeasureInfo, at: datetime) -> dict[str, Any]:
    present = {kind for kind, _ in reading.documents or []}
    total, open_, paid_fen, _ = reading.children
    ends_on = reading.publicity_ends_on
    return {
        "documents_missing": len(set(measure.required_documents(reading.child_kind)) - present),
        "corrections_made": reading.corrections_made,
        "publicity_listed": reading.publicity_id is not None,
        "publicity_over": ends_on is not None and at >= due_at(ends_on),
        "publicity_ends_on": iso(ends_on),
        "open_objections": reading.open_objections,
        "holds": len(reading.holds or []),
        "children_open": open_,
        "children_total": total,
        "children_paid_fen": paid_fen,
        "previous_state": reading.previous_state,
    }


def _seat_facts(reading: Reading, workflow: Workflow) -> dict[str, Any]:
    waiting = sum(task.is_unanswered for task in reading.present)
    verdicts = tuple(task.verdict for task in reading.present if task.verdict)
    return counted(workflow.states[reading.state], waiting=waiting, verdicts=verdicts)


def _money_facts(reading: Reading, measure: MeasureInfo, workflow: Workflow) -> dict[str, Any]:
    split = measure.definition.get("split") or reading.split
    percent = city_percent(split, reading.fiscal_level)
    if percent is None and reading.fiscal_percent is not None:
        percent = Fraction(reading.fiscal_percent)
    draws = workflow.commits == DRAWS_ON_PARENT
    return {
        ORDERS: reading.orders,
        CITY_PERCENT: percent,
        ORDERED_BEFORE: reading.siblings_ordered_fen if draws else 0,
    }
