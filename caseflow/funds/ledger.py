"""The one place that writes ledger entries: those of acts, and those of the budget itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.database.parts import Part
from caseflow.kernel.ledger import AccountKind

ENTRIES = Part(
    "entries",
    "INSERT INTO ledger_entry (stream, seq, case_id, share, source, target, fen, at)"
    " SELECT r.stream, r.seq, r.case_id, r.share, r.source, r.target, r.fen, r.at"
    " FROM ROWS FROM (jsonb_to_recordset(%(entries)s) AS (stream bigint, seq int, case_id bigint,"
    " share text, source text, target text, fen bigint, at timestamptz)) WITH ORDINALITY"
    " AS r (stream, seq, case_id, share, source, target, fen, at, place)"
    " JOIN written ON written.id = r.stream ORDER BY r.place",
)
"""An act's entries: the line is that of the case whose money it is, found by the database.

`stream` is the case that acts: the same, or the recovery of what was paid to it.

They are posted in their order: what comes back passes through an account before it leaves it.
"""

POST: Final = text(
    "INSERT INTO ledger_entry (stream, seq, line_id, share, source, target, fen, at)"
    " VALUES (:stream, :seq, :line_id, :share, :source, :target, :fen, :at)"
)
SUMS: Final = text("""
    SELECT a.line_id, a.kind, a.balance_fen, coalesce(e.fen, 0)::bigint AS entered_fen
    FROM ledger_account a LEFT JOIN (
        SELECT line_id, kind, sum(fen) AS fen FROM (
            SELECT line_id, target AS kind, fen FROM ledger_entry
            UNION ALL SELECT line_id, source, -fen FROM ledger_entry
        ) sides GROUP BY line_id, kind
    ) e USING (line_id, kind)
    WHERE a.balance_fen <> coalesce(e.fen, 0) ORDER BY a.line_id, a.kind LIMIT :limit
""")


@dataclass(frozen=True)
class Posting:
    """Fen that go from one account of a line to another by an event of the line's own history."""

    line_id: int
    share: str
    source: AccountKind
    target: AccountKind
    fen: int


def post(
    session: Session, postings: Sequence[Posting], *, stream: int, seq: int, at: datetime
) -> None:
    """Write the entries of event `seq` of `stream`.

    Raises:
        sqlalchemy.exc.IntegrityError: an account would be overdrawn.
    """
    for posting in postings:
        session.execute(POST, {**vars(posting), "stream": stream, "seq": seq, "at": at})


def disagreements(session: Session, *, limit: int = 100) -> list[Any]:
    """Return the accounts whose balance is not the sum of their entries; there should be none."""
    return list(session.execute(SUMS, {"limit": limit}))
