"""What the catalogue knows: policies, measures and calls as they stand, workflows by hash."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from caseflow.catalogue.models import Call, Measure, MeasureVersion, Policy, PolicyVersion, Workflow
from caseflow.kernel.errors import DefinitionError, NotFound, Problem
from caseflow.kernel.workflow.model import Workflow as CompiledWorkflow

ENDED: Final = {"in_force": "expired", "consultation_draft": "lapsed"}
"""What becomes of a policy once its last day is over; what is issued expires, a draft lapses."""


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy's current version and its legal state on the day that was asked for."""

    code: str
    city: str
    status: str
    version: PolicyVersion


@dataclass(frozen=True)
class LoadedMeasure:
    """A measure as its policy's current version words it."""

    id: int
    code: str
    policy_code: str
    city: str
    version: MeasureVersion
    policy: PolicyVersion


@dataclass(frozen=True)
class MeasureFilter:
    """Which measures are asked for; None asks for all."""

    policy: str | None = None
    city: str | None = None
    article: int | None = None
    family: str | None = None
    applicant: str | None = None
    organisation_id: int | None = None


def status_on(version: PolicyVersion, day: date) -> str:
    """Return a version's legal state on `day`, whether or not the sweep has run yet."""
    is_over = version.effective_to is not None and day > version.effective_to
    return ENDED.get(version.status, version.status) if is_over else version.status


def policies(session: Session, *, on: date) -> tuple[LoadedPolicy, ...]:
    """Return the current version of every policy, by code, with its status on `on`."""
    rows = session.execute(
        select(Policy.code, Policy.city, PolicyVersion)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(PolicyVersion.current)
        .order_by(Policy.code)
    )
    return tuple(
        LoadedPolicy(code=code, city=city, status=status_on(version, on), version=version)
        for code, city, version in rows
    )


def policy(session: Session, code: str, *, on: date) -> LoadedPolicy:
    """Return one policy's current version with its status on `on`.

    Raises:
        NotFound: no policy of this code is loaded.
    """
    for found in policies(session, on=on):
        if found.code == code:
            return found
    raise NotFound(f"There is no policy {code!r}.")


def measure(session: Session, code: str) -> LoadedMeasure:
    """Return a measure as the current version of its policy words it.

    Raises:
        NotFound: no such measure, or the current version has dropped it.
    """
    row = session.execute(_current_measures().where(Measure.code == code)).one_or_none()
    if row is None:
        raise NotFound(f"There is no measure {code!r} in any policy's current version.")
    return LoadedMeasure(*row)


def measures(session: Session, wanted: MeasureFilter | None = None) -> tuple[LoadedMeasure, ...]:
    """Return the measures of the current versions, by policy and in the order of their ids."""
    conditions = _conditions(wanted or MeasureFilter())
    found = (LoadedMeasure(*row) for row in session.execute(_current_measures().where(*conditions)))
    return tuple(sorted(found, key=lambda m: (m.policy_code, m.version.article, m.code)))


def _current_measures() -> Any:
    return (
        select(Measure.id, Measure.code, Policy.code, Policy.city, MeasureVersion, PolicyVersion)
        .join(MeasureVersion, MeasureVersion.measure_id == Measure.id)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .where(PolicyVersion.current)
    )


def _conditions(wanted: MeasureFilter) -> list[ColumnElement[bool]]:
    columns = (
        (wanted.policy, Policy.code == wanted.policy),
        (wanted.city, Policy.city == wanted.city),
        (wanted.article, MeasureVersion.article == wanted.article),
        (wanted.family, MeasureVersion.family == wanted.family),
        (wanted.applicant, MeasureVersion.definition["applicants"].contains([wanted.applicant])),
        (
            wanted.organisation_id,
            MeasureVersion.organisations["bureaus"].contains([wanted.organisation_id]),
        ),
    )
    return [condition for value, condition in columns if value is not None]


def calls(
    session: Session,
    *,
    measure_code: str | None = None,
    status: str | None = None,
    open_on: date | None = None,
) -> tuple[Call, ...]:
    """Return calls (申报通知), the last to open first; `open_on` is a day inside the window."""
    query = select(Call).order_by(Call.opens_on.desc(), Call.id.desc())
    if measure_code is not None:
        query = query.join(Measure, Measure.id == Call.measure_id).where(
            Measure.code == measure_code
        )
    if status is not None:
        query = query.where(Call.status == status)
    if open_on is not None:
        query = query.where(Call.opens_on <= open_on, Call.closes_on >= open_on)
    return tuple(session.scalars(query))


def call(session: Session, public_id: str) -> Call:
    """Return the call with this public id.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(select(Call).where(Call.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no call {public_id!r}.")
    return found


_WORKFLOWS: Final[dict[str, CompiledWorkflow]] = {}


def workflow(session: Session, workflow_hash: str) -> CompiledWorkflow:
    """Return the compiled workflow under a hash: immutable, so read once per process.

    Raises:
        NotFound: there is none.
        DefinitionError: what is stored is not what its hash says.
    """
    if workflow_hash not in _WORKFLOWS:
        _WORKFLOWS[workflow_hash] = _read_workflow(session, workflow_hash)
    return _WORKFLOWS[workflow_hash]


def _read_workflow(session: Session, workflow_hash: str) -> CompiledWorkflow:
    row = session.get(Workflow, workflow_hash)
    if row is None:
        raise NotFound(f"There is no workflow {workflow_hash}.")
    compiled = CompiledWorkflow.from_data(row.definition)
    if compiled.hash != workflow_hash:
        message = f"the stored workflow has the hash {compiled.hash}: it was changed"
        raise DefinitionError([Problem(f"workflow {workflow_hash}", 1, "workflow-hash", message)])
    return compiled
