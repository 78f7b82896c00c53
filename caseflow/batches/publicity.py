"""Publicity (公示): a public notice that lists cases; closing it moves the undisputed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.models import Publicity, PublicityCase
from caseflow.cases.service import Cases, Request
from caseflow.deadlines.queries import load_calendar
from caseflow.history import service as history
from caseflow.kernel.calendar import due_at, local_date
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotFound

PUBLICISE: Final = "publicise"
CLOSE: Final = "close_publicity"
MOST_WORKING_DAYS: Final = 30
MOST_CASES: Final = 5_000


@dataclass(frozen=True)
class Listing:
    """What is to be publicised: cases by public id, under which title and basis, for how long."""

    cases: tuple[str, ...]
    title: str
    basis: str
    working_days: int
    actor_id: int
    at: datetime


@dataclass(frozen=True)
class ListedCase:
    """A line of a publicity as anybody may read it: no identity numbers, phones, accounts."""

    number: str
    public_id: str
    applicant: str
    title: str
    measure: str
    fen: int | None
    territory: str


@dataclass(frozen=True)
class PublicityView:
    """A publicity as anybody may read it. It runs to 24:00 of `ends_on`, Asia/Shanghai."""

    id: int
    public_id: str
    title: str
    basis: str
    organisation: str
    working_days: int
    starts_on: date
    ends_on: date
    provisional: bool
    status: str
    cases: tuple[ListedCase, ...]


LISTED: Final = """
    SELECT l.publicity_id, c.number, c.public_id, o.title AS applicant, c.title,
        v.title AS measure, l.fen, t.title AS territory
    FROM publicity_case l JOIN "case" c ON c.id = l.case_id
    JOIN organisation o ON o.id = c.applicant_id
    JOIN territory t ON t.id = c.territory_id
    JOIN measure_version v ON v.id = c.measure_version_id
    WHERE l.publicity_id = ANY(%s) ORDER BY l.publicity_id, c.number
"""
BOARD: Final = """
    SELECT p.id, p.public_id, p.title, p.basis, o.title AS organisation, p.working_days,
        p.starts_on, p.ends_on, p.provisional, p.status
    FROM publicity p JOIN organisation o ON o.id = p.organisation_id
    WHERE (%(public_id)s::text IS NULL OR p.public_id = %(public_id)s)
      AND (%(status)s::text IS NULL OR p.status = %(status)s)
      AND p.id < %(before)s
    ORDER BY p.id DESC LIMIT %(limit)s
"""


def open_publicity(cases: Cases, listing: Listing) -> PublicityView:
    """List the cases for so many working days; all of them, or none if one may not be listed.

    Raises:
        InvalidInput: no cases, too many, an empty title, or a period out of bounds.
        NotFound: a case does not exist.
        Conflict: a case cannot be listed now; the message says which and why.
    """
    _check(listing)
    with cases.database.session() as session:
        row, listed = _make(session, cases, listing)
        driver = _driver(session)
        payload = {"publicity_id": row.id, "publicity_ends_on": row.ends_on.isoformat()}
        request = Request(PUBLICISE, listing.actor_id, listing.at, payload)
        results = cases.act_many(driver, list(listed), request)
        refused = {listed[key]: e for key, e in results.items() if isinstance(e, CaseflowError)}
        if refused:
            told = "；".join(f"{number}：{error.message}" for number, error in refused.items())
            raise Conflict(f"不能列入公示：{told}")
        _record(session, cases, row, "publicity_opened", listing.actor_id, listing.at)
        number = row.public_id
    return publicity(cases, number)


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


def _make(session: Session, cases: Cases, listing: Listing) -> tuple[Publicity, dict[int, str]]:
    """Insert the publicity with its lines; returns it and the case numbers by case id."""
    driver = _driver(session)
    cursor = driver.cursor(row_factory=namedtuple_row)
    found = cursor.execute(
        "SELECT id, number, public_id, (parties->>'lead_bureau')::bigint AS lead,"
        " (facts->>'planned_fen')::bigint AS fen FROM \"case\" WHERE public_id = ANY(%s)",
        (list(listing.cases),),
    ).fetchall()
    missing = set(listing.cases) - {case.public_id for case in found}
    if missing:
        raise NotFound(f"没有办件 {'、'.join(sorted(missing))}。")
    if len({case.lead for case in found}) > 1:
        raise InvalidInput("一次公示只列同一牵头部门的办件。", fields={"cases": "牵头部门不同"})
    starts_on = local_date(listing.at)
    deadline = load_calendar(driver).project(starts_on, listing.working_days, "working_days")
    row = Publicity(
        public_id=cases.ids.new(),
        title=listing.title.strip(),
        basis=listing.basis,
        organisation_id=found[0].lead,
        working_days=listing.working_days,
        starts_on=starts_on,
        ends_on=deadline.on,
        ends_at=due_at(deadline.on),
        provisional=deadline.provisional,
        status="open",
        opened_at=listing.at,
    )
    session.add(row)
    session.flush()
    session.add_all(
        PublicityCase(publicity_id=row.id, case_id=case.id, fen=case.fen) for case in found
    )
    session.flush()
    return row, {case.id: case.number for case in found}


def close_due(cases: Cases, at: datetime, *, limit: int = 20) -> int:
    """Close the publicities whose period is over and move their undisputed cases; how many moved.

    A case with an open objection stays where it is; the others go on.
    """
    moved = 0
    with cases.database.session() as session:
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
    results = cases.act_many(driver, [case[0] for case in still], request)
    row.status, row.closed_at = "closed", at
    session.flush()
    _record(session, cases, row, "publicity_closed", cases.office.system_id, at)
    return sum(not isinstance(result, CaseflowError) for result in results.values())


def _record(
    session: Session, cases: Cases, row: Publicity, name: str, actor_id: int, at: datetime
) -> None:
    payload = {"ends_on": row.ends_on.isoformat(), "working_days": row.working_days}
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
        lines = cursor.execute(LISTED, ([row.id for row in rows],)).fetchall()
    return [PublicityView(**row._asdict(), cases=_lines(lines, row.id)) for row in rows]


def _lines(lines: Sequence[Any], publicity_id: int) -> tuple[ListedCase, ...]:
    found: list[Mapping[str, Any]] = [
        line._asdict() for line in lines if line.publicity_id == publicity_id
    ]
    return tuple(
        ListedCase(**{key: value for key, value in line.items() if key != "publicity_id"})
        for line in found
    )
