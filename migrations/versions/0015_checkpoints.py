"""Signed checkpoints over all events; a publicity's list is frozen and answered under real names."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"

# As its owner, so that the program itself can put nothing among what is to be sealed.
PEND = """
    BEGIN
        INSERT INTO event_pending (stream, seq, hash) SELECT stream, seq, hash FROM added;
        RETURN NULL;
    END"""


def upgrade() -> None:
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
    op.execute("DROP FUNCTION event_waits_for_its_seal() CASCADE")
    for table in ("checkpoint", "event_leaf", "event_pending"):
        op.drop_table(table)
