"""What can be asked of notices: a person's inbox, and the letters nobody took."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.notifications.models import Delivery, Notification

MAX_PAGE = 200


@dataclass(frozen=True)
class InboxPage:
    """Notices, the newest first; `next_after` is given back as `after`, None on the last page."""

    items: tuple[Notification, ...]
    next_after: int | None


def inbox(
    session: Session,
    person_id: int,
    *,
    after: int | None = None,
    limit: int = 50,
    unread_only: bool = False,
) -> InboxPage:
    """Return a page of a person's notices; `after` is the id of the last one seen."""
    size = max(1, min(limit, MAX_PAGE))
    query = select(Notification).where(Notification.person_id == person_id)
    if after is not None:
        query = query.where(Notification.id < after)
    if unread_only:
        query = query.where(Notification.read_at.is_(None))
    rows = session.scalars(query.order_by(Notification.id.desc()).limit(size + 1)).all()
    return InboxPage(
        items=tuple(rows[:size]), next_after=rows[size - 1].id if len(rows) > size else None
    )


def unread_count(session: Session, person_id: int) -> int:
    """Return how many notices a person has not read."""
    query = select(func.count()).where(
        Notification.person_id == person_id, Notification.read_at.is_(None)
    )
    return session.execute(query).scalar_one()


def given_up(session: Session, *, after: int | None = None, limit: int = 50) -> list[Delivery]:
    """Return letters given up, by notification id; `retry_failed` makes them due again."""
    query = select(Delivery).where(Delivery.status == "failed")
    if after is not None:
        query = query.where(Delivery.notification_id > after)
    query = query.order_by(Delivery.notification_id).limit(max(1, min(limit, MAX_PAGE)))
    return list(session.scalars(query))
