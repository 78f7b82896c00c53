"""One act on one case, decided: everything that its rows are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from caseflow.cases.checks.asking import NO_SOURCES, SourceBook
from caseflow.cases.desk import Desk
from caseflow.cases.reading import Reading
from caseflow.cases.timekeeping import Timekeeper
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.history.part import Signer
from caseflow.kernel.workflow.machine import Decision, Move
from caseflow.kernel.workflow.model import Workflow
from caseflow.notifications.rules import NoticeBook


class Act(NamedTuple):
    """One act on one case, decided: everything that its rows are made of."""

    reading: Reading
    workflow: Workflow
    measure: MeasureInfo
    decision: Decision
    timekeeper: Timekeeper
    actor_id: int
    system_id: int
    seat: str
    at: datetime
    desk: Desk
    acting_for_id: int | None = None
    request_id: str | None = None
    request_hash: bytes | None = None

    @property
    def case_id(self) -> int:
        """Return the case's id."""
        return int(self.reading.id)

    def numbered(self) -> Iterator[tuple[int, Move]]:
        """Yield each move with the number of its event."""
        return enumerate(self.decision.moves, start=self.reading.head_seq + 1)


@dataclass(frozen=True)
class Office:
    """What all acts of a process share."""

    signer: Signer
    notices: NoticeBook
    system_id: int
    files: Path
    sources: SourceBook = NO_SOURCES
