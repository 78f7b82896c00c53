"""What few cases have is read by functions: a plan is opened whole, a function only where asked."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# The split that held when the case first took money, its own or its parent's; else today's.
SPLIT = """
    SELECT f.city_percent::text FROM "case" c
      JOIN policy_version v ON v.id = c.policy_version_id
      JOIN fiscal_split f ON f.policy_id = v.policy_id AND f.territory_id = c.territory_id,
      LATERAL (SELECT coalesce(
        (SELECT min(e.at) FROM ledger_entry e WHERE e.case_id = c.id AND e.source <> 'paid'),
        (SELECT min(e.at) FROM ledger_entry e WHERE e.case_id = c.parent_id AND e.source <> 'paid'),
        $2) AS at) AS first
    WHERE c.id = $1 AND f.confirmed_at <= first.at
      AND f.valid_from <= (first.at AT TIME ZONE 'Asia/Shanghai')::date
    ORDER BY f.valid_from DESC LIMIT 1"""
# A yearly control that was not settled on the case's day is that of today: without one nothing is
# planned, and a case that was submitted before the bureau entered it must be able to go on.
CAP_PARAMETERS = """
    SELECT json_object_agg(p.name, json_build_array(p.value, p.document_no)) FROM (
        SELECT DISTINCT ON (m.name) m.name, m.value, m.document_no
          FROM "case" c LEFT JOIN "case" parent ON parent.id = c.parent_id
          JOIN measure_parameter m ON m.measure_id = c.measure_id,
            LATERAL (SELECT coalesce(parent.submitted_at, c.submitted_at, $2)) AS d (at),
            LATERAL (SELECT m.confirmed_at <= d.at
                AND m.valid_from <= (d.at AT TIME ZONE 'Asia/Shanghai')::date) AS of_its_day (known)
        WHERE c.id = $1
          AND m.name IN ('cap_period', 'enterprise_year_fen', 'enterprise_year_times', 'rounding')
          AND (of_its_day.known OR (m.name LIKE 'enterprise_year_%' AND m.confirmed_at <= $2
               AND m.valid_from <= ($2 AT TIME ZONE 'Asia/Shanghai')::date))
        ORDER BY m.name, of_its_day.known DESC, m.valid_from DESC) p"""
# Whether a formal document rests on an event since the case last came to where it stands.
LETTER_MADE = """
    SELECT EXISTS (
        SELECT FROM "case" c JOIN letter w ON w.case_id = c.id
          JOIN event e ON e.stream = w.stream AND e.seq = w.seq
        WHERE c.id = $1 AND e.to_state = c.state
          AND e.seq >= (SELECT max(m.seq) FROM event m WHERE m.stream = c.id
            AND m.to_state = c.state AND m.from_state IS DISTINCT FROM c.state))"""
SIBLINGS_ORDERED = """
    SELECT coalesce(sum(p.fen), 0)::bigint FROM "case" c
      JOIN "case" k ON k.parent_id = c.parent_id AND k.id <> c.id
      JOIN payment p ON p.case_id = k.id
    WHERE c.id = $1"""
# The last day on which a case that was let in late (逾期收件) may be submitted.
LATE_UNTIL = """
    SELECT max(n.until_on) FROM "case" c
      JOIN late_intake n ON (n.call_id, n.organisation_id) = (c.call_id, c.applicant_id)
    WHERE c.id = $1 AND n.consented_at <= $2"""
FUNCTIONS = (
    ("case_split", "bigint, timestamptz", "text", SPLIT),
    ("case_cap_parameters", "bigint, timestamptz", "json", CAP_PARAMETERS),
    ("case_letter_made", "bigint", "boolean", LETTER_MADE),
    ("case_siblings_ordered", "bigint", "bigint", SIBLINGS_ORDERED),
    ("case_late_until", "bigint, timestamptz", "date", LATE_UNTIL),
    ("case_outcome", "bigint", "text", 'SELECT c.outcome FROM "case" c WHERE c.id = $1'),
)


def upgrade() -> None:
    for name, takes, gives, query in FUNCTIONS:
        op.execute(
            f"CREATE FUNCTION {name}({takes}) RETURNS {gives} LANGUAGE plpgsql STABLE"
            f" SET search_path = public, pg_temp AS $body$ BEGIN RETURN ({query}); END $body$"
        )


def downgrade() -> None:
    for name, takes, _, _ in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}({takes})")
