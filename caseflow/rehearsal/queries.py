"""What a player looks at before acting, and what is told of a case when it is over."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import class_row

from caseflow.kernel.calendar import local_date, shanghai_instant
from caseflow.kernel.errors import NotFound

STANDINGS: Final = """
    SELECT c.id, c.public_id, c.number, c.root_id, c.child_kind, c.workflow_hash,
        c.measure_version_id, c.state, c.facts, c.parties, c.paid_fen,
        (SELECT k.limit_fen - k.used_fen + coalesce(u.fen, 0) FROM cap k
           LEFT JOIN cap_use u ON u.cap_key = k.key AND u.case_id = c.id
          WHERE k.key = 'promise:' || c.parent_id) AS left_by_parent_fen,
        coalesce((SELECT array_agg(t.seat ORDER BY t.id) FROM task t
            WHERE t.case_id = c.id AND t.status = 'open' AND t.state = c.state), '{}') AS seats,
        coalesce((SELECT jsonb_object_agg(d.person_id, d.duty) FROM duty d
            WHERE d.case_id = c.id), '{}') AS duties,
        coalesce((SELECT jsonb_object_agg(k.name, k.due_on) FROM clock k
            WHERE k.case_id = c.id AND k.status = 'running'), '{}') AS due,
        coalesce((SELECT array_agg(DISTINCT e.name) FROM event e
            WHERE e.stream = c.id AND e.from_state = c.state), '{}') AS done,
        coalesce((SELECT array_agg(d.kind) FROM document d
            WHERE d.case_id = c.id AND NOT d.replaced), '{}') AS documents
    FROM "case" c WHERE c.root_id = ANY(%s) AND c.outcome IS NULL ORDER BY c.id
"""
NEXT_DUE: Final = """
    SELECT
        (SELECT min(t.due_at) FROM timer t
          LEFT JOIN clock k ON k.case_id = t.case_id AND k.name = t.clock_name
            AND k.generation = t.generation
          WHERE t.fired_at IS NULL AND t.due_at > %(after)s
            AND (t.kind = 'wake' OR k.status IN ('running', 'expired'))) AS timer,
        (SELECT min(ends_at) FROM publicity
          WHERE status = 'open' AND ends_at > %(after)s) AS publicity,
        (SELECT min(day) FROM (
            SELECT opens_on AS day FROM call UNION SELECT closes_on + 1 FROM call
            UNION SELECT effective_to - ahead FROM policy_version,
                unnest(%(warnings)s::int[] || -1) AS ahead
              WHERE current AND status IN ('in_force', 'consultation_draft')) AS life
          WHERE day > %(after_day)s) AS life_on
"""
SEATED: Final = """
    SELECT organisation_id, role, array_agg(person_id ORDER BY person_id) FROM assignment
    WHERE valid_to IS NULL GROUP BY organisation_id, role
"""
PANEL: Final = """
    SELECT m.person_id FROM panel_member m WHERE m.case_id = %s AND m.status = 'seated'
    AND m.round = (SELECT max(p.round) FROM review_panel p WHERE p.case_id = m.case_id)
    ORDER BY m.person_id
"""
PATH: Final = """
    SELECT to_state FROM event WHERE stream = %s AND to_state IS DISTINCT FROM from_state
    ORDER BY seq
"""
CLOCK: Final = """
    SELECT c.state, c.workflow_hash,
        (SELECT to_jsonb(k) FROM clock k WHERE k.case_id = c.id AND k.name = %(name)s) AS clock
    FROM "case" c WHERE c.id = %(case)s
"""
ENDED: Final = """
    SELECT p.code, v.effective_to FROM policy p JOIN policy_version v ON v.policy_id = p.id
    WHERE v.current AND v.status IN ('expired', 'lapsed') ORDER BY p.code
"""
SUMMARY: Final = """
    SELECT c.id, c.public_id, c.number, m.code AS measure, v.family, c.state, c.outcome,
        c.created_at, c.ended_at, c.workflow_hash, o.title AS applicant,
        (SELECT sum(k.paid_fen)::bigint FROM "case" k WHERE k.root_id = c.id) AS paid_fen,
        (SELECT count(*) FROM event e JOIN "case" k ON k.id = e.stream
          WHERE k.root_id = c.id) AS events,
        (SELECT count(*) FROM notification n JOIN "case" k ON k.id = n.case_id
          JOIN assignment a ON a.person_id = n.person_id AND a.role = 'applicant'
              AND a.organisation_id = c.applicant_id
          WHERE k.root_id = c.id AND n.notice = ANY(%(reminders)s)) AS reminders
    FROM "case" c JOIN measure m ON m.id = c.measure_id
    JOIN measure_version v ON v.id = c.measure_version_id
    JOIN organisation o ON o.id = c.applicant_id
    WHERE c.id = ANY(%(cases)s) ORDER BY c.id
"""


@dataclass(frozen=True)
class Standing:
    """Where an open case stands: all that is needed to choose its next step."""

    id: int
    public_id: str
    number: str
    root_id: int
    child_kind: str | None
    workflow_hash: str
    measure_version_id: int
    state: str
    facts: Mapping[str, Any]
    parties: Mapping[str, int]
    paid_fen: int
    left_by_parent_fen: int | None
    seats: Sequence[str]
    duties: Mapping[str, str]
    due: Mapping[str, str]
    done: Collection[str]
    documents: Collection[str]

    def due_on(self, clock: str) -> date | None:
        """Return the last day of a running clock, None where it does not run."""
        text = self.due.get(clock)
        return date.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Summary:
    """What became of a case; money, events and reminders with those of its children."""

    id: int
    public_id: str
    number: str
    measure: str
    family: str
    state: str
    outcome: str | None
    created_at: datetime
    ended_at: datetime | None
    workflow_hash: str
    applicant: str
    paid_fen: int
    events: int
    reminders: int


@dataclass(frozen=True)
class ClockRow:
    """A case's state and one of its clocks as the database has it."""

    state: str
    workflow_hash: str
    clock: Mapping[str, Any]


def clock_of(connection: Any, case_id: int, name: str) -> ClockRow:
    """Return where a case stands, and its clock `name`.

    Raises:
        NotFound: the case has no such clock.
    """
    with connection.cursor(row_factory=class_row(ClockRow)) as cursor:
        found: ClockRow | None = cursor.execute(CLOCK, {"case": case_id, "name": name}).fetchone()
    if found is None or found.clock is None:
        raise NotFound(f"办件 {case_id} 没有时限 {name!r}。")
    return found


def ended_policies(connection: Any) -> list[tuple[str, date]]:
    """Return the policies that have expired or lapsed, each with its last day."""
    return [(row[0], row[1]) for row in connection.execute(ENDED).fetchall()]


def standings(connection: Any, roots: Sequence[int]) -> list[Standing]:
    """Return the open cases among `roots` and their children."""
    with connection.cursor(row_factory=class_row(Standing)) as cursor:
        found: list[Standing] = cursor.execute(STANDINGS, (list(roots),)).fetchall()
    return found


@dataclass(frozen=True)
class Due:
    """What falls due next: a living timer, the end of a publicity, a day in a policy's life.

    At most the earliest of each kind; those that come later than the first are None.
    """

    timer: datetime | None
    publicity: datetime | None
    life_on: date | None

    @property
    def at(self) -> datetime:
        """Return the first instant."""
        return min(each for each in (self.timer, self.publicity, self.life_at) if each)

    @property
    def life_at(self) -> datetime | None:
        """Return the first instant of the day of `life_on`."""
        return shanghai_instant(self.life_on, hour=0) if self.life_on else None


def next_due(connection: Any, after: datetime, warnings: Sequence[int]) -> Due | None:
    """Return what falls due next after `after`; timers of clocks that have changed are passed by.

    `warnings` are the days before a policy's last day on which its end is announced.
    """
    parameters = {"after": after, "after_day": local_date(after), "warnings": list(warnings)}
    with connection.cursor(row_factory=class_row(Due)) as cursor:
        found: Due = cursor.execute(NEXT_DUE, parameters).fetchone()
    if found == Due(None, None, None):
        return None
    is_first = found.life_at == found.at
    return found if is_first else replace(found, life_on=None)


def seated_experts(connection: Any, case_id: int) -> list[int]:
    """Return the experts who sit in the newest panel of a case."""
    return [person for (person,) in connection.execute(PANEL, (case_id,)).fetchall()]


def seated(connection: Any) -> dict[tuple[int, str], list[int]]:
    """Return who sits in each (organisation, role)."""
    return {(row[0], row[1]): row[2] for row in connection.execute(SEATED).fetchall()}


def case_id_of(connection: Any, public_id: str) -> int:
    """Return the internal id of a case.

    Raises:
        NotFound: there is none of that public id.
    """
    row = connection.execute('SELECT id FROM "case" WHERE public_id = %s', (public_id,)).fetchone()
    if row is None:
        raise NotFound(f"没有办件 {public_id!r}。")
    return int(row[0])


def path(connection: Any, case_id: int) -> list[str]:
    """Return the states a case has visited, in order."""
    return [row[0] for row in connection.execute(PATH, (case_id,)).fetchall()]


def summaries(connection: Any, cases: Sequence[int], reminders: Sequence[str]) -> list[Summary]:
    """Return what became of each case; `reminders` names the notices that remind."""
    with connection.cursor(row_factory=class_row(Summary)) as cursor:
        parameters = {"cases": list(cases), "reminders": list(reminders)}
        found: list[Summary] = cursor.execute(SUMMARY, parameters).fetchall()
    return found
