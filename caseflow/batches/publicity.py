"""Publicity (公示): a public notice that lists cases; closing it moves the undisputed ones."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.models import Publicity, PublicityCase
from caseflow.batches.published_list import (
    HOW_TO_OBJECT,
    Contact,
    ListedCase,
    Notice,
    check_contact,
    freeze,
    frozen_list,
    listed_case,
    published,
)
from caseflow.cases.service import Cases, Request
from caseflow.cases.sets import act_in_sets
from caseflow.deadlines.queries import load_calendar
from caseflow.history import service as history
from caseflow.history.checkpoints.queries import newest_checkpoint
from caseflow.kernel.calendar import due_at, local_date
from caseflow.kernel.calls import BATCH
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotFound

PUBLICISE: Final = "publicise"
CLOSE: Final = "close_publicity"
RELIST: Final = "relist"
DISPUTED: Final = "objection"
MOST_WORKING_DAYS: Final = 30
MOST_CASES: Final = 5_000


@dataclass(frozen=True)
class Listing:
    """What is to be publicised: cases by public id, under which title and basis, for how long.

    `is_plan`: the list is the whole of a batch's plan, which alone makes its cases public.
    """

    cases: tuple[str, ...]
    title: str
    basis: str
    contact: Contact
    working_days: int
    actor_id: int
    at: datetime
    is_plan: bool = False


@dataclass(frozen=True)
class PublicityView:
    """A publicity as anybody may read it. It runs to 24:00 of `ends_on`, Asia/Shanghai.

    `restarts` are the publicities that listed one of its cases before.
    """

    id: int
    public_id: str
    title: str
    basis: str
    organisation: str
    contact: Contact | None
    how_to_object: str
    list_sha256: str | None
    restarts: tuple[str, ...]
    working_days: int
    starts_on: date
    ends_on: date
    provisional: bool
    status: str
    cases: tuple[ListedCase, ...]


LISTED: Final = """
    SELECT l.publicity_id, l.line, c.number, c.public_id, o.title AS applicant, c.title,
        v.title AS measure, '第' || v.article || '条' AS clause, l.fen, t.title AS territory,
        r.public_id AS restarts
    FROM publicity_case l JOIN "case" c ON c.id = l.case_id
    JOIN organisation o ON o.id = c.applicant_id
    JOIN territory t ON t.id = c.territory_id
    JOIN measure_version v ON v.id = c.measure_version_id
    LEFT JOIN publicity r ON r.id = l.restarts_id
    WHERE l.publicity_id = ANY(%s) ORDER BY l.publicity_id, l.line
"""
BOARD: Final = """
    SELECT p.id, p.public_id, p.title, p.basis, o.title AS organisation, p.contact, p.list_sha256,
        p.working_days, p.starts_on, p.ends_on, p.provisional, p.status
    FROM publicity p JOIN organisation o ON o.id = p.organisation_id
    WHERE (%(public_id)s::text IS NULL OR p.public_id = %(public_id)s)
      AND (%(status)s::text IS NULL OR p.status = %(status)s)
      AND p.id < %(before)s
    ORDER BY p.id DESC LIMIT %(limit)s
"""
WANTED: Final = """
    SELECT c.id, row_number() OVER (ORDER BY c.number)::int AS line, c.number, c.public_id,
        (c.parties->>'lead_bureau')::bigint AS lead, lead.title AS organisation,
        (c.facts->>'planned_fen')::bigint AS fen, o.title AS applicant, c.title,
        v.title AS measure, '第' || v.article || '条' AS clause, t.title AS territory,
        b.id AS restarts_id, b.public_id AS restarts, b.working_days AS before_days,
        c.state, k.procedure, k.title AS call, k.publicity_days AS call_days
    FROM "case" c JOIN organisation o ON o.id = c.applicant_id
    JOIN organisation lead ON lead.id = (c.parties->>'lead_bureau')::bigint
    JOIN territory t ON t.id = c.territory_id
    JOIN measure_version v ON v.id = c.measure_version_id
    LEFT JOIN call k ON k.id = c.call_id
    LEFT JOIN publicity b ON b.id =
        (SELECT max(l.publicity_id) FROM publicity_case l WHERE l.case_id = c.id)
    WHERE c.public_id = ANY(%s) ORDER BY c.number
"""


def open_publicity(cases: Cases, listing: Listing) -> PublicityView:
    """List the cases for so many working days; all of them, or none if one may not be listed.

    The list is frozen as a file whose hash the publicity and its event carry. A case that was
    listed before is listed anew, names that publicity and stands for no fewer days than there.

    Raises:
        InvalidInput: no cases, too many, an empty title, no contact, or a period out of bounds.
        NotFound: a case does not exist.
        Conflict: a case cannot be listed now; the message says which and why.
    """
    with cases.database.session() as session:
        number = list_cases(session, cases, listing).public_id
    return publicity(cases, number)


def list_cases(session: Session, cases: Cases, listing: Listing) -> Publicity:
    """Do what `open_publicity` says in the transaction of `session`; returns the publicity.

    In a plan's list a case whose objection is still open stands as well, and stays where it is.
    """
    _check(listing)
    row, found = _make(session, cases, listing)
    payload = {"publicity_id": row.id, "publicity_ends_on": row.ends_on.isoformat()}
    events: dict[str, list[int]] = {}
    for case in found:
        is_disputed = listing.is_plan and case.state.partition("#")[0] == DISPUTED
        events.setdefault(RELIST if is_disputed else PUBLICISE, []).append(case.id)
    results: dict[int, Any] = {}
    for event, numbers in events.items():
        request = Request(event, listing.actor_id, listing.at, payload)
        results |= cases.act_many(_driver(session), numbers, request)
    refused = {c.number: e for c in found if isinstance(e := results[c.id], CaseflowError)}
    if refused:
        told = "；".join(f"{number}：{error.message}" for number, error in refused.items())
        raise Conflict(f"不能列入公示：{told}")
    _record(session, cases, row, "publicity_opened", listing.actor_id, listing.at)
    return row


def _check(listing: Listing) -> None:
    problems = {}
    if not 1 <= len(set(listing.cases)) <= MOST_CASES:
        problems["cases"] = f"须为 1 至 {MOST_CASES} 件"
    if not listing.title.strip():
        problems["title"] = "必填"
    if not 1 <= listing.working_days <= MOST_WORKING_DAYS:
        problems["working_days"] = f"须为 1 至 {MOST_WORKING_DAYS} 个工作日"
    if problems:
        raise InvalidInput("公示内容有误。", fields=problems)
    check_contact(listing.contact)


def _make(session: Session, cases: Cases, listing: Listing) -> tuple[Publicity, list[Any]]:
    """Insert the publicity with its lines; returns it and the cases as they were read."""
    driver = _driver(session)
    found = _wanted(driver, listing)
    row = _frozen(driver, cases, listing, found)
    session.add(row)
    session.flush()
    session.add_all(
        PublicityCase(
            publicity_id=row.id,
            case_id=case.id,
            fen=case.fen,
            line=case.line,
            case_count=row.case_count,
            restarts_id=case.restarts_id,
        )
        for case in found
    )
    session.flush()
    return row, found


def _wanted(driver: Any, listing: Listing) -> list[Any]:
    """Return the cases that are to be listed, as the list will show them, by their numbers."""
    cursor = driver.cursor(row_factory=namedtuple_row)
    found: list[Any] = cursor.execute(WANTED, (list(listing.cases),)).fetchall()
    missing = set(listing.cases) - {case.public_id for case in found}
    if missing:
        raise NotFound(f"没有办件 {'、'.join(sorted(missing))}。")
    if len({case.lead for case in found}) > 1:
        raise InvalidInput("一次公示只列同一牵头部门的办件。", fields={"cases": "牵头部门不同"})
    _refuse_shorter(listing, found)
    if not listing.is_plan and (batch := next((c for c in found if c.procedure == BATCH), None)):
        raise Conflict(f"《{batch.call}》按批次办理，{batch.number} 须随本批拟支持方案一并公示。")
    return found


def _refuse_shorter(listing: Listing, found: Sequence[Any]) -> None:
    """Refuse fewer days than a list had that is restarted, or than the call promises."""
    longest = max((case.before_days or 0 for case in found), default=0)
    if listing.working_days < longest:
        told = f"名单变更须重新公示，期限不得少于原公示的 {longest} 个工作日"
        raise InvalidInput(f"{told}。", fields={"working_days": told})
    promised = max((case.call_days or 0 for case in found), default=0)
    if listing.working_days < promised:
        told = f"申报通知写明公示 {promised} 个工作日"
        raise InvalidInput(f"{told}。", fields={"working_days": told})


def _frozen(driver: Any, cases: Cases, listing: Listing, found: Sequence[Any]) -> Publicity:
    """Return the publicity of the cases found, its list stored among the files."""
    starts_on = local_date(listing.at)
    deadline = load_calendar(driver).project(starts_on, listing.working_days, "working_days")
    contact = replace(listing.contact, unit=listing.contact.unit or found[0].organisation)
    notice = Notice(
        public_id=cases.ids.new(),
        title=listing.title.strip(),
        basis=listing.basis,
        organisation=found[0].organisation,
        contact=contact,
        starts_on=starts_on,
        ends_on=deadline.on,
        working_days=listing.working_days,
        provisional=deadline.provisional,
        restarts=_restarts(found),
    )
    content = published(notice, [listed_case(row) for row in found], checkpoint=_witness(driver))
    return Publicity(
        public_id=notice.public_id,
        title=notice.title,
        basis=notice.basis,
        organisation_id=found[0].lead,
        working_days=notice.working_days,
        starts_on=starts_on,
        ends_on=deadline.on,
        ends_at=due_at(deadline.on),
        provisional=deadline.provisional,
        status="open",
        opened_at=listing.at,
        contact=asdict(contact),
        list_sha256=freeze(cases.office.files, content),
        case_count=len(found),
    )


def _witness(driver: Any) -> str | None:
    try:
        return newest_checkpoint(driver).note
    except NotFound:
        return None


def _restarts(lines: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({line.restarts for line in lines if line.restarts}))


def close_due(cases: Cases, at: datetime, *, limit: int = 20) -> int:
    """Close the publicities whose period is over and move their undisputed cases; how many moved.

    A case with an open objection stays where it is; the others go on. All cases of a publicity
    move in one transaction, by sets of some hundred, each with its own event.
    """
    moved = 0
    with cases.database.batch() as session:
        query = (
            select(Publicity)
            .where(Publicity.status == "open", Publicity.ends_at <= at)
            .order_by(Publicity.ends_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        for row in session.scalars(query).all():
            moved += _close(session, cases, row, at)
    return moved


def _close(session: Session, cases: Cases, row: Publicity, at: datetime) -> int:
    listed = session.scalars(
        select(PublicityCase.case_id).where(PublicityCase.publicity_id == row.id)
    ).all()
    driver = _driver(session)
    still = driver.execute(
        'SELECT id FROM "case" WHERE id = ANY(%s) AND publicity_id = %s AND state LIKE %s',
        (list(listed), row.id, "publicity%"),
    ).fetchall()
    request = Request(CLOSE, cases.office.system_id, at, {})
    results = act_in_sets(cases, driver, dict.fromkeys((case[0] for case in still), request))
    row.status, row.closed_at = "closed", at
    session.flush()
    _record(session, cases, row, "publicity_closed", cases.office.system_id, at)
    return sum(not isinstance(result, CaseflowError) for result in results.values())


def _record(
    session: Session, cases: Cases, row: Publicity, name: str, actor_id: int, at: datetime
) -> None:
    payload = {
        "ends_on": row.ends_on.isoformat(),
        "working_days": row.working_days,
        "list_sha256": row.list_sha256,
    }
    signer = cases.office.signer
    history.append(
        session, stream=row.id, name=name, actor_id=actor_id, payload=payload, at=at, signer=signer
    )


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


def publicity(cases: Cases, public_id: str) -> PublicityView:
    """Return one publicity.

    Raises:
        NotFound: there is none of that id.
    """
    found = board(cases, public_id=public_id, limit=1)
    if not found:
        raise NotFound(f"没有公示 {public_id!r}。")
    return found[0]


def board(
    cases: Cases,
    *,
    public_id: str | None = None,
    status: str | None = None,
    before: int = 2**62,
    limit: int = 50,
) -> list[PublicityView]:
    """Return the public board, the newest first; page on with the last one's id as `before`."""
    parameters = {"public_id": public_id, "status": status, "before": before, "limit": limit}
    with cases.connect() as connection:
        cursor = connection.cursor(row_factory=namedtuple_row)
        rows: list[Any] = cursor.execute(BOARD, parameters).fetchall()
        lines: list[Any] = cursor.execute(LISTED, ([row.id for row in rows],)).fetchall()
    return [_view(row, [line for line in lines if line.publicity_id == row.id]) for row in rows]


def _view(row: Any, lines: Sequence[Any]) -> PublicityView:
    told = {**row._asdict(), "contact": Contact(**row.contact) if row.contact else None}
    return PublicityView(
        **told,
        how_to_object=HOW_TO_OBJECT,
        restarts=_restarts(lines),
        cases=tuple(map(listed_case, lines)),
    )


def published_list(cases: Cases, public_id: str) -> bytes:
    """Return the frozen list of a publicity, exactly the bytes that its hash names.

    Raises:
        NotFound: there is no such publicity, or it is from before lists were frozen.
        Unavailable: the file is gone or damaged.
    """
    shown = publicity(cases, public_id)
    if shown.list_sha256 is None:
        raise NotFound(f"公示 {public_id!r} 没有固化的名单文件。")
    return frozen_list(cases.office.files, shown.list_sha256)
