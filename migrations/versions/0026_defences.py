"""Panels of any stage, blind or face to face; absent experts; sheets with their last day; terms of a stage."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
FIRST = "expert_review"
# Until now there was one stage with a panel, and nobody met the applicant.
STATES = {
    "panel_states": "seat_panel score_case",
    "place_states": "take_place",
}
# Who has left or has scored stays so; absent (缺席) is only who was to come and did not.
MEMBER = """
    BEGIN
        IF OLD.status <> 'seated' OR (NEW.case_id, NEW.round, NEW.person_id, NEW.draw_id)
                IS DISTINCT FROM (OLD.case_id, OLD.round, OLD.person_id, OLD.draw_id)
            OR EXISTS (SELECT FROM score_sheet s WHERE (s.case_id, s.round, s.person_id)
                = (OLD.case_id, OLD.round, OLD.person_id)) THEN
            RAISE EXCEPTION 'expert % has left or has scored case %', OLD.person_id, OLD.case_id
                {refused};
        END IF;{absent}
        RETURN NEW;
    END"""
ABSENT = """
        IF NEW.status = 'absent' AND NOT (SELECT p.in_person FROM review_panel p
                WHERE (p.case_id, p.round) = (NEW.case_id, NEW.round)) THEN
            RAISE EXCEPTION 'nobody is absent from a panel of case % that does not meet', NEW.case_id
                {refused};
        END IF;"""

# Its size, its terms, whether it meets: as drawn. It is seated once.
PANEL = f"""
    BEGIN
        IF OLD.seated_at IS NOT NULL OR (NEW.case_id, NEW.round, NEW.stage, NEW.in_person, NEW.size, NEW.terms)
            IS DISTINCT FROM (OLD.case_id, OLD.round, OLD.stage, OLD.in_person, OLD.size, OLD.terms) THEN
            RAISE EXCEPTION 'the panel of case % stays as it was drawn', OLD.case_id {REFUSED};
        END IF;
        RETURN NEW;
    END"""


def _function(name: str, body: str, verb: str) -> None:
    op.execute(
        f"{verb} FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER"
        f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
    )


def _members(absent: str) -> None:
    body = MEMBER.format(refused=REFUSED, absent=absent.format(refused=REFUSED))
    _function("panel_member_changes", body, "CREATE OR REPLACE")


def _statuses(*more: str) -> None:
    op.drop_constraint(op.f("ck_panel_member_status"), "panel_member")
    named = ", ".join(f"'{each}'" for each in ("seated", "declined", "replaced", *more))
    op.create_check_constraint(op.f("ck_panel_member_status"), "panel_member", f"status IN ({named})")


def upgrade() -> None:
    for column, effects in STATES.items():
        either = " || ".join(f'@.effects[*] == "{each}"' for each in effects.split())
        said = sa.Computed(f"jsonb_path_query_array(definition, '$.steps[*] ? ({either}).source')", persisted=True)
        op.add_column("workflow", sa.Column(column, JSONB(), said, nullable=True))
    op.add_column("review_panel", sa.Column("stage", sa.Text(), nullable=False, server_default=FIRST))
    op.add_column("review_panel", sa.Column("in_person", sa.Boolean(), nullable=False, server_default=sa.false()))
    for column in ("stage", "in_person"):
        op.alter_column("review_panel", column, server_default=None)
    op.add_column("score_sheet", sa.Column("due_on", sa.Date(), nullable=True))
    _statuses("absent")
    _members(ABSENT)
    _function("review_panel_changes", PANEL, "CREATE")
    op.execute(
        "CREATE TRIGGER review_panel_changed BEFORE UPDATE ON review_panel"
        " FOR EACH ROW EXECUTE FUNCTION review_panel_changes()"
    )
    op.add_column("review_terms", sa.Column("stage", sa.Text(), nullable=False, server_default=""))
    op.alter_column("review_terms", "stage", server_default=None)
    op.drop_constraint(op.f("pk_review_terms"), "review_terms")
    op.create_primary_key(op.f("pk_review_terms"), "review_terms", ["call_id", "stage"])


def downgrade() -> None:
    """Go back; the terms of a single stage are lost, who was absent was replaced."""
    op.execute("DELETE FROM review_terms WHERE stage <> ''")
    op.drop_constraint(op.f("pk_review_terms"), "review_terms")
    op.drop_column("review_terms", "stage")
    op.create_primary_key(op.f("pk_review_terms"), "review_terms", ["call_id"])
    op.execute("DROP TRIGGER review_panel_changed ON review_panel")
    op.execute("DROP FUNCTION review_panel_changes()")
    _members("")
    op.execute("ALTER TABLE panel_member DISABLE TRIGGER panel_member_changed")
    op.execute("UPDATE panel_member SET status = 'replaced' WHERE status = 'absent'")
    op.execute("ALTER TABLE panel_member ENABLE TRIGGER panel_member_changed")
    _statuses()
    op.drop_column("score_sheet", "due_on")
    for column in ("stage", "in_person"):
        op.drop_column("review_panel", column)
    for column in STATES:
        op.drop_column("workflow", column)
