"""Sending what is due to leave the house, and reading what came in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

from psycopg import Connection
from psycopg.rows import class_row
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from caseflow.database.connections import Connect
from caseflow.kernel.errors import NotFound, Unavailable
from caseflow.notifications.channels import Channel, Letter, LetterRefused, Mailing
from caseflow.notifications.models import Notification
from caseflow.notifications.rendering import render
from caseflow.notifications.rules import NoticeBook

BACKOFF: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
)
"""How long a letter waits after its first, second … failure; after the last it is given up."""

SERVER_DOWN_WAIT: Final = timedelta(minutes=1)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

NO_ADDRESS: Final = "收件人没有登记电子邮箱"


@dataclass(frozen=True)
class DeliveryReport:
    """What a sweep did: letters sent, failed for now, given up; `problem` when nobody answers."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class _Due:
    notification_id: int
    attempts: int
    email: str | None
    notice: str
    facts: dict[str, Any]
    created_at: datetime


_CLAIM: Final[LiteralString] = """
    SELECT d.notification_id, d.attempts, p.email, n.notice, n.facts, n.created_at
    FROM delivery d
    JOIN notification n ON n.id = d.notification_id
    JOIN person p ON p.id = n.person_id
    WHERE d.channel = %(channel)s AND d.status = 'pending' AND d.next_attempt_at <= %(at)s
    ORDER BY d.next_attempt_at, d.notification_id
    LIMIT 1
    FOR UPDATE OF d SKIP LOCKED
"""

_SENT: Final[LiteralString] = """
    UPDATE delivery
    SET status = 'sent', attempts = attempts + 1, sent_at = %(at)s, message_id = %(message_id)s,
        problem = NULL
    WHERE notification_id = %(id)s AND channel = %(channel)s
"""

_FAILED: Final[LiteralString] = """
    UPDATE delivery
    SET status = %(status)s, attempts = attempts + 1, next_attempt_at = %(next)s,
        message_id = %(message_id)s, problem = %(problem)s
    WHERE notification_id = %(id)s AND channel = %(channel)s
"""

_POSTPONE: Final[LiteralString] = """
    UPDATE delivery SET next_attempt_at = %(next)s, problem = %(problem)s
    WHERE (notification_id, channel) IN (
        SELECT notification_id, channel FROM delivery
        WHERE channel = %(channel)s AND status = 'pending' AND next_attempt_at <= %(at)s
        ORDER BY next_attempt_at, notification_id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
"""

_RETRY: Final[LiteralString] = """
    UPDATE delivery SET status = 'pending', attempts = 0, next_attempt_at = %(at)s
    WHERE status = 'failed'
      AND (%(ids)s::bigint[] IS NULL OR notification_id = ANY(%(ids)s::bigint[]))
"""


def deliver_due(
    connect: Connect, *, at: datetime, smtp: Channel, book: NoticeBook, limit: int = 100
) -> DeliveryReport:
    """Send up to `limit` letters that are due at `at`; any number of workers may do so at once.

    Each letter is claimed, sent and marked in a transaction of its own, so a killed worker's letter
    is free again at once. Killed after the server took it, it goes out once more, under the same
    Message-ID. A letter that fails waits and is passed by; when nobody answers, all that is due
    waits a minute, at no cost to its attempts.
    """
    report = DeliveryReport()
    with connect() as connection, smtp.open() as mailing:
        try:
            for outcome in _deliver(
                connection, mailing, at=at, channel=smtp, book=book, limit=limit
            ):
                report = replace(report, **{outcome: getattr(report, outcome) + 1})
        except Unavailable as error:
            _postpone(connection, at=at, channel=smtp, limit=limit, problem=error.message)
            report = replace(report, problem=error.message)
    return report


def _deliver(
    connection: Connection[Any],
    mailing: Mailing,
    *,
    at: datetime,
    channel: Channel,
    book: NoticeBook,
    limit: int,
) -> Iterator[str]:
    """Yield what became of each letter: a field of `DeliveryReport`."""
    for _ in range(limit):
        with connection.transaction():
            due = _claim(connection, at=at, channel=channel.name)
            if due is None:
                return
            letter = _letter(due, book, domain=channel.domain)
            problem = _send(mailing, letter)  # Unavailable rises: the claim is rolled back
            outcome = _settle(connection, due, letter, at=at, channel=channel.name, problem=problem)
        yield outcome


def _claim(connection: Connection[Any], *, at: datetime, channel: str) -> _Due | None:
    with connection.cursor(row_factory=class_row(_Due)) as cursor:
        return cursor.execute(_CLAIM, {"channel": channel, "at": at}).fetchone()


def _letter(due: _Due, book: NoticeBook, *, domain: str) -> Letter:
    words = render(book, due.notice, due.facts)
    return Letter(
        to=due.email or "",
        title=words.title,
        text=words.text,
        message_id=message_id(due.notification_id, due.created_at, domain),
        written_at=due.created_at,
    )


def message_id(notification_id: int, created_at: datetime, domain: str) -> str:
    """Return the Message-ID of a notice: always the same, and not that of another database's."""
    born = (created_at - _EPOCH) // timedelta(microseconds=1)
    return f"<caseflow.{notification_id}.{born}@{domain}>"


def _send(mailing: Mailing, letter: Letter) -> str | None:
    """Return what went wrong with this letter, None when it was taken."""
    if not letter.to:
        return NO_ADDRESS
    try:
        mailing.send(letter)
    except LetterRefused as error:
        return error.message
    return None


def _settle(
    connection: Connection[Any],
    due: _Due,
    letter: Letter,
    *,
    at: datetime,
    channel: str,
    problem: str | None,
) -> str:
    row = {"id": due.notification_id, "channel": channel, "message_id": letter.message_id}
    if problem is None:
        connection.execute(_SENT, {**row, "at": at})
        return "sent"
    given_up = due.attempts >= len(BACKOFF) or not letter.to
    wait = timedelta(0) if given_up else BACKOFF[due.attempts]
    status = "failed" if given_up else "pending"
    connection.execute(_FAILED, {**row, "status": status, "next": at + wait, "problem": problem})
    return "given_up" if given_up else "failed"


def _postpone(
    connection: Connection[Any], *, at: datetime, channel: Channel, limit: int, problem: str
) -> None:
    row = {"at": at, "next": at + SERVER_DOWN_WAIT, "channel": channel.name}
    connection.execute(_POSTPONE, {**row, "limit": limit, "problem": problem})


def retry_failed(
    connect: Connect, *, at: datetime, notification_ids: list[int] | None = None
) -> int:
    """Make given-up letters (all, or those named) due again from the first attempt; count them."""
    with connect() as connection:
        return connection.execute(_RETRY, {"at": at, "ids": notification_ids}).rowcount


def mark_read(session: Session, person_id: int, notification_id: int, at: datetime) -> None:
    """Note that a person has read their notice; the first reading counts.

    Raises:
        NotFound: the person has no such notice.
    """
    found = session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.person_id == person_id)
        .values(read_at=func.coalesce(Notification.read_at, at))
        .returning(Notification.id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(f"没有编号为 {notification_id} 的通知。")
