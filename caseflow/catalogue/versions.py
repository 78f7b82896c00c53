"""The rows of a policy version: what makes it new, what it holds, how it differs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from caseflow.catalogue import seating
from caseflow.catalogue.cities import City
from caseflow.catalogue.indicators.models import PolicyIndicator
from caseflow.catalogue.measures import Measure as MeasureFile
from caseflow.catalogue.measures import content_hash
from caseflow.catalogue.models import Measure, MeasureVersion, Policy, PolicyVersion
from caseflow.catalogue.policies import PolicyFiles
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict
from caseflow.kernel.workflow.model import Workflow as CompiledWorkflow

STORE_WORKFLOWS: Final = text("""
    INSERT INTO workflow (hash, name, definition)
    SELECT w.hash, w.name, w.definition FROM ROWS FROM (
        unnest(CAST(:hashes AS text[]), CAST(:names AS text[])),
        jsonb_array_elements(CAST(:definitions AS jsonb))
    ) AS w (hash, name, definition) ON CONFLICT DO NOTHING
""")

ISSUED: Final = frozenset({"in_force", "suspended"})
OVER: Final = {"repealed": "已废止", "replaced": "已由其他政策替代"}

Workflows = Mapping[str, Mapping[str, CompiledWorkflow]]
"""For every measure id, its compiled workflow and its children's, by name."""


def digest(files: PolicyFiles, workflows: Workflows, city: City) -> str:
    """Return the hash of everything a version holds, whatever the layout of the files.

    That is the policy, its measures and text, their compiled workflows and the organisations
    behind the names: a changed stage makes a new version too.
    """
    parts = {
        measure.id: {
            "workflows": {name: each.hash for name, each in workflows[measure.id].items()},
            "bureaus": city.bureaus(measure.bureaus),
        }
        for measure in files.measures
    }
    tables = [dict(city.parties), dict(city.cosign), dict(city.industries)]
    owners = [seating.owners_of(each, city) for each in files.policy.indicators]
    return content_hash([files.hash, parts, tables, *owners])


def policy_row(session: Session, files: PolicyFiles) -> Policy:
    """Return the policy's row, made when it is new."""
    row = {"code": files.policy.code, "city": files.policy.city}
    session.execute(insert(Policy).values(row).on_conflict_do_nothing(index_elements=["code"]))
    return session.scalars(select(Policy).where(Policy.code == files.policy.code)).one()


def current(session: Session, policy: Policy) -> PolicyVersion | None:
    """Return the version that new cases pin, None before the first."""
    query = select(PolicyVersion).where(PolicyVersion.policy_id == policy.id, PolicyVersion.current)
    return session.scalars(query).one_or_none()


def with_content(session: Session, policy: Policy, content: str) -> PolicyVersion | None:
    """Return the version that had exactly this content before, None where it is new."""
    query = select(PolicyVersion).where(
        PolicyVersion.policy_id == policy.id, PolicyVersion.content_hash == content
    )
    return session.scalars(query).one_or_none()


def make_current(session: Session, before: PolicyVersion | None, after: PolicyVersion) -> None:
    """Hand the one mark over: first taken away, then given, as the unique index demands."""
    if before is not None:
        before.current = False
        session.flush()
    after.current = True
    session.add(after)
    session.flush()


def refuse_over(before: PolicyVersion | None) -> None:
    """Refuse a new version of a policy that was repealed or replaced by an act of its own.

    Raises:
        Conflict: it was; another policy takes another code.
    """
    if before is None or before.status not in OVER:
        return
    if before.status != before.definition.get("status"):
        raise Conflict(f"《{before.title}》{OVER[before.status]}，不能再载入新版本。")


def new_version(
    session: Session,
    policy: Policy,
    files: PolicyFiles,
    *,
    content: str,
    before: PolicyVersion | None,
    at: datetime,
) -> PolicyVersion:
    """Return the next version, not stored and not current yet; its status is that of the day.

    Of a suspended policy it is suspended too; it supersedes the version that was in force.
    """
    record = files.policy
    last = select(func.max(PolicyVersion.version)).where(PolicyVersion.policy_id == policy.id)
    is_issued = before is not None and before.status in ISSUED
    return PolicyVersion(
        policy_id=policy.id,
        version=(session.scalar(last) or 0) + 1,
        title=record.title,
        document_no=record.doc_no,
        status=_status(record.status_on(local_date(at)), before),
        issued_on=record.issued_on,
        effective_from=record.effective_from,
        effective_to=record.effective_to,
        content_hash=content,
        definition=record.to_data(),
        text=files.text,
        loaded_at=at,
        current=False,
        supersedes_id=before.id if before is not None and is_issued else None,
    )


def _status(status: str, before: PolicyVersion | None) -> str:
    is_suspended = before is not None and before.status == "suspended"
    return "suspended" if is_suspended and status == "in_force" else status


def store_measures(
    session: Session,
    version: PolicyVersion,
    files: PolicyFiles,
    workflows: Workflows,
    *,
    city: City,
) -> None:
    """Store every measure of a version with its workflows and the organisations that run it.

    Raises:
        Conflict: a measure of this id belongs to another policy.
        NotFound: an organisation of the city is not loaded.
    """
    numbers = seating.organisation_ids(session, city)
    _store_workflows(session, workflows)
    for measure in files.measures:
        row = _measure_version(measure, workflows[measure.id])
        row.measure_id = _measure_id(session, version.policy_id, measure.id)
        row.policy_version_id = version.id
        row.organisations = seating.organisations_of(measure, city, numbers)
        session.add(row)
    session.flush()


def store_indicators(
    session: Session, version: PolicyVersion, files: PolicyFiles, *, city: City
) -> None:
    """Store who owns each indicator of a version, and who gathers the reports.

    Raises:
        NotFound: an organisation of the city is not loaded.
    """
    if not files.policy.indicators:
        return
    numbers = seating.organisation_ids(session, city)
    lead = files.policy.lead
    session.add_all(
        PolicyIndicator(
            policy_version_id=version.id,
            indicator=each.id,
            owners=[numbers[code] for code in seating.owners_of(each, city)],
            gathered_by=numbers[city.named(lead.bureau)] if lead else None,
        )
        for each in files.policy.indicators
    )
    session.flush()


def _store_workflows(session: Session, workflows: Workflows) -> None:
    found = {each.hash: each for some in workflows.values() for each in some.values()}
    rows = {
        "hashes": list(found),
        "names": [each.name for each in found.values()],
        "definitions": f"[{','.join(each.canonical for each in found.values())}]",
    }
    session.execute(STORE_WORKFLOWS, rows)


def _measure_version(
    measure: MeasureFile, workflows: Mapping[str, CompiledWorkflow]
) -> MeasureVersion:
    prefix = f"{measure.id}/"
    return MeasureVersion(
        article=measure.article,
        title=measure.title,
        family=measure.family,
        content_hash=measure.hash,
        definition=measure.to_data(),
        workflow_hash=workflows[measure.id].hash,
        children={
            name.removeprefix(prefix): each.hash
            for name, each in workflows.items()
            if name.startswith(prefix)
        },
    )


def _measure_id(session: Session, policy_id: int, code: str) -> int:
    row = {"code": code, "policy_id": policy_id}
    session.execute(insert(Measure).values(row).on_conflict_do_nothing(index_elements=["code"]))
    measure = session.scalars(select(Measure).where(Measure.code == code)).one()
    if measure.policy_id != policy_id:
        raise Conflict(f"The measure {code} belongs to another policy already.")
    return measure.id


def difference(
    session: Session, before: PolicyVersion | None, after: PolicyVersion
) -> dict[str, Any]:
    """Return what the event of a load says: the version, and the measures that differ."""
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
