"""What can be asked of a case's checks, by whoever may see them."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from caseflow.cases.awards import READERS
from caseflow.cases.checks.points import PointView, points_of
from caseflow.cases.models import Case
from caseflow.cases.queries import APPLICANT, find_case
from caseflow.cases.reading import Asker, read_case
from caseflow.catalogue.pinned import Pinned
from caseflow.documents.service import path_of
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotAllowed, NotFound, Unavailable
from caseflow.reviews.checks.models import Check
from caseflow.reviews.checks.queries import CheckPage, checks_of, find_check


@dataclass(frozen=True)
class CaseChecks:
    """The checks of a case, the newest query first, and how it stands at each point."""

    case: str
    number: str
    points: tuple[PointView, ...]
    page: CheckPage


def case_checks(
    session: Session,
    actor: Actor,
    public_id: str,
    at: datetime,
    *,
    pinned: Pinned,
    after: str | None = None,
    limit: int = 50,
) -> CaseChecks:
    """Return the checks of a case; its applicant sees results, never notes.

    Raises:
        NotFound: no such case that the actor may see. NotAllowed: a third party's or expert's eyes.
    """
    case = find_case(session, actor, public_id)
    is_reader = _reads(actor, case)
    driver: Any = session.connection().connection.driver_connection
    reading = read_case(driver, case.public_id, Asker(actor.id, at))
    assert reading is not None
    workflow = pinned.runner(driver, reading.workflow_hash).workflow
    page = checks_of(session, case.applicant_id, case.id, at, after=after, limit=limit)
    if not is_reader:
        items = tuple(replace(each, note="", query_id=None) for each in page.items)
        page = CheckPage(items, page.next)
    return CaseChecks(case.public_id, case.number, points_of(reading, workflow, at), page)


def evidence_of(
    session: Session, actor: Actor, public_id: str, check: str, *, files: Path
) -> tuple[Check, Path]:
    """Return a check that counts for a case, and where its snapshot lies.

    Raises:
        NotFound: no such case or check that the actor may see. NotAllowed: officials' eyes only.
        Unavailable: the file is gone or damaged.
    """
    case = find_case(session, actor, public_id)
    if not _reads(actor, case):
        raise NotAllowed("核查的证据材料只供经办、复核、财政和审计查阅。")
    found = find_check(session, check)
    if found.subject_id != case.applicant_id or found.matter_id not in (None, case.id):
        raise NotFound(f"本办件没有核查 {check!r}。")
    path = path_of(files, found.sha256)
    if not path.is_file() or path.stat().st_size != found.size:
        raise Unavailable(f"核查证据（{found.sha256[:12]}…）的文件缺失或已损坏。")
    return found, path


def _reads(actor: Actor, case: Case) -> bool:
    """Return whether the actor sees all of a check; the case's applicant sees what it came to."""
    if any(each.role in READERS for each in actor.holdings_on(case.measure_id)):
        return True
    if actor.holds(case.applicant_id, APPLICANT):
        return False
    raise NotAllowed("核查结果只供申报主体、经办、复核、财政和审计查阅。")
