"""Recording a check: judged, put beside the others, told in its subject's history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.history.part import Signer
from caseflow.history.service import append
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import (
    KINDS,
    MOST_VALID_DAYS,
    POINTS,
    RESULTS,
    VALID_DAYS,
    valid_until,
)
from caseflow.kernel.errors import InvalidInput
from caseflow.reviews.checks.models import Check

RECORDED: Final = "check_recorded"
MOST_TEXT: Final = 500


@dataclass(frozen=True)
class Finding:
    """What a source said of a subject. `queried_at` is when it was asked, never when it was told.

    `query_id` makes the same query, asked again, the same check. `note` stays out of the history.
    """

    kind: str
    result: str
    source: str
    queried_at: datetime
    note: str = ""
    valid_days: int = VALID_DAYS
    query_id: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """The evidence: a file that was stored under its hash."""

    sha256: str
    size: int
    name: str
    media_type: str


@dataclass(frozen=True)
class Subject:
    """Whom a check is about, and the case and point for which it was made."""

    id: int
    case_id: int | None = None
    case: str | None = None
    point: str | None = None


@dataclass(frozen=True)
class Recorder:
    """Who records, when, and the house's keys."""

    operator_id: int
    at: datetime
    ids: PublicIds
    signer: Signer


def record_check(
    session: Session, finding: Finding, snapshot: Snapshot, *, subject: Subject, by: Recorder
) -> Check:
    """Record a check and its event in the subject's own history.

    Raises:
        InvalidInput: an unknown kind, result or point, an instant yet to come, or a result that is
            stale already.
    """
    last_day = _judged(finding, subject, by.at)
    of_case = KINDS[finding.kind].of_case
    public_id = by.ids.new()
    row = {
        "kind": finding.kind,
        "result": finding.result,
        "source": finding.source.strip(),
        "point": subject.point,
    }
    told = {
        **row,
        "check": public_id,
        "case": subject.case,
        "queried_at": finding.queried_at.isoformat(),
        "valid_until": last_day.isoformat(),
        "files": [["snapshot", snapshot.sha256]],
    }
    check = Check(
        **row,
        public_id=public_id,
        subject_id=subject.id,
        query_id=finding.query_id,
        queried_at=finding.queried_at,
        valid_until=last_day,
        operator_id=by.operator_id,
        recorded_at=by.at,
        matter_id=subject.case_id if of_case else None,
        case_id=subject.case_id,
        note=finding.note.strip(),
        sha256=snapshot.sha256,
        file_name=snapshot.name,
        media_type=snapshot.media_type,
        size=snapshot.size,
        seq=_append(session, told, subject, by),
    )
    session.add(check)
    session.flush()
    return check


def _append(session: Session, told: Mapping[str, Any], subject: Subject, by: Recorder) -> int:
    payload = {name: value for name, value in told.items() if value is not None}
    return append(
        session,
        stream=subject.id,
        name=RECORDED,
        actor_id=by.operator_id,
        payload=payload,
        at=by.at,
        signer=by.signer,
    )


def _judged(finding: Finding, subject: Subject, at: datetime) -> date:
    """Return the last valid day of a finding that can be recorded."""
    faults = dict(_faults(finding, subject, at))
    if faults:
        raise InvalidInput(f"核查结果有误：{'；'.join(faults.values())}。", fields=faults)
    return valid_until(local_date(finding.queried_at), finding.valid_days)


def _faults(finding: Finding, subject: Subject, at: datetime) -> Iterator[tuple[str, str]]:
    if finding.kind not in KINDS:
        yield "kind", f"没有核查类别 {finding.kind!r}；可用：{'、'.join(KINDS)}"
    elif KINDS[finding.kind].of_case and subject.case_id is None:
        yield "kind", f"{KINDS[finding.kind].title}只能就一个办件登记"
    if finding.result not in RESULTS:
        yield "result", f"没有核查结果 {finding.result!r}；可用：{'、'.join(RESULTS)}"
    if subject.point is not None and subject.point not in POINTS:
        yield "point", f"没有核查时点 {subject.point!r}；可用：{'、'.join(POINTS)}"
    source = finding.source.strip()
    if not source or len(source) > MOST_TEXT or not source.isprintable():
        yield "source", "须写明信息来源"
    if len(finding.note) > MOST_TEXT:
        yield "note", f"说明至多 {MOST_TEXT} 字"
    yield from _faults_of_time(finding, at)


def _faults_of_time(finding: Finding, at: datetime) -> Iterator[tuple[str, str]]:
    if not 0 < finding.valid_days <= MOST_VALID_DAYS:
        yield "valid_days", f"有效期须为 1 至 {MOST_VALID_DAYS} 天"
    elif finding.queried_at > at:
        yield "queried_at", "查询时间晚于现在"
    elif local_date(at) > valid_until(local_date(finding.queried_at), finding.valid_days):
        yield "queried_at", "查询时间已超过有效期，须重新查询"
