"""Registering (登记): a person or an applicant comes in, and the history says so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.history.part import Signer
from caseflow.history.service import append
from caseflow.identity.identifiers import Identity
from caseflow.identity.models import Organisation, Person
from caseflow.identity.service import register_applicant, register_person

PERSON: Final = "person_registered"
APPLICANT: Final = "applicant_registered"


@dataclass(frozen=True)
class Desk:
    """Where registrations are taken: the instant, the key that signs, the source of public ids."""

    at: datetime
    signer: Signer
    ids: PublicIds


@dataclass(frozen=True)
class Applying:
    """Who is to be an applicant; see `register_applicant`."""

    kind: str
    name: str
    territory_code: str
    uscc: str | None = None
    identity: Identity | None = None


def sign_up(session: Session, desk: Desk, *, login: str, name: str, email: str | None) -> Person:
    """Register a person, an event of their own.

    Raises:
        As `register_person`.
    """
    person = register_person(session, login=login, name=name, email=email, ids=desk.ids)
    append(
        session, stream=person.id, name=PERSON, actor_id=person.id, payload={"login": login},
        at=desk.at, signer=desk.signer,
    )  # fmt: skip
    return person


def enter(session: Session, desk: Desk, wanted: Applying, *, by: int) -> Organisation:
    """Register an applicant on behalf of person `by`; of an individual the event has no number.

    Raises:
        As `register_applicant`.
    """
    applicant = register_applicant(session, ids=desk.ids, **vars(wanted))
    payload = {
        "kind": wanted.kind,
        "territory": wanted.territory_code,
        "uscc": applicant.uscc,
    }
    append(
        session, stream=applicant.id, name=APPLICANT, actor_id=by, payload=payload, at=desk.at,
        signer=desk.signer,
    )  # fmt: skip
    return applicant
