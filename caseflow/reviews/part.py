"""The parts of the one statement that write tasks and objections."""

from caseflow.database.parts import Part

TASKS_CLOSED = Part(
    "tasks_closed",
    "UPDATE task SET status = r.status, closed_at = r.at, closed_by = r.closed_by,"
    " closed_for = r.closed_for, closed_seq = r.closed_seq, verdict = r.verdict"
    " FROM jsonb_to_recordset(%(tasks_closed)s) AS r (case_id bigint, id bigint, status text,"
    " at timestamptz, closed_by bigint, closed_for bigint, closed_seq int, verdict text)"
    " JOIN written ON written.id = r.case_id"
    " WHERE task.case_id = r.case_id AND task.id = r.id AND task.status IN ('open', 'waiting')"
    " RETURNING task.id",
)

TASKS_CHANGED = Part(
    "tasks_changed",
    "UPDATE task SET status = r.status, organisation_id = r.organisation_id,"
    " claimant_id = r.claimant_id, claimed_at = r.claimed_at, helper_id = r.helper_id,"
    " handed_seq = r.handed_seq, waits_for = r.waits_for, urged_at = r.urged_at"
    " FROM jsonb_to_recordset(%(tasks_changed)s) AS r (case_id bigint, id bigint, status text,"
    " organisation_id bigint, claimant_id bigint, claimed_at timestamptz, helper_id bigint,"
    " handed_seq int, waits_for text, urged_at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE task.case_id = r.case_id AND task.id = r.id AND task.status IN ('open', 'waiting')",
)

COPIES = Part(
    "copies",
    "INSERT INTO case_copy (case_id, person_id, given_by, given_at, revoked_at, revoked_by)"
    " SELECT r.case_id, r.person_id, r.by_id, r.at,"
    " CASE WHEN r.revoked THEN r.at END, CASE WHEN r.revoked THEN r.by_id END"
    " FROM jsonb_to_recordset(%(copies)s) AS r (case_id bigint, person_id bigint, by_id bigint,"
    " at timestamptz, revoked boolean)"
    " JOIN written ON written.id = r.case_id"
    " ON CONFLICT (case_id, person_id) DO UPDATE SET revoked_at = excluded.revoked_at,"
    " revoked_by = excluded.revoked_by",
)

RECUSALS = Part(
    "recusals",
    "INSERT INTO recusal (case_id, person_id, ground, by_id, at)"
    " SELECT r.case_id, r.person_id, r.ground, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(recusals)s) AS r (case_id bigint, person_id bigint, ground text,"
    " by_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)

OBJECTIONS = Part(
    "objections",
    "INSERT INTO objection (case_id, seq, publicity_id, objector_id, real_name, contact, grounds,"
    " proof, filed_at, status, settled_at)"
    " SELECT r.case_id, r.seq, r.publicity_id, r.objector_id, r.real_name, r.contact, r.grounds,"
    " r.proof, r.at, r.status,"
    " CASE WHEN r.status = 'open' THEN NULL ELSE r.at END"
    " FROM jsonb_to_recordset(%(objections)s) AS r (case_id bigint, seq int, publicity_id bigint,"
    " objector_id bigint, real_name text, contact text, grounds text, proof text,"
    " at timestamptz, status text)"
    " JOIN written ON written.id = r.case_id"
    " ON CONFLICT (case_id, seq) DO UPDATE SET status = excluded.status,"
    " settled_at = excluded.settled_at",
)

TASKS_OPENED = Part(
    "tasks_opened",
    "INSERT INTO task (case_id, state, seat, role, organisation_id, status, opened_at, round,"
    " clock, waits_for, added_seq)"
    " SELECT r.case_id, r.state, r.seat, r.role, r.organisation_id, r.status, r.at, r.round,"
    " r.clock, r.waits_for, r.added_seq"
    " FROM jsonb_to_recordset(%(tasks_opened)s) AS r (case_id bigint, state text, seat text,"
    " role text, organisation_id bigint, status text, at timestamptz, round int, clock text,"
    " waits_for text, added_seq int)"
    " JOIN written ON written.id = r.case_id"
    " WHERE (SELECT count(*) FROM tasks_closed) >= 0",
)
"""A seat has one open task of a case: counting makes PostgreSQL close the old ones first, once."""
