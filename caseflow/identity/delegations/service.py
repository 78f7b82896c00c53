"""Standing in for somebody (代理) begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.history.part import Signer
from caseflow.history.service import append
from caseflow.identity.delegations.models import UNDELEGATED, Delegation
from caseflow.identity.models import Assignment, Person
from caseflow.identity.queries import Actor, valid_at
from caseflow.kernel.calendar import due_at, shanghai_instant
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound

MOST_DAYS: Final = 366
"""The longest a delegation runs without being renewed. 惯例"""


@dataclass(frozen=True)
class Wish:
    """From `first_on` to `last_on`, both included; no roles or measures: all of them.

    `to` is a login or public id; `measure_ids` are those whose cases it is for.
    """

    to: str
    first_on: date
    last_on: date
    reason: str
    roles: Sequence[str] = ()
    measure_ids: Sequence[int] = ()


def delegate(
    session: Session, actor: Actor, wish: Wish, *, at: datetime, signer: Signer, ids: PublicIds
) -> Delegation:
    """Let another person act for the actor; recorded in the delegation's own history.

    Raises:
        NotFound: nobody of that name. InvalidInput: the days, the reason or the roles are wrong.
        Conflict: one of the two stands in for, or has delegated to, somebody in that period.
    """
    stand_in = _person(session, wish.to)
    roles = _roles(session, actor, wish, at)
    begins, ends = _period(wish, at)
    made = Delegation(
        public_id=ids.new(),
        from_id=actor.id,
        to_id=stand_in.id,
        valid_from=begins,
        valid_to=ends,
        roles=roles,
        measure_ids=sorted(set(wish.measure_ids)) or None,
        reason=wish.reason.strip(),
        given_by=actor.id,
        given_at=at,
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError as error:
        raise Conflict(_words(error)) from error
    payload = {
        "to": stand_in.login, "from": actor.login, "first_on": wish.first_on.isoformat(),
        "last_on": wish.last_on.isoformat(), "roles": roles, "measures": made.measure_ids,
        "reason": made.reason,
    }  # fmt: skip
    append(
        session, stream=made.id, name="delegated", actor_id=actor.id, payload=payload, at=at,
        signer=signer,
    )  # fmt: skip
    return made


def _words(error: IntegrityError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    return str(diagnosis.message_primary if diagnosis else error.orig)


def _person(session: Session, name: str) -> Person:
    query = select(Person).where((Person.login == name) | (Person.public_id == name))
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"没有人员 {name!r}。")
    return found


def _roles(session: Session, actor: Actor, wish: Wish, at: datetime) -> list[str] | None:
    query = select(Assignment.role).where(Assignment.person_id == actor.id, valid_at(at))
    held = {role for role in session.scalars(query) if role not in UNDELEGATED}
    if not held:
        raise NotAllowed("您没有可以委托他人代理的席位。")
    surplus = sorted(set(wish.roles) - held)
    if surplus:
        words = f"您不担任 {'、'.join(surplus)}，不能委托代理。"
        raise InvalidInput(words, fields={"roles": "不是您的席位"})
    return sorted(set(wish.roles)) or None


def _period(wish: Wish, at: datetime) -> tuple[datetime, datetime]:
    """Return the first instant and the one after the last; a first day of today begins now."""
    if not wish.reason.strip():
        raise InvalidInput("须说明代理事由。", fields={"reason": "必填"})
    begins, ends = max(at, shanghai_instant(wish.first_on, hour=0)), due_at(wish.last_on)
    if ends <= begins or (wish.last_on - wish.first_on).days > MOST_DAYS:
        words = f"代理期 {wish.first_on} 至 {wish.last_on} 须尚未届满且不超过 {MOST_DAYS} 天。"
        raise InvalidInput(words, fields={"last_on": "代理期有误"})
    return begins, ends


def revoke(
    session: Session, actor: Actor, public_id: str, *, at: datetime, signer: Signer
) -> Delegation:
    """End a delegation now; by who gave it, or by who was to stand in.

    Raises:
        NotFound: none of the actor's is called so. Conflict: it was revoked or is over.
    """
    query = select(Delegation).where(Delegation.public_id == public_id).with_for_update()
    found = session.scalars(query).one_or_none()
    if found is None or actor.id not in {found.from_id, found.to_id}:
        raise NotFound(f"没有代理 {public_id!r}。")
    if found.revoked_at is not None or found.valid_to <= at:
        raise Conflict("代理已经结束。")
    found.revoked_at, found.revoked_by = at, actor.id
    append(
        session, stream=found.id, name="delegation_revoked", actor_id=actor.id, payload={}, at=at,
        signer=signer,
    )  # fmt: skip
    return found
