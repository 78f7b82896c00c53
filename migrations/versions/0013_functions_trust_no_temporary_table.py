"""No temporary table stands in for a real one: every function looks there last (search_path)."""

from alembic import op

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

EVERY_FUNCTION = """
    DO $$ DECLARE each record; BEGIN
        FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
            WHERE n.nspname = 'public' AND l.lanname IN ('plpgsql', 'sql') AND p.prokind = 'f'
        LOOP
            EXECUTE format('ALTER FUNCTION %s SET search_path = {path}', each.name);
        END LOOP;
    END $$;
"""


def upgrade() -> None:
    op.execute(EVERY_FUNCTION.format(path="public, pg_temp"))


def downgrade() -> None:
    op.execute(EVERY_FUNCTION.format(path="public"))
