"""A version that is not published yet: what the files say now, compiled, beside what is current."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.publications.dry_run import Targets
from caseflow.catalogue import queries, seating
from caseflow.catalogue.cities import City, read_cities
from caseflow.catalogue.compiling import compile_policy
from caseflow.catalogue.differences import Content, Difference, MeasureChanges, compare
from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policy
from caseflow.catalogue.measures import Measure as MeasureFile
from caseflow.catalogue.models import Measure, Policy, PolicyVersion
from caseflow.catalogue.outlines import workflow_changes
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.catalogue.places import policy_folders
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.versions import Workflows, digest
from caseflow.kernel.errors import NotFound
from caseflow.kernel.workflow.model import Workflow

SUBSTANCE: Final = frozenset({"scope", "overlap", "split", "effective_from", "effective_to"})
"""What a policy says for all its measures; the rest of it is its number, its words, its annex."""
PROCEDURE: Final = ("workflow", "workflow_hash", "children", "organisations")
"""What of a measure is procedure: the law of a case does not change by it. (手册 5.4)"""


@dataclass(frozen=True)
class Candidate:
    """What would be published: the files of a policy, compiled under their city."""

    files: PolicyFiles
    workflows: Workflows
    city: City

    @property
    def content(self) -> str:
        """Return the hash that a version of it has."""
        return digest(self.files, self.workflows, self.city)

    def by_hash(self) -> dict[str, Workflow]:
        """Return every compiled workflow by its hash."""
        return {each.hash: each for some in self.workflows.values() for each in some.values()}


@dataclass(frozen=True)
class Comparison:
    """How a candidate differs from the current version.

    `workflows` has, by measure (and child: `QD26-7a/recovery`), what differs in states, events and
    limits; `touched` are the measures whose law, not only procedure, is another.
    """

    difference: Difference
    workflows: tuple[MeasureChanges, ...]
    touched: tuple[str, ...]


def read_candidate(root: Path, code: str) -> Candidate:
    """Return what the files below `root` say of a policy.

    Raises:
        NotFound: no such policy, or no file of its city. DefinitionError: the files are wrong.
    """
    folders = {folder.name: folder for folder in policy_folders(root)}
    if code not in folders:
        raise NotFound(f"没有政策 {code!r} 的文件。")
    files, cities = read_policy(folders[code]), read_cities(root)
    if files.policy.city not in cities:
        raise NotFound(f"There is no city {files.policy.city!r} in policies/cities/.")
    library = load_library(root / "workflows")
    return Candidate(files, compile_policy(files, library), cities[files.policy.city])


def targets_of(session: Session, candidate: Candidate) -> Targets:
    """Return where running cases would go, were the candidate published.

    Raises:
        NotFound: an organisation of the city is not loaded.
    """
    known: dict[str, int] = dict(session.execute(select(Measure.code, Measure.id)).all())
    numbers = seating.organisation_ids(session, candidate.city)
    measures = {
        each.id: _info(candidate, each, known.get(each.id, 0), numbers)
        for each in candidate.files.measures
    }
    workflows = candidate.by_hash()
    return Targets(measures, workflows.__getitem__, candidate.files.policy.effective_to)


def _info(
    candidate: Candidate, measure: MeasureFile, number: int, organisations: Mapping[str, int]
) -> MeasureInfo:
    """Return a measure as its stored version would be read; its ids are not given yet."""
    record, flows = _plain(candidate.files.policy.to_data()), candidate.workflows[measure.id]
    prefix = f"{measure.id}/"
    return MeasureInfo(
        version_id=0,
        measure_id=number,
        policy_version_id=0,
        code=measure.id,
        title=measure.title,
        family=measure.family,
        workflow_hash=flows[measure.id].hash,
        children={
            name.removeprefix(prefix): each.hash
            for name, each in flows.items()
            if name.startswith(prefix)
        },
        organisations=seating.organisations_of(measure, candidate.city, organisations),
        definition=_plain(measure.to_data()),
        policy_split=record["split"],
        policy=candidate.files.policy.code,
        city=candidate.files.policy.city,
        policy_overlap=record["overlap"],
    )


def current_version(session: Session, code: str) -> PolicyVersion | None:
    """Return the current version of a policy, None before the first."""
    query = select(PolicyVersion).join(Policy, Policy.id == PolicyVersion.policy_id)
    return session.scalars(query.where(Policy.code == code, PolicyVersion.current)).one_or_none()


def compare_with(session: Session, before: PolicyVersion, candidate: Candidate) -> Comparison:
    """Return how the candidate differs from the version that is current."""
    code = candidate.files.policy.code
    old, new = queries.stored_content(session, code, before), _content(session, candidate)
    return Comparison(
        difference=compare(old, new),
        workflows=_workflows(session, old, candidate),
        touched=touched(old, new),
    )


def _content(session: Session, candidate: Candidate) -> Content:
    codes = queries.organisation_codes(session)
    infos = targets_of(session, candidate).measures
    measures = {
        code: {
            **info.definition,
            "workflow_hash": info.workflow_hash,
            "children": dict(info.children),
            "organisations": queries.named(info.organisations, codes),
        }
        for code, info in infos.items()
    }
    files = candidate.files
    return Content(f"{files.policy.code}/新", _plain(files.policy.to_data()), measures, files.text)


def _workflows(session: Session, old: Content, candidate: Candidate) -> tuple[MeasureChanges, ...]:
    """Return the changes of every workflow that both have."""
    found = []
    for code in sorted(old.measures.keys() & candidate.workflows.keys()):
        hashes = {code: old.measures[code]["workflow_hash"]}
        hashes |= {f"{code}/{kind}": h for kind, h in old.measures[code]["children"].items()}
        for name, new in candidate.workflows[code].items():
            if name in hashes and hashes[name] != new.hash:
                before = queries.workflow(session, hashes[name])
                found.append(MeasureChanges(name, workflow_changes(before, new)))
    return tuple(found)


def touched(before: Content, after: Content) -> tuple[str, ...]:
    """Return the measures whose law differs: dropped, worded anew, or under other general rules."""
    old, new = before.measures, after.measures
    if any(before.policy.get(key) != after.policy.get(key) for key in SUBSTANCE):
        return tuple(sorted(old))
    return tuple(
        sorted(code for code in old if code not in new or _law(old[code]) != _law(new[code]))
    )


def _law(measure: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in measure.items() if key not in PROCEDURE}


def _plain(data: Any) -> Any:
    """Return data as a row of the database gives it back."""
    return json.loads(json.dumps(data))
