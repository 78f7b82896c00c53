"""What a new version would do to the running cases: case by case, before anything is written."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.versions.assessing import Assessment, Prospect, Target
from caseflow.catalogue.pinned import MeasureInfo, Pinned
from caseflow.deadlines.queries import load_calendar
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.succession import MovePlan

BATCH: Final = 200
LIVE: Final = """
    SELECT c.id FROM "case" c JOIN measure m ON m.id = c.measure_id
    WHERE m.policy_id = %(policy)s AND c.outcome IS NULL
      AND (%(measures)s::bigint[] IS NULL OR c.measure_id = ANY(%(measures)s)) ORDER BY c.id
"""

Progress = Callable[[str], None]
Key = tuple[str, str, str]
"""A measure, the hash of a workflow, a state: cases of the same key fare alike."""


@dataclass(frozen=True)
class CaseProspect:
    """One case in a dry run."""

    case: str
    number: str
    measure: str
    state: str
    state_title: str
    version: int
    assessment: Assessment


@dataclass(frozen=True)
class Assessed:
    """A case as it was read, with what the new version does to it.

    `prospect` is None where the new version has no workflow for it.
    """

    reading: Reading
    measure: MeasureInfo
    workflow: Workflow
    prospect: Prospect | None
    assessment: Assessment

    @property
    def key(self) -> Key:
        """Return what cases that fare alike share."""
        return self.measure.code, self.reading.workflow_hash, self.reading.state

    @property
    def would_be_stranded(self) -> bool:
        """Return whether it could not move, be it that it stays by the plan."""
        return self.prospect is None or bool(self.prospect.faults)

    def line(self) -> CaseProspect:
        """Return what people see of it."""
        state = self.reading.state
        return CaseProspect(
            case=self.reading.public_id,
            number=self.reading.number,
            measure=self.measure.code,
            state=state,
            state_title=self.workflow.states[state].title,
            version=self.reading.head_seq,
            assessment=self.assessment,
        )


class Targets:
    """Where the cases of each measure would go: the versions, by measure id."""

    def __init__(
        self,
        measures: Mapping[str, MeasureInfo],
        workflow: Callable[[str], Workflow],
        ends_on: Any,
    ) -> None:
        self.measures, self._workflow, self._ends_on = measures, workflow, ends_on

    def of(self, code: str, child_kind: str | None) -> Target | None:
        """Return the target of a case of the measure `code`; None where there is none any more."""
        measure = self.measures.get(code)
        if measure is None:
            return None
        found = measure.workflow_hash if child_kind is None else measure.children.get(child_kind)
        if found is None:
            return None
        return Target(measure, self._workflow(found), found, self._ends_on)

    def changes(self, pinned: MeasureInfo, target: Target | None, workflow_hash: str) -> bool:
        """Return whether anything of the version concerns a case at all."""
        if target is None:
            return True
        new = target.measure
        return (
            target.workflow_hash != workflow_hash
            or new.definition != pinned.definition
            or new.organisations != pinned.organisations
        )


def live_cases(
    connection: Any, policy_id: int, measure_ids: Sequence[int] | None = None
) -> list[int]:
    """Return the ids of the running cases of a policy, of some of its measures only."""
    wanted = {"policy": policy_id, "measures": None if measure_ids is None else list(measure_ids)}
    return [row[0] for row in connection.execute(LIVE, wanted).fetchall()]


def assess(
    connection: Any,
    case_ids: Sequence[int],
    targets: Targets,
    plans: Mapping[str, MovePlan],
    *,
    pinned: Pinned,
    at: datetime,
    progress: Progress = lambda _: None,
    always: bool = False,
) -> Iterator[Assessed]:
    """Yield what becomes of each case that the new version concerns; they are locked meanwhile.

    `always`: also of those for which nothing but the version's number changes.
    """
    calendar = load_calendar(connection)
    asker = Asker(0, at)
    for first in range(0, len(case_ids), BATCH):
        for reading in read_locked(connection, list(case_ids[first : first + BATCH]), asker):
            measure = pinned.measure(connection, reading.measure_version_id)
            old = pinned.runner(connection, reading.workflow_hash).workflow
            target = targets.of(measure.code, reading.child_kind)
            progress(reading.number)
            if always or targets.changes(measure, target, reading.workflow_hash):
                plan = plans.get(measure.code, MovePlan())
                yield _assessed(reading, measure, old, target, plan, calendar=calendar, at=at)


def _assessed(
    reading: Reading,
    measure: MeasureInfo,
    old: Workflow,
    target: Target | None,
    plan: MovePlan,
    *,
    calendar: Any,
    at: datetime,
) -> Assessed:
    if target is not None:
        prospect = Prospect(reading, old, target, plan, calendar=calendar, at=at)
        return Assessed(reading, measure, old, prospect, prospect.assessment())
    what = "本条款" if reading.child_kind is None else "这种子办件的流程"
    lost = Assessment("stranded", reading.state, reading.state, (f"新版本没有{what}",))
    found = replace(lost, result="stays") if plan.stays(reading.state) else lost
    return Assessed(reading, measure, old, None, found)


def counted(assessed: Sequence[Assessed]) -> dict[str, dict[str, int]]:
    """Return for each measure how many cases stay, may move, would be stranded."""
    found: dict[str, Counter[str]] = {}
    for each in assessed:
        found.setdefault(each.measure.code, Counter())[each.assessment.result] += 1
    return {
        code: {name: counts[name] for name in ("stays", "moves", "stranded")}
        for code, counts in sorted(found.items())
    }
