"""Routes of the inbox (消息): what I was told, and that I have read it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from caseflow.api.answers import answer_of
from caseflow.api.cases import NumberedQuery
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import Blueprint, QueryFlag
from caseflow.api.rules import Rule, admits
from caseflow.notifications import queries
from caseflow.notifications.models import Notification
from caseflow.notifications.rendering import render
from caseflow.notifications.service import mark_read

blueprint = Blueprint("inbox", __name__, description="站内消息")


@dataclass(frozen=True)
class NoticeView:
    """A notice in words; `case` is the public id of the case it is about."""

    id: int
    notice: str
    title: str
    text: str
    case: str | None
    due_on: date
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class Inbox:
    """Notices, the newest first; `next` is given back as `after`."""

    items: tuple[NoticeView, ...]
    unread: int
    next: int | None


class InboxQuery(NumberedQuery):
    """Which notices are asked for."""

    unread_only = QueryFlag(load_default=False)


@blueprint.route("/inbox")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(InboxQuery, location="query")
@blueprint.response(200, answer_of(Inbox))
def show_inbox(wanted: dict[str, Any]) -> Inbox:
    """Show what I was told, the newest first."""
    page = queries.inbox(
        session(),
        actor().id,
        after=wanted.get("after"),
        limit=wanted["limit"],
        unread_only=wanted["unread_only"],
    )
    unread = queries.unread_count(session(), actor().id)
    return Inbox(tuple(map(_notice, page.items)), unread, page.next_after)


@blueprint.route("/inbox/<int:notice_id>/read", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(204)
def read_notice(notice_id: int) -> None:
    """Note that I have read a notice; the first reading counts."""
    with transaction() as current:
        mark_read(current, actor().id, notice_id, now())


def _notice(row: Notification) -> NoticeView:
    words = render(house().cases.office.notices, row.notice, row.facts)
    return NoticeView(
        id=row.id,
        notice=row.notice,
        title=words.title,
        text=words.text,
        case=row.facts.get("case"),
        due_on=row.due_on,
        created_at=row.created_at,
        read_at=row.read_at,
    )
