"""The facts of a case that the system keeps, computed from one reading."""

from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from caseflow.cases.caps import most_left
from caseflow.cases.checks.relying import check_facts
from caseflow.cases.experts.effects import judging_facts
from caseflow.cases.overlaps import overlap_facts
from caseflow.cases.reading import Reading, iso
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.funds.caps.queries import settled
from caseflow.kernel.calendar import due_at, local_date
from caseflow.kernel.cuts import ROUNDING
from caseflow.kernel.equity.acts import TODAY
from caseflow.kernel.shares import city_percent
from caseflow.kernel.workflow.effects import (
    CITY_PERCENT,
    CLAUSE_CEILING,
    ORDERED_BEFORE,
    ORDERS,
    derive,
)
from caseflow.kernel.workflow.model import DRAWS_ON_PARENT, Workflow
from caseflow.kernel.workflow.voting import counted

ISSUED: Final = frozenset({"in_force", "suspended", "expired", "repealed", "replaced"})
"""What was promised while the policy was in force is paid, whatever became of it since."""


def facts_of(
    reading: Reading, measure: MeasureInfo, workflow: Workflow, at: datetime
) -> dict[str, Any]:
    """Return entered and kept facts as `at` finds them; dates as ISO text."""
    today, stated = local_date(at), measure.ceiling_fen(reading.child_kind)
    facts = {
        **reading.facts,
        **_policy_facts(reading, today),
        **_case_facts(reading, measure, at),
        **_money_facts(reading, measure, workflow),
        **_seat_facts(reading, workflow),
        **check_facts(reading, workflow, today),
        **_recovery_facts(reading),
        **judging_facts(reading, measure, workflow, at),
        "ceiling_fen": _least(stated, most_left(reading, measure, workflow)),
        CLAUSE_CEILING: stated,
        ROUNDING: settled(reading.cap_parameters).get("rounding"),
        **overlap_facts(reading, measure),
    }
    facts.update(derive(facts))
    return facts


def _least(stated: int | None, left: int | None) -> int | None:
    """Return what the case may be given: its own figure, and what its ceilings leave of it."""
    if stated is None or left is None:
        return left if stated is None else stated
    return min(stated, left)


def _policy_facts(reading: Reading, today: date) -> dict[str, Any]:
    first, last = reading.policy_from, reading.policy_to
    issued = reading.policy_status in ISSUED
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
    asked = measure.required_documents(reading.child_kind, reading.call_documents or ())
    total, open_, paid_fen, _ = reading.children
    ends_on = reading.publicity_ends_on
    return {
        "documents_missing": len(set(asked) - present),
        "corrections_made": reading.corrections_made,
        "letter_made": reading.letter_made,
        "publicity_listed": reading.publicity_id is not None,
        "publicity_over": _is_over(reading, at),
        "publicity_ends_on": iso(ends_on),
        "open_objections": reading.open_objections,
        "holds": len(reading.holds or []),
        "children_open": open_,
        "children_total": total,
        "children_paid_fen": paid_fen,
        "previous_state": reading.previous_state,
        TODAY: iso(local_date(at)),
    }


def _is_over(reading: Reading, at: datetime) -> bool:
    """Return whether a case's publicity has run to its end; one that was withdrawn never does."""
    ends_on = reading.publicity_ends_on
    return ends_on is not None and not reading.publicity_withdrawn and at >= due_at(ends_on)


def _seat_facts(reading: Reading, workflow: Workflow) -> dict[str, Any]:
    present = reading.present
    waiting = [task for task in present if task.is_unanswered]
    verdicts = tuple([task.verdict for task in present if task.verdict])
    return counted(workflow.states[reading.state], waiting=len(waiting), verdicts=verdicts)


def _money_facts(reading: Reading, measure: MeasureInfo, workflow: Workflow) -> dict[str, Any]:
    entered = None if reading.fiscal_percent is None else Fraction(reading.fiscal_percent)
    percent = city_percent(measure.split, reading.fiscal_level, entered=entered)
    draws = workflow.commits == DRAWS_ON_PARENT
    return {
        ORDERS: reading.orders,
        CITY_PERCENT: percent,
        ORDERED_BEFORE: reading.siblings_ordered_fen if draws else 0,
    }


def _recovery_facts(reading: Reading) -> dict[str, Any]:
    """Return what a recovery may still claim, and of what it claims what is left; fen."""
    recovery = reading.recovery
    if recovery is None:
        return {}
    return {
        "recoverable_fen": recovery.open_fen,
        "recovery_left_fen": recovery.left_fen,
        "recovery_received_fen": recovery.received_fen,
    }
