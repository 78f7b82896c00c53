"""What a decision on a recovery reads beside its case: a column of the one `SELECT`, by `c`."""

from typing import Final

BY_SHARE: Final = (
    "json_build_array(coalesce(sum(s.fen) FILTER (WHERE s.share = 'city'), 0),"
    " coalesce(sum(s.fen) FILTER (WHERE s.share = 'district'), 0))"
)
RECOVERY: Final = f"""
    CASE WHEN c.child_kind = 'recovery' THEN (SELECT json_build_object(
        'case_id', r.case_id, 'decided_fen', r.decided_fen, 'received_fen', r.received_fen,
        'paid', (SELECT {BY_SHARE} FROM payment s
            WHERE s.case_id = r.case_id AND s.status = 'paid'),
        'recovered', (SELECT {BY_SHARE} FROM recovery_receipt s WHERE s.case_id = r.case_id))
      FROM recovery r WHERE r.id = c.id) END
"""
"""NULL for every other case: nothing is looked up for them."""
