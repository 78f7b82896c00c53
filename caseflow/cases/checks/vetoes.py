"""What a veto does to the cases of its subject: each live one is told, in its own history."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from caseflow.cases.service import Cases, Request
from caseflow.kernel.checks import VETO
from caseflow.kernel.errors import EventNotAllowed
from caseflow.reviews.checks.models import Check

VETO_FOUND: Final = "veto_found"
HELD_UP: Final = """
    SELECT c.public_id FROM "case" c WHERE c.applicant_id = %s AND c.outcome IS NULL
    AND c.submitted_at IS NOT NULL AND (%s::bigint IS NULL OR c.id = %s) ORDER BY c.id
"""


def note_vetoes(cases: Cases, checks: Iterable[Check], at: datetime) -> int:
    """Record each veto in the history of every live case that it holds up; return how many.

    What holds a case up is the veto itself; a case that waits for nobody (公示) or runs by a
    workflow from before checks has no place for the event, and is held up all the same.
    """
    told = 0
    for check in checks:
        if check.result != VETO:
            continue
        with cases.connect() as connection:
            parameters = (check.subject_id, check.matter_id, check.matter_id)
            found = connection.execute(HELD_UP, parameters).fetchall()
        told += sum(_told(cases, case, check.public_id, at) for (case,) in found)
    return told


def _told(cases: Cases, case: str, check: str, at: datetime) -> bool:
    request = Request(
        VETO_FOUND,
        cases.office.system_id,
        at,
        {"evidence": [check]},
        id=f"veto-{check}-{case}",
    )
    try:
        cases.act(case, request)
    except EventNotAllowed:
        return False
    return True
