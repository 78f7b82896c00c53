"""What can be asked of plans: their lines with every cut and its reason, and what is in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.plans.models import (
    PUBLICISED,
    RESTARTED,
    SUPPLEMENTARY,
    WHOLE,
    Plan,
    PlanLine,
)
from caseflow.cases.amounts import Reduction, reductions
from caseflow.catalogue.models import Call
from caseflow.kernel.errors import NotFound

STATUS_TITLES: Final = {
    "drafted": "已拟定",
    "reviewed": "已复核",
    "approved": "已审定",
    "publicised": "已公示",
    "returned": "已退回",
    "restarted": "名单变更，另有新版",
}
RESULT_TITLES: Final = {"support": "拟支持", "waitlist": "候补", "unsupported": "不予支持"}
KIND_TITLES: Final = {WHOLE: "拟支持方案", SUPPLEMENTARY: "补充方案（递补）"}
HEAD: Final = """
    SELECT p.id, p.public_id, k.public_id AS call, k.title AS call_title, m.code AS measure,
        p.version, p.kind, p.status, r.public_id AS replaces, p.reason, p.support_count,
        p.support_fen, k.quota, k.pool_fen, d.name AS drafted_by, p.drafted_at,
        v.name AS reviewed_by, p.reviewed_at, a.name AS approved_by, p.approved_at,
        p.minutes_no, p.return_reason,
        b.public_id AS publicity, b.status AS publicity_status, b.ends_on AS publicity_ends_on
    FROM plan p JOIN call k ON k.id = p.call_id JOIN measure m ON m.id = k.measure_id
    JOIN person d ON d.id = p.drafted_by LEFT JOIN person v ON v.id = p.reviewed_by
    LEFT JOIN person a ON a.id = p.approved_by LEFT JOIN plan r ON r.id = p.replaces_id
    LEFT JOIN publicity b ON b.id = p.publicity_id
    WHERE p.call_id = %(call)s AND (%(plan)s::bigint IS NULL OR p.id = %(plan)s)
    ORDER BY p.version DESC
"""
LINES: Final = """
    SELECT l.line, c.id AS case_id, c.public_id AS case, c.number, o.title AS applicant, c.title,
        c.state, c.outcome, l.result, l.rank, (c.facts->>'applied_fen')::bigint AS applied_fen,
        l.wanted_fen,        l.fen, l.reason, l.reason_code
    FROM plan_line l JOIN "case" c ON c.id = l.case_id JOIN organisation o ON o.id = c.applicant_id
    WHERE l.plan_id = %s ORDER BY l.line
"""


@dataclass(frozen=True)
class PlanLineView:
    """A case in a plan; `cut_fen` is what the plan gives less than was wanted.

    `reductions` say how what was applied for came to that, each with the reason that was given.
    """

    line: int
    case: str
    number: str
    applicant: str
    title: str
    state: str
    outcome: str | None
    result: str
    result_title: str
    rank: int | None
    applied_fen: int | None
    wanted_fen: int | None
    fen: int | None
    cut_fen: int
    reason: str | None
    reason_code: str | None
    reductions: tuple[Reduction, ...]


@dataclass(frozen=True)
class PlanHead:
    """A version of a call's plan without its lines; sums in fen."""

    public_id: str
    call: str
    call_title: str
    measure: str
    version: int
    kind: str
    kind_title: str
    status: str
    status_title: str
    replaces: str | None
    reason: str | None
    support_count: int
    support_fen: int
    quota: int | None
    pool_fen: int | None
    drafted_by: str
    drafted_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    minutes_no: str | None
    return_reason: str | None
    publicity: str | None
    publicity_status: str | None


@dataclass(frozen=True)
class PlanView:
    """A plan with its lines: what was wanted, what it gives, what was cut in all."""

    plan: PlanHead
    wanted_fen: int
    cut_fen: int
    lines: tuple[PlanLineView, ...]


def find_plan(session: Session, public_id: str) -> Plan:
    """Return a plan.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(select(Plan).where(Plan.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"没有拟支持方案 {public_id!r}。")
    return found


def call_of(session: Session, plan: Plan) -> Call:
    """Return the call whose plan this is."""
    return session.get_one(Call, plan.call_id)


def lines_of(session: Session, plan: Plan) -> list[PlanLine]:
    """Return the lines of a plan in their order."""
    query = select(PlanLine).where(PlanLine.plan_id == plan.id).order_by(PlanLine.line)
    return list(session.scalars(query))


def last_whole(session: Session, call: Call) -> Plan | None:
    """Return the call's plan that is public, else the last one that was: what a change changes."""
    query = (
        select(Plan)
        .where(Plan.call_id == call.id, Plan.kind == WHOLE)
        .where(Plan.status.in_((PUBLICISED, RESTARTED)))
        .order_by(Plan.version.desc())
    )
    return session.scalars(query).first()


def plan_heads(session: Session, call: Call) -> tuple[PlanHead, ...]:
    """Return the versions of a call's plan, the newest first."""
    return tuple(map(_head, _rows(session, HEAD, {"call": call.id, "plan": None})))


def plan_view(session: Session, plan: Plan) -> PlanView:
    """Return a plan with its lines."""
    (row,) = _rows(session, HEAD, {"call": plan.call_id, "plan": plan.id})
    found = _rows(session, LINES, (plan.id,))
    cuts = reductions(session, [line.case_id for line in found])
    lines = tuple(_line(line, cuts.get(line.case_id, ())) for line in found)
    supported = [line for line in lines if line.fen is not None]
    return PlanView(
        plan=_head(row),
        wanted_fen=sum(line.wanted_fen or 0 for line in supported),
        cut_fen=sum(line.cut_fen for line in supported),
        lines=lines,
    )


def _head(row: Any) -> PlanHead:
    told: dict[str, Any] = {
        name: getattr(row, name, None) for name in PlanHead.__dataclass_fields__
    }
    told["kind_title"], told["status_title"] = KIND_TITLES[row.kind], STATUS_TITLES[row.status]
    return PlanHead(**told)


def _line(row: Any, cuts: Sequence[Reduction]) -> PlanLineView:
    said = row._asdict()
    del said["case_id"]
    cut = max(0, (row.wanted_fen or 0) - row.fen) if row.fen is not None else 0
    title = RESULT_TITLES[row.result]
    return PlanLineView(**said, result_title=title, cut_fen=cut, reductions=tuple(cuts))


def _rows(session: Session, query: str, parameters: Any) -> list[Any]:
    driver: Any = session.connection().connection.driver_connection
    rows: list[Any] = (
        driver.cursor(row_factory=namedtuple_row).execute(query, parameters).fetchall()
    )
    return rows
