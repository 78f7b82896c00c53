"""Checks in raw SQL, for tests that pay in raw SQL."""

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
