"""The parts of the one statement that write clocks and timers."""

from caseflow.database.parts import Part

CLOCKS = Part(
    "clocks",
    "INSERT INTO clock (case_id, name, status, limit_count, unit, started_on, running_since,"
    " consumed, due_on, due_at, provisional, generation, rule, stops)"
    " SELECT r.case_id, r.name, r.status, r.limit_count, r.unit, r.started_on, r.running_since,"
    " r.consumed, r.due_on, r.due_at, r.provisional, r.generation, r.rule, r.stops"
    " FROM jsonb_to_recordset(%(clocks)s) AS r (case_id bigint, name text, status text,"
    " limit_count int, unit text, started_on date, running_since date, consumed int, due_on date,"
    " due_at timestamptz, provisional boolean, generation int, rule text, stops jsonb)"
    " JOIN written ON written.id = r.case_id"
    " ON CONFLICT (case_id, name) DO UPDATE SET status = excluded.status,"
    " limit_count = excluded.limit_count, unit = excluded.unit, started_on = excluded.started_on,"
    " running_since = excluded.running_since, consumed = excluded.consumed,"
    " due_on = excluded.due_on, due_at = excluded.due_at, provisional = excluded.provisional,"
    " generation = excluded.generation, rule = excluded.rule, stops = excluded.stops",
)

TIMERS = Part(
    "timers",
    "INSERT INTO timer (case_id, kind, clock_name, generation, rule, due_on, due_at)"
    " SELECT r.case_id, r.kind, r.clock_name, r.generation, r.rule, r.due_on, r.due_at"
    " FROM jsonb_to_recordset(%(timers)s) AS r (owner bigint, case_id bigint, kind text,"
    " clock_name text, generation int, rule text, due_on date, due_at timestamptz)"
    " JOIN written ON written.id = r.owner"
    " ON CONFLICT ON CONSTRAINT uq_timer_occurrence DO NOTHING",
)

FIRED = Part(
    "fired",
    "UPDATE timer SET fired_at = r.fired_at, problem = r.problem"
    " FROM jsonb_to_recordset(%(fired)s) AS r (id bigint, fired_at timestamptz, problem text)"
    " WHERE timer.id = r.id AND timer.fired_at IS NULL",
)
