"""Budget lines with a double-entry ledger, payment orders by share, accounts to pay to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FUNCTIONS = {
    # The line that bears a share of a case: its own, its parent's, else the nearest one of the year.
    "line_of_case": (
        "wanted_case bigint, wanted_share text, at timestamptz",
        "bigint",
        """
        DECLARE
            bearing bigint;
            wanted_year int := extract(year FROM at AT TIME ZONE 'Asia/Shanghai');
            shown record;
        BEGIN
            SELECT b.line_id INTO bearing FROM "case" c
            JOIN case_budget b ON b.case_id IN (c.id, c.parent_id) AND b.share = wanted_share
            WHERE c.id = wanted_case ORDER BY b.case_id = c.id DESC LIMIT 1;
            IF FOUND THEN RETURN bearing; END IF;
            SELECT l.id INTO bearing FROM "case" c
            JOIN measure m ON m.id = c.measure_id
            CROSS JOIN LATERAL (
                WITH RECURSIVE up AS (
                    SELECT t.id, t.parent_id, 0 AS far FROM territory t WHERE t.id = c.territory_id
                    UNION ALL
                    SELECT t.id, t.parent_id, up.far + 1 FROM territory t JOIN up ON t.id = up.parent_id
                ) SELECT id, far FROM up
            ) place
            JOIN budget_line l ON l.territory_id = place.id AND l.policy_id = m.policy_id
                AND l.year = wanted_year AND l.share = wanted_share
                AND (l.measure_id = c.measure_id OR l.measure_id IS NULL)
            WHERE c.id = wanted_case
            ORDER BY l.measure_id IS NULL, place.far LIMIT 1;
            IF NOT FOUND THEN
                SELECT c.number, m.code, t.title INTO shown FROM "case" c
                JOIN measure m ON m.id = c.measure_id JOIN territory t ON t.id = c.territory_id
                WHERE c.id = wanted_case;
                RAISE EXCEPTION '%年没有可承担 %（%，%）的%预算，不能安排资金，请财政部门先下达预算',
                    wanted_year, shown.code, shown.number, shown.title,
                    CASE wanted_share WHEN 'city' THEN '市级' ELSE '区级' END
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'budget_line_missing';
            END IF;
            INSERT INTO case_budget (case_id, share, line_id) VALUES (wanted_case, wanted_share, bearing);
            RETURN bearing;
        END""",
    ),
    # An entry moves both balances, under the lock of its line; nothing but the source goes below zero.
    "ledger_posted": (
        "",
        "trigger",
        """
        DECLARE
            left_over bigint;
            line record;
        BEGIN
            IF NEW.line_id IS NULL THEN
                NEW.line_id := line_of_case(NEW.case_id, NEW.share, NEW.at);
            END IF;
            SELECT l.title, l.year, l.share INTO line FROM budget_line l
            WHERE l.id = NEW.line_id FOR NO KEY UPDATE;
            IF line.share <> NEW.share THEN
                RAISE EXCEPTION 'the line % bears the share %, not %', NEW.line_id, line.share, NEW.share
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            SELECT balance_fen - NEW.fen INTO left_over FROM ledger_account
            WHERE line_id = NEW.line_id AND kind = NEW.source;
            IF left_over < 0 AND NEW.source <> 'appropriation' THEN
                RAISE EXCEPTION '%年预算“%”（%）余额 %.% 元，不足 %.% 元', line.year, line.title,
                    CASE NEW.source WHEN 'available' THEN '可用' WHEN 'reserved' THEN '拟支持占用'
                        WHEN 'committed' THEN '已审定' WHEN 'released' THEN '已下达' WHEN 'paid' THEN '已拨付'
                        ELSE NEW.source END,
                    (left_over + NEW.fen) / 100, lpad(((left_over + NEW.fen) % 100)::text, 2, '0'),
                    NEW.fen / 100, lpad((NEW.fen % 100)::text, 2, '0')
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'budget_short';
            END IF;
            UPDATE ledger_account SET balance_fen = balance_fen - NEW.fen
            WHERE line_id = NEW.line_id AND kind = NEW.source;
            UPDATE ledger_account SET balance_fen = balance_fen + NEW.fen
            WHERE line_id = NEW.line_id AND kind = NEW.target;
            RETURN NEW;
        END""",
    ),
    "budget_line_opened": (
        "",
        "trigger",
        """
        BEGIN
            INSERT INTO ledger_account (line_id, kind, balance_fen)
            SELECT NEW.id, kind, 0 FROM unnest(ARRAY['appropriation', 'available', 'reserved',
                'committed', 'released', 'paid', 'recovered']) AS kind;
            RETURN NULL;
        END""",
    ),
    # Only an entry changes a balance: an update that no trigger of an entry makes is refused to everybody.
    "balance_follows_entries": (
        "",
        "trigger",
        """
        BEGIN
            IF pg_trigger_depth() < 2 OR TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'the balance of account % moves by entries only', OLD.kind
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    ),
    # Orders of a share are what the ledger has released and paid for it, no fen more or less.
    "payments_follow_ledger": (
        "",
        "trigger",
        """
        DECLARE
            posted bigint;
            ordered bigint;
        BEGIN
            IF NEW.case_id IS NULL THEN RETURN NULL; END IF;
            SELECT coalesce(sum(fen), 0) INTO ordered FROM payment
            WHERE case_id = NEW.case_id AND share = NEW.share;
            SELECT coalesce(sum(CASE WHEN target IN ('released', 'paid', 'recovered') THEN fen ELSE 0 END)
                - sum(CASE WHEN source IN ('released', 'paid', 'recovered') THEN fen ELSE 0 END), 0)
            INTO posted FROM ledger_entry WHERE case_id = NEW.case_id AND share = NEW.share;
            IF ordered <> posted THEN
                RAISE EXCEPTION 'case %: orders of the share % come to % fen, the ledger says %',
                    NEW.case_id, NEW.share, ordered, posted
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
    ),
    # 手册 §11.3 (3): no order without a closed publicity, without an account in the payee's own name,
    # with an objection open or a hold in force.
    "payment_conditions": (
        "",
        "trigger",
        """
        DECLARE
            payee text;
            why text;
        BEGIN
            SELECT title INTO payee FROM organisation WHERE id = NEW.payee_id;
            IF NEW.account_number IS NULL THEN
                why := format('“%s”没有登记收款账户', payee);
            ELSIF NEW.account_holder <> payee THEN
                why := format('收款账户户名“%s”与单位名称“%s”不一致', NEW.account_holder, payee);
            ELSIF EXISTS (SELECT FROM hold WHERE case_id = NEW.case_id AND lifted_at IS NULL) THEN
                why := '存在暂停拨付的情形';
            ELSIF EXISTS (SELECT FROM objection WHERE case_id = NEW.case_id AND status = 'open') THEN
                why := '有未办结的异议';
            ELSIF EXISTS (SELECT FROM "case" c JOIN publicity p ON p.id = c.publicity_id
                          WHERE c.id = NEW.case_id AND p.ends_at > NEW.ordered_at) THEN
                why := '公示期未满';
            END IF;
            IF why IS NOT NULL THEN
                RAISE EXCEPTION '不得下达拨付：%', why
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_conditions';
            END IF;
            RETURN NEW;
        END""",
    ),
    # What an order says is fixed when it is made; one that came back may take another account.
    "payment_is_fixed": (
        "",
        "trigger",
        """
        BEGIN
            IF (NEW.case_id, NEW.instalment, NEW.share, NEW.fen, NEW.ordered_at, NEW.payee_id, NEW.document_no)
               IS DISTINCT FROM
               (OLD.case_id, OLD.instalment, OLD.share, OLD.fen, OLD.ordered_at, OLD.payee_id, OLD.document_no)
               OR ((NEW.account_holder, NEW.account_bank, NEW.account_number) IS DISTINCT FROM
                   (OLD.account_holder, OLD.account_bank, OLD.account_number) AND OLD.status <> 'returned')
               OR (OLD.status, NEW.status) NOT IN
                  (('ordered', 'paid'), ('ordered', 'returned'), ('paid', 'returned'), ('returned', 'paid'),
                   ('returned', 'returned')) THEN
                RAISE EXCEPTION 'payment % of case %: % -> % refused', OLD.instalment, OLD.case_id,
                    OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    ),
}
TRIGGERS = (
    ("ledger_entry_posted", "BEFORE INSERT ON ledger_entry FOR EACH ROW", "ledger_posted"),
    ("ledger_entry_append_only", "BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW", "refuse_change"),
    ("ledger_entry_no_truncate", "BEFORE TRUNCATE ON ledger_entry", "refuse_change"),
    ("ledger_account_follows", "BEFORE UPDATE OR DELETE ON ledger_account FOR EACH ROW", "balance_follows_entries"),
    ("budget_line_opened", "AFTER INSERT ON budget_line FOR EACH ROW", "budget_line_opened"),
    ("payment_conditions", "BEFORE INSERT ON payment FOR EACH ROW", "payment_conditions"),
    ("case_budget_fixed", "BEFORE UPDATE OR DELETE ON case_budget FOR EACH ROW", "refuse_change"),
)
CHECKED_AT_COMMIT = (
    ("payment_in_ledger", "AFTER INSERT ON payment", "payments_follow_ledger"),
    ("ledger_entry_of_payment", "AFTER INSERT ON ledger_entry", "payments_follow_ledger"),
)
PROGRAM = "caseflow_program"
GRANTS = f"""
    GRANT SELECT, INSERT ON bank_account, budget_line, ledger_entry, case_budget, fiscal_split TO {PROGRAM};
    GRANT SELECT ON ledger_account TO {PROGRAM};
    GRANT UPDATE (until) ON bank_account TO {PROGRAM};
    GRANT UPDATE (title, functional_subject, economic_subject) ON budget_line TO {PROGRAM};
    GRANT UPDATE (confirmed_by, confirmed_at) ON fiscal_split TO {PROGRAM};
    GRANT UPDATE (account_holder, account_bank, account_number) ON payment TO {PROGRAM};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {PROGRAM};
"""

ACCOUNT = ("account_holder", "account_bank", "account_number", "document_no")
TABLES = ("fiscal_split", "case_budget", "ledger_entry", "ledger_account", "budget_line", "bank_account")
FIXED_BEFORE = """
    BEGIN
        IF (NEW.case_id, NEW.instalment, NEW.share, NEW.fen, NEW.ordered_at)
           IS DISTINCT FROM (OLD.case_id, OLD.instalment, OLD.share, OLD.fen, OLD.ordered_at)
           OR (OLD.status, NEW.status) NOT IN
              (('ordered', 'paid'), ('ordered', 'returned'), ('paid', 'returned'), ('returned', 'paid')) THEN
            RAISE EXCEPTION 'payment % of case %: % -> % refused', OLD.instalment, OLD.case_id,
                OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END"""


def upgrade() -> None:
    _create_tables()
    op.add_column("payment", sa.Column("payee_id", sa.BigInteger(), nullable=False))
    op.create_foreign_key(op.f("fk_payment_payee_id"), "payment", "organisation", ["payee_id"], ["id"])
    for name in ACCOUNT:
        op.add_column("payment", sa.Column(name, sa.Text(), nullable=False))
    op.create_index("ix_payment_waiting", "payment", ["ordered_at"], postgresql_where="status <> 'paid'")
    for name, (arguments, returns, body) in FUNCTIONS.items():
        _function(name, body, arguments, returns, security="SECURITY DEFINER")
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    for name, when, function in CHECKED_AT_COMMIT:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name} {when} DEFERRABLE INITIALLY DEFERRED"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DROP TRIGGER payment_conditions ON payment")
    for name, when, _ in CHECKED_AT_COMMIT:
        op.execute(f"DROP TRIGGER {name} ON {when.split()[-1]}")
    _function("payment_is_fixed", FIXED_BEFORE, "", "trigger", security="")
    op.drop_index("ix_payment_waiting", "payment")
    for name in (*ACCOUNT, "payee_id"):
        op.drop_column("payment", name)
    for name in TABLES:
        op.drop_table(name)
    for name, (arguments, _, _) in FUNCTIONS.items():
        if name != "payment_is_fixed":
            op.execute(f"DROP FUNCTION {name}({arguments})")


def _function(name: str, body: str, arguments: str, returns: str, *, security: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE plpgsql"
        f" {security} SET search_path = public AS $body$ {body}; $body$"
    )


def _create_tables() -> None:
    op.create_table('bank_account',
    sa.Column('organisation_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('bank', sa.Text(), nullable=False),
    sa.Column('registered_by', sa.BigInteger(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("number ~ '^[0-9]{6,32}$'", name=op.f('ck_bank_account_number')),
    sa.CheckConstraint('until IS NULL OR until >= since', name=op.f('ck_bank_account_period')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_bank_account_organisation_id')),
    sa.ForeignKeyConstraint(['registered_by'], ['person.id'], name=op.f('fk_bank_account_registered_by')),
    sa.PrimaryKeyConstraint('organisation_id', 'number', 'since', name=op.f('pk_bank_account'))
    )
    op.create_index('uq_bank_account_current', 'bank_account', ['organisation_id'], unique=True, postgresql_where='until IS NULL')
    op.create_table('budget_line',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('policy_id', sa.BigInteger(), nullable=False),
    sa.Column('measure_id', sa.BigInteger(), nullable=True),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('share', sa.Text(), nullable=False),
    sa.Column('territory_id', sa.BigInteger(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('functional_subject', sa.Text(), nullable=True),
    sa.Column('economic_subject', sa.Text(), nullable=True),
    sa.CheckConstraint("share IN ('city', 'district')", name=op.f('ck_budget_line_share')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_budget_line_measure_id')),
    sa.ForeignKeyConstraint(['policy_id'], ['policy.id'], name=op.f('fk_budget_line_policy_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_budget_line_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_budget_line')),
    sa.UniqueConstraint('policy_id', 'measure_id', 'year', 'share', 'territory_id', name='uq_budget_line_once', postgresql_nulls_not_distinct=True),
    sa.UniqueConstraint('public_id', name=op.f('uq_budget_line_public_id'))
    )
    op.create_table('ledger_account',
    sa.Column('line_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("CASE WHEN kind = 'appropriation' THEN balance_fen <= 0 ELSE balance_fen >= 0 END", name=op.f('ck_ledger_account_never_overdrawn')),
    sa.CheckConstraint("kind IN ('appropriation', 'available', 'reserved', 'committed', 'released', 'paid', 'recovered')", name=op.f('ck_ledger_account_kind')),
    sa.ForeignKeyConstraint(['line_id'], ['budget_line.id'], name=op.f('fk_ledger_account_line_id')),
    sa.PrimaryKeyConstraint('line_id', 'kind', name=op.f('pk_ledger_account'))
    )
    op.create_table('ledger_entry',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('stream', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=True),
    sa.Column('line_id', sa.BigInteger(), nullable=False),
    sa.Column('share', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('fen > 0', name=op.f('ck_ledger_entry_fen')),
    sa.CheckConstraint('source <> target', name=op.f('ck_ledger_entry_two_accounts')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_ledger_entry_case_id')),
    sa.ForeignKeyConstraint(['line_id', 'source'], ['ledger_account.line_id', 'ledger_account.kind'], name='fk_ledger_entry_source'),
    sa.ForeignKeyConstraint(['line_id', 'target'], ['ledger_account.line_id', 'ledger_account.kind'], name='fk_ledger_entry_target'),
    sa.ForeignKeyConstraint(['line_id'], ['budget_line.id'], name=op.f('fk_ledger_entry_line_id')),
    sa.ForeignKeyConstraint(['stream', 'seq'], ['event.stream', 'event.seq'], name='fk_ledger_entry_event'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry'))
    )
    op.create_index('ix_ledger_entry_case', 'ledger_entry', ['case_id', 'share'], unique=False, postgresql_where='case_id IS NOT NULL')
    op.create_index('ix_ledger_entry_line', 'ledger_entry', ['line_id', 'id'], unique=False)
    op.create_table('case_budget',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('share', sa.Text(), nullable=False),
    sa.Column('line_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_case_budget_case_id')),
    sa.ForeignKeyConstraint(['line_id'], ['budget_line.id'], name=op.f('fk_case_budget_line_id')),
    sa.PrimaryKeyConstraint('case_id', 'share', name=op.f('pk_case_budget'))
    )
    op.create_index('ix_case_budget_line', 'case_budget', ['line_id'], unique=False)
    op.create_table('fiscal_split',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('policy_id', sa.BigInteger(), nullable=False),
    sa.Column('territory_id', sa.BigInteger(), nullable=False),
    sa.Column('city_percent', sa.Numeric(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('entered_by', sa.BigInteger(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_by', sa.BigInteger(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(confirmed_by IS NULL) = (confirmed_at IS NULL)', name=op.f('ck_fiscal_split_confirmed')),
    sa.CheckConstraint('city_percent BETWEEN 0 AND 100', name=op.f('ck_fiscal_split_percent')),
    sa.CheckConstraint('confirmed_by <> entered_by', name=op.f('ck_fiscal_split_second_person')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['person.id'], name=op.f('fk_fiscal_split_confirmed_by')),
    sa.ForeignKeyConstraint(['entered_by'], ['person.id'], name=op.f('fk_fiscal_split_entered_by')),
    sa.ForeignKeyConstraint(['policy_id'], ['policy.id'], name=op.f('fk_fiscal_split_policy_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_fiscal_split_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fiscal_split')),
    sa.UniqueConstraint('policy_id', 'territory_id', 'valid_from', name=op.f('uq_fiscal_split_policy_id_territory_id_valid_from'))
    )
