"""The part of the one statement that writes on which checks an event rested."""

from caseflow.database.parts import Part

CHECK_USES = Part(
    "check_uses",
    "INSERT INTO check_use (case_id, seq, check_id, point)"
    " SELECT r.case_id, r.seq, r.check_id, r.point"
    " FROM jsonb_to_recordset(%(check_uses)s) AS r (case_id bigint, seq int, check_id bigint,"
    " point text)"
    " JOIN written ON written.id = r.case_id",
)
