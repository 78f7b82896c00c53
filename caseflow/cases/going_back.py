"""退回 only to where the case has been; 拿回 only one's own last step, while nobody has acted."""

from typing import Any, Final

from caseflow.cases.reading import Reading
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.vocabulary import GOES_BACK, SEND_BACK

PASSED: Final = "SELECT FROM event WHERE stream = %s AND to_state = %s LIMIT 1"
LAST: Final = """
    SELECT actor_id, acting_for_id, from_state, to_state FROM event WHERE stream = %s AND seq = %s
"""


def refuse_road(connection: Any, reading: Reading, move: Move, actor_id: int) -> None:
    """Let a case go back only along the road it came; other acts ask nothing.

    Raises:
        InvalidInput: it has never been where it is to be sent back to.
        NotAllowed: the last step was another's. Conflict: somebody has acted on it already.
    """
    if set(GOES_BACK).isdisjoint(move.step.effects):
        return
    if SEND_BACK in move.step.effects:
        if connection.execute(PASSED, (reading.id, move.target)).fetchone() is None:
            words = f"办件未经过 {move.target!r}，不能退回。"
            raise InvalidInput(words, fields={"return_to": "未经过"})
        return
    actor, acting_for, source, target = connection.execute(
        LAST, (reading.id, reading.head_seq)
    ).fetchone()
    if (source, target) != (move.target, reading.state):
        raise Conflict("上一步之后已有办理，不能拿回。")
    if actor_id not in {actor, acting_for}:
        raise NotAllowed("上一步不是您办理的，不能拿回。")
