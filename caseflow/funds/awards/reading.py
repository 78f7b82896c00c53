"""What the one `SELECT` before a decision reads of matters, overlaps and decisions.

A case that names no matter costs one probe of an index: the rest is a function of the database
(migration 0006), whose plan is not even opened. `c` is the case, `applicant` who applies.
"""

from typing import Final

COLUMNS: Final = """
    applicant.uscc AS applicant_uscc,
    CASE WHEN applicant.uscc IS NULL THEN applicant.identity_number END AS applicant_identity,
    CASE WHEN EXISTS (SELECT FROM case_matter m WHERE m.case_id = c.id)
        THEN case_overlaps(c.id) END AS overlaps
"""
NOTHING: Final = {"matters": None, "awarded": None, "asked": None, "decided": None}
"""What a case meets that names nothing."""
