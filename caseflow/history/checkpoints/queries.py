"""What the checkpoints answer: the newest, and whether the history is still the sealed one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, namedtuple_row

from caseflow.history.checkpoints.notes import Verifier, head_of
from caseflow.history.queries import Fault
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.merkle import Frontier, Head, leaf_hash

NEWEST: Final = """
    SELECT number, size, encode(root, 'hex') AS root, note, at FROM checkpoint
    ORDER BY number DESC LIMIT 1
"""
KEPT: Final = "SELECT number, size, root, note FROM checkpoint ORDER BY size"
LEAVES: Final = """
    SELECT l.index, l.stream, l.seq, l.hash, e.hash AS found
    FROM event_leaf l LEFT JOIN event e ON e.stream = l.stream AND e.seq = l.seq
    WHERE l.index > %(after)s ORDER BY l.index LIMIT %(limit)s
"""
UNSEALED: Final = """
    SELECT e.stream, e.seq, e.hash, p.hash AS pended, p.stream IS NULL AS lost FROM event e
    LEFT JOIN event_leaf l ON l.stream = e.stream AND l.seq = e.seq
    LEFT JOIN event_pending p ON p.stream = e.stream AND p.seq = e.seq
    WHERE l.stream IS NULL AND p.hash IS DISTINCT FROM e.hash ORDER BY e.stream, e.seq
"""
UNPENDED: Final = """
    SELECT p.stream, p.seq FROM event_pending p
    WHERE NOT EXISTS (SELECT FROM event e WHERE e.stream = p.stream AND e.seq = p.seq)
    ORDER BY p.stream, p.seq
"""


@dataclass(frozen=True)
class CheckpointView:
    """A checkpoint: the signed root over the first `size` events that were sealed."""

    number: int
    size: int
    root: str
    note: str
    at: datetime


def newest_checkpoint(connection: Any) -> CheckpointView:
    """Return the newest checkpoint.

    Raises:
        NotFound: nothing was sealed yet.
    """
    with connection.cursor(row_factory=class_row(CheckpointView)) as cursor:
        found: CheckpointView | None = cursor.execute(NEWEST).fetchone()
    if found is None:
        raise NotFound("尚无检查点；先运行 caseflow history seal。")
    return found


def verify_seals(
    connection: Any, verifier: Verifier, *, witnessed: Sequence[Head] = (), batch: int = 5_000
) -> Iterator[Fault]:
    """Yield where the history is not the sealed one, or not the one of the `witnessed` heads.

    It finds what the chains cannot: an event, a stream's end or a whole stream taken away, a
    history written anew with all its hashes, and a database put back to an older copy.
    """
    kept, faults = _kept(connection, verifier)
    yield from faults
    wanted = [*kept, *(("the checkpoint file", head) for head in witnessed)]
    roots: dict[int, bytes] = {}
    yield from _leaves(connection, {head.size for _, head in wanted}, roots, batch)
    yield from _roots(wanted, roots)
    yield from _beside(connection)


def _kept(connection: Any, verifier: Verifier) -> tuple[list[tuple[str, Head]], list[Fault]]:
    """Return the database's own checkpoints, and those that are not what was signed."""
    heads, faults = [], []
    for number, size, root, note in connection.execute(KEPT).fetchall():
        head = Head(size, bytes(root))
        try:
            is_signed = head_of(note, verifier) == head
        except InvalidInput:
            is_signed = False
        if is_signed:
            heads.append((f"checkpoint {number}", head))
        else:
            faults.append(Fault(None, None, f"checkpoint {number} was not signed as it stands"))
    return heads, faults


def _leaves(
    connection: Any, sizes: set[int], roots: dict[int, bytes], batch: int
) -> Iterator[Fault]:
    """Yield the leaves whose event is another or gone; put the root at every size to `roots`."""
    frontier, leaves = Frontier(), list[bytes]()
    if 0 in sizes:
        roots[0] = frontier.root()
    for row in _rows(connection, batch):
        if row.index != frontier.size + len(leaves):
            yield Fault(None, None, f"leaf {frontier.size + len(leaves)} is missing")
            break
        if row.found is None:
            yield Fault(row.stream, row.seq, "it was sealed and is missing")
        elif bytes(row.found) != bytes(row.hash):
            yield Fault(row.stream, row.seq, "it is not the event that was sealed")
        leaves.append(leaf_hash(bytes(row.hash)))
        if row.index + 1 in sizes:
            frontier, leaves = frontier.grown(leaves), []
            roots[frontier.size] = frontier.root()


def _rows(connection: Any, batch: int) -> Iterator[Any]:
    after = -1
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        while rows := cursor.execute(LEAVES, {"after": after, "limit": batch}).fetchall():
            yield from rows
            after = rows[-1].index


def _roots(wanted: Iterable[tuple[str, Head]], roots: dict[int, bytes]) -> Iterator[Fault]:
    for name, head in wanted:
        if head.size not in roots:
            what = f"{name} has {head.size} events, more than are sealed here: an older copy"
            yield Fault(None, None, what)
        elif roots[head.size] != head.root:
            what = f"{name} has another root over the first {head.size} events"
            yield Fault(None, None, what)


def _beside(connection: Any) -> Iterator[Fault]:
    """Yield what is neither sealed nor waiting to be, and what waits but is not there."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        for row in cursor.execute(UNSEALED).fetchall():
            what = "it is neither sealed nor pending" if row.lost else "it is not what is pending"
            yield Fault(row.stream, row.seq, what)
        for row in cursor.execute(UNPENDED).fetchall():
            yield Fault(row.stream, row.seq, "it was to be sealed and is missing")
