"""What must never happen is refused here: by triggers, and by what the program's role may not do."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FUNCTIONS = {
    # A row once written stays as it is.
    "refuse_change": """
        BEGIN
            RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'integrity_constraint_violation';
        END""",
    # A case may only stand where its last event put it.
    "case_follows_its_events": """
        BEGIN
            IF NOT EXISTS (
                SELECT FROM event e
                WHERE e.stream = NEW.id AND e.seq = NEW.head_seq
                  AND e.hash = NEW.head_hash AND e.to_state = NEW.state
            ) THEN
                RAISE EXCEPTION 'case % cannot stand in % without the event that says so', NEW.id, NEW.state
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
    # 征求意见稿 are no basis; a policy's last day is inclusive, to 24:00 Asia/Shanghai.
    "submission_within_policy": """
        DECLARE
            today date := (NEW.submitted_at AT TIME ZONE 'Asia/Shanghai')::date;
            policy policy_version;
            window_ call;
        BEGIN
            SELECT * INTO policy FROM policy_version WHERE id = NEW.policy_version_id;
            IF policy.status <> 'in_force'
               OR today NOT BETWEEN policy.effective_from AND policy.effective_to THEN
                RAISE EXCEPTION 'policy % takes no submission on %', policy.title, today
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            SELECT * INTO window_ FROM call WHERE id = NEW.call_id;
            IF FOUND AND today NOT BETWEEN window_.opens_on AND window_.closes_on THEN
                RAISE EXCEPTION 'call % takes no submission on %', window_.title, today
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
    # What a payment order says is fixed when it is made; it only moves ordered -> paid -> returned -> paid.
    "payment_is_fixed": """
        BEGIN
            IF (NEW.case_id, NEW.instalment, NEW.share, NEW.fen, NEW.ordered_at)
               IS DISTINCT FROM (OLD.case_id, OLD.instalment, OLD.share, OLD.fen, OLD.ordered_at)
               OR (OLD.status, NEW.status) NOT IN
                  (('ordered', 'paid'), ('ordered', 'returned'), ('paid', 'returned'), ('returned', 'paid')) THEN
                RAISE EXCEPTION 'payment % of case %: % -> % refused', OLD.instalment, OLD.case_id,
                    OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # The case's paid sum follows its payments, and the case's own CHECK caps it.
    "payment_is_counted": """
        DECLARE
            change bigint := 0;
        BEGIN
            IF NEW.status = 'paid' THEN change := NEW.fen; END IF;
            IF TG_OP = 'UPDATE' AND OLD.status = 'paid' THEN change := change - OLD.fen; END IF;
            IF change <> 0 THEN
                UPDATE "case" SET paid_fen = paid_fen + change WHERE id = NEW.case_id;
            END IF;
            RETURN NULL;
        END""",
    # The sum of a case's orders may not exceed what was approved either.
    "orders_within_approval": """
        DECLARE
            approved bigint;
            ordered bigint;
        BEGIN
            SELECT approved_fen INTO approved FROM "case" WHERE id = NEW.case_id FOR NO KEY UPDATE;
            SELECT sum(fen) INTO ordered FROM payment WHERE case_id = NEW.case_id;
            IF ordered > coalesce(approved, 0) THEN
                RAISE EXCEPTION 'payment orders of case % exceed its approved amount', NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
    "calendar_changed": """
        BEGIN
            UPDATE calendar_state SET version = version + 1 WHERE id = 1;
            RETURN NULL;
        END""",
}

TRIGGERS = (
    ("event_append_only", "BEFORE UPDATE OR DELETE ON event FOR EACH ROW", "refuse_change"),
    ("event_no_truncate", "BEFORE TRUNCATE ON event", "refuse_change"),
    ("amount_step_append_only", "BEFORE UPDATE OR DELETE ON amount_step FOR EACH ROW", "refuse_change"),
    ("workflow_append_only", "BEFORE UPDATE ON workflow FOR EACH ROW", "refuse_change"),
    ("case_undeletable", 'BEFORE DELETE ON "case" FOR EACH ROW', "refuse_change"),
    ("case_moved", 'AFTER UPDATE ON "case" FOR EACH ROW WHEN ('
     "NEW.state <> OLD.state OR NEW.head_seq <> OLD.head_seq OR NEW.head_hash <> OLD.head_hash)",
     "case_follows_its_events"),
    ("case_opened", 'AFTER INSERT ON "case" FOR EACH ROW', "case_follows_its_events"),
    ("case_submitted", 'AFTER UPDATE ON "case" FOR EACH ROW WHEN ('
     "NEW.parent_id IS NULL AND NEW.submitted_at IS DISTINCT FROM OLD.submitted_at)", "submission_within_policy"),
    ("case_opened_submitted", 'AFTER INSERT ON "case" FOR EACH ROW WHEN ('
     "NEW.parent_id IS NULL AND NEW.submitted_at IS NOT NULL)", "submission_within_policy"),
    ("payment_fixed", "BEFORE UPDATE ON payment FOR EACH ROW", "payment_is_fixed"),
    ("payment_undeletable", "BEFORE DELETE ON payment FOR EACH ROW", "refuse_change"),
    ("payment_counted", "AFTER INSERT OR UPDATE ON payment FOR EACH ROW", "payment_is_counted"),
    ("payment_ordered", "AFTER INSERT ON payment FOR EACH ROW", "orders_within_approval"),
    ("calendar_year_changed", "AFTER INSERT OR UPDATE OR DELETE ON calendar_year", "calendar_changed"),
    ("calendar_day_changed", "AFTER INSERT OR UPDATE OR DELETE ON calendar_day", "calendar_changed"),
)  # fmt: skip

PROGRAM = "caseflow_program"

GRANTS = f"""
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{PROGRAM}') THEN
            CREATE ROLE {PROGRAM} LOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database's migration was first
    END $$;
    GRANT USAGE ON SCHEMA public TO {PROGRAM};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {PROGRAM};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {PROGRAM};
    REVOKE UPDATE, DELETE ON event, amount_step, workflow FROM {PROGRAM};
    REVOKE DELETE ON "case", payment, duty, hold, objection, document, clock, publicity, publicity_case,
        policy, policy_version, measure, measure_version FROM {PROGRAM};
    REVOKE UPDATE ON payment, duty, policy_version FROM {PROGRAM};
    GRANT UPDATE (status, paid_at, voucher_no) ON payment TO {PROGRAM};
    GRANT UPDATE (status, current) ON policy_version TO {PROGRAM};
    REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {PROGRAM};
"""


def upgrade() -> None:
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute("INSERT INTO calendar_state (id, version) VALUES (1, 1)")
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DELETE FROM calendar_state")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}() CASCADE")
    op.execute(f"DROP OWNED BY {PROGRAM}")
