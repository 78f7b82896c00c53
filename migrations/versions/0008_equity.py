"""拨投股: agreements as data, cap tables, conversions, exits, losses, and the pool's ledger.

Nothing here is ever changed; balances and positions are moved by the entries alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0003"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
APPEND_ONLY = (
    "equity_terms", "equity_trigger", "equity_agreement", "funding_round", "shareholding",
    "equity_conversion", "equity_exit", "equity_loss", "pool_entry",
)
BALANCES = ("pool_account", "equity_position")

# name: (with whose rights it runs, body)
FUNCTIONS = {
    # An entry belongs to the pool of its case's measure, whatever it says.
    "pool_of_case": ("", """
        BEGIN
            SELECT measure_id INTO NEW.measure_id FROM "case" WHERE id = NEW.case_id;
            RETURN NEW;
        END"""),
    # One entry moves two accounts of the pool, and the position of its case. The opening account is
    # locked first, so that entries of one pool never wait for each other in a circle.
    "pool_entry_moves": ("SECURITY DEFINER", """
        DECLARE
            paid bigint;
            pooled bigint;
        BEGIN
            IF NOT EXISTS (SELECT FROM pool_account WHERE measure_id = NEW.measure_id) THEN
                INSERT INTO pool_account (measure_id, account, fen)
                    SELECT NEW.measure_id, account, 0 FROM unnest(ARRAY['pool_opening', 'available',
                        'granted', 'equity', 'returned', 'gain', 'lost', 'kept']) AS account
                    ON CONFLICT DO NOTHING;
            END IF;
            PERFORM FROM pool_account
                WHERE measure_id = NEW.measure_id AND account = 'pool_opening' FOR UPDATE;
            UPDATE pool_account SET fen = fen - NEW.fen
                WHERE measure_id = NEW.measure_id AND account = NEW.source;
            UPDATE pool_account SET fen = fen + NEW.fen
                WHERE measure_id = NEW.measure_id AND account = NEW.target;
            INSERT INTO equity_position (case_id, pooled_fen, granted_fen, equity_fen, returned_fen,
                gain_fen, lost_fen, kept_fen, transferred_fen)
                VALUES (NEW.case_id, 0, 0, 0, 0, 0, 0, 0, 0)
                ON CONFLICT DO NOTHING;
            UPDATE equity_position SET
                pooled_fen = pooled_fen + NEW.fen * (NEW.source = 'pool_opening')::int,
                granted_fen = granted_fen + NEW.fen * ((NEW.target = 'granted')::int - (NEW.source = 'granted')::int),
                equity_fen = equity_fen + NEW.fen * ((NEW.target = 'equity')::int - (NEW.source = 'equity')::int),
                returned_fen = returned_fen + NEW.fen * (NEW.target = 'returned')::int,
                gain_fen = gain_fen + NEW.fen * (NEW.source = 'gain')::int,
                lost_fen = lost_fen + NEW.fen * (NEW.target = 'lost')::int,
                kept_fen = kept_fen + NEW.fen * (NEW.target = 'kept')::int,
                transferred_fen = transferred_fen + NEW.fen * (NEW.target = 'granted')::int
                WHERE case_id = NEW.case_id RETURNING pooled_fen INTO pooled;
            SELECT paid_fen INTO paid FROM "case" WHERE id = NEW.case_id;
            IF pooled > paid THEN
                RAISE EXCEPTION 'case % has put more into the pool (%) than was paid (%)', NEW.case_id,
                    pooled, paid USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END"""),
    "only_entries_move": ("", """
        BEGIN
            IF pg_trigger_depth() < 2 THEN
                RAISE EXCEPTION '% is moved by pool entries only', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END"""),
    # A round, its cap table and its conversion are written together and add up to the share.
    "cap_table_adds_up": ("", """
        DECLARE
            before_ numeric;
            after_ numeric;
            held bigint;
            held_before bigint;
            largest bigint;
            moved bigint;
            round_ funding_round;
            made equity_conversion;
        BEGIN
            SELECT * INTO round_ FROM funding_round WHERE case_id = NEW.case_id AND seq = NEW.seq;
            SELECT * INTO made FROM equity_conversion WHERE case_id = NEW.case_id AND seq = NEW.seq;
            SELECT sum(shares_before), sum(shares_after),
                coalesce(sum(shares_after) FILTER (WHERE is_trustee), 0),
                coalesce(sum(shares_before) FILTER (WHERE is_trustee), 0),
                coalesce(max(shares_after) FILTER (WHERE NOT is_trustee), 0)
                INTO before_, after_, held, held_before, largest
                FROM shareholding WHERE case_id = NEW.case_id AND seq = NEW.seq;
            SELECT coalesce(sum(fen), 0) INTO moved FROM pool_entry
                WHERE case_id = NEW.case_id AND seq = NEW.seq AND target = 'equity';
            IF (before_, after_, held, held - held_before, largest, moved) IS DISTINCT FROM
               ((round_.shares_before + round_.shares_issued)::numeric, made.shares_total::numeric,
                made.shares_held, made.shares, made.largest_other, made.converted_fen) THEN
                RAISE EXCEPTION 'the cap table of case % does not add up', NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END"""),
    # A case does not end while money that was granted is neither back nor accounted for.
    "case_ends_settled": ("", """
        BEGIN
            IF EXISTS (SELECT FROM equity_position
                       WHERE case_id = NEW.id AND granted_fen + equity_fen > 0) THEN
                RAISE EXCEPTION 'case % cannot end: its granted money is outstanding', NEW.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END"""),
    # What an exit says is what its entries move, and nothing stays behind.
    "exit_empties_the_position": ("", """
        DECLARE
            principal bigint;
            rest bigint;
            gain bigint;
            lost bigint;
            held bigint;
        BEGIN
            SELECT coalesce(sum(fen) FILTER (WHERE source = 'equity' AND target = 'returned'), 0),
                coalesce(sum(fen) FILTER (WHERE source = 'granted' AND target = 'returned'), 0),
                coalesce(sum(fen) FILTER (WHERE source = 'gain'), 0),
                coalesce(sum(fen) FILTER (WHERE target = 'lost'), 0)
                INTO principal, rest, gain, lost
                FROM pool_entry WHERE case_id = NEW.case_id AND seq = NEW.seq;
            SELECT sum(CASE WHEN target IN ('granted', 'equity') THEN fen ELSE 0 END
                - CASE WHEN source IN ('granted', 'equity') THEN fen ELSE 0 END) INTO held
                FROM pool_entry WHERE case_id = NEW.case_id;
            IF (principal, rest, gain, lost, held) IS DISTINCT FROM
               (NEW.principal_fen, NEW.rest_fen, NEW.gain_fen, NEW.loss_fen, 0::bigint) THEN
                RAISE EXCEPTION 'the exit of case % does not agree with the pool', NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END"""),
}

TRIGGERS = (
    ("pool_entry_owned", "BEFORE INSERT ON pool_entry FOR EACH ROW", "pool_of_case"),
    ("pool_entry_moved", "AFTER INSERT ON pool_entry FOR EACH ROW", "pool_entry_moves"),
    *((f"{table}_moved_by_entries", f"BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW", "only_entries_move")
      for table in BALANCES),
    *((f"{table}_adds_up", f"AFTER INSERT ON {table} FOR EACH ROW", "cap_table_adds_up")
      for table in ("funding_round", "shareholding", "equity_conversion")),
    ("equity_exit_agrees", "AFTER INSERT ON equity_exit FOR EACH ROW", "exit_empties_the_position"),
    *((f"{table}_append_only", f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW", "refuse_change")
      for table in APPEND_ONLY),
    *((f"{table}_no_truncate", f"BEFORE TRUNCATE ON {table}", "refuse_change")
      for table in (*APPEND_ONLY, *BALANCES)),
    *((f"{table}_undeletable", f"BEFORE DELETE ON {table} FOR EACH ROW", "refuse_change") for table in BALANCES),
)


def upgrade() -> None:
    _create_tables()
    for name, (rights, body) in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {rights}"
            f" SET search_path = public AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(  # deferred: the entries of the same act settle it
        'CREATE CONSTRAINT TRIGGER case_ended_settled AFTER UPDATE ON "case" DEFERRABLE INITIALLY DEFERRED'
        " FOR EACH ROW WHEN (OLD.outcome IS NULL AND NEW.outcome IS NOT NULL)"
        " EXECUTE FUNCTION case_ends_settled()"
    )
    op.execute(f"REVOKE ALL ON {', '.join((*APPEND_ONLY, *BALANCES))} FROM {PROGRAM}")
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY)} TO {PROGRAM}")
    op.execute(f"GRANT SELECT ON {', '.join(BALANCES)} TO {PROGRAM}")


def downgrade() -> None:
    for table in reversed(("pool_account", "equity_position", *APPEND_ONLY)):
        op.execute(f"DROP TABLE {table} CASCADE")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}() CASCADE")


def _create_tables() -> None:
    op.create_table('pool_account',
    sa.Column('measure_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("CASE WHEN account IN ('pool_opening', 'gain') THEN fen <= 0 ELSE fen >= 0 END", name=op.f('ck_pool_account_not_overdrawn')),
    sa.CheckConstraint("account IN ('pool_opening', 'available', 'granted', 'equity', 'returned', 'gain', 'lost', 'kept')", name=op.f('ck_pool_account_account')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_pool_account_measure_id')),
    sa.PrimaryKeyConstraint('measure_id', 'account', name=op.f('pk_pool_account'))
    )
    op.create_table('equity_loss',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('loss_fen', sa.BigInteger(), nullable=False),
    sa.Column('salvaged_fen', sa.BigInteger(), nullable=False),
    sa.Column('minutes_no', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.CheckConstraint('loss_fen >= 0 AND salvaged_fen >= 0', name=op.f('ck_equity_loss_positive')),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_equity_loss_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_equity_loss_case_id')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_equity_loss'))
    )
    op.create_table('equity_position',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('pooled_fen', sa.BigInteger(), nullable=False),
    sa.Column('granted_fen', sa.BigInteger(), nullable=False),
    sa.Column('equity_fen', sa.BigInteger(), nullable=False),
    sa.Column('returned_fen', sa.BigInteger(), nullable=False),
    sa.Column('gain_fen', sa.BigInteger(), nullable=False),
    sa.Column('lost_fen', sa.BigInteger(), nullable=False),
    sa.Column('kept_fen', sa.BigInteger(), nullable=False),
    sa.Column('transferred_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('granted_fen >= 0 AND equity_fen >= 0', name=op.f('ck_equity_position_not_overdrawn')),
    sa.CheckConstraint('transferred_fen <= pooled_fen', name=op.f('ck_equity_position_within_paid_in')),
    sa.CheckConstraint('transferred_fen = granted_fen + equity_fen + returned_fen + lost_fen + kept_fen', name=op.f('ck_equity_position_conserved')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_equity_position_case_id')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_equity_position'))
    )
    op.create_table('equity_terms',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('valuation', sa.Text(), nullable=False),
    sa.Column('discount_percent', sa.Integer(), nullable=False),
    sa.Column('share_cap_percent', sa.Integer(), nullable=False),
    sa.Column('may_be_largest', sa.Boolean(), nullable=False),
    sa.Column('buyback_rate_bp', sa.Integer(), nullable=False),
    sa.Column('buyback_years', sa.Integer(), nullable=False),
    sa.Column('interest_from', sa.Text(), nullable=False),
    sa.Column('triggers_text', sa.Text(), nullable=False),
    sa.Column('price_text', sa.Text(), nullable=False),
    sa.Column('buyback_text', sa.Text(), nullable=False),
    sa.Column('exemption_text', sa.Text(), nullable=False),
    sa.Column('information_duties', sa.Text(), nullable=False),
    sa.CheckConstraint("interest_from IN ('transfer', 'conversion')", name=op.f('ck_equity_terms_interest_from')),
    sa.CheckConstraint("valuation IN ('pre_money', 'post_money')", name=op.f('ck_equity_terms_valuation')),
    sa.CheckConstraint('buyback_rate_bp BETWEEN 0 AND 10000', name=op.f('ck_equity_terms_buyback_rate')),
    sa.CheckConstraint('buyback_years BETWEEN 1 AND 99', name=op.f('ck_equity_terms_buyback_years')),
    sa.CheckConstraint('discount_percent BETWEEN 0 AND 99', name=op.f('ck_equity_terms_discount')),
    sa.CheckConstraint('share_cap_percent BETWEEN 1 AND 99', name=op.f('ck_equity_terms_share_cap')),
    sa.CheckConstraint('version >= 1', name=op.f('ck_equity_terms_version')),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_equity_terms_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_equity_terms_case_id')),
    sa.PrimaryKeyConstraint('case_id', 'version', name=op.f('pk_equity_terms')),
    sa.UniqueConstraint('case_id', 'version', 'valuation', 'discount_percent', 'share_cap_percent', 'may_be_largest', name='uq_equity_terms_of_conversion')
    )
    op.create_table('funding_round',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('pre_money_fen', sa.BigInteger(), nullable=False),
    sa.Column('raised_fen', sa.BigInteger(), nullable=False),
    sa.Column('shares_before', sa.BigInteger(), nullable=False),
    sa.Column('shares_issued', sa.BigInteger(), nullable=False),
    sa.Column('valuation', sa.Text(), nullable=False),
    sa.Column('price_numerator', sa.Numeric(precision=30, scale=0), nullable=False),
    sa.Column('price_denominator', sa.Numeric(precision=30, scale=0), nullable=False),
    sa.CheckConstraint("CASE valuation WHEN 'pre_money' THEN price_numerator * shares_before = price_denominator * pre_money_fen ELSE price_numerator * (shares_before + shares_issued) = price_denominator * (pre_money_fen::numeric + raised_fen) END", name=op.f('ck_funding_round_price_exact')),
    sa.CheckConstraint("valuation IN ('pre_money', 'post_money')", name=op.f('ck_funding_round_valuation')),
    sa.CheckConstraint('(raised_fen > 0) = (shares_issued > 0)', name=op.f('ck_funding_round_issued_for_money')),
    sa.CheckConstraint('gcd(price_numerator, price_denominator) = 1', name=op.f('ck_funding_round_price_reduced')),
    sa.CheckConstraint('pre_money_fen > 0 AND raised_fen >= 0', name=op.f('ck_funding_round_money')),
    sa.CheckConstraint('price_numerator > 0 AND price_denominator > 0', name=op.f('ck_funding_round_price_positive')),
    sa.CheckConstraint('shares_before > 0 AND shares_issued >= 0', name=op.f('ck_funding_round_shares')),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_funding_round_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_funding_round_case_id')),
    sa.PrimaryKeyConstraint('case_id', 'seq', name=op.f('pk_funding_round')),
    sa.UniqueConstraint('case_id', 'seq', 'valuation', 'price_numerator', 'price_denominator', name='uq_funding_round_price')
    )
    op.create_table('pool_entry',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('line', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(source, target) IN (('pool_opening', 'available'), ('available', 'granted'), ('granted', 'equity'), ('granted', 'returned'), ('equity', 'returned'), ('returned', 'available'), ('gain', 'available'), ('granted', 'lost'), ('equity', 'lost'), ('granted', 'kept'))", name=op.f('ck_pool_entry_move')),
    sa.CheckConstraint('fen > 0', name=op.f('ck_pool_entry_fen')),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_pool_entry_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_pool_entry_case_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_pool_entry_measure_id')),
    sa.PrimaryKeyConstraint('case_id', 'seq', 'line', name=op.f('pk_pool_entry'))
    )
    op.create_index('ix_pool_entry_measure', 'pool_entry', ['measure_id', 'case_id'], unique=False)
    op.create_table('equity_agreement',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('document_no', sa.Text(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_equity_agreement_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id', 'version'], ['equity_terms.case_id', 'equity_terms.version'], name=op.f('fk_equity_agreement_case_id_version')),
    sa.PrimaryKeyConstraint('case_id', 'version', name=op.f('pk_equity_agreement'))
    )
    op.create_table('equity_trigger',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('threshold_fen', sa.BigInteger(), nullable=True),
    sa.Column('on_date', sa.Date(), nullable=True),
    sa.CheckConstraint("(kind = 'fixed_date') = (on_date IS NOT NULL)", name=op.f('ck_equity_trigger_on_date')),
    sa.CheckConstraint("(kind IN ('financing', 'revenue')) = (threshold_fen IS NOT NULL)", name=op.f('ck_equity_trigger_threshold')),
    sa.CheckConstraint("kind IN ('financing', 'revenue', 'listing', 'merger', 'fixed_date')", name=op.f('ck_equity_trigger_kind')),
    sa.CheckConstraint('threshold_fen > 0', name=op.f('ck_equity_trigger_threshold_positive')),
    sa.ForeignKeyConstraint(['case_id', 'version'], ['equity_terms.case_id', 'equity_terms.version'], name=op.f('fk_equity_trigger_case_id_version')),
    sa.PrimaryKeyConstraint('case_id', 'version', 'kind', name=op.f('pk_equity_trigger'))
    )
    op.create_table('shareholding',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('is_trustee', sa.Boolean(), nullable=False),
    sa.Column('shares_before', sa.BigInteger(), nullable=False),
    sa.Column('shares_after', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('is_trustee OR shares_before = shares_after', name=op.f('ck_shareholding_others_keep')),
    sa.CheckConstraint('shares_before >= 0 AND shares_after > 0', name=op.f('ck_shareholding_positive')),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['funding_round.case_id', 'funding_round.seq'], name=op.f('fk_shareholding_case_id_seq')),
    sa.PrimaryKeyConstraint('case_id', 'seq', 'holder', name=op.f('pk_shareholding'))
    )
    op.create_index('uq_shareholding_trustee', 'shareholding', ['case_id', 'seq'], unique=True, postgresql_where='is_trustee')
    op.create_table('equity_conversion',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('terms_version', sa.Integer(), nullable=False),
    sa.Column('valuation', sa.Text(), nullable=False),
    sa.Column('discount_percent', sa.Integer(), nullable=False),
    sa.Column('share_cap_percent', sa.Integer(), nullable=False),
    sa.Column('may_be_largest', sa.Boolean(), nullable=False),
    sa.Column('meeting_cap_percent', sa.Integer(), nullable=True),
    sa.Column('meeting_may_be_largest', sa.Boolean(), nullable=True),
    sa.Column('meeting_minutes_no', sa.Text(), nullable=True),
    sa.Column('price_numerator', sa.Numeric(precision=30, scale=0), nullable=False),
    sa.Column('price_denominator', sa.Numeric(precision=30, scale=0), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('converted_fen', sa.BigInteger(), nullable=False),
    sa.Column('remainder_fen', sa.BigInteger(), nullable=False),
    sa.Column('shares', sa.BigInteger(), nullable=False),
    sa.Column('shares_held', sa.BigInteger(), nullable=False),
    sa.Column('shares_total', sa.BigInteger(), nullable=False),
    sa.Column('largest_other', sa.BigInteger(), nullable=False),
    sa.Column('registered_on', sa.Date(), nullable=False),
    sa.Column('document_no', sa.Text(), nullable=False),
    sa.CheckConstraint('(converted_fen - 1::numeric) * 100 * price_denominator < shares * price_numerator * (100 - discount_percent) AND shares * price_numerator * (100 - discount_percent) <= converted_fen::numeric * 100 * price_denominator', name=op.f('ck_equity_conversion_paid_by_price')),
    sa.CheckConstraint('(shares + 1) * price_numerator * (100 - discount_percent) > amount_fen::numeric * 100 * price_denominator', name=op.f('ck_equity_conversion_no_share_left')),
    sa.CheckConstraint('amount_fen = converted_fen + remainder_fen', name=op.f('ck_equity_conversion_adds_up')),
    sa.CheckConstraint('converted_fen > 0 AND remainder_fen >= 0 AND shares > 0', name=op.f('ck_equity_conversion_positive')),
    sa.CheckConstraint('meeting_cap_percent BETWEEN 1 AND 99', name=op.f('ck_equity_conversion_meeting_cap')),
    sa.CheckConstraint('meeting_minutes_no IS NOT NULL OR (meeting_cap_percent IS NULL AND meeting_may_be_largest IS NULL)', name=op.f('ck_equity_conversion_meeting_minutes')),
    sa.CheckConstraint('shares_held < largest_other OR coalesce(meeting_may_be_largest, may_be_largest)', name=op.f('ck_equity_conversion_not_largest')),
    sa.CheckConstraint('shares_held >= shares AND shares_total > shares_held', name=op.f('ck_equity_conversion_held')),
    sa.CheckConstraint('shares_held::numeric * 100 <= coalesce(meeting_cap_percent, share_cap_percent) * shares_total::numeric', name=op.f('ck_equity_conversion_within_cap')),
    sa.ForeignKeyConstraint(['case_id', 'seq', 'valuation', 'price_numerator', 'price_denominator'], ['funding_round.case_id', 'funding_round.seq', 'funding_round.valuation', 'funding_round.price_numerator', 'funding_round.price_denominator'], name='fk_equity_conversion_price'),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_equity_conversion_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id', 'terms_version', 'valuation', 'discount_percent', 'share_cap_percent', 'may_be_largest'], ['equity_terms.case_id', 'equity_terms.version', 'equity_terms.valuation', 'equity_terms.discount_percent', 'equity_terms.share_cap_percent', 'equity_terms.may_be_largest'], name='fk_equity_conversion_terms'),
    sa.ForeignKeyConstraint(['case_id', 'terms_version'], ['equity_agreement.case_id', 'equity_agreement.version'], name='fk_equity_conversion_sealed'),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_equity_conversion_case_id')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_equity_conversion'))
    )
    op.create_table('equity_exit',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('cost_fen', sa.BigInteger(), nullable=False),
    sa.Column('principal_fen', sa.BigInteger(), nullable=False),
    sa.Column('gain_fen', sa.BigInteger(), nullable=False),
    sa.Column('rest_fen', sa.BigInteger(), nullable=False),
    sa.Column('loss_fen', sa.BigInteger(), nullable=False),
    sa.Column('document_no', sa.Text(), nullable=False),
    sa.Column('minutes_no', sa.Text(), nullable=True),
    sa.CheckConstraint("route IN ('founder_buyback', 'transfer', 'listing', 'liquidation')", name=op.f('ck_equity_exit_route')),
    sa.CheckConstraint('gain_fen = 0 OR principal_fen = cost_fen', name=op.f('ck_equity_exit_gain_after_principal')),
    sa.CheckConstraint('gain_fen >= 0 AND rest_fen >= 0 AND loss_fen >= 0', name=op.f('ck_equity_exit_positive')),
    sa.CheckConstraint('loss_fen = 0 OR minutes_no IS NOT NULL', name=op.f('ck_equity_exit_loss_by_minutes')),
    sa.CheckConstraint('loss_fen >= cost_fen - principal_fen', name=op.f('ck_equity_exit_loss')),
    sa.CheckConstraint('principal_fen BETWEEN 0 AND cost_fen', name=op.f('ck_equity_exit_principal')),
    sa.ForeignKeyConstraint(['case_id', 'seq'], ['event.stream', 'event.seq'], name=op.f('fk_equity_exit_case_id_seq')),
    sa.ForeignKeyConstraint(['case_id'], ['equity_conversion.case_id'], name=op.f('fk_equity_exit_case_id')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_equity_exit'))
    )
