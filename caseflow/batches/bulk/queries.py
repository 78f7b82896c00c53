"""What can be asked of bulk acts: by whom they were asked for, and by the audit office."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.cases.queries import AUDITOR
from caseflow.cases.service import Cases
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import NotFound

STATUSES: Final = ("pending", "done", "refused", "cancelled")
TITLES: Final = {
    "pending": "待办理",
    "done": "已办理",
    "refused": "未予办理",
    "cancelled": "已取消",
}
COLUMNS: Final = (
    Column("办件编号", "number"),
    Column("结果", "status_title"),
    Column("环节", "state_title"),
    Column("办件版本", "version", "number"),
    Column("原因", "reason"),
    Column("办理时间", "at", "instant"),
)
VIEW: Final = """
    SELECT b.public_id, b.event, b.payload, b.asked_for, p.login AS actor, p.name AS actor_name,
        b.status, b.item_count AS items, n.pending, n.done, n.refused, n.cancelled,
        b.created_at, b.finished_at
    FROM bulk_act b JOIN person p ON p.id = b.actor_id
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE i.status = 'pending') AS pending,
        count(*) FILTER (WHERE i.status = 'done') AS done,
        count(*) FILTER (WHERE i.status = 'refused') AS refused,
        count(*) FILTER (WHERE i.status = 'cancelled') AS cancelled
        FROM bulk_item i WHERE i.bulk_act_id = b.id) n
    WHERE (b.actor_id = %(actor)s OR %(auditor)s)
"""
ONE: Final = f"{VIEW} AND b.public_id = %(public_id)s"
PAGE: Final = f"""{VIEW}
    AND (%(status)s::text IS NULL OR b.status = %(status)s)
    AND (%(after)s::text IS NULL OR b.id < (SELECT id FROM bulk_act WHERE public_id = %(after)s))
    ORDER BY b.id DESC LIMIT %(limit)s
"""
ITEMS: Final = """
    SELECT i.line, c.public_id AS case, c.number, i.status, i.reason, i.seq AS version,
        e.to_state AS state, c.workflow_hash AS state_title, i.at
    FROM bulk_item i JOIN bulk_act b ON b.id = i.bulk_act_id JOIN "case" c ON c.id = i.case_id
    LEFT JOIN LATERAL (SELECT x.to_state FROM event x WHERE x.stream = i.case_id
        AND (x.seq = i.seq OR x.cause_seq = i.seq) ORDER BY x.seq DESC LIMIT 1) e ON true
    WHERE b.public_id = %(public_id)s AND i.line > %(after)s
        AND (%(status)s::text IS NULL OR i.status = %(status)s)
    ORDER BY i.line LIMIT %(limit)s
"""
OWN: Final = text("SELECT id FROM bulk_act WHERE public_id = :public_id AND actor_id = :actor")
NOTES: Final = ("每件均由办理人逐件有权办理方可办结；未予办理的写明原因，办件未变动",)
ALL: Final = 2**31


@dataclass(frozen=True)
class BulkView:
    """A bulk act and how far it is: `pending` items wait, the others are over."""

    public_id: str
    event: str
    payload: Mapping[str, Any]
    asked_for: Mapping[str, Any] | None
    actor: str
    actor_name: str
    status: str
    items: int
    pending: int
    done: int
    refused: int
    cancelled: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class ItemView:
    """What became of one case: `version` of its event and the state it came to, or the reason."""

    line: int
    case: str
    number: str
    status: str
    reason: str | None
    version: int | None
    state: str | None
    state_title: str | None
    at: datetime | None


@dataclass(frozen=True)
class BulkPage:
    """Bulk acts, the newest first; `next` is given back as `after`."""

    items: tuple[BulkView, ...]
    next: str | None


@dataclass(frozen=True)
class ItemPage:
    """Items by line; `next` is given back as `after`."""

    items: tuple[ItemView, ...]
    next: int | None


def find_own(session: Session, actor: Actor, public_id: str) -> int:
    """Return the id of a bulk act that the actor asked for: nobody else may do anything with it.

    Raises:
        NotFound: there is none of theirs.
    """
    found = session.scalar(OWN, {"public_id": public_id, "actor": actor.id})
    if found is None:
        raise _unknown(public_id)
    return int(found)


def bulk_act(cases: Cases, actor: Actor, public_id: str) -> BulkView:
    """Return a bulk act that the actor may see: their own, for an auditor any.

    Raises:
        NotFound: there is none that the actor may see.
    """
    with cases.connect() as connection:
        cursor = connection.cursor(row_factory=class_row(BulkView))
        found = cursor.execute(ONE, {**_asker(actor), "public_id": public_id}).fetchone()
    if found is None:
        raise _unknown(public_id)
    return found


def bulk_acts(
    cases: Cases, actor: Actor, *, status: str | None = None, after: str | None = None,
    limit: int = 50,
) -> BulkPage:  # fmt: skip
    """Return a page of the bulk acts that the actor may see."""
    asked = {**_asker(actor), "status": status, "after": after, "limit": limit + 1}
    with cases.connect() as connection:
        rows = connection.cursor(row_factory=class_row(BulkView)).execute(PAGE, asked).fetchall()
    items = tuple(rows[:limit])
    return BulkPage(items, items[-1].public_id if len(rows) > limit else None)


def bulk_items(
    cases: Cases, actor: Actor, public_id: str, *, status: str | None = None, after: int = 0,
    limit: int = 200,
) -> ItemPage:  # fmt: skip
    """Return a page of what became of each case, behind line `after`.

    Raises:
        NotFound: there is no bulk act that the actor may see.
    """
    bulk_act(cases, actor, public_id)
    rows = _items(cases, public_id, status=status, after=after, limit=limit + 1)
    items = tuple(rows[:limit])
    return ItemPage(items, items[-1].line if len(rows) > limit else None)


def _items(
    cases: Cases, public_id: str, *, status: str | None, after: int, limit: int
) -> list[ItemView]:
    asked = {"public_id": public_id, "status": status, "after": after, "limit": limit}
    with cases.connect() as connection:
        rows = connection.cursor(row_factory=class_row(ItemView)).execute(ITEMS, asked).fetchall()
        return [_titled(cases, connection, row) for row in rows]


def _titled(cases: Cases, connection: Any, row: ItemView) -> ItemView:
    """Return the item with its state's title, which the case's own workflow knows."""
    assert row.state_title is not None
    states = cases.pinned.runner(connection, row.state_title).workflow.states
    return replace(row, state_title=states[row.state].title if row.state else None)


def results_sheet(
    cases: Cases, actor: Actor, public_id: str, at: datetime, *, status: str | None = None
) -> bytes:
    """Return what became of each case as an XLSX file.

    Raises:
        NotFound: there is no bulk act that the actor may see.
    """
    shown = bulk_act(cases, actor, public_id)
    rows = _items(cases, public_id, status=status, after=0, limit=ALL)
    about = About(
        title=f"批量办理结果：{shown.event}",
        period=f"{local_date(shown.created_at)}至{local_date(shown.finished_at or at)}",
        generated_at=at,
        by=actor.name,
        filter=TITLES[status] if status else "全部",
        notes=NOTES,
    )
    return workbook([Sheet("批量办理", about, COLUMNS, list(_told(rows)))])


def _told(rows: list[ItemView]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {**asdict(row), "status_title": TITLES[row.status]}


def _asker(actor: Actor) -> dict[str, Any]:
    return {"actor": actor.id, "auditor": any(each.role == AUDITOR for each in actor.assignments)}


def _unknown(public_id: str) -> NotFound:
    return NotFound(f"没有批量办理 {public_id!r}。")
