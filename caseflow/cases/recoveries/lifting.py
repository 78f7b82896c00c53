"""What a recovery does to the case that it is about: the paid case is locked, and told of the end.

The trigger `recovery_ends_its_hold` lifts `clawback_open` with the event that ends the recovery;
the history of the paid case says so too, so that whoever reads it sees why payments go on.
"""

from typing import Any, Final

from caseflow.cases.acting import Act, Office
from caseflow.cases.reading import Asker, read_locked
from caseflow.cases.recoveries.holding import HOLD
from caseflow.cases.remarks import add_remarks
from caseflow.cases.statement import Writes
from caseflow.history.part import Draft
from caseflow.kernel.recovery import RECOVERY

ENDED: Final = "recovery_ended"
RECEIVES: Final = frozenset({"record_receipt", "record_offset"})


def touches_paid_case(act: Act) -> bool:
    """Return whether the act is of a recovery and writes to the paid case: a receipt, its end."""
    if act.reading.child_kind != RECOVERY:
        return False
    effects = {effect for move in act.decision.moves for effect in move.step.effects}
    return bool(RECEIVES & effects) or _ends(act)


def tell_paid_case(connection: Any, act: Act, writes: Writes, office: Office) -> None:
    """Lock the paid case, before its recovery is written, and remark there that the hold is lifted.

    Inside the caller's transaction. Everybody locks the paid case first: it has the lower id.
    """
    if not touches_paid_case(act):
        return
    (paid,) = read_locked(connection, [act.reading.parent_id], Asker(act.actor_id, act.at))
    if not _ends(act) or HOLD not in (paid.holds or []):
        return
    payload = {
        "recovery": act.reading.number,
        "outcome": act.workflow.states[act.decision.state].end,
        "hold_kind": HOLD,
    }
    draft = Draft(
        name=ENDED,
        actor_id=act.actor_id,
        at=act.at,
        payload=payload,
        seat=act.seat,
        from_state=paid.state,
        to_state=paid.state,
        workflow_hash=paid.workflow_hash,
    )
    add_remarks(writes, paid, [draft], office.signer)


def _ends(act: Act) -> bool:
    return act.workflow.states[act.decision.state].end is not None
