"""The parts of the one statement that write cases, control duties and holds."""

from caseflow.database.parts import Part

MOVED = Part(
    "moved",
    'UPDATE "case" SET state = r.state, previous_state = r.previous_state, outcome = r.outcome,'
    " head_seq = r.head_seq, head_hash = decode(r.head_hash, 'hex'), facts = r.facts,"
    " corrections_made = r.corrections_made, publicity_id = r.publicity_id,"
    " publicity_ends_on = r.publicity_ends_on, approved_fen = r.approved_fen,"
    " matter_on = r.matter_on, submitted_at = r.submitted_at, ended_at = r.ended_at"
    " FROM jsonb_to_recordset(%(moved)s) AS r (id bigint, expected_seq int, state text,"
    " previous_state text, outcome text, head_seq int, head_hash text, facts jsonb,"
    " corrections_made int, publicity_id bigint, publicity_ends_on date, approved_fen bigint,"
    " matter_on date, submitted_at timestamptz, ended_at timestamptz)"
    ' WHERE "case".id = r.id AND "case".head_seq = r.expected_seq'
    ' RETURNING "case".id',
)

OPENED = Part(
    "opened",
    'INSERT INTO "case" (id, public_id, number, title, parent_id, root_id, child_kind, measure_id,'
    " measure_version_id, policy_version_id, workflow_hash, call_id, applicant_id, territory_id,"
    " parties, matter_on, state, head_seq, head_hash, facts, corrections_made, created_at)"
    " SELECT r.id, r.public_id, r.number, r.title, r.parent_id, r.root_id, r.child_kind,"
    " r.measure_id, r.measure_version_id, r.policy_version_id, r.workflow_hash, r.call_id,"
    " r.applicant_id, r.territory_id, r.parties, r.matter_on, r.state, r.head_seq,"
    " decode(r.head_hash, 'hex'), r.facts, 0, r.at"
    " FROM jsonb_to_recordset(%(opened)s) AS r (id bigint, public_id text, number text, title text,"
    " parent_id bigint, root_id bigint, child_kind text, measure_id bigint,"
    " measure_version_id bigint, policy_version_id bigint, workflow_hash text, call_id bigint,"
    " applicant_id bigint, territory_id bigint, parties jsonb, matter_on date, state text,"
    " head_seq int, head_hash text, facts jsonb, at timestamptz)"
    " WHERE r.parent_id IS NULL OR r.parent_id IN (SELECT id FROM moved)"
    " RETURNING id",
)

WRITTEN = Part(
    "written",
    "SELECT value::bigint AS id FROM jsonb_array_elements_text(%(written)s)",
)
"""Cases locked by a sweep that only reminds; the statement adds those that `moved` and `opened`."""

DUTIES = Part(
    "duties",
    "INSERT INTO duty (case_id, person_id, duty)"
    " SELECT DISTINCT r.case_id, r.person_id, r.duty"
    " FROM jsonb_to_recordset(%(duties)s) AS r (case_id bigint, person_id bigint, duty text)"
    " JOIN written ON written.id = r.case_id"
    " ON CONFLICT ON CONSTRAINT uq_duty_same DO NOTHING",
)

DISTRICT_PASSES = Part(
    "district_passes",
    "INSERT INTO district_pass (case_id, seq, passed_at) SELECT r.case_id, r.seq, r.at"
    " FROM jsonb_to_recordset(%(district_passes)s) AS r (case_id bigint, seq int, at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " ON CONFLICT (case_id) DO NOTHING",
)
"""The first time counts: a case that was sent back is not hidden again."""

HOLDS = Part(
    "holds",
    "INSERT INTO hold (case_id, seq, kind, placed_by, placed_at)"
    " SELECT r.case_id, r.seq, r.kind, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(holds)s) AS r (case_id bigint, seq int, kind text, by_id bigint,"
    " at timestamptz)"
    " JOIN written ON written.id = r.case_id",
)

HOLDS_LIFTED = Part(
    "holds_lifted",
    "UPDATE hold SET lifted_by = r.by_id, lifted_at = r.at"
    " FROM jsonb_to_recordset(%(holds_lifted)s) AS r (case_id bigint, kind text, by_id bigint,"
    " at timestamptz)"
    " JOIN written ON written.id = r.case_id"
    " WHERE hold.case_id = r.case_id AND hold.kind = r.kind AND hold.lifted_at IS NULL",
)
