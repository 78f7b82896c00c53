"""Whom the register of ties (关联关系) keeps from judging whom: the expert, or the employer."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.funds.awards.claims import holder_of
from caseflow.history.part import Signer
from caseflow.identity.commitments import committing
from caseflow.identity.models import Organisation
from caseflow.identity.ties.queries import Register, known_codes, register_on
from caseflow.kernel.calendar import local_date

RELATED: Final = "related"
WHO: Final = ("本人", "工作单位")


def tied(
    session: Session, employers: Mapping[int, str | None], applicants: Collection[int],
    at: datetime, *, signer: Signer,
) -> dict[int, dict[int, str]]:  # fmt: skip
    """Return which of the applicants each expert is tied to, and how, by the expert's person.

    `employers` are the credit codes of those who employ them. Only a relation keeps somebody out;
    a small indirect holding does not.
    """
    known = known_codes(session, employers)
    query = select(Organisation.id, Organisation.uscc, Organisation.identity_number)
    commit = committing(signer)
    judged = {
        row.id: holder_of(row.uscc, row.identity_number, commit)
        for row in session.execute(query.where(Organisation.id.in_(applicants)))
    }
    theirs = {person: (known.get(person), employer) for person, employer in employers.items()}
    codes = {code for both in theirs.values() for code in both if code} | set(judged.values())
    register = register_on(session, codes, local_date(at), at)
    return {
        person: {
            applicant: why
            for applicant, code in judged.items()
            if (why := _why(register, both, code))
        }
        for person, both in theirs.items()
    }


def _why(register: Register, codes: tuple[str | None, str | None], applicant: str) -> str:
    for who, code in zip(WHO, codes, strict=True):
        if code is None:
            continue
        found = register.relation(code, applicant)
        if found.grade == RELATED:
            return f"{who}——{found.words}"
    return ""
