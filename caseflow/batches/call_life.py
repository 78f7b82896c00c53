"""What moves calls without anybody's hand: review at closing, release, settlement, the archive.

The database's own questions (`call_is_released`, `call_is_settled`) say which calls are due; its
trigger asks them again.
"""

from datetime import date
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from caseflow.catalogue.calls.service import Mover, move
from caseflow.catalogue.models import Call
from caseflow.kernel.calendar import local_date

ARCHIVED_AFTER: Final = 30
"""Days from settlement to the archive. 惯例（手册§2.2，D）"""
DUE: Final = text("""
    SELECT k.id, CASE
        WHEN k.status = 'settled' THEN CASE
            WHEN (k.moved_at AT TIME ZONE 'Asia/Shanghai')::date + :days <= :on THEN 'archived' END
        WHEN k.status = 'released' THEN CASE WHEN call_is_settled(k.id) THEN 'settled' END
        WHEN k.status = 'publicity' THEN CASE WHEN call_is_released(k.id) THEN 'released' END
        WHEN k.status = 'closed' AND k.procedure = 'batch' AND k.published_by IS NOT NULL
            THEN 'reviewing'
        WHEN EXISTS (SELECT FROM "case" c WHERE c.call_id = k.id) THEN CASE
            WHEN call_is_settled(k.id) THEN 'settled' END
        WHEN k.status IN ('closed', 'reviewing') AND k.closes_on + :days <= :on THEN 'archived'
        END AS status
    FROM call k
    WHERE k.status IN ('closed', 'reviewing', 'plan_approved', 'publicity', 'released', 'settled')
    ORDER BY k.id FOR UPDATE OF k SKIP LOCKED
""")


def move_due_calls(session: Session, mover: Mover) -> int:
    """Move every call that is due at the mover's instant as far as it goes; how many steps."""
    steps = 0
    while moved := _step(session, local_date(mover.at), mover):
        steps += moved
    return steps


def _step(session: Session, on: date, mover: Mover) -> int:
    rows = session.execute(DUE, {"days": ARCHIVED_AFTER, "on": on}).all()
    due = {row.id: row.status for row in rows if row.status is not None}
    for call in session.scalars(select(Call).where(Call.id.in_(due)).order_by(Call.id)):
        move(session, call, due[call.id], mover)
    return len(due)
