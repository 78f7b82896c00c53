"""Checks of applicants with their evidence; nothing is paid without a valid credit check."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, INT, AT = sa.BigInteger, sa.Text, sa.Integer, sa.DateTime(timezone=True)
ON = "(queried_at AT TIME ZONE 'Asia/Shanghai')::date"
POINT = "point IN ('acceptance', 'publicity', 'payment')"

FUNCTIONS = {
    # 手册 §11.3 (3): no order and no payment without a valid credit check, and none against a valid
    # veto of any kind. The latest check of a kind before the instant decides.
    "payment_is_checked": """
        DECLARE
            instant timestamptz := CASE WHEN TG_OP = 'INSERT' THEN NEW.ordered_at ELSE NEW.paid_at END;
            today date := (instant AT TIME ZONE 'Asia/Shanghai')::date;
            has_credit boolean := false;
            latest record;
            why text;
        BEGIN
            FOR latest IN SELECT DISTINCT ON (k.kind) k.kind, k.result, k.valid_until FROM "check" k
                JOIN "case" c ON c.id = NEW.case_id AND c.applicant_id = k.subject_id
                WHERE k.queried_at <= instant AND (k.matter_id IS NULL OR k.matter_id = c.id)
                ORDER BY k.kind, k.queried_at DESC, k.id DESC
            LOOP
                CONTINUE WHEN latest.valid_until < today;
                IF latest.result = 'veto' THEN
                    why := format('核查（%s）为否决，有效至 %s', latest.kind, latest.valid_until);
                END IF;
                has_credit := has_credit OR latest.kind = 'credit';
            END LOOP;
            IF why IS NULL AND NOT has_credit THEN
                why := '没有当日有效的信用审查';
            END IF;
            IF why IS NOT NULL THEN
                RAISE EXCEPTION '不得拨付：%', why
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_checked';
            END IF;
            RETURN NEW;
        END""",
}
TRIGGERS = (
    ("payment_standing", "BEFORE INSERT ON payment FOR EACH ROW", "payment_is_checked"),
    (
        "payment_standing_paid",
        "BEFORE UPDATE OF status ON payment FOR EACH ROW"
        " WHEN (NEW.status = 'paid' AND OLD.status <> 'paid')",
        "payment_is_checked",
    ),
    *(
        (f"{table}_{what}", f'BEFORE {event} ON "{table}"{rows}', "refuse_change")
        for table in ("check", "check_use")
        for what, event, rows in (
            ("unchanging", "UPDATE OR DELETE", " FOR EACH ROW"), ("no_truncate", "TRUNCATE", ""),
        )
    ),
)  # fmt: skip


def _column(name: str, kind: object, *, null: bool = False, **said: object) -> sa.Column:
    return sa.Column(name, kind, nullable=null, **said)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    op.create_table(
        "check",
        _column("id", BIG(), server_default=sa.text("nextval('entity_id')")),
        _column("public_id", sa.String(32)), _column("subject_id", BIG()),
        _column("kind", TEXT()), _column("result", TEXT()), _column("source", TEXT()),
        _column("query_id", TEXT(), null=True), _column("queried_at", AT),
        _column("valid_until", sa.Date()), _column("operator_id", BIG()), _column("recorded_at", AT),
        _column("matter_id", BIG(), null=True), _column("case_id", BIG(), null=True),
        _column("point", TEXT(), null=True), _column("note", TEXT()), _column("sha256", TEXT()),
        _column("file_name", TEXT()), _column("media_type", TEXT()), _column("size", BIG()),
        _column("seq", INT()),
        _check("check", "kind", "kind IN ('credit', 'territory', 'safety', 'environment', 'quality',"
               " 'existence', 'related_party', 'first_time', 'duplicates')"),
        _check("check", "result", "result IN ('pass', 'reduce', 'flag', 'veto')"),
        _check("check", "point", POINT), _check("check", "asked_before", "queried_at <= recorded_at"),
        _check("check", "validity", f"valid_until >= {ON} AND valid_until <= {ON} + 366"),
        _check("check", "scope", "(kind IN ('related_party', 'first_time', 'duplicates'))"
               " = (matter_id IS NOT NULL)"),
        _check("check", "matter", "matter_id IS NULL OR matter_id = case_id"),
        _check("check", "snapshot", "sha256 ~ '^[0-9a-f]{64}$' AND size > 0"),
        _to("check", "subject_id", "organisation"), _to("check", "operator_id", "person"),
        _to("check", "matter_id", "case"), _to("check", "case_id", "case"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check")),
        sa.UniqueConstraint("public_id", name=op.f("uq_check_public_id")),
        sa.UniqueConstraint("source", "query_id", name="uq_check_query"),
    )  # fmt: skip
    op.create_index("ix_check_latest", "check", ["subject_id", "kind", "queried_at", "id"])
    op.create_index("ix_check_case_id", "check", ["case_id"])
    op.create_table(
        "check_use",
        _column("case_id", BIG(), autoincrement=False), _column("seq", INT(), autoincrement=False),
        _column("check_id", BIG(), autoincrement=False), _column("point", TEXT()),
        _check("check_use", "point", POINT),
        _to("check_use", "case_id", "case"), _to("check_use", "check_id", "check"),
        sa.PrimaryKeyConstraint("case_id", "seq", "check_id", name=op.f("pk_check_use")),
    )  # fmt: skip
    op.create_index("ix_check_use_check_id", "check_use", ["check_id"])
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(f'GRANT SELECT, INSERT ON "check", check_use TO {PROGRAM}')


def downgrade() -> None:
    for name in ("payment_standing", "payment_standing_paid"):
        op.execute(f"DROP TRIGGER {name} ON payment")
    op.drop_table("check_use")
    op.drop_table("check")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
