"""年度总额控制 before a play: without it nothing is planned where a policy demands it (AMB-10)."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.catalogue.models import Measure, MeasureVersion, Policy, PolicyVersion
from caseflow.catalogue.parameters.service import Entry, Hand, confirm_parameter, enter_parameter
from caseflow.catalogue.quoting import subject_of
from caseflow.database.ids import PublicIds
from caseflow.history.part import Signer
from caseflow.identity.models import Assignment, Person
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.benefits.parameters import MOST_TIMES, controlling
from caseflow.kernel.calendar import local_date
from caseflow.kernel.money import MOST_FEN

VALUES: Final = {"enterprise_year_fen": MOST_FEN, "enterprise_year_times": MOST_TIMES}
"""So much that no road ends for it: a rehearsal is about roads, not about ceilings."""
BASIS: Final = "年度总额控制（演练）"
DOCUMENT_NO: Final = "演练〔{year}〕1号"
HANDLER, REVIEWER = "bureau_handler", "bureau_reviewer"


def control_years(session: Session, *, at: datetime, signer: Signer, ids: PublicIds) -> None:
    """Let the lead bureau of every measure under a yearly control enter and confirm one."""
    today = local_date(at)
    rows = session.execute(
        select(Measure.code, MeasureVersion, PolicyVersion.effective_from)
        .join(MeasureVersion, MeasureVersion.measure_id == Measure.id)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .join(Policy, Policy.id == PolicyVersion.policy_id)
        .where(PolicyVersion.current)
        .order_by(Measure.code)
    ).all()
    for code, version, first_day in rows:
        kinds = controlling(subject_of(version.definition))
        if not kinds:
            continue
        hands = [
            _hand(session, version.organisations["lead_bureau"], role, at=at, signer=signer)
            for role in (HANDLER, REVIEWER)
        ]
        for kind in kinds:
            entry = Entry(
                measure=code,
                name=kind.name,
                value=VALUES[kind.name],
                valid_from=first_day or today,
                basis=BASIS,
                document_no=DOCUMENT_NO.format(year=today.year),
            )
            row = enter_parameter(session, entry, hands[0], ids=ids)
            confirm_parameter(session, row.public_id, hands[1])


def _hand(session: Session, organisation: int, role: str, *, at: datetime, signer: Signer) -> Hand:
    """Return the hand of whoever sits in a seat of an organisation."""
    login = session.scalars(
        select(Person.login)
        .join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.organisation_id == organisation, Assignment.role == role)
        .order_by(Person.id)
        .limit(1)
    ).one()
    return Hand(actor_by_login(session, login, at), at, signer)
