"""Formal documents (文书): numbers without gaps, files by hash, deliveries; all append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FUNCTIONS = {
    # The database numbers a document itself, under the lock of its counter: nothing can leave a gap.
    "letter_numbered": """
        DECLARE
            next_serial int;
        BEGIN
            INSERT INTO letter_number AS n (organisation_id, word, year, last)
            VALUES (NEW.organisation_id, NEW.word, NEW.year, 1)
            ON CONFLICT (organisation_id, word, year) DO UPDATE SET last = n.last + 1
            RETURNING last INTO next_serial;
            IF NEW.serial IS NOT NULL AND NEW.serial <> next_serial
               OR NEW.number IS NOT NULL THEN
                RAISE EXCEPTION 'the next number of % in % is %, nobody chooses another', NEW.word,
                    NEW.year, next_serial
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'letter_number_chosen';
            END IF;
            NEW.serial := next_serial;
            NEW.number := format('%s〔%s〕%s号', NEW.word, NEW.year, next_serial);
            RETURN NEW;
        END""",
    "letter_number_follows": """
        BEGIN
            IF pg_trigger_depth() < 2 THEN
                RAISE EXCEPTION 'numbers are moved by documents alone'
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'letter_number_follows';
            END IF;
            RETURN NEW;
        END""",
    # Delivery is told in its order: sent, arrived, read.
    "letter_mark_in_order": """
        DECLARE
            sent timestamptz;
            arrived timestamptz;
        BEGIN
            SELECT d.sent_at, m.at INTO sent, arrived FROM letter_delivery d
            LEFT JOIN letter_mark m ON m.delivery_id = d.id AND m.mark = 'arrived'
            WHERE d.id = NEW.delivery_id;
            IF NEW.at < sent OR NEW.mark = 'read' AND (arrived IS NULL OR NEW.at < arrived) THEN
                RAISE EXCEPTION 'a document is sent, arrives and is read in this order'
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'letter_mark_in_order';
            END IF;
            RETURN NEW;
        END""",
}
TABLES = ("letter_mark", "letter_delivery", "letter_file", "letter_number", "letter")
APPEND_ONLY = ("letter", "letter_file", "letter_delivery", "letter_mark")
TRIGGERS = (
    ("letter_numbered", "BEFORE INSERT ON letter FOR EACH ROW", "letter_numbered"),
    ("letter_number_follows", "BEFORE INSERT OR UPDATE OR DELETE ON letter_number FOR EACH ROW",
     "letter_number_follows"),
    ("letter_mark_in_order", "BEFORE INSERT ON letter_mark FOR EACH ROW", "letter_mark_in_order"),
    *((f"{table}_append_only", f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW", "refuse_change")
      for table in APPEND_ONLY),
    *((f"{table}_no_truncate", f"BEFORE TRUNCATE ON {table}", "refuse_change")
      for table in (*APPEND_ONLY, "letter_number")),
)
PROGRAM = "caseflow_program"
GRANTS = f"""
    GRANT SELECT, INSERT ON letter, letter_file, letter_delivery, letter_mark TO {PROGRAM};
    GRANT SELECT ON letter_number TO {PROGRAM};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {PROGRAM};
"""


def upgrade() -> None:
    _create_tables()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = public, pg_temp AS $body${body}$body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")


def _create_tables() -> None:
    op.create_table('letter',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=True),
    sa.Column('publicity_id', sa.BigInteger(), nullable=True),
    sa.Column('organisation_id', sa.BigInteger(), nullable=False),
    sa.Column('addressee_id', sa.BigInteger(), nullable=True),
    sa.Column('word', sa.Text(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('serial', sa.Integer(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('dated_on', sa.Date(), nullable=False),
    sa.Column('stream', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('facts', sa.dialects.postgresql.JSONB(), nullable=False),
    sa.Column('made_by', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('num_nonnulls(case_id, publicity_id) = 1', name=op.f('ck_letter_about_one')),
    sa.CheckConstraint('stream = coalesce(case_id, publicity_id)', name=op.f('ck_letter_of_its_event')),
    sa.CheckConstraint('(case_id IS NULL) = (addressee_id IS NULL)', name=op.f('ck_letter_addressed')),
    sa.CheckConstraint('year = extract(year FROM dated_on)', name=op.f('ck_letter_year')),
    sa.CheckConstraint("word <> '' AND serial >= 1", name=op.f('ck_letter_serial')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_letter_case_id')),
    sa.ForeignKeyConstraint(['publicity_id'], ['publicity.id'], name=op.f('fk_letter_publicity_id')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_letter_organisation_id')),
    sa.ForeignKeyConstraint(['addressee_id'], ['organisation.id'], name=op.f('fk_letter_addressee_id')),
    sa.ForeignKeyConstraint(['made_by'], ['person.id'], name=op.f('fk_letter_made_by')),
    sa.ForeignKeyConstraint(['stream', 'seq'], ['event.stream', 'event.seq'], name='fk_letter_event'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter')),
    sa.UniqueConstraint('public_id', name=op.f('uq_letter_public_id')),
    sa.UniqueConstraint('organisation_id', 'word', 'year', 'serial', name='uq_letter_number'),
    sa.UniqueConstraint('kind', 'stream', 'seq', name='uq_letter_of_event')
    )
    op.create_index('ix_letter_case', 'letter', ['case_id', 'id'], unique=False, postgresql_where='case_id IS NOT NULL')
    op.create_index('ix_letter_publicity', 'letter', ['publicity_id', 'id'], unique=False, postgresql_where='publicity_id IS NOT NULL')
    op.create_table('letter_number',
    sa.Column('organisation_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('word', sa.Text(), nullable=False),
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_letter_number_organisation_id')),
    sa.PrimaryKeyConstraint('organisation_id', 'word', 'year', name=op.f('pk_letter_number'))
    )
    op.create_table('letter_file',
    sa.Column('letter_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('form_sha256', sa.Text(), nullable=False),
    sa.Column('font', sa.Text(), nullable=True),
    sa.CheckConstraint("format IN ('pdf', 'docx')", name=op.f('ck_letter_file_format')),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_letter_file_sha256')),
    sa.CheckConstraint('size > 0', name=op.f('ck_letter_file_size')),
    sa.CheckConstraint("(format = 'pdf') = (font IS NOT NULL)", name=op.f('ck_letter_file_font')),
    sa.ForeignKeyConstraint(['letter_id'], ['letter.id'], name=op.f('fk_letter_file_letter_id')),
    sa.PrimaryKeyConstraint('letter_id', 'format', name=op.f('pk_letter_file'))
    )
    op.create_table('letter_delivery',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('letter_id', sa.BigInteger(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False),
    sa.Column('consent', sa.Text(), nullable=True),
    sa.Column('receiver', sa.Text(), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_by', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("method IN ('inbox', 'email', 'paper')", name=op.f('ck_letter_delivery_method')),
    sa.CheckConstraint("method = 'paper' OR consent <> '' AND consent IS NOT NULL", name=op.f('ck_letter_delivery_consent')),
    sa.ForeignKeyConstraint(['letter_id'], ['letter.id'], name=op.f('fk_letter_delivery_letter_id')),
    sa.ForeignKeyConstraint(['sent_by'], ['person.id'], name=op.f('fk_letter_delivery_sent_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_delivery')),
    sa.UniqueConstraint('public_id', name=op.f('uq_letter_delivery_public_id'))
    )
    op.create_index('ix_letter_delivery_letter', 'letter_delivery', ['letter_id', 'id'], unique=False)
    op.create_table('letter_mark',
    sa.Column('delivery_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('mark', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("mark IN ('arrived', 'read')", name=op.f('ck_letter_mark_mark')),
    sa.ForeignKeyConstraint(['delivery_id'], ['letter_delivery.id'], name=op.f('fk_letter_mark_delivery_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['person.id'], name=op.f('fk_letter_mark_recorded_by')),
    sa.PrimaryKeyConstraint('delivery_id', 'mark', name=op.f('pk_letter_mark'))
    )
