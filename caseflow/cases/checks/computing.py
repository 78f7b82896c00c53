"""Checks (手册§5.5) that this house answers itself, from the awards and the cases it knows.

首次: nobody is supported a first time twice under one measure, and whoever follows another (承继)
has had what that one had; support of another policy's measure of the same family is told. 查重: a
matter that another support has, or that another case asks for.
非关联方: see `relating`.
"""

from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.checks.relating import REGISTER, RELATED_PARTY, related_party
from caseflow.cases.overlaps import clashes_of
from caseflow.cases.reading import Asker, Reading, read_case
from caseflow.cases.service import Cases
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.funds.awards.claims import decisions_of, holder_of
from caseflow.funds.awards.models import Award
from caseflow.funds.awards.queries import awards_of_applicant
from caseflow.identity.commitments import committing
from caseflow.identity.models import Organisation
from caseflow.identity.successions.queries import codes_of
from caseflow.kernel.checks import FLAG, PASS, VETO
from caseflow.kernel.overlap.clashes import GRADES, unsettled
from caseflow.reviews.checks.sources import Answer

OWN_LEDGER: Final = "本平台享受台账"
FIRST_TIME, DUPLICATES = "first_time", "duplicates"
RECORDS: Final = {RELATED_PARTY: REGISTER, FIRST_TIME: OWN_LEDGER, DUPLICATES: OWN_LEDGER}
"""Which of this house's records answers for a kind."""
ENJOYED: Final = ("live", "superseded")
"""What was given and is neither back nor recovered."""
JSON: Final = "application/json"


def computed(
    session: Session, cases: Cases, reading: Reading, kind: str, *, actor_id: int, at: datetime
) -> Answer:
    """Return what the house's own records say of a case, as they are now.

    Raises:
        Unavailable: they do not know enough; only of a kind that may be told by hand.
    """
    driver: Any = session.connection().connection.driver_connection
    now = read_case(driver, reading.public_id, Asker(actor_id, at))
    assert now is not None
    if kind == RELATED_PARTY:
        return related_party(session, cases, now, at)
    measure = cases.pinned.measure(driver, now.measure_version_id)
    if kind == FIRST_TIME:
        return _first_time(session, cases, now, measure)
    return _duplicates(now, measure)


def _first_time(session: Session, cases: Cases, reading: Reading, measure: MeasureInfo) -> Answer:
    applicant = session.get_one(Organisation, reading.applicant_id)
    commit = committing(cases.office.signer)
    holder = holder_of(applicant.uscc, applicant.identity_number, commit)
    query = select(Award).where(
        awards_of_applicant(applicant.id, codes_of(session, holder)),
        Award.status.in_(ENJOYED),
        Award.root_id.is_distinct_from(reading.root_id),
        Award.part_of.is_(None),
    )
    found = session.scalars(query.order_by(Award.id)).all()
    same = [each for each in found if each.measure == measure.code]
    alike = [each for each in found if each.family == measure.family and each not in same]
    told = {
        "kind": FIRST_TIME,
        "case": reading.public_id,
        "measure": measure.code,
        "same_measure": [each.public_id for each in same],
        "same_family": [each.public_id for each in alike],
    }
    if same:
        return _answer(VETO, f"已享受过本条款支持 {len(same)} 次，不是首次", told)
    if alike:
        return _answer(FLAG, f"享受过同类其他条款支持 {len(alike)} 次，请核实是否首次", told)
    return _answer(PASS, "台账中没有同类支持", told)


def _duplicates(reading: Reading, measure: MeasureInfo) -> Answer:
    found = clashes_of(reading, measure)
    waiting = unsettled(found, decisions_of(reading.decided or []))
    told = {
        "kind": DUPLICATES,
        "case": reading.public_id,
        "matters": sorted(f"{each['kind']}:{each['key']}" for each in reading.matters or []),
        "met": [[clash.other.id, clash.grade, clash.proposal] for clash in found],
        "undecided": [clash.other.id for clash in waiting],
    }
    if waiting:
        grades = "、".join(dict.fromkeys(GRADES[clash.grade] for clash in waiting))
        return _answer(VETO, f"与 {len(waiting)} 项支持重复（{grades}），尚未决定如何处理", told)
    if found:
        return _answer(FLAG, f"与 {len(found)} 项支持相关，已有处理决定或不构成重复", told)
    return _answer(PASS, "没有重复享受", told)


def _answer(result: str, note: str, told: dict[str, Any]) -> Answer:
    snapshot = orjson.dumps({**told, "result": result}, option=orjson.OPT_SORT_KEYS)
    return Answer(result, note, snapshot, JSON)
