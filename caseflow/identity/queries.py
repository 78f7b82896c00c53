"""Who somebody is, where they sit, and who sits in a seat at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    DateTime,
    and_,
    any_,
    bindparam,
    null,
    nulls_first,
    or_,
    select,
    union_all,
)  # fmt: skip
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
NAMED: Final = Person.login == bindparam("login")
ON_OWN_ACCOUNT: Final = (
    select(
        Person.id, Person.login, Person.name, Assignment.organisation_id, Assignment.role,
        null().label("delegation_id"), null().label("from_id"), null().label("measure_ids"),
    )
    .outerjoin(Assignment, and_(Assignment.person_id == Person.id, valid_at(AT)))
    .where(NAMED)
)  # fmt: skip
"""What a person holds themselves, a row a role; one row without a role where that is nothing."""
FOR_OTHERS: Final = (
    select(
        Person.id, Person.login, Person.name, Assignment.organisation_id, Assignment.role,
        Delegation.id.label("delegation_id"), Delegation.from_id, Delegation.measure_ids,
    )
    .join(Delegation, and_(Delegation.to_id == Person.id, delegation_valid_at(AT)))
    .join(
        Assignment,
        and_(
            Assignment.person_id == Delegation.from_id,
            valid_at(AT),
            Assignment.role.not_in(UNDELEGATED),
            or_(Delegation.roles.is_(None), Assignment.role == any_(Delegation.roles)),
        ),
    )
    .where(NAMED)
)  # fmt: skip
"""What a person holds for others, a row a role; the roles of `UNDELEGATED` never."""
BOTH: Final[CompoundSelect[Any]] = union_all(ON_OWN_ACCOUNT, FOR_OTHERS)
WHO: Final = BOTH.order_by(
    nulls_first(BOTH.selected_columns.delegation_id),
    BOTH.selected_columns.organisation_id,
    BOTH.selected_columns.role,
)
"""Who a login is, a row a role: put together once and one wait, as every request asks it."""


def actor_by_login(session: Session, login: str, at: datetime) -> Actor:
    """Return who `login` is and what they hold at `at`, also for others.

    Raises:
        Unauthenticated: nobody has this login.
    """
    rows = session.execute(WHO, {"login": login, "at": at}).all()
    if not rows:
        raise Unauthenticated(f"Nobody has the login {login!r}.")
    own, *others = [tuple(held) for _, held in groupby(rows, key=lambda row: row.delegation_id)]
    return Actor(
        id=own[0].id,
        login=own[0].login,
        name=own[0].name,
        assignments=tuple(_holding(row) for row in own if row.role is not None),
        stands_in=tuple(_stands_in(held) for held in others),
    )


def _holding(row: Any) -> Holding:
    return Holding(row.organisation_id, row.role)


def _stands_in(held: Sequence[Any]) -> StandIn:
    """Return what the rows of one delegation say."""
    measure_ids = held[0].measure_ids
    return StandIn(
        person_id=held[0].from_id,
        measure_ids=None if measure_ids is None else tuple(measure_ids),
        assignments=tuple(_holding(row) for row in held),
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
