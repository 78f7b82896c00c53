"""Budget execution (预算执行，手册§10.9): what became of each line, by clause; what is still owed.

From the ledger entries of the cases. A line of a whole policy has a row of its own, with what was
appropriated and what is available, and one for every clause that took from it: all rows add up.
What is owed later (以后年度) stands in rows without a year: it lives on when the policy is over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, func, select, text
from sqlalchemy.orm import Session, aliased

from caseflow.cases.models import Case
from caseflow.cases.queries import visible_cases
from caseflow.cases.splits import entered_percent, percent_of
from caseflow.catalogue.models import Measure, MeasureVersion, Policy, PolicyVersion
from caseflow.funds.models import BudgetLine
from caseflow.funds.queries import (
    BudgetFilter,
    conditions,
    refuse_strangers_to_budgets,
    visible_lines,
)
from caseflow.funds.sheets import About, Column, Sheet
from caseflow.identity.models import Territory
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.shares import CITY, SHARES, WHOLE, split_of

TAKEN: Final = text(
    """
    SELECT e.line_id, m.code AS measure, side.kind, sum(side.fen)::bigint AS fen
    FROM ledger_entry e
    JOIN "case" c ON c.id = e.case_id JOIN measure m ON m.id = c.measure_id
    CROSS JOIN LATERAL (VALUES (e.target, e.fen), (e.source, -e.fen)) AS side (kind, fen)
    WHERE e.line_id = ANY(:lines) AND side.kind <> 'available'
    GROUP BY e.line_id, m.code, side.kind
""".replace("::", "\\:\\:")
)
GAPS: Final = text(
    """
    SELECT b.line_id, m.code AS measure, sum(p.fen)::bigint AS fen
    FROM payment p JOIN "case" c ON c.id = p.case_id JOIN measure m ON m.id = c.measure_id
    JOIN LATERAL (SELECT b.line_id FROM case_budget b
        WHERE b.case_id IN (c.id, c.parent_id) AND b.share = p.share
        ORDER BY b.case_id = c.id DESC LIMIT 1) b ON true
    WHERE p.share = 'district' AND p.status <> 'paid' AND b.line_id = ANY(:lines)
        AND EXISTS (SELECT FROM payment q WHERE q.case_id = p.case_id AND q.share = 'city'
            AND q.instalment = p.instalment AND q.status = 'paid')
    GROUP BY b.line_id, m.code
""".replace("::", "\\:\\:")
)
PARENTS: Final = text("""
    SELECT hash FROM workflow WHERE definition->'children' <> CAST('{}' AS jsonb)
    AND coalesce(definition->>'commits', 'own') = 'own'
    AND NOT definition->'steps' @? '$[*].effects[*] ? (@ == "open_payment")'
""")
"""Those whose children are paid, each from the budget of its own year (a platform's years …)."""
LATER: Final = "以后年度"
TITLE: Final = "预算执行情况表"
COLUMNS: Final = (
    Column("政策", "policy"),
    Column("条款", "measure"),
    Column("年度", "year_title"),
    Column("承担方", "share_title"),
    Column("属地", "territory_title"),
    Column("年度预算", "appropriated_fen", "fen"),
    Column("可用", "available_fen", "fen"),
    Column("拟安排", "reserved_fen", "fen"),
    Column("已审定", "committed_fen", "fen"),
    Column("已下达", "released_fen", "fen"),
    Column("已拨付", "paid_fen", "fen"),
    Column("已追回", "recovered_fen", "fen"),
    Column("未来年度承诺", "future_fen", "fen"),
    Column("配套未到位", "gap_fen", "fen"),
    Column("执行率(%)", "rate"),
)
SHARE_TITLES: Final = {"city": "市级", "district": "区级"}
CENT: Final = Decimal("0.01")
NOTES: Final = (
    "执行率＝本预算项目已拨付÷年度预算，四舍五入到百分之0.01；只列在预算项目所在行",
    "以后年度行：分年度、分期、分里程碑支持的在办项目已审定（未审定的为拟支持）减去已拨付",
    "以后年度行中本年度已占用预算的部分同时列在当年各行；分担比例尚未录入的列在市级",
    "配套未到位：市级已拨付而区级尚未拨付的同期区级资金",
)


@dataclass(frozen=True)
class Sums:
    """Fen in each account, what is owed later, and what the district owes beside the city's."""

    appropriated_fen: int = 0
    available_fen: int = 0
    reserved_fen: int = 0
    committed_fen: int = 0
    released_fen: int = 0
    paid_fen: int = 0
    recovered_fen: int = 0
    future_fen: int = 0
    gap_fen: int = 0


@dataclass(frozen=True)
class ExecutionRow:
    """One clause of one line; `measure` None: the whole line, `year` None: later years."""

    policy: str
    measure: str | None
    year: int | None
    share: str
    territory: str
    territory_title: str
    sums: Sums
    rate: str | None = None

    def flat(self) -> dict[str, Any]:
        """Return the row with its sums beside its names, and titles for a table."""
        row = {**asdict(self), **asdict(self.sums)}
        del row["sums"]
        return {
            **row,
            "year_title": LATER if self.year is None else str(self.year),
            "share_title": SHARE_TITLES[self.share],
        }


@dataclass(frozen=True)
class ExecutionReport:
    """The rows with what a report says above them; the checksum is that of the sheet."""

    title: str
    unit: str
    period: str
    generated_at: datetime
    by: str
    filter: str
    rows: tuple[ExecutionRow, ...]
    total: Sums
    checksum: str


@dataclass(frozen=True)
class _Line:
    id: int
    policy: str
    measure: str | None
    year: int
    share: str
    territory: str
    territory_title: str


def execution(
    session: Session, actor: Actor, wanted: BudgetFilter, at: datetime
) -> ExecutionReport:
    """Return what became of the lines that the actor may see, as it stands at `at`.

    Raises:
        NotAllowed: the actor reads no budgets.
    """
    rows = _sorted(_of_lines(session, actor, wanted), wanted)
    if wanted.year is None:
        rows = (*rows, *_sorted(_owed(session, actor, at), wanted))
    report = ExecutionReport(
        title=TITLE,
        unit="fen",
        period=f"{wanted.year or '各'}年度，截至{local_date(at)}",
        generated_at=at,
        by=actor.name,
        filter=wanted.told(),
        rows=rows,
        total=_total(row.sums for row in rows),
        checksum="",
    )
    return replace(report, checksum=execution_sheet(report).checksum)


def execution_sheet(report: ExecutionReport) -> Sheet:
    """Return the report as a sheet, its total in the last row."""
    about = About(report.title, report.period, report.generated_at, report.by, report.filter, NOTES)
    total = {"policy": "合计", **asdict(report.total)}
    return Sheet("预算执行", about, COLUMNS, [*(row.flat() for row in report.rows), total])


def _of_lines(session: Session, actor: Actor, wanted: BudgetFilter) -> Iterator[ExecutionRow]:
    lines = _lines(session, actor, replace(wanted, measure=None))
    numbers = {"lines": list(lines)}
    taken: dict[tuple[int, str], dict[str, int]] = {}
    for row in session.execute(TAKEN, numbers):
        taken.setdefault((row.line_id, row.measure), {})[f"{row.kind}_fen"] = row.fen
    for row in session.execute(GAPS, numbers):
        taken.setdefault((row.line_id, row.measure), {})["gap_fen"] = row.fen
    balances = _balances(session, lines)
    for number, line in lines.items():
        own = taken.pop((number, line.measure or ""), {})
        yield _row(line, line.measure, {**own, **balances[number][0]}, rate=balances[number][1])
    for (number, measure), sums in taken.items():
        yield _row(lines[number], measure, sums)


def _lines(session: Session, actor: Actor, wanted: BudgetFilter) -> dict[int, _Line]:
    query = (
        select(
            BudgetLine.id, Policy.code, Measure.code, BudgetLine.year, BudgetLine.share,
            Territory.code, Territory.title,
        )
        .join(Policy, Policy.id == BudgetLine.policy_id)
        .join(Territory, Territory.id == BudgetLine.territory_id)
        .outerjoin(Measure, Measure.id == BudgetLine.measure_id)
        .where(visible_lines(actor), *conditions(wanted))
    )  # fmt: skip
    return {row[0]: _Line(*row) for row in session.execute(query)}


BALANCES: Final = text(
    "SELECT line_id, jsonb_object_agg(kind, balance_fen) FROM ledger_account"
    " WHERE line_id = ANY(:lines) GROUP BY line_id"
)


def _balances(
    session: Session, lines: Mapping[int, _Line]
) -> dict[int, tuple[dict[str, int], str | None]]:
    """Return what the line itself has (appropriated, available) and its rate of execution."""
    found = {}
    for number, balance in session.execute(BALANCES, {"lines": list(lines)}):
        appropriated = -balance["appropriation"]
        own = {"appropriated_fen": appropriated, "available_fen": balance["available"]}
        found[number] = (own, _rate(balance["paid"], appropriated))
    return found


def _rate(paid: int, appropriated: int) -> str | None:
    if not appropriated:
        return None
    return str((Decimal(100 * paid) / appropriated).quantize(CENT, ROUND_HALF_UP))


def _row(
    line: _Line, measure: str | None, sums: Mapping[str, int], *, rate: str | None = None
) -> ExecutionRow:
    known = {each.name for each in fields(Sums)}
    return ExecutionRow(
        policy=line.policy,
        measure=measure,
        year=line.year,
        share=line.share,
        territory=line.territory,
        territory_title=line.territory_title,
        sums=Sums(**{name: fen for name, fen in sums.items() if name in known}),
        rate=rate,
    )


def _owed(session: Session, actor: Actor, at: datetime) -> Iterator[ExecutionRow]:
    """Yield what live cases whose children are paid were promised and have not got yet."""
    refuse_strangers_to_budgets(actor)
    owed: Counter[tuple[str, str, str, str]] = Counter()
    for row in session.execute(_promised(session, actor, at)):
        paid = int(row.paid)
        left = max(0, row.promised - paid)
        for share, fen in split_of(left, percent_of(row) or WHOLE, before=paid).items():
            place = row.city if share == CITY else row.territory
            owed[row.policy, row.measure, share, place] += fen
    titles: dict[str, str] = dict(session.execute(select(Territory.code, Territory.title)).all())
    for (policy, measure, bearing, place), fen in owed.items():
        if fen:
            sums = Sums(future_fen=fen)
            yield ExecutionRow(policy, measure, None, bearing, place, titles[place], sums)


def _promised(session: Session, actor: Actor, at: datetime) -> Any:
    child = aliased(Case)
    paid = (
        select(func.coalesce(func.sum(child.paid_fen), 0))
        .where(child.parent_id == Case.id)
        .scalar_subquery()
    )
    promised = func.coalesce(Case.approved_fen, Case.facts["planned_fen"].astext.cast(BigInteger))
    return (
        select(
            Policy.code.label("policy"), Measure.code.label("measure"), Policy.city,
            Territory.code.label("territory"), Territory.fiscal_level,
            MeasureVersion.definition["split"].label("own_split"),
            PolicyVersion.definition["split"].label("split"),
            promised.label("promised"), paid.label("paid"), entered_percent(at).label("entered"),
        )
        .select_from(Case)
        .join(Measure, Measure.id == Case.measure_id)
        .join(Policy, Policy.id == Measure.policy_id)
        .join(MeasureVersion, MeasureVersion.id == Case.measure_version_id)
        .join(PolicyVersion, PolicyVersion.id == Case.policy_version_id)
        .join(Territory, Territory.id == Case.territory_id)
        .where(Case.outcome.is_(None), promised > 0, visible_cases(actor))
        .where(Case.workflow_hash.in_(list(session.scalars(PARENTS))))
    )  # fmt: skip


def _sorted(rows: Iterable[ExecutionRow], wanted: BudgetFilter) -> tuple[ExecutionRow, ...]:
    """Return the rows that the filter wants, by policy, year, share, territory and clause."""
    asked = {
        name: value
        for name in ("policy", "measure", "share", "territory")
        if (value := getattr(wanted, name)) is not None
    }
    kept = (r for r in rows if all(getattr(r, name) == value for name, value in asked.items()))
    return tuple(
        sorted(
            kept,
            key=lambda r: (
                r.policy,
                r.year or 0,
                SHARES.index(r.share),
                r.territory,
                r.measure or "",
            ),
        )
    )


def _total(sums: Iterable[Sums]) -> Sums:
    added: Counter[str] = Counter()
    for each in sums:
        added.update(asdict(each))
    return Sums(**added)
