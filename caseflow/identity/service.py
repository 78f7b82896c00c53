"""Loading cities, registering applicants and people, and seating them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.identity import queries
from caseflow.identity.city import AccountRow, CityRows, OrganisationRow, TerritoryRow
from caseflow.identity.identifiers import Identity, check_identity, check_uscc
from caseflow.identity.models import APPLICANT_KINDS, Assignment, Organisation, Person, Territory
from caseflow.kernel.errors import Conflict, InvalidInput
from caseflow.kernel.workflow.vocabulary import SEATS

SYSTEM_LOGIN: Final = "system"
PERSONAL_ROLES: Final = frozenset(seat.role for seat in SEATS.values()) - {SYSTEM_LOGIN}
"""The roles that people take; the program itself has the one left out."""

LOADING_LOCK: Final = 72_616_374
"""The advisory lock under which one process loads definitions while the others wait."""

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
STATE_ORGAN: Final = "11"
"""机构编制, 机关: how the credit code of an administration begins. GB 32100-2015."""

MAX_NAME: Final = 200


@dataclass(frozen=True)
class CityLoaded:
    """How many rows a load added; all zero the second time."""

    territories: int
    organisations: int
    people: int
    assignments: int


def load_city(session: Session, city: CityRows, *, at: datetime, ids: PublicIds) -> CityLoaded:
    """Bring the tables up to the city's file: add what is new, rename what is renamed.

    Nothing is taken away: what the file no longer names stays, and a seat that was ended by hand
    is not filled again.

    Raises:
        Conflict: an organisation's code is already used in another city.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOADING_LOCK)))
    places, new_places = _load_territories(session, city.territories)
    bodies, new_bodies = _load_organisations(session, city.organisations, places, ids)
    accounts = city.accounts()
    people, new_people = _load_people(session, accounts, ids)
    seats = [
        (people[account.login].id, bodies[account.organisation].id, account.role)
        for account in accounts
    ]
    return CityLoaded(new_places, new_bodies, new_people, _seat_once(session, seats, at))


def _load_territories(
    session: Session, rows: Sequence[TerritoryRow]
) -> tuple[dict[str, Territory], int]:
    codes = [row.code for row in rows]
    known = {t.code: t for t in session.scalars(select(Territory).where(Territory.code.in_(codes)))}
    fresh = [row for row in rows if row.code not in known]
    for row in fresh:
        known[row.code] = Territory(
            code=row.code, title=row.title, level=row.level, fiscal_level=row.fiscal_level
        )
        session.add(known[row.code])
    session.flush()
    for row in rows:
        territory = known[row.code]
        territory.title, territory.level, territory.fiscal_level = (
            row.title,
            row.level,
            row.fiscal_level,
        )
        territory.parent_id = known[row.parent].id if row.parent else None
    session.flush()
    return known, len(fresh)


def _load_organisations(
    session: Session,
    rows: Sequence[OrganisationRow],
    places: dict[str, Territory],
    ids: PublicIds,
) -> tuple[dict[str, Organisation], int]:
    codes = [row.code for row in rows]
    query = select(Organisation).where(Organisation.code.in_(codes))
    known = {str(o.code): o for o in session.scalars(query)}
    here = {place.id for place in places.values()}
    fresh = 0
    for row in rows:
        organisation = known.get(row.code)
        if organisation is None:
            organisation = Organisation(code=row.code, public_id=ids.new())
            session.add(organisation)
            known[row.code] = organisation
            fresh += 1
        elif organisation.territory_id not in here:
            raise Conflict(
                f"The code {row.code!r} belongs to {organisation.title} of another city."
            )
        organisation.title, organisation.kind = row.title, row.kind
        organisation.territory_id = places[row.territory].id
    session.flush()
    return known, fresh


def _load_people(
    session: Session, accounts: Sequence[AccountRow], ids: PublicIds
) -> tuple[dict[str, Person], int]:
    logins = {account.login for account in accounts}
    query = select(Person).where(Person.login.in_(logins))
    known = {person.login: person for person in session.scalars(query)}
    fresh = len(logins) - len(known)
    for account in accounts:
        person = known.get(account.login)
        if person is None:
            person = known[account.login] = Person(login=account.login, public_id=ids.new())
            session.add(person)
        person.name = account.name
    session.flush()
    return known, fresh


def _seat_once(session: Session, seats: Sequence[tuple[int, int, str]], at: datetime) -> int:
    """Fill seats of (person, organisation, role) unless they ever sat there; say how many."""
    columns = (Assignment.person_id, Assignment.organisation_id, Assignment.role)
    people = {person for person, _, _ in seats}
    query = select(*columns).where(Assignment.person_id.in_(people))
    taken = {tuple(row) for row in session.execute(query)}
    fresh = [seat for seat in dict.fromkeys(seats) if seat not in taken]
    session.add_all(
        Assignment(person_id=person, organisation_id=body, role=role, valid_from=at)
        for person, body, role in fresh
    )
    session.flush()
    return len(fresh)


def ensure_system_person(session: Session) -> Person:
    """Return the person who acts where nobody does (timers, imports); make it the first time."""
    row = {"login": SYSTEM_LOGIN, "name": SEATS["system"].title, "public_id": SYSTEM_LOGIN}
    session.execute(insert(Person).values(row).on_conflict_do_nothing(index_elements=["login"]))
    return session.scalars(select(Person).where(Person.login == SYSTEM_LOGIN)).one()


def register_applicant(
    session: Session,
    *,
    kind: str,
    name: str,
    territory_code: str,
    ids: PublicIds,
    uscc: str | None = None,
    identity: Identity | None = None,
) -> Organisation:
    """Register who may apply: an individual by their document, all others by their credit code.

    The territory is where the applicant is registered and taxed, never the area in the code.

    Raises:
        InvalidInput: an unknown kind, a missing, surplus or wrong identifier, an empty name.
        NotFound: no such territory.
        Conflict: the identifier is registered already.
    """
    _check_kind(kind, uscc=uscc, identity=identity)
    checked = check_identity(identity.type, identity.number) if identity else None
    organisation = Organisation(
        public_id=ids.new(),
        kind=kind,
        title=_name(name, "name"),
        territory_id=queries.territory(session, territory_code).id,
        uscc=check_uscc(uscc) if uscc is not None else None,
        identity_type=checked.type if checked else None,
        identity_number=checked.number if checked else None,
    )
    which = f"the code {organisation.uscc}" if uscc is not None else "this document"
    _insert(session, organisation, taken=f"An applicant with {which} is registered already.")
    return organisation


def _check_kind(kind: str, *, uscc: str | None, identity: Identity | None) -> None:
    if kind not in APPLICANT_KINDS:
        raise _refusal("kind", f"{kind!r} is none of {', '.join(APPLICANT_KINDS)}")
    needed, surplus = ("identity", uscc) if kind == "individual" else ("uscc", identity)
    if (identity if kind == "individual" else uscc) is None:
        raise _refusal(needed, f"an applicant of kind {kind} is known by it")
    if surplus is not None:
        raise _refusal(needed, f"an applicant of kind {kind} is known by it alone")
    if kind == "government" and uscc is not None and not uscc.startswith(STATE_ORGAN):
        raise _refusal("uscc", f"the code of a state organ (机关) begins with {STATE_ORGAN}")


def register_person(
    session: Session, *, login: str, name: str, ids: PublicIds, email: str | None = None
) -> Person:
    """Register somebody who signs in; their seats are given by `assign`.

    Raises:
        InvalidInput: the login, name or e-mail address cannot be one.
        Conflict: the login is taken.
    """
    if not _LOGIN.fullmatch(login):
        raise _refusal(
            "login", f"{login!r}: small letters, digits, '.', '_' and '-', 2 to 64 of them"
        )
    if email is not None and not _EMAIL.fullmatch(email):
        raise _refusal("email", f"{email!r} is not an e-mail address")
    person = Person(public_id=ids.new(), login=login, name=_name(name, "name"), email=email)
    _insert(session, person, taken=f"The login {login!r} is taken.")
    return person


def assign(
    session: Session, person: Person, organisation: Organisation, *, role: str, at: datetime
) -> Assignment:
    """Seat a person in an organisation from `at` on, with no end.

    Raises:
        InvalidInput: an unknown role, or the system's, which no person takes.
        Conflict: the person holds this role there already at `at`, or is to hold it later.
    """
    if role not in PERSONAL_ROLES:
        raise _refusal("role", f"{role!r} is no role that a person takes")
    query = select(Assignment.id).where(
        Assignment.person_id == person.id,
        Assignment.organisation_id == organisation.id,
        Assignment.role == role,
        Assignment.valid_to.is_(None) | (Assignment.valid_to > at),
    )
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    if session.scalars(query.limit(1)).first() is not None:
        raise Conflict(f"{person.login} holds {role} in {organisation.title} already.")
    return _add_assignment(session, person, organisation, role=role, at=at)


def _add_assignment(
    session: Session, person: Person, organisation: Organisation, *, role: str, at: datetime
) -> Assignment:
    assignment = Assignment(
        person_id=person.id, organisation_id=organisation.id, role=role, valid_from=at
    )
    session.add(assignment)
    session.flush()
    return assignment


def end_assignment(session: Session, assignment: Assignment, *, at: datetime) -> None:
    """Let an assignment end at `at`, which itself is outside.

    Raises:
        Conflict: it has ended already.
        InvalidInput: `at` is not after its beginning.
    """
    session.refresh(assignment, with_for_update=True)
    if assignment.valid_to is not None:
        raise Conflict(f"The assignment ended already at {assignment.valid_to.isoformat()}.")
    if at <= assignment.valid_from:
        raise _refusal("at", f"the assignment begins at {assignment.valid_from.isoformat()}")
    assignment.valid_to = at
    session.flush()


def _insert(session: Session, row: Organisation | Person, *, taken: str) -> None:
    """Insert one row in a savepoint, so that a taken name leaves the transaction usable."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(taken) from error


def _name(text: str, field: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise _refusal(field, f"1 to {MAX_NAME} printable characters")
    return name


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {reason}.", fields={field: reason})
