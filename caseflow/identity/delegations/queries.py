"""Who stands in for whom: those of one person, given and taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from caseflow.identity.delegations.models import Delegation
from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date

MOST = 200


@dataclass(frozen=True)
class DelegationView:
    """A delegation; `last_on` is included, no `roles` or `measures` mean all."""

    id: str
    giver: str
    giver_name: str
    stand_in: str
    stand_in_name: str
    first_on: date
    last_on: date
    roles: tuple[str, ...]
    measures: tuple[str, ...]
    reason: str
    given_at: datetime
    revoked_at: datetime | None
    is_in_force: bool


@dataclass(frozen=True)
class DelegationPage:
    """Delegations, the newest first; `next` is given back as `after`, None on the last page."""

    items: tuple[DelegationView, ...]
    next: str | None


def delegations_of(
    session: Session,
    actor: Actor,
    at: datetime,
    *,
    codes: Mapping[int, str],
    after: str | None = None,
    limit: int = 50,
) -> DelegationPage:
    """Return what the actor gave and takes, past ones included; `codes` are those of measures."""
    giver, taker = aliased(Person), aliased(Person)
    size = max(1, min(limit, MOST))
    query = (
        select(Delegation, giver, taker)
        .join(giver, giver.id == Delegation.from_id)
        .join(taker, taker.id == Delegation.to_id)
        .where(or_(Delegation.from_id == actor.id, Delegation.to_id == actor.id))
    )
    if after is not None:
        last = select(Delegation.id).where(Delegation.public_id == after).scalar_subquery()
        query = query.where(Delegation.id < last)
    rows = session.execute(query.order_by(Delegation.id.desc()).limit(size + 1)).all()
    items = tuple(_view(*row, at=at, codes=codes) for row in rows[:size])
    return DelegationPage(items, items[-1].id if len(rows) > size else None)


def delegation_of(
    session: Session, found: Delegation, at: datetime, *, codes: Mapping[int, str]
) -> DelegationView:
    """Return a delegation that was found already, for people to read."""
    people = {
        person.id: person
        for person in session.scalars(
            select(Person).where(Person.id.in_((found.from_id, found.to_id)))
        )
    }
    return _view(found, people[found.from_id], people[found.to_id], at=at, codes=codes)


def _view(
    found: Delegation, giver: Person, taker: Person, *, at: datetime, codes: Mapping[int, str]
) -> DelegationView:
    ended = found.revoked_at or found.valid_to
    return DelegationView(
        id=found.public_id,
        giver=giver.login,
        giver_name=giver.name,
        stand_in=taker.login,
        stand_in_name=taker.name,
        first_on=local_date(found.valid_from),
        last_on=local_date(found.valid_to - timedelta(microseconds=1)),
        roles=tuple(found.roles or ()),
        measures=tuple(codes[number] for number in found.measure_ids or ()),
        reason=found.reason,
        given_at=found.given_at,
        revoked_at=found.revoked_at,
        is_in_force=found.valid_from <= at < min(ended, found.valid_to),
    )
