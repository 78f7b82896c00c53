"""Who somebody is, where they sit, and who sits in a seat at an instant."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, DateTime, and_, any_, bindparam, or_, select
from sqlalchemy.orm import Session

from caseflow.identity.delegations.models import UNDELEGATED, Delegation
from caseflow.identity.models import Assignment, Organisation, Person, Territory
from caseflow.kernel.errors import NotFound, Unauthenticated

DISTRICT_KINDS = ("town", "park")
"""The kinds of organisation that are 属地: the lowest link of the territorial chain."""


class Holding(NamedTuple):
    """A role held in an organisation."""

    organisation_id: int
    role: str


@dataclass(frozen=True)
class StandIn:
    """What the actor holds for another (代理); `measure_ids` None: on every measure's cases."""

    person_id: int
    measure_ids: tuple[int, ...] | None
    assignments: tuple[Holding, ...]


@dataclass(frozen=True)
class Actor:
    """A person who acts, with every role held at the instant of asking, also for others."""

    id: int
    login: str
    name: str
    assignments: tuple[Holding, ...]
    stands_in: tuple[StandIn, ...] = ()

    @property
    def people(self) -> tuple[int, ...]:
        """Return the actor, and everybody for whom they stand in."""
        return (self.id, *(each.person_id for each in self.stands_in))

    def holds(self, organisation_id: int, role: str) -> bool:
        """Return whether the actor sits in this seat, on their own account."""
        return (organisation_id, role) in self.assignments

    def holdings_on(self, measure_id: int) -> tuple[Holding, ...]:
        """Return every role held on the cases of a measure, also for others."""
        others = (
            holding
            for each in self.stands_in
            if each.measure_ids is None or measure_id in each.measure_ids
            for holding in each.assignments
        )
        return (*self.assignments, *others)


def valid_at(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that an assignment is valid: from its first instant, up to its end."""
    return and_(
        Assignment.valid_from <= at,
        or_(Assignment.valid_to.is_(None), Assignment.valid_to > at),
    )


def delegation_valid_at(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that a delegation counts at `at`: in its period and not revoked."""
    return and_(
        Delegation.valid_from <= at,
        Delegation.valid_to > at,
        or_(Delegation.revoked_at.is_(None), Delegation.revoked_at > at),
    )


AT: Final = bindparam("at", type_=DateTime(timezone=True))
ON_OWN_ACCOUNT: Final = (
    select(Person.id, Person.login, Person.name, Assignment.organisation_id, Assignment.role)
    .outerjoin(Assignment, and_(Assignment.person_id == Person.id, valid_at(AT)))
    .where(Person.login == bindparam("login"))
    .order_by(Assignment.organisation_id, Assignment.role)
)
"""Who a login is, a row a role; put together once, as every request asks it."""
FOR_OTHERS: Final = (
    select(
        Delegation.id, Delegation.from_id, Delegation.measure_ids,
        Assignment.organisation_id, Assignment.role,
    )
    .join(
        Assignment,
        and_(
            Assignment.person_id == Delegation.from_id,
            valid_at(AT),
            Assignment.role.not_in(UNDELEGATED),
            or_(Delegation.roles.is_(None), Assignment.role == any_(Delegation.roles)),
        ),
    )
    .where(Delegation.to_id == bindparam("person"), delegation_valid_at(AT))
    .order_by(Delegation.id, Assignment.organisation_id, Assignment.role)
)  # fmt: skip
"""What a person holds for others, a row a role; the roles of `UNDELEGATED` never."""


def actor_by_login(session: Session, login: str, at: datetime) -> Actor:
    """Return who `login` is and what they hold at `at`.

    Raises:
        Unauthenticated: nobody has this login.
    """
    rows = session.execute(ON_OWN_ACCOUNT, {"login": login, "at": at}).all()
    if not rows:
        raise Unauthenticated(f"Nobody has the login {login!r}.")
    first = rows[0]
    holdings = tuple(Holding(row.organisation_id, row.role) for row in rows if row.role is not None)
    return Actor(
        id=first.id,
        login=first.login,
        name=first.name,
        assignments=holdings,
        stands_in=_stands_in(session, first.id, at),
    )


def _stands_in(session: Session, person_id: int, at: datetime) -> tuple[StandIn, ...]:
    """Return what a person holds for others at `at`."""
    rows = session.execute(FOR_OTHERS, {"person": person_id, "at": at})
    return tuple(
        StandIn(
            person_id=from_id,
            measure_ids=None if measure_ids is None else tuple(measure_ids),
            assignments=tuple(Holding(row.organisation_id, row.role) for row in held),
        )
        for (_, from_id, measure_ids), held in groupby(rows, key=lambda row: row[:3])
    )


def people_in_seat(
    session: Session, organisation_id: int, role: str, at: datetime
) -> tuple[Person, ...]:
    """Return who holds `role` in the organisation at `at`, the longest registered first."""
    query = (
        select(Person)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.organisation_id == organisation_id, Assignment.role == role, valid_at(at))
        .order_by(Person.id)
    )
    return tuple(session.scalars(query))


def organisation(session: Session, name: str) -> Organisation:
    """Return the organisation whose public id or code is `name`.

    Raises:
        NotFound: there is none.
    """
    query = select(Organisation).where(
        or_(Organisation.public_id == name, Organisation.code == name)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"There is no organisation {name!r}.")
    return found


def territory(session: Session, code: str) -> Territory:
    """Return the territory with this code.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(select(Territory).where(Territory.code == code)).one_or_none()
    if found is None:
        raise NotFound(f"There is no territory {code!r}.")
    return found


def district(session: Session, territory_id: int) -> Organisation:
    """Return the town or park (属地) that answers for a territory.

    Raises:
        NotFound: the territory is no town or park, or has no organisation yet.
    """
    query = (
        select(Organisation)
        .where(Organisation.territory_id == territory_id, Organisation.kind.in_(DISTRICT_KINDS))
        .order_by(Organisation.id)
        .limit(1)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound(
            f"Territory {territory_id} has no town or park that answers for it (属地);"
            " register the applicant in a town or park."
        )
    return found
