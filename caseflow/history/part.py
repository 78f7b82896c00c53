"""Events: how they are made, chained and written. Only this folder writes them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from caseflow.database.parts import Part
from caseflow.kernel.event_bytes import (
    ALGORITHM,
    EventFacts,
    authenticate,
    canonical,
    chain,
    commit,
    encode,
)

SALT_BYTES = 16


@dataclass(frozen=True)
class Signer:
    """The key of the rows' MACs and its name."""

    key: bytes
    key_id: str


@dataclass(frozen=True)
class Place:
    """Where somebody sits who acts outside a case: an organisation, and the role there."""

    organisation_id: int
    role: str


class Draft(NamedTuple):
    """An event before it is chained."""

    name: str
    actor_id: int
    at: datetime
    payload: Mapping[str, Any]
    seat: str | None = None
    organisation_id: int | None = None
    from_state: str | None = None
    to_state: str | None = None
    workflow_hash: str | None = None
    guards: Sequence[str] = ()
    request_id: str | None = None
    request_hash: bytes | None = None
    cause_seq: int | None = None
    acting_for_id: int | None = None

    def seated(self, place: Place | None) -> "Draft":
        """Return it with the seat in which it is done; None: the system's, or nobody's seat."""
        if place is None:
            return self
        return self._replace(seat=place.role, organisation_id=place.organisation_id)


def chained(
    drafts: Sequence[Draft], *, stream: int, seq: int, head: bytes, signer: Signer
) -> list[dict[str, Any]]:
    """Return the rows of `drafts` that follow event `seq` with hash `head` on `stream`."""
    rows = []
    for draft in drafts:
        seq += 1
        row = _row(draft, stream=stream, seq=seq, head=head, signer=signer)
        head = bytes.fromhex(row["hash"])
        rows.append(row)
    return rows


def _row(draft: Draft, *, stream: int, seq: int, head: bytes, signer: Signer) -> dict[str, Any]:
    salt = os.urandom(SALT_BYTES)
    facts = EventFacts(
        stream=stream,
        seq=seq,
        at=draft.at.astimezone(UTC).isoformat(timespec="microseconds"),
        name=draft.name,
        actor_id=draft.actor_id,
        acting_for_id=draft.acting_for_id,
        seat=draft.seat,
        organisation_id=draft.organisation_id,
        from_state=draft.from_state,
        to_state=draft.to_state,
        workflow_hash=draft.workflow_hash,
        guards=",".join(draft.guards),
        request_id=draft.request_id,
        payload_commitment=commit(salt, canonical(draft.payload)),
    )
    body = encode(facts)
    digest = chain(head, body)
    return {
        "stream": stream,
        "seq": seq,
        "cause_seq": draft.cause_seq,
        "at": facts.at,
        "name": draft.name,
        "actor_id": draft.actor_id,
        "acting_for_id": draft.acting_for_id,
        "seat": draft.seat,
        "organisation_id": draft.organisation_id,
        "from_state": draft.from_state,
        "to_state": draft.to_state,
        "workflow_hash": draft.workflow_hash,
        "guards": list(draft.guards),
        "payload": draft.payload,
        "salt": salt.hex(),
        "request_id": draft.request_id,
        "request_hash": draft.request_hash.hex() if draft.request_hash else None,
        "body": body.hex(),
        "prev_hash": head.hex(),
        "hash": digest.hex(),
        "mac": authenticate(signer.key, digest).hex(),
        "key_id": signer.key_id,
    }


COLUMNS = (
    "stream, seq, cause_seq, at, name, actor_id, acting_for_id, seat, organisation_id, from_state,"
    " to_state, workflow_hash, guards, payload, salt, request_id, request_hash, body, prev_hash,"
    " hash, mac, key_id, algorithm"
)
RECORD = (
    "(stream bigint, seq int, cause_seq int, at timestamptz, name text, actor_id bigint,"
    " acting_for_id bigint, seat text, organisation_id bigint, from_state text, to_state text,"
    " workflow_hash text,"
    " guards jsonb, payload jsonb, salt text, request_id text, request_hash text, body text,"
    " prev_hash text, hash text, mac text, key_id text)"
)
VALUES = (
    "r.stream, r.seq, r.cause_seq, r.at, r.name, r.actor_id, r.acting_for_id, r.seat,"
    " r.organisation_id,"
    " r.from_state, r.to_state, r.workflow_hash, r.guards, r.payload, decode(r.salt, 'hex'),"
    " r.request_id, decode(r.request_hash, 'hex'), decode(r.body, 'hex'),"
    " decode(r.prev_hash, 'hex'), decode(r.hash, 'hex'), decode(r.mac, 'hex'), r.key_id,"
    f" '{ALGORITHM}'"
)

EVENTS = Part(
    "events",
    f"INSERT INTO event ({COLUMNS})"
    f" SELECT {VALUES} FROM jsonb_to_recordset(%(events)s) AS r {RECORD}"
    " JOIN written ON written.id = r.stream",
)
