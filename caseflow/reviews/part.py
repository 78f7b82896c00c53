"""The parts of the one statement that write tasks and objections."""

from caseflow.database.parts import Part

TASKS_CLOSED = Part(
    "tasks_closed",
    "UPDATE task SET status = r.status, closed_at = r.at, closed_by = r.closed_by,"
    " verdict = r.verdict"
    " FROM jsonb_to_recordset(%(tasks_closed)s) AS r (case_id bigint, id bigint, status text,"
    " at timestamptz, closed_by bigint, verdict text)"
    " JOIN written ON written.id = r.case_id"
    " WHERE task.case_id = r.case_id AND task.id = r.id AND task.status = 'open'"
    " RETURNING task.id",
)

OBJECTIONS = Part(
    "objections",
    "INSERT INTO objection (case_id, seq, publicity_id, objector_id, real_name, contact, grounds,"
    " evidence, filed_at, status, settled_at)"
    " SELECT r.case_id, r.seq, r.publicity_id, r.objector_id, r.real_name, r.contact, r.grounds,"
    " r.evidence, r.at, r.status,"
    " CASE WHEN r.status = 'open' THEN NULL ELSE r.at END"
    " FROM jsonb_to_recordset(%(objections)s) AS r (case_id bigint, seq int, publicity_id bigint,"
    " objector_id bigint, real_name text, contact text, grounds text, evidence text,"
    " at timestamptz, status text)"
    " JOIN written ON written.id = r.case_id"
    " ON CONFLICT (case_id, seq) DO UPDATE SET status = excluded.status,"
    " settled_at = excluded.settled_at",
)

TASKS_OPENED = Part(
    "tasks_opened",
    "INSERT INTO task (case_id, state, seat, role, organisation_id, status, opened_at)"
    " SELECT r.case_id, r.state, r.seat, r.role, r.organisation_id, 'open', r.at"
    " FROM jsonb_to_recordset(%(tasks_opened)s) AS r (case_id bigint, state text, seat text,"
    " role text, organisation_id bigint, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE (SELECT count(*) FROM tasks_closed) >= 0",
)
"""A seat has one open task of a case: counting makes PostgreSQL close the old ones first, once."""
