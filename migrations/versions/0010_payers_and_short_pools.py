"""Who paid an order and on which day, a voucher number that pays once, what a call does when short."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
RULES = ("proportional", "rank", "rank_whole", "first_come", "first_come_whole", "carry_over")

# The payer is the treasury of the share that the case itself names; the day is the treasury's, else ours.
PAYER = """
    BEGIN
        SELECT (c.parties ->> CASE NEW.share WHEN 'city' THEN 'finance' ELSE 'district' END)::bigint
        INTO NEW.payer_id FROM "case" c WHERE c.id = NEW.case_id;
        RETURN NEW;
    END"""
PAID_ON = """
    BEGIN
        NEW.paid_on := CASE WHEN NEW.status = 'paid'
            THEN coalesce(NEW.paid_on, (NEW.paid_at AT TIME ZONE 'Asia/Shanghai')::date) END;
        RETURN NEW;
    END"""


def upgrade() -> None:
    op.add_column("call", sa.Column("short_pool", sa.Text(), nullable=True))
    op.add_column("call", sa.Column("pool_fen", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_call_short_pool"), "call", f"short_pool IN {RULES}")
    op.create_check_constraint(op.f("ck_call_pool"), "call", "pool_fen > 0")
    op.add_column("payment", sa.Column("payer_id", sa.BigInteger(), nullable=True))
    op.add_column("payment", sa.Column("paid_on", sa.Date(), nullable=True))
    _fill()
    op.alter_column("payment", "payer_id", nullable=False)
    op.create_foreign_key(op.f("fk_payment_payer_id"), "payment", "organisation", ["payer_id"], ["id"])
    op.create_check_constraint(op.f("ck_payment_paid_on"), "payment", "(status = 'paid') = (paid_on IS NOT NULL)")
    op.create_check_constraint(
        op.f("ck_payment_paid_in_time"), "payment",
        "paid_on BETWEEN (ordered_at AT TIME ZONE 'Asia/Shanghai')::date AND (paid_at AT TIME ZONE 'Asia/Shanghai')::date",
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_payment_voucher ON payment"
        " (payer_id, share, EXTRACT(year FROM paid_on), voucher_no) WHERE voucher_no IS NOT NULL"
    )
    for name, body in (("payment_payer", PAYER), ("payment_day", PAID_ON)):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public AS $body$ {body}; $body$"
        )
    op.execute("CREATE TRIGGER payment_payer BEFORE INSERT ON payment FOR EACH ROW EXECUTE FUNCTION payment_payer()")
    op.execute(
        "CREATE TRIGGER payment_day BEFORE INSERT OR UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION payment_day()"
    )
    op.execute(
        "CREATE TRIGGER payment_payer_fixed BEFORE UPDATE OF payer_id ON payment"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"GRANT UPDATE (paid_on) ON payment TO {PROGRAM}")
    op.create_index("ix_case_call", "case", ["call_id", "state"], postgresql_where="call_id IS NOT NULL")


def _fill() -> None:
    """Say of the orders that are there who pays them, past the trigger that fixes an order."""
    op.execute("ALTER TABLE payment DISABLE TRIGGER USER")
    op.execute("""
        UPDATE payment p SET
            payer_id = (c.parties ->> CASE p.share WHEN 'city' THEN 'finance' ELSE 'district' END)::bigint,
            paid_on = (p.paid_at AT TIME ZONE 'Asia/Shanghai')::date
        FROM "case" c WHERE c.id = p.case_id""")
    op.execute("ALTER TABLE payment ENABLE TRIGGER USER")


def downgrade() -> None:
    op.drop_index("ix_case_call", "case")
    for name in ("payment_payer", "payment_payer_fixed", "payment_day"):
        op.execute(f"DROP TRIGGER {name} ON payment")
    for name in ("payment_payer", "payment_day"):
        op.execute(f"DROP FUNCTION {name}()")
    for name in ("paid_on", "payer_id"):
        op.drop_column("payment", name)
    for name in ("pool_fen", "short_pool"):
        op.drop_column("call", name)
