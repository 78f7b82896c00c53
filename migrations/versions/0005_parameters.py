"""What a bureau settles of a clause: entered, confirmed by a second person, then never changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
NAMES = (
    "rounding", "day_count", "tax_inclusive", "tiers", "ratio", "cap_period", "enterprise_year_fen",
    "enterprise_year_times", "pool_fen", "voucher_mode", "allowance_months",
)  # fmt: skip

# A value begins unconfirmed and takes one step: confirmation or withdrawal. Nothing else moves.
FIXED = """
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.confirmed_at IS NOT NULL OR NEW.withdrawn_at IS NOT NULL THEN
                RAISE EXCEPTION 'parameter % of measure % begins unconfirmed', NEW.name, NEW.measure_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL
           OR (NEW.id, NEW.public_id, NEW.measure_id, NEW.name, NEW.value, NEW.valid_from, NEW.basis,
               NEW.document_no, NEW.entered_by, NEW.entered_at)
              IS DISTINCT FROM
              (OLD.id, OLD.public_id, OLD.measure_id, OLD.name, OLD.value, OLD.valid_from, OLD.basis,
               OLD.document_no, OLD.entered_by, OLD.entered_at) THEN
            RAISE EXCEPTION 'parameter % of measure % is fixed: enter another', OLD.name, OLD.measure_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END"""

# Which cases a value holds for follows from the instant of its confirmation, so that instant is its event's.
RECORDED = """
    BEGIN
        IF NOT EXISTS (
            SELECT FROM event e
            WHERE e.stream = NEW.id AND (e.name, e.actor_id, e.at) IN (
                ('parameter_entered', CASE WHEN TG_OP = 'INSERT' THEN NEW.entered_by END, NEW.entered_at),
                ('parameter_confirmed', NEW.confirmed_by, NEW.confirmed_at),
                ('parameter_withdrawn', NEW.withdrawn_by, NEW.withdrawn_at))
        ) THEN
            RAISE EXCEPTION 'parameter % of measure % is not moved without the event that says so',
                NEW.name, NEW.measure_id USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END"""
FUNCTIONS = {"parameter_is_fixed": FIXED, "parameter_is_recorded": RECORDED}


def upgrade() -> None:
    person = lambda name: sa.ForeignKeyConstraint(  # noqa: E731
        [name], ["person.id"], name=op.f(f"fk_measure_parameter_{name}")
    )
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "measure_parameter",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("measure_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", instant, nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", instant, nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", instant, nullable=True),
        sa.CheckConstraint(f"name IN ({', '.join(map(repr, NAMES))})", name=op.f("ck_measure_parameter_name")),
        sa.CheckConstraint("value <> 'null'::jsonb", name=op.f("ck_measure_parameter_value")),
        sa.CheckConstraint(
            "btrim(basis) <> '' AND btrim(document_no) <> ''", name=op.f("ck_measure_parameter_sourced")
        ),
        sa.CheckConstraint(
            "(confirmed_by IS NULL) = (confirmed_at IS NULL)"
            " AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)",
            name=op.f("ck_measure_parameter_by_and_at"),
        ),
        sa.CheckConstraint("confirmed_by <> entered_by", name=op.f("ck_measure_parameter_second_person")),
        sa.CheckConstraint(
            "confirmed_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_measure_parameter_one_end")
        ),
        sa.CheckConstraint(
            "confirmed_at >= entered_at AND withdrawn_at >= entered_at", name=op.f("ck_measure_parameter_order")
        ),
        sa.ForeignKeyConstraint(["measure_id"], ["measure.id"], name=op.f("fk_measure_parameter_measure_id")),
        person("entered_by"),
        person("confirmed_by"),
        person("withdrawn_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measure_parameter")),
        sa.UniqueConstraint("public_id", name=op.f("uq_measure_parameter_public_id")),
    )
    op.create_index("ix_measure_parameter_measure", "measure_parameter", ["measure_id", "id"])
    op.create_index(
        "uq_measure_parameter_confirmed",
        "measure_parameter",
        ["measure_id", "name", "valid_from"],
        unique=True,
        postgresql_where="confirmed_at IS NOT NULL",
    )
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public AS $body$ {body}; $body$"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER measure_parameter_recorded AFTER INSERT OR UPDATE ON measure_parameter"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION parameter_is_recorded()"
    )
    for name, when, function in (
        ("measure_parameter_fixed", "BEFORE INSERT OR UPDATE ON {} FOR EACH ROW", "parameter_is_fixed"),
        ("measure_parameter_undeletable", "BEFORE DELETE ON {} FOR EACH ROW", "refuse_change"),
        ("measure_parameter_no_truncate", "BEFORE TRUNCATE ON {}", "refuse_change"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when.format('measure_parameter')} EXECUTE FUNCTION {function}()")
    op.execute(f"GRANT SELECT, INSERT ON measure_parameter TO {PROGRAM}")
    op.execute(
        "GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_by, withdrawn_at)"
        f" ON measure_parameter TO {PROGRAM}"
    )


def downgrade() -> None:
    op.drop_table("measure_parameter")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
