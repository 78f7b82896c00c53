"""Awards (享受台账), matters (事项), and what the database itself refuses of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PROGRAM = "caseflow_program"
INSTANT = sa.DateTime(timezone=True)

FUNCTIONS = {
    # An award says for ever what it said; its status follows one road.
    "award_is_fixed": """
        BEGIN
            IF to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status'
               OR (OLD.status, NEW.status) NOT IN (('live', 'superseded'), ('live', 'given_back'),
                  ('live', 'recovered'), ('superseded', 'live'), ('superseded', 'recovered')) THEN
                RAISE EXCEPTION 'award % is append-only but for its status: % -> % refused',
                    OLD.public_id, OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # A case that is approved anew gives back what it was approved for before, and keeps its place.
    "award_replaces": """
        DECLARE
            before award;
        BEGIN
            UPDATE award SET status = 'given_back' WHERE case_id = NEW.case_id AND status = 'live'
                RETURNING * INTO before;
            IF FOUND AND NEW.supersedes IS NULL THEN
                NEW.supersedes := before.supersedes;
                NEW.carried_fen := before.carried_fen;
            END IF;
            RETURN NEW;
        END""",
    # A new award first takes the place of the one that it tops up, then claims what its case names.
    "award_takes_its_place": """
        BEGIN
            IF NEW.supersedes IS NOT NULL THEN
                UPDATE award SET status = 'superseded' WHERE id = NEW.supersedes AND status = 'live'
                    AND amount_fen + carried_fen = NEW.carried_fen AND scope = NEW.scope;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'award % cannot be topped up by %', NEW.supersedes, NEW.public_id
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            END IF;
            INSERT INTO award_matter (award_id, kind, key, stem, cost_from, cost_to, items)
            SELECT NEW.id, m.kind, m.key, m.stem, m.cost_from, m.cost_to, m.items
              FROM case_matter m WHERE m.case_id = NEW.case_id AND m.dropped_seq IS NULL
              ORDER BY m.kind, m.key;
            RETURN NULL;
        END""",
    # What a case names after its approval, its award claims too.
    "matter_is_claimed": """
        BEGIN
            INSERT INTO award_matter (award_id, kind, key, stem, cost_from, cost_to, items)
            SELECT a.id, NEW.kind, NEW.key, NEW.stem, NEW.cost_from, NEW.cost_to, NEW.items
              FROM award a WHERE a.case_id = NEW.case_id AND a.status = 'live'
            ON CONFLICT ON CONSTRAINT pk_award_matter DO NOTHING;
            RETURN NULL;
        END""",
    # A named matter is only ever dropped, and not from under a standing award.
    "matter_is_fixed": """
        BEGIN
            IF to_jsonb(NEW) - 'dropped_seq' IS DISTINCT FROM to_jsonb(OLD) - 'dropped_seq'
               OR OLD.dropped_seq IS NOT NULL THEN
                RAISE EXCEPTION 'matter % of case % is append-only', OLD.key, OLD.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF EXISTS (SELECT FROM award WHERE case_id = OLD.case_id AND status IN ('live', 'superseded')) THEN
                RAISE EXCEPTION '办件已审定，登记的事项 % 不得再更正', OLD.key
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END""",
    # Scope, holder and claim are not the writer's to choose. An award of this house claims its
    # matter or is refused by the unique index, unless its own family holds the claim, or it was
    # decided on record that only the part counts that does not overlap; an imported award that
    # comes second is recorded without a claim.
    "award_matter_claims": """
        DECLARE
            mine award;
            held award;
        BEGIN
            SELECT * INTO STRICT mine FROM award WHERE id = NEW.award_id;
            NEW.scope := mine.scope;
            NEW.holder := CASE WHEN mine.per_holder OR NEW.kind IN ('title', 'research')
                THEN mine.holder ELSE '' END;
            SELECT a.* INTO held FROM award_matter m JOIN award a ON a.id = m.award_id
             WHERE m.claims AND m.scope = NEW.scope AND m.kind = NEW.kind AND m.key = NEW.key
               AND m.holder = NEW.holder;
            NEW.claims := mine.status = 'live' AND NOT coalesce(held.id IS NOT NULL AND (
                mine.source <> 'caseflow' OR held.root_id = mine.root_id OR 'cut_base' = (
                    SELECT d.treatment FROM overlap_decision d
                     WHERE d.case_id = mine.case_id AND d.other = held.public_id
                     ORDER BY d.seq DESC LIMIT 1)), false);
            RETURN NEW;
        END""",
    # Who no longer stands lets go of the matter: to the award it had topped up, else to the next.
    "award_lets_go": """
        BEGIN
            IF NEW.status = 'live' THEN
                UPDATE award_matter m SET claims = true WHERE m.award_id = NEW.id AND NOT EXISTS (
                    SELECT FROM award_matter o WHERE o.claims AND (o.scope, o.kind, o.key, o.holder)
                        = (m.scope, m.kind, m.key, m.holder));
                RETURN NULL;
            END IF;
            UPDATE award_matter SET claims = false WHERE award_id = NEW.id AND claims;
            IF NEW.status = 'superseded' THEN
                RETURN NULL;
            END IF;
            UPDATE award SET status = 'live' WHERE id = NEW.supersedes AND status = 'superseded';
            UPDATE award_matter m SET claims = true
              FROM (SELECT DISTINCT ON (n.scope, n.kind, n.key, n.holder) n.award_id, n.kind, n.key
                      FROM award_matter gone
                      JOIN award_matter n ON (n.scope, n.kind, n.key, n.holder)
                           = (gone.scope, gone.kind, gone.key, gone.holder) AND n.award_id <> gone.award_id
                      JOIN award a ON a.id = n.award_id AND a.status = 'live'
                     WHERE gone.award_id = NEW.id AND NOT EXISTS (
                        SELECT FROM award_matter o WHERE o.claims AND (o.scope, o.kind, o.key, o.holder)
                            = (gone.scope, gone.kind, gone.key, gone.holder))
                     ORDER BY n.scope, n.kind, n.key, n.holder, n.award_id) AS next
             WHERE (m.award_id, m.kind, m.key) = (next.award_id, next.kind, next.key);
            RETURN NULL;
        END""",
    # Nothing is ordered or paid for a case whose award does not stand, nor for a matter that none claims.
    "payment_of_a_standing_award": """
        BEGIN
            IF NOT EXISTS (SELECT FROM award WHERE case_id = NEW.case_id AND status IN ('live', 'superseded'))
               AND (EXISTS (SELECT FROM award WHERE case_id = NEW.case_id)
                    OR EXISTS (SELECT FROM case_matter WHERE case_id = NEW.case_id AND dropped_seq IS NULL)) THEN
                RAISE EXCEPTION 'payment % of case %: no award stands', NEW.instalment, NEW.case_id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END""",
    "decision_names_another": """
        BEGIN
            IF NOT EXISTS (SELECT FROM award a WHERE a.public_id = NEW.other
                            AND a.case_id IS DISTINCT FROM NEW.case_id)
               AND NOT EXISTS (SELECT FROM "case" c WHERE c.public_id = NEW.other AND c.id <> NEW.case_id) THEN
                RAISE EXCEPTION '没有编号为 % 的享受记录或办件', NEW.other
                    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'overlap_decision_other';
            END IF;
            RETURN NULL;
        END""",
}

TRIGGERS = (
    ("award_fixed", "BEFORE UPDATE ON award FOR EACH ROW", "award_is_fixed"),
    ("award_undeletable", "BEFORE DELETE ON award FOR EACH ROW", "refuse_change"),
    ("award_no_truncate", "BEFORE TRUNCATE ON award", "refuse_change"),
    ("award_replacing", "BEFORE INSERT ON award FOR EACH ROW", "award_replaces"),
    ("award_placed", "AFTER INSERT ON award FOR EACH ROW", "award_takes_its_place"),
    ("award_released", "AFTER UPDATE OF status ON award FOR EACH ROW WHEN (NEW.status <> OLD.status)",
     "award_lets_go"),
    ("award_matter_claiming", "BEFORE INSERT ON award_matter FOR EACH ROW", "award_matter_claims"),
    ("award_matter_undeletable", "BEFORE DELETE ON award_matter FOR EACH ROW", "refuse_change"),
    ("case_matter_claimed", "AFTER INSERT ON case_matter FOR EACH ROW", "matter_is_claimed"),
    ("case_matter_fixed", "BEFORE UPDATE ON case_matter FOR EACH ROW", "matter_is_fixed"),
    ("case_matter_undeletable", "BEFORE DELETE ON case_matter FOR EACH ROW", "refuse_change"),
    ("overlap_decision_append_only", "BEFORE UPDATE OR DELETE ON overlap_decision FOR EACH ROW", "refuse_change"),
    ("overlap_decision_named", "AFTER INSERT ON overlap_decision FOR EACH ROW", "decision_names_another"),
    ("payment_to_a_standing_award", "AFTER INSERT OR UPDATE OF status ON payment FOR EACH ROW WHEN ("
     "NEW.status IN ('ordered', 'paid'))", "payment_of_a_standing_award"),
)  # fmt: skip

BACKFILL = """
    INSERT INTO award (public_id, case_id, root_id, organisation_id, holder, holder_title, policy, measure,
        clause, family, level, place, scope, per_holder, amount_fen, granted_on, source, source_id,
        recorded_by, recorded_at)
    SELECT 'a' || left(md5(c.public_id || 'award'), 21), c.id, c.root_id, c.applicant_id,
        coalesce(o.uscc, 'case:' || c.root_id), o.title, p.code, m.code, v.title, v.family, 'city', p.city,
        'city:' || p.city, pv.definition->'overlap'->>'against' = 'same_enterprise_and_project',
        c.approved_fen, (c.created_at AT TIME ZONE 'Asia/Shanghai')::date, 'caseflow', c.public_id,
        e.actor_id, e.at
    FROM "case" c
    JOIN organisation o ON o.id = c.applicant_id
    JOIN measure m ON m.id = c.measure_id
    JOIN measure_version v ON v.id = c.measure_version_id
    JOIN policy_version pv ON pv.id = c.policy_version_id
    JOIN policy p ON p.id = pv.policy_id
    JOIN event e ON e.stream = c.id AND e.seq = c.head_seq
    WHERE c.approved_fen IS NOT NULL AND (c.outcome IS NULL OR c.paid_fen > 0)
"""
"""Cases approved before there were awards; they name no matters."""

CASE_OVERLAPS = """
    CREATE FUNCTION case_overlaps(bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $body$
    -- What a case names; the live awards and the other cases that share a key; the decisions on them.
    -- An award of this house that came after the case's own was settled against it when it came;
    -- once a case is approved, it is the others that must yield.
    BEGIN
        RETURN (SELECT jsonb_build_object(
            'matters', (
                SELECT jsonb_agg(jsonb_build_object('kind', m.kind, 'key', m.key, 'from', m.cost_from,
                    'to', m.cost_to, 'items', m.items, 'holder', m.holder) ORDER BY m.kind, m.key)
                  FROM case_matter m WHERE m.case_id = c.id AND m.dropped_seq IS NULL),
            'awarded', (
                SELECT jsonb_agg(jsonb_build_object('id', a.public_id, 'root', a.root_id,
                    'holder', a.holder, 'policy', a.policy, 'measure', a.measure, 'family', a.family,
                    'level', a.level, 'place', a.place, 'title', a.clause,
                    'total_fen', a.amount_fen + a.carried_fen, 'status', a.status,
                    'matter', jsonb_build_object('kind', n.kind, 'key', n.key, 'from', n.cost_from,
                        'to', n.cost_to, 'items', n.items)))
                  FROM case_matter m
                  JOIN award_matter n ON n.kind = m.kind AND n.stem = m.stem
                  JOIN award a ON a.id = n.award_id AND a.status = 'live'
                   AND a.root_id IS DISTINCT FROM c.root_id
                   AND (m.kind NOT IN ('title', 'research') OR a.holder = m.holder)
                 WHERE m.case_id = c.id AND m.dropped_seq IS NULL
                   AND NOT (a.source = 'caseflow' AND EXISTS (
                       SELECT FROM award own WHERE own.case_id = c.id AND own.id < a.id
                          AND own.status IN ('live', 'superseded')))),
            'asked', (
                SELECT jsonb_agg(jsonb_build_object('id', o.public_id, 'root', o.root_id,
                    'holder', n.holder, 'policy', q.code, 'measure', r.code, 'family', v.family,
                    'level', 'city', 'place', q.city, 'title', o.title, 'status', 'pending',
                    'total_fen', case_asked_fen(o.facts),
                    'matter', jsonb_build_object('kind', n.kind, 'key', n.key, 'from', n.cost_from,
                        'to', n.cost_to, 'items', n.items)))
                  FROM case_matter m
                  JOIN case_matter n ON n.kind = m.kind AND n.stem = m.stem AND n.dropped_seq IS NULL
                   AND (m.kind NOT IN ('title', 'research') OR n.holder = m.holder)
                  JOIN "case" o ON o.id = n.case_id AND o.root_id <> c.root_id AND o.outcome IS NULL
                   AND o.approved_fen IS NULL AND o.submitted_at IS NOT NULL
                  JOIN measure_version v ON v.id = o.measure_version_id
                  JOIN measure r ON r.id = o.measure_id
                  JOIN policy q ON q.id = r.policy_id
                 WHERE m.case_id = c.id AND m.dropped_seq IS NULL AND c.approved_fen IS NULL),
            'decided', (
                SELECT jsonb_agg(jsonb_build_array(d.other, d.treatment, d.allowed_fen) ORDER BY d.seq)
                  FROM overlap_decision d WHERE d.case_id = c.id))
          FROM "case" c WHERE c.id = $1);
    END $body$
"""
"""A function, so that a case that names nothing pays for one probe of an index and no plan."""

CASE_ASKED_FEN = """
    -- What a case asks for, as far as it was judged.
    CREATE FUNCTION case_asked_fen(facts jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $body$
        SELECT coalesce(facts->>'planned_fen', facts->>'reviewed_fen', facts->>'audited_fen',
            facts->>'verified_fen', facts->>'applied_fen')::bigint
    $body$
"""

GRANTS = f"""
    GRANT SELECT, INSERT ON case_matter, award, overlap_decision, award_matter TO {PROGRAM};
    REVOKE UPDATE, DELETE, TRUNCATE ON case_matter, award, overlap_decision, award_matter FROM {PROGRAM};
    GRANT UPDATE (dropped_seq) ON case_matter TO {PROGRAM};
    GRANT UPDATE (status) ON award TO {PROGRAM};
"""


def upgrade() -> None:
    _tables()
    op.execute(BACKFILL)
    for name, body in FUNCTIONS.items():
        # The owner's rights: the program may not say itself who claims a matter.
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = public AS $body$ {body}; $body$"
        )
    for name, when, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    op.execute(CASE_ASKED_FEN)
    op.execute(CASE_OVERLAPS)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DROP TRIGGER payment_to_a_standing_award ON payment")
    op.execute("DROP FUNCTION case_overlaps(bigint)")
    op.execute("DROP FUNCTION case_asked_fen(jsonb)")
    for name in ("overlap_decision", "award_matter", "award", "case_matter"):
        op.drop_table(name)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}() CASCADE")


def _matter() -> list[sa.Column]:
    return [
        sa.Column("stem", sa.Text, nullable=False),
        sa.Column("cost_from", sa.Date),
        sa.Column("cost_to", sa.Date),
        sa.Column("items", JSONB, nullable=False),
    ]


def _tables() -> None:
    op.create_table(
        "case_matter",
        sa.Column("case_id", sa.BigInteger, sa.ForeignKey("case.id", name="fk_case_matter_case_id")),
        sa.Column("seq", sa.Integer),
        sa.Column("kind", sa.Text),
        sa.Column("key", sa.Text),
        *_matter(),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("named_by", sa.BigInteger, sa.ForeignKey("person.id", name="fk_case_matter_named_by"),
                  nullable=False),
        sa.Column("named_at", INSTANT, nullable=False),
        sa.Column("dropped_seq", sa.Integer),
        sa.PrimaryKeyConstraint("case_id", "seq", "kind", "key", name="pk_case_matter"),
        sa.CheckConstraint("(cost_from IS NULL) = (cost_to IS NULL)", name="ck_case_matter_cost_days"),
        sa.CheckConstraint("cost_to >= cost_from", name="ck_case_matter_cost_period"),
    )
    named = "dropped_seq IS NULL"
    op.create_index("uq_case_matter_named", "case_matter", ["case_id", "kind", "key"], unique=True,
                    postgresql_where=named)
    op.create_index("ix_case_matter_stem", "case_matter", ["kind", "stem"], postgresql_where=named)
    op.create_table(
        "award",
        sa.Column("id", sa.BigInteger, server_default=sa.text("nextval('entity_id')")),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.BigInteger, sa.ForeignKey("case.id", name="fk_award_case_id")),
        sa.Column("root_id", sa.BigInteger, sa.ForeignKey("case.id", name="fk_award_root_id")),
        sa.Column("organisation_id", sa.BigInteger,
                  sa.ForeignKey("organisation.id", name="fk_award_organisation_id")),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("holder_title", sa.Text, nullable=False),
        sa.Column("policy", sa.Text),
        sa.Column("measure", sa.Text),
        sa.Column("clause", sa.Text, nullable=False),
        sa.Column("family", sa.Text),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("per_holder", sa.Boolean, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("carried_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("supersedes", sa.BigInteger, sa.ForeignKey("award.id", name="fk_award_supersedes")),
        sa.Column("part_of", sa.BigInteger, sa.ForeignKey("award.id", name="fk_award_part_of")),
        sa.Column("granted_on", sa.Date, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("recorded_by", sa.BigInteger, sa.ForeignKey("person.id", name="fk_award_recorded_by"),
                  nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="live"),
        sa.PrimaryKeyConstraint("id", name="pk_award"),
        sa.UniqueConstraint("public_id", name="uq_award_public_id"),
        sa.UniqueConstraint("source", "source_id", name="uq_award_source"),
        sa.CheckConstraint("amount_fen >= 0 AND carried_fen >= 0", name="ck_award_fen"),
        sa.CheckConstraint("level IN ('country', 'province', 'city', 'district')", name="ck_award_level"),
        sa.CheckConstraint("status IN ('live', 'superseded', 'given_back', 'recovered')",
                           name="ck_award_status"),
        sa.CheckConstraint("(source = 'caseflow') = (case_id IS NOT NULL)", name="ck_award_source"),
        sa.CheckConstraint("scope = level || ':' || place", name="ck_award_scope"),
        sa.CheckConstraint("(supersedes IS NULL) = (carried_fen = 0)", name="ck_award_carried"),
    )
    op.create_index("uq_award_live_of_case", "award", ["case_id"], unique=True,
                    postgresql_where="status IN ('live', 'superseded')")
    op.create_index("ix_award_holder", "award", ["holder", "id"])
    op.create_index("ix_award_organisation", "award", ["organisation_id", "id"])
    op.create_index("ix_award_root", "award", ["root_id"], postgresql_where="root_id IS NOT NULL")
    op.create_table(
        "award_matter",
        sa.Column("award_id", sa.BigInteger, sa.ForeignKey("award.id", name="fk_award_matter_award_id")),
        sa.Column("kind", sa.Text),
        sa.Column("key", sa.Text),
        *_matter(),
        sa.Column("scope", sa.Text, nullable=False, server_default=""),
        sa.Column("holder", sa.Text, nullable=False, server_default=""),
        sa.Column("claims", sa.Boolean, nullable=False, server_default="false"),
        sa.PrimaryKeyConstraint("award_id", "kind", "key", name="pk_award_matter"),
    )
    op.create_index("uq_award_matter_live", "award_matter", ["scope", "kind", "key", "holder"], unique=True,
                    postgresql_where="claims")
    op.create_index("ix_award_matter_stem", "award_matter", ["kind", "stem"])
    op.create_table(
        "overlap_decision",
        sa.Column("case_id", sa.BigInteger, sa.ForeignKey("case.id", name="fk_overlap_decision_case_id")),
        sa.Column("seq", sa.Integer),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("treatment", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("entitled_fen", sa.BigInteger),
        sa.Column("allowed_fen", sa.BigInteger),
        sa.Column("seat", sa.Text, nullable=False),
        sa.Column("decided_by", sa.BigInteger,
                  sa.ForeignKey("person.id", name="fk_overlap_decision_decided_by"), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name="pk_overlap_decision"),
        sa.CheckConstraint("treatment IN ('keep_this', 'keep_other', 'top_up', 'refund_then_apply',"
                           " 'cut_base', 'different')", name="ck_overlap_decision_treatment"),
        sa.CheckConstraint("(treatment IN ('top_up', 'cut_base')) = (allowed_fen IS NOT NULL)",
                           name="ck_overlap_decision_allowed"),
        sa.CheckConstraint("allowed_fen <= entitled_fen", name="ck_overlap_decision_within_entitled"),
        sa.CheckConstraint("allowed_fen >= 0 AND entitled_fen >= 0", name="ck_overlap_decision_fen"),
    )
