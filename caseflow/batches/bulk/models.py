"""A bulk act (批量办理) and its items: one case each, done once for ever."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId


class BulkAct(Model):
    """One event asked of many cases by one person; `payload` is what all items share.

    It is `running` while items wait, `done` when none does, `cancelled` when what was left was
    given up. `asked_for` is the filter that chose the cases, None where they were named.
    """

    __tablename__ = "bulk_act"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    asked_for: Mapped[dict[str, Any] | None]
    actor_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    item_count: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    request_id: Mapped[str | None]
    request_hash: Mapped[bytes | None]

    __table_args__ = (
        CheckConstraint("status IN ('running', 'done', 'cancelled')", name="status"),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="finished"),
        CheckConstraint("(request_id IS NULL) = (request_hash IS NULL)", name="request"),
        CheckConstraint("item_count >= 1", name="item_count"),
        UniqueConstraint("actor_id", "request_id", name="uq_bulk_act_request"),
        UniqueConstraint("id", "item_count", name="uq_bulk_act_item_count"),
        Index("ix_bulk_act_running", "id", postgresql_where="status = 'running'"),
    )


class BulkItem(Model):
    """A case of a bulk act; `payload` is its own part of what the event takes.

    `seq` is the event that it came to, `reason` why it was refused. What is done is done for ever;
    what was refused or cancelled may be taken up again.
    """

    __tablename__ = "bulk_item"

    bulk_act_id: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[Big] = mapped_column(ForeignKey("case.id"))
    item_count: Mapped[int]
    payload: Mapped[dict[str, Any]]
    status: Mapped[str]
    reason: Mapped[str | None]
    seq: Mapped[int | None]
    at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["bulk_act_id", "item_count"],
            ["bulk_act.id", "bulk_act.item_count"],
            name="fk_bulk_item_bulk_act",
        ),
        UniqueConstraint("bulk_act_id", "case_id", name="uq_bulk_item_case"),
        ForeignKeyConstraint(
            ["case_id", "seq"], ["event.stream", "event.seq"], name="fk_bulk_item_event"
        ),
        CheckConstraint("line BETWEEN 1 AND item_count", name="line"),
        CheckConstraint("status IN ('pending', 'done', 'refused', 'cancelled')", name="status"),
        CheckConstraint("(status = 'done') = (seq IS NOT NULL)", name="done"),
        CheckConstraint("(status = 'refused') = (reason IS NOT NULL)", name="refused"),
        CheckConstraint("(status = 'pending') = (at IS NULL)", name="at"),
        Index("ix_bulk_item_pending", "bulk_act_id", "line", postgresql_where="status = 'pending'"),
        Index("ix_bulk_item_case_id", "case_id", "seq"),
    )
