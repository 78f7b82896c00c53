"""The parts of the one statement that write ceilings and what cases take of them."""

from caseflow.database.parts import Part

COLUMNS = (
    "case_id bigint, key text, scope text, organisation_id bigint, measure_id bigint,"
    " root_id bigint, title text, words text, limit_fen bigint, limit_times int,"
    " freed_by_recovery boolean, stated boolean"
)

CAPS = Part(
    "caps",
    "INSERT INTO cap (key, scope, organisation_id, measure_id, root_id, title, words, limit_fen,"
    " limit_times, freed_by_recovery)"
    " SELECT DISTINCT ON (r.key) r.key, r.scope, r.organisation_id, r.measure_id, r.root_id,"
    " r.title, r.words, r.limit_fen, r.limit_times, r.freed_by_recovery"
    f" FROM jsonb_to_recordset(%(caps)s) AS r ({COLUMNS})"
    " JOIN written ON written.id = r.case_id ORDER BY r.key, r.stated DESC"
    " ON CONFLICT (key) DO UPDATE SET title = excluded.title, words = excluded.words,"
    " limit_fen = excluded.limit_fen, limit_times = excluded.limit_times,"
    " freed_by_recovery = excluded.freed_by_recovery"
    " WHERE (cap.title, cap.words, cap.limit_fen, cap.limit_times, cap.freed_by_recovery)"
    " IS DISTINCT FROM (excluded.title, excluded.words, excluded.limit_fen, excluded.limit_times,"
    " excluded.freed_by_recovery)"
    " AND excluded.key IN (SELECT s.key FROM jsonb_to_recordset(%(caps)s)"
    f" AS s ({COLUMNS}) WHERE s.stated) RETURNING key",
)
"""Every ceiling that the acts touch, locked in the order of the keys (a conflict locks the row
whether it changes or not), so that two acts on two ceilings wait and never deadlock. `stated` rows
bring the limit of the case's own measure; the others are only locked."""

CAP_USES = Part(
    "cap_uses",
    "INSERT INTO cap_use (case_id, cap_key, fen, times, state)"
    " SELECT r.case_id, r.key, r.fen, r.times, r.state"
    " FROM jsonb_to_recordset(%(cap_uses)s) AS r (case_id bigint, key text, fen bigint, times int,"
    " state text) JOIN written ON written.id = r.case_id"
    " WHERE (SELECT count(*) FROM caps) >= 0 ORDER BY r.key, r.case_id"
    " ON CONFLICT (case_id, cap_key) DO UPDATE SET fen = excluded.fen, times = excluded.times,"
    " state = excluded.state",
)
"""Reads `caps`, so that the ceilings are locked before anything is counted on them."""
