"""How a case stands at the three points of its checks, for people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from caseflow.cases.reading import Reading
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import (
    KINDS,
    POINTS,
    RESULTS,
    STANDINGS,
    explained,
    relied_on,
    standing,
)
from caseflow.kernel.workflow.model import Workflow


@dataclass(frozen=True)
class PointView:
    """How a case stands at one point today, what is in the way, and what still counts."""

    point: str
    title: str
    kinds: tuple[str, ...]
    kind_titles: tuple[str, ...]
    standing: str
    standing_title: str
    reasons: tuple[str, ...]
    valid: tuple[str, ...]


def points_of(reading: Reading, workflow: Workflow, at: datetime) -> tuple[PointView, ...]:
    """Return how the case stands at `at` at the three points."""
    today = local_date(at)
    return tuple(_point(point, workflow.checks.get(point, ()), reading, today) for point in POINTS)


def _point(point: str, kinds: Collection[str], reading: Reading, today: date) -> PointView:
    found = standing(kinds, reading.known, today)
    return PointView(
        point=point,
        title=POINTS[point],
        kinds=tuple(kinds),
        kind_titles=tuple(KINDS[kind].title for kind in kinds),
        standing=found,
        standing_title=STANDINGS[found],
        reasons=tuple(explained(kinds, reading.known, today)),
        valid=tuple(
            f"{KINDS[each.kind].title}：{RESULTS[each.result]}（有效至 {each.valid_until}）"
            for each in relied_on(kinds, reading.known, today)
        ),
    )
