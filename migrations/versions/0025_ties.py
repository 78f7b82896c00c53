"""Who is tied to whom, and recusal by it; what a predecessor had counts for its successor."""

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
# 手册 §5.7: nor does an expert of the panel score whom the register has come to tie them to.
SCORING = """
    CREATE FUNCTION score_without_recusal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $body$
        DECLARE
            why text := recusal_of(NEW.case_id, NEW.person_id);
        BEGIN
            IF why IS NOT NULL THEN
                RAISE EXCEPTION '须回避（%），不得评分', why
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'score_recused';
            END IF;
            RETURN NULL;
        END $body$
"""
SCORED = "AFTER INSERT ON score_sheet FOR EACH ROW EXECUTE FUNCTION score_without_recusal()"
# Who holds today what a code was given: the end of its chain of successors, which is no ring.
HEIR = """
    CREATE FUNCTION heir_of(wanted text) RETURNS text LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp AS $body$
        DECLARE
            holder text := wanted;
            next text;
        BEGIN
            LOOP
                SELECT successor INTO next FROM succession WHERE predecessor = holder;
                EXIT WHEN NOT FOUND;
                holder := next;
            END LOOP;
            RETURN holder;
        END $body$
"""
# What functions that are there already say of holders, and what they say from now on.
SAME_A, SAME_N = "heir_of(a.holder) = heir_of(m.holder)", "heir_of(n.holder) = heir_of(m.holder)"
COUNTED = "RAISE EXCEPTION 'cap % is counted from its uses', OLD.key"
CHANGES = (
    ("case_overlaps(bigint)", "OR a.holder = m.holder)", f"OR a.holder = m.holder OR {SAME_A})"),
    ("case_overlaps(bigint)", "OR n.holder = m.holder)", f"OR n.holder = m.holder OR {SAME_N})"),
    ("case_overlaps(bigint)", "'holder', a.holder,",
     f"'holder', CASE WHEN a.holder <> m.holder AND {SAME_A} THEN m.holder ELSE a.holder END,"),
    ("case_overlaps(bigint)", "'holder', n.holder,",
     f"'holder', CASE WHEN n.holder <> m.holder AND {SAME_N} THEN m.holder ELSE n.holder END,"),
    # A claim that a predecessor holds is in the way under whatever code it was made.
    ("award_matter_claims()", "THEN mine.holder ELSE '' END;", """THEN heir_of(mine.holder) ELSE '' END;
            IF NEW.holder <> '' THEN
                NEW.holder := coalesce((SELECT m.holder FROM award_matter m
                    WHERE m.claims AND m.scope = NEW.scope AND m.kind = NEW.kind AND m.key = NEW.key
                      AND m.holder <> '' AND heir_of(m.holder) = NEW.holder LIMIT 1), NEW.holder);
            END IF;"""),
    ("cap_is_counted()", "AND pg_trigger_depth() < 2) THEN", """AND pg_trigger_depth() < 2)
               OR ((NEW.heir_key, NEW.passed_fen, NEW.passed_times)
                   IS DISTINCT FROM (OLD.heir_key, OLD.passed_fen, OLD.passed_times)
                   AND pg_trigger_depth() < 2) THEN"""),
)  # fmt: skip
REWRITE = """
    DO $do$
        DECLARE
            said text := pg_get_functiondef('{name}'::regprocedure);
            wanted text := replace(said, $old${old}$old$, $new${new}$new$);
        BEGIN
            IF said = wanted THEN
                RAISE EXCEPTION 'function {name} does not say what is to be changed';
            END IF;
            EXECUTE wanted;
        END $do$
"""
# A ceiling of an enterprise that went on as another counts against the same ceiling of its heir, as
# far as that has room: what it has used, and whatever is used of it or given back later.
PASSING = {
    "cap_pass(wanted text) RETURNS void": """
        DECLARE
            mine cap;
            heir bigint;
            same text;
        BEGIN
            SELECT * INTO STRICT mine FROM cap WHERE key = wanted FOR UPDATE;
            SELECT s.id INTO heir FROM organisation p JOIN organisation s ON s.uscc = heir_of(p.uscc)
                WHERE p.id = mine.organisation_id AND s.id <> p.id;
            IF heir IS NULL OR mine.root_id IS NOT NULL OR mine.heir_key IS NOT NULL THEN RETURN; END IF;
            same := regexp_replace(mine.key, '^([^:]+:[^:]+:)' || mine.organisation_id || '(?=:|$)',
                '\\1' || heir);
            IF same = mine.key THEN RETURN; END IF;
            INSERT INTO cap (key, scope, organisation_id, measure_id, title, words, limit_fen, limit_times,
                freed_by_recovery)
            VALUES (same, mine.scope, heir, mine.measure_id, mine.title, mine.words, mine.limit_fen,
                mine.limit_times, mine.freed_by_recovery) ON CONFLICT (key) DO NOTHING;
            UPDATE cap SET heir_key = same WHERE key = mine.key;
        END""",
    "cap_passes_on() RETURNS trigger": """
        DECLARE
            heir cap;
            fen bigint;
            times int;
        BEGIN
            SELECT * INTO STRICT heir FROM cap WHERE key = NEW.heir_key FOR UPDATE;
            fen := CASE WHEN heir.limit_fen IS NULL THEN NEW.used_fen
                ELSE least(NEW.used_fen, heir.limit_fen - heir.used_fen + NEW.passed_fen) END;
            times := CASE WHEN heir.limit_times IS NULL THEN NEW.used_times
                ELSE least(NEW.used_times, heir.limit_times - heir.used_times + NEW.passed_times) END;
            IF (fen, times) IS DISTINCT FROM (NEW.passed_fen, NEW.passed_times) THEN
                UPDATE cap SET passed_fen = fen, passed_times = times WHERE key = NEW.key;
                UPDATE cap SET used_fen = used_fen + fen - NEW.passed_fen,
                    used_times = used_times + times - NEW.passed_times WHERE key = NEW.heir_key;
            END IF;
            RETURN NULL;
        END""",
    "cap_takes_up() RETURNS trigger": """
        BEGIN
            UPDATE cap SET heir_key = heir_key WHERE heir_key = NEW.key
                AND (passed_fen < used_fen OR passed_times < used_times);
            RETURN NULL;
        END""",
    # No ceiling begins unseen while somebody records who goes on as whom (lock of 0020).
    "cap_of_a_predecessor() RETURNS trigger": """
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(72616375);
            IF EXISTS (SELECT FROM organisation o JOIN succession s ON s.predecessor = o.uscc
                       WHERE o.id = NEW.organisation_id) THEN
                PERFORM cap_pass(NEW.key);
            END IF;
            RETURN NULL;
        END""",
    "caps_follow(wanted text) RETURNS void": """
        DECLARE
            each text;
        BEGIN
            FOR each IN
                WITH RECURSIVE family AS (SELECT heir_of(wanted) AS code
                    UNION SELECT s.predecessor FROM succession s JOIN family f ON s.successor = f.code)
                SELECT k.key FROM family f JOIN organisation o ON o.uscc = f.code
                JOIN cap k ON k.organisation_id = o.id AND k.root_id IS NULL AND k.heir_key IS NULL
                ORDER BY k.key
            LOOP
                PERFORM cap_pass(each);
            END LOOP;
        END""",
    "succession_passes_caps() RETURNS trigger": """
        BEGIN
            PERFORM caps_follow(NEW.successor);
            RETURN NULL;
        END""",
    "heir_takes_caps() RETURNS trigger": """
        BEGIN
            IF EXISTS (SELECT FROM succession WHERE successor = NEW.uscc) THEN
                PERFORM pg_advisory_xact_lock(72616375);
                PERFORM caps_follow(NEW.uscc);
            END IF;
            RETURN NULL;
        END""",
}
PASSED_ON = (
    ("cap_passed_on", "AFTER UPDATE OF used_fen, used_times, heir_key ON cap FOR EACH ROW"
     " WHEN (NEW.heir_key IS NOT NULL)", "cap_passes_on"),
    ("cap_taken_up", "AFTER UPDATE ON cap FOR EACH ROW WHEN (NEW.used_fen < OLD.used_fen"
     " OR NEW.used_times < OLD.used_times OR NEW.limit_fen IS DISTINCT FROM OLD.limit_fen"
     " OR NEW.limit_times IS DISTINCT FROM OLD.limit_times)", "cap_takes_up"),
    ("cap_of_predecessor", "AFTER INSERT ON cap FOR EACH ROW WHEN (NEW.root_id IS NULL)",
     "cap_of_a_predecessor"),
    ("succession_caps", "AFTER INSERT ON succession FOR EACH ROW", "succession_passes_caps"),
    ("organisation_heir", "AFTER INSERT ON organisation FOR EACH ROW WHEN (NEW.uscc IS NOT NULL)",
     "heir_takes_caps"),
)  # fmt: skip
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
    op.execute(SCORING)
    op.execute(f"CREATE TRIGGER score_recused {SCORED}")
    _inherit()


def _inherit() -> None:
    op.execute(HEIR)
    op.add_column("cap", sa.Column("heir_key", TEXT()))
    for name, kind in (("passed_fen", BIG()), ("passed_times", sa.Integer())):
        op.add_column("cap", sa.Column(name, kind, server_default="0", nullable=False))
    op.create_foreign_key(op.f("fk_cap_heir_key"), "cap", "cap", ["heir_key"], ["key"])
    op.create_check_constraint(
        op.f("ck_cap_passed"), "cap", "passed_fen >= 0 AND passed_times >= 0 AND heir_key <> key"
    )
    op.create_index("ix_cap_heir_key", "cap", ["heir_key"], postgresql_where=sa.text("heir_key IS NOT NULL"))
    for name, old, new in CHANGES:
        op.execute(REWRITE.format(name=name, old=old, new=new))
    for signature, body in PASSING.items():
        op.execute(
            f"CREATE FUNCTION {signature} LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    op.execute("REVOKE EXECUTE ON FUNCTION cap_pass(text), caps_follow(text) FROM PUBLIC")
    for name, when, function in PASSED_ON:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute("SELECT caps_follow(s.successor) FROM succession s ORDER BY s.id")


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
    for name, when, _ in PASSED_ON:
        op.execute(f"DROP TRIGGER {name} ON {when.split(' ON ')[1].split()[0]}")
    for signature in PASSING:
        op.execute(f"DROP FUNCTION {signature.partition('(')[0]}")
    for name, old, new in reversed(CHANGES):
        op.execute(REWRITE.format(name=name, old=new, new=old))
    for column in ("passed_times", "passed_fen", "heir_key"):
        op.drop_column("cap", column)
    op.execute("DROP FUNCTION heir_of(text)")
    op.execute("DROP TRIGGER score_recused ON score_sheet")
    op.execute("DROP FUNCTION score_without_recusal()")
    op.execute(RECUSAL.format(more=""))
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
