"""The history (留痕) of one case for people to read: texts are made on reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from caseflow.cases.queries import AUDITOR, OFFICIAL_ROLES, find_case
from caseflow.cases.seats import ANYONE, SYSTEM
from caseflow.catalogue.pinned import Pinned
from caseflow.history.queries import history
from caseflow.identity.queries import Actor
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import SEATS

SOMEBODY: Final = "实名异议人"
HIDDEN: Final = {ANYONE: SOMEBODY, "experts": "评审专家"}
"""Seats of which outsiders are not told who sat there and what they said."""
"""How an objector is called towards the applicant and third parties. (手册 5.8)"""
REMARKS: Final = {
    "case_opened": "新建办件",
    "recovery_opened": "启动追缴",
    "bar_lifted": "解除禁止申报",
    "case_migrated": "迁移到新版本",
    "impact_decided": "政策调整后的处理决定",
}
"""The titles of events that no workflow has."""


@dataclass(frozen=True)
class EventView:
    """One event of a case's history, with titles for people to read.

    `caused_by` is the event that let the system do this one, `clock` the time that ran out for it.
    """

    version: int
    caused_by: int | None
    at: datetime
    event: str
    title: str
    actor: str | None
    actor_name: str
    acting_for: str | None
    acting_for_name: str | None
    seat: str | None
    seat_title: str | None
    organisation: str | None
    from_state: str | None
    from_title: str | None
    to_state: str | None
    to_title: str | None
    guards: tuple[str, ...]
    clock: str | None
    payload: Mapping[str, Any]
    workflow_hash: str | None
    hash: str


def case_history(
    session: Session,
    actor: Actor,
    public_id: str,
    *,
    pinned: Pinned,
    after: int = 0,
    limit: int = 200,
) -> list[EventView]:
    """Return up to `limit` events of a case after version `after`, oldest first.

    An objector's and an expert's name and words are for the lead bureau and auditors only.

    Raises:
        NotFound: there is no case that the actor may see.
    """
    case = find_case(session, actor, public_id)
    driver: Any = session.connection().connection.driver_connection
    lead = case.parties.get("lead_bureau")
    is_inside = any(
        each.role == AUDITOR or (each.role in OFFICIAL_ROLES and each.organisation_id == lead)
        for each in actor.assignments
    )
    return [
        _event(
            row,
            pinned.runner(driver, row.workflow_hash or case.workflow_hash).workflow,
            is_hidden=row.seat in HIDDEN and not is_inside,
        )
        for row in history(driver, case.id, after=after, limit=limit)
    ]


def _event(row: Any, workflow: Workflow, *, is_hidden: bool) -> EventView:
    return EventView(
        version=row.seq,
        caused_by=row.cause_seq,
        at=row.at,
        event=row.name,
        title=_event_title(workflow, row),
        actor=None if is_hidden else row.actor,
        actor_name=HIDDEN[row.seat] if is_hidden else row.actor_name,
        acting_for=None if is_hidden else row.acting_for,
        acting_for_name=None if is_hidden else row.acting_for_name,
        seat=row.seat,
        seat_title=SEATS[row.seat].title if row.seat in SEATS else None,
        organisation=row.organisation,
        from_state=row.from_state,
        from_title=_state_title(workflow, row.from_state),
        to_state=row.to_state,
        to_title=_state_title(workflow, row.to_state),
        guards=tuple(row.guards),
        clock=_clock(workflow, row),
        payload={} if is_hidden else row.payload,
        workflow_hash=row.workflow_hash,
        hash=row.hash,
    )


def _clock(workflow: Workflow, row: Any) -> str | None:
    is_timed = row.seat == SYSTEM and row.cause_seq is None
    return clock_behind(workflow, row.from_state, row.name) if is_timed else None


def clock_behind(workflow: Workflow, state: str | None, event: str) -> str | None:
    """Return the title of the clock whose running out in `state` lets `event` happen, or None."""
    clocks = workflow.clocks
    known = workflow.states.get(state or "")
    own = clocks.get(known.clock) if known and known.clock else None
    behind = [clock for clock in (own, *clocks.values()) if clock and clock.expiry == event]
    return behind[0].title if behind else None


def _event_title(workflow: Workflow, row: Any) -> str:
    step = workflow.step(row.from_state or "", row.name)
    return step.title if step else REMARKS.get(row.name, row.name)


def _state_title(workflow: Workflow, code: str | None) -> str | None:
    """Return the title of a state; a case that was migrated may come from one that is gone."""
    state = workflow.states.get(code or "")
    return state.title if state else code
