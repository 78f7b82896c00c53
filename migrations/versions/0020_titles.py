"""Lists of titles, their rows, matches and revocations; who follows whom."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, INT, DAY, AT = sa.BigInteger, sa.Text, sa.Integer, sa.Date, sa.DateTime(timezone=True)
TABLES = ("succession", "title_list", "title_row", "title_match", "title_revocation")
ROW = ("list_id", "line", "revision")

FUNCTIONS = {
    # Chains end somewhere: nobody follows somebody who follows them. One writer at a time.
    "succession_is_no_ring": """
        BEGIN
            PERFORM pg_advisory_xact_lock(72616375);
            IF EXISTS (WITH RECURSIVE chain AS (
                    SELECT NEW.successor AS code
                    UNION SELECT s.successor FROM succession s JOIN chain ON s.predecessor = chain.code
                ) SELECT FROM chain WHERE code = NEW.predecessor) THEN
                RAISE EXCEPTION 'the succession of % is a ring', NEW.predecessor
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # A correction follows the row that it corrects, whose title has made no case and is not revoked.
    "title_row_follows": """
        DECLARE
            newest int;
        BEGIN
            PERFORM pg_advisory_xact_lock(NEW.list_id);
            SELECT max(r.revision) INTO newest FROM title_row r
                WHERE r.list_id = NEW.list_id AND r.line = NEW.line;
            IF NEW.revision <> coalesce(newest, 0) + 1
               OR EXISTS (SELECT FROM title_match m WHERE m.list_id = NEW.list_id AND m.line = NEW.line
                    AND m.case_id IS NOT NULL)
               OR EXISTS (SELECT FROM title_revocation v
                    WHERE v.list_id = NEW.list_id AND v.line = NEW.line) THEN
                RAISE EXCEPTION 'line % of title list % cannot be corrected by revision %', NEW.line,
                    NEW.list_id, NEW.revision USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # A case is made of the newest revision of a title that is one and stands, for its holder and
    # measure; a match that has a case is for ever.
    "title_match_is_sound": """
        BEGIN
            PERFORM pg_advisory_xact_lock(NEW.list_id);
            IF TG_OP = 'UPDATE' AND (OLD.case_id IS NOT NULL OR (OLD.list_id, OLD.line, OLD.measure_id)
                    IS DISTINCT FROM (NEW.list_id, NEW.line, NEW.measure_id)) THEN
                RAISE EXCEPTION 'line % of title list % has its case', OLD.line, OLD.list_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.case_id IS NOT NULL AND (
                EXISTS (SELECT FROM title_row r WHERE r.list_id = NEW.list_id AND r.line = NEW.line
                    AND (r.revision > NEW.revision OR r.revision = NEW.revision AND r.result <> 'recorded'))
                OR EXISTS (SELECT FROM title_revocation v
                    WHERE v.list_id = NEW.list_id AND v.line = NEW.line)
                OR NOT EXISTS (SELECT FROM "case" c WHERE c.id = NEW.case_id
                    AND c.measure_id = NEW.measure_id AND c.parent_id IS NULL)) THEN
                RAISE EXCEPTION 'line % of title list % makes no case of measure %', NEW.line,
                    NEW.list_id, NEW.measure_id USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    "title_revocation_is_of_the_newest": """
        BEGIN
            PERFORM pg_advisory_xact_lock(NEW.list_id);
            IF EXISTS (SELECT FROM title_row r WHERE r.list_id = NEW.list_id AND r.line = NEW.line
                    AND (r.revision > NEW.revision OR r.revision = NEW.revision AND r.result <> 'recorded')) THEN
                RAISE EXCEPTION 'line % of title list % is no title to revoke', NEW.line, NEW.list_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
}
TRIGGERS = (
    ("succession_ringless", "BEFORE INSERT ON succession FOR EACH ROW", "succession_is_no_ring"),
    ("title_row_following", "BEFORE INSERT ON title_row FOR EACH ROW", "title_row_follows"),
    ("title_match_sound", "BEFORE INSERT OR UPDATE ON title_match FOR EACH ROW", "title_match_is_sound"),
    ("title_revocation_newest", "BEFORE INSERT ON title_revocation FOR EACH ROW",
     "title_revocation_is_of_the_newest"),
    ("title_match_undeletable", "BEFORE DELETE ON title_match FOR EACH ROW", "refuse_change"),
    *(
        (f"{table}_unchanging", f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW", "refuse_change")
        for table in TABLES if table != "title_match"
    ),
    *((f"{table}_no_truncate", f"BEFORE TRUNCATE ON {table}", "refuse_change") for table in TABLES),
)  # fmt: skip
GRANTS = f"""
    GRANT SELECT, INSERT ON {", ".join(TABLES)} TO {PROGRAM};
    GRANT UPDATE (revision, result, message, case_id, matched_by, matched_at) ON title_match TO {PROGRAM};
"""


def _column(name: str, kind: object, *, null: bool = False, **said: object) -> sa.Column:
    return sa.Column(name, kind, nullable=null, **said)


def _id() -> sa.Column:
    return _column("id", BIG(), server_default=sa.text("nextval('entity_id')"))


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _row(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(ROW), [f"title_row.{name}" for name in ROW], name=op.f(f"fk_{table}_row")
    )


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    _successions()
    _lists()
    _matches()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(GRANTS)


def _successions() -> None:
    op.create_table(
        "succession",
        _id(), _column("predecessor", TEXT()), _column("successor", TEXT()), _column("kind", TEXT()),
        _column("document_no", TEXT()), _column("effective_on", DAY()), _column("recorded_by", BIG()),
        _column("recorded_at", AT),
        _check("succession", "codes",
               "length(predecessor) = 18 AND length(successor) = 18 AND predecessor <> successor"),
        _check("succession", "kind", "kind IN ('merger', 'new_code', 'reorganisation')"),
        _check("succession", "sourced", "btrim(document_no) <> ''"),
        _to("succession", "recorded_by", "person"), _key("succession", "id"),
        sa.UniqueConstraint("predecessor", name="uq_succession_predecessor"),
    )  # fmt: skip
    op.create_index("ix_succession_successor", "succession", ["successor"])


def _lists() -> None:
    op.create_table(
        "title_list",
        _id(), _column("public_id", sa.String(length=32)), _column("organisation_id", BIG()),
        _column("document_no", TEXT()), _column("issued_by", TEXT()), _column("kind", TEXT()),
        _column("level", TEXT()), _column("per", TEXT()), _column("issued_on", DAY()),
        _column("valid_to", DAY(), null=True), _column("file_name", TEXT()),
        _column("file_sha256", sa.String(length=64)), _column("imported_by", BIG()),
        _column("imported_at", AT),
        _check("title_list", "level", "level IN ('national', 'provincial', 'city')"),
        _check("title_list", "per", "per IN ('object', 'holder')"),
        _check("title_list", "validity", "valid_to >= issued_on"),
        _check("title_list", "file", "length(file_sha256) = 64"),
        _check("title_list", "sourced", "btrim(document_no) <> '' AND btrim(issued_by) <> ''"),
        _to("title_list", "organisation_id", "organisation"), _to("title_list", "imported_by", "person"),
        _key("title_list", "id"),
        sa.UniqueConstraint("public_id", name=op.f("uq_title_list_public_id")),
        sa.UniqueConstraint("organisation_id", "document_no", "kind", "level", name="uq_title_list_document"),
    )  # fmt: skip
    op.create_table(
        "title_row",
        _column("list_id", BIG(), autoincrement=False), _column("line", INT(), autoincrement=False),
        _column("revision", INT(), autoincrement=False), _column("uscc", TEXT()), _column("name", TEXT()),
        _column("object", TEXT(), null=True), _column("object_no", TEXT(), null=True),
        _column("grade", TEXT(), null=True), _column("valid_to", DAY(), null=True),
        _column("thing", TEXT()), _column("result", TEXT()), _column("message", TEXT()),
        _column("reason", TEXT(), null=True), _column("recorded_by", BIG()), _column("recorded_at", AT),
        _check("title_row", "result", "result IN ('recorded', 'bad_code', 'duplicate', 'incomplete')"),
        _check("title_row", "corrected", "(revision = 1) = (reason IS NULL)"),
        _check("title_row", "place", "line > 0 AND revision > 0"),
        _to("title_row", "list_id", "title_list"), _to("title_row", "recorded_by", "person"),
        _key("title_row", *ROW),
    )  # fmt: skip
    op.create_index(
        "ix_title_row_uscc", "title_row", ["uscc"], postgresql_where=sa.text("result = 'recorded'")
    )


def _matches() -> None:
    op.create_table(
        "title_match",
        _column("list_id", BIG(), autoincrement=False), _column("line", INT(), autoincrement=False),
        _column("measure_id", BIG(), autoincrement=False), _column("revision", INT()),
        _column("result", TEXT()), _column("message", TEXT()), _column("case_id", BIG(), null=True),
        _column("matched_by", BIG()), _column("matched_at", AT),
        _check("title_match", "matched", "(result = 'matched') = (case_id IS NOT NULL)"),
        _row("title_match"), _to("title_match", "measure_id", "measure"),
        _to("title_match", "case_id", "case"), _to("title_match", "matched_by", "person"),
        _key("title_match", "list_id", "line", "measure_id"),
        sa.UniqueConstraint("case_id", name=op.f("uq_title_match_case_id")),
    )  # fmt: skip
    op.create_table(
        "title_revocation",
        _column("list_id", BIG(), autoincrement=False), _column("line", INT(), autoincrement=False),
        _column("revision", INT()), _column("document_no", TEXT()), _column("reason", TEXT()),
        _column("revoked_on", DAY()), _column("revoked_by", BIG()), _column("revoked_at", AT),
        _check("title_revocation", "sourced", "btrim(document_no) <> '' AND btrim(reason) <> ''"),
        _row("title_revocation"), _to("title_revocation", "revoked_by", "person"),
        _key("title_revocation", "list_id", "line"),
    )  # fmt: skip


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
