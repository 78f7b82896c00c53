"""What a case reads of its beneficiary's ceilings: columns of the one `SELECT` of a case `c`."""

from typing import Any, Final

from caseflow.kernel.caps.model import Counter, Take
from caseflow.kernel.caps.rules import POLICY_YEAR_FEN, POLICY_YEAR_TIMES, POLICY_YEAR_WORDS

ENTERED_AS: Final = {
    "enterprise_year_fen": POLICY_YEAR_FEN,
    "enterprise_year_times": POLICY_YEAR_TIMES,
}
"""年度总额控制: what a bureau enters of it, and the ceiling that it sets."""

CAP_COLUMNS: Final = """
    (SELECT json_agg(json_build_array(u.cap_key, u.fen, u.times, u.state) ORDER BY u.cap_key)
       FROM cap_use u WHERE u.case_id = c.id AND u.state <> 'released') AS cap_uses,
    (SELECT json_agg(json_build_array(k.key, k.scope, k.title, k.words, k.limit_fen,
        k.limit_times, k.root_id, k.used_fen, k.used_times))
       FROM (SELECT * FROM cap WHERE root_id = c.root_id
             UNION ALL SELECT * FROM cap
              WHERE organisation_id = c.applicant_id AND root_id IS NULL
                AND (measure_id = c.measure_id OR measure_id IS NULL)) k) AS caps,
    CASE WHEN EXISTS (SELECT FROM measure_parameter m WHERE m.measure_id = c.measure_id
          AND m.name IN ('cap_period', 'enterprise_year_fen', 'enterprise_year_times', 'rounding'))
        THEN case_cap_parameters(c.id, $3::timestamptz) END AS cap_parameters
"""
"""The last: what a bureau has settled of the ceilings (AMB-01, AMB-10), as of the case's day."""


def settled(found: Any) -> dict[str, Any]:
    """Return the parameters that bear on ceilings, from the column `cap_parameters`."""
    if not found:
        return {}
    named = {ENTERED_AS.get(name, name): value for name, (value, _) in found.items()}
    totals = [number for name, (_, number) in found.items() if name in ENTERED_AS]
    return {**named, POLICY_YEAR_WORDS: totals[0]} if totals else named


def held(rows: Any) -> dict[str, Take]:
    """Return what the case takes, by the ceiling's key, from the column `cap_uses`."""
    return {key: Take(fen, times, state) for key, fen, times, state in rows or ()}


def known(rows: Any) -> dict[str, Counter]:
    """Return the ceilings that exist, by key, from the column `caps`."""
    return {row[0]: Counter(*row[:7]) for row in rows or ()}


def used(rows: Any) -> dict[str, tuple[int, int]]:
    """Return what is used of each, in fen and times, by key, from the column `caps`."""
    return {row[0]: (row[7], row[8]) for row in rows or ()}
