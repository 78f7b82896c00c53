"""The audit feed (审计法第三十四条): every event of every history, in the order of time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from caseflow.cases.queries import AUDITOR
from caseflow.cases.seats import SYSTEM
from caseflow.cases.trail import clock_behind
from caseflow.catalogue.pinned import Pinned
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotAllowed

MOST: Final = 200
FEED: Final = """
    SELECT e.stream || '.' || e.seq AS mark, e.stream, e.seq, e.cause_seq AS caused_by,
        e.at, e.name AS event, p.login AS actor, p.name AS actor_name,
        b.login AS acting_for, b.name AS acting_for_name, e.seat,
        o.code AS organisation, o.title AS organisation_title, e.from_state, e.to_state,
        e.workflow_hash, e.guards, e.payload, e.request_id, encode(e.hash, 'hex') AS hash,
        NULL AS clock, about.kind AS subject_kind, about.name AS subject
    FROM event e JOIN person p ON p.id = e.actor_id
    LEFT JOIN person b ON b.id = e.acting_for_id
    LEFT JOIN organisation o ON o.id = e.organisation_id
    LEFT JOIN LATERAL (
        SELECT 'case' AS kind, c.number AS name FROM "case" c WHERE c.id = e.stream
        UNION ALL SELECT 'organisation', s.public_id FROM organisation s WHERE s.id = e.stream
        UNION ALL SELECT 'person', s.login FROM person s WHERE s.id = e.stream
        UNION ALL SELECT 'call', s.public_id FROM call s WHERE s.id = e.stream
        UNION ALL SELECT 'publicity', s.public_id FROM publicity s WHERE s.id = e.stream
        UNION ALL SELECT 'policy', s.code FROM policy s WHERE s.id = e.stream
        UNION ALL SELECT 'budget_line', s.public_id FROM budget_line s WHERE s.id = e.stream
        UNION ALL SELECT 'fiscal_split', s.id::text FROM fiscal_split s WHERE s.id = e.stream
        UNION ALL SELECT 'parameter', s.public_id FROM measure_parameter s WHERE s.id = e.stream
        UNION ALL SELECT 'delegation', s.public_id FROM delegation s WHERE s.id = e.stream
        UNION ALL SELECT 'letter', s.number FROM letter s WHERE s.id = e.stream
        UNION ALL SELECT 'title_list', s.public_id FROM title_list s WHERE s.id = e.stream
        UNION ALL SELECT 'bulk_act', s.public_id FROM bulk_act s WHERE s.id = e.stream
        UNION ALL SELECT 'migration', s.public_id FROM case_migration s WHERE s.id = e.stream
        LIMIT 1) about ON true
    WHERE (%(stream)s::bigint IS NULL OR (e.at, e.stream, e.seq) > (
            SELECT l.at, l.stream, l.seq FROM event l
            WHERE l.stream = %(stream)s AND l.seq = %(seq)s))
      AND (%(since)s::timestamptz IS NULL OR e.at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s)
      AND (%(actor)s::text IS NULL OR e.actor_id = (
            SELECT q.id FROM person q WHERE q.login = %(actor)s))
      AND (%(event)s::text IS NULL OR e.name = %(event)s)
    ORDER BY e.at, e.stream, e.seq LIMIT %(limit)s
"""


@dataclass(frozen=True)
class AuditFilter:
    """Which events are asked for, None for all; `until` itself is outside, `actor` is a login."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    event: str | None = None


@dataclass(frozen=True)
class AuditEvent:
    """An event as it was written, and whose history it belongs to.

    `stream` and `seq` are its place: each stream counts from 1 without a gap. `caused_by` is the
    event of the same stream that let the system do this one, `clock` the time that ran out for it.
    `organisation` is a code, of applicants None; their title is told. `seat` is a workflow's seat,
    outside cases the role there. `request_id` is the Idempotency-Key of who asked.
    """

    mark: str
    stream: int
    seq: int
    caused_by: int | None
    at: datetime
    event: str
    actor: str
    actor_name: str
    acting_for: str | None
    acting_for_name: str | None
    seat: str | None
    organisation: str | None
    organisation_title: str | None
    from_state: str | None
    to_state: str | None
    workflow_hash: str | None
    guards: tuple[str, ...]
    payload: Mapping[str, Any]
    request_id: str | None
    hash: str
    clock: str | None
    subject_kind: str | None
    subject: str | None


@dataclass(frozen=True)
class AuditPage:
    """Events, the oldest first; `next` is given back as `after`, None on the last page."""

    items: tuple[AuditEvent, ...]
    next: str | None


def audit_feed(
    connection: Any,
    actor: Actor,
    wanted: AuditFilter,
    *,
    pinned: Pinned,
    after: str | None = None,
    limit: int = 50,
) -> AuditPage:
    """Return a page of what happened anywhere in the house, for auditors alone.

    Raises:
        NotAllowed: the actor is no auditor. InvalidInput: `after` is no mark of an event.
    """
    refuse_others(actor)
    stream, seq = place_of(after)
    size = max(1, min(limit, MOST))
    said = {**vars(wanted), "stream": stream, "seq": seq, "limit": size + 1}
    with connection.cursor(row_factory=class_row(AuditEvent)) as cursor:
        found: list[AuditEvent] = cursor.execute(FEED, said).fetchall()
    items = tuple(_timed(event, connection, pinned) for event in found[:size])
    return AuditPage(items, items[-1].mark if len(found) > size else None)


def _timed(event: AuditEvent, connection: Any, pinned: Pinned) -> AuditEvent:
    if event.workflow_hash is None or event.seat != SYSTEM or event.caused_by is not None:
        return event
    workflow = pinned.runner(connection, event.workflow_hash).workflow
    return replace(event, clock=clock_behind(workflow, event.from_state, event.event))


def refuse_others(actor: Actor) -> None:
    """Let nobody but 审计 read the whole history.

    Raises:
        NotAllowed: the actor holds no auditor's seat.
    """
    if not any(each.role == AUDITOR for each in actor.assignments):
        raise NotAllowed("全部留痕只供审计席位查阅，您不在该席位。")


def place_of(mark: str | None) -> tuple[int | None, int | None]:
    """Return stream and number of a mark such as `1024.7`, None for none.

    Raises:
        InvalidInput: it is no mark.
    """
    if mark is None:
        return None, None
    stream, _, seq = mark.partition(".")
    if not (mark.isascii() and stream.isdigit() and seq.isdigit() and len(mark) <= 30):  # noqa: PLR2004 - two bigints
        raise InvalidInput(
            f"after：{mark!r} 不是上一页的 next。", fields={"after": "不是上一页的 next"}
        )
    return int(stream), int(seq)
