"""Loading policies as versions, planning and moving calls, and the end of a policy's life."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from caseflow.catalogue import queries, seating
from caseflow.catalogue.cities import City
from caseflow.catalogue.measures import Measure as MeasureFile
from caseflow.catalogue.measures import PolicyFiles, content_hash
from caseflow.catalogue.models import Call, Measure, MeasureVersion, Policy, PolicyVersion, Workflow
from caseflow.database.ids import PublicIds
from caseflow.history import service as history
from caseflow.history.part import Signer
from caseflow.identity.service import LOADING_LOCK, ensure_system_person
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotFound, PolicyClosed
from caseflow.kernel.workflow.model import Workflow as CompiledWorkflow

Workflows = Mapping[str, Mapping[str, CompiledWorkflow]]
"""For every measure id, its compiled workflow and its children's, by name."""

WARNINGS: Final = (90, 60, 30, 7)
"""Days before the end of a policy's life on which its end is announced. (domain handbook 5.4)"""

CLOSED_STATUSES: Final = {
    "consultation_draft": "a consultation draft (征求意见稿) is no legal basis",
    "expired": "it has expired",
    "lapsed": "the draft has lapsed",
    "repealed": "it is repealed",
}


@dataclass(frozen=True)
class Hand:
    """By whose hand something is done, when, and the key that signs the event."""

    by: int
    at: datetime
    signer: Signer


def load_policy(
    session: Session,
    files: PolicyFiles,
    workflows: Workflows,
    *,
    city: City,
    by: int,
    at: datetime,
    signer: Signer,
) -> PolicyVersion:
    """Make what the files say the policy's current version; the same content again does nothing.

    The content is the policy, its measures and text, their compiled workflows and the bureaus
    behind their names: a changed stage makes a new version too. Cases keep the version they pinned.

    Raises:
        NotFound: the city is not loaded.
        Conflict: a measure of this id belongs to another policy.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOADING_LOCK)))
    hand = Hand(by=by, at=at, signer=signer)
    policy = _policy(session, files)
    numbers = seating.organisation_ids(session, city)
    digest = _digest(files, workflows, city)
    before = _current(session, policy)
    if before is not None and before.content_hash == digest:
        return before
    again = _with_content(session, policy, digest)
    after = again or _new_version(files, policy, digest, _next_number(session, policy), at)
    _make_current(session, before, after)
    if again is None:
        _store_workflows(session, workflows)
        for measure in files.measures:
            organisations = seating.organisations_of(measure, city, numbers)
            session.add(_measure_version(session, policy, after, measure, workflows, organisations))
        session.flush()
    payload = _loading(session, before, after)
    _record(session, policy.id, "policy_loaded", payload, hand)
    return after


def _digest(files: PolicyFiles, workflows: Workflows, city: City) -> str:
    parts = {
        measure.id: {
            "workflows": {name: each.hash for name, each in workflows[measure.id].items()},
            "bureaus": city.bureaus(measure.bureaus),
        }
        for measure in files.measures
    }
    tables = [dict(city.parties), dict(city.cosign), dict(city.industries)]
    return content_hash([files.hash, parts, tables])


def _policy(session: Session, files: PolicyFiles) -> Policy:
    row = {"code": files.policy.code, "city": files.policy.city}
    session.execute(insert(Policy).values(row).on_conflict_do_nothing(index_elements=["code"]))
    return session.scalars(select(Policy).where(Policy.code == files.policy.code)).one()


def _current(session: Session, policy: Policy) -> PolicyVersion | None:
    query = select(PolicyVersion).where(PolicyVersion.policy_id == policy.id, PolicyVersion.current)
    return session.scalars(query).one_or_none()


def _with_content(session: Session, policy: Policy, digest: str) -> PolicyVersion | None:
    query = select(PolicyVersion).where(
        PolicyVersion.policy_id == policy.id, PolicyVersion.content_hash == digest
    )
    return session.scalars(query).one_or_none()


def _next_number(session: Session, policy: Policy) -> int:
    last = select(func.max(PolicyVersion.version)).where(PolicyVersion.policy_id == policy.id)
    return (session.scalar(last) or 0) + 1


def _new_version(
    files: PolicyFiles, policy: Policy, digest: str, number: int, at: datetime
) -> PolicyVersion:
    record = files.policy
    return PolicyVersion(
        policy_id=policy.id,
        version=number,
        title=record.title,
        document_no=record.doc_no,
        status=record.status_on(local_date(at)),
        issued_on=record.issued_on,
        effective_from=record.effective_from,
        effective_to=record.effective_to,
        content_hash=digest,
        definition=record.to_data(),
        text=files.text,
        loaded_at=at,
        current=False,
    )


def _make_current(session: Session, before: PolicyVersion | None, after: PolicyVersion) -> None:
    """Hand the one mark over: first taken away, then given, as the unique index demands."""
    if before is not None:
        before.current = False
        session.flush()
    after.current = True
    session.add(after)
    session.flush()


def _store_workflows(session: Session, workflows: Workflows) -> None:
    rows = {
        each.hash: {"hash": each.hash, "name": each.name, "definition": each.to_data()}
        for of_measure in workflows.values()
        for each in of_measure.values()
    }
    if rows:
        session.execute(insert(Workflow).on_conflict_do_nothing(), list(rows.values()))


def _measure_version(
    session: Session,
    policy: Policy,
    version: PolicyVersion,
    measure: MeasureFile,
    workflows: Workflows,
    organisations: dict[str, Any],
) -> MeasureVersion:
    named = workflows[measure.id]
    prefix = f"{measure.id}/"
    return MeasureVersion(
        measure_id=_measure_id(session, policy, measure.id),
        policy_version_id=version.id,
        article=measure.article,
        title=measure.title,
        family=measure.family,
        content_hash=measure.hash,
        definition=measure.to_data(),
        workflow_hash=named[measure.id].hash,
        children={
            name.removeprefix(prefix): each.hash
            for name, each in named.items()
            if name.startswith(prefix)
        },
        organisations=organisations,
    )


def _measure_id(session: Session, policy: Policy, code: str) -> int:
    row = {"code": code, "policy_id": policy.id}
    session.execute(insert(Measure).values(row).on_conflict_do_nothing(index_elements=["code"]))
    measure = session.scalars(select(Measure).where(Measure.code == code)).one()
    if measure.policy_id != policy.id:
        raise Conflict(f"The measure {code} belongs to another policy than {policy.code}.")
    return measure.id


def _loading(
    session: Session, before: PolicyVersion | None, after: PolicyVersion
) -> dict[str, Any]:
    old, new = _contents(session, before), _contents(session, after)
    return {
        "version": after.version,
        "replaces": before.version if before else None,
        "status": after.status,
        "document_no": after.document_no,
        "content_hash": after.content_hash,
        "measures_added": sorted(new.keys() - old.keys()),
        "measures_removed": sorted(old.keys() - new.keys()),
        "measures_changed": sorted(c for c in new.keys() & old.keys() if new[c] != old[c]),
    }


def _contents(session: Session, version: PolicyVersion | None) -> dict[str, tuple[str, str]]:
    if version is None:
        return {}
    query = (
        select(Measure.code, MeasureVersion.content_hash, MeasureVersion.workflow_hash)
        .join(Measure, Measure.id == MeasureVersion.measure_id)
        .where(MeasureVersion.policy_version_id == version.id)
    )
    return {code: (content, flow) for code, content, flow in session.execute(query)}


def plan_call(
    session: Session,
    *,
    measure_code: str,
    title: str,
    opens_on: date,
    closes_on: date,
    eligible_from: date | None = None,
    eligible_to: date | None = None,
    by: int,
    at: datetime,
    ids: PublicIds,
    signer: Signer,
) -> Call:
    """Plan a call (申报通知) for one measure; both days of the window are inside it.

    Raises:
        NotFound: no such measure.
        PolicyClosed: the policy is a draft, expired, lapsed or repealed on the day of planning.
        InvalidInput: the window or the eligible period is turned round or leaves the policy's life.
    """
    measure = queries.measure(session, measure_code)
    _refuse_closed(measure, local_date(at))
    window = (("opens_on", opens_on), ("closes_on", closes_on))
    period = (("eligible_from", eligible_from), ("eligible_to", eligible_to))
    _check_period(measure, window)
    _check_period(measure, period)
    call = Call(
        public_id=ids.new(),
        measure_id=measure.id,
        title=_title(title),
        opens_on=opens_on,
        closes_on=closes_on,
        eligible_from=eligible_from,
        eligible_to=eligible_to,
        status="planned",
    )
    session.add(call)
    session.flush()
    payload = {
        "measure": measure_code,
        "title": call.title,
        **{name: day.isoformat() if day else None for name, day in (*window, *period)},
    }
    _record(session, call.id, "call_planned", payload, Hand(by=by, at=at, signer=signer))
    return call
