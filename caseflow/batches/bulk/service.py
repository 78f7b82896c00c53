"""A bulk act's life: asked for once, done in sets, what is left cancelled or taken up again.

Who may do the single act may do it in bulk, case by case, and nothing more: every item is decided
as the actor's own act at the instant at which it happens.
"""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy.orm import Session

from caseflow.batches.bulk.queries import BulkView, bulk_act, find_own
from caseflow.batches.bulk.wanted import Chosen, Wanted, chosen
from caseflow.cases.service import Cases, Request
from caseflow.history import service as history
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import Conflict, RequestReused
from caseflow.kernel.event_bytes import canonical

ASKED: Final = """
    INSERT INTO bulk_act (public_id, event, payload, asked_for, actor_id, item_count, status,
        created_at, request_id, request_hash)
    VALUES (%s, %s, %s, %s, %s, %s, 'running', %s, %s, %s)
    ON CONFLICT ON CONSTRAINT uq_bulk_act_request DO NOTHING RETURNING id
"""
KNOWN: Final = """
    SELECT public_id, request_hash FROM bulk_act WHERE actor_id = %s AND request_id = %s
"""
ITEMS: Final = """
    INSERT INTO bulk_item (bulk_act_id, line, case_id, item_count, payload, status)
    SELECT %(id)s, r.line, r.case_id, %(count)s, r.payload, 'pending'
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (line int, case_id bigint, payload jsonb)
"""
LOCK: Final = "SELECT id, status, public_id FROM bulk_act WHERE id = %s FOR UPDATE"
GIVE_UP: Final = """
    UPDATE bulk_item SET status = 'cancelled', at = %(at)s
    WHERE bulk_act_id = %(id)s AND status = 'pending'
"""
TAKE_UP: Final = """
    UPDATE bulk_item SET status = 'pending', at = NULL, reason = NULL
    WHERE bulk_act_id = %(id)s AND status = ANY(%(what)s)
"""
CLOSE: Final = "UPDATE bulk_act SET status = %s, finished_at = %s WHERE id = %s"


def ask(
    cases: Cases, actor: Actor, wanted: Wanted, at: datetime, *, request_id: str | None = None
) -> BulkView:
    """Put the act down with all its items; workers carry it, or whoever calls `run_set`.

    The same `request_id` again returns the first one as it stands now.

    Raises:
        As `chosen`. InvalidInput: the payload brings what only a batch may bring.
        RequestReused: the request's id was used before for something else.
    """
    body = hashlib.sha256(canonical(wanted.told())).digest() if request_id else None
    with cases.database.batch() as session:
        number = _known(session, actor, request_id, body)
        if number is None:
            number = _put(session, cases, actor, wanted, at=at, request=(request_id, body))
        if number is None:  # somebody was quicker with the same request
            number = _known(session, actor, request_id, body)
            assert number is not None
    return bulk_act(cases, actor, number)


def _known(
    session: Session, actor: Actor, request_id: str | None, body: bytes | None
) -> str | None:
    """Return the bulk act that this request made before, None where it is new.

    Raises:
        RequestReused: the request's id was used before for something else.
    """
    if request_id is None:
        return None
    known = _driver(session).execute(KNOWN, (actor.id, request_id)).fetchone()
    if known and bytes(known[1]) != body:
        raise RequestReused(f"请求号 {request_id!r} 已用于另一请求。")
    return str(known[0]) if known else None


def _put(
    session: Session,
    cases: Cases,
    actor: Actor,
    wanted: Wanted,
    *,
    at: datetime,
    request: tuple[str | None, bytes | None],
) -> str | None:
    """Insert the act and its items; None where the same request was inserted meanwhile."""
    items = chosen(session, actor, wanted)
    driver, number = _driver(session), cases.ids.new()
    asked_for = wanted.filter and {k: v for k, v in asdict(wanted.filter).items() if v is not None}
    shared = _normal(cases, actor, wanted.event, wanted.payload, at)
    row = (
        number, wanted.event, _json(shared), _json(asked_for) if asked_for else None, actor.id,
        len(items), at, *request,
    )  # fmt: skip
    made = driver.execute(ASKED, row).fetchone()
    if made is None:
        return None
    rows = [_item(cases, actor, wanted.event, each, at) for each in items]
    driver.execute(ITEMS, {"id": made[0], "count": len(items), "rows": _json(rows)})
    said = {"event": wanted.event, "items": len(items)}
    _record(session, cases, made[0], "bulk_act_asked", said, actor=actor, at=at)
    return number


def _item(cases: Cases, actor: Actor, event: str, item: Chosen, at: datetime) -> dict[str, Any]:
    payload = _normal(cases, actor, event, item.payload, at)
    return {"line": item.line, "case_id": item.id, "payload": payload}


def _normal(cases: Cases, actor: Actor, event: str, payload: Any, at: datetime) -> dict[str, Any]:
    """Return a payload as it may be kept: without a person's number."""
    return dict(cases.vetted(Request(event, actor.id, at, payload)).payload)


def cancel(cases: Cases, actor: Actor, public_id: str, at: datetime) -> BulkView:
    """Give up what is left; what is done stays done.

    Raises:
        NotFound: no such bulk act of the actor's. Conflict: it is over already.
    """
    with cases.database.batch() as session:
        driver, number = _driver(session), find_own(session, actor, public_id)
        _, status, _ = driver.execute(LOCK, (number,)).fetchone()
        if status != "running":
            raise Conflict("该批量办理已结束，没有可取消的办件。")
        given_up = driver.execute(GIVE_UP, {"id": number, "at": at}).rowcount
        driver.execute(CLOSE, ("cancelled" if given_up else "done", at, number))
        _record(
            session, cases, number, "bulk_act_cancelled", {"items": given_up}, actor=actor, at=at
        )
    return bulk_act(cases, actor, public_id)


def resume(
    cases: Cases, actor: Actor, public_id: str, at: datetime, *, refused_too: bool = False
) -> BulkView:
    """Take up what was cancelled, and with `refused_too` what was refused as well.

    One that still runs is simply told of: it goes on by itself.

    Raises:
        NotFound: no such bulk act of the actor's. Conflict: nothing is left to be done.
    """
    with cases.database.batch() as session:
        driver, number = _driver(session), find_own(session, actor, public_id)
        _, status, _ = driver.execute(LOCK, (number,)).fetchone()
        driver.execute(CLOSE, ("running", None, number))
        what = ["cancelled", "refused"] if refused_too else ["cancelled"]
        taken_up = driver.execute(TAKE_UP, {"id": number, "what": what}).rowcount
        if not taken_up and status != "running":
            raise Conflict("没有尚未办理的办件；被拒绝的可一并重办。")
        if taken_up:
            _record(
                session, cases, number, "bulk_act_resumed", {"items": taken_up}, actor=actor, at=at
            )
    return bulk_act(cases, actor, public_id)


def _record(
    session: Session, cases: Cases, number: int, name: str, said: dict[str, Any], *, actor: Actor,
    at: datetime,
) -> None:  # fmt: skip
    signer = cases.office.signer
    history.append(
        session, stream=number, name=name, actor_id=actor.id, payload=said, at=at, signer=signer
    )


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
