"""Recording a change of a policy, and the cases it touches: those that are not approved yet.

What was approved is not re-opened (优化营商环境条例 31); a part of a case goes with its whole; a
draft of an applicant is no application yet.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.changes.models import Impact, PolicyChange
from caseflow.batches.hands import Hand
from caseflow.cases.models import Case
from caseflow.catalogue import queries
from caseflow.catalogue.models import Measure, PolicyVersion
from caseflow.catalogue.versions import ISSUED
from caseflow.database.ids import PublicIds
from caseflow.history.part import Place
from caseflow.kernel.workflow.model import Workflow

OPEN_PHASES: Final = frozenset({"intake", "review", "decision"})
"""Phases before the money is promised, where no amount is approved."""


def record_amendment(
    session: Session,
    before: PolicyVersion,
    after: PolicyVersion,
    touched: Sequence[str],
    hand: Hand,
    *,
    ids: PublicIds,
    reason: str,
    document_no: str,
) -> PolicyChange | None:
    """Record that a policy in force was amended and list the cases; None where no law changed."""
    if not touched or before.status not in ISSUED or before.id == after.id:
        return None
    if after.supersedes_id != before.id:  # content of old that became current again
        return None
    change = PolicyChange(
        public_id=ids.new(),
        policy_id=before.policy_id,
        kind="amended",
        policy_version_id=before.id,
        new_version_id=after.id,
        reason=reason,
        document_no=document_no,
        changed_by=hand.by,
        changed_at=hand.at,
    )
    return record_change(session, change, hand, measures=touched)


def record_change(
    session: Session,
    change: PolicyChange,
    hand: Hand,
    *,
    measures: Sequence[str] | None,
    place: Place | None = None,
) -> PolicyChange:
    """Write a change with its event and its impact list; `measures` None means all."""
    session.add(change)
    session.flush()
    listed = [] if change.kind == "resumed" else list_impacts(session, change, measures)
    payload = {
        "change": change.public_id,
        "version_id": change.policy_version_id,
        "new_version_id": change.new_version_id,
        "replaced_by": change.replaced_by_id,
        "reason": change.reason,
        "document_no": change.document_no,
        "cases": len(listed),
    }
    hand.record(session, change.policy_id, f"policy_{change.kind}", payload, place)
    return change


def list_impacts(
    session: Session, change: PolicyChange, measures: Sequence[str] | None
) -> list[Impact]:
    """Put every case that is not approved on the list of a change, and lock it meanwhile."""
    query = (
        select(Case)
        .join(Measure, Measure.id == Case.measure_id)
        .where(Measure.policy_id == change.policy_id, Case.outcome.is_(None))
        .where(Case.approved_fen.is_(None), Case.parent_id.is_(None))
        .order_by(Case.id)
        .with_for_update(of=Case, key_share=True)
    )
    if measures is not None:
        query = query.where(Measure.code.in_(measures))
    found = [
        Impact(
            change_id=change.id,
            case_id=case.id,
            policy_version_id=case.policy_version_id,
            state=case.state,
        )
        for case in session.scalars(query)
        if is_open(case, queries.workflow(session, case.workflow_hash))
    ]
    session.add_all(found)
    session.flush()
    return found


def is_open(case: Case, workflow: Workflow) -> bool:
    """Return whether a case without an approved amount was applied for and is not decided yet.

    A case that was suspended is where it will go on.
    """
    if case.state == workflow.initial and "applicant" in workflow.opened_by:
        return False
    stands = case.previous_state if _waits(workflow, case.state) else None
    return workflow.states[stands or case.state].phase in OPEN_PHASES


def _waits(workflow: Workflow, state: str) -> bool:
    """Return whether a state only waits to go back to where the case was."""
    return any(
        test.fact == "previous_state"
        for step in workflow.steps_from(state)
        for branch in step.branches
        for test in branch.when
    )
