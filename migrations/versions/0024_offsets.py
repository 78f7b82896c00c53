"""A payment set off against a recovery whose decision allows it: gross, offset and net of an order."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
SETTLED = "CASE WHEN {row}status = 'paid' THEN {row}fen ELSE {row}offset_fen END"
PAID = "CASE WHEN {row}status = 'paid' THEN {row}fen ELSE 0 END"

# What the payee has had of an order: all of a paid one, else what was set off.
COUNTED = """
    DECLARE
        change bigint := {new};
    BEGIN
        IF TG_OP = 'UPDATE' THEN change := change - ({old}); END IF;
        IF change <> 0 THEN
            UPDATE "case" SET paid_fen = paid_fen + change WHERE id = NEW.case_id;
        END IF;
        RETURN NULL;
    END"""
# What an order says is fixed when it is made; one that came back may take another account.
# An offset is the sum of its rows, made while the order waits; what was wholly set off never comes back.
FIXED = """
    BEGIN
        IF (NEW.case_id, NEW.instalment, NEW.share, NEW.fen, NEW.ordered_at, NEW.payee_id, NEW.document_no)
           IS DISTINCT FROM
           (OLD.case_id, OLD.instalment, OLD.share, OLD.fen, OLD.ordered_at, OLD.payee_id, OLD.document_no)
           OR ((NEW.account_holder, NEW.account_bank, NEW.account_number) IS DISTINCT FROM
               (OLD.account_holder, OLD.account_bank, OLD.account_number) AND OLD.status <> 'returned')
           {offset}
           OR (OLD.status, NEW.status) NOT IN
              (('ordered', 'paid'), ('ordered', 'returned'), ('paid', 'returned'), ('returned', 'paid'),
               ('returned', 'returned'){waits}) THEN
            RAISE EXCEPTION 'payment % of case %: % -> % refused', OLD.instalment, OLD.case_id,
                OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END"""
OFFSET_FIXED = """
           OR (NEW.offset_fen <> OLD.offset_fen AND (OLD.status <> 'ordered' OR NEW.offset_fen IS DISTINCT FROM
               (SELECT sum(fen) FROM payment_offset
                 WHERE (case_id, instalment, share) = (NEW.case_id, NEW.instalment, NEW.share))))
           OR (NEW.status = OLD.status AND NEW.status = 'ordered' AND NEW.offset_fen = OLD.offset_fen)
           OR (NEW.status = 'returned' AND NEW.offset_fen = NEW.fen)"""
# By the event that says so, under the paid case's lock: its receipts, by case, by recovery and by share, never above what was paid.
RECEIVED = """
    DECLARE
        share_paid bigint;
        share_back bigint;
    BEGIN
        IF NOT EXISTS (SELECT FROM event WHERE stream = NEW.recovery_id AND seq = NEW.seq
                       AND name IN ({events})) THEN
            RAISE EXCEPTION 'recovery %: no receipt without the event that says so', NEW.recovery_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        PERFORM FROM "case" WHERE id = NEW.case_id FOR NO KEY UPDATE;
        SELECT coalesce(sum({settled}), 0) INTO share_paid FROM payment
            WHERE case_id = NEW.case_id AND share = NEW.share;
        SELECT sum(fen) INTO share_back FROM recovery_receipt
            WHERE case_id = NEW.case_id AND share = NEW.share;
        IF share_back > share_paid THEN
            RAISE EXCEPTION 'receipts of the % share of case % exceed what it has paid', NEW.share, NEW.case_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        UPDATE "case" SET recovered_fen =
            (SELECT sum(fen) FROM recovery_receipt WHERE case_id = NEW.case_id) WHERE id = NEW.case_id;
        UPDATE recovery SET received_fen =
            (SELECT sum(fen) FROM recovery_receipt WHERE recovery_id = NEW.recovery_id)
            WHERE id = NEW.recovery_id;
        RETURN NULL;
    END"""
# Orders of a share are what the ledger has released and paid for it, and what was paid is what it has paid.
FOLLOWED = """
    DECLARE
        posted bigint;
        ordered bigint;
        {declared}
    BEGIN
        IF NEW.case_id IS NULL THEN RETURN NULL; END IF;
        SELECT coalesce(sum(fen), 0){summed} INTO ordered{paid} FROM payment
        WHERE case_id = NEW.case_id AND share = NEW.share;
        SELECT coalesce(sum(CASE WHEN target IN ('released', 'paid', 'recovered') THEN fen ELSE 0 END)
            - sum(CASE WHEN source IN ('released', 'paid', 'recovered') THEN fen ELSE 0 END), 0){moved}
        INTO posted{posted_paid} FROM ledger_entry WHERE case_id = NEW.case_id AND share = NEW.share;
        IF ordered <> posted THEN
            RAISE EXCEPTION 'case %: orders of the share % come to % fen, the ledger says %',
                NEW.case_id, NEW.share, ordered, posted
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        {refused}
        RETURN NULL;
    END"""
PAID_TOO = {
    "declared": "posted_paid bigint;\n        paid bigint;",
    "summed": f", coalesce(sum({SETTLED.format(row='')}), 0)",
    "paid": ", paid",
    "moved": """,
            coalesce(sum(CASE WHEN target IN ('paid', 'recovered') THEN fen ELSE 0 END)
            - sum(CASE WHEN source IN ('paid', 'recovered') THEN fen ELSE 0 END), 0)""",
    "posted_paid": ", posted_paid",
    "refused": f"""IF paid <> posted_paid THEN
            RAISE EXCEPTION 'case %: paid and set off of the share % come to % fen, the ledger says %',
                NEW.case_id, NEW.share, paid, posted_paid {REFUSED};
        END IF;""",
}
DEFINER = {"payment_is_fixed": "SECURITY DEFINER", "payments_follow_ledger": "SECURITY DEFINER"}


def _bodies(row: str, events: str, *, offset: str = "", waits: str = "", **followed: str) -> dict[str, str]:
    """Return the bodies of the functions of 0002, 0004 and 0009, as they stand with or without offsets."""
    blank = dict.fromkeys(PAID_TOO, "")
    return {
        "payment_is_counted": COUNTED.format(new=row.format(row="NEW."), old=row.format(row="OLD.")),
        "payment_is_fixed": FIXED.format(offset=offset, waits=waits),
        "receipt_is_counted": RECEIVED.format(settled=row.format(row=""), events=events),
        "payments_follow_ledger": FOLLOWED.format(**{**blank, **followed}),
    }


BEFORE = _bodies(PAID, "'record_receipt'")
AFTER = _bodies(
    SETTLED, "'record_receipt', 'record_offset'", offset=OFFSET_FIXED, waits=", ('ordered', 'ordered')", **PAID_TOO
)
CHAIN = "ARRAY['applied', 'verified', 'audited', 'reviewed', 'planned', 'publicised', 'approved']"
CODES = (
    "'ineligible', 'evidence', 'audit', 'standard', 'ceiling', 'rounding', 'overlap', 'pool_short', 'credit',"
    " 'agreed', 'correction', 'decision', 'other'"
)
FUNCTIONS = {
    # 核减 without a reason: the last amount before it in the chain is higher, and nothing says why (手册§11.3 (13)).
    "cut_has_its_reason": f"""
        DECLARE
            chain text[] := {CHAIN};
            before record;
        BEGIN
            SELECT s.kind, s.fen INTO before FROM amount_step s
            WHERE s.case_id = NEW.case_id AND array_position(chain, s.kind) < array_position(chain, NEW.kind)
            ORDER BY array_position(chain, s.kind) DESC, s.seq DESC LIMIT 1;
            IF before.fen > NEW.fen AND NEW.cut_code IS NULL THEN
                RAISE EXCEPTION '核减未写明原因：% 由 % 分减为 % 分', NEW.kind, before.fen, NEW.fen
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'cut_has_its_reason';
            END IF;
            RETURN NEW;
        END""",
    "payment_begins_whole": f"""
        BEGIN
            IF NEW.offset_fen <> 0 THEN
                RAISE EXCEPTION 'payment % of case % is ordered whole: offsets have rows of their own',
                    NEW.instalment, NEW.case_id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    # 抵扣 only where the decision says so, before the treasury has the order, against its own debtor's award.
    "offset_is_allowed": f"""
        DECLARE
            claim recovery;
            bearing payment;
            debtor bigint;
            total bigint;
            why text;
        BEGIN
            SELECT * INTO claim FROM recovery WHERE id = NEW.recovery_id FOR NO KEY UPDATE;
            SELECT * INTO bearing FROM payment
                WHERE (case_id, instalment, share) = (NEW.case_id, NEW.instalment, NEW.share) FOR NO KEY UPDATE;
            SELECT applicant_id INTO debtor FROM "case" WHERE id = NEW.recovery_id;
            IF NOT EXISTS (SELECT FROM event WHERE (stream, seq, name) = (NEW.case_id, NEW.seq, 'offset_payment'))
               OR NOT EXISTS (SELECT FROM event
                   WHERE (stream, seq, name) = (NEW.recovery_id, NEW.recovery_seq, 'record_offset')) THEN
                why := '两件的办理记录中没有抵扣';
            ELSIF claim.decided_at IS NULL OR claim.withdrawn_at IS NOT NULL OR claim.decided_at > NEW.set_off_at THEN
                why := '没有有效的追回决定';
            ELSIF NOT claim.offset_allowed THEN
                why := '追回决定书没有写明可以抵扣';
            ELSIF bearing.payee_id <> debtor THEN
                why := '拨付单的收款单位不是被追缴单位';
            ELSIF bearing.status <> 'ordered' THEN
                why := '拨付单已经支付或者退回';
            ELSIF EXISTS (SELECT FROM hold WHERE case_id = NEW.case_id AND lifted_at IS NULL) THEN
                why := '存在暂停拨付的情形';
            END IF;
            IF why IS NOT NULL THEN
                RAISE EXCEPTION '不得抵扣：%', why
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'offset_conditions';
            END IF;
            SELECT sum(fen) INTO total FROM payment_offset
                WHERE (case_id, instalment, share) = (NEW.case_id, NEW.instalment, NEW.share);
            UPDATE payment SET offset_fen = total,
                status = CASE WHEN total = fen THEN 'paid' ELSE status END,
                paid_at = CASE WHEN total = fen THEN NEW.set_off_at END,
                voucher_no = CASE WHEN total = fen THEN NEW.voucher_no END
            WHERE (case_id, instalment, share) = (NEW.case_id, NEW.instalment, NEW.share);
            RETURN NULL;
        END""",
    # Money that came back makes room again under the ceilings that say so, and under no other.
    "receipt_frees_ceilings": """
        BEGIN
            UPDATE cap_use u SET fen = greatest(u.fen - NEW.fen, 0),
                times = CASE WHEN u.fen > NEW.fen THEN u.times ELSE 0 END,
                state = CASE WHEN u.fen > NEW.fen THEN u.state ELSE 'released' END
            FROM cap k WHERE k.key = u.cap_key AND k.freed_by_recovery AND u.state = 'final'
                AND u.case_id = NEW.case_id AND NEW.fen > 0;
            RETURN NULL;
        END""",
    # Shares of a commitment are split by its running total: under the parent's lock, what the split rests on.
    "split_rests_on_siblings": """
        DECLARE
            parent bigint;
            others bigint;
        BEGIN
            SELECT parent_id INTO parent FROM "case" WHERE id = NEW.case_id;
            PERFORM FROM "case" WHERE id = parent FOR NO KEY UPDATE;
            SELECT coalesce(sum(p.fen), 0) INTO others FROM "case" k JOIN payment p ON p.case_id = k.id
            WHERE k.parent_id = parent AND k.id <> NEW.case_id;
            IF others <> NEW.siblings_fen THEN
                RAISE EXCEPTION '同一承诺的其他子办件已下达 % 分，不是 % 分，市区分担须重新计算', others, NEW.siblings_fen
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'siblings_ordered';
            END IF;
            RETURN NEW;
        END""",
    # 拨投股: what the trustee has passed on is in the pool's register; a payment order does not take it back.
    "pool_keeps_what_it_has": """
        BEGIN
            IF EXISTS (SELECT FROM equity_position WHERE case_id = NEW.id AND pooled_fen > NEW.paid_fen) THEN
                RAISE EXCEPTION '资金已由受托机构转入企业并记入资金池，不能按拨付退票，须由企业返还'
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'pool_keeps_what_it_has';
            END IF;
            RETURN NULL;
        END""",
    # What was set off is what the recovery received by that event, no fen more or less.
    "offset_is_received": f"""
        DECLARE
            claim bigint := NEW.recovery_id;
            event_seq int := coalesce(to_jsonb(NEW) ->> 'recovery_seq', to_jsonb(NEW) ->> 'seq');
            set_off bigint;
            received bigint;
        BEGIN
            SELECT coalesce(sum(fen), 0) INTO set_off FROM payment_offset
                WHERE (recovery_id, recovery_seq) = (claim, event_seq);
            IF set_off = 0 AND NOT EXISTS (SELECT FROM event
                WHERE (stream, seq, name) = (claim, event_seq, 'record_offset')) THEN
                RETURN NULL;
            END IF;
            SELECT coalesce(sum(fen), 0) INTO received FROM recovery_receipt
                WHERE (recovery_id, seq) = (claim, event_seq);
            IF set_off <> received THEN
                RAISE EXCEPTION 'recovery %: % fen were set off, % received', claim, set_off, received {REFUSED};
            END IF;
            RETURN NULL;
        END""",
}
TRIGGERS = (
    ("case_paid_into_pool", 'AFTER UPDATE ON "case" FOR EACH ROW WHEN (NEW.paid_fen < OLD.paid_fen)',
     "pool_keeps_what_it_has"),
    ("payment_of_sibling", "BEFORE INSERT ON payment FOR EACH ROW WHEN (NEW.siblings_fen IS NOT NULL)",
     "split_rests_on_siblings"),
    ("recovery_receipt_frees", "AFTER INSERT ON recovery_receipt FOR EACH ROW", "receipt_frees_ceilings"),
    ("amount_step_explained", "BEFORE INSERT ON amount_step FOR EACH ROW", "cut_has_its_reason"),
    ("payment_whole", "BEFORE INSERT ON payment FOR EACH ROW", "payment_begins_whole"),
    ("payment_offset_allowed", "AFTER INSERT ON payment_offset FOR EACH ROW", "offset_is_allowed"),
    ("payment_offset_append_only", "BEFORE UPDATE OR DELETE ON payment_offset FOR EACH ROW", "refuse_change"),
    ("payment_offset_no_truncate", "BEFORE TRUNCATE ON payment_offset", "refuse_change"),
)
CHECKED_AT_COMMIT = (
    ("payment_offset_received", "payment_offset", "offset_is_received"),
    ("recovery_receipt_of_offset", "recovery_receipt", "offset_is_received"),
)


def upgrade() -> None:
    op.add_column("payment", sa.Column("offset_fen", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_payment_offset"), "payment", "offset_fen BETWEEN 0 AND fen")
    op.add_column("payment", sa.Column("siblings_fen", sa.BigInteger(), nullable=True))
    _create_offset()
    op.add_column("cap", sa.Column("freed_by_recovery", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("amount_step", sa.Column("cut_code", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_amount_step_cut_code"), "amount_step", f"cut_code IN ({CODES})")
    op.create_check_constraint(
        op.f("ck_amount_step_cut_in_words"), "amount_step",
        "cut_code IS NULL OR length(trim(coalesce(reason, ''))) > 0",
    )  # fmt: skip
    for name, body in (AFTER | FUNCTIONS).items():
        _function(name, body)
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    for name, table, function in CHECKED_AT_COMMIT:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    op.execute(f"GRANT SELECT, INSERT ON payment_offset TO {PROGRAM}")
    for verb in ("INSERT", "UPDATE"):
        op.execute(f"GRANT {verb} (freed_by_recovery) ON cap TO {PROGRAM}")
    op.execute(f"GRANT UPDATE (offset_fen) ON payment TO {PROGRAM}")


def _function(name: str, body: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {DEFINER.get(name, '')}"
        f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
    )


def _create_offset() -> None:
    op.create_table(
        "payment_offset",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("instalment", sa.Integer(), nullable=False),
        sa.Column("recovery_id", sa.BigInteger(), nullable=False),
        sa.Column("recovery_seq", sa.Integer(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("voucher_no", sa.Text(), nullable=False),
        sa.Column("set_off_by", sa.BigInteger(), nullable=False),
        sa.Column("set_off_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fen > 0", name=op.f("ck_payment_offset_fen")),
        sa.CheckConstraint("case_id <> recovery_id", name=op.f("ck_payment_offset_itself")),
        sa.ForeignKeyConstraint(
            ["case_id", "instalment", "share"], ["payment.case_id", "payment.instalment", "payment.share"],
            name="fk_payment_offset_payment",
        ),
        sa.ForeignKeyConstraint(["recovery_id"], ["recovery.id"], name=op.f("fk_payment_offset_recovery_id")),
        sa.ForeignKeyConstraint(["set_off_by"], ["person.id"], name=op.f("fk_payment_offset_set_off_by")),
        sa.PrimaryKeyConstraint("case_id", "seq", "share", name=op.f("pk_payment_offset")),
    )  # fmt: skip
    op.create_index("ix_payment_offset_recovery", "payment_offset", ["recovery_id", "recovery_seq"])


def downgrade() -> None:
    for name, table, _ in CHECKED_AT_COMMIT:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name, when, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {when.partition(' ON ')[2].split()[0]}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    for name, body in BEFORE.items():
        _function(name, body)
    op.drop_table("payment_offset")
    op.drop_column("cap", "freed_by_recovery")
    for name in ("cut_code", "cut_in_words"):
        op.drop_constraint(op.f(f"ck_amount_step_{name}"), "amount_step")
    op.drop_column("amount_step", "cut_code")
    op.drop_constraint(op.f("ck_payment_offset"), "payment")
    op.drop_column("payment", "offset_fen")
    op.drop_column("payment", "siblings_fen")
