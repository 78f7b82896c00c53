"""What the database refuses because of a ceiling, said so that people can act on it."""

import json
from typing import Final

from psycopg import Error

from caseflow.kernel.caps.counters import told, wan
from caseflow.kernel.errors import CapReached

CONSTRAINT: Final = "cap_within_limit"
"""What the trigger calls itself when a ceiling is passed; its detail is the ceiling as JSON."""


def refusal_of(error: Error) -> CapReached | None:
    """Return why a ceiling refused the write, None where it was something else."""
    if error.diag.constraint_name != CONSTRAINT:
        return None
    cap = json.loads(error.diag.message_detail or "{}")
    limit, used = (cap["limit_fen"], cap["limit_times"]), (cap["used_fen"], cap["used_times"])
    words = told(cap["title"], cap["words"], limit=limit, used=used)
    more = f"本次另需{wan(cap['more_fen'])}，" if cap["more_fen"] > 0 else ""
    return CapReached(f"超过上限：{words}。{more}请核减金额，或待其他办件退还额度后再办。", cap=cap)
