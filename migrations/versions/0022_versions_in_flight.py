"""New versions while cases run: publications, migrations of cases, changes of a policy, impacts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
FUNCTIONS = {
    # A case keeps what it pins; only the item of an approved migration moves it, beside its event.
    "case_is_repinned": f"""
        BEGIN
            IF NOT EXISTS (
                SELECT FROM case_migration_item i JOIN case_migration m ON m.id = i.migration_id
                JOIN measure_version v ON v.id = m.to_version_id
                WHERE i.case_id = NEW.id AND i.status = 'moved' AND m.status = 'approved'
                  AND i.seq = OLD.head_seq + 1
                  AND (i.from_version_id, i.from_workflow) = (OLD.measure_version_id, OLD.workflow_hash)
                  AND (m.to_version_id, i.to_workflow) = (NEW.measure_version_id, NEW.workflow_hash)
                  AND (v.policy_version_id, v.measure_id) = (NEW.policy_version_id, NEW.measure_id)
                  AND i.to_workflow = CASE WHEN NEW.child_kind IS NULL THEN v.workflow_hash
                      ELSE v.children->>NEW.child_kind END
            ) THEN
                RAISE EXCEPTION 'case % keeps its version: only an approved migration moves it', NEW.id
                    {REFUSED}, CONSTRAINT = 'case_pins_fixed';
            END IF;
            RETURN NEW;
        END""",
    "case_migration_steps": f"""
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.status <> 'proposed' THEN
                    RAISE EXCEPTION 'migration % begins as a proposal', NEW.id {REFUSED};
                END IF;
                RETURN NEW;
            END IF;
            IF (OLD.status, NEW.status) NOT IN
                   (('proposed', 'approved'), ('proposed', 'withdrawn'), ('approved', 'finished'))
               OR (NEW.id, NEW.public_id, NEW.measure_id, NEW.to_version_id, NEW.plan, NEW.reason,
                   NEW.basis, NEW.document_no, NEW.proposed_by, NEW.proposed_at)
                  IS DISTINCT FROM
                  (OLD.id, OLD.public_id, OLD.measure_id, OLD.to_version_id, OLD.plan, OLD.reason,
                   OLD.basis, OLD.document_no, OLD.proposed_by, OLD.proposed_at)
               OR (OLD.approved_at IS NOT NULL
                   AND (NEW.approved_by, NEW.approved_at) IS DISTINCT FROM (OLD.approved_by, OLD.approved_at))
            THEN
                RAISE EXCEPTION 'migration %: % -> % refused', OLD.id, OLD.status, NEW.status {REFUSED};
            END IF;
            IF NEW.status <> 'approved' AND EXISTS (
                SELECT FROM case_migration_item WHERE migration_id = NEW.id AND status = 'pending') THEN
                RAISE EXCEPTION 'migration % still has cases that wait', NEW.id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    "case_migration_is_recorded": f"""
        BEGIN
            IF NOT EXISTS (
                SELECT FROM event e WHERE e.stream = NEW.id AND e.name = 'migration_' || NEW.status
                  AND e.at = CASE NEW.status WHEN 'proposed' THEN NEW.proposed_at
                      WHEN 'approved' THEN NEW.approved_at WHEN 'withdrawn' THEN NEW.withdrawn_at
                      ELSE NEW.finished_at END
                  AND e.actor_id = CASE NEW.status WHEN 'proposed' THEN NEW.proposed_by
                      WHEN 'approved' THEN NEW.approved_by WHEN 'withdrawn' THEN NEW.withdrawn_by
                      ELSE e.actor_id END
            ) THEN
                RAISE EXCEPTION 'migration % is not % without the event that says so', NEW.id, NEW.status {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "case_migration_item_steps": f"""
        DECLARE
            stands text;
        BEGIN
            SELECT status INTO stands FROM case_migration WHERE id = NEW.migration_id;
            IF TG_OP = 'INSERT' THEN
                IF NEW.status <> 'pending' OR stands <> 'proposed' THEN
                    RAISE EXCEPTION 'a case joins a migration only while it is proposed' {REFUSED};
                END IF;
                RETURN NEW;
            END IF;
            IF OLD.status <> 'pending' OR (NEW.status IN ('moved', 'refused') AND stands <> 'approved')
               OR (NEW.migration_id, NEW.case_id) IS DISTINCT FROM (OLD.migration_id, OLD.case_id) THEN
                RAISE EXCEPTION 'case % in migration %: % -> % refused', OLD.case_id, OLD.migration_id,
                    OLD.status, NEW.status {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    "case_migration_item_is_recorded": f"""
        BEGIN
            IF NOT EXISTS (
                SELECT FROM event e JOIN "case" c ON c.id = e.stream
                JOIN case_migration m ON m.id = NEW.migration_id
                WHERE e.stream = NEW.case_id AND e.seq = NEW.seq AND e.name = 'case_migrated'
                  AND (e.from_state, e.to_state, e.workflow_hash)
                    = (NEW.from_state, NEW.to_state, NEW.to_workflow)
                  AND c.measure_version_id = m.to_version_id AND c.workflow_hash = NEW.to_workflow
            ) THEN
                RAISE EXCEPTION 'case % is not moved without the event that says so', NEW.case_id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # 手册 §2.1: 生效 -> 暂停执行 -> 生效; 到期, 废止 and 被替代 are for good. Each rests on a recorded change.
    "policy_status_steps": f"""
        DECLARE
            last text;
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.status = 'in_force' AND EXISTS (
                    SELECT FROM policy_change c WHERE c.policy_id = NEW.policy_id
                      AND (c.kind IN ('repealed', 'replaced') OR c.kind = 'suspended' AND c.lifted_at IS NULL)
                ) THEN
                    RAISE EXCEPTION 'policy % is suspended or over: no version of it comes into force',
                        NEW.policy_id {REFUSED};
                END IF;
                RETURN NEW;
            END IF;
            SELECT c.kind INTO last FROM policy_change c
            WHERE c.policy_id = NEW.policy_id AND c.kind <> 'amended' ORDER BY c.id DESC LIMIT 1;
            IF (OLD.status, NEW.status) NOT IN (
                   ('consultation_draft', 'lapsed'), ('in_force', 'expired'), ('suspended', 'expired'),
                   ('in_force', 'suspended'), ('suspended', 'in_force'), ('in_force', 'repealed'),
                   ('suspended', 'repealed'), ('in_force', 'replaced'), ('suspended', 'replaced'))
               OR (NEW.status NOT IN ('lapsed', 'expired') AND last IS DISTINCT FROM
                   CASE NEW.status WHEN 'in_force' THEN 'resumed' ELSE NEW.status END) THEN
                RAISE EXCEPTION 'policy version %: % -> % refused', OLD.id, OLD.status, NEW.status
                    {REFUSED}, CONSTRAINT = 'policy_status_steps';
            END IF;
            RETURN NEW;
        END""",
    "policy_change_is_fixed": f"""
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.lifted_at IS NOT NULL THEN
                    RAISE EXCEPTION 'a suspension begins before it is lifted' {REFUSED};
                END IF;
                RETURN NEW;
            END IF;
            IF OLD.lifted_at IS NOT NULL OR (to_jsonb(NEW) - 'lifted_at') <> (to_jsonb(OLD) - 'lifted_at')
            THEN
                RAISE EXCEPTION 'change % of a policy is fixed', OLD.id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    "policy_change_is_recorded": f"""
        BEGIN
            IF NOT EXISTS (
                SELECT FROM event e WHERE e.stream = NEW.policy_id AND e.name = 'policy_' || NEW.kind
                  AND (e.actor_id, e.at) = (NEW.changed_by, NEW.changed_at)
            ) THEN
                RAISE EXCEPTION 'policy % is not % without the event that says so', NEW.policy_id, NEW.kind {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # 优化营商环境条例 31: what was approved is not re-opened, so it is never listed.
    "impact_steps": f"""
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.decision IS NOT NULL OR EXISTS (
                    SELECT FROM "case" c WHERE c.id = NEW.case_id
                      AND (c.approved_fen IS NOT NULL OR c.outcome IS NOT NULL OR c.parent_id IS NOT NULL)
                ) THEN
                    RAISE EXCEPTION 'case % is approved, over or part of another: no change touches it', NEW.case_id
                        {REFUSED}, CONSTRAINT = 'impact_not_approved';
                END IF;
                RETURN NEW;
            END IF;
            IF OLD.decision IS NOT NULL
               OR (NEW.change_id, NEW.case_id, NEW.policy_version_id, NEW.state)
                  IS DISTINCT FROM (OLD.change_id, OLD.case_id, OLD.policy_version_id, OLD.state) THEN
                RAISE EXCEPTION 'case %: a decision is taken once', OLD.case_id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    "impact_is_recorded": f"""
        BEGIN
            IF NOT EXISTS (
                SELECT FROM event e WHERE e.stream = NEW.case_id AND e.seq = NEW.seq
                  AND (e.actor_id, e.at) = (NEW.decided_by, NEW.decided_at)
            ) THEN
                RAISE EXCEPTION 'case % is not decided without the event that says so', NEW.case_id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "approval_waits_for_decision": f"""
        BEGIN
            IF EXISTS (
                SELECT FROM impact i JOIN policy_change c ON c.id = i.change_id
                WHERE i.case_id = NEW.id AND c.lifted_at IS NULL
                  AND (i.decision IS NULL OR i.decision = 're_evaluate' AND c.kind = 'amended'
                       AND NEW.policy_version_id = i.policy_version_id)
            ) THEN
                RAISE EXCEPTION '政策已调整，须先对本办件作出处理决定（须重新评估的，先迁移到新版本），方可审定'
                    {REFUSED}, CONSTRAINT = 'approval_waits_for_decision';
            END IF;
            RETURN NEW;
        END""",
}
PINS = ("measure_version_id", "policy_version_id", "workflow_hash", "measure_id")
CHANGED = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in PINS)
LATE = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
ON_OTHERS = (
    (f'TRIGGER case_pins_fixed BEFORE UPDATE OF {", ".join(PINS)} ON "case" FOR EACH ROW WHEN ({CHANGED})',
     "case_is_repinned"),
    ('TRIGGER case_approval_waits BEFORE UPDATE OF approved_fen ON "case" FOR EACH ROW'
     " WHEN (OLD.approved_fen IS NULL AND NEW.approved_fen IS NOT NULL)", "approval_waits_for_decision"),
    ("TRIGGER policy_version_steps BEFORE UPDATE OF status ON policy_version FOR EACH ROW"
     " WHEN (OLD.status <> NEW.status)", "policy_status_steps"),
    ("TRIGGER policy_version_begins BEFORE INSERT ON policy_version FOR EACH ROW", "policy_status_steps"),
)  # fmt: skip
TRIGGERS = (
    ("TRIGGER case_migration_steps BEFORE INSERT OR UPDATE ON case_migration FOR EACH ROW", "case_migration_steps"),
    (f"CONSTRAINT TRIGGER case_migration_recorded AFTER INSERT OR UPDATE ON case_migration {LATE}",
     "case_migration_is_recorded"),
    ("TRIGGER case_migration_item_steps BEFORE INSERT OR UPDATE ON case_migration_item FOR EACH ROW",
     "case_migration_item_steps"),
    (f"CONSTRAINT TRIGGER case_migration_item_recorded AFTER UPDATE ON case_migration_item {LATE}"
     " WHEN (NEW.status = 'moved')", "case_migration_item_is_recorded"),
    ("TRIGGER policy_change_fixed BEFORE INSERT OR UPDATE ON policy_change FOR EACH ROW", "policy_change_is_fixed"),
    (f"CONSTRAINT TRIGGER policy_change_recorded AFTER INSERT ON policy_change {LATE}", "policy_change_is_recorded"),
    ("TRIGGER impact_steps BEFORE INSERT OR UPDATE ON impact FOR EACH ROW", "impact_steps"),
    (f"CONSTRAINT TRIGGER impact_recorded AFTER UPDATE ON impact {LATE}", "impact_is_recorded"),
    ("TRIGGER publication_append_only BEFORE UPDATE OR DELETE ON publication FOR EACH ROW", "refuse_change"),
    *((f"TRIGGER {table}_undeletable BEFORE DELETE ON {table} FOR EACH ROW", "refuse_change")
      for table in ("case_migration", "case_migration_item", "policy_change", "impact")),
)  # fmt: skip
TABLES = ("publication", "case_migration", "case_migration_item", "policy_change", "impact")
PROGRAM = "caseflow_program"
GRANTS = f"""
    GRANT SELECT, INSERT ON {", ".join(TABLES)} TO {PROGRAM};
    GRANT UPDATE (status, approved_by, approved_at, finished_at, withdrawn_by, withdrawn_at)
        ON case_migration TO {PROGRAM};
    GRANT UPDATE (status, from_version_id, from_workflow, to_workflow, from_state, to_state, seq, result, done_at)
        ON case_migration_item TO {PROGRAM};
    GRANT UPDATE (lifted_at) ON policy_change TO {PROGRAM};
    GRANT UPDATE (decision, reason, decided_by, decided_at, seq) ON impact TO {PROGRAM};
"""
BEFORE = ("consultation_draft", "in_force", "expired", "lapsed", "repealed")
BIG, TEXT, INT, AT = sa.BigInteger, sa.Text, sa.Integer, sa.DateTime(timezone=True)


def _column(name: str, kind: object, *, null: bool = False, **options: object) -> sa.Column:
    return sa.Column(name, kind, nullable=null, **options)


def _id() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("id", BIG(), server_default=sa.text("nextval('entity_id')"), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
    )


def _keys(table: str) -> tuple[object, object]:
    return (
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    key = "hash" if other == "workflow" else "id"
    return sa.ForeignKeyConstraint([column], [f"{other}.{key}"], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    op.add_column("policy_version", sa.Column("supersedes_id", BIG(), nullable=True))
    op.create_foreign_key(
        op.f("fk_policy_version_supersedes_id"), "policy_version", "policy_version", ["supersedes_id"], ["id"]
    )
    _constrain_statuses((*BEFORE, "suspended", "replaced"))
    _publications()
    _migrations()
    _changes()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for trigger, function in (*ON_OTHERS, *TRIGGERS):
        op.execute(f"CREATE {trigger} EXECUTE FUNCTION {function}()")
    for table in TABLES:
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")
    op.execute(GRANTS)


def _constrain_statuses(statuses: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{status}'" for status in statuses)
    for name in ("status", "in_force_is_dated"):
        op.drop_constraint(op.f(f"ck_policy_version_{name}"), "policy_version")
    op.create_check_constraint(op.f("ck_policy_version_status"), "policy_version", f"status IN ({listed})")
    dated = "'in_force', 'expired', 'suspended'" if "suspended" in statuses else "'in_force', 'expired'"
    op.create_check_constraint(
        op.f("ck_policy_version_in_force_is_dated"), "policy_version",
        f"status NOT IN ({dated}) OR"
        " (effective_from IS NOT NULL AND effective_to IS NOT NULL AND issued_on IS NOT NULL)",
    )  # fmt: skip


def _publications() -> None:
    op.create_table(
        "publication",
        *_id(), _column("policy_id", BIG()), _column("policy_version_id", BIG()),
        _column("replaces_id", BIG(), null=True), _column("plan", postgresql.JSONB()),
        _column("kept", postgresql.JSONB()), _column("counts", postgresql.JSONB()),
        _column("reason", TEXT()), _column("document_no", TEXT()), _column("published_by", BIG()),
        _column("published_at", AT),
        _check("publication", "sourced", "btrim(reason) <> '' AND btrim(document_no) <> ''"),
        _to("publication", "policy_id", "policy"), _to("publication", "policy_version_id", "policy_version"),
        _to("publication", "replaces_id", "policy_version"), _to("publication", "published_by", "person"),
        *_keys("publication"),
    )  # fmt: skip
    op.create_index("ix_publication_policy", "publication", ["policy_id", "id"])


def _migrations() -> None:
    name = "case_migration"
    op.create_table(
        name,
        *_id(), _column("measure_id", BIG()), _column("to_version_id", BIG()),
        _column("plan", postgresql.JSONB()), _column("reason", TEXT()), _column("basis", TEXT()),
        _column("document_no", TEXT()), _column("status", TEXT()), _column("proposed_by", BIG()),
        _column("proposed_at", AT), _column("approved_by", BIG(), null=True),
        _column("approved_at", AT, null=True), _column("finished_at", AT, null=True),
        _column("withdrawn_by", BIG(), null=True), _column("withdrawn_at", AT, null=True),
        _check(name, "status", "status IN ('proposed', 'approved', 'finished', 'withdrawn')"),
        _check(name, "second_person", "approved_by <> proposed_by"),
        _check(name, "by_and_at", "(approved_by IS NULL) = (approved_at IS NULL)"
               " AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)"),
        _check(name, "status_says_so", "(status IN ('approved', 'finished')) = (approved_at IS NOT NULL)"
               " AND (status = 'finished') = (finished_at IS NOT NULL)"
               " AND (status = 'withdrawn') = (withdrawn_at IS NOT NULL)"),
        _check(name, "sourced", "btrim(reason) <> '' AND btrim(basis) <> '' AND btrim(document_no) <> ''"),
        _to(name, "measure_id", "measure"), _to(name, "to_version_id", "measure_version"),
        *(_to(name, column, "person") for column in ("proposed_by", "approved_by", "withdrawn_by")),
        *_keys(name),
    )  # fmt: skip
    op.create_index("ix_case_migration_measure", name, ["measure_id", "id"])
    name = "case_migration_item"
    op.create_table(
        name,
        _column("migration_id", BIG(), autoincrement=False), _column("case_id", BIG(), autoincrement=False),
        _column("status", TEXT()), _column("from_version_id", BIG()), _column("from_workflow", TEXT()),
        _column("to_workflow", TEXT(), null=True), _column("from_state", TEXT()),
        _column("to_state", TEXT(), null=True), _column("seq", INT(), null=True),
        _column("result", postgresql.JSONB()), _column("done_at", AT, null=True),
        _check(name, "status", "status IN ('pending', 'moved', 'kept', 'refused')"),
        _check(name, "done", "(status = 'pending') = (done_at IS NULL)"),
        _check(name, "moved", "(status = 'moved') = (seq IS NOT NULL)"),
        _check(name, "moved_to", "status <> 'moved' OR (to_workflow IS NOT NULL AND to_state IS NOT NULL)"),
        _to(name, "migration_id", "case_migration"), _to(name, "case_id", "case"),
        _to(name, "from_version_id", "measure_version"), _to(name, "from_workflow", "workflow"),
        _to(name, "to_workflow", "workflow"),
        sa.PrimaryKeyConstraint("migration_id", "case_id", name=op.f(f"pk_{name}")),
    )  # fmt: skip
    op.create_index("uq_case_migration_item_pending", name, ["case_id"], unique=True,
                    postgresql_where="status = 'pending'")  # fmt: skip
    op.create_index("ix_case_migration_item_case", name, ["case_id"])


def _changes() -> None:
    name = "policy_change"
    op.create_table(
        name,
        *_id(), _column("policy_id", BIG()), _column("kind", TEXT()), _column("policy_version_id", BIG()),
        _column("new_version_id", BIG(), null=True), _column("replaced_by_id", BIG(), null=True),
        _column("reason", TEXT()), _column("document_no", TEXT()), _column("changed_by", BIG()),
        _column("changed_at", AT), _column("lifted_at", AT, null=True),
        _check(name, "kind", "kind IN ('amended', 'suspended', 'resumed', 'repealed', 'replaced')"),
        _check(name, "says_what", "(kind = 'amended') = (new_version_id IS NOT NULL)"
               " AND (kind = 'replaced') = (replaced_by_id IS NOT NULL)"),
        _check(name, "other_policy", "replaced_by_id <> policy_id"),
        _check(name, "lifted", "kind = 'suspended' OR lifted_at IS NULL"),
        _check(name, "sourced", "btrim(reason) <> '' AND btrim(document_no) <> ''"),
        _to(name, "policy_id", "policy"), _to(name, "policy_version_id", "policy_version"),
        _to(name, "new_version_id", "policy_version"), _to(name, "replaced_by_id", "policy"),
        _to(name, "changed_by", "person"),
        sa.UniqueConstraint("new_version_id", name="uq_policy_change_new_version"), *_keys(name),
    )  # fmt: skip
    op.create_index("ix_policy_change_policy", name, ["policy_id", "id"])
    name = "impact"
    op.create_table(
        name,
        _column("change_id", BIG(), autoincrement=False), _column("case_id", BIG(), autoincrement=False),
        _column("policy_version_id", BIG()), _column("state", TEXT()), _column("decision", TEXT(), null=True),
        _column("reason", TEXT(), null=True), _column("decided_by", BIG(), null=True),
        _column("decided_at", AT, null=True), _column("seq", INT(), null=True),
        _check(name, "decision", "decision IN ('keep', 're_evaluate', 'terminate')"),
        _check(name, "in_full", "num_nulls(decision, reason, decided_by, decided_at, seq) IN (0, 5)"),
        _check(name, "reasoned", "btrim(reason) <> ''"),
        _to(name, "change_id", "policy_change"), _to(name, "case_id", "case"),
        _to(name, "policy_version_id", "policy_version"), _to(name, "decided_by", "person"),
        sa.PrimaryKeyConstraint("change_id", "case_id", name=op.f(f"pk_{name}")),
    )  # fmt: skip
    op.create_index("ix_impact_case", name, ["case_id"])


def downgrade() -> None:
    for trigger, _ in ON_OTHERS:
        name, _, rest = trigger.removeprefix("TRIGGER ").partition(" ")
        op.execute(f"DROP TRIGGER {name} ON {rest.split(' ON ')[1].split()[0]}")
    for table in ("impact", "policy_change", "case_migration_item", "case_migration", "publication"):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    op.execute("UPDATE policy_version SET status = 'in_force' WHERE status = 'suspended'")
    op.execute("UPDATE policy_version SET status = 'repealed' WHERE status = 'replaced'")
    _constrain_statuses(BEFORE)
    op.drop_column("policy_version", "supersedes_id")
