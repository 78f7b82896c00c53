"""What the history answers: the events of a stream, the result of an act, whether all is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from psycopg.rows import class_row, namedtuple_row

from caseflow.kernel.event_bytes import (
    GENESIS,
    EventFacts,
    authenticate,
    canonical,
    chain,
    commit,
    encode,
)


@dataclass(frozen=True)
class ActResult:
    """Where an act left its case: the state, the number of its last event, all its events."""

    state: str
    version: int
    events: tuple[str, ...]


@dataclass(frozen=True)
class EventRow:
    """One event as auditors read it; texts are made from it on reading."""

    seq: int
    cause_seq: int | None
    at: datetime
    name: str
    actor: str
    actor_name: str
    acting_for: str | None
    acting_for_name: str | None
    seat: str | None
    organisation: str | None
    from_state: str | None
    to_state: str | None
    workflow_hash: str | None
    guards: list[str]
    payload: dict[str, Any]
    hash: str


HISTORY = """
    SELECT e.seq, e.cause_seq, e.at, e.name, p.login AS actor, p.name AS actor_name,
        b.login AS acting_for, b.name AS acting_for_name, e.seat,
        o.title AS organisation, e.from_state, e.to_state, e.workflow_hash, e.guards, e.payload,
        encode(e.hash, 'hex') AS hash
    FROM event e JOIN person p ON p.id = e.actor_id
    LEFT JOIN person b ON b.id = e.acting_for_id
    LEFT JOIN organisation o ON o.id = e.organisation_id
    WHERE e.stream = %(stream)s AND e.seq > %(after)s ORDER BY e.seq LIMIT %(limit)s
"""
ACT = """
    SELECT seq, name, to_state FROM event
    WHERE stream = %(stream)s AND (seq = %(seq)s OR cause_seq = %(seq)s) ORDER BY seq
"""
ALL = """
    SELECT stream, seq, at, name, actor_id, acting_for_id, seat, organisation_id, from_state,
        to_state, workflow_hash, guards, request_id, body, payload, salt, prev_hash, hash, mac
    FROM event
    WHERE (stream, seq) > (%(stream)s, %(seq)s) AND stream <= %(last)s
    ORDER BY stream, seq LIMIT %(limit)s
"""
LAST_STREAM = 2**63 - 1
LAST_SEQ = 2**31 - 1
HASH_AT = "SELECT hash FROM event WHERE stream = %(stream)s AND seq = %(seq)s"


def act_result(connection: Any, stream: int, seq: int) -> ActResult:
    """Return what the act that began with event `seq` came to."""
    rows = connection.execute(ACT, {"stream": stream, "seq": seq}).fetchall()
    return ActResult(rows[-1][2], rows[-1][0], tuple(row[1] for row in rows))


def history(connection: Any, stream: int, *, after: int = 0, limit: int = 200) -> list[EventRow]:
    """Return up to `limit` events of a stream, after number `after`, oldest first."""
    parameters = {"stream": stream, "after": after, "limit": limit}
    with connection.cursor(row_factory=class_row(EventRow)) as cursor:
        rows: list[EventRow] = cursor.execute(HISTORY, parameters).fetchall()
    return rows


@dataclass(frozen=True)
class Fault:
    """An event that is not as it was written, and in what; without an event, the whole history."""

    stream: int | None
    seq: int | None
    what: str


def verify(
    connection: Any,
    key: bytes,
    *,
    batch: int = 5_000,
    after: int = -1,
    last: int = LAST_STREAM,
) -> Iterator[Fault]:
    """Yield every event whose body, columns, payload, place in the chain or MAC has changed.

    Only the streams behind `after` up to and including `last` are looked at.
    """
    place: tuple[int, int] | None = (after, LAST_SEQ)
    while place is not None:
        page = verify_page(connection, key, after=place, last=last, limit=batch)
        yield from page.faults
        place = page.last


@dataclass(frozen=True)
class VerifiedPage:
    """How many events were looked at, what is wrong with them, and the last (stream, seq)."""

    events: int
    faults: tuple[Fault, ...]
    last: tuple[int, int] | None


def verify_page(
    connection: Any,
    key: bytes,
    *,
    after: tuple[int, int] | None = None,
    last: int = LAST_STREAM,
    limit: int = 5_000,
) -> VerifiedPage:
    """Verify up to `limit` events by stream and number, behind `after`, up to the stream `last`.

    The page's `last` is given back as `after`; None says that nothing is left.
    """
    stream, seq = after or (-1, 0)
    head = GENESIS if after is None else _hash_at(connection, stream, seq)
    rows = _after(connection, stream, seq, last, limit)
    faults: list[Fault] = []
    for row in rows:
        if row.stream != stream:
            stream, head = row.stream, GENESIS
            if row.seq != 1:
                faults.append(Fault(row.stream, row.seq, "the events before it are missing"))
        elif row.seq != seq + 1:
            faults.append(Fault(row.stream, row.seq, f"event {seq + 1} is missing"))
        faults += _faults(row, head, key)
        seq, head = row.seq, row.hash
    return VerifiedPage(len(rows), tuple(faults), (stream, seq) if len(rows) == limit else None)


def _hash_at(connection: Any, stream: int, seq: int) -> bytes:
    row = connection.execute(HASH_AT, {"stream": stream, "seq": seq}).fetchone()
    return bytes(row[0]) if row else GENESIS


def _after(connection: Any, stream: int, seq: int, last: int, limit: int) -> list[Any]:
    asked = {"stream": stream, "seq": seq, "last": last, "limit": limit}
    with connection.cursor(row_factory=namedtuple_row, binary=True) as cursor:
        rows: list[Any] = cursor.execute(ALL, asked).fetchall()
    return rows


def _faults(row: Any, head: bytes, key: bytes) -> Iterator[Fault]:
    if row.prev_hash != head or chain(head, row.body) != row.hash:
        yield Fault(row.stream, row.seq, "its hash does not follow from its body and its past")
    if authenticate(key, row.hash) != row.mac:
        yield Fault(row.stream, row.seq, "its MAC was not made with the key")
    commitment = _committed(row)
    if not row.body.endswith(commitment):
        yield Fault(row.stream, row.seq, "its payload is not the one it commits to")
    elif encode(_facts(row, commitment)) != row.body:
        yield Fault(row.stream, row.seq, "its columns do not say what was hashed")


def _committed(row: Any) -> bytes:
    """Return the commitment to the payload, by the quick writer where it writes the same text.

    A text that the body commits to is the canonical one, whoever wrote it.
    """
    try:
        quick = commit(row.salt, orjson.dumps(row.payload, option=orjson.OPT_SORT_KEYS))
    except TypeError:  # an integer beyond 64 bits
        quick = b""
    if quick and row.body.endswith(quick):
        return quick
    return commit(row.salt, canonical(row.payload))


def _facts(row: Any, commitment: bytes) -> EventFacts:
    return EventFacts(
        stream=row.stream,
        seq=row.seq,
        at=row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        name=row.name,
        actor_id=row.actor_id,
        acting_for_id=row.acting_for_id,
        seat=row.seat,
        organisation_id=row.organisation_id,
        from_state=row.from_state,
        to_state=row.to_state,
        workflow_hash=row.workflow_hash,
        guards=",".join(row.guards),
        request_id=row.request_id,
        payload_commitment=commitment,
    )


@contextmanager
def frozen(connection: Any) -> Iterator[None]:
    """Let everything that is read inside be of one instant, however long it takes."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        yield
