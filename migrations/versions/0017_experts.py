"""Experts, draws and their panels, score sheets; a shortlist that never has more than its quota."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, INT, AT = sa.BigInteger, sa.Text, sa.Integer, sa.DateTime(timezone=True)
LOST = "('withdrawn', 'rejected', 'lapsed', 'terminated', 'not_accepted')"

FUNCTIONS = {
    # Who left the panel writes no sheet; who has written one does not leave.
    "score_sheet_is_seated": """
        BEGIN
            PERFORM FROM panel_member m WHERE (m.case_id, m.round, m.person_id)
                = (NEW.case_id, NEW.round, NEW.person_id) AND m.status = 'seated' FOR SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'expert % does not sit in the panel of case %', NEW.person_id, NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    "panel_member_changes": """
        BEGIN
            IF OLD.status <> 'seated' OR (NEW.case_id, NEW.round, NEW.person_id, NEW.draw_id)
                    IS DISTINCT FROM (OLD.case_id, OLD.round, OLD.person_id, OLD.draw_id)
                OR EXISTS (SELECT FROM score_sheet s WHERE (s.case_id, s.round, s.person_id)
                    = (OLD.case_id, OLD.round, OLD.person_id)) THEN
                RAISE EXCEPTION 'expert % has left or has scored case %', OLD.person_id, OLD.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # A panel never has more people than its size, and each of them comes from the draw that is named.
    "panel_member_is_drawn": """
        BEGIN
            PERFORM FROM review_panel p WHERE (p.case_id, p.round) = (NEW.case_id, NEW.round) FOR UPDATE;
            IF NOT EXISTS (SELECT FROM expert_draw d JOIN person e ON e.id = NEW.person_id
                    JOIN "case" c ON c.id = NEW.case_id
                    WHERE d.id = NEW.draw_id AND d.panel ? e.public_id
                    AND (d.case_id = NEW.case_id OR d.call_id = c.call_id)) THEN
                RAISE EXCEPTION 'expert % was not drawn for case %', NEW.person_id, NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (SELECT count(*) FROM panel_member m WHERE (m.case_id, m.round) = (NEW.case_id, NEW.round)
                    AND m.status = 'seated') >= (SELECT p.size FROM review_panel p
                    WHERE (p.case_id, p.round) = (NEW.case_id, NEW.round)) THEN
                RAISE EXCEPTION 'the panel of case % is full', NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # A counter begins at nothing, keeps its name, and moves only from inside the trigger on its places.
    "shortlist_is_counted": """
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.taken <> 0 THEN
                    RAISE EXCEPTION 'shortlist % begins with no place taken', NEW.key
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NEW;
            END IF;
            IF (NEW.key, NEW.kind, NEW.measure_id) IS DISTINCT FROM (OLD.key, OLD.kind, OLD.measure_id)
               OR (NEW.taken <> OLD.taken AND pg_trigger_depth() < 2) THEN
                RAISE EXCEPTION 'shortlist % is counted from its places', OLD.key
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    "shortlist_place_is_due": """
        DECLARE
            called bigint := (SELECT c.call_id FROM "case" c WHERE c.id = NEW.case_id);
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF (NEW.named_at, NEW.freed_at) IS DISTINCT FROM (NULL, NULL)
                    OR (called IS NOT NULL AND NOT NEW.keys ? ('call:' || called)) THEN
                    RAISE EXCEPTION 'a place of case % counts for its call', NEW.case_id
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                IF NEW.promoted AND EXISTS (SELECT FROM shortlist_place p JOIN "case" c ON c.id = p.case_id
                        WHERE c.call_id = called AND p.named_at IS NOT NULL) THEN
                    RAISE EXCEPTION 'titles of the call of case % are issued', NEW.case_id
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            ELSIF (NEW.case_id, NEW.keys, NEW.rank, NEW.promoted, NEW.taken_at)
                IS DISTINCT FROM (OLD.case_id, OLD.keys, OLD.rank, OLD.promoted, OLD.taken_at)
                OR (OLD.freed_at IS NOT NULL) OR (OLD.named_at IS NOT NULL)
                OR (NEW.freed_at IS NOT NULL AND pg_trigger_depth() < 2) THEN
                RAISE EXCEPTION 'a place of case % stays what it is', OLD.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    "shortlist_place_counts": """
        DECLARE
            more int := CASE WHEN TG_OP = 'INSERT' THEN 1
                WHEN NEW.freed_at IS NOT NULL AND OLD.freed_at IS NULL THEN -1 ELSE 0 END;
            one text;
        BEGIN
            IF more = 0 THEN RETURN NULL; END IF;
            FOR one IN SELECT value FROM jsonb_array_elements_text(NEW.keys) ORDER BY value LOOP
                UPDATE shortlist SET taken = taken + more WHERE key = one;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'there is no shortlist %', one
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            END LOOP;
            RETURN NULL;
        END""",
    # Who leaves before being named frees the place; who was named keeps it (名额不再递补).
    "case_frees_place": """
        BEGIN
            UPDATE shortlist_place SET freed_at = coalesce(NEW.ended_at, now())
            WHERE case_id = NEW.id AND named_at IS NULL AND freed_at IS NULL;
            RETURN NULL;
        END""",
    # 补充公示: who was promoted is never listed beside those who were not.
    "publicity_is_supplementary": """
        BEGIN
            IF EXISTS (SELECT FROM shortlist_place p JOIN "case" c ON c.id = p.case_id
                    JOIN shortlist_place mine ON mine.case_id = NEW.id
                    WHERE c.publicity_id = NEW.publicity_id AND p.promoted <> mine.promoted) THEN
                RAISE EXCEPTION '递补的办件须另行补充公示，不得与原入围办件列入同一公示'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
}
DEFINERS = ("shortlist_place_counts", "case_frees_place")
KEPT = ("expert_recusal", "expert_draw", "score_sheet")
TRIGGERS = (
    ("score_sheet_seated", "BEFORE INSERT ON score_sheet FOR EACH ROW", "score_sheet_is_seated"),
    ("panel_member_changed", "BEFORE UPDATE ON panel_member FOR EACH ROW", "panel_member_changes"),
    ("panel_member_drawn", "BEFORE INSERT ON panel_member FOR EACH ROW", "panel_member_is_drawn"),
    ("panel_member_undeletable", "BEFORE DELETE ON panel_member FOR EACH ROW", "refuse_change"),
    ("review_panel_undeletable", "BEFORE DELETE ON review_panel FOR EACH ROW", "refuse_change"),
    ("shortlist_counted", "BEFORE INSERT OR UPDATE ON shortlist FOR EACH ROW", "shortlist_is_counted"),
    ("shortlist_undeletable", "BEFORE DELETE ON shortlist FOR EACH ROW", "refuse_change"),
    ("shortlist_place_due", "BEFORE INSERT OR UPDATE ON shortlist_place FOR EACH ROW", "shortlist_place_is_due"),
    ("shortlist_place_counted", "AFTER INSERT OR UPDATE ON shortlist_place FOR EACH ROW", "shortlist_place_counts"),
    ("shortlist_place_undeletable", "BEFORE DELETE ON shortlist_place FOR EACH ROW", "refuse_change"),
    *(
        (f"{table}_{what}", f"BEFORE {event} ON {table}{rows}", "refuse_change")
        for table in KEPT
        for what, event, rows in (
            ("unchanging", "UPDATE OR DELETE", " FOR EACH ROW"), ("no_truncate", "TRUNCATE", ""),
        )
    ),
    *(
        (f"{table}_no_truncate", f"BEFORE TRUNCATE ON {table}", "refuse_change")
        for table in ("panel_member", "review_panel", "shortlist", "shortlist_place")
    ),
    (
        "case_place_freed",
        'AFTER UPDATE OF outcome ON "case" FOR EACH ROW'
        f" WHEN (OLD.outcome IS NULL AND NEW.outcome IN {LOST})",
        "case_frees_place",
    ),
    (
        "case_publicity_supplementary",
        'AFTER UPDATE OF publicity_id ON "case" FOR EACH ROW'
        " WHEN (NEW.publicity_id IS NOT NULL AND NEW.publicity_id IS DISTINCT FROM OLD.publicity_id)",
        "publicity_is_supplementary",
    ),
)  # fmt: skip
TABLES = (
    "expert", "expert_recusal", "expert_draw", "review_panel", "panel_member", "score_sheet", "review_terms",
    "shortlist", "shortlist_place",
)  # fmt: skip
GRANTS = f"""
    GRANT SELECT ON {", ".join(TABLES)} TO {PROGRAM};
    GRANT INSERT ON expert, expert_recusal, expert_draw, review_panel, panel_member, score_sheet, review_terms TO {PROGRAM};
    GRANT UPDATE (fields, employer, employer_uscc, holdings, active_to) ON expert TO {PROGRAM};
    GRANT UPDATE (seated_at) ON review_panel TO {PROGRAM};
    GRANT UPDATE (status, reason, left_at) ON panel_member TO {PROGRAM};
    GRANT UPDATE (terms, tie_rule, quota, set_by, set_at) ON review_terms TO {PROGRAM};
    GRANT INSERT (key, kind, measure_id, quota), UPDATE (quota) ON shortlist TO {PROGRAM};
    GRANT INSERT, UPDATE (named_at) ON shortlist_place TO {PROGRAM};
"""


def _column(name: str, kind: object, *more: object, null: bool = False, **said: object) -> sa.Column:
    return sa.Column(name, kind, *more, nullable=null, **said)


def _to(table: str, column: str, target: str, key: str = "id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.{key}"], name=op.f(f"fk_{table}_{column}"))


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    _experts()
    _panels()
    _shortlists()
    for name, body in FUNCTIONS.items():
        rights = "SECURITY DEFINER" if name in DEFINERS else "SECURITY INVOKER"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {rights}"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)


def _experts() -> None:
    op.create_table(
        "expert",
        _column("person_id", BIG(), autoincrement=False), _column("organisation_id", BIG()),
        _column("fields", JSONB()), _column("employer", TEXT()),
        _column("employer_uscc", TEXT(), null=True), _column("holdings", JSONB()),
        _column("active_from", sa.Date()), _column("active_to", sa.Date(), null=True),
        _column("added_by", BIG()), _column("added_at", AT),
        _check("expert", "active", "active_to >= active_from"),
        _check("expert", "employer_uscc", "length(employer_uscc) = 18"),
        _to("expert", "person_id", "person"), _to("expert", "organisation_id", "organisation"),
        _key("expert", "person_id"),
    )  # fmt: skip
    op.create_index("ix_expert_organisation_id", "expert", ["organisation_id"])
    op.create_table(
        "expert_recusal",
        _column("person_id", BIG(), autoincrement=False),
        _column("organisation_id", BIG(), autoincrement=False),
        _column("reason", TEXT()), _column("declared_at", AT),
        _to("expert_recusal", "person_id", "expert", "person_id"),
        _to("expert_recusal", "organisation_id", "organisation"),
        _key("expert_recusal", "person_id", "organisation_id"),
    )  # fmt: skip
    op.create_table(
        "expert_draw",
        _column("id", BIG(), server_default=sa.text("nextval('entity_id')")),
        _column("call_id", BIG(), null=True), _column("case_id", BIG(), null=True),
        _column("size", INT()), _column("field", TEXT(), null=True),
        _column("seed", sa.LargeBinary()), _column("pool", JSONB()), _column("pool_hash", TEXT()),
        _column("panel", JSONB()), _column("panel_hash", TEXT()), _column("reason", TEXT(), null=True),
        _column("drawn_by", BIG()), _column("drawn_at", AT),
        _check("expert_draw", "scope", "(call_id IS NULL) <> (case_id IS NULL)"),
        _check("expert_draw", "size", "size > 0 AND jsonb_array_length(panel) = size"),
        _check("expert_draw", "seed", "length(seed) = 32"),
        _to("expert_draw", "call_id", "call"), _to("expert_draw", "case_id", "case"),
        _to("expert_draw", "drawn_by", "person"), _key("expert_draw", "id"),
    )  # fmt: skip
    for column in ("call_id", "case_id"):
        op.create_index(f"ix_expert_draw_{column}", "expert_draw", [column])


def _panels() -> None:
    op.create_table(
        "review_panel",
        _column("case_id", BIG(), autoincrement=False), _column("round", INT(), autoincrement=False),
        _column("size", INT()), _column("terms", JSONB()), _column("seated_at", AT, null=True),
        _check("review_panel", "odd", "size % 2 = 1"), _to("review_panel", "case_id", "case"),
        _key("review_panel", "case_id", "round"),
    )  # fmt: skip
    op.create_table(
        "panel_member",
        _column("case_id", BIG(), autoincrement=False), _column("round", INT(), autoincrement=False),
        _column("person_id", BIG(), autoincrement=False), _column("draw_id", BIG()),
        _column("status", TEXT()), _column("reason", TEXT(), null=True), _column("left_at", AT, null=True),
        _check("panel_member", "status", "status IN ('seated', 'declined', 'replaced')"),
        _check("panel_member", "left",
               "(status = 'seated') = (left_at IS NULL) AND (status = 'seated' OR reason IS NOT NULL)"),
        sa.ForeignKeyConstraint(["case_id", "round"], ["review_panel.case_id", "review_panel.round"],
                                name=op.f("fk_panel_member_case_id_round")),
        _to("panel_member", "person_id", "expert", "person_id"),
        _to("panel_member", "draw_id", "expert_draw"),
        _key("panel_member", "case_id", "round", "person_id"),
    )  # fmt: skip
    op.create_index("ix_panel_member_person_id", "panel_member", ["person_id"])
    op.create_table(
        "score_sheet",
        _column("case_id", BIG(), autoincrement=False), _column("round", INT(), autoincrement=False),
        _column("person_id", BIG(), autoincrement=False), _column("scores", JSONB()),
        _column("total", INT()), _column("opinion", TEXT()), _column("scored_at", AT),
        _check("score_sheet", "total", "total BETWEEN 0 AND 10000"),
        sa.ForeignKeyConstraint(
            ["case_id", "round", "person_id"],
            ["panel_member.case_id", "panel_member.round", "panel_member.person_id"],
            name="fk_score_sheet_member"),
        _key("score_sheet", "case_id", "round", "person_id"),
    )  # fmt: skip
    op.create_table(
        "review_terms",
        _column("call_id", BIG(), autoincrement=False), _column("terms", JSONB()),
        _column("tie_rule", JSONB()), _column("quota", INT(), null=True),
        _column("set_by", BIG()), _column("set_at", AT),
        _check("review_terms", "quota", "quota > 0"), _to("review_terms", "call_id", "call"),
        _to("review_terms", "set_by", "person"), _key("review_terms", "call_id"),
    )  # fmt: skip


def _shortlists() -> None:
    op.create_table(
        "shortlist",
        _column("key", TEXT()), _column("kind", TEXT()), _column("measure_id", BIG()),
        _column("quota", INT()), _column("taken", INT(), server_default="0"),
        _check("shortlist", "kind", "kind IN ('call', 'year', 'enterprise_year')"),
        _check("shortlist", "within_quota", "taken BETWEEN 0 AND quota"),
        _to("shortlist", "measure_id", "measure"), _key("shortlist", "key"),
    )  # fmt: skip
    op.create_index("ix_shortlist_measure_id", "shortlist", ["measure_id"])
    op.create_table(
        "shortlist_place",
        _column("case_id", BIG(), autoincrement=False), _column("keys", JSONB()),
        _column("rank", INT()), _column("promoted", sa.Boolean()), _column("taken_at", AT),
        _column("named_at", AT, null=True), _column("freed_at", AT, null=True),
        _check("shortlist_place", "once", "named_at IS NULL OR freed_at IS NULL"),
        _to("shortlist_place", "case_id", "case"), _key("shortlist_place", "case_id"),
    )  # fmt: skip


def downgrade() -> None:
    for name in ("case_place_freed", "case_publicity_supplementary"):
        op.execute(f'DROP TRIGGER {name} ON "case"')
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
