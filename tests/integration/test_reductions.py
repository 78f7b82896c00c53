"""核减: no amount falls without a reason, whoever enters it."""

import psycopg
import pytest

from caseflow.cases.service import Request
from caseflow.kernel.errors import InvalidInput
from tests.integration.claiming import FEN, Claims

LOWER = (
    "INSERT INTO amount_step (case_id, seq, kind, fen, reason, cut_code)"
    " SELECT id, head_seq, 'audited', 1, {reason}, {code} FROM \"case\" WHERE public_id = '{case}'"
)


@pytest.fixture(scope="module")
def audited(standing_claims: Claims) -> str:
    """A case whose audit is to be reported; what is asked of it is refused."""
    return standing_claims.town.reached("third_party_audit", applied_fen=FEN)


def report(claims: Claims, case: str, fen: int, **said: str) -> None:
    town = claims.town
    person = town.person(case, "audit_firm")
    payload = {"audited_fen": fen, "document_no": "审字〔2026〕1号", **said}
    town.house.cases.act(case, Request("report_audit", person, town.now, payload))


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({}, ["cut_code", "reason"]),
        ({"reason": "存储费用不予认可"}, ["cut_code"]),
        ({"cut_code": "ineligible"}, ["reason"]),
        ({"reason": "存储费用不予认可", "cut_code": "bad_mood"}, ["cut_code"]),
    ],
)
def test_a_lower_amount_without_a_reason_is_refused(
    standing_claims: Claims, audited: str, said: dict[str, str], missing: list[str]
):
    with pytest.raises(InvalidInput) as refused:
        report(standing_claims, audited, FEN - 1, **said)

    assert list(refused.value.fields) == missing
    if not said:
        assert "审计核定金额 9,999.99 元低于属地核定金额 10,000.00 元" in refused.value.message


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("'x'", "NULL", "核减未写明原因"),
        ("NULL", "'audit'", "ck_amount_step_cut_in_words"),
        ("' '", "'audit'", "ck_amount_step_cut_in_words"),
        ("'x'", "'whim'", "ck_amount_step_cut_code"),
    ],
)
def test_the_database_takes_no_silent_reduction(
    standing_claims: Claims, audited: str, reason: str, code: str, words: str
):
    statement = LOWER.format(case=audited, reason=reason, code=code)

    with pytest.raises(psycopg.Error, match=words):
        standing_claims.owner(statement)
    with pytest.raises(psycopg.Error, match=words):
        standing_claims.town.sql(statement)


def test_a_reduction_is_kept_with_its_code_and_what_a_ceiling_leaves_with_its_words(
    standing_claims: Claims,
):
    claims, most = standing_claims, 200_000_000
    case = claims.town.reached("third_party_audit", applied_fen=most + 9, verified_fen=most + 9)
    report(claims, case, most + 1, cut_code="audit", reason="存储费用不予认可")

    claims.town.walk(case, "publicity_pending")

    steps = claims.town.sql(
        "SELECT kind, fen, cut_code, reason FROM amount_step s"
        ' JOIN "case" c ON c.id = s.case_id WHERE c.public_id = %s AND cut_code IS NOT NULL'
        " ORDER BY s.seq",
        case,
    )
    assert steps[0] == ("audited", most + 1, "audit", "存储费用不予认可")
    assert (steps[1][1:3], len(steps)) == ((most, "ceiling"), 2)
    assert "单个企业每年最高" in steps[1][3]
