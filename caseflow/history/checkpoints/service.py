"""The sealer: it puts what is pending into the tree and signs the new root. Any number may run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from caseflow.history.checkpoints.notes import Seal, signed
from caseflow.kernel.merkle import Frontier, Head, leaf_hash, unpacked
from caseflow.settings import Settings

MOST_EVENTS: Final = 10_000
"""Events sealed by one transaction."""
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('caseflow.history.checkpoints'))"
NEWEST: Final = "SELECT number, size, frontier FROM checkpoint ORDER BY number DESC LIMIT 1"
TAKE: Final = """
    WITH taken AS (
        DELETE FROM event_pending
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM event_pending LIMIT %(most)s))
        RETURNING stream, seq, hash)
    INSERT INTO event_leaf (index, stream, seq, hash)
    SELECT %(size)s + row_number() OVER (ORDER BY stream, seq) - 1, stream, seq, hash FROM taken
    RETURNING index, hash
"""
SIGN: Final = """
    INSERT INTO checkpoint (number, prev_size, size, root, frontier, note, at)
    VALUES (%(number)s, %(prev_size)s, %(size)s, %(root)s, %(frontier)s, %(note)s, %(at)s)
"""


def seal_of(settings: Settings) -> Seal:
    """Return the key with which this house signs checkpoints; it is made when there is none."""
    return Seal(settings.origin, settings.seal_seed())


def seal_pending(connection: Any, seal: Seal, *, at: datetime, most: int = MOST_EVENTS) -> int:
    """Seal up to `most` events under a new checkpoint; returns how many, 0 when none was pending.

    The order of the leaves is the one in which they were found, which is written down: neither
    ids nor transaction numbers decide it, for both change by a restore. Sealing n events costs n
    hashings and one signature, however long the history is.

    Raises:
        psycopg.errors.LockNotAvailable: another sealer is at work and takes long.
    """
    with connection.transaction():
        connection.execute(LOCK)
        number, size, packed = connection.execute(NEWEST).fetchone() or (0, 0, b"")
        leaves = sorted(connection.execute(TAKE, {"most": most, "size": size}).fetchall())
        if leaves:
            grown = unpacked(size, bytes(packed)).grown(leaf_hash(bytes(h)) for _, h in leaves)
            row = _row(grown, seal, number=number + 1, prev_size=size or None)
            connection.execute(SIGN, {**row, "at": at})
    return len(leaves)


def _row(grown: Frontier, seal: Seal, *, number: int, prev_size: int | None) -> dict[str, Any]:
    root = grown.root()
    return {
        "number": number,
        "prev_size": prev_size,
        "size": grown.size,
        "root": root,
        "frontier": grown.packed(),
        "note": signed(Head(grown.size, root), seal),
    }


def seal_all(connection: Any, seal: Seal, *, at: datetime) -> int:
    """Seal until nothing is pending; returns how many events were sealed."""
    counts: Sequence[int] = list(iter(lambda: seal_pending(connection, seal, at=at), 0))
    return sum(counts)
