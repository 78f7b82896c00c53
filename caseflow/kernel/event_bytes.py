"""What of an event is hashed: a versioned, length-prefixed encoding, chained and keyed.

The bytes hold no personal data: the payload enters as a salted commitment, so that a lawful
erasure of payload and salt leaves the chain whole.
"""

import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any, Final, NamedTuple

VERSION: Final = b"\x01"
LEAF: Final = b"\x00"
"""Domain separator of a leaf (RFC 6962); inner nodes of checkpoints use 0x01."""
GENESIS: Final = bytes(32)
ALGORITHM: Final = "sha256"
REMEMBERED: Final = 16
"""So many keys a process keeps ready to sign with."""
CANONICAL: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


class EventFacts(NamedTuple):
    """The fields that are hashed, in this order. `at` is ISO 8601 UTC with microseconds."""

    stream: int
    seq: int
    at: str
    name: str
    actor_id: int
    acting_for_id: int | None
    seat: str | None
    organisation_id: int | None
    from_state: str | None
    to_state: str | None
    workflow_hash: str | None
    guards: str
    request_id: str | None
    payload_commitment: bytes


def canonical(value: Any) -> bytes:
    """Return the one JSON text of `value`: sorted keys, no white space, UTF-8."""
    return CANONICAL.encode(value).encode()


def commit(salt: bytes, payload: bytes) -> bytes:
    """Return the salted commitment to a payload's canonical bytes."""
    return hashlib.sha256(len(salt).to_bytes(2) + salt + payload).digest()


def encode(facts: EventFacts) -> bytes:
    """Return the bytes that are hashed: each field as presence, length and content.

    A missing field is 0x00; a present one 0x01, four bytes of length, the bytes.
    """
    parts = [VERSION]
    for value in facts:
        if value is None:
            parts.append(b"\x00")
            continue
        raw = value if isinstance(value, bytes) else str(value).encode()
        parts.append(b"\x01" + len(raw).to_bytes(4) + raw)
    return b"".join(parts)


def chain(previous: bytes, body: bytes) -> bytes:
    """Return the hash of an event: SHA-256 over separator, previous hash and body."""
    return hashlib.sha256(LEAF + previous + body).digest()


def authenticate(key: bytes, digest: bytes) -> bytes:
    """Return the keyed MAC of an event's hash."""
    keyed = _keyed(key).copy()
    keyed.update(digest)
    return keyed.digest()


@lru_cache(maxsize=REMEMBERED)
def _keyed(key: bytes) -> hmac.HMAC:
    """Take in a key once, not with every row: a process knows but few."""
    return hmac.new(key, digestmod=ALGORITHM)
