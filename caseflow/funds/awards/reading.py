"""What the one `SELECT` before a decision reads of matters, overlaps and decisions.

A case that names no matter costs one probe of an index. `c` is the case, `p` its policy version.
"""

from typing import Final

_MINE: Final = "FROM case_matter m"
_NAMED: Final = "m.case_id = c.id AND m.dropped_seq IS NULL"
_MATTER: Final = (
    "json_build_object('kind', {0}.kind, 'key', {0}.key, 'from', {0}.cost_from, 'to', {0}.cost_to,"
    " 'items', {0}.items)"
)

MATTERS: Final = f"""
    (SELECT json_agg(json_build_object('kind', m.kind, 'key', m.key, 'from', m.cost_from,
        'to', m.cost_to, 'items', m.items, 'holder', m.holder) ORDER BY m.kind, m.key)
       {_MINE} WHERE {_NAMED})"""

AWARDED: Final = f"""
    (SELECT json_agg(json_build_object('id', a.public_id, 'root', a.root_id, 'holder', a.holder,
        'policy', a.policy, 'measure', a.measure, 'family', a.family, 'level', a.level,
        'place', a.place, 'title', a.clause, 'total_fen', a.amount_fen + a.carried_fen,
        'status', a.status, 'matter', {_MATTER.format("n")}))
       {_MINE} JOIN award_matter n ON n.kind = m.kind AND n.stem = m.stem
       JOIN award a ON a.id = n.award_id AND a.status = 'live'
        AND a.root_id IS DISTINCT FROM c.root_id
      WHERE {_NAMED} AND NOT (a.source = 'caseflow' AND EXISTS (SELECT FROM award own
        WHERE own.case_id = c.id AND own.status IN ('live', 'superseded') AND own.id < a.id)))"""
"""An award of this house that came after the case's own was settled against it when it came."""

ASKED_FEN: Final = (
    "coalesce((o.facts->>'planned_fen')::bigint, (o.facts->>'reviewed_fen')::bigint,"
    " (o.facts->>'audited_fen')::bigint, (o.facts->>'verified_fen')::bigint,"
    " (o.facts->>'applied_fen')::bigint)"
)
"""What a case `o` that is not approved yet asks for, as far as it was judged."""

ASKED: Final = f"""
    (SELECT json_agg(json_build_object('id', o.public_id, 'root', o.root_id, 'holder', n.holder,
        'policy', q.code, 'measure', r.code, 'family', v.family, 'level', 'city', 'place', q.city,
        'title', o.title, 'total_fen', {ASKED_FEN}, 'status', 'pending',
        'matter', {_MATTER.format("n")}))
       {_MINE} JOIN case_matter n ON n.kind = m.kind AND n.stem = m.stem
        AND n.dropped_seq IS NULL
       JOIN "case" o ON o.id = n.case_id AND o.root_id <> c.root_id AND o.outcome IS NULL
        AND o.approved_fen IS NULL AND o.submitted_at IS NOT NULL
       JOIN measure_version v ON v.id = o.measure_version_id
       JOIN measure r ON r.id = o.measure_id JOIN policy q ON q.id = r.policy_id
      WHERE {_NAMED} AND c.approved_fen IS NULL)"""
"""Once a case is approved, it is the others that must yield."""

DECIDED: Final = """
    (SELECT json_agg(json_build_array(d.other, d.treatment, d.allowed_fen) ORDER BY d.seq)
       FROM overlap_decision d WHERE d.case_id = c.id)"""

COLUMNS: Final = f"""
    applicant.uscc AS applicant_uscc,
    CASE WHEN applicant.uscc IS NULL THEN applicant.identity_number END AS applicant_identity,
    {MATTERS} AS matters, {AWARDED} AS awarded, {ASKED} AS asked, {DECIDED} AS decided
"""
