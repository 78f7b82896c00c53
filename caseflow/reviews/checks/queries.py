"""What an act reads of its applicant's checks, and what people ask of them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from caseflow.identity.models import Person
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import KINDS, POINTS, RESULTS
from caseflow.kernel.errors import NotFound
from caseflow.reviews.checks.models import Check, CheckUse

CHECK_COLUMNS: Final = """
    (SELECT json_agg(json_build_array(k.kind, k.result, k.valid_until, k.public_id, k.sha256, k.id))
       FROM (SELECT DISTINCT ON (k.kind) k.* FROM "check" k
          WHERE k.subject_id = c.applicant_id AND k.queried_at <= $3::timestamptz
            AND (k.matter_id IS NULL OR k.matter_id = c.id)
          ORDER BY k.kind, k.queried_at DESC, k.id DESC) k) AS checks"""
"""The latest check of each kind at the instant `$3`, as `kernel.checks.known_from` takes them."""


@dataclass(frozen=True)
class UseView:
    """Where a check was used: the number of the case's event, and the point."""

    seq: int
    point: str
    point_title: str


@dataclass(frozen=True)
class CheckView:
    """A check as shown: `is_valid` today, `is_latest` of its kind, `used` in the case at hand.

    `note` and the file may hold personal data: they are shown to who may see checks, and nowhere
    in the history.
    """

    public_id: str
    kind: str
    kind_title: str
    result: str
    result_title: str
    source: str
    query_id: str | None
    queried_at: datetime
    valid_until: date
    is_valid: bool
    is_latest: bool
    operator: str
    point: str | None
    point_title: str | None
    note: str
    sha256: str
    file_name: str
    media_type: str
    size: int
    used: tuple[UseView, ...]


@dataclass(frozen=True)
class CheckPage:
    """Checks, the newest query first; `next` is given back as `after`, None on the last page."""

    items: tuple[CheckView, ...]
    next: str | None


def checks_of(
    session: Session,
    subject_id: int,
    case_id: int,
    at: datetime,
    *,
    after: str | None = None,
    limit: int = 50,
) -> CheckPage:
    """Return the checks that count for a case: its applicant's, and those about this case alone."""
    query = (
        select(Check, Person.name)
        .join(Person, Person.id == Check.operator_id)
        .where(
            Check.subject_id == subject_id,
            or_(Check.matter_id.is_(None), Check.matter_id == case_id),
        )
        .order_by(Check.queried_at.desc(), Check.id.desc())
    )
    if after is not None:
        mark = find_check(session, after)
        earlier = Check.queried_at < mark.queried_at
        tied = (Check.queried_at == mark.queried_at) & (Check.id < mark.id)
        query = query.where(or_(earlier, tied))
    rows = session.execute(query.limit(limit + 1)).all()
    latest = _latest(session, subject_id, case_id)
    used = _uses(session, case_id)
    items = tuple(
        _view(
            check,
            operator=name,
            is_valid=local_date(at) <= check.valid_until,
            is_latest=check.id in latest,
            used=tuple(used.get(check.id, ())),
        )
        for check, name in rows[:limit]
    )
    return CheckPage(items, items[-1].public_id if len(rows) > limit else None)


def find_check(session: Session, public_id: str) -> Check:
    """Return a check.

    Raises:
        NotFound: there is none of that id.
    """
    found = session.scalars(select(Check).where(Check.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"没有核查 {public_id!r}。")
    return found


def answered(session: Session, source: str, query_id: str) -> Check | None:
    """Return what a source answered to this very query before, None where it was never asked."""
    query = select(Check).where(Check.source == source, Check.query_id == query_id)
    return session.scalars(query).one_or_none()


def _latest(session: Session, subject_id: int, case_id: int) -> set[int]:
    newest_first = (Check.queried_at.desc(), Check.id.desc())
    place = func.row_number().over(partition_by=Check.kind, order_by=newest_first)
    ranked = (
        select(Check.id, place.label("place"))
        .where(
            Check.subject_id == subject_id,
            or_(Check.matter_id.is_(None), Check.matter_id == case_id),
        )
        .subquery()
    )
    return set(session.scalars(select(ranked.c.id).where(ranked.c.place == 1)))


def _uses(session: Session, case_id: int) -> dict[int, list[UseView]]:
    found: dict[int, list[UseView]] = {}
    query = select(CheckUse).where(CheckUse.case_id == case_id).order_by(CheckUse.seq)
    for use in session.scalars(query):
        view = UseView(use.seq, use.point, POINTS[use.point])
        found.setdefault(use.check_id, []).append(view)
    return found


def _view(check: Check, **known: Any) -> CheckView:
    said: dict[str, Any] = {
        name: getattr(check, name)
        for name in (
            "public_id", "kind", "result", "source", "query_id", "queried_at", "valid_until",
            "point", "note", "sha256", "file_name", "media_type", "size",
        )
    }  # fmt: skip
    return CheckView(
        **said,
        **known,
        kind_title=KINDS[check.kind].title,
        result_title=RESULTS[check.result],
        point_title=POINTS[check.point] if check.point else None,
    )
