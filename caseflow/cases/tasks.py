"""The tasks of a case as a decision finds them: who has answered and who is waited for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from caseflow.kernel.workflow.model import IN_ORDER, SEAT_MARK, Workflow
from caseflow.kernel.workflow.vocabulary import SEATS

OPEN, WAITING, DONE, CANCELLED, SILENT = "open", "waiting", "done", "cancelled", "silent"
UNANSWERED: Final = frozenset({OPEN, WAITING})


class SeatTask(NamedTuple):
    """A task as read with its case; instants are ISO text."""

    id: int
    seat: str
    role: str
    state: str
    organisation_id: int
    status: str
    verdict: str | None
    round: int
    clock: str | None
    waits_for: str | None
    added_seq: int | None
    claimant_id: int | None
    claimed_at: str | None
    claimant_name: str | None
    helper_id: int | None
    handed_seq: int | None
    urged_at: str | None

    @property
    def is_unanswered(self) -> bool:
        """Return whether the case still waits for it."""
        return self.status in UNANSWERED

    def row(self, case_id: int) -> dict[str, Any]:
        """Return what may change of it, as a row of its part."""
        return {"case_id": case_id, **self._asdict()}


TASK_COLUMNS: Final = ", ".join(
    "p.name" if name == "claimant_name" else f"t.{name}" for name in SeatTask._fields
)
"""The columns of a task `t` and its claimant `p`, in the order of `SeatTask`."""


def present(tasks: list[SeatTask], state: str) -> list[SeatTask]:
    """Return the tasks of the case's present stay in `state`, those of earlier stays left out."""
    here = [task for task in tasks if task.state == state]
    last = max([task.round for task in here], default=0)
    return [task for task in here if task.round == last]


def holders(workflow: Workflow, state: str, parties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each task that `state` opens; of seats that answer in turn only the first is open."""
    return list(_holders(workflow, state, parties))


def _holders(
    workflow: Workflow, state: str, parties: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    definition, before = workflow.states[state], None
    for name in definition.holders:
        if name == "system":
            continue
        seat = SEATS[name]
        yield {
            "seat": name,
            "role": seat.role,
            "organisation_id": parties[seat.party],
            "status": WAITING if before else OPEN,
            "clock": clock_of_seat(workflow, state, name),
            "waits_for": before,
        }
        before = name if definition.decide == IN_ORDER else None


def clock_of_seat(workflow: Workflow, state: str, seat: str) -> str | None:
    """Return the clock that `seat` works against in `state`: its own where several decide."""
    definition = workflow.states[state]
    own = definition.clock is not None and definition.decide is not None
    return f"{definition.clock}{SEAT_MARK}{seat}" if own else definition.clock
