"""Appending to the streams that are not cases: policies, publicities, calendars."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.database.parts import packed
from caseflow.history.part import COLUMNS, RECORD, VALUES, Draft, Signer, chained
from caseflow.kernel.event_bytes import GENESIS

INSERT = text(
    f"INSERT INTO event ({COLUMNS})"
    f" SELECT {VALUES} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r {RECORD}".replace(
        "::", "\\:\\:"
    )
)
HEAD = text("SELECT seq, hash FROM stream WHERE id = :id FOR NO KEY UPDATE")
FIRST = text("INSERT INTO stream (id, seq, hash) VALUES (:id, 0, :hash) ON CONFLICT DO NOTHING")
MOVE = text("UPDATE stream SET seq = :seq, hash = :hash WHERE id = :id")


def append(
    session: Session, *, stream: int, name: str, actor_id: int, payload: Mapping[str, Any],
    at: datetime, signer: Signer, request_id: str | None = None,
) -> int:  # fmt: skip
    """Append one event to `stream` in the session's transaction and return its number.

    Raises:
        sqlalchemy.exc.IntegrityError: the actor has used `request_id` before.
    """
    session.flush()
    session.execute(FIRST, {"id": stream, "hash": GENESIS})
    seq, head = session.execute(HEAD, {"id": stream}).one()
    draft = Draft(name=name, actor_id=actor_id, at=at, payload=payload, request_id=request_id)
    rows = chained([draft], stream=stream, seq=seq, head=head, signer=signer)
    session.execute(INSERT, {"rows": packed(rows).decode()})
    moved = {"id": stream, "seq": seq + 1, "hash": bytes.fromhex(rows[0]["hash"])}
    session.execute(MOVE, moved)
    return int(seq) + 1
