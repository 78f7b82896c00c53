"""The parts of the one statement for agreements, cap tables, conversions and pool entries."""

from caseflow.database.parts import Part

NEXT_VERSION = (
    "(SELECT coalesce(max(version), 0) + 1 FROM equity_terms t WHERE t.case_id = r.case_id)"
)
"""All parts of one statement see the same rows, so they agree on it."""

EQUITY_TERMS = Part(
    "equity_terms_fixed",
    "INSERT INTO equity_terms (case_id, version, seq, valuation, discount_percent,"
    " share_cap_percent, may_be_largest, buyback_rate_bp, buyback_years, interest_from,"
    " triggers_text, price_text, buyback_text, exemption_text, information_duties)"
    f" SELECT r.case_id, {NEXT_VERSION}, r.seq, r.valuation, r.discount_percent,"
    " r.share_cap_percent, r.may_be_largest, r.buyback_rate_bp, r.buyback_years, r.interest_from,"
    " r.triggers_text, r.price_text, r.buyback_text, r.exemption_text, r.information_duties"
    " FROM jsonb_to_recordset(%(equity_terms_fixed)s) AS r (case_id bigint, seq int,"
    " valuation text, discount_percent int, share_cap_percent int, may_be_largest boolean,"
    " buyback_rate_bp int, buyback_years int, interest_from text, triggers_text text,"
    " price_text text, buyback_text text, exemption_text text, information_duties text)"
    " JOIN written ON written.id = r.case_id",
)

EQUITY_TRIGGERS = Part(
    "equity_triggers",
    "INSERT INTO equity_trigger (case_id, version, kind, threshold_fen, on_date)"
    f" SELECT r.case_id, {NEXT_VERSION}, r.kind, r.threshold_fen, r.on_date"
    " FROM jsonb_to_recordset(%(equity_triggers)s) AS r (case_id bigint, kind text,"
    " threshold_fen bigint, on_date date)"
    " JOIN written ON written.id = r.case_id",
)

EQUITY_AGREEMENTS = Part(
    "equity_agreements",
    "INSERT INTO equity_agreement (case_id, version, seq, document_no, sealed_at)"
    f" SELECT r.case_id, {NEXT_VERSION} - CASE WHEN r.fixed THEN 0 ELSE 1 END, r.seq,"
    " r.document_no, r.at"
    " FROM jsonb_to_recordset(%(equity_agreements)s) AS r (case_id bigint, fixed boolean, seq int,"
    " document_no text, at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)
"""`fixed`: the same act wrote the version that it seals."""

FUNDING_ROUNDS = Part(
    "funding_rounds",
    "INSERT INTO funding_round (case_id, seq, title, on_date, pre_money_fen, raised_fen,"
    " shares_before, shares_issued, valuation, price_numerator, price_denominator)"
    " SELECT r.case_id, r.seq, r.title, r.on_date, r.pre_money_fen, r.raised_fen, r.shares_before,"
    " r.shares_issued, r.valuation, r.price_numerator, r.price_denominator"
    " FROM jsonb_to_recordset(%(funding_rounds)s) AS r (case_id bigint, seq int, title text,"
    " on_date date, pre_money_fen bigint, raised_fen bigint, shares_before bigint,"
    " shares_issued bigint, valuation text, price_numerator numeric, price_denominator numeric)"
    " JOIN written ON written.id = r.case_id",
)

SHAREHOLDINGS = Part(
    "shareholdings",
    "INSERT INTO shareholding (case_id, seq, holder, is_trustee, shares_before, shares_after)"
    " SELECT r.case_id, r.seq, r.holder, r.is_trustee, r.shares_before, r.shares_after"
    " FROM jsonb_to_recordset(%(shareholdings)s) AS r (case_id bigint, seq int, holder text,"
    " is_trustee boolean, shares_before bigint, shares_after bigint)"
    " JOIN written ON written.id = r.case_id",
)

EQUITY_CONVERSIONS = Part(
    "equity_conversions",
    "INSERT INTO equity_conversion (case_id, seq, terms_version, valuation, discount_percent,"
    " share_cap_percent, may_be_largest, meeting_cap_percent, meeting_may_be_largest,"
    " meeting_minutes_no, price_numerator, price_denominator, amount_fen, converted_fen,"
    " remainder_fen, shares, shares_held, shares_total, largest_other, registered_on, document_no)"
    " SELECT r.case_id, r.seq,"
    " (SELECT max(a.version) FROM equity_agreement a WHERE a.case_id = r.case_id), r.valuation,"
    " r.discount_percent, r.share_cap_percent, r.may_be_largest, r.meeting_cap_percent,"
    " r.meeting_may_be_largest, r.meeting_minutes_no, r.price_numerator, r.price_denominator,"
    " r.amount_fen, r.converted_fen, r.remainder_fen, r.shares, r.shares_held, r.shares_total,"
    " r.largest_other, r.registered_on, r.document_no"
    " FROM jsonb_to_recordset(%(equity_conversions)s) AS r (case_id bigint, seq int,"
    " valuation text, discount_percent int, share_cap_percent int, may_be_largest boolean,"
    " meeting_cap_percent int, meeting_may_be_largest boolean, meeting_minutes_no text,"
    " price_numerator numeric, price_denominator numeric, amount_fen bigint, converted_fen bigint,"
    " remainder_fen bigint, shares bigint, shares_held bigint, shares_total bigint,"
    " largest_other bigint, registered_on date, document_no text)"
    " JOIN written ON written.id = r.case_id",
)

EQUITY_EXITS = Part(
    "equity_exits",
    "INSERT INTO equity_exit (case_id, seq, route, on_date, cost_fen, principal_fen, gain_fen,"
    " rest_fen, loss_fen, document_no, minutes_no)"
    " SELECT r.case_id, r.seq, r.route, r.on_date, r.cost_fen, r.principal_fen, r.gain_fen,"
    " r.rest_fen, r.loss_fen, r.document_no, r.minutes_no"
    " FROM jsonb_to_recordset(%(equity_exits)s) AS r (case_id bigint, seq int, route text,"
    " on_date date, cost_fen bigint, principal_fen bigint, gain_fen bigint, rest_fen bigint,"
    " loss_fen bigint, document_no text, minutes_no text)"
    " JOIN written ON written.id = r.case_id",
)

EQUITY_LOSSES = Part(
    "equity_losses",
    "INSERT INTO equity_loss (case_id, seq, loss_fen, salvaged_fen, minutes_no, reason)"
    " SELECT r.case_id, r.seq, r.loss_fen, r.salvaged_fen, r.minutes_no, r.reason"
    " FROM jsonb_to_recordset(%(equity_losses)s) AS r (case_id bigint, seq int, loss_fen bigint,"
    " salvaged_fen bigint, minutes_no text, reason text)"
    " JOIN written ON written.id = r.case_id",
)

LAST_GRANT = (
    "(SELECT max(g.seq) FROM pool_entry g WHERE g.case_id = r.case_id AND g.target = 'granted'"
    " AND NOT EXISTS (SELECT FROM pool_entry u"
    " WHERE u.case_id = g.case_id AND u.reverses_seq = g.seq))"
)
"""The last transfer to the company that stands."""

POOL_ENTRIES = Part(
    "pool_entries",
    "INSERT INTO pool_entry (case_id, seq, line, measure_id, source, target, fen, on_date, at,"
    " reverses_seq, reverses_line)"
    " SELECT r.case_id, r.seq, r.line, r.measure_id, r.source, r.target, r.fen, r.on_date, r.at,"
    f" CASE WHEN r.reverses_line IS NOT NULL THEN {LAST_GRANT} END, r.reverses_line"
    " FROM jsonb_to_recordset(%(pool_entries)s) AS r (case_id bigint, seq int, line int,"
    " measure_id bigint, source text, target text, fen bigint, on_date date, at timestamptz,"
    " reverses_line int)"
    " JOIN written ON written.id = r.case_id"
    " ORDER BY r.measure_id, r.case_id, r.seq, r.line",
)
"""In the order in which balances must move; pools in one order, so that none waits in a ring."""

PARTS = (
    EQUITY_TERMS, EQUITY_TRIGGERS, EQUITY_AGREEMENTS, FUNDING_ROUNDS, SHAREHOLDINGS,
    EQUITY_CONVERSIONS, EQUITY_EXITS, EQUITY_LOSSES, POOL_ENTRIES,
)  # fmt: skip
