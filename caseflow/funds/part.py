"""The parts of the one statement that write the amount history and payment orders."""

from caseflow.database.parts import Part

AMOUNTS = Part(
    "amounts",
    "INSERT INTO amount_step (case_id, seq, kind, fen, reason)"
    " SELECT r.case_id, r.seq, r.kind, r.fen, r.reason"
    " FROM jsonb_to_recordset(%(amounts)s) AS r (case_id bigint, seq int, kind text, fen bigint,"
    " reason text)"
    " JOIN written ON written.id = r.case_id",
)

PAYMENTS = Part(
    "payments",
    "INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at)"
    " SELECT r.case_id, r.instalment, r.share, r.fen, 'ordered', r.at"
    " FROM jsonb_to_recordset(%(payments)s) AS r (case_id bigint, instalment int, share text,"
    " fen bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)

PAYMENTS_MOVED = Part(
    "payments_moved",
    "UPDATE payment SET status = r.status,"
    " paid_at = CASE WHEN r.status = 'paid' THEN r.at END,"
    " voucher_no = CASE WHEN r.status = 'paid' THEN r.voucher_no END"
    " FROM jsonb_to_recordset(%(payments_moved)s) AS r (case_id bigint, instalment int,"
    " share text, status text, at timestamptz, voucher_no text)"
    " JOIN written ON written.id = r.case_id"
    " WHERE payment.case_id = r.case_id AND payment.instalment = r.instalment"
    " AND payment.share = r.share",
)
