"""The one `SELECT` before a decision: the case, what its guards read, and who is asking.

It goes by `database/road`: bytes that are prepared once a connection, parameters that are texts
with a cast, and one JSON object a case for an answer: forty columns would cost more than one text.
What few cases have is read by functions (migration 0028): the plan of a subquery is opened for
every case, that of a function only where it is asked.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from psycopg import RawCursor

from caseflow.cases.tasks import TASK_COLUMNS, SeatTask, present
from caseflow.database.road import ask
from caseflow.deadlines.queries import CALENDAR_STAMP
from caseflow.funds.awards.reading import COLUMNS as AWARD_COLUMNS
from caseflow.funds.awards.reading import NOTHING
from caseflow.funds.bars.queries import STANDING
from caseflow.funds.caps.queries import CAP_COLUMNS
from caseflow.funds.recoveries.queries import RecoverySums, recovery_sums
from caseflow.identity.delegations.models import UNDELEGATED
from caseflow.kernel.checks import Known, known_from
from caseflow.kernel.ledger import Order
from caseflow.kernel.recovery import RECOVERY
from caseflow.reviews.checks.queries import CHECK_COLUMNS
from caseflow.reviews.experts.queries import NOTHING as UNJUDGED
from caseflow.reviews.experts.queries import Judging, judging

TAKEN: Final = """CASE WHEN k.outcome IS NULL
    THEN coalesce(k.approved_fen, (k.facts->>'planned_fen')::bigint, 0) ELSE k.paid_fen END"""
"""What a child `k` takes of its parent: plan or approval while it runs, then what was paid."""
ENTERED_SPLIT: Final = """CASE WHEN EXISTS (SELECT FROM fiscal_split f
        WHERE f.policy_id = policy.policy_id AND f.territory_id = c.territory_id)
    THEN case_split(c.id, $3::timestamptz) END"""
"""The split that held when the case first took money, its own or its parent's; else today's."""
LETTER_MADE: Final = """CASE WHEN EXISTS (SELECT FROM letter w WHERE w.case_id = c.id)
    THEN case_letter_made(c.id) ELSE false END"""
"""Whether a formal document rests on an event since the case last came to where it stands."""
CLOSES_ON: Final = """CASE WHEN c.submitted_at IS NULL AND c.outcome IS NULL
    THEN greatest(call.closes_on, case_late_until(c.id, $3::timestamptz))
    ELSE call.closes_on END"""
"""The last day of a case's call, with what was let in late (逾期收件)."""
NOT_DELEGATED: Final = f"ARRAY{[*UNDELEGATED]}"
WHO: Final = """(
    SELECT $2::bigint AS person_id, NULL::bigint AS principal, NULL::text[] AS roles
    UNION ALL SELECT g.from_id, g.from_id, g.roles FROM delegation g
    WHERE g.to_id = $2::bigint AND g.valid_from <= $3::timestamptz AND g.valid_to > $3::timestamptz
    AND (g.revoked_at IS NULL OR g.revoked_at > $3::timestamptz)
    AND (g.measure_ids IS NULL OR c.measure_id = ANY(g.measure_ids)))"""
"""The asker, and everybody for whom they stand in now on this case (代理)."""
COLUMNS: Final = f"""
    c.id, c.public_id, c.number, c.title, c.parent_id, c.root_id, c.child_kind, c.measure_id,
    c.measure_version_id, c.policy_version_id, c.workflow_hash, c.call_id, c.applicant_id,
    c.territory_id, c.parties, c.matter_on, c.state, c.previous_state, c.outcome, c.head_seq,
    c.head_hash, c.facts, c.corrections_made, c.publicity_id, c.publicity_ends_on, c.approved_fen,
    c.paid_fen, c.recovered_fen, c.created_at, c.submitted_at, c.ended_at,
    applicant.title AS applicant_title,
    policy.status AS policy_status, policy.effective_from AS policy_from,
    policy.effective_to AS policy_to,
    flow.panel_states ? c.state AS is_panelled, flow.place_states ? c.state AS is_ranked,
    (call.quota IS NOT NULL OR EXISTS (SELECT FROM review_terms t
        WHERE t.call_id = c.call_id AND t.quota IS NOT NULL)) AS has_call_quota,
    call.opens_on AS call_opens_on, {CLOSES_ON} AS call_closes_on, call.documents AS call_documents,
    (SELECT p.status = 'restarted' FROM publicity p WHERE p.id = c.publicity_id)
        AS publicity_withdrawn,
    {CALENDAR_STAMP} AS calendar_stamp,
    (SELECT json_agg(json_build_array(d.kind, d.sha256) ORDER BY d.kind)
       FROM document d WHERE d.case_id = c.id AND NOT d.replaced) AS documents,
    (SELECT json_agg(json_build_array({TASK_COLUMNS}) ORDER BY t.id)
       FROM task t LEFT JOIN person p ON p.id = t.claimant_id
      WHERE t.case_id = c.id AND (t.status IN ('open', 'waiting') OR t.state = c.state)) AS tasks,
    (SELECT json_agg(k) FROM clock k WHERE k.case_id = c.id) AS clocks,
    (SELECT json_agg(h.kind) FROM hold h
      WHERE h.case_id = c.id AND h.lifted_at IS NULL) AS holds,
    (SELECT json_build_array(max(o.seq), count(*)) FROM objection o
      WHERE o.case_id = c.id AND o.status = 'open') AS objections,
    (SELECT json_agg(json_build_array(p.instalment, p.share, p.fen, p.status, p.offset_fen)
        ORDER BY p.instalment, p.share) FROM payment p WHERE p.case_id = c.id) AS payments,
    place.fiscal_level, {ENTERED_SPLIT} AS fiscal_percent,
    (SELECT json_build_array(count(*), count(*) FILTER (WHERE k.outcome IS NULL),
        coalesce(sum(k.paid_fen), 0), coalesce(sum({TAKEN}), 0)::bigint)
       FROM "case" k WHERE k.parent_id = c.id AND k.child_kind <> 'recovery') AS children,
    CASE WHEN c.parent_id IS NOT NULL THEN case_siblings_ordered(c.id) END
        AS siblings_ordered_fen,
    CASE WHEN c.parent_id IS NOT NULL THEN case_outcome(c.parent_id) END AS parent_outcome,
    {CAP_COLUMNS.strip()},
    {LETTER_MADE} AS letter_made,
    (SELECT json_agg(json_build_array(a.organisation_id, a.role, who.principal)
        ORDER BY who.principal NULLS FIRST) FROM {WHO} who
       JOIN assignment a ON a.person_id = who.person_id
        AND (who.roles IS NULL OR a.role = ANY(who.roles))
        AND (who.principal IS NULL OR a.role <> ALL({NOT_DELEGATED}))
        AND a.valid_from <= $3::timestamptz
        AND (a.valid_to IS NULL OR a.valid_to > $3::timestamptz)) AS seats,
    (SELECT json_agg(json_build_array(d.person_id, d.duty)) FROM duty d
      WHERE d.case_id = c.id) AS duties,
    (SELECT json_agg(json_build_array(r.person_id, r.ground)) FROM recusal r
      WHERE r.case_id = c.id) AS recusals,
    (SELECT json_build_array(e.stream, e.seq, encode(e.request_hash, 'hex')) FROM event e
      WHERE e.actor_id = $2::bigint AND e.request_id = $4::text) AS request,
    {STANDING.format(organisation="c.applicant_id")} AS bars,
    {CHECK_COLUMNS.strip()},
    {AWARD_COLUMNS}
"""
SOURCES: Final = """
    FROM "case" c
    JOIN organisation applicant ON applicant.id = c.applicant_id
    JOIN policy_version policy ON policy.id = c.policy_version_id
    JOIN territory place ON place.id = c.territory_id
    JOIN workflow flow ON flow.hash = c.workflow_hash
    LEFT JOIN call ON call.id = c.call_id
"""
BY_PUBLIC_ID: Final = (
    f"SELECT row_to_json(found) FROM (SELECT {COLUMNS} {SOURCES}"
    " WHERE c.public_id = $1::text) found"
).encode()
BY_IDS: Final = (
    f"SELECT row_to_json(found) FROM (SELECT {COLUMNS} {SOURCES} WHERE c.id = ANY($1::bigint[])"
    " ORDER BY c.id) found"
).encode()
LOCKED: Final = BY_IDS.replace(b" ORDER BY c.id", b" ORDER BY c.id FOR NO KEY UPDATE OF c")
DATES: Final = (
    "matter_on", "publicity_ends_on", "policy_from", "policy_to", "call_opens_on", "call_closes_on",
)  # fmt: skip
INSTANTS: Final = ("created_at", "submitted_at", "ended_at")


@dataclass(frozen=True)
class Asker:
    """Who asks, when, and under which request id."""

    actor_id: int
    at: datetime
    request_id: str | None = None

    def parameters(self) -> tuple[str, str, str | None]:
        """Return $2 to $4 of every reading statement."""
        return str(self.actor_id), self.at.isoformat(), self.request_id


class Reading:
    """A case as it stood in one snapshot of the database; the attributes are the columns above.

    `desk` holds the tasks that wait, and those of every stay in the present state; `present` those
    of the present stay, answered or not, in the order they were opened; `known` the latest check of
    each kind that counts for the case, valid or not.
    """

    recovery: RecoverySums | None
    judging: Judging
    desk: list[SeatTask]
    present: list[SeatTask]
    known: dict[str, Known]

    def __init__(
        self,
        columns: dict[str, Any],
        recovery: RecoverySums | None = None,
        judging: Judging = UNJUDGED,
    ) -> None:
        for name in DATES:
            if columns[name] is not None:
                columns[name] = date.fromisoformat(columns[name])
        for name in INSTANTS:
            if columns[name] is not None:
                columns[name] = datetime.fromisoformat(columns[name])
        columns["head_hash"] = bytes.fromhex(columns["head_hash"].removeprefix("\\x"))
        columns |= columns.pop("overlaps") or NOTHING
        self.__dict__ = columns
        self.recovery = recovery
        self.judging = judging
        self.desk = [SeatTask(*task) for task in columns["tasks"] or ()]
        self.present = present(self.desk, columns["state"])
        self.known = known_from(columns["checks"])

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def duty_of(self, person: int) -> str | None:
        """Return the control role that a person took on this case."""
        return dict(self.duties or []).get(person)

    @property
    def objection_seq(self) -> Any:
        """Return the number of the objection that waits, the last one where several do."""
        return self.objections[0]

    @property
    def open_objections(self) -> int:
        """Return how many objections wait to be settled."""
        return int(self.objections[1])

    @property
    def orders(self) -> tuple[Order, ...]:
        """Return the payment orders, by instalment, the city's share first."""
        return tuple(Order(*each) for each in self.payments or [])


def read_case(connection: Any, public_id: str, asker: Asker) -> Reading | None:
    """Return the case, unlocked, or None where there is none of that public id."""
    parameters = (public_id, *asker.parameters())
    found = ask(connection, BY_PUBLIC_ID, parameters)
    return _read(connection, orjson.loads(found[0]), asker) if found else None


def read_locked(connection: Any, case_ids: list[int], asker: Asker) -> list[Reading]:
    """Return the cases in the order of their ids, locked until the transaction ends."""
    return readings_of(connection, ask_locked(connection, case_ids, asker), asker)


def read_many(connection: Any, case_ids: list[int], asker: Asker) -> list[Reading]:
    """Return the cases in the order of their ids, unlocked: for looking only."""
    return readings_of(connection, _ask(connection, BY_IDS, case_ids, asker), asker)


def ask_locked(connection: Any, case_ids: list[int], asker: Asker) -> Any:
    """Send the question of `read_locked`; in a pipeline nothing is waited for."""
    return _ask(connection, LOCKED, case_ids, asker)


def readings_of(connection: Any, cursor: Any, asker: Asker) -> list[Reading]:
    """Return what was asked for, once it has come."""
    return [_read(connection, row[0], asker) for row in cursor.fetchall()]


def _ask(connection: Any, query: bytes, case_ids: list[int], asker: Asker) -> Any:
    wanted = "{" + ",".join(map(str, case_ids)) + "}"
    parameters = (wanted, *asker.parameters())
    return RawCursor(connection).execute(query, parameters, prepare=True)


def _read(connection: Any, columns: dict[str, Any], asker: Asker) -> Reading:
    """Return the reading of a case; a recovery and experts' work are read once more for it."""
    is_recovery = columns["child_kind"] == RECOVERY
    return Reading(
        columns,
        recovery_sums(connection, columns["id"]) if is_recovery else None,
        _judging(connection, columns, asker),
    )


def _judging(connection: Any, columns: dict[str, Any], asker: Asker) -> Judging:
    """Return what experts and rankings say; which states ask for it, the workflow says."""
    is_panelled, is_ranked = columns.pop("is_panelled"), columns.pop("is_ranked")
    if not (is_panelled or is_ranked):
        return UNJUDGED
    return judging(connection, columns["id"], asker.actor_id, is_panelled=is_panelled)


def iso(day: date | None) -> str | None:
    """Return the ISO text of a date, None as None."""
    return day.isoformat() if day else None
