"""Tasks that are claimed, handed over, added, chased; delegation, copies, recusal."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FUNCTIONS = {
    # Why a person may take no control role of a case, or nothing: declared, or found by rule.
    "recusal_of": (
        "wanted_case bigint, wanted_person bigint",
        "text",
        """
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
            RETURN why;
        END""",
    ),
    # 手册 §2.3 (7), (8): who is recused takes no control role, nor does anybody for them.
    "duty_without_recusal": (
        "",
        "trigger",
        """
        DECLARE
            why text := recusal_of(NEW.case_id, NEW.person_id);
        BEGIN
            IF why IS NOT NULL THEN
                RAISE EXCEPTION '须回避（%），不得担任 %', why, NEW.duty
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'duty_recused';
            END IF;
            RETURN NULL;
        END""",
    ),
    "task_without_recusal": (
        "",
        "trigger",
        """
        DECLARE
            is_done boolean := NEW.status = 'done';
            person bigint := CASE WHEN is_done THEN NEW.closed_by ELSE NEW.claimant_id END;
            why text := recusal_of(NEW.case_id, person);
        BEGIN
            IF why IS NULL AND is_done AND NEW.closed_for IS NOT NULL THEN
                why := recusal_of(NEW.case_id, NEW.closed_for);
            END IF;
            IF why IS NOT NULL THEN
                RAISE EXCEPTION '须回避（%），不得办理 %', why, NEW.seat
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'task_recused';
            END IF;
            RETURN NULL;
        END""",
    ),
    # A claimed task changes hands only by being handed over, which is an event of its own.
    "task_claimed_once": (
        "",
        "trigger",
        """
        BEGIN
            IF NEW.handed_seq IS NOT DISTINCT FROM OLD.handed_seq THEN
                RAISE EXCEPTION 'task % of case % is claimed by % already', OLD.id, OLD.case_id, OLD.claimant_id
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'task_claimed_once';
            END IF;
            RETURN NEW;
        END""",
    ),
    # Nobody stands in for somebody who stands in for a third: no chains, so no loops.
    "delegation_is_direct": (
        "",
        "trigger",
        """
        BEGIN
            PERFORM FROM person WHERE id IN (NEW.from_id, NEW.to_id) ORDER BY id FOR NO KEY UPDATE;
            IF EXISTS (
                SELECT FROM delegation g
                WHERE (g.from_id = NEW.to_id OR g.to_id = NEW.from_id) AND g.revoked_at IS NULL
                  AND g.valid_from < NEW.valid_to AND g.valid_to > NEW.valid_from
            ) THEN
                RAISE EXCEPTION '代理不得转代理：委托人正代理他人，或代理人已委托他人'
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'delegation_is_direct';
            END IF;
            IF EXISTS (
                SELECT FROM delegation g
                WHERE g.from_id = NEW.from_id AND g.to_id = NEW.to_id AND g.revoked_at IS NULL
                  AND (g.roles, g.measure_ids) IS NOT DISTINCT FROM (NEW.roles, NEW.measure_ids)
                  AND g.valid_from < NEW.valid_to AND g.valid_to > NEW.valid_from
            ) THEN
                RAISE EXCEPTION '已有同一范围的代理'
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'delegation_once';
            END IF;
            RETURN NEW;
        END""",
    ),
}
TRIGGERS = (
    ("duty_recused", "AFTER INSERT OR UPDATE ON duty FOR EACH ROW", "duty_without_recusal"),
    ("task_recused", "AFTER UPDATE ON task FOR EACH ROW WHEN (NEW.role <> 'applicant' AND ("
     "NEW.status = 'done' AND OLD.status <> 'done'"
     " OR NEW.claimant_id IS NOT NULL AND NEW.claimant_id IS DISTINCT FROM OLD.claimant_id))",
     "task_without_recusal"),
    ("task_claimed_once", "BEFORE UPDATE ON task FOR EACH ROW WHEN (OLD.claimant_id IS NOT NULL"
     " AND NEW.claimant_id IS NOT NULL AND NEW.claimant_id <> OLD.claimant_id)", "task_claimed_once"),
    ("delegation_direct", "BEFORE INSERT ON delegation FOR EACH ROW", "delegation_is_direct"),
    ("delegation_undeletable", "BEFORE DELETE ON delegation FOR EACH ROW", "refuse_change"),
    ("recusal_append_only", "BEFORE UPDATE OR DELETE ON recusal FOR EACH ROW", "refuse_change"),
)  # fmt: skip
PROGRAM = "caseflow_program"
GRANTS = f"""
    GRANT SELECT, INSERT ON delegation, recusal, case_copy TO {PROGRAM};
    GRANT UPDATE (revoked_at, revoked_by) ON delegation TO {PROGRAM};
    GRANT UPDATE (given_by, given_at, revoked_at, revoked_by) ON case_copy TO {PROGRAM};
"""
STATUSES = ("open", "waiting", "done", "cancelled", "silent")
PEOPLE = ("claimant_id", "helper_id", "closed_for")
COLUMNS = (
    ("clock", sa.Text()), ("waits_for", sa.Text()), ("added_seq", sa.Integer()),
    ("claimant_id", sa.BigInteger()), ("claimed_at", sa.DateTime(timezone=True)),
    ("helper_id", sa.BigInteger()), ("handed_seq", sa.Integer()),
    ("urged_at", sa.DateTime(timezone=True)), ("closed_for", sa.BigInteger()),
    ("closed_seq", sa.Integer()),
)  # fmt: skip


def upgrade() -> None:
    op.add_column("task", sa.Column("round", sa.Integer(), server_default="0", nullable=False))
    for name, kind in COLUMNS:
        op.add_column("task", sa.Column(name, kind, nullable=True))
    for name in PEOPLE:
        op.create_foreign_key(op.f(f"fk_task_{name}"), "task", "person", [name], ["id"])
    _constrain_tasks(STATUSES, "status IN ('open', 'waiting')")
    op.create_check_constraint(op.f("ck_task_claimed"), "task", "(claimant_id IS NULL) = (claimed_at IS NULL)")
    op.create_check_constraint(
        op.f("ck_task_done_by_claimant"), "task",
        "status <> 'done' OR claimant_id IS NULL OR claimant_id = closed_by"
        " OR claimant_id IS NOT DISTINCT FROM closed_for",
    )  # fmt: skip
    op.create_index("ix_task_handed", "task", ["organisation_id", "role", "case_id"], postgresql_where="handed_seq IS NOT NULL")
    op.create_index("ix_task_claimed", "task", ["claimant_id"], postgresql_where="status = 'open'")
    _create_tables()
    for name, (arguments, returns, body) in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)


def downgrade() -> None:
    for name, when, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {when.split(' ON ')[1].split()[0]}")
    for name, (arguments, _, _) in FUNCTIONS.items():
        op.execute(f"DROP FUNCTION {name}({arguments})")
    for table in ("case_copy", "recusal", "delegation"):
        op.drop_table(table)
    op.drop_index("ix_task_claimed", "task")
    op.drop_index("ix_task_handed", "task")
    op.drop_constraint(op.f("ck_task_done_by_claimant"), "task")
    op.drop_constraint(op.f("ck_task_claimed"), "task")
    op.execute("UPDATE task SET status = 'open' WHERE status = 'waiting'")
    op.execute("UPDATE task SET status = 'done' WHERE status = 'silent'")
    _constrain_tasks(("open", "done", "cancelled"), "status = 'open'")
    for name, _ in COLUMNS:
        op.drop_column("task", name)
    op.drop_column("task", "round")


def _constrain_tasks(statuses: tuple[str, ...], unanswered: str) -> None:
    """Say which statuses a task may have, and which of them wait; one such task a seat."""
    for name in ("ck_task_status", "ck_task_closed"):
        op.drop_constraint(op.f(name), "task")
    op.drop_index("uq_task_open_seat", "task")
    listed = ", ".join(f"'{status}'" for status in statuses)
    op.create_check_constraint(op.f("ck_task_status"), "task", f"status IN ({listed})")
    op.create_check_constraint(op.f("ck_task_closed"), "task", f"({unanswered}) = (closed_at IS NULL)")
    op.create_index("uq_task_open_seat", "task", ["case_id", "seat"], unique=True, postgresql_where=unanswered)


def _create_tables() -> None:
    op.create_table('delegation',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('from_id', sa.BigInteger(), nullable=False),
    sa.Column('to_id', sa.BigInteger(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=False),
    sa.Column('roles', sa.ARRAY(sa.Text()), nullable=True),
    sa.Column('measure_ids', sa.ARRAY(sa.BigInteger()), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('given_by', sa.BigInteger(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('(revoked_at IS NULL) = (revoked_by IS NULL)', name=op.f('ck_delegation_revoked')),
    sa.CheckConstraint('from_id <> to_id', name=op.f('ck_delegation_two_people')),
    sa.CheckConstraint('valid_to > valid_from', name=op.f('ck_delegation_period')),
    sa.ForeignKeyConstraint(['from_id'], ['person.id'], name=op.f('fk_delegation_from_id')),
    sa.ForeignKeyConstraint(['given_by'], ['person.id'], name=op.f('fk_delegation_given_by')),
    sa.ForeignKeyConstraint(['revoked_by'], ['person.id'], name=op.f('fk_delegation_revoked_by')),
    sa.ForeignKeyConstraint(['to_id'], ['person.id'], name=op.f('fk_delegation_to_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delegation')),
    sa.UniqueConstraint('public_id', name=op.f('uq_delegation_public_id'))
    )
    op.create_index('ix_delegation_from', 'delegation', ['from_id', 'id'], unique=False)
    op.create_index('ix_delegation_to', 'delegation', ['to_id', 'id'], unique=False)
    op.create_table('recusal',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('person_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('ground', sa.Text(), nullable=False),
    sa.Column('by_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_recusal_by_id')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_recusal_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_recusal_person_id')),
    sa.PrimaryKeyConstraint('case_id', 'person_id', name=op.f('pk_recusal'))
    )
    op.create_table('case_copy',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('person_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('given_by', sa.BigInteger(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('(revoked_at IS NULL) = (revoked_by IS NULL)', name=op.f('ck_case_copy_revoked')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_case_copy_case_id')),
    sa.ForeignKeyConstraint(['given_by'], ['person.id'], name=op.f('fk_case_copy_given_by')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_case_copy_person_id')),
    sa.ForeignKeyConstraint(['revoked_by'], ['person.id'], name=op.f('fk_case_copy_revoked_by')),
    sa.PrimaryKeyConstraint('case_id', 'person_id', name=op.f('pk_case_copy'))
    )
    op.create_index('ix_case_copy_reader', 'case_copy', ['person_id', 'case_id'], unique=False, postgresql_where='revoked_at IS NULL')
