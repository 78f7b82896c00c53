"""The parts of the one statement that write matters, awards and decisions on overlaps.

An award's own matters are written by the database, from what its case names.
"""

from caseflow.database.parts import Part

MATTERS = Part(
    "matters",
    "INSERT INTO case_matter (case_id, seq, kind, key, stem, holder, cost_from, cost_to, items,"
    " named_by, named_at)"
    " SELECT r.case_id, r.seq, r.kind, r.key, r.stem, r.holder, r.cost_from, r.cost_to, r.items,"
    " r.by_id, r.at"
    " FROM jsonb_to_recordset(%(matters)s) AS r (case_id bigint, seq int, kind text, key text,"
    " stem text, holder text, cost_from date, cost_to date, items jsonb, by_id bigint,"
    " at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)

MATTERS_DROPPED = Part(
    "matters_dropped",
    "UPDATE case_matter SET dropped_seq = r.seq"
    " FROM jsonb_to_recordset(%(matters_dropped)s) AS r (case_id bigint, seq int, kind text,"
    " key text)"
    " JOIN written ON written.id = r.case_id"
    " WHERE case_matter.case_id = r.case_id AND case_matter.kind = r.kind"
    " AND case_matter.key = r.key AND case_matter.dropped_seq IS NULL",
)

DECISIONS = Part(
    "decisions",
    "INSERT INTO overlap_decision (case_id, seq, other, treatment, reason, entitled_fen,"
    " allowed_fen, seat, decided_by, decided_at)"
    " SELECT r.case_id, r.seq, r.other, r.treatment, r.reason, r.entitled_fen, r.allowed_fen,"
    " r.seat, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(decisions)s) AS r (case_id bigint, seq int, other text,"
    " treatment text, reason text, entitled_fen bigint, allowed_fen bigint, seat text,"
    " by_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)

AWARDS = Part(
    "awards",
    "INSERT INTO award (public_id, case_id, root_id, organisation_id, holder, holder_title, policy,"
    " measure, clause, family, level, place, scope, per_holder, amount_fen, carried_fen,"
    " supersedes, part_of, granted_on, source, source_id, recorded_by, recorded_at)"
    " SELECT r.public_id, r.case_id, r.root_id, r.organisation_id, r.holder, r.holder_title,"
    " r.policy, r.measure, r.clause, r.family, 'city', r.place, 'city:' || r.place, r.per_holder,"
    " r.amount_fen, coalesce(topped.amount_fen + topped.carried_fen, 0), topped.id,"
    " containing.id, r.granted_on, 'caseflow', r.public_id, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(awards)s) AS r (public_id text, case_id bigint, root_id bigint,"
    " parent_id bigint, organisation_id bigint, holder text, holder_title text, policy text,"
    " measure text, clause text, family text, place text, per_holder boolean, amount_fen bigint,"
    " supersedes text, granted_on date, by_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " LEFT JOIN award topped ON topped.public_id = r.supersedes"
    " LEFT JOIN award containing ON containing.case_id = r.parent_id"
    " AND containing.status IN ('live', 'superseded')",
)

AWARDS_MOVED = Part(
    "awards_moved",
    "UPDATE award SET status = r.status"
    " FROM jsonb_to_recordset(%(awards_moved)s) AS r (case_id bigint, status text, stream bigint)"
    " JOIN written ON written.id = coalesce(r.stream, r.case_id)"
    " WHERE award.case_id = r.case_id AND (award.status = 'live'"
    " OR award.status = 'superseded' AND r.status = 'recovered')",
)
"""`given_back` where a case ends without money, `recovered` where its money came back.

`stream` is the case that acts where it is another: the recovery of what was paid.
"""
