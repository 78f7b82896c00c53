"""Made-up applicants whose identifiers have the right check digits and belong to nobody known."""

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.funds.service import Hand
from caseflow.identity.identifiers import Identity
from caseflow.identity.models import Organisation, Person
from caseflow.identity.service import assign, register_applicant, register_person
from caseflow.rehearsal.codes import synthetic_identity_number, synthetic_uscc
from caseflow.rehearsal.treasury import give_account

KINDS: Final = {
    "enterprise": "示例企业",
    "institution": "示例单位",
    "association": "示例协会",
    "individual": "示例个人",
    "government": "示例区",
}


@dataclass(frozen=True)
class Applicant:
    """A registered applicant and the person who acts for it."""

    id: int
    public_id: str
    title: str
    person_id: int
    login: str


def synthetic_identity(number: int) -> Identity:
    """Return the document of a made-up person; `number` is below a thousand."""
    return Identity("resident_id", synthetic_identity_number(number))


def enlist(
    session: Session,
    *,
    kind: str,
    number: int,
    territory: str,
    hand: Hand,
    ids: PublicIds,
    title: str | None = None,
    code: str | None = None,
) -> Applicant:
    """Register a made-up applicant with somebody who acts for it and an account to pay to.

    `hand` has the instant and the key, `code` is its own credit code.
    """
    name = title or f"{KINDS[kind]}{number:03d}号"
    organisation = _register(
        session, kind, number, territory=territory, name=name, code=code, ids=ids
    )
    login = f"applicant{number:03d}"
    person = register_person(
        session, login=login, name=f"{name} 经办人", ids=ids, email=f"{login}@applicant.example"
    )
    assign(session, person, organisation, role="applicant", at=hand.at)
    give_account(session, organisation, replace(hand, by=person.id))
    return _applicant(organisation, person)


def _register(
    session: Session,
    kind: str,
    number: int,
    *,
    territory: str,
    name: str,
    code: str | None,
    ids: PublicIds,
) -> Organisation:
    is_person = kind == "individual"
    return register_applicant(
        session,
        kind=kind,
        name=name,
        territory_code=territory,
        ids=ids,
        uscc=None if is_person else code or synthetic_uscc(number, kind=kind),
        identity=synthetic_identity(number) if is_person else None,
    )


def _applicant(organisation: Organisation, person: Person) -> Applicant:
    return Applicant(
        id=organisation.id,
        public_id=organisation.public_id,
        title=organisation.title,
        person_id=person.id,
        login=person.login,
    )
