"""Who is tied to whom, and which of our people the register knows; recusal by the register."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, DAY, AT = sa.BigInteger, sa.Text, sa.Date, sa.DateTime(timezone=True)
TABLES = ("tie", "known_person")

FUNCTIONS = {
    # A tie says for ever what it said; it is ended once, and struck out once.
    "tie_is_fixed": """
        DECLARE
            later text[] := '{valid_to, ended_by, ended_at, struck_by, struck_at, struck_reason}';
        BEGIN
            IF to_jsonb(NEW) - later IS DISTINCT FROM to_jsonb(OLD) - later
               OR OLD.struck_at IS NOT NULL
               OR ((NEW.valid_to, NEW.ended_by, NEW.ended_at)
                   IS DISTINCT FROM (OLD.valid_to, OLD.ended_by, OLD.ended_at)
                   AND OLD.valid_to IS NOT NULL) THEN
                RAISE EXCEPTION 'tie % is append-only but for its end', OLD.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # On one day there is one tie of a kind between the same two. One writer of them at a time.
    "tie_is_alone": """
        BEGIN
            IF NEW.struck_at IS NOT NULL THEN
                RETURN NEW;
            END IF;
            PERFORM pg_advisory_xact_lock(hashtextextended(NEW.kind || NEW.holder || NEW.held, 26));
            IF EXISTS (SELECT FROM tie t WHERE t.held = NEW.held AND t.holder = NEW.holder
                    AND t.kind = NEW.kind AND t.struck_at IS NULL AND t.id <> NEW.id
                    AND t.valid_from <= coalesce(NEW.valid_to, 'infinity')
                    AND NEW.valid_from <= coalesce(t.valid_to, 'infinity')) THEN
                RAISE EXCEPTION 'a tie (%) of the same two holds in this period already', NEW.kind
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'tie_alone';
            END IF;
            RETURN NEW;
        END""",
}
TRIGGERS = (
    ("tie_fixed", "BEFORE UPDATE ON tie FOR EACH ROW", "tie_is_fixed"),
    ("tie_alone", "BEFORE INSERT OR UPDATE ON tie FOR EACH ROW", "tie_is_alone"),
    *((f"{table}_undeletable", f"BEFORE DELETE ON {table} FOR EACH ROW", "refuse_change") for table in TABLES),
    *((f"{table}_no_truncate", f"BEFORE TRUNCATE ON {table}", "refuse_change") for table in TABLES),
)  # fmt: skip
GRANTS = f"""
    GRANT SELECT, INSERT ON tie, known_person TO {PROGRAM};
    REVOKE UPDATE, DELETE, TRUNCATE ON tie, known_person FROM {PROGRAM};
    GRANT UPDATE (valid_to, ended_by, ended_at, struck_by, struck_at, struck_reason) ON tie TO {PROGRAM};
    GRANT UPDATE (code, recorded_by, recorded_at) ON known_person TO {PROGRAM};
"""
# Why a person may take no control role of a case, or nothing: declared, or found by rule.
RECUSAL = """
    CREATE OR REPLACE FUNCTION recusal_of(wanted_case bigint, wanted_person bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
        DECLARE
            why text;
        BEGIN
            SELECT ground INTO why FROM recusal
            WHERE case_id = wanted_case AND person_id = wanted_person;
            IF FOUND THEN RETURN why; END IF;
            SELECT '在申报主体任职' INTO why FROM "case" c
            JOIN assignment a ON a.organisation_id = c.applicant_id AND a.person_id = wanted_person
            WHERE c.id = wanted_case AND EXISTS (
                SELECT FROM event e WHERE e.stream = c.id AND e.seq = c.head_seq
                AND a.valid_from <= e.at AND (a.valid_to IS NULL OR a.valid_to > e.at)) LIMIT 1;
            {more}
            RETURN why;
        END $body$
"""
# 手册 §2.3 (8): who is a shareholder, the controller or an officer of the applicant on that day.
TIED = """
            IF why IS NULL AND EXISTS (SELECT FROM known_person WHERE person_id = wanted_person) THEN
                SELECT '登记为申报主体的' || CASE t.kind WHEN 'shareholder' THEN '股东'
                    WHEN 'controller' THEN '实际控制人' ELSE '董监高' END INTO why
                FROM known_person p JOIN "case" c ON c.id = wanted_case
                JOIN organisation o ON o.id = c.applicant_id
                JOIN event e ON e.stream = c.id AND e.seq = c.head_seq
                JOIN tie t ON t.holder = p.code AND t.held = o.uscc AND t.struck_at IS NULL
                    AND t.kind IN ('shareholder', 'controller', 'director', 'supervisor', 'officer')
                    AND (e.at AT TIME ZONE 'Asia/Shanghai')::date
                        BETWEEN t.valid_from AND coalesce(t.valid_to, 'infinity')
                WHERE p.person_id = wanted_person ORDER BY t.id LIMIT 1;
            END IF;
"""


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def _to(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["person.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _tables()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)
    op.execute(RECUSAL.format(more=TIED))


def _tables() -> None:
    op.create_table(
        "tie",
        sa.Column("id", BIG(), server_default=sa.text("nextval('entity_id')"), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        *(sa.Column(name, TEXT(), nullable=False)
          for name in ("kind", "holder", "holder_title", "held", "held_title")),
        sa.Column("percent", sa.Numeric(9, 6)),
        sa.Column("source", TEXT(), nullable=False),
        sa.Column("valid_from", DAY(), nullable=False),
        sa.Column("valid_to", DAY()),
        sa.Column("file_sha256", TEXT()),
        sa.Column("recorded_by", BIG(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        sa.Column("ended_by", BIG()), sa.Column("ended_at", AT),
        sa.Column("struck_by", BIG()), sa.Column("struck_at", AT), sa.Column("struck_reason", TEXT()),
        _check("tie", "kind", "kind IN ('shareholder', 'controller', 'director', 'supervisor', 'officer',"
               " 'same_address', 'same_phone')"),
        _check("tie", "ends",
               "holder <> held AND length(held) = 18 AND (length(holder) = 18 OR holder LIKE '~%')"),
        _check("tie", "alike", "kind NOT IN ('same_address', 'same_phone')"
               " OR (length(holder) = 18 AND holder < held)"),
        _check("tie", "percent",
               "(kind = 'shareholder') = (percent IS NOT NULL) AND percent > 0 AND percent <= 100"),
        _check("tie", "period", "valid_to >= valid_from"),
        _check("tie", "sourced", "btrim(source) <> ''"),
        _check("tie", "file", "file_sha256 ~ '^[0-9a-f]{64}$'"),
        _check("tie", "ended", "(ended_by IS NULL) = (ended_at IS NULL)"
               " AND (ended_at IS NULL OR valid_to IS NOT NULL)"),
        _check("tie", "struck", "(struck_at IS NULL) = (struck_by IS NULL)"
               " AND (struck_at IS NULL) = (struck_reason IS NULL) AND btrim(struck_reason) <> ''"),
        *(_to("tie", column) for column in ("recorded_by", "ended_by", "struck_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tie")),
        sa.UniqueConstraint("public_id", name=op.f("uq_tie_public_id")),
    )  # fmt: skip
    for end in ("held", "holder"):
        op.create_index(f"ix_tie_{end}", "tie", [end], postgresql_where=sa.text("struck_at IS NULL"))
    op.create_table(
        "known_person",
        sa.Column("person_id", BIG(), autoincrement=False, nullable=False),
        sa.Column("code", TEXT(), nullable=False),
        sa.Column("recorded_by", BIG(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        _check("known_person", "code", "code LIKE '~%'"),
        _to("known_person", "person_id"), _to("known_person", "recorded_by"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_known_person")),
    )  # fmt: skip
    op.create_index("ix_known_person_code", "known_person", ["code"])


def downgrade() -> None:
    op.execute(RECUSAL.format(more=""))
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
