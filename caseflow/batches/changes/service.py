"""Suspending, resuming, repealing and replacing a policy; deciding on the cases it touches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from caseflow.batches.changes.listing import record_change
from caseflow.batches.changes.models import Impact, PolicyChange
from caseflow.batches.hands import Hand, lines
from caseflow.cases.models import Case
from caseflow.cases.queries import find_case
from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.remarks import add_remarks
from caseflow.cases.service import Cases, Request
from caseflow.cases.statement import Writes, write
from caseflow.catalogue import service as catalogue
from caseflow.catalogue.models import MeasureVersion, Policy, PolicyVersion
from caseflow.catalogue.seating import held
from caseflow.history.part import Draft, Place
from caseflow.identity.queries import Actor
from caseflow.identity.service import LOADING_LOCK
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.policy_changes import DECISIONS
from caseflow.kernel.workflow.model import Step, Workflow

OFFICE: Final = "government_office"
DECIDERS: Final = ("bureau_division_head", "bureau_leader")
TERMINATE: Final = "terminate"
ENDINGS: Final = ("terminate", "not_accept", "reject", "discard_match")
"""The events by which an office ends a case without support, the first that its state knows."""
EVENT: Final = "impact_decided"


@dataclass(frozen=True)
class _Road:
    """Which statuses of a policy a change leads from, and to which; whether its calls close."""

    begins: tuple[str, ...]
    ends: str
    closes_calls: bool


ROADS: Final[Mapping[str, _Road]] = {
    "suspended": _Road(("in_force",), "suspended", closes_calls=False),
    "resumed": _Road(("suspended",), "in_force", closes_calls=False),
    "repealed": _Road(("in_force", "suspended"), "repealed", closes_calls=True),
    "replaced": _Road(("in_force", "suspended"), "replaced", closes_calls=True),
}
TITLES: Final = {
    "suspended": "暂停执行",
    "resumed": "恢复执行",
    "repealed": "废止",
    "replaced": "替代",
}


@dataclass(frozen=True)
class Wanted:
    """What is to happen to a policy: one of `ROADS`, why, by which document, replaced by what."""

    policy: str
    kind: str
    reason: str
    document_no: str
    replaced_by: str | None = None


@dataclass(frozen=True)
class Decision:
    """What becomes of a case of an impact list; `payload` goes to the event that ends it."""

    decision: str
    reason: str
    payload: Mapping[str, Any]


def change_policy(cases: Cases, actor: Actor, wanted: Wanted, at: datetime) -> str:
    """Change the status of a policy, list the cases it touches; returns the change's public id.

    Raises:
        NotFound: no such policy. NotAllowed: not of the government's office. Conflict: its status
            does not allow it. InvalidInput: no reason, no document, replaced by nothing or itself.
    """
    said = lines((("reason", wanted.reason), ("document_no", wanted.document_no)))
    road = _road(wanted)
    hand = Hand(actor.id, at, cases.office.signer)
    with cases.database.session() as session:
        session.execute(select(func.pg_advisory_xact_lock(LOADING_LOCK)))
        version = _current(session, wanted.policy)
        place = _office(session, actor, version)
        if version.status not in road.begins:
            raise Conflict(
                f"《{version.title}》现为 {version.status}，不能{TITLES[wanted.kind]}；"
                f"须为 {'、'.join(road.begins)}。"
            )
        change = PolicyChange(
            public_id=cases.ids.new(),
            policy_id=version.policy_id,
            kind=wanted.kind,
            policy_version_id=version.id,
            replaced_by_id=_replacement(session, wanted),
            changed_by=actor.id,
            changed_at=at,
            **said,
        )
        record_change(session, change, hand, measures=None, place=place)
        _move(session, version, road, hand)
        if wanted.kind != "suspended":
            _lift(session, version.policy_id, at)
        return change.public_id


def _road(wanted: Wanted) -> _Road:
    road = ROADS.get(wanted.kind)
    if road is None:
        reason = f"{wanted.kind!r} 不是 {'、'.join(ROADS)} 之一"
        raise InvalidInput(f"kind：{reason}。", fields={"kind": reason})
    if (wanted.kind == "replaced") != (wanted.replaced_by is not None):
        reason = "替代时须写明由哪项政策替代，其他情形不填"
        raise InvalidInput(f"replaced_by：{reason}。", fields={"replaced_by": reason})
    return road


def _replacement(session: Session, wanted: Wanted) -> int | None:
    if wanted.replaced_by is None:
        return None
    other = _current(session, wanted.replaced_by)
    if wanted.replaced_by == wanted.policy or other.status != "in_force":
        reason = "须为另一项有效的政策"
        raise InvalidInput(f"replaced_by：{reason}。", fields={"replaced_by": reason})
    return other.policy_id


def _current(session: Session, code: str) -> PolicyVersion:
    query = select(PolicyVersion).join(Policy, Policy.id == PolicyVersion.policy_id)
    wanted = query.where(Policy.code == code, PolicyVersion.current).with_for_update()
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound(f"没有政策 {code!r}。")
    return found


def _office(session: Session, actor: Actor, version: PolicyVersion) -> Place:
    """Return the actor's seat in the government's office, which alone changes a policy.

    Raises:
        NotAllowed: the actor does not sit there.
    """
    query = select(MeasureVersion.organisations).where(
        MeasureVersion.policy_version_id == version.id
    )
    offices = {each["parties"].get(OFFICE) for each in session.scalars(query)}
    place = held(actor, offices, [OFFICE])
    if place is None:
        raise NotAllowed(f"《{version.title}》的调整须由市政府办办理，您不在该席位。")
    return place


def _move(session: Session, current: PolicyVersion, road: _Road, hand: Hand) -> None:
    """Give every version that cases may still pin the new status; close the calls if it is over."""
    versions = select(PolicyVersion).where(
        PolicyVersion.policy_id == current.policy_id, PolicyVersion.status.in_(road.begins)
    )
    for version in session.scalars(versions.order_by(PolicyVersion.id)):
        version.status = road.ends
    session.flush()
    if road.closes_calls:
        catalogue.close_calls(session, current, by=hand.by, at=hand.at, signer=hand.signer)


def _lift(session: Session, policy_id: int, at: datetime) -> None:
    """End the suspension that stands, and with it what its list still asks."""
    standing = update(PolicyChange).where(
        PolicyChange.policy_id == policy_id,
        PolicyChange.kind == "suspended",
        PolicyChange.lifted_at.is_(None),
    )
    session.execute(standing.values(lifted_at=at))


def decide(
    cases: Cases, actor: Actor, change: str, case: str, decision: Decision, at: datetime
) -> None:
    """Decide what becomes of one case of an impact list, once; to terminate it is an act on it.

    Raises:
        NotFound: no such change, or the case is not on its list or not the actor's to see.
        NotAllowed: not a head of the lead bureau, or not in the seat that ends the case.
        Conflict: decided already, the case is over, the suspension was lifted.
        EventNotAllowed, GuardFailed, InvalidInput: see `Cases.act`.
    """
    said = lines([("reason", decision.reason)])
    if decision.decision not in DECISIONS:
        reason = f"{decision.decision!r} 不是 {'、'.join(DECISIONS)} 之一"
        raise InvalidInput(f"decision：{reason}。", fields={"decision": reason})
    with cases.database.session() as session:
        row, found = _waiting(session, actor, change, case)
        driver: Any = session.connection().connection.driver_connection
        (reading,) = read_locked(driver, [found.id], Asker(actor.id, at))
        lead = reading.parties["lead_bureau"]
        if not any(actor.holds(lead, role) for role in DECIDERS):
            raise NotAllowed("影响清单须由牵头部门负责人决定，您不在该席位。")
        if reading.outcome is not None:
            raise Conflict(f"办件 {reading.number} 已办结，无须决定。")
        if decision.decision == TERMINATE:
            seq = _terminate(cases, driver, reading, actor, decision, at=at)
        else:
            seq = _remark(cases, driver, reading, actor, change, decision, at=at)
        row.decision, row.reason, row.seq = decision.decision, said["reason"], seq
        row.decided_by, row.decided_at = actor.id, at


def _waiting(session: Session, actor: Actor, change: str, case: str) -> tuple[Impact, Case]:
    found = session.scalars(
        select(PolicyChange).where(PolicyChange.public_id == change)
    ).one_or_none()
    if found is None:
        raise NotFound(f"没有政策调整 {change!r}。")
    seen = find_case(session, actor, case)
    query = select(Impact).where(Impact.change_id == found.id, Impact.case_id == seen.id)
    row = session.scalars(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"办件 {seen.number} 不在本次调整的影响清单内。")
    if row.decision is not None:
        raise Conflict(f"办件 {seen.number} 已于此前决定（{row.decision}），不得更改。")
    if found.lifted_at is not None:
        raise Conflict("该项暂停已解除，无须决定。")
    return row, seen


def _terminate(
    cases: Cases, driver: Any, reading: Reading, actor: Actor, decision: Decision, *, at: datetime
) -> int:
    """End the case by the event its state knows, within the transaction; returns its number."""
    workflow = cases.pinned.runner(driver, reading.workflow_hash).workflow
    step = ending_of(workflow, reading.state)
    taken = {*step.requires, *step.accepts}
    payload = {name: value for name, value in decision.payload.items() if name in taken}
    request = Request(step.event, actor.id, at, {**payload, "reason": decision.reason.strip()})
    result = cases.act_many(driver, [reading.id], request)[reading.id]
    if isinstance(result, CaseflowError):
        raise result
    return int(reading.head_seq) + 1


def ending_of(workflow: Workflow, state: str) -> Step:
    """Return the step by which an office ends a case that stands in `state`.

    Raises:
        Conflict: nothing ends it from there; it has to be decided otherwise.
    """
    for event in ENDINGS:
        step = workflow.step(state, event)
        if step and all(workflow.states[each.target].end for each in step.branches):
            return step
    title = workflow.states[state].title
    raise Conflict(f"在“{title}”环节没有可终止办件的事项，请改为维持或重新评估，或待其离开本环节。")


def _remark(
    cases: Cases, driver: Any, reading: Reading, actor: Actor, change: str, decision: Decision,
    *, at: datetime,
) -> int:  # fmt: skip
    draft = Draft(
        name=EVENT,
        actor_id=actor.id,
        at=at,
        payload={"change": change, "decision": decision.decision, "reason": decision.reason},
        seat="lead_bureau.division_head",
        organisation_id=reading.parties["lead_bureau"],
        from_state=reading.state,
        to_state=reading.state,
        workflow_hash=reading.workflow_hash,
    )
    writes = Writes()
    (event,) = add_remarks(writes, reading, [draft], cases.office.signer)
    write(driver, writes)
    return int(event["seq"])
