"""Appending to the streams that are not cases: policies, publicities, calendars."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.database.parts import packed
from caseflow.history.part import COLUMNS, RECORD, VALUES, Draft, Signer, chained
from caseflow.kernel.errors import RequestReused
from caseflow.kernel.event_bytes import GENESIS, canonical

INSERT = text(
    f"INSERT INTO event ({COLUMNS})"
    f" SELECT {VALUES} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r {RECORD}".replace(
        "::", "\\:\\:"
    )
)
HEAD = text("SELECT seq, hash FROM stream WHERE id = :id FOR NO KEY UPDATE")
FIRST = text("INSERT INTO stream (id, seq, hash) VALUES (:id, 0, :hash) ON CONFLICT DO NOTHING")
MOVE = text("UPDATE stream SET seq = :seq, hash = :hash WHERE id = :id")
TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:actor || ' ' || :request, 0))")
REPEATED = text("""
    SELECT request_hash, payload FROM event
    WHERE actor_id = CAST(:actor AS bigint) AND request_id = :request
""")


@dataclass(frozen=True)
class Asked:
    """A request that may come twice: its id, and the hash of what it asks for."""

    id: str
    hash: bytes


def asked(request_id: str | None, body: Any) -> Asked | None:
    """Return the request with the hash of `body` (JSON data), None where it has no id."""
    if request_id is None:
        return None
    return Asked(request_id, hashlib.sha256(canonical(body)).digest())


def first_answer(session: Session, actor_id: int, request: Asked | None) -> dict[str, Any] | None:
    """Return the payload of the event that this request made before, None for a new request.

    The same request at the same time waits here until the other is over.

    Raises:
        RequestReused: the actor used the request's id before for something else.
    """
    if request is None:
        return None
    named = {"actor": str(actor_id), "request": request.id}
    session.execute(TURN, named)
    row = session.execute(REPEATED, named).one_or_none()
    if row is None:
        return None
    if row.request_hash is None or bytes(row.request_hash) != request.hash:
        raise RequestReused(f"请求号 {request.id!r} 已用于另一请求。")
    payload: dict[str, Any] = row.payload
    return payload


def append(
    session: Session, *, stream: int, name: str, actor_id: int, payload: Mapping[str, Any],
    at: datetime, signer: Signer, request_id: str | None = None,
) -> int:  # fmt: skip
    """Append one event to `stream` in the session's transaction and return its number.

    Raises:
        sqlalchemy.exc.IntegrityError: the actor has used `request_id` before.
    """
    draft = Draft(name=name, actor_id=actor_id, at=at, payload=payload, request_id=request_id)
    return append_draft(session, draft, stream=stream, signer=signer)


def append_draft(session: Session, draft: Draft, *, stream: int, signer: Signer) -> int:
    """Append an event that says more: in which seat, on which request; returns its number.

    Raises:
        As `append`.
    """
    session.flush()
    session.execute(FIRST, {"id": stream, "hash": GENESIS})
    seq, head = session.execute(HEAD, {"id": stream}).one()
    rows = chained([draft], stream=stream, seq=seq, head=head, signer=signer)
    session.execute(INSERT, {"rows": packed(rows).decode()})
    moved = {"id": stream, "seq": seq + 1, "hash": bytes.fromhex(rows[0]["hash"])}
    session.execute(MOVE, moved)
    return int(seq) + 1
