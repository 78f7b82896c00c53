"""Calls that go through their whole life, plans with one publicity each, summary sheets, late intake.

Calls that were planned before were public from that day: they become published.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
BIG, TEXT, INT, AT = sa.BigInteger, sa.Text, sa.Integer, sa.DateTime(timezone=True)
REFUSED = "USING ERRCODE = 'integrity_constraint_violation'"
STATUSES = (
    "planned", "published", "open", "closed", "reviewing", "plan_drafted", "plan_approved", "publicity",
    "released", "settled", "archived",
)  # fmt: skip
STEPS = (
    ("planned", "published"), ("planned", "closed"), ("published", "open"), ("published", "closed"),
    ("open", "closed"), ("closed", "reviewing"), ("closed", "settled"), ("closed", "archived"),
    ("reviewing", "plan_drafted"), ("reviewing", "settled"), ("reviewing", "archived"),
    ("plan_drafted", "plan_approved"), ("plan_drafted", "reviewing"), ("plan_approved", "publicity"),
    ("plan_approved", "settled"), ("publicity", "plan_drafted"), ("publicity", "released"),
    ("released", "settled"), ("settled", "archived"),
)  # fmt: skip
EVENTS = (
    ("published", "call_published"), ("open", "call_opened"), ("closed", "call_closed"),
    ("reviewing", "call_review_begun"), ("plan_drafted", "call_plan_drafted"),
    ("plan_approved", "call_plan_approved"), ("publicity", "call_publicised"), ("released", "call_released"),
    ("settled", "call_settled"), ("archived", "call_archived"),
)  # fmt: skip
REASON_CODES = (
    "not_in_scope", "not_in_period", "condition_not_met", "material_false", "duplicate", "credit_veto",
    "related_party", "cost_not_recognised", "quota_exceeded", "budget_exhausted", "policy_expired",
)  # fmt: skip
PLAN_STATUSES = ("drafted", "reviewed", "approved", "publicised", "returned", "restarted")
PLAN_STEPS = (
    ("drafted", "reviewed"), ("reviewed", "approved"), ("approved", "publicised"), ("publicised", "restarted"),
    ("drafted", "returned"), ("reviewed", "returned"),
)  # fmt: skip
DOING = "('drafted', 'reviewed', 'approved')"
CONSENTED = """(SELECT l.until_on FROM late_intake l WHERE (l.call_id, l.organisation_id) = (NEW.call_id, NEW.applicant_id)
                AND l.consented_at <= NEW.submitted_at ORDER BY l.until_on DESC LIMIT 1)"""

QUESTIONS = {
    # Every publicity of its plans is over, and each case that is still supported has its payment orders.
    "call_is_released": f"""
        SELECT NOT EXISTS (SELECT FROM plan p WHERE p.call_id = asked AND p.status IN {DOING})
            AND NOT EXISTS (SELECT FROM plan p JOIN publicity b ON b.id = p.publicity_id
                WHERE p.call_id = asked AND p.status = 'publicised' AND b.status = 'open')
            AND NOT EXISTS (SELECT FROM plan p JOIN plan_line l ON l.plan_id = p.id JOIN "case" c ON c.id = l.case_id
                WHERE p.call_id = asked AND p.status = 'publicised' AND l.result = 'support' AND c.outcome IS NULL
                AND NOT EXISTS (SELECT FROM payment m JOIN "case" k ON k.id = m.case_id
                    WHERE k.id = c.id OR k.parent_id = c.id))""",
    # No plan is being decided, and each case has ended or is paid in full, every order of it confirmed.
    "call_is_settled": f"""
        SELECT NOT EXISTS (SELECT FROM plan p WHERE p.call_id = asked AND p.status IN {DOING})
            AND NOT EXISTS (SELECT FROM "case" c WHERE c.call_id = asked AND c.outcome IS NULL
                AND (c.approved_fen IS NULL OR c.paid_fen < c.approved_fen
                    OR EXISTS (SELECT FROM payment m WHERE m.case_id = c.id AND m.status <> 'paid')))""",
}

FUNCTIONS = {
    # No step is skipped and none goes back but the two that §2.1 has; what a call says stays said.
    "call_moves": f"""
        DECLARE
            refused text;
        BEGIN
            IF (NEW.public_id, NEW.measure_id, NEW.procedure, NEW.opens_on, NEW.closes_on, NEW.eligible_from,
                NEW.eligible_to, NEW.quota, NEW.publicity_days, NEW.rounding, NEW.documents, NEW.title, NEW.planned_by)
               IS DISTINCT FROM (OLD.public_id, OLD.measure_id, OLD.procedure, OLD.opens_on, OLD.closes_on,
                OLD.eligible_from, OLD.eligible_to, OLD.quota, OLD.publicity_days, OLD.rounding, OLD.documents, OLD.title,
                OLD.planned_by)
               OR (OLD.published_by IS NOT NULL AND NEW.published_by IS DISTINCT FROM OLD.published_by) THEN
                RAISE EXCEPTION 'call % says what it says', OLD.id {REFUSED};
            END IF;
            IF NEW.status = OLD.status THEN
                RETURN NULL;
            END IF;
            IF (OLD.status, NEW.status) NOT IN ({", ".join(map(str, STEPS))})
               OR (NEW.procedure = 'standing' AND NEW.status = 'reviewing') THEN
                refused := 'no such step';
            ELSIF NEW.status = 'plan_drafted' AND NOT EXISTS (SELECT FROM plan p WHERE p.call_id = NEW.id
                    AND p.kind = 'whole' AND p.status = 'drafted'
                    AND (p.replaces_id IS NOT NULL) >= (OLD.status = 'publicity')) THEN
                refused := 'there is no plan in draft';
            ELSIF OLD.status = 'plan_drafted' AND NEW.status = 'reviewing' AND EXISTS (SELECT FROM plan p
                    WHERE p.call_id = NEW.id AND p.status IN {DOING}) THEN
                refused := 'its plan is not returned';
            ELSIF NEW.status = 'plan_approved' AND NOT EXISTS (SELECT FROM plan p WHERE p.call_id = NEW.id
                    AND p.kind = 'whole' AND p.status = 'approved') THEN
                refused := 'its plan is not approved';
            ELSIF NEW.status = 'publicity' AND NOT EXISTS (SELECT FROM plan p WHERE p.call_id = NEW.id
                    AND p.kind = 'whole' AND p.status = 'publicised') THEN
                refused := 'its plan is not public';
            ELSIF NEW.status = 'released' AND NOT call_is_released(NEW.id) THEN
                refused := 'its funds are not released';
            ELSIF NEW.status = 'settled' AND NOT call_is_settled(NEW.id) THEN
                refused := 'its cases are not settled';
            ELSIF NEW.status = 'archived' AND OLD.status = 'settled'
                AND (NEW.moved_at AT TIME ZONE 'Asia/Shanghai')::date
                    < (OLD.moved_at AT TIME ZONE 'Asia/Shanghai')::date + 30 THEN
                refused := 'thirty days are not over';
            ELSIF NEW.status = 'archived' AND OLD.status <> 'settled'
                AND EXISTS (SELECT FROM "case" c WHERE c.call_id = NEW.id) THEN
                refused := 'it has cases';
            END IF;
            IF refused IS NOT NULL THEN
                RAISE EXCEPTION 'call %: % -> % refused: %', NEW.id, OLD.status, NEW.status, refused {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "call_begins_planned": f"""
        BEGIN
            IF NEW.status <> 'planned' OR NEW.published_by IS NOT NULL THEN
                RAISE EXCEPTION 'a call begins planned, not %', NEW.status {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "call_moves_are_told": f"""
        BEGIN
            IF NEW.moved_seq <= OLD.moved_seq OR NOT EXISTS (SELECT FROM event e WHERE e.stream = NEW.id
                AND e.seq = NEW.moved_seq
                AND (NEW.status, e.name) IN ({", ".join(map(str, EVENTS))})) THEN
                RAISE EXCEPTION 'call % cannot be % without the event that says so', NEW.id, NEW.status {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "late_intake_is_due": f"""
        BEGIN
            IF TG_OP = 'UPDATE' AND (OLD.consented_by IS NOT NULL
                OR (NEW.id, NEW.public_id, NEW.call_id, NEW.organisation_id, NEW.until_on, NEW.reason, NEW.asked_by,
                    NEW.asked_at) IS DISTINCT FROM (OLD.id, OLD.public_id, OLD.call_id, OLD.organisation_id,
                    OLD.until_on, OLD.reason, OLD.asked_by, OLD.asked_at)) THEN
                RAISE EXCEPTION 'late intake % stays what it is', OLD.id {REFUSED};
            END IF;
            IF (TG_OP = 'INSERT' AND NEW.consented_by IS NOT NULL) OR NOT EXISTS (
                SELECT FROM call k WHERE k.id = NEW.call_id AND k.status IN ('closed', 'reviewing')
                AND NEW.until_on > k.closes_on) THEN
                RAISE EXCEPTION 'call % takes nothing late now', NEW.call_id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # A plan is born a draft; later only its status moves, one step at a time.
    "plan_is_fixed": f"""
        BEGIN
            IF (NEW.id, NEW.public_id, NEW.call_id, NEW.version, NEW.kind, NEW.replaces_id, NEW.reason, NEW.line_count,
                NEW.support_count, NEW.support_fen, NEW.drafted_by, NEW.drafted_at)
               IS DISTINCT FROM (OLD.id, OLD.public_id, OLD.call_id, OLD.version, OLD.kind, OLD.replaces_id, OLD.reason,
                OLD.line_count, OLD.support_count, OLD.support_fen, OLD.drafted_by, OLD.drafted_at)
               OR (OLD.reviewed_by, OLD.reviewed_at) IS DISTINCT FROM (NEW.reviewed_by, NEW.reviewed_at)
                  AND OLD.reviewed_by IS NOT NULL
               OR (OLD.approved_by, OLD.approved_at, OLD.minutes_no)
                  IS DISTINCT FROM (NEW.approved_by, NEW.approved_at, NEW.minutes_no) AND OLD.approved_by IS NOT NULL
               OR (OLD.publicity_id IS NOT NULL AND NEW.publicity_id IS DISTINCT FROM OLD.publicity_id)
               OR (OLD.status, NEW.status) NOT IN ({", ".join(map(str, PLAN_STEPS))}) THEN
                RAISE EXCEPTION 'plan % (%) stays what it is; another list needs another version', OLD.id, OLD.status
                    {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # What a plan lists adds up, is of its call, and with the call's other plans stays within quota and budget.
    "plan_is_whole": f"""
        DECLARE
            said call;
            taken bigint;
            named bigint;
            listed record;
        BEGIN
            SELECT * INTO said FROM call WHERE id = NEW.call_id FOR NO KEY UPDATE;
            SELECT count(*) AS lines, count(l.fen) AS supported, coalesce(sum(l.fen), 0) AS fen,
                count(*) FILTER (WHERE c.call_id IS DISTINCT FROM NEW.call_id OR c.parent_id IS NOT NULL
                    OR (l.fen IS NOT NULL AND c.outcome IS NOT NULL)) AS strange
                INTO listed FROM plan_line l JOIN "case" c ON c.id = l.case_id WHERE l.plan_id = NEW.id;
            IF said.procedure <> 'batch' OR (listed.lines, listed.supported, listed.fen, listed.strange)
                IS DISTINCT FROM (NEW.line_count::bigint, NEW.support_count::bigint, NEW.support_fen::numeric, 0::bigint)
            THEN
                RAISE EXCEPTION 'plan % does not list what it says', NEW.id {REFUSED};
            END IF;
            SELECT coalesce(sum(CASE WHEN c.outcome IS NULL THEN l.fen ELSE c.paid_fen END), 0),
                count(*) FILTER (WHERE c.outcome IS NULL OR c.paid_fen > 0)
                INTO taken, named
                FROM plan p JOIN plan_line l ON l.plan_id = p.id JOIN "case" c ON c.id = l.case_id
                WHERE p.call_id = NEW.call_id AND l.result = 'support' AND p.status NOT IN ('returned', 'restarted')
                AND NOT EXISTS (SELECT FROM plan q JOIN plan_line m ON m.plan_id = q.id
                    WHERE q.call_id = p.call_id AND q.status NOT IN ('returned', 'restarted')
                    AND q.version > p.version AND m.case_id = l.case_id);
            IF named > said.quota THEN
                RAISE EXCEPTION 'plan % supports % cases, the quota is %', NEW.id, named, said.quota
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'plan_within_quota';
            END IF;
            IF taken > said.pool_fen THEN
                RAISE EXCEPTION 'plan % takes % fen of a pool of %', NEW.id, taken, said.pool_fen
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'plan_within_pool';
            END IF;
            IF (NEW.replaces_id IS NOT NULL OR NEW.kind = 'supplementary') IS DISTINCT FROM EXISTS (
                    SELECT FROM plan p WHERE p.call_id = NEW.call_id AND p.kind = 'whole' AND p.id <> NEW.id
                    AND p.status IN ('publicised', 'restarted'))
               OR NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT FROM plan p WHERE p.id = NEW.replaces_id
                    AND p.call_id = NEW.call_id AND p.status = 'restarted')
               OR EXISTS (SELECT FROM plan_line l WHERE l.plan_id = NEW.id AND l.result = 'support'
                    AND NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT FROM plan_line b
                        WHERE (b.plan_id, b.case_id, b.result) = (NEW.replaces_id, l.case_id, 'support')))
               OR NEW.kind = 'supplementary' AND EXISTS (SELECT FROM plan_line l WHERE l.plan_id = NEW.id
                    AND NOT EXISTS (SELECT FROM plan p JOIN plan_line b ON b.plan_id = p.id
                        WHERE p.call_id = NEW.call_id AND p.status = 'publicised' AND b.case_id = l.case_id
                        AND b.result IN ('support', 'waitlist'))) THEN
                RAISE EXCEPTION 'plan %: who waits is supported by a supplementary plan alone', NEW.id
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'plan_is_supplementary';
            END IF;
            RETURN NULL;
        END""",
    # A plan is made public as a whole: those of its supported cases that have not ended meanwhile, no other.
    "plan_is_listed": f"""
        BEGIN
            IF NEW.status = 'publicised' AND EXISTS (
                SELECT FROM (SELECT l.case_id, l.fen FROM plan_line l JOIN "case" c ON c.id = l.case_id
                        WHERE l.plan_id = NEW.id AND l.result = 'support' AND c.outcome IS NULL) mine
                    FULL JOIN (SELECT case_id, fen FROM publicity_case WHERE publicity_id = NEW.publicity_id) told
                    USING (case_id)
                WHERE mine.fen IS DISTINCT FROM told.fen) THEN
                RAISE EXCEPTION 'publicity % does not list what plan % supports', NEW.publicity_id, NEW.id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "listing_is_of_a_plan": f"""
        BEGIN
            IF EXISTS (SELECT FROM "case" c JOIN call k ON k.id = c.call_id AND k.procedure = 'batch'
                    WHERE c.id = NEW.case_id)
               AND NOT EXISTS (SELECT FROM plan p JOIN plan_line l ON l.plan_id = p.id
                    WHERE p.publicity_id = NEW.publicity_id AND l.case_id = NEW.case_id AND l.fen = NEW.fen) THEN
                RAISE EXCEPTION 'case % of a batch is publicised by its plan alone', NEW.case_id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    # A list that was withdrawn lets nobody through.
    "approval_rests_on_a_list": f"""
        BEGIN
            IF EXISTS (SELECT FROM publicity p WHERE p.id = NEW.publicity_id AND p.status = 'restarted') THEN
                RAISE EXCEPTION 'the list of case % was withdrawn; it waits for the next', NEW.id {REFUSED};
            END IF;
            RETURN NULL;
        END""",
    "summary_sheet_is_whole": f"""
        BEGIN
            IF (SELECT count(*) FILTER (WHERE c.call_id = NEW.call_id AND c.submitted_at IS NOT NULL
                    AND (c.parties->>'district')::bigint = NEW.organisation_id) FROM summary_line l
                    JOIN "case" c ON c.id = l.case_id WHERE l.sheet_id = NEW.id) <> NEW.line_count THEN
                RAISE EXCEPTION 'sheet % does not list % cases of its call and place', NEW.id, NEW.line_count {REFUSED};
            END IF;
            RETURN NULL;
        END""",
}
DEFERRED = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
TRIGGERS = (
    ("TRIGGER call_begun AFTER INSERT ON call FOR EACH ROW", "call_begins_planned"),
    ("TRIGGER call_moved AFTER UPDATE ON call FOR EACH ROW", "call_moves"),
    (f"CONSTRAINT TRIGGER call_told AFTER UPDATE OF status ON call {DEFERRED} WHEN (NEW.status <> OLD.status)",
     "call_moves_are_told"),
    ("TRIGGER call_undeletable BEFORE DELETE ON call FOR EACH ROW", "refuse_change"),
    ("TRIGGER late_intake_due AFTER INSERT OR UPDATE ON late_intake FOR EACH ROW", "late_intake_is_due"),
    ("TRIGGER late_intake_undeletable BEFORE DELETE ON late_intake FOR EACH ROW", "refuse_change"),
    ("TRIGGER plan_fixed AFTER UPDATE ON plan FOR EACH ROW", "plan_is_fixed"),
    (f"CONSTRAINT TRIGGER plan_whole AFTER INSERT ON plan {DEFERRED}", "plan_is_whole"),
    (f"CONSTRAINT TRIGGER plan_listed AFTER UPDATE OF status ON plan {DEFERRED}", "plan_is_listed"),
    ("TRIGGER plan_undeletable BEFORE DELETE ON plan FOR EACH ROW", "refuse_change"),
    ("TRIGGER plan_line_append_only BEFORE UPDATE OR DELETE ON plan_line FOR EACH ROW", "refuse_change"),
    (f"CONSTRAINT TRIGGER publicity_case_planned AFTER INSERT ON publicity_case {DEFERRED}", "listing_is_of_a_plan"),
    ('TRIGGER case_approval_listed AFTER UPDATE OF approved_fen ON "case" FOR EACH ROW'
     " WHEN (NEW.approved_fen IS NOT NULL AND NEW.approved_fen IS DISTINCT FROM OLD.approved_fen)",
     "approval_rests_on_a_list"),
    (f"CONSTRAINT TRIGGER summary_sheet_whole AFTER INSERT ON summary_sheet {DEFERRED}", "summary_sheet_is_whole"),
    *(
        (f"TRIGGER {table}_{what} BEFORE {event} ON {table}{rows}", "refuse_change")
        for table in ("summary_sheet", "summary_line", "district_pass")
        for what, event, rows in (
            ("append_only", "UPDATE OR DELETE", " FOR EACH ROW"), ("no_truncate", "TRUNCATE", ""),
        )
    ),
    *(
        (f"TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}", "refuse_change")
        for table in ("plan", "plan_line", "late_intake")
    ),
)  # fmt: skip
TABLES = ("late_intake", "plan", "plan_line", "summary_sheet", "summary_line", "district_pass")
GRANTS = f"""
    GRANT SELECT, INSERT ON {", ".join(TABLES)} TO {PROGRAM};
    GRANT UPDATE (consented_by, consented_at) ON late_intake TO {PROGRAM};
    GRANT UPDATE (status, reviewed_by, reviewed_at, approved_by, approved_at, minutes_no, returned_by, returned_at,
        return_reason, publicity_id) ON plan TO {PROGRAM};
    REVOKE UPDATE, DELETE ON call FROM {PROGRAM};
    GRANT UPDATE (status, published_by, moved_at, moved_seq, short_pool, pool_fen) ON call TO {PROGRAM};
"""
# Written anew: the submission looks at what was let in late, a publicity may be restarted.
SUBMISSION = """
        DECLARE
            today date := (NEW.submitted_at AT TIME ZONE 'Asia/Shanghai')::date;
            policy policy_version;
            window_ call;
        BEGIN
            SELECT * INTO policy FROM policy_version WHERE id = NEW.policy_version_id;
            IF policy.status <> 'in_force'
               OR today NOT BETWEEN policy.effective_from AND policy.effective_to THEN
                RAISE EXCEPTION 'policy % takes no submission on %', policy.title, today
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            SELECT * INTO window_ FROM call WHERE id = NEW.call_id;
            IF FOUND AND {refused} THEN
                RAISE EXCEPTION 'call % takes no submission on %', window_.title, today
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END"""
OUTSIDE = "today NOT BETWEEN window_.opens_on AND window_.closes_on"
LATE = f"""(today < window_.opens_on OR today > greatest(window_.closes_on, {CONSENTED})
                OR window_.procedure = 'batch' AND window_.status <> 'open'
                    AND NOT (window_.status IN ('closed', 'reviewing') AND today > window_.closes_on))"""
FIXED = f"""
        BEGIN
            IF (to_jsonb(NEW) - 'status' - 'closed_at') IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'closed_at')
               OR (OLD.status, NEW.status) NOT IN (%s) THEN
                RAISE EXCEPTION 'publicity % is fixed: a changed list needs a publicity of its own', OLD.id {REFUSED};
            END IF;
            RETURN NEW;
        END"""
ENDS = "('open', 'open'), ('open', 'closed')"


def _column(name: str, kind: object, *more: object, null: bool = False, **said: object) -> sa.Column:
    return sa.Column(name, kind, *more, nullable=null, **said)


def _to(table: str, column: str, target: str, key: str = "id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.{key}"], name=op.f(f"fk_{table}_{column}"))


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _check(table: str, name: str, words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(words, name=op.f(f"ck_{table}_{name}"))


def _id() -> tuple[sa.Column, sa.Column]:
    return _column("id", BIG(), server_default=sa.text("nextval('entity_id')")), _column("public_id", sa.String(32))


def upgrade() -> None:
    _calls()
    _publicity_may_restart()
    _plans()
    _sheets()
    for name, words in QUESTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}(asked bigint) RETURNS boolean LANGUAGE sql STABLE"
            f" SET search_path = public, pg_temp AS $body$ {words} $body$"
        )
    for name, body in FUNCTIONS.items():
        _function(name, body, "CREATE")
    for what, function in TRIGGERS:
        op.execute(f"CREATE {what} EXECUTE FUNCTION {function}()")
    _function("submission_within_policy", SUBMISSION.format(refused=LATE), "CREATE OR REPLACE")
    op.execute(GRANTS)


def _function(name: str, body: str, how: str) -> None:
    op.execute(
        f"{how} FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
        f" SET search_path = public, pg_temp AS $body$ {body}; $body$"
    )


def _calls() -> None:
    for column in (
        _column("procedure", TEXT(), server_default="standing"), _column("quota", INT(), null=True),
        _column("publicity_days", INT(), null=True), _column("rounding", TEXT(), null=True),
        _column("documents", JSONB(), server_default="[]"), _column("planned_by", BIG(), null=True),
        _column("published_by", BIG(), null=True), _column("moved_at", AT, null=True),
        _column("moved_seq", INT(), server_default="0"),
    ):  # fmt: skip
        op.add_column("call", column)
    for name in ("planned_by", "published_by"):
        op.create_foreign_key(op.f(f"fk_call_{name}"), "call", "person", [name], ["id"])
    op.drop_constraint(op.f("ck_call_status"), "call")
    op.execute("UPDATE call SET status = 'published' WHERE status = 'planned'")
    for name, words in (
        ("status", f"status IN {STATUSES}"), ("procedure", "procedure IN ('standing', 'batch')"),
        ("quota", "quota > 0"), ("publicity_days", "publicity_days BETWEEN 1 AND 30"),
        ("four_eyes",
         "procedure = 'standing' OR published_by IS NULL OR published_by IS DISTINCT FROM planned_by"),
        ("published",
         "procedure = 'standing' OR status IN ('planned', 'closed', 'archived') OR published_by IS NOT NULL"),
    ):  # fmt: skip
        op.create_check_constraint(op.f(f"ck_call_{name}"), "call", words)
    op.create_table(
        "late_intake", *_id(), _column("call_id", BIG()), _column("organisation_id", BIG()),
        _column("until_on", sa.Date()), _column("reason", TEXT()), _column("asked_by", BIG()),
        _column("asked_at", AT), _column("consented_by", BIG(), null=True), _column("consented_at", AT, null=True),
        _check("late_intake", "reasoned", "btrim(reason) <> ''"),
        _check("late_intake", "four_eyes", "consented_by <> asked_by"),
        _check("late_intake", "consented", "(consented_by IS NULL) = (consented_at IS NULL)"),
        _to("late_intake", "call_id", "call"), _to("late_intake", "organisation_id", "organisation"),
        _to("late_intake", "asked_by", "person"), _to("late_intake", "consented_by", "person"),
        _key("late_intake", "id"), sa.UniqueConstraint("public_id", name=op.f("uq_late_intake_public_id")),
    )  # fmt: skip
    op.create_index("ix_late_intake_call", "late_intake", ["call_id", "organisation_id"])


def _publicity_may_restart() -> None:
    for name in ("status", "closed"):
        op.drop_constraint(op.f(f"ck_publicity_{name}"), "publicity")
    op.create_check_constraint(op.f("ck_publicity_status"), "publicity", "status IN ('open', 'closed', 'restarted')")
    op.create_check_constraint(
        op.f("ck_publicity_closed"), "publicity", "(status <> 'open') = (closed_at IS NOT NULL)"
    )
    _function("publicity_is_fixed", FIXED.replace("%s", f"{ENDS}, ('open', 'restarted')"), "CREATE OR REPLACE")


def _plans() -> None:
    op.create_table(
        "plan", *_id(), _column("call_id", BIG()), _column("version", INT()), _column("kind", TEXT()),
        _column("status", TEXT()), _column("replaces_id", BIG(), null=True), _column("reason", TEXT(), null=True),
        _column("line_count", INT()), _column("support_count", INT()), _column("support_fen", BIG()),
        _column("drafted_by", BIG()), _column("drafted_at", AT),
        *(_column(f"{done}_by", BIG(), null=True) for done in ("reviewed", "approved", "returned")),
        *(_column(f"{done}_at", AT, null=True) for done in ("reviewed", "approved", "returned")),
        _column("minutes_no", TEXT(), null=True), _column("return_reason", TEXT(), null=True),
        _column("publicity_id", BIG(), null=True),
        _check("plan", "kind", "kind IN ('whole', 'supplementary')"),
        _check("plan", "status", f"status IN {PLAN_STATUSES}"),
        _check("plan", "counted", "line_count > 0 AND support_count BETWEEN 0 AND line_count"),
        _check("plan", "reasoned", "replaces_id IS NULL OR reason IS NOT NULL"),
        _check("plan", "four_eyes",
               "reviewed_by <> drafted_by AND approved_by <> drafted_by AND approved_by <> reviewed_by"),
        _check("plan", "reviewed", "status NOT IN ('reviewed', 'approved', 'publicised', 'restarted')"
               " OR (reviewed_by IS NOT NULL AND reviewed_at IS NOT NULL)"),
        _check("plan", "approved", "status NOT IN ('approved', 'publicised', 'restarted')"
               " OR (approved_by IS NOT NULL AND approved_at IS NOT NULL AND btrim(minutes_no) <> '')"),
        _check("plan", "returned", "(status = 'returned') = (returned_by IS NOT NULL) AND (returned_by IS NULL)"
               " = (return_reason IS NULL) AND (returned_by IS NULL) = (returned_at IS NULL)"),
        _check("plan", "publicised", "(status IN ('publicised', 'restarted')) = (publicity_id IS NOT NULL)"),
        _to("plan", "call_id", "call"), _to("plan", "replaces_id", "plan"), _to("plan", "publicity_id", "publicity"),
        *(_to("plan", f"{done}_by", "person") for done in ("drafted", "reviewed", "approved", "returned")),
        _key("plan", "id"), sa.UniqueConstraint("public_id", name=op.f("uq_plan_public_id")),
        sa.UniqueConstraint("publicity_id", name=op.f("uq_plan_publicity_id")),
        sa.UniqueConstraint("call_id", "version", name="uq_plan_version"),
        sa.UniqueConstraint("id", "line_count", name="uq_plan_line_count"),
    )  # fmt: skip
    for name, where in (
        ("doing", f"status IN {DOING}"), ("in_force", "kind = 'whole' AND status = 'publicised'"),
    ):  # fmt: skip
        op.create_index(f"uq_plan_{name}", "plan", ["call_id"], unique=True, postgresql_where=where)
    op.create_table(
        "plan_line", _column("plan_id", BIG(), autoincrement=False), _column("case_id", BIG(), autoincrement=False),
        _column("line", INT()), _column("line_count", INT()), _column("result", TEXT()),
        _column("rank", INT(), null=True), _column("wanted_fen", BIG(), null=True), _column("fen", BIG(), null=True),
        _column("reason", TEXT(), null=True), _column("reason_code", TEXT(), null=True),
        _check("plan_line", "line", "line BETWEEN 1 AND line_count"),
        _check("plan_line", "result", "result IN ('support', 'waitlist', 'unsupported')"),
        _check("plan_line", "amount", "(result = 'support') = (fen IS NOT NULL) AND fen >= 0"),
        _check("plan_line", "cut_is_reasoned",
               "fen IS NULL OR wanted_fen IS NULL OR fen >= wanted_fen OR btrim(reason) <> ''"),
        _check("plan_line", "unsupported_is_reasoned",
               f"(result = 'unsupported') = (reason_code IS NOT NULL) AND reason_code IN {REASON_CODES}"
               " AND (result <> 'unsupported' OR btrim(reason) <> '')"),
        sa.ForeignKeyConstraint(["plan_id", "line_count"], ["plan.id", "plan.line_count"], name="fk_plan_line_plan"),
        _to("plan_line", "case_id", "case"), _key("plan_line", "plan_id", "case_id"),
        sa.UniqueConstraint("plan_id", "line", name="uq_plan_line_line"),
    )  # fmt: skip
    op.create_index("ix_plan_line_case", "plan_line", ["case_id"])


def _sheets() -> None:
    op.create_table(
        "summary_sheet", *_id(), _column("call_id", BIG()), _column("organisation_id", BIG()),
        _column("version", INT()), _column("document_no", TEXT()), _column("line_count", INT()),
        _column("applied_fen", BIG()), _column("list_sha256", TEXT()), _column("file_sha256", TEXT()),
        _column("sent_by", BIG()), _column("sent_at", AT),
        _check("summary_sheet", "counted", "line_count > 0"),
        _check("summary_sheet", "numbered", "btrim(document_no) <> ''"),
        *(_check("summary_sheet", name, f"{name} ~ '^[0-9a-f]{{64}}$'") for name in ("list_sha256", "file_sha256")),
        _to("summary_sheet", "call_id", "call"), _to("summary_sheet", "organisation_id", "organisation"),
        _to("summary_sheet", "sent_by", "person"), _key("summary_sheet", "id"),
        sa.UniqueConstraint("public_id", name=op.f("uq_summary_sheet_public_id")),
        sa.UniqueConstraint("call_id", "organisation_id", "version", name="uq_summary_sheet_version"),
        sa.UniqueConstraint("id", "line_count", name="uq_summary_sheet_line_count"),
    )  # fmt: skip
    op.create_table(
        "summary_line", _column("sheet_id", BIG(), autoincrement=False),
        _column("case_id", BIG(), autoincrement=False), _column("line", INT()), _column("line_count", INT()),
        _check("summary_line", "line", "line BETWEEN 1 AND line_count"),
        sa.ForeignKeyConstraint(
            ["sheet_id", "line_count"], ["summary_sheet.id", "summary_sheet.line_count"], name="fk_summary_line_sheet"
        ),
        _to("summary_line", "case_id", "case"), _key("summary_line", "sheet_id", "case_id"),
        sa.UniqueConstraint("sheet_id", "line", name="uq_summary_line_line"),
    )  # fmt: skip
    op.create_index("ix_summary_line_case", "summary_line", ["case_id"])
    op.create_table(
        "district_pass", _column("case_id", BIG(), autoincrement=False), _column("seq", INT()), _column("passed_at", AT),
        _to("district_pass", "case_id", "case"), _key("district_pass", "case_id"),
    )  # fmt: skip
    said = sa.Computed("definition #>> '{recommended_by,by}'", persisted=True)
    op.add_column("measure_version", sa.Column("recommended_by", TEXT(), said, nullable=True))


def downgrade() -> None:
    """Go back; what a batch has become is lost, a call is planned, open or closed again."""
    for name in ("publicity_case_planned", "case_approval_listed"):
        op.execute(f'DROP TRIGGER {name} ON {"publicity_case" if name[0] == "p" else chr(34) + "case" + chr(34)}')
    for name in ("call_begun", "call_moved", "call_told", "call_undeletable"):
        op.execute(f"DROP TRIGGER {name} ON call")
    _function("submission_within_policy", SUBMISSION.format(refused=OUTSIDE), "CREATE OR REPLACE")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("measure_version", "recommended_by")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    for name in QUESTIONS:
        op.execute(f"DROP FUNCTION {name}(bigint)")
    for name in ("status", "closed"):
        op.drop_constraint(op.f(f"ck_publicity_{name}"), "publicity")
    op.execute("ALTER TABLE publicity DISABLE TRIGGER publicity_fixed")
    op.execute("UPDATE publicity SET status = 'closed' WHERE status = 'restarted'")
    op.execute("ALTER TABLE publicity ENABLE TRIGGER publicity_fixed")
    _function("publicity_is_fixed", FIXED.replace("%s", ENDS), "CREATE OR REPLACE")
    op.create_check_constraint(op.f("ck_publicity_status"), "publicity", "status IN ('open', 'closed')")
    op.create_check_constraint(
        op.f("ck_publicity_closed"), "publicity", "(status = 'closed') = (closed_at IS NOT NULL)"
    )
    for name in ("four_eyes", "published", "publicity_days", "quota", "procedure", "status"):
        op.drop_constraint(op.f(f"ck_call_{name}"), "call")
    op.execute(
        "UPDATE call SET status = CASE status WHEN 'published' THEN 'planned' WHEN 'planned' THEN 'planned'"
        " WHEN 'open' THEN 'open' ELSE 'closed' END"
    )
    op.create_check_constraint(op.f("ck_call_status"), "call", "status IN ('planned', 'open', 'closed')")
    for name in (
        "moved_seq", "moved_at", "published_by", "planned_by", "documents", "rounding", "publicity_days", "quota",
        "procedure",
    ):  # fmt: skip
        op.drop_column("call", name)
    op.execute(f"GRANT UPDATE, DELETE ON call TO {PROGRAM}")
