"""The parts of the one statement that write the amount history and payment orders."""

from caseflow.database.parts import Part

AMOUNTS = Part(
    "amounts",
    "INSERT INTO amount_step (case_id, seq, kind, fen, reason, cut_code)"
    " SELECT r.case_id, r.seq, r.kind, r.fen, r.reason, r.cut_code"
    " FROM jsonb_to_recordset(%(amounts)s) AS r (case_id bigint, seq int, kind text, fen bigint,"
    " reason text, cut_code text)"
    " JOIN written ON written.id = r.case_id",
)

PAYMENTS = Part(
    "payments",
    "INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at, payee_id,"
    " document_no, siblings_fen, account_holder, account_bank, account_number)"
    " SELECT r.case_id, r.instalment, r.share, r.fen, 'ordered', r.at, r.payee_id, r.document_no,"
    " r.siblings_fen, a.holder, a.bank, a.number"
    " FROM jsonb_to_recordset(%(payments)s) AS r (case_id bigint, instalment int, share text,"
    " fen bigint, at timestamptz, payee_id bigint, document_no text, siblings_fen bigint)"
    " JOIN written ON written.id = r.case_id"
    " LEFT JOIN bank_account a ON a.organisation_id = r.payee_id AND a.until IS NULL",
)

PAYMENTS_MOVED = Part(
    "payments_moved",
    "UPDATE payment SET status = r.status,"
    " paid_at = CASE WHEN r.status = 'paid' THEN r.at END,"
    " voucher_no = CASE WHEN r.status = 'paid' THEN r.voucher_no END, paid_on = r.paid_on"
    " FROM jsonb_to_recordset(%(payments_moved)s) AS r (case_id bigint, instalment int,"
    " share text, status text, at timestamptz, voucher_no text, paid_on date)"
    " JOIN written ON written.id = r.case_id"
    " WHERE payment.case_id = r.case_id AND payment.instalment = r.instalment"
    " AND payment.share = r.share",
)

ACCOUNTS_RENEWED = Part(
    "accounts_renewed",
    "UPDATE payment SET account_holder = a.holder, account_bank = a.bank,"
    " account_number = a.number FROM jsonb_array_elements_text(%(accounts_renewed)s) AS r (id)"
    " JOIN written ON written.id = r.id::bigint, bank_account a"
    " WHERE payment.case_id = r.id::bigint AND payment.status = 'returned'"
    " AND a.organisation_id = payment.payee_id AND a.until IS NULL",
)
"""退票: an order that came back goes to the account registered now."""
