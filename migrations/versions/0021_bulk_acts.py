"""Bulk acts: one event asked of many cases, each item done once, with the event that it came to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, INT, AT = sa.BigInteger, sa.Text, sa.Integer, sa.DateTime(timezone=True)
REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"

FUNCTIONS = {
    # What was asked stays as it was asked; whoever is not done may be taken up again.
    "bulk_act_is_fixed": f"""
        BEGIN
            IF (to_jsonb(NEW) - 'status' - 'finished_at') IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'finished_at')
            THEN
                RAISE EXCEPTION 'bulk act % stays as it was asked', OLD.id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
    # A bulk act has all its items from the beginning, and is over only when none of them waits.
    "bulk_act_is_whole": f"""
        DECLARE
            now_is bulk_act;
        BEGIN
            SELECT * INTO now_is FROM bulk_act WHERE id = NEW.id;
            IF TG_OP = 'INSERT'
               AND (SELECT count(*) FROM bulk_item WHERE bulk_act_id = NEW.id) <> NEW.item_count THEN
                RAISE EXCEPTION 'bulk act % does not have % items', NEW.id, NEW.item_count {REFUSED};
            END IF;
            IF now_is.status <> 'running'
               AND EXISTS (SELECT FROM bulk_item WHERE bulk_act_id = NEW.id AND status = 'pending') THEN
                RAISE EXCEPTION 'items of bulk act % still wait', NEW.id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # Done is done for ever, and only by the event that was asked for, under the item's own request id.
    "bulk_item_moves": f"""
        DECLARE
            asked bulk_act;
        BEGIN
            IF (NEW.bulk_act_id, NEW.line, NEW.case_id, NEW.item_count, NEW.payload)
                    IS DISTINCT FROM (OLD.bulk_act_id, OLD.line, OLD.case_id, OLD.item_count, OLD.payload)
               OR OLD.status = 'done' OR (OLD.status <> 'pending' AND NEW.status <> 'pending') THEN
                RAISE EXCEPTION 'item % of bulk act % stays what it is', OLD.line, OLD.bulk_act_id {REFUSED};
            END IF;
            SELECT * INTO asked FROM bulk_act WHERE id = NEW.bulk_act_id;
            IF NEW.status = 'pending' AND asked.status <> 'running' THEN
                RAISE EXCEPTION 'bulk act % is over', NEW.bulk_act_id {REFUSED};
            END IF;
            IF NEW.status = 'done' THEN
                IF NOT EXISTS (SELECT FROM event e WHERE (e.stream, e.seq) = (NEW.case_id, NEW.seq)
                        AND e.name = asked.event AND e.actor_id = asked.actor_id
                        AND e.request_id = asked.public_id || ':' || NEW.line) THEN
                    RAISE EXCEPTION 'item % of bulk act % was not done by its own event', NEW.line, NEW.bulk_act_id
                        {REFUSED};
                END IF;
            END IF;
            RETURN NEW;
        END""",
    # Nothing begins as done.
    "bulk_item_begins": f"""
        BEGIN
            IF NEW.status <> 'pending' THEN
                RAISE EXCEPTION 'item % of bulk act % begins as pending', NEW.line, NEW.bulk_act_id {REFUSED};
            END IF;
            RETURN NEW;
        END""",
}
TRIGGERS = (
    ("bulk_act_fixed", "TRIGGER", "BEFORE UPDATE ON bulk_act", "", "bulk_act_is_fixed"),
    (
        "bulk_act_whole", "CONSTRAINT TRIGGER", "AFTER INSERT OR UPDATE ON bulk_act",
        "DEFERRABLE INITIALLY DEFERRED", "bulk_act_is_whole",
    ),
    ("bulk_item_moved", "TRIGGER", "BEFORE UPDATE ON bulk_item", "", "bulk_item_moves"),
    ("bulk_item_begun", "TRIGGER", "BEFORE INSERT ON bulk_item", "", "bulk_item_begins"),
    ("bulk_act_undeletable", "TRIGGER", "BEFORE DELETE ON bulk_act", "", "refuse_change"),
    ("bulk_item_undeletable", "TRIGGER", "BEFORE DELETE ON bulk_item", "", "refuse_change"),
)  # fmt: skip
TABLES = ("bulk_act", "bulk_item")


def _column(name: str, kind: object, *, null: bool = False, **said: object) -> sa.Column:
    return sa.Column(name, kind, nullable=null, **said)


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    _acts()
    _items()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, kind, when, how, function in TRIGGERS:
        op.execute(f"CREATE {kind} {name} {when} {how} FOR EACH ROW EXECUTE FUNCTION {function}()")
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {PROGRAM}")
    op.execute(f"GRANT UPDATE (status, finished_at) ON bulk_act TO {PROGRAM}")
    op.execute(f"GRANT UPDATE (status, reason, seq, at) ON bulk_item TO {PROGRAM}")


def _acts() -> None:
    op.create_table(
        "bulk_act",
        _column("id", BIG(), server_default=sa.text("nextval('entity_id')")),
        _column("public_id", sa.String(32)), _column("event", TEXT()), _column("payload", JSONB()),
        _column("asked_for", JSONB(), null=True), _column("actor_id", BIG()), _column("item_count", INT()),
        _column("status", TEXT()), _column("created_at", AT), _column("finished_at", AT, null=True),
        _column("request_id", TEXT(), null=True), _column("request_hash", sa.LargeBinary(), null=True),
        _check("bulk_act", "status", "status IN ('running', 'done', 'cancelled')"),
        _check("bulk_act", "finished", "(status = 'running') = (finished_at IS NULL)"),
        _check("bulk_act", "request", "(request_id IS NULL) = (request_hash IS NULL)"),
        _check("bulk_act", "item_count", "item_count >= 1"),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_bulk_act_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_act")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bulk_act_public_id")),
        sa.UniqueConstraint("actor_id", "request_id", name="uq_bulk_act_request"),
        sa.UniqueConstraint("id", "item_count", name="uq_bulk_act_item_count"),
    )  # fmt: skip
    op.create_index("ix_bulk_act_running", "bulk_act", ["id"], postgresql_where="status = 'running'")


def _items() -> None:
    op.create_table(
        "bulk_item",
        _column("bulk_act_id", BIG(), autoincrement=False), _column("line", INT(), autoincrement=False),
        _column("case_id", BIG()), _column("item_count", INT()), _column("payload", JSONB()),
        _column("status", TEXT()), _column("reason", TEXT(), null=True), _column("seq", INT(), null=True),
        _column("at", AT, null=True),
        _check("bulk_item", "line", "line BETWEEN 1 AND item_count"),
        _check("bulk_item", "status", "status IN ('pending', 'done', 'refused', 'cancelled')"),
        _check("bulk_item", "done", "(status = 'done') = (seq IS NOT NULL)"),
        _check("bulk_item", "refused", "(status = 'refused') = (reason IS NOT NULL)"),
        _check("bulk_item", "at", "(status = 'pending') = (at IS NULL)"),
        sa.ForeignKeyConstraint(["bulk_act_id", "item_count"], ["bulk_act.id", "bulk_act.item_count"],
                                name="fk_bulk_item_bulk_act"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_bulk_item_case_id")),
        sa.ForeignKeyConstraint(["case_id", "seq"], ["event.stream", "event.seq"], name="fk_bulk_item_event"),
        sa.PrimaryKeyConstraint("bulk_act_id", "line", name=op.f("pk_bulk_item")),
        sa.UniqueConstraint("bulk_act_id", "case_id", name="uq_bulk_item_case"),
    )  # fmt: skip
    op.create_index(
        "ix_bulk_item_pending", "bulk_item", ["bulk_act_id", "line"], postgresql_where="status = 'pending'"
    )
    op.create_index("ix_bulk_item_case_id", "bulk_item", ["case_id", "seq"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
