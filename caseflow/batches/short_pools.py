"""A call's pool (资金池): who of the cases that stand in 拟支持 gets what, and planning it.

The call says the sum and the rule. Where it says no sum, the pool is what the budget line of the
city's share still has. A preview says what applying would do; applying asks each case's own
`draft_plan`, one transaction each: what is refused for one case is told and does not stop the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from caseflow.cases.cutting import RuleCut, rule_cut
from caseflow.cases.facts import facts_of
from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.models import Call, MeasureVersion
from caseflow.funds.queries import AUDITOR, BUREAUS, CITY_FINANCE
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.pools import RULES, TITLES, Allotment, Claim, divide
from caseflow.kernel.shares import CITY, WHOLE, split_of
from caseflow.kernel.workflow.effects import CITY_PERCENT

DRAFT: Final = "draft_plan"
PROPOSED: Final = "proposed"
ASKED: Final = ("reviewed_fen", "audited_fen", "verified_fen", "applied_fen")
"""What a case wants of the pool: the last amount that was looked at before the plan."""

STANDING: Final = """
    SELECT c.id FROM "case" c WHERE c.call_id = %s AND split_part(c.state, '#', 1) = %s
    AND c.outcome IS NULL ORDER BY c.id
"""
TAKEN: Final = """
    SELECT coalesce(sum(CASE WHEN c.outcome IS NULL
        THEN coalesce(c.approved_fen, (c.facts->>'planned_fen')::bigint, 0) ELSE c.paid_fen END), 0)
    FROM "case" c WHERE c.call_id = %s AND c.id <> ALL(%s)
"""
LINES: Final = """
    SELECT DISTINCT ON (c.id) l.id, a.balance_fen AS available FROM "case" c
    JOIN measure m ON m.id = c.measure_id
    LEFT JOIN case_budget b ON b.case_id = c.id AND b.share = 'city'
    CROSS JOIN LATERAL (
        WITH RECURSIVE up AS (
            SELECT t.id, t.parent_id, 0 AS far FROM territory t WHERE t.id = c.territory_id
            UNION ALL
            SELECT t.id, t.parent_id, up.far + 1 FROM territory t JOIN up ON t.id = up.parent_id
        ) SELECT id, far FROM up) place
    JOIN budget_line l ON CASE WHEN b.line_id IS NOT NULL THEN l.id = b.line_id
        ELSE l.territory_id = place.id AND l.policy_id = m.policy_id AND l.year = %(year)s
            AND l.share = 'city' AND (l.measure_id = c.measure_id OR l.measure_id IS NULL) END
    JOIN ledger_account a ON a.line_id = l.id AND a.kind = 'available'
    WHERE c.id = ANY(%(cases)s) ORDER BY c.id, l.measure_id IS NULL, place.far
"""
"""The city's line of each case, chosen as the database's own `line_of_case` does."""


@dataclass(frozen=True)
class PoolLine:
    """What one case gets. `result`: planned in full, cut, waits for next year, or nothing left."""

    case: str
    number: str
    applicant: str
    rank: int | None
    submitted_at: datetime
    wanted_fen: int
    fen: int
    result: str
    reason: str


@dataclass(frozen=True)
class Division:
    """A call's pool divided: what there is, what is wanted, by which rule, and line by line."""

    call: str
    title: str
    measure: str
    rule: str
    rule_title: str
    pool_fen: int
    wanted_fen: int
    allotted_fen: int
    lines: tuple[PoolLine, ...]


@dataclass(frozen=True)
class Standing:
    """A case in 拟支持 as it was read: what it wants, what the clause allows, whose it is.

    `fen` is the last amount that was looked at, within the ceilings; `cut` is the rule that made
    it less, None where it is not.
    """

    reading: Reading
    fen: int
    facts: dict[str, Any]
    cut: RuleCut | None

    @property
    def claim(self) -> Claim:
        """Return what the pool is asked for; of two of one instant the lower number comes first."""
        known = self.reading.submitted_at or self.reading.created_at
        return Claim(self.reading.number, self.fen, known, self.facts.get("rank"))


def preview_division(cases: Cases, actor: Actor, call: str, at: datetime) -> Division:
    """Return who would get what and why; nothing is written.

    Raises:
        NotFound: no such call. NotAllowed: not of the lead bureau, 财政 or 审计.
        InvalidInput: the call says no rule, a rank is missing, or no one line is the pool.
    """
    with cases.database.session() as session:
        return _divided(cases, session, actor, call, at=at)[0]


def apply_division(cases: Cases, actor: Actor, call: str, at: datetime) -> Division:
    """Plan each case with what it gets and the reason of its cut, on its own checks (核查).

    Cases that get nothing stay where they are: to wait (结转) or to be rejected by name.

    Raises:
        As `preview_division`. A case that refuses is a line that says so.
    """
    with cases.database.session() as session:
        division, versions = _divided(cases, session, actor, call, at=at)
    lines = tuple(
        _plan(cases, actor, line, at=at, version=versions[line.case]) for line in division.lines
    )
    done = sum(line.fen for line in lines if line.result in ("planned", "cut"))
    return replace(division, lines=lines, allotted_fen=done)


def _plan(cases: Cases, actor: Actor, line: PoolLine, *, at: datetime, version: int) -> PoolLine:
    if not line.fen:
        return line
    payload: dict[str, Any] = {"planned_fen": line.fen}
    if line.reason:
        payload |= {"reason": line.reason, "cut_code": "pool_short"}
    request = Request(DRAFT, actor.id, at, payload, expected_version=version)
    try:
        cases.act(line.case, request)
    except CaseflowError as error:
        return replace(line, fen=0, result="refused", reason=error.message)
    return line


def _divided(
    cases: Cases, session: Session, actor: Actor, call: str, *, at: datetime
) -> tuple[Division, dict[str, int]]:
    """Return the division, and the version of each case that it rests on."""
    found = session.query(Call).filter(Call.public_id == call).one_or_none()
    if found is None:
        raise NotFound(f"没有申报通知 {call!r}。")
    if found.short_pool not in RULES:
        raise InvalidInput(
            f"申报通知《{found.title}》没有写明资金不足时如何安排。", fields={"short_pool": "必填"}
        )
    driver = session.connection().connection.driver_connection
    standing = standing_cases(cases, driver, found.id, at)
    refuse_strangers(session, actor, found)
    pool = _pool(driver, found, standing, at)
    rule = found.short_pool
    allotments = divide(rule, [each.claim for each in standing], pool)
    lines = tuple(map(_line, standing, allotments))
    measure = standing[0].reading if standing else None
    division = Division(
        call=found.public_id,
        title=found.title,
        measure=cases.pinned.measure(driver, measure.measure_version_id).code if measure else "",
        rule=rule,
        rule_title=TITLES[rule],
        pool_fen=pool,
        wanted_fen=sum(each.fen for each in standing),
        allotted_fen=sum(line.fen for line in lines),
        lines=lines,
    )
    return division, {each.reading.public_id: each.reading.head_seq for each in standing}


def standing_cases(cases: Cases, driver: Any, call_id: int, at: datetime) -> list[Standing]:
    """Return the call's cases that stand in 拟支持, locked for the length of the reading."""
    numbers = [row[0] for row in driver.execute(STANDING, (call_id, PROPOSED)).fetchall()]
    found = []
    for reading in read_locked(driver, numbers, Asker(cases.office.system_id, at)):
        workflow = cases.pinned.runner(driver, reading.workflow_hash).workflow
        measure = cases.pinned.measure(driver, reading.measure_version_id)
        facts = facts_of(reading, measure, workflow, at)
        fen = _wanted(facts)
        cut = rule_cut(fen, facts, reading, measure, workflow)
        found.append(Standing(reading, fen, facts, cut))
    return found


def _wanted(facts: dict[str, Any]) -> int:
    """Return the last amount that was looked at, cut to what the clause allows one case."""
    fen = next((facts[name] for name in ASKED if facts.get(name) is not None), 0)
    ceiling = facts.get("ceiling_fen")
    return int(fen if ceiling is None else min(fen, ceiling))


def _line(standing: Standing, allotment: Allotment) -> PoolLine:
    reading = standing.reading
    return PoolLine(
        case=reading.public_id,
        number=reading.number,
        applicant=reading.applicant_title,
        rank=standing.facts.get("rank"),
        submitted_at=standing.claim.submitted_at,
        wanted_fen=allotment.wanted_fen,
        fen=allotment.fen,
        result=_result(allotment),
        reason=allotment.reason,
    )


def _result(allotment: Allotment) -> str:
    if allotment.waits:
        return "waits"
    if not allotment.fen:
        return "left"
    return "cut" if allotment.cut_fen else "planned"


def refuse_strangers(session: Session, actor: Actor, call: Call) -> None:
    """Let the bureau that leads the call's measure, 财政 of the city and 审计 look at it."""
    versions = (
        session.query(MeasureVersion).filter(MeasureVersion.measure_id == call.measure_id).all()
    )
    leads = {version.organisations["lead_bureau"] for version in versions}
    finance = {version.organisations["parties"].get("finance") for version in versions}
    for each in actor.assignments:
        if each.role == AUDITOR or (each.role in BUREAUS and each.organisation_id in leads):
            return
        if each.role in CITY_FINANCE and each.organisation_id in finance:
            return
    raise NotAllowed("资金安排由牵头部门办理，财政、审计可查阅，您不在这些席位。")


def _pool(driver: Any, call: Call, standing: Sequence[Standing], at: datetime) -> int:
    """Return what there is: the call's sum less what its other cases have, else the line's rest."""
    numbers = [each.reading.id for each in standing]
    if call.pool_fen is not None:
        (taken,) = driver.execute(TAKEN, (call.id, numbers)).fetchone()
        return int(max(0, call.pool_fen - taken))
    if not standing:
        return 0
    parameters = {"cases": numbers, "year": local_date(at).year}
    rows = driver.cursor(row_factory=namedtuple_row).execute(LINES, parameters).fetchall()
    lines = {row.id: row.available for row in rows}
    percents = {each.facts[CITY_PERCENT] for each in standing}
    if len(lines) != 1 or len(rows) != len(numbers) or len(percents) != 1:
        raise InvalidInput(
            "本批办件不由同一市级预算项目按同一比例承担，须在申报通知中写明资金池金额。",
            fields={"pool_fen": "必填"},
        )
    (available,), (percent,) = lines.values(), percents
    if not percent:
        raise Conflict("市级承担比例尚未确定，须在申报通知中写明资金池金额。")
    own = sum(split_of(each.facts.get("planned_fen") or 0, percent)[CITY] for each in standing)
    return int((available + own) * WHOLE // percent)
