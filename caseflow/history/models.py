"""The one event table and the heads of the streams that are not cases."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model


class Event(Model):
    """What happened: who, for whom, in which seat, what, from where to where, why, when.

    `body` is what was hashed (kernel.event_bytes); `payload` and `salt` hold what it only commits
    to, so that personal data can be erased without breaking the chain.
    """

    __tablename__ = "event"

    stream: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    prev_seq: Mapped[int | None] = mapped_column(Computed("nullif(seq - 1, 0)", persisted=True))
    cause_seq: Mapped[int | None]
    at: Mapped[datetime]
    name: Mapped[str]
    actor_id: Mapped[Big]
    acting_for_id: Mapped[Big | None]
    seat: Mapped[str | None]
    organisation_id: Mapped[Big | None]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    workflow_hash: Mapped[str | None]
    guards: Mapped[list[Any]]
    payload: Mapped[dict[str, Any]]
    salt: Mapped[bytes]
    request_id: Mapped[str | None]
    request_hash: Mapped[bytes | None]
    body: Mapped[bytes]
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes] = mapped_column(unique=True)
    mac: Mapped[bytes]
    key_id: Mapped[str]
    algorithm: Mapped[str]

    __table_args__ = (
        CheckConstraint("seq >= 1", name="seq_starts_at_one"),
        CheckConstraint("cause_seq < seq", name="cause_comes_before"),
        CheckConstraint("octet_length(hash) = 32 AND octet_length(mac) = 32", name="hash_length"),
        ForeignKeyConstraint(
            ["stream", "prev_seq"], ["event.stream", "event.seq"], name="fk_event_previous"
        ),
        UniqueConstraint("actor_id", "request_id", name="uq_event_request"),
        Index("ix_event_actor_at", "actor_id", "at", "stream", "seq"),
        Index("ix_event_at", "at", "stream", "seq"),
        Index("ix_event_organisation", "organisation_id", "name", "at"),
    )


class Stream(Model):
    """The head of a stream that has no row of its own to carry it (policies, publicities …)."""

    __tablename__ = "stream"

    id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[bytes]
