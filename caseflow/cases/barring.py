"""Whether a bar keeps an act from happening: submission, plan and payment are refused."""

from datetime import datetime
from typing import Final

from caseflow.cases.reading import Reading
from caseflow.funds.bars.queries import bars_of
from caseflow.kernel.bars import refuse_barred
from caseflow.kernel.calendar import local_date
from caseflow.kernel.workflow.machine import Decision, Move
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.money_words import PAYS

PLAN: Final = "planned_fen"


def refuse_barred_act(
    reading: Reading, workflow: Workflow, decision: Decision, at: datetime
) -> None:
    """Refuse what would submit a case of a barred organisation, plan money for it or pay it.

    Raises:
        NotAllowed: a bar holds on the day of `at`; the words name it.
    """
    if not reading.bars or reading.recovery is not None:
        return
    submits = (
        reading.submitted_at is None
        and reading.state == workflow.initial != decision.state
        and workflow.states[decision.state].end is None
    )
    if submits or any(_gives(move) for move in decision.moves):
        refuse_barred(bars_of(reading.bars), local_date(at))


def _gives(move: Move) -> bool:
    return PLAN in move.step.requires or not PAYS.isdisjoint(move.step.effects)
