"""The parts of the one statement that place and lift bars."""

from caseflow.database.parts import Part

BARS = Part(
    "bars",
    "INSERT INTO bar (recovery_id, organisation_id, from_on, to_on, years, basis, credit_entry,"
    " placed_by, placed_at)"
    " SELECT r.recovery_id, r.organisation_id, r.from_on, r.to_on, r.years, r.basis,"
    " r.credit_entry, r.by_id, r.at"
    " FROM jsonb_to_recordset(%(bars)s) AS r (recovery_id bigint, organisation_id bigint,"
    " from_on date, to_on date, years int, basis text, credit_entry text, by_id bigint,"
    " at timestamptz)"
    " JOIN written ON written.id = r.recovery_id",
)

BARS_LIFTED = Part(
    "bars_lifted",
    "UPDATE bar SET lifted_by = r.by_id, lifted_at = r.at, lift_reason = r.reason"
    " FROM jsonb_to_recordset(%(bars_lifted)s) AS r (recovery_id bigint, by_id bigint,"
    " at timestamptz, reason text)"
    " JOIN written ON written.id = r.recovery_id"
    " WHERE bar.recovery_id = r.recovery_id AND bar.lifted_at IS NULL",
)
