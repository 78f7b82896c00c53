"""What the catalogue knows: policies, measures and calls as they stand, workflows by hash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from caseflow.catalogue.differences import Content, Difference, compare
from caseflow.catalogue.models import Measure, MeasureVersion, Policy, PolicyVersion, Workflow
from caseflow.identity.models import Organisation
from caseflow.kernel.errors import DefinitionError, InvalidInput, NotFound, Problem
from caseflow.kernel.workflow.model import Workflow as CompiledWorkflow

ENDED: Final = {"in_force": "expired", "suspended": "expired", "consultation_draft": "lapsed"}
"""What becomes of a policy once its last day is over; what is issued expires, a draft lapses."""

NOT_IN_FORCE: Final = {
    "consultation_draft": "尚为征求意见稿",
    "expired": "有效期已届满",
    "lapsed": "至有效期届满未印发",
    "repealed": "已废止",
    "suspended": "暂停执行",
    "replaced": "已由其他政策替代",
}
"""What is said of a policy under which nothing is accepted."""


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
class StoredVersion:
    """A version of a policy; one that was replaced keeps the status that it had then."""

    version: int
    title: str
    document_no: str | None
    status: str
    issued_on: date | None
    effective_from: date | None
    effective_to: date | None
    loaded_at: datetime
    current: bool
    content_hash: str


@dataclass(frozen=True)
class VersionDifference:
    """How one stored version of a policy differs from another."""

    before: StoredVersion
    after: StoredVersion
    difference: Difference


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


def policy_versions(session: Session, code: str, *, on: date) -> tuple[StoredVersion, ...]:
    """Return every stored version of a policy, the first first; the current one as of `on`.

    Raises:
        NotFound: no policy of this code is loaded.
    """
    return tuple(_stored(version, on) for version in _versions(session, code).values())


def version_difference(
    session: Session, code: str, *, on: date, begin: int | None = None, end: int | None = None
) -> VersionDifference:
    """Return how version `end` (the current one) differs from `begin` (the one before it).

    A measure's changes name its workflow by hash, and its organisations by code.

    Raises:
        NotFound: no such policy or version. InvalidInput: there is no version before.
    """
    known = _versions(session, code)
    if end is None:
        end = next(number for number, version in known.items() if version.current)
    if begin is None:
        begin = max((number for number in known if number < end), default=None)
    if begin is None:
        reason = f"{code} has no version before {end}"
        raise InvalidInput(f"{reason}; say from which to compare.", fields={"from": reason})
    for number in (begin, end):
        if number not in known:
            numbers = ", ".join(map(str, known))
            raise NotFound(f"{code} has no version {number}; it has: {numbers}.")
    before, after = known[begin], known[end]
    difference = compare(
        stored_content(session, code, before), stored_content(session, code, after)
    )
    return VersionDifference(_stored(before, on), _stored(after, on), difference)


def _versions(session: Session, code: str) -> dict[int, PolicyVersion]:
    found = session.scalars(
        select(PolicyVersion)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .where(Policy.code == code)
        .order_by(PolicyVersion.version)
    )
    known = {version.version: version for version in found}
    if not known:
        raise NotFound(f"There is no policy {code!r}.")
    return known


def _stored(version: PolicyVersion, on: date) -> StoredVersion:
    return StoredVersion(
        version=version.version,
        title=version.title,
        document_no=version.document_no,
        status=status_on(version, on) if version.current else version.status,
        issued_on=version.issued_on,
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        loaded_at=version.loaded_at,
        current=version.current,
        content_hash=version.content_hash,
    )


def stored_content(session: Session, code: str, version: PolicyVersion) -> Content:
    """Return what a stored version says, as it is compared; organisations by their codes."""
    rows = session.execute(
        select(Measure.code, MeasureVersion)
        .join(Measure, Measure.id == MeasureVersion.measure_id)
        .where(MeasureVersion.policy_version_id == version.id)
    )
    codes = organisation_codes(session)
    measures = {
        measure: {
            **row.definition,
            "workflow_hash": row.workflow_hash,
            "children": row.children,
            "organisations": named(row.organisations, codes),
        }
        for measure, row in rows
    }
    return Content(f"{code}/{version.version}", version.definition, measures, version.text)


def organisation_codes(session: Session) -> dict[int, str]:
    """Return the code of every public body by its id."""
    query = select(Organisation.id, Organisation.code).where(Organisation.code.is_not(None))
    return {number: str(code) for number, code in session.execute(query)}


def named(organisations: Any, codes: Mapping[int, str]) -> Any:
    """Return a measure's organisations with codes where they have ids."""
    if isinstance(organisations, Mapping):
        return {key: named(value, codes) for key, value in organisations.items()}
    if isinstance(organisations, list):
        return [named(value, codes) for value in organisations]
    return codes.get(organisations, organisations)


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


def measure_codes(session: Session) -> dict[int, str]:
    """Return the code of every measure by its id."""
    rows = session.execute(select(Measure.id, Measure.code))
    return {row.id: row.code for row in rows}


def measure_ids(session: Session, codes: Sequence[str]) -> list[int]:
    """Return the ids of the measures with these codes.

    Raises:
        NotFound: there is no measure of one of them.
    """
    known = {code: number for number, code in measure_codes(session).items()}
    for code in codes:
        if code not in known:
            raise NotFound(f"没有措施 {code!r}。")
    return [known[code] for code in codes]
