"""What people are told: the inbox, and the outbox of what must leave the house."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Model


class Notification(Model):
    """One notice for one person. Facts, not sentences: the text is rendered on reading.

    (case, rule, due date, person) is unique, so a reminder is given once, whatever restarts.
    """

    __tablename__ = "notification"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    case_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    person_id: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    notice: Mapped[str]
    rule: Mapped[str]
    due_on: Mapped[date]
    facts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint(
            "case_id",
            "rule",
            "due_on",
            "person_id",
            name="uq_notification_once",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_notification_inbox", "person_id", "id"),
    )


class Delivery(Model):
    """A notice on its way out by one channel; tried again until sent or given up."""

    __tablename__ = "delivery"

    notification_id: Mapped[Big] = mapped_column(
        ForeignKey("notification.id"), primary_key=True, autoincrement=False
    )
    channel: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    message_id: Mapped[str | None]
    problem: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("channel IN ('email')", name="channel"),
        CheckConstraint("status IN ('pending', 'sent', 'failed')", name="status"),
        Index("ix_delivery_pending", "next_attempt_at", postgresql_where="status = 'pending'"),
    )
