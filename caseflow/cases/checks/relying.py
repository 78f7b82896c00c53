"""On which checks a decision rests: the facts its guards read, and what is written of it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.reading import Reading
from caseflow.cases.statement import Writes
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import POINTS, Known, explained, relied_on, standing
from caseflow.kernel.errors import GuardFailed
from caseflow.kernel.workflow.check_words import CHECK_GUARDS, CHECKS_AT, REFUSALS
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Step, Workflow
from caseflow.reviews.checks.part import CHECK_USES

CHECKS: Final = "checks"


def check_facts(reading: Reading, workflow: Workflow, today: date) -> dict[str, Any]:
    """Return how the case stands today at each point (受理、公示前、拨付前)."""
    return {
        CHECKS_AT + point: standing(workflow.checks.get(point, ()), reading.known, today)
        for point in POINTS
    }


def point_of(step: Step) -> str | None:
    """Return the point whose checks a step asks for, None where it asks for none."""
    for guard in step.guards:
        if guard in CHECK_GUARDS:
            return guard.rpartition("_")[0]
    return None


def told(act: Act, move: Move) -> dict[str, Any]:
    """Return what an event says of the checks it rests on: id, kind, result, last day, snapshot."""
    used = [
        [check.check, check.kind, check.result, check.valid_until.isoformat(), check.sha256]
        for check in _used(act, move)
    ]
    return {CHECKS: used} if used else {}


def add_uses(act: Act, writes: Writes, seq: int, move: Move) -> None:
    """Write where each check was used: the case, the event, the point."""
    point = point_of(move.step)
    for check in _used(act, move):
        row = {"case_id": act.case_id, "seq": seq, "check_id": check.id, "point": point}
        writes.add(CHECK_USES, row)


def _used(act: Act, move: Move) -> list[Known]:
    point = point_of(move.step)
    if point is None:
        return []
    kinds = act.workflow.checks.get(point, ())
    return relied_on(kinds, act.reading.known, local_date(act.at))


def with_reasons(
    error: GuardFailed, reading: Reading, workflow: Workflow, at: datetime
) -> GuardFailed:
    """Return a refusal for want of checks with each veto and each missing check in words."""
    points = [REFUSALS[each] for each in error.failed if each in REFUSALS]
    if not points:
        return error
    kinds: Iterable[str] = workflow.checks.get(points[0], ())
    words = explained(kinds, reading.known, local_date(at))
    message = f"{error.message}{'；'.join(words)}。"
    refused = GuardFailed(message, allowed=error.allowed, failed=[*error.failed, *words])
    refused.details["checks"] = words
    return refused
