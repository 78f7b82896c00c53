"""The parts of the one statement that write the inbox and the outbox."""

from caseflow.database.parts import Part

NOTICES = Part(
    "notices",
    "INSERT INTO notification (case_id, person_id, notice, rule, due_on, facts, created_at)"
    " SELECT DISTINCT ON (r.case_id, r.rule, r.due_on, a.person_id) r.case_id, a.person_id,"
    " r.notice, r.rule, r.due_on, r.facts, r.at"
    " FROM jsonb_to_recordset(%(notices)s) AS r (case_id bigint, organisation_id bigint,"
    " role text, named_id bigint, notice text, rule text, due_on date, facts jsonb,"
    " at timestamptz, place int)"
    " JOIN written ON written.id = r.case_id"
    " JOIN LATERAL (SELECT h.person_id FROM assignment h"
    " WHERE h.organisation_id = r.organisation_id AND h.role = r.role"
    " AND h.valid_from <= r.at AND (h.valid_to IS NULL OR h.valid_to > r.at)"
    " UNION ALL SELECT r.named_id WHERE r.named_id IS NOT NULL) a ON true"
    " ORDER BY r.case_id, r.rule, r.due_on, a.person_id, r.place"
    " ON CONFLICT ON CONSTRAINT uq_notification_once DO NOTHING"
    " RETURNING id, person_id, notice, created_at",
)

DELIVERIES = Part(
    "deliveries",
    "INSERT INTO delivery (notification_id, channel, status, next_attempt_at)"
    " SELECT notices.id, 'email', 'pending', notices.created_at"
    " FROM notices JOIN person ON person.id = notices.person_id"
    " WHERE person.email IS NOT NULL"
    " AND notices.notice = ANY (SELECT DISTINCT jsonb_array_elements_text(%(deliveries)s))",
)
