"""The quotas (名额) that bind a case: of its call, of the year, of its enterprise's year."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseflow.cases.reading import Reading
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.kernel.calendar import local_date
from caseflow.kernel.workflow.model import Workflow

RECORD: Final = "record_rank"
YEAR, ENTERPRISE_YEAR = "year", "enterprise_year"


@dataclass(frozen=True)
class Counter:
    """One counter a place draws on: its key, what it counts over, how many it lets in."""

    key: str
    kind: str
    quota: int


def places_of(
    reading: Reading, measure: MeasureInfo, workflow: Workflow, at: datetime
) -> tuple[Counter, ...]:
    """Return the counters of a case that is shortlisted at `at`, the call's first.

    The year is that of the shortlist. 手册§4.3: 名额按当年批次，在入围时计。 What those had whose
    rights the applicant has (承继) is taken off its own number.
    """
    found = []
    size = shortlist_size(workflow)
    own = reading.judging.places.quota if reading.judging.places else None
    if reading.call_id is not None and size is not None:
        quota = size if own is None else min(own, size)
        found.append(Counter(f"call:{reading.call_id}", "call", quota))
    stated = measure.definition.get("quota")
    year = local_date(at).year
    whole = f"year:{measure.measure_id}:{year}"
    if stated and stated["per"] == YEAR:
        found.append(Counter(whole, YEAR, stated["number"]))
    elif stated and stated["per"] == ENTERPRISE_YEAR:
        left = max(0, stated["number"] - _had_before(reading, measure, year))
        key = _enterprise_key(measure, reading.applicant_id, year)
        found.append(Counter(key, ENTERPRISE_YEAR, left))
    return tuple(found)


def _enterprise_key(measure: MeasureInfo, organisation_id: int, year: int) -> str:
    return f"enterprise:{measure.measure_id}:{organisation_id}:{year}"


def _had_before(reading: Reading, measure: MeasureInfo, year: int) -> int:
    """Return how many places of the year the applicant's predecessors have."""
    places = reading.judging.places
    if places is None:
        return 0
    keys = (_enterprise_key(measure, each, year) for each in places.predecessors)
    return sum(places.taken.get(key, 0) for key in keys)


def shortlist_size(workflow: Workflow) -> int | None:
    """Return the last rank that a workflow lets in, None where it does not rank."""
    return next(
        (
            int(test.value)
            for step in workflow.steps.values()
            if step.event == RECORD
            for branch in step.branches
            for test in branch.when
            if test.fact == "rank" and test.op == "at_most"
        ),
        None,
    )
