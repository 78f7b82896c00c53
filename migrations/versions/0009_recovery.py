"""Recovery (追缴): what is decided and received, never more than was paid; bars from applying."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
GROUNDS = (
    "'false_material', 'misuse', 'overpaid', 'duplicate', 'failed_acceptance', 'title_revoked',"
    " 'breach', 'talent_left', 'project_moved', 'audit_finding'"
)

FUNCTIONS = {
    # A recovery is a child case of the one that it is about, and that one was paid.
    "recovery_is_of_a_paid_case": f"""
        BEGIN
            IF NOT EXISTS (
                SELECT FROM "case" c JOIN "case" paid ON paid.id = c.parent_id
                WHERE c.id = NEW.id AND c.child_kind = 'recovery' AND paid.id = NEW.case_id
                  AND paid.paid_fen > paid.recovered_fen AND NEW.decided_fen IS NULL
            ) THEN
                RAISE EXCEPTION 'recovery % is not of a case that was paid', NEW.id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # Decided once, never above what was paid and has not come back; the rest is as it was opened.
    "recovery_is_decided_once": f"""
        DECLARE
            open_fen bigint;
        BEGIN
            IF (NEW.id, NEW.case_id, NEW.ground, NEW.evidence, NEW.legal_review_no, NEW.opened_by, NEW.opened_at)
               IS DISTINCT FROM
               (OLD.id, OLD.case_id, OLD.ground, OLD.evidence, OLD.legal_review_no, OLD.opened_by, OLD.opened_at)
               OR (OLD.decided_fen IS NOT NULL AND
                   (NEW.decided_fen, NEW.document_no, NEW.decided_by, NEW.decided_at, NEW.interest_fen,
                    NEW.interest_basis, NEW.offset_allowed, NEW.offset_words) IS DISTINCT FROM
                   (OLD.decided_fen, OLD.document_no, OLD.decided_by, OLD.decided_at, OLD.interest_fen,
                    OLD.interest_basis, OLD.offset_allowed, OLD.offset_words))
               OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at) THEN
                RAISE EXCEPTION 'recovery % is fixed', OLD.id {REFUSED};
            END IF;
            IF NEW.decided_fen IS NOT NULL AND OLD.decided_fen IS NULL THEN
                SELECT paid_fen - recovered_fen INTO open_fen FROM "case" WHERE id = NEW.case_id
                    FOR NO KEY UPDATE;
                IF NEW.decided_fen > open_fen THEN
                    RAISE EXCEPTION 'recovery % of % fen exceeds the % fen that were paid and are not back',
                        NEW.id, NEW.decided_fen, open_fen {REFUSED};
                END IF;
            END IF;
            IF NEW.received_fen <> OLD.received_fen AND NEW.received_fen IS DISTINCT FROM
               (SELECT sum(fen) FROM recovery_receipt WHERE recovery_id = NEW.id) THEN
                RAISE EXCEPTION 'recovery %: received is the sum of its receipts', NEW.id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    # By the event that says so, under the paid case's lock: its receipts, by case, by recovery and by share, never above what was paid.
    "receipt_is_counted": f"""
        DECLARE
            share_paid bigint;
            share_back bigint;
        BEGIN
            IF NOT EXISTS (SELECT FROM event WHERE stream = NEW.recovery_id AND seq = NEW.seq
                           AND name = 'record_receipt') THEN
                RAISE EXCEPTION 'recovery %: no receipt without the event that says so', NEW.recovery_id {REFUSED};
            END IF;
            PERFORM FROM "case" WHERE id = NEW.case_id FOR NO KEY UPDATE;
            SELECT coalesce(sum(fen), 0) INTO share_paid FROM payment
                WHERE case_id = NEW.case_id AND share = NEW.share AND status = 'paid';
            SELECT sum(fen) INTO share_back FROM recovery_receipt
                WHERE case_id = NEW.case_id AND share = NEW.share;
            IF share_back > share_paid THEN
                RAISE EXCEPTION 'receipts of the % share of case % exceed what it has paid', NEW.share, NEW.case_id
                    {REFUSED};
            END IF;
            UPDATE "case" SET recovered_fen =
                (SELECT sum(fen) FROM recovery_receipt WHERE case_id = NEW.case_id) WHERE id = NEW.case_id;
            UPDATE recovery SET received_fen =
                (SELECT sum(fen) FROM recovery_receipt WHERE recovery_id = NEW.recovery_id)
                WHERE id = NEW.recovery_id;
            RETURN NULL;
        END""",
    "recovered_is_counted": f"""
        BEGIN
            IF NEW.recovered_fen IS DISTINCT FROM
               (SELECT coalesce(sum(fen), 0) FROM recovery_receipt WHERE case_id = NEW.id) THEN
                RAISE EXCEPTION 'case %: recovered is the sum of its receipts', NEW.id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    # What stopped payments while a recovery ran is lifted by the event that ends it, and by nothing else.
    "recovery_ends_its_hold": """
        BEGIN
            UPDATE hold SET lifted_at = NEW.ended_at,
                lifted_by = (SELECT actor_id FROM event WHERE stream = NEW.id AND seq = NEW.head_seq)
            WHERE case_id = NEW.parent_id AND kind = 'clawback_open' AND lifted_at IS NULL;
            RETURN NULL;
        END""",
    "clawback_holds_while_open": f"""
        BEGIN
            IF EXISTS (SELECT FROM "case" WHERE parent_id = NEW.case_id AND child_kind = 'recovery'
                       AND outcome IS NULL) THEN
                RAISE EXCEPTION '追缴尚未办结，clawback_open 随追缴办结解除' {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    "bar_is_fixed": f"""
        BEGIN
            IF OLD.lifted_at IS NOT NULL OR
               (NEW.recovery_id, NEW.organisation_id, NEW.from_on, NEW.to_on, NEW.years, NEW.basis,
                NEW.credit_entry, NEW.placed_by, NEW.placed_at) IS DISTINCT FROM
               (OLD.recovery_id, OLD.organisation_id, OLD.from_on, OLD.to_on, OLD.years, OLD.basis,
                OLD.credit_entry, OLD.placed_by, OLD.placed_at) THEN
                RAISE EXCEPTION 'bar of recovery % is fixed; it can be lifted once', OLD.recovery_id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    # The first and the last day are barred, the day after is not; days of Asia/Shanghai.
    "barred_does_not_submit": f"""
        DECLARE
            today date := (NEW.submitted_at AT TIME ZONE 'Asia/Shanghai')::date;
        BEGIN
            IF EXISTS (SELECT FROM bar WHERE organisation_id = NEW.applicant_id AND lifted_at IS NULL
                       AND today BETWEEN from_on AND to_on) THEN
                RAISE EXCEPTION 'organisation % is barred on %: case % takes no submission', NEW.applicant_id,
                    today, NEW.id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "barred_is_not_paid": f"""
        DECLARE
            today date := (NEW.ordered_at AT TIME ZONE 'Asia/Shanghai')::date;
        BEGIN
            IF EXISTS (SELECT FROM bar JOIN "case" c ON c.applicant_id = bar.organisation_id
                       WHERE c.id = NEW.case_id AND bar.lifted_at IS NULL
                         AND today BETWEEN bar.from_on AND bar.to_on) THEN
                RAISE EXCEPTION 'the applicant of case % is barred on %: no payment order', NEW.case_id, today
                    {REFUSED};
            END IF;
            RETURN NULL;
        END""",
}

TRIGGERS = (
    ("recovery_opened", "AFTER INSERT ON recovery FOR EACH ROW", "recovery_is_of_a_paid_case"),
    ("recovery_fixed", "BEFORE UPDATE ON recovery FOR EACH ROW", "recovery_is_decided_once"),
    ("recovery_undeletable", "BEFORE DELETE ON recovery FOR EACH ROW", "refuse_change"),
    ("recovery_receipt_counted", "AFTER INSERT ON recovery_receipt FOR EACH ROW", "receipt_is_counted"),
    ("recovery_receipt_append_only", "BEFORE UPDATE OR DELETE ON recovery_receipt FOR EACH ROW", "refuse_change"),
    ("recovery_receipt_no_truncate", "BEFORE TRUNCATE ON recovery_receipt", "refuse_change"),
    ("case_recovered", 'BEFORE UPDATE ON "case" FOR EACH ROW WHEN ('
     "NEW.recovered_fen <> OLD.recovered_fen)", "recovered_is_counted"),
    ("case_recovery_ended", 'AFTER UPDATE ON "case" FOR EACH ROW WHEN ('
     "NEW.child_kind = 'recovery' AND OLD.outcome IS NULL AND NEW.outcome IS NOT NULL)", "recovery_ends_its_hold"),
    ("hold_of_recovery", "BEFORE UPDATE ON hold FOR EACH ROW WHEN ("
     "NEW.kind = 'clawback_open' AND OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL)",
     "clawback_holds_while_open"),
    ("bar_fixed", "BEFORE UPDATE ON bar FOR EACH ROW", "bar_is_fixed"),
    ("bar_undeletable", "BEFORE DELETE ON bar FOR EACH ROW", "refuse_change"),
    ("case_barred", 'AFTER UPDATE ON "case" FOR EACH ROW WHEN (NEW.child_kind IS DISTINCT FROM \'recovery\''
     " AND NEW.submitted_at IS DISTINCT FROM OLD.submitted_at)", "barred_does_not_submit"),
    ("case_opened_barred", 'AFTER INSERT ON "case" FOR EACH ROW WHEN ('
     "NEW.child_kind IS DISTINCT FROM 'recovery' AND NEW.submitted_at IS NOT NULL)", "barred_does_not_submit"),
    ("payment_barred", "AFTER INSERT ON payment FOR EACH ROW", "barred_is_not_paid"),
)  # fmt: skip

GRANTS = f"""
    GRANT SELECT, INSERT ON recovery, recovery_receipt, bar TO {PROGRAM};
    GRANT UPDATE (decided_fen, document_no, decided_by, decided_at, interest_fen, interest_basis, offset_allowed,
        offset_words, withdrawn_at, received_fen) ON recovery TO {PROGRAM};
    GRANT UPDATE (lifted_by, lifted_at, lift_reason) ON bar TO {PROGRAM};
"""


def upgrade() -> None:
    op.add_column("case", sa.Column("recovered_fen", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_case_recovered_within_paid"), "case", "recovered_fen BETWEEN 0 AND paid_fen")
    op.create_index(
        "uq_case_open_recovery", "case", ["parent_id"], unique=True,
        postgresql_where=sa.text("child_kind = 'recovery' AND outcome IS NULL"),
    )  # fmt: skip
    _create_recovery()
    _create_receipt()
    _create_bar()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)


def _create_recovery() -> None:
    op.create_table(
        "recovery",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("legal_review_no", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_fen", sa.BigInteger(), nullable=True),
        sa.Column("document_no", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interest_fen", sa.BigInteger(), nullable=True),
        sa.Column("interest_basis", sa.Text(), nullable=True),
        sa.Column("offset_allowed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("offset_words", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("id <> case_id", name=op.f("ck_recovery_itself")),
        sa.CheckConstraint(f"ground IN ({GROUNDS})", name=op.f("ck_recovery_ground")),
        sa.CheckConstraint("length(trim(evidence)) > 0", name=op.f("ck_recovery_evidence")),
        sa.CheckConstraint(
            "ground <> 'project_moved' OR legal_review_no IS NOT NULL", name=op.f("ck_recovery_legal_review")
        ),
        sa.CheckConstraint("decided_fen > 0", name=op.f("ck_recovery_decided")),
        sa.CheckConstraint(
            "num_nulls(decided_fen, document_no, decided_by, decided_at) IN (0, 4)",
            name=op.f("ck_recovery_decided_by_document"),
        ),
        sa.CheckConstraint(
            "(interest_fen IS NULL) = (interest_basis IS NULL) AND coalesce(interest_fen, 0) >= 0",
            name=op.f("ck_recovery_interest"),
        ),
        sa.CheckConstraint("offset_allowed = (offset_words IS NOT NULL)", name=op.f("ck_recovery_offset")),
        sa.CheckConstraint(
            "received_fen BETWEEN 0 AND coalesce(decided_fen, 0)", name=op.f("ck_recovery_received_within_decided")
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR (decided_at IS NOT NULL AND received_fen = 0)",
            name=op.f("ck_recovery_withdrawn"),
        ),
        sa.ForeignKeyConstraint(["id"], ["case.id"], name=op.f("fk_recovery_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_recovery_case_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_recovery_opened_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_recovery_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery")),
        sa.UniqueConstraint("id", "case_id", name="uq_recovery_of_case"),
    )
    op.create_index("ix_recovery_case_id", "recovery", ["case_id"])


def _create_receipt() -> None:
    op.create_table(
        "recovery_receipt",
        sa.Column("recovery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("voucher_no", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fen >= 0", name=op.f("ck_recovery_receipt_fen")),
        sa.CheckConstraint("share IN ('city', 'district')", name=op.f("ck_recovery_receipt_share")),
        sa.CheckConstraint(
            "received_on <= (recorded_at AT TIME ZONE 'Asia/Shanghai')::date",
            name=op.f("ck_recovery_receipt_received"),
        ),
        sa.ForeignKeyConstraint(
            ["recovery_id", "case_id"], ["recovery.id", "recovery.case_id"], name="fk_recovery_receipt_recovery"
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_recovery_receipt_recorded_by")),
        sa.PrimaryKeyConstraint("recovery_id", "seq", "share", name=op.f("pk_recovery_receipt")),
        sa.UniqueConstraint("voucher_no", "share", name="uq_recovery_receipt_voucher"),
    )
    op.create_index("ix_recovery_receipt_case_id", "recovery_receipt", ["case_id"])


def _create_bar() -> None:
    op.create_table(
        "bar",
        sa.Column("recovery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("credit_entry", sa.Text(), nullable=True),
        sa.Column("placed_by", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("to_on > from_on", name=op.f("ck_bar_period")),
        sa.CheckConstraint("years BETWEEN 1 AND 10", name=op.f("ck_bar_years")),
        sa.CheckConstraint("length(trim(basis)) > 0", name=op.f("ck_bar_basis")),
        sa.CheckConstraint(
            "num_nulls(lifted_by, lifted_at, lift_reason) IN (0, 3)", name=op.f("ck_bar_lifted")
        ),
        sa.ForeignKeyConstraint(["recovery_id"], ["recovery.id"], name=op.f("fk_bar_recovery_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_bar_organisation_id")),
        sa.ForeignKeyConstraint(["placed_by"], ["person.id"], name=op.f("fk_bar_placed_by")),
        sa.ForeignKeyConstraint(["lifted_by"], ["person.id"], name=op.f("fk_bar_lifted_by")),
        sa.PrimaryKeyConstraint("recovery_id", name=op.f("pk_bar")),
    )
    op.create_index(
        "ix_bar_standing", "bar", ["organisation_id", "to_on"], postgresql_where=sa.text("lifted_at IS NULL")
    )


def downgrade() -> None:
    for name, when, _ in TRIGGERS:
        table = when.partition(" ON ")[2].split()[0]
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    for table in ("bar", "recovery_receipt", "recovery"):
        op.drop_table(table)
    op.drop_index("uq_case_open_recovery", table_name="case")
    op.drop_constraint(op.f("ck_case_recovered_within_paid"), "case")
    op.drop_column("case", "recovered_fen")
