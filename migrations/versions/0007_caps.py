"""Ceilings as counters: what a beneficiary was promised and paid, never over the limit."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
FUNCTIONS = {
    # A counter begins at nothing, keeps its name, and moves only from inside the trigger on its uses.
    "cap_is_counted": """
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF (NEW.used_fen, NEW.used_times) <> (0, 0) THEN
                    RAISE EXCEPTION 'cap % begins with nothing used', NEW.key
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NEW;
            END IF;
            IF (NEW.key, NEW.scope, NEW.organisation_id, NEW.measure_id, NEW.root_id)
               IS DISTINCT FROM (OLD.key, OLD.scope, OLD.organisation_id, OLD.measure_id, OLD.root_id)
               OR ((NEW.used_fen, NEW.used_times) <> (OLD.used_fen, OLD.used_times)
                   AND pg_trigger_depth() < 2) THEN
                RAISE EXCEPTION 'cap % is counted from its uses', OLD.key
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.used_fen > NEW.limit_fen OR NEW.used_times > NEW.limit_times THEN
                RAISE EXCEPTION 'cap % is reached', NEW.key USING
                    ERRCODE = 'check_violation', CONSTRAINT = 'cap_within_limit',
                    DETAIL = jsonb_build_object('key', NEW.key, 'title', NEW.title, 'words', NEW.words,
                        'limit_fen', NEW.limit_fen, 'limit_times', NEW.limit_times,
                        'used_fen', OLD.used_fen, 'used_times', OLD.used_times,
                        'more_fen', NEW.used_fen - OLD.used_fen)::text;
            END IF;
            RETURN NEW;
        END""",
    # What a case takes moves the counter by the difference, whoever writes it.
    "cap_use_counts": """
        DECLARE
            more_fen bigint := NEW.fen;
            more_times int := NEW.times;
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF (NEW.case_id, NEW.cap_key) <> (OLD.case_id, OLD.cap_key) THEN
                    RAISE EXCEPTION 'a use of cap % stays what it is of', OLD.cap_key
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                more_fen := more_fen - OLD.fen;
                more_times := more_times - OLD.times;
            END IF;
            IF more_fen <> 0 OR more_times <> 0 THEN
                UPDATE cap SET used_fen = used_fen + more_fen, used_times = used_times + more_times
                WHERE key = NEW.cap_key;
            END IF;
            RETURN NULL;
        END""",
}
TRIGGERS = (
    ("cap_counted", "BEFORE INSERT OR UPDATE ON cap FOR EACH ROW", "cap_is_counted"),
    ("cap_undeletable", "BEFORE DELETE ON cap FOR EACH ROW", "refuse_change"),
    ("cap_no_truncate", "BEFORE TRUNCATE ON cap", "refuse_change"),
    ("cap_use_counted", "AFTER INSERT OR UPDATE ON cap_use FOR EACH ROW", "cap_use_counts"),
    ("cap_use_undeletable", "BEFORE DELETE ON cap_use FOR EACH ROW", "refuse_change"),
    ("cap_use_no_truncate", "BEFORE TRUNCATE ON cap_use", "refuse_change"),
)  # fmt: skip
GRANTS = f"""
    GRANT SELECT ON cap, cap_use TO {PROGRAM};
    GRANT INSERT (key, scope, organisation_id, measure_id, root_id, title, words, limit_fen, limit_times)
        ON cap TO {PROGRAM};
    GRANT UPDATE (title, words, limit_fen, limit_times) ON cap TO {PROGRAM};
    GRANT INSERT ON cap_use TO {PROGRAM};
    GRANT UPDATE (fen, times, state) ON cap_use TO {PROGRAM};
"""


def upgrade() -> None:
    op.create_table(
        "cap",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("measure_id", sa.BigInteger(), nullable=True),
        sa.Column("root_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=True),
        sa.Column("limit_times", sa.Integer(), nullable=True),
        sa.Column("used_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used_times", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "scope IN ('object', 'project_year', 'enterprise_clause_year',"
            " 'enterprise_policy_year', 'project_life', 'enterprise_clause_life', 'promise')",
            name=op.f("ck_cap_scope"),
        ),
        sa.CheckConstraint("used_fen >= 0 AND used_times >= 0", name=op.f("ck_cap_not_negative")),
        sa.CheckConstraint("used_fen <= limit_fen", name=op.f("ck_cap_fen_within_limit")),
        sa.CheckConstraint("used_times <= limit_times", name=op.f("ck_cap_times_within_limit")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_cap_organisation_id")),
        sa.ForeignKeyConstraint(["measure_id"], ["measure.id"], name=op.f("fk_cap_measure_id")),
        sa.ForeignKeyConstraint(["root_id"], ["case.id"], name=op.f("fk_cap_root_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cap")),
    )
    op.create_index("ix_cap_beneficiary", "cap", ["organisation_id", "measure_id"],
                    postgresql_where=sa.text("root_id IS NULL"))  # fmt: skip
    op.create_index("ix_cap_root", "cap", ["root_id"], postgresql_where=sa.text("root_id IS NOT NULL"))
    op.create_table(
        "cap_use",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cap_key", sa.Text(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('reserved', 'final', 'released')", name=op.f("ck_cap_use_state")),
        sa.CheckConstraint(
            "CASE WHEN state = 'released' THEN fen = 0 AND times = 0 ELSE fen > 0 AND times = 1 END",
            name=op.f("ck_cap_use_taken"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_cap_use_case_id")),
        sa.ForeignKeyConstraint(["cap_key"], ["cap.key"], name=op.f("fk_cap_use_cap_key")),
        sa.PrimaryKeyConstraint("case_id", "cap_key", name=op.f("pk_cap_use")),
    )
    op.create_index("ix_cap_use_cap_key", "cap_use", ["cap_key"],
                    postgresql_where=sa.text("state <> 'released'"))  # fmt: skip
    for name, body in FUNCTIONS.items():
        rights = "SECURITY DEFINER" if name == "cap_use_counts" else "SECURITY INVOKER"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {rights}"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table("cap_use")
    op.drop_table("cap")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
