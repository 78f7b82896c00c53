"""Signed checkpoints over all events; a publicity's list is frozen and answered under real names."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"

# As its owner, so that the program itself can put nothing among what is to be sealed.
PEND = """
    BEGIN
        INSERT INTO event_pending (stream, seq, hash) SELECT stream, seq, hash FROM added;
        RETURN NULL;
    END"""

REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
PUBLICITY = {
    # What the public was told stays as it was told; a publicity only closes.
    "publicity_is_fixed": f"""
        BEGIN
            IF (to_jsonb(NEW) - 'status' - 'closed_at') IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'closed_at')
               OR (OLD.status, NEW.status) NOT IN (('open', 'open'), ('open', 'closed')) THEN
                RAISE EXCEPTION 'publicity % is fixed: a changed list needs a publicity of its own', OLD.id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    # A publicity says where objections go, freezes its list as a file, and has all its lines from the beginning.
    "publicity_is_whole": f"""
        BEGIN
            IF NEW.contact IS NULL OR NEW.list_sha256 IS NULL OR NEW.status <> 'open' THEN
                RAISE EXCEPTION 'publicity % lacks its contact or its frozen list', NEW.id {REFUSED};
            END IF;
            IF (SELECT count(*) FROM publicity_case WHERE publicity_id = NEW.id) <> NEW.case_count THEN
                RAISE EXCEPTION 'publicity % does not list % cases', NEW.id, NEW.case_count {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # A case that was listed before names the publicity that it restarts, and stands for no fewer days.
    "listing_names_what_it_restarts": f"""
        DECLARE
            before bigint;
        BEGIN
            SELECT max(publicity_id) INTO before FROM publicity_case
                WHERE case_id = NEW.case_id AND publicity_id < NEW.publicity_id;
            IF NEW.restarts_id IS DISTINCT FROM before THEN
                RAISE EXCEPTION 'case % restarts publicity %, not %', NEW.case_id, before, NEW.restarts_id {REFUSED};
            END IF;
            IF EXISTS (SELECT FROM publicity p JOIN publicity b ON b.id = before
                       WHERE p.id = NEW.publicity_id AND p.working_days < b.working_days) THEN
                RAISE EXCEPTION 'publicity % runs for fewer days than % that it restarts', NEW.publicity_id, before
                    {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # Under a real name, with contact, grounds and proof, about a listed case, while its publicity stands.
    "objection_in_its_window": f"""
        BEGIN
            IF '' IN (btrim(NEW.real_name), btrim(NEW.contact), btrim(NEW.grounds), btrim(NEW.proof)) THEN
                RAISE EXCEPTION 'objection to case % lacks name, contact, grounds or proof', NEW.case_id {REFUSED};
            END IF;
            IF NOT EXISTS (
                SELECT FROM publicity p JOIN publicity_case l ON l.publicity_id = p.id
                WHERE p.id = NEW.publicity_id AND l.case_id = NEW.case_id
                  AND NEW.filed_at >= p.opened_at AND NEW.filed_at < p.ends_at
            ) THEN
                RAISE EXCEPTION 'objection to case % at % lies outside publicity %',
                    NEW.case_id, NEW.filed_at, NEW.publicity_id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
}
PUBLICITY_TRIGGERS = (
    ("TRIGGER publicity_fixed BEFORE UPDATE ON publicity FOR EACH ROW", "publicity_is_fixed"),
    ("TRIGGER publicity_undeletable BEFORE DELETE ON publicity FOR EACH ROW", "refuse_change"),
    ("CONSTRAINT TRIGGER publicity_whole AFTER INSERT ON publicity DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
     "publicity_is_whole"),
    ("TRIGGER publicity_case_append_only BEFORE UPDATE OR DELETE ON publicity_case FOR EACH ROW", "refuse_change"),
    ("TRIGGER publicity_case_no_truncate BEFORE TRUNCATE ON publicity_case", "refuse_change"),
    ("TRIGGER publicity_case_restarts AFTER INSERT ON publicity_case FOR EACH ROW", "listing_names_what_it_restarts"),
    ("TRIGGER objection_window AFTER INSERT ON objection FOR EACH ROW", "objection_in_its_window"),
    ("TRIGGER objection_fixed BEFORE UPDATE OF case_id, seq, publicity_id, objector_id, real_name, contact, grounds,"
     " proof, filed_at ON objection FOR EACH ROW", "refuse_change"),
)  # fmt: skip


def upgrade() -> None:
    _checkpoints()
    _publicities()


def _publicities() -> None:
    op.add_column("publicity", sa.Column("contact", postgresql.JSONB(), nullable=True))
    op.add_column("publicity", sa.Column("list_sha256", sa.Text(), nullable=True))
    for table, names in (("publicity", ("case_count",)), ("publicity_case", ("line", "case_count"))):
        for name in names:
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("publicity_case", sa.Column("restarts_id", sa.BigInteger(), nullable=True))
    for name in ("real_name", "contact", "proof"):
        op.add_column("objection", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.alter_column("objection", name, server_default=None)
    _number_the_lines()
    for table, names in (("publicity", ("case_count",)), ("publicity_case", ("line", "case_count"))):
        for name in names:
            op.alter_column(table, name, nullable=False)
    _constrain()
    for name, body in PUBLICITY.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for what, function in PUBLICITY_TRIGGERS:
        op.execute(f"CREATE {what} EXECUTE FUNCTION {function}()")
    op.execute(f"REVOKE UPDATE, DELETE ON publicity, publicity_case FROM {PROGRAM}")
    op.execute(f"GRANT UPDATE (status, closed_at) ON publicity TO {PROGRAM}")
    op.execute(f"REVOKE UPDATE ON objection FROM {PROGRAM}")
    op.execute(f"GRANT UPDATE (status, settled_at) ON objection TO {PROGRAM}")


def _number_the_lines() -> None:
    """Say of the lists that are there which line is which, and what each case's last list was."""
    op.execute("""
        UPDATE publicity_case l SET line = n.line, case_count = n.of, restarts_id = n.before FROM (
            SELECT l.publicity_id, l.case_id, count(*) OVER (PARTITION BY l.publicity_id) AS of,
                row_number() OVER (PARTITION BY l.publicity_id ORDER BY c.number) AS line,
                lag(l.publicity_id) OVER (PARTITION BY l.case_id ORDER BY l.publicity_id) AS before
            FROM publicity_case l JOIN "case" c ON c.id = l.case_id) n
        WHERE n.publicity_id = l.publicity_id AND n.case_id = l.case_id""")
    op.execute("UPDATE publicity p SET case_count = (SELECT count(*) FROM publicity_case WHERE publicity_id = p.id)")


def _constrain() -> None:
    op.create_check_constraint(
        op.f("ck_publicity_contact_in_full"), "publicity", "contact ?& ARRAY['unit', 'phone', 'email', 'address']"
    )
    op.create_check_constraint(op.f("ck_publicity_list_sha256"), "publicity", "list_sha256 ~ '^[0-9a-f]{64}$'")
    op.create_unique_constraint("uq_publicity_case_count", "publicity", ["id", "case_count"])
    op.create_check_constraint(op.f("ck_publicity_case_line"), "publicity_case", "line BETWEEN 1 AND case_count")
    op.create_unique_constraint("uq_publicity_case_line", "publicity_case", ["publicity_id", "line"])
    op.create_foreign_key(
        "fk_publicity_case_count", "publicity_case", "publicity",
        ["publicity_id", "case_count"], ["id", "case_count"],
    )  # fmt: skip
    op.create_foreign_key(
        op.f("fk_publicity_case_restarts_id"), "publicity_case", "publicity", ["restarts_id"], ["id"]
    )
    op.create_index("ix_publicity_case_case", "publicity_case", ["case_id", "publicity_id"])


def _checkpoints() -> None:
    _tables()
    op.execute(
        "CREATE FUNCTION event_waits_for_its_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" SET search_path = public, pg_temp AS $body$ {PEND}; $body$"
    )
    op.execute(
        "CREATE TRIGGER event_pends AFTER INSERT ON event REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION event_waits_for_its_seal()"
    )
    op.execute("INSERT INTO event_pending (stream, seq, hash) SELECT stream, seq, hash FROM event")
    for table in ("event_leaf", "checkpoint"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")
    op.execute(f"GRANT SELECT, INSERT ON event_leaf, checkpoint TO {PROGRAM}")
    op.execute(f"GRANT SELECT, DELETE ON event_pending TO {PROGRAM}")


def _tables() -> None:
    op.create_table(
        "event_pending",
        sa.Column("stream", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "event_leaf",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "prev_index", sa.BigInteger(), sa.Computed("nullif(index, 0) - 1", persisted=True), nullable=True
        ),
        sa.Column("stream", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("index >= 0", name=op.f("ck_event_leaf_index_starts_at_zero")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_event_leaf_hash_length")),
        sa.ForeignKeyConstraint(["prev_index"], ["event_leaf.index"], name=op.f("fk_event_leaf_prev_index")),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_event_leaf")),
        sa.UniqueConstraint("stream", "seq", name="uq_event_leaf_event"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("prev", sa.Integer(), sa.Computed("nullif(number, 1) - 1", persisted=True), nullable=True),
        sa.Column("prev_size", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("last_index", sa.BigInteger(), sa.Computed("size - 1", persisted=True), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1 AND size >= 1", name=op.f("ck_checkpoint_starts_at_one")),
        sa.CheckConstraint("(number = 1) = (prev_size IS NULL)", name=op.f("ck_checkpoint_follows")),
        sa.CheckConstraint("prev_size < size", name=op.f("ck_checkpoint_grows")),
        sa.CheckConstraint(
            "octet_length(root) = 32 AND octet_length(frontier) = 32 * bit_count(size::bit(64))",
            name=op.f("ck_checkpoint_hash_length"),
        ),
        sa.CheckConstraint(
            "split_part(note, E'\\n', 2) = size::text AND split_part(note, E'\\n', 3) = encode(root, 'base64')",
            name=op.f("ck_checkpoint_note_says_so"),
        ),
        sa.ForeignKeyConstraint(["last_index"], ["event_leaf.index"], name=op.f("fk_checkpoint_last_index")),
        sa.ForeignKeyConstraint(
            ["prev", "prev_size"], ["checkpoint.number", "checkpoint.size"], name="fk_checkpoint_previous"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoint")),
        sa.UniqueConstraint("number", "size", name="uq_checkpoint_size"),
        sa.UniqueConstraint("prev", name=op.f("uq_checkpoint_prev")),
    )


def downgrade() -> None:
    for name in ("publicity_undeletable ON publicity", "publicity_case_append_only ON publicity_case",
                 "publicity_case_no_truncate ON publicity_case", "objection_fixed ON objection"):  # fmt: skip
        op.execute(f"DROP TRIGGER {name}")
    for name in PUBLICITY:
        op.execute(f"DROP FUNCTION {name}() CASCADE")
    op.execute(f"GRANT UPDATE ON publicity, publicity_case, objection TO {PROGRAM}")
    op.drop_index("ix_publicity_case_case", "publicity_case")
    op.drop_constraint("fk_publicity_case_count", "publicity_case")
    for table, names in (
        ("publicity_case", ("restarts_id", "case_count", "line")),
        ("publicity", ("case_count", "list_sha256", "contact")),
        ("objection", ("proof", "contact", "real_name")),
    ):
        for name in names:
            op.drop_column(table, name)
    op.execute("DROP FUNCTION event_waits_for_its_seal() CASCADE")
    for table in ("checkpoint", "event_leaf", "event_pending"):
        op.drop_table(table)
