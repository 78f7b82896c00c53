"""The parts of the one statement that write panels, score sheets and places of a shortlist."""

from typing import Final

from caseflow.database.parts import Part

PANELS_SEATED = Part(
    "panels_seated",
    "UPDATE review_panel SET seated_at = r.at"
    " FROM jsonb_to_recordset(%(panels_seated)s) AS r (case_id bigint, round int, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE review_panel.case_id = r.case_id AND review_panel.round = r.round",
)

SHEETS = Part(
    "score_sheets",
    "INSERT INTO score_sheet (case_id, round, person_id, scores, total, opinion, scored_at, due_on)"
    " SELECT r.case_id, r.round, r.person_id, r.scores, r.total, r.opinion, r.at, r.due_on"
    " FROM jsonb_to_recordset(%(score_sheets)s) AS r (case_id bigint, round int, person_id bigint,"
    " scores jsonb, total int, opinion text, at timestamptz, due_on date)"
    " JOIN written ON written.id = r.case_id",
)

MEMBERS_LEFT = Part(
    "members_left",
    "UPDATE panel_member SET status = 'declined', reason = r.reason, left_at = r.at"
    " FROM jsonb_to_recordset(%(members_left)s) AS r (case_id bigint, round int, person_id bigint,"
    " reason text, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE panel_member.case_id = r.case_id AND panel_member.round = r.round"
    " AND panel_member.person_id = r.person_id",
)

SHORTLISTS = Part(
    "shortlists",
    "INSERT INTO shortlist (key, kind, measure_id, quota)"
    " SELECT DISTINCT ON (r.key) r.key, r.kind, r.measure_id, r.quota"
    " FROM jsonb_to_recordset(%(shortlists)s) AS r (case_id bigint, key text, kind text,"
    " measure_id bigint, quota int)"
    " JOIN written ON written.id = r.case_id ORDER BY r.key"
    " ON CONFLICT (key) DO UPDATE SET quota = excluded.quota RETURNING key",
)
"""In the order of their keys, so that two who write the same ones wait and never lock up."""

PLACES = Part(
    "places",
    "INSERT INTO shortlist_place (case_id, keys, rank, promoted, taken_at)"
    " SELECT r.case_id, r.keys, r.rank, r.promoted, r.at"
    " FROM jsonb_to_recordset(%(places)s) AS r (case_id bigint, keys jsonb, rank int,"
    " promoted boolean, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE (SELECT count(*) FROM shortlists) >= 0",
)
"""Counting the shortlists makes PostgreSQL write them first; the triggers then count the places."""

PLACES_NAMED = Part(
    "places_named",
    "UPDATE shortlist_place SET named_at = r.at"
    " FROM jsonb_to_recordset(%(places_named)s) AS r (case_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE shortlist_place.case_id = r.case_id AND shortlist_place.named_at IS NULL",
)

PARTS: Final = (PANELS_SEATED, SHEETS, MEMBERS_LEFT, SHORTLISTS, PLACES, PLACES_NAMED)
