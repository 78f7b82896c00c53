"""Checks that somebody made: in raw SQL, for tests that pay in raw SQL, and by the service."""

from datetime import datetime
from typing import Any

from caseflow.reviews.checks.service import Finding, Recorder, Snapshot, Subject, record_check

CREDIT: str = (
    'INSERT INTO "check" (public_id, subject_id, kind, result, source, queried_at, valid_until,'
    " operator_id, recorded_at, note, sha256, file_name, media_type, size, seq)"
    " SELECT DISTINCT ON (c.applicant_id) md5(random()::text), c.applicant_id, 'credit',"
    " '{result}', '测试', {at}, ({at} AT TIME ZONE 'Asia/Shanghai')::date + {days},"
    " (SELECT min(id) FROM person), {at}, '', repeat('ab', 32), 'x.txt', 'text/plain', 1, 1"
    ' FROM "case" c'
)
"""A credit check of every applicant with a case; `at` is SQL for an instant."""


def credit_at(at: str = "now()", *, result: str = "pass", days: int = 30) -> str:
    """Return the statement that records a credit check of every applicant at an instant (SQL)."""
    return CREDIT.format(at=at, result=result, days=days)


def check_credit(house: Any, case: str, at: datetime) -> None:
    """Record once, for a year, that the credit of a case's firm is in order."""
    known, number, applicant = house.sql(
        'SELECT (SELECT count(*) FROM "check" k WHERE k.subject_id = c.applicant_id), c.id,'
        ' c.applicant_id FROM "case" c WHERE c.public_id = %s',
        case,
    )[0]
    if known:
        return
    by = Recorder(house.people["shujuju.handler"], at, house.ids, house.cases.office.signer)
    finding = Finding("credit", "pass", "信用中国", at, valid_days=365)
    snapshot = Snapshot("ab" * 32, 1, "信用报告.txt", "text/plain")
    with house.cases.database.session() as session:
        record_check(session, finding, snapshot, subject=Subject(applicant, number, case), by=by)
