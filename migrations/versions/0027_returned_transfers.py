"""A transfer to the company that the bank returned: the pool's entries undone by their mirrors."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
MOVES = (
    "('pool_opening', 'available'), ('available', 'granted'), ('granted', 'equity'),"
    " ('granted', 'returned'), ('equity', 'returned'), ('returned', 'available'),"
    " ('gain', 'available'), ('granted', 'lost'), ('equity', 'lost'), ('granted', 'kept')"
)
BACK = "('granted', 'available'), ('available', 'pool_opening')"
UNDOES = (
    "(reverses_seq IS NULL) = (reverses_line IS NULL) AND (reverses_seq IS NOT NULL)"
    f" = ((source, target) IN ({BACK}))"
)
# One entry moves two accounts of the pool, and the position of its case; what a returned transfer
# undoes was neither put into the pool nor transferred.
MOVED = """
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
            pooled_fen = pooled_fen + NEW.fen * {pooled},
            granted_fen = granted_fen + NEW.fen * ((NEW.target = 'granted')::int - (NEW.source = 'granted')::int),
            equity_fen = equity_fen + NEW.fen * ((NEW.target = 'equity')::int - (NEW.source = 'equity')::int),
            returned_fen = returned_fen + NEW.fen * (NEW.target = 'returned')::int,
            gain_fen = gain_fen + NEW.fen * (NEW.source = 'gain')::int,
            lost_fen = lost_fen + NEW.fen * (NEW.target = 'lost')::int,
            kept_fen = kept_fen + NEW.fen * (NEW.target = 'kept')::int,
            transferred_fen = transferred_fen + NEW.fen * {transferred}
            WHERE case_id = NEW.case_id RETURNING pooled_fen INTO pooled;
        SELECT paid_fen INTO paid FROM "case" WHERE id = NEW.case_id;
        IF pooled > paid THEN
            RAISE EXCEPTION 'case % has put more into the pool (%) than was paid (%)', NEW.case_id,
                pooled, paid USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END"""
BEFORE = MOVED.format(
    pooled="(NEW.source = 'pool_opening')::int", transferred="(NEW.target = 'granted')::int"
)
AFTER = MOVED.format(
    pooled="((NEW.source = 'pool_opening')::int - (NEW.target = 'pool_opening')::int)",
    transferred="((NEW.target = 'granted')::int"
    " - (NEW.source = 'granted' AND NEW.target = 'available')::int)",
)
# A transfer is undone as a whole, by the act that says that the bank returned it.
WHOLE = f"""
    BEGIN
        IF NOT EXISTS (SELECT FROM event WHERE stream = NEW.case_id AND seq = NEW.seq
                       AND name = 'return_transfer')
           OR EXISTS (SELECT FROM pool_entry e
                      WHERE e.case_id = NEW.case_id AND e.seq = NEW.reverses_seq
                      AND NOT EXISTS (SELECT FROM pool_entry u WHERE u.case_id = e.case_id
                          AND u.seq = NEW.seq AND (u.reverses_seq, u.reverses_line) = (e.seq, e.line)))
        THEN
            RAISE EXCEPTION 'transfer % of case % is undone as a whole, by the act that says so',
                NEW.reverses_seq, NEW.case_id {{REFUSED}};
        END IF;
        RETURN NULL;
    END""".replace("{REFUSED}", REFUSED)


def upgrade() -> None:
    table = "pool_entry"
    op.add_column(table, sa.Column("reverses_seq", sa.Integer()))
    op.add_column(table, sa.Column("reverses_line", sa.Integer()))
    _allow_moves(f"{MOVES}, {BACK}")
    op.create_unique_constraint(
        "uq_pool_entry_mirrored", table, ["case_id", "seq", "line", "source", "target", "fen"]
    )
    op.create_unique_constraint(
        "uq_pool_entry_reversed_once", table, ["case_id", "reverses_seq", "reverses_line"]
    )
    op.create_foreign_key(
        "fk_pool_entry_mirror", table, table,
        ["case_id", "reverses_seq", "reverses_line", "target", "source", "fen"],
        ["case_id", "seq", "line", "source", "target", "fen"],
    )
    op.create_check_constraint(op.f("ck_pool_entry_reversal"), table, UNDOES)
    op.create_check_constraint(
        op.f("ck_pool_entry_reverses_earlier"), table, "reverses_seq < seq"
    )
    _function("CREATE OR REPLACE", "pool_entry_moves", AFTER, "SECURITY DEFINER")
    _function("CREATE", "transfer_is_undone_whole", WHOLE)
    op.execute(
        "CREATE CONSTRAINT TRIGGER pool_entry_undone_whole AFTER INSERT ON pool_entry"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.reverses_seq IS NOT NULL)"
        " EXECUTE FUNCTION transfer_is_undone_whole()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER pool_entry_undone_whole ON pool_entry")
    op.execute("DROP FUNCTION transfer_is_undone_whole()")
    _function("CREATE OR REPLACE", "pool_entry_moves", BEFORE, "SECURITY DEFINER")
    for column in ("reverses_line", "reverses_seq"):
        op.execute(f"ALTER TABLE pool_entry DROP COLUMN {column} CASCADE")
    op.execute("ALTER TABLE pool_entry DROP CONSTRAINT uq_pool_entry_mirrored")
    _allow_moves(MOVES)


def _allow_moves(moves: str) -> None:
    op.execute("ALTER TABLE pool_entry DROP CONSTRAINT ck_pool_entry_move")
    op.create_check_constraint(
        op.f("ck_pool_entry_move"), "pool_entry", f"(source, target) IN ({moves})"
    )


def _function(how: str, name: str, body: str, rights: str = "") -> None:
    op.execute(
        f"{how} FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {rights}"
        f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
    )
