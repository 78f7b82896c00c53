"""The parts of the one statement that write recoveries and their receipts."""

from caseflow.database.parts import Part

RECOVERIES = Part(
    "recoveries",
    "INSERT INTO recovery (id, case_id, ground, evidence, legal_review_no, opened_by, opened_at)"
    " SELECT r.id, r.case_id, r.ground, r.evidence, r.legal_review_no, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(recoveries)s) AS r (id bigint, case_id bigint, ground text,"
    " evidence text, legal_review_no text, by_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.id",
)

RECOVERIES_ORDERED = Part(
    "recoveries_ordered",
    "UPDATE recovery SET decided_fen = r.decided_fen, document_no = r.document_no,"
    " decided_by = r.by_id, decided_at = r.at, interest_fen = r.interest_fen,"
    " interest_basis = r.interest_basis, offset_allowed = r.offset_allowed,"
    " offset_words = r.offset_words"
    " FROM jsonb_to_recordset(%(recoveries_ordered)s) AS r (id bigint, decided_fen bigint,"
    " document_no text, by_id bigint, at timestamptz, interest_fen bigint, interest_basis text,"
    " offset_allowed boolean, offset_words text)"
    " JOIN written ON written.id = r.id WHERE recovery.id = r.id",
)

RECOVERIES_WITHDRAWN = Part(
    "recoveries_withdrawn",
    "UPDATE recovery SET withdrawn_at = r.at"
    " FROM jsonb_to_recordset(%(recoveries_withdrawn)s) AS r (id bigint, at timestamptz)"
    " JOIN written ON written.id = r.id WHERE recovery.id = r.id",
)

RECEIPTS = Part(
    "receipts",
    "INSERT INTO recovery_receipt (recovery_id, seq, share, case_id, fen, received_on, voucher_no,"
    " recorded_by, recorded_at)"
    " SELECT r.recovery_id, r.seq, r.share, r.case_id, r.fen, r.received_on, r.voucher_no,"
    " r.by_id, r.at"
    " FROM jsonb_to_recordset(%(receipts)s) AS r (recovery_id bigint, seq int, share text,"
    " case_id bigint, fen bigint, received_on date, voucher_no text, by_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.recovery_id",
)
"""`case_id` is the case that was paid; one row a share, which the triggers count and bound."""

PAYMENT_OFFSETS = Part(
    "payment_offsets",
    "INSERT INTO payment_offset (case_id, seq, share, instalment, recovery_id, recovery_seq, fen,"
    " voucher_no, set_off_by, set_off_at)"
    " SELECT r.case_id, r.seq, r.share, r.instalment, r.recovery_id, r.recovery_seq, r.fen,"
    " r.voucher_no, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(payment_offsets)s) AS r (case_id bigint, seq int, share text,"
    " instalment int, recovery_id bigint, recovery_seq int, fen bigint, voucher_no text,"
    " by_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)
"""The trigger `offset_is_allowed` reduces the order; one of which nothing is left is paid by it."""
