"""The leaves of the tree over all events, its signed checkpoints, and what waits to be sealed."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model

event_pending = Table(
    "event_pending",
    Model.metadata,
    Column("stream", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The events that are not sealed yet, as they were when written; filled by a trigger of `event`.

It has no index: rows are taken from it in any order, and an act should pay little for it.
"""


class EventLeaf(Model):
    """A leaf of the tree: the hash that an event had when it was written.

    It refers to no row of `event`, so that it bears witness when that row is gone. The indices are
    dense: each needs the one before.
    """

    __tablename__ = "event_leaf"

    index: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    prev_index: Mapped[Big | None] = mapped_column(
        Computed("nullif(index, 0) - 1", persisted=True), ForeignKey("event_leaf.index")
    )
    stream: Mapped[Big]
    seq: Mapped[int]
    hash: Mapped[bytes]

    __table_args__ = (
        CheckConstraint("index >= 0", name="index_starts_at_zero"),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        UniqueConstraint("stream", "seq", name="uq_event_leaf_event"),
    )


class Checkpoint(Model):
    """The root over the first `size` leaves, signed; each grows from the one before, none forks.

    `note` is the signed text as it is handed out (C2SP signed note); `frontier` lets the next
    checkpoint be made without reading the leaves again (kernel.merkle).
    """

    __tablename__ = "checkpoint"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    prev: Mapped[int | None] = mapped_column(
        Computed("nullif(number, 1) - 1", persisted=True), unique=True
    )
    prev_size: Mapped[Big | None]
    size: Mapped[Big]
    last_index: Mapped[Big] = mapped_column(
        Computed("size - 1", persisted=True), ForeignKey("event_leaf.index")
    )
    root: Mapped[bytes]
    frontier: Mapped[bytes]
    note: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("number >= 1 AND size >= 1", name="starts_at_one"),
        CheckConstraint("(number = 1) = (prev_size IS NULL)", name="follows"),
        CheckConstraint("prev_size < size", name="grows"),
        CheckConstraint(
            "octet_length(root) = 32 AND octet_length(frontier) = 32 * bit_count(size::bit(64))",
            name="hash_length",
        ),
        CheckConstraint(
            "split_part(note, E'\\n', 2) = size::text"
            " AND split_part(note, E'\\n', 3) = encode(root, 'base64')",
            name="note_says_so",
        ),
        UniqueConstraint("number", "size", name="uq_checkpoint_size"),
        ForeignKeyConstraint(
            ["prev", "prev_size"],
            ["checkpoint.number", "checkpoint.size"],
            name="fk_checkpoint_previous",
        ),
    )
