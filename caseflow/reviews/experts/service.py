"""The pool (专家库): adding experts, changing what is known of them, declaring a recusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.history.part import Signer
from caseflow.history.service import append
from caseflow.identity.identifiers import check_uscc
from caseflow.identity.models import Assignment, Organisation, Person
from caseflow.identity.queries import Actor, valid_at
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotAllowed, NotFound
from caseflow.reviews.experts.models import Expert, ExpertRecusal
from caseflow.reviews.experts.queries import EXPERT, pools

NO_EMPLOYER: Final = "示例单位（开发账户）"
"""The employer of the development accounts that a city's file seats in its pool."""
ENROLLED, RECUSED = "expert_enrolled", "expert_recusal_declared"
"""Events of the expert's own history."""
MOST: Final = 50
LONGEST: Final = 200


@dataclass(frozen=True)
class Profile:
    """What is known of an expert; credit codes are checked, the period is inclusive."""

    fields: Sequence[str]
    employer: str
    employer_uscc: str | None = None
    holdings: Sequence[str] = ()
    active_from: date | None = None
    active_to: date | None = None


def add_expert(
    session: Session, actor: Actor, login: str, profile: Profile, *, at: datetime, signer: Signer
) -> Expert:
    """Add a person of the pool's seats as an expert, or put right what is known of one.

    Raises:
        NotAllowed: not of the bureaus or the pool of that city.
        NotFound: nobody sits in a pool under that login. InvalidInput: a wrong code or period.
    """
    person, pool = _seated(session, login, at)
    if pool not in pools(session, actor) and not actor.holds(pool, EXPERT):
        raise NotAllowed("专家库由本市牵头部门和专家库自己维护，您不在这些席位。")
    known = session.get(Expert, person, with_for_update=True)
    said = {
        "fields": _texts("fields", profile.fields),
        "employer": _texts("employer", [profile.employer])[0],
        "employer_uscc": check_uscc(profile.employer_uscc) if profile.employer_uscc else None,
        "holdings": sorted({check_uscc(each) for each in profile.holdings}),
        "active_to": profile.active_to,
    }
    first = known.active_from if known else profile.active_from or local_date(at)
    if profile.active_to is not None and profile.active_to < first:
        raise InvalidInput("专家的截止日早于起始日。", fields={"active_to": f"不早于 {first}"})
    if known is None:
        known = Expert(
            person_id=person,
            organisation_id=pool,
            active_from=first,
            added_by=actor.id,
            added_at=at,
            **said,
        )
        session.add(known)
    for name, value in said.items():
        setattr(known, name, value)
    payload = {**said, "login": login, "active_to": iso_of(profile.active_to)}
    append(
        session, stream=person, name=ENROLLED, actor_id=actor.id, payload=payload, at=at,
        signer=signer,
    )  # fmt: skip
    return known


def iso_of(day: date | None) -> str | None:
    """Return the ISO text of a date, None as None."""
    return day.isoformat() if day else None


def _seated(session: Session, login: str, at: datetime) -> tuple[int, int]:
    query = (
        select(Person.id, Assignment.organisation_id)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Person.login == login, Assignment.role == EXPERT, valid_at(at))
        .order_by(Assignment.organisation_id)
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"{login!r} 不在专家库的席位上。")
    return row.id, row.organisation_id


def _texts(name: str, texts: Sequence[str]) -> list[str]:
    found = [text.strip() for text in texts]
    if len(found) > MOST or any(not 1 <= len(text) <= LONGEST for text in found):
        why = f"至多 {MOST} 项，每项 1 至 {LONGEST} 字"
        raise InvalidInput(f"{name}：{why}。", fields={name: why})
    return found


def enrol_seated(session: Session, *, by: int, at: datetime) -> int:
    """Enrol the development accounts that a city's file seats in its pool; how many were new."""
    known = select(Expert.person_id)
    query = (
        select(Assignment.person_id, Assignment.organisation_id)
        .where(Assignment.role == EXPERT, valid_at(at), Assignment.person_id.not_in(known))
        .order_by(Assignment.person_id)
    )
    rows = {row.person_id: row for row in session.execute(query)}.values()
    session.add_all(
        Expert(
            person_id=row.person_id,
            organisation_id=row.organisation_id,
            fields=[],
            employer=NO_EMPLOYER,
            holdings=[],
            active_from=local_date(at),
            added_by=by,
            added_at=at,
        )
        for row in rows
    )
    session.flush()
    return len(rows)


def declare_recusal(
    session: Session, actor: Actor, applicant: str, reason: str, *, at: datetime, signer: Signer
) -> ExpertRecusal:
    """Let an expert withdraw from judging an applicant (public id); declared once, for good.

    Raises:
        NotAllowed: the actor is no expert. NotFound: no such applicant.
        InvalidInput: no reason.
    """
    if session.get(Expert, actor.id) is None:
        raise NotAllowed("只有专家库的专家可以声明回避。")
    found = session.scalar(select(Organisation.id).where(Organisation.public_id == applicant))
    if found is None:
        raise NotFound(f"没有申报主体 {applicant!r}。")
    known = session.get(ExpertRecusal, (actor.id, found))
    if known is None:
        words = _texts("reason", [reason])[0]
        known = ExpertRecusal(
            person_id=actor.id, organisation_id=found, reason=words, declared_at=at
        )
        session.add(known)
        payload = {"applicant": applicant, "reason": words}
        append(
            session, stream=actor.id, name=RECUSED, actor_id=actor.id, payload=payload, at=at,
            signer=signer,
        )  # fmt: skip
    return known
