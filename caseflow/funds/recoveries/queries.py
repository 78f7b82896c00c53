"""What a decision on a recovery reads beside its case: the sums by share."""

from dataclasses import dataclass
from typing import Any, Final

from caseflow.kernel.recovery import Shares

BY_SHARE: Final = (
    "coalesce(sum(s.fen) FILTER (WHERE s.share = 'city'), 0)::bigint,"
    " coalesce(sum(s.fen) FILTER (WHERE s.share = 'district'), 0)::bigint"
)
SETTLED: Final = "CASE WHEN p.status = 'paid' THEN p.fen ELSE p.offset_fen END"
"""What the payee of the order `p` has had: a sum set off against another recovery was paid too."""
SUMS: Final = f"""
    SELECT r.case_id, r.decided_fen, r.received_fen, paid.*, back.*
    FROM recovery r,
    LATERAL (SELECT {BY_SHARE} FROM (SELECT p.share, {SETTLED} AS fen FROM payment p
        WHERE p.case_id = r.case_id) s) paid,
    LATERAL (SELECT {BY_SHARE} FROM recovery_receipt s WHERE s.case_id = r.case_id) back
    WHERE r.id = %s
"""


@dataclass(frozen=True)
class RecoverySums:
    """What the case `case_id` was paid and gave back, and what its recovery decided; fen."""

    case_id: int
    decided_fen: int | None
    received_fen: int
    paid: Shares
    recovered: Shares

    @property
    def open_fen(self) -> int:
        """Return what was paid and has not come back."""
        return self.paid.total - self.recovered.total

    @property
    def left_fen(self) -> int:
        """Return what of the decided sum is left; before a decision what could be decided."""
        return self.open_fen if self.decided_fen is None else self.decided_fen - self.received_fen


def recovery_sums(connection: Any, recovery_id: int) -> RecoverySums:
    """Return the sums of a recovery: a read of its own, so that other cases do not pay for it."""
    row = connection.execute(SUMS, (recovery_id,), prepare=True).fetchone()
    case_id, decided_fen, received_fen, *sums = row
    paid, recovered = Shares(*sums[:2]), Shares(*sums[2:])
    return RecoverySums(case_id, decided_fen, received_fen, paid, recovered)
