"""Indicators: who owns them, what is due, what was reported with proof and confirmed by another."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, INT, AT = sa.BigInteger, sa.Text, sa.Integer, sa.DateTime(timezone=True)
TABLES = ("policy_indicator", "indicator_due", "indicator_report", "indicator_evidence")

FUNCTIONS = {
    # Due is what it was opened as; only a calendar that is known by now may move the day.
    "indicator_due_stays": """
        BEGIN
            IF (NEW.id, NEW.policy_id, NEW.indicator, NEW.period, NEW.period_ends_on, NEW.owners,
                    NEW.lead_id, NEW.gathered_by, NEW.opened_at)
                IS DISTINCT FROM (OLD.id, OLD.policy_id, OLD.indicator, OLD.period, OLD.period_ends_on,
                    OLD.owners, OLD.lead_id, OLD.gathered_by, OLD.opened_at) OR NOT OLD.provisional THEN
                RAISE EXCEPTION 'what is due of % for % stays what it is', OLD.indicator, OLD.period
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # Reported by somebody who sits in an owner; corrected within one period, by an owner of it.
    "indicator_report_is_owned": """
        DECLARE
            due indicator_due;
        BEGIN
            SELECT * INTO due FROM indicator_due d WHERE d.id = NEW.due_id;
            IF NEW.confirmed_at IS NOT NULL THEN
                RAISE EXCEPTION 'report % begins unconfirmed', NEW.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NOT NEW.organisation_id = ANY (due.owners) OR NOT EXISTS (
                    SELECT FROM assignment a WHERE a.person_id = NEW.reported_by
                    AND a.organisation_id = NEW.organisation_id AND a.valid_from <= NEW.reported_at
                    AND (a.valid_to IS NULL OR a.valid_to > NEW.reported_at)) THEN
                RAISE EXCEPTION 'who reports % for % does not sit in an owner', due.indicator, due.period
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.supersedes_id IS NOT NULL AND NOT EXISTS (SELECT FROM indicator_report r
                    WHERE r.id = NEW.supersedes_id AND r.due_id = NEW.due_id) THEN
                RAISE EXCEPTION 'report % corrects one of another period', NEW.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # One step alone: confirmed once, by somebody of the same organisation or of the leading bureau.
    "indicator_report_is_fixed": """
        BEGIN
            IF OLD.confirmed_at IS NOT NULL OR NEW.confirmed_at IS NULL
                OR (NEW.id, NEW.public_id, NEW.due_id, NEW.policy_version_id, NEW.organisation_id, NEW.value,
                    NEW.unit, NEW.note, NEW.supersedes_id, NEW.reason, NEW.reported_by, NEW.reported_at)
                IS DISTINCT FROM (OLD.id, OLD.public_id, OLD.due_id, OLD.policy_version_id,
                    OLD.organisation_id, OLD.value, OLD.unit, OLD.note, OLD.supersedes_id, OLD.reason,
                    OLD.reported_by, OLD.reported_at) THEN
                RAISE EXCEPTION 'report % is fixed: correct it by another', OLD.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF EXISTS (SELECT FROM indicator_report r WHERE r.supersedes_id = OLD.id) THEN
                RAISE EXCEPTION 'report % was corrected by another', OLD.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NOT EXISTS (SELECT FROM assignment a JOIN indicator_due d ON d.id = OLD.due_id
                    WHERE a.person_id = NEW.confirmed_by
                    AND a.organisation_id IN (OLD.organisation_id, d.gathered_by)
                    AND a.valid_from <= NEW.confirmed_at
                    AND (a.valid_to IS NULL OR a.valid_to > NEW.confirmed_at)) THEN
                RAISE EXCEPTION 'who confirms report % sits neither in its owner nor in the lead', OLD.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # Proof is given with the report, before the event that names it.
    "indicator_evidence_is_given": """
        BEGIN
            IF EXISTS (SELECT FROM indicator_report r JOIN indicator_due d ON d.id = r.due_id
                    JOIN event e ON e.stream = d.policy_id
                    WHERE r.id = NEW.report_id AND e.name = 'indicator_reported'
                    AND e.payload->>'report' = r.public_id) THEN
                RAISE EXCEPTION 'a report that was made is given no more evidence'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # At the end of the transaction: proof is there, and the policy's stream says what happened.
    "indicator_report_is_recorded": """
        DECLARE
            policy bigint := (SELECT d.policy_id FROM indicator_due d WHERE d.id = NEW.due_id);
        BEGIN
            IF NOT EXISTS (SELECT FROM indicator_evidence v WHERE v.report_id = NEW.id) THEN
                RAISE EXCEPTION 'report % has no evidence', NEW.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NOT EXISTS (
                SELECT FROM event e WHERE e.stream = policy AND e.payload->>'report' = NEW.public_id
                AND (e.name, e.actor_id, e.at) IN (
                    ('indicator_reported', CASE WHEN TG_OP = 'INSERT' THEN NEW.reported_by END, NEW.reported_at),
                    ('indicator_confirmed', NEW.confirmed_by, NEW.confirmed_at))
            ) THEN
                RAISE EXCEPTION 'report % is not moved without the event that says so', NEW.public_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
}
TRIGGERS = (
    ("indicator_due_stays", "BEFORE UPDATE ON indicator_due FOR EACH ROW", "indicator_due_stays"),
    ("indicator_report_owned", "BEFORE INSERT ON indicator_report FOR EACH ROW", "indicator_report_is_owned"),
    ("indicator_report_fixed", "BEFORE UPDATE ON indicator_report FOR EACH ROW", "indicator_report_is_fixed"),
    ("indicator_evidence_given", "BEFORE INSERT ON indicator_evidence FOR EACH ROW", "indicator_evidence_is_given"),
    ("indicator_evidence_unchanging", "BEFORE UPDATE ON indicator_evidence FOR EACH ROW", "refuse_change"),
    ("policy_indicator_unchanging", "BEFORE UPDATE ON policy_indicator FOR EACH ROW", "refuse_change"),
    *(
        (f"{table}_{what}", f"BEFORE {event} ON {table}{rows}", "refuse_change")
        for table in TABLES
        for what, event, rows in (("undeletable", "DELETE", " FOR EACH ROW"), ("no_truncate", "TRUNCATE", ""))
    ),
)
GRANTS = f"""
    GRANT SELECT, INSERT ON {", ".join(TABLES)} TO {PROGRAM};
    GRANT UPDATE (due_on, provisional) ON indicator_due TO {PROGRAM};
    GRANT UPDATE (confirmed_by, confirmed_at) ON indicator_report TO {PROGRAM};
"""


def _column(name: str, kind: object, *, null: bool = False, **said: object) -> sa.Column:
    return sa.Column(name, kind, nullable=null, **said)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    _due()
    _reports()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(
        "CREATE CONSTRAINT TRIGGER indicator_report_recorded AFTER INSERT OR UPDATE ON indicator_report"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION indicator_report_is_recorded()"
    )
    op.execute(GRANTS)


def _due() -> None:
    op.create_table(
        "policy_indicator",
        _column("policy_version_id", BIG(), autoincrement=False), _column("indicator", TEXT()),
        _column("owners", ARRAY(BIG())), _column("gathered_by", BIG(), null=True),
        _check("policy_indicator", "owned", "cardinality(owners) > 0"),
        _to("policy_indicator", "policy_version_id", "policy_version"),
        _to("policy_indicator", "gathered_by", "organisation"),
        _key("policy_indicator", "policy_version_id", "indicator"),
    )  # fmt: skip
    op.create_table(
        "indicator_due",
        _column("id", BIG(), server_default=sa.text("nextval('entity_id')")),
        _column("policy_id", BIG()), _column("indicator", TEXT()), _column("period", TEXT()),
        _column("period_ends_on", sa.Date()), _column("owners", ARRAY(BIG())), _column("lead_id", BIG()),
        _column("gathered_by", BIG(), null=True), _column("due_on", sa.Date()),
        _column("provisional", sa.Boolean()), _column("opened_at", AT),
        _check("indicator_due", "lead_first", "lead_id = owners[1]"),
        _check("indicator_due", "after_period", "due_on > period_ends_on"),
        _to("indicator_due", "policy_id", "policy"), _to("indicator_due", "lead_id", "organisation"),
        _to("indicator_due", "gathered_by", "organisation"), _key("indicator_due", "id"),
        sa.UniqueConstraint("policy_id", "indicator", "period", "lead_id", name="uq_indicator_due"),
    )  # fmt: skip


def _reports() -> None:
    table = "indicator_report"
    op.create_table(
        table,
        _column("id", BIG(), server_default=sa.text("nextval('entity_id')")),
        _column("public_id", sa.String(length=32)), _column("due_id", BIG()),
        _column("policy_version_id", BIG()), _column("organisation_id", BIG()),
        _column("value", sa.Numeric()), _column("unit", TEXT()), _column("note", TEXT(), null=True),
        _column("supersedes_id", BIG(), null=True), _column("reason", TEXT(), null=True),
        _column("reported_by", BIG()), _column("reported_at", AT),
        _column("confirmed_by", BIG(), null=True), _column("confirmed_at", AT, null=True),
        _check(table, "value", "value >= 0 AND value < 1e15"), _check(table, "unit", "btrim(unit) <> ''"),
        _check(table, "reasoned", "(supersedes_id IS NULL) = (reason IS NULL)"),
        _check(table, "later", "supersedes_id < id"),
        _check(table, "second_person", "confirmed_by <> reported_by"),
        _check(table, "by_and_at", "(confirmed_by IS NULL) = (confirmed_at IS NULL)"),
        _check(table, "order", "confirmed_at >= reported_at"),
        _to(table, "due_id", "indicator_due"), _to(table, "policy_version_id", "policy_version"),
        _to(table, "organisation_id", "organisation"), _to(table, "supersedes_id", table),
        _to(table, "reported_by", "person"), _to(table, "confirmed_by", "person"), _key(table, "id"),
        sa.UniqueConstraint("public_id", name=op.f("uq_indicator_report_public_id")),
        sa.UniqueConstraint("supersedes_id", name="uq_indicator_report_supersedes"),
    )  # fmt: skip
    op.create_index("uq_indicator_report_first", table, ["due_id"], unique=True,
                    postgresql_where="supersedes_id IS NULL")  # fmt: skip
    op.create_index("ix_indicator_report_due", table, ["due_id", "id"])
    op.create_table(
        "indicator_evidence",
        _column("report_id", BIG(), autoincrement=False), _column("line", INT(), autoincrement=False),
        _column("sha256", TEXT()), _column("name", TEXT()), _column("media_type", TEXT()),
        _column("size", BIG()),
        _check("indicator_evidence", "line", "line >= 1"), _check("indicator_evidence", "size", "size > 0"),
        _check("indicator_evidence", "sha256", "sha256 ~ '^[0-9a-f]{64}$'"),
        sa.UniqueConstraint("report_id", "sha256", name="uq_indicator_evidence_once"),
        _to("indicator_evidence", "report_id", table), _key("indicator_evidence", "report_id", "line"),
    )  # fmt: skip


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
