"""The one `SELECT` before a decision: the case, what its guards read, and who is asking."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row

from caseflow.deadlines.queries import CALENDAR_STAMP

COLUMNS: Final = f"""
    c.id, c.public_id, c.number, c.title, c.parent_id, c.root_id, c.child_kind, c.measure_id,
    c.measure_version_id, c.policy_version_id, c.workflow_hash, c.call_id, c.applicant_id,
    c.territory_id, c.parties, c.matter_on, c.state, c.previous_state, c.outcome, c.head_seq,
    c.head_hash, c.facts, c.corrections_made, c.publicity_id, c.publicity_ends_on, c.approved_fen,
    c.paid_fen, c.created_at, c.submitted_at,
    applicant.title AS applicant_title,
    policy.status AS policy_status, policy.effective_from AS policy_from,
    policy.effective_to AS policy_to,
    call.opens_on AS call_opens_on, call.closes_on AS call_closes_on,
    {CALENDAR_STAMP} AS calendar_stamp,
    (SELECT jsonb_agg(jsonb_build_array(d.kind, d.sha256) ORDER BY d.kind)
       FROM document d WHERE d.case_id = c.id AND NOT d.replaced) AS documents,
    (SELECT jsonb_agg(jsonb_build_array(t.id, t.seat, t.state)) FROM task t
      WHERE t.case_id = c.id AND t.status = 'open') AS tasks,
    (SELECT count(*) FROM task t WHERE t.case_id = c.id AND t.state = c.state
        AND t.verdict = 'veto' AND t.opened_at = (SELECT max(l.opened_at) FROM task l
            WHERE l.case_id = c.id AND l.state = c.state)) AS vetoes,
    (SELECT jsonb_agg(jsonb_build_object('name', k.name, 'status', k.status, 'limit_count',
        k.limit_count, 'unit', k.unit, 'started_on', k.started_on, 'running_since',
        k.running_since, 'consumed', k.consumed, 'due_on', k.due_on, 'provisional', k.provisional,
        'generation', k.generation, 'rule', k.rule, 'stops', k.stops))
       FROM clock k WHERE k.case_id = c.id) AS clocks,
    (SELECT jsonb_agg(h.kind) FROM hold h
      WHERE h.case_id = c.id AND h.lifted_at IS NULL) AS holds,
    (SELECT max(o.seq) FROM objection o
      WHERE o.case_id = c.id AND o.status = 'open') AS objection_seq,
    (SELECT count(*) FROM objection o
      WHERE o.case_id = c.id AND o.status = 'open') AS open_objections,
    (SELECT jsonb_agg(jsonb_build_array(p.instalment, p.share, p.fen, p.status)
        ORDER BY p.instalment) FROM payment p WHERE p.case_id = c.id) AS payments,
    (SELECT jsonb_build_array(count(*), count(*) FILTER (WHERE k.outcome IS NULL),
        coalesce(sum(k.paid_fen), 0)) FROM "case" k WHERE k.parent_id = c.id) AS children,
    (SELECT jsonb_agg(jsonb_build_array(a.organisation_id, a.role)) FROM assignment a
      WHERE a.person_id = %(actor)s AND a.valid_from <= %(at)s
        AND (a.valid_to IS NULL OR a.valid_to > %(at)s)) AS seats,
    (SELECT d.duty FROM duty d WHERE d.case_id = c.id AND d.person_id = %(actor)s) AS duty,
    (SELECT jsonb_build_array(e.stream, e.seq, encode(e.request_hash, 'hex')) FROM event e
      WHERE e.actor_id = %(actor)s AND e.request_id = %(request)s) AS request
"""
SOURCES: Final = """
    FROM "case" c
    JOIN organisation applicant ON applicant.id = c.applicant_id
    JOIN policy_version policy ON policy.id = c.policy_version_id
    LEFT JOIN call ON call.id = c.call_id
"""
BY_PUBLIC_ID: Final = f"SELECT {COLUMNS} {SOURCES} WHERE c.public_id = %(case)s"
BY_IDS: Final = f"SELECT {COLUMNS} {SOURCES} WHERE c.id = ANY(%(cases)s)"
LOCK: Final = " ORDER BY c.id FOR NO KEY UPDATE OF c"


@dataclass(frozen=True)
class Asker:
    """Who asks, when, and under which request id."""

    actor_id: int
    at: datetime
    request_id: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return what every reading statement needs."""
        return {"actor": self.actor_id, "at": self.at, "request": self.request_id}


@dataclass(frozen=True)
class Reading:
    """A case as it stood in one snapshot of the database; the fields are the columns above."""

    row: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)

    @property
    def open_tasks(self) -> list[tuple[int, str, str]]:
        """Return (task id, seat, state) of the open tasks."""
        return [(task[0], task[1], task[2]) for task in self.row.tasks or []]

    @property
    def payments_by_status(self) -> dict[str, list[tuple[int, str, int]]]:
        """Return (instalment, share, fen) under ordered, paid and returned."""
        found: dict[str, list[tuple[int, str, int]]] = {"ordered": [], "paid": [], "returned": []}
        for instalment, share, fen, status in self.row.payments or []:
            found[status].append((instalment, share, fen))
        return found


def read_case(connection: Any, public_id: str, asker: Asker) -> Reading | None:
    """Return the case, unlocked, or None where there is none of that public id."""
    parameters = {**asker.parameters(), "case": public_id}
    cursor = connection.cursor(row_factory=namedtuple_row)
    row = cursor.execute(BY_PUBLIC_ID, parameters, prepare=True).fetchone()
    return Reading(row) if row else None


def read_locked(connection: Any, case_ids: list[int], asker: Asker) -> list[Reading]:
    """Return the cases in the order of their ids, locked until the transaction ends."""
    parameters = {**asker.parameters(), "cases": case_ids}
    cursor = connection.cursor(row_factory=namedtuple_row)
    rows = cursor.execute(BY_IDS + LOCK, parameters, prepare=True).fetchall()
    return [Reading(row) for row in rows]


def iso(day: date | None) -> str | None:
    """Return the ISO text of a date, None as None."""
    return day.isoformat() if day else None
