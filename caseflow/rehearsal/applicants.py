"""Made-up applicants whose identifiers have the right check digits and belong to nobody known."""

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session
from stdnum.cn import ric, uscc

from caseflow.database.ids import PublicIds
from caseflow.funds.service import Hand
from caseflow.identity.identifiers import Identity
from caseflow.identity.models import Organisation, Person
from caseflow.identity.service import assign, register_applicant, register_person
from caseflow.rehearsal.treasury import give_account

AREA: Final = "320681"
PREFIXES: Final = {
    "enterprise": "91", "institution": "12", "association": "51", "government": "11",
}  # fmt: skip
"""Department and category of a credit code: 企业, 事业单位, 社会团体, 机关. GB 32100-2015."""

KINDS: Final = {
    "enterprise": "示例企业",
    "institution": "示例单位",
    "association": "示例协会",
    "individual": "示例个人",
    "government": "示例区",
}
_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_VALUES: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS: Final = 11


@dataclass(frozen=True)
class Applicant:
    """A registered applicant and the person who acts for it."""

    id: int
    public_id: str
    title: str
    person_id: int
    login: str


def synthetic_uscc(number: int, *, kind: str) -> str:
    """Return the credit code number `number` (below a million) of a made-up organisation.

    Source: GB 32100-2015, GB 11714.
    """
    organisation = f"MA{number:06d}"
    total = sum(
        _VALUES.index(character) * weight
        for character, weight in zip(organisation, _WEIGHTS, strict=True)
    )
    check = (_MODULUS - total % _MODULUS) % _MODULUS
    body = f"{PREFIXES[kind]}{AREA}{organisation}{'X' if check == _MODULUS - 1 else check}"
    return body + str(uscc.calc_check_digit(body))


def synthetic_identity(number: int) -> Identity:
    """Return the resident identity number of a made-up person; `number` is below a thousand.

    Source: GB 11643-1999.
    """
    body = f"{AREA}19900101{number:03d}"
    return Identity("resident_id", body + str(ric.calc_check_digit(f"{body}0")))


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
