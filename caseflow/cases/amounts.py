"""The road of a case's money: applied → … → paid → recovered, each cut with its reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from caseflow.cases.models import Case
from caseflow.funds.models import AmountStep, BudgetLine, LedgerEntry
from caseflow.funds.queries import AUDITOR, BUREAUS, CITY_FINANCE, DISTRICT_FINANCE
from caseflow.history.models import Event
from caseflow.identity.queries import Actor
from caseflow.kernel.cuts import CUT_CODES
from caseflow.kernel.workflow.vocabulary import AMOUNTS

PAID, RECOVERED = "paid", "recovered"
TITLES: Final = {
    **{name.removesuffix("_fen"): fact.title for name, fact in AMOUNTS.items()},
    PAID: "已拨付金额",
    RECOVERED: "已追回金额",
}
REASONS: Final = ("reason", "note", "basis", "minutes_no")
"""Where an event says why: the first of these that was given."""
UNSAID: Final = "未写明理由"
"""Of reductions from before reasons were asked for; the database takes none without any more."""
OUTSTANDING: Final = "尚未拨付的部分"
WITHIN: Final = frozenset(
    {AUDITOR, "district_handler", "district_head", *BUREAUS, *CITY_FINANCE, *DISTRICT_FINANCE}
)
"""Who of those that see a case sees its budget lines: officials, never applicants or firms."""


@dataclass(frozen=True)
class AmountView:
    """One step of the amount history, by the number of the event that made it."""

    version: int
    kind: str
    fen: int
    reason: str | None
    cut_code: str | None = None


@dataclass(frozen=True)
class ChainStep:
    """What an amount came to last, and what it lost against the step before it in the chain.

    `reason` is what the one who cut it gave, or the rule that did; `cut_code` is of `CUT_CODES`;
    `version` is that event, None for sums of payments.
    """

    kind: str
    title: str
    fen: int
    reduction_fen: int
    reason: str | None
    version: int | None
    cut_code: str | None = None
    cut_title: str | None = None


@dataclass(frozen=True)
class EntryView:
    """Fen that moved in a budget line for this case (or one of its children)."""

    version: int
    at: datetime
    line: str
    line_title: str
    year: int
    share: str
    source: str
    target: str
    fen: int


def amount_steps(session: Session, case: Case) -> tuple[AmountView, ...]:
    """Return every amount that was ever stated, in order."""
    query = select(AmountStep).where(AmountStep.case_id == case.id)
    rows = session.scalars(query.order_by(AmountStep.seq, AmountStep.kind))
    return tuple(AmountView(row.seq, row.kind, row.fen, row.reason, row.cut_code) for row in rows)


def amount_chain(
    session: Session, case: Case, steps: Sequence[AmountView]
) -> tuple[ChainStep, ...]:
    """Return the last amount of each kind in the order of the chain, then paid and recovered.

    What is publicised takes its reason from nobody: it is the plan's. A case that is not over has
    no cut between approved and paid, only what is still to be paid.
    """
    last = {step.kind: step for step in steps}
    given = _given(session, case, [step.version for step in last.values()])
    found: list[ChainStep] = []
    for kind in TITLES:
        if kind in last:
            found.append(_step(last[kind], given, found[-1].fen if found else None))
    return tuple(chain(found, _money(session, case, found[-1].fen if found else 0)))


@dataclass(frozen=True)
class Reduction:
    """What one step of the chain cut (核减), and the reason of whoever, or of the rule that, did.

    `cut_code` is of `CUT_CODES`; None of what was cut before codes were asked for.
    """

    kind: str
    title: str
    fen: int
    reason: str
    cut_code: str | None
    cut_title: str | None


LAST_STEPS: Final = text("""
    SELECT s.case_id, s.kind, s.fen, s.reason, s.cut_code, s.seq, e.payload FROM (
        SELECT DISTINCT ON (a.case_id, a.kind) a.* FROM amount_step a
        WHERE a.case_id = ANY(:cases) ORDER BY a.case_id, a.kind, a.seq DESC) s
    JOIN event e ON e.stream = s.case_id AND e.seq = s.seq
""")


def reductions(session: Session, case_ids: Sequence[int]) -> dict[int, tuple[Reduction, ...]]:
    """Return the cuts in the chains of many cases at once, by case; of what is paid nothing."""
    found: dict[int, dict[str, Any]] = {}
    for row in session.execute(LAST_STEPS, {"cases": list(case_ids)}):
        found.setdefault(row.case_id, {})[row.kind] = row
    return {case: tuple(_cuts(rows)) for case, rows in found.items()}


def _cuts(rows: dict[str, Any]) -> Iterator[Reduction]:
    before: int | None = None
    for kind in TITLES:
        if kind not in rows:
            continue
        row = rows[kind]
        view = AmountView(row.seq, kind, row.fen, row.reason, row.cut_code)
        step = _step(view, {row.seq: row.payload}, before)
        if step.reduction_fen:
            reason = step.reason or UNSAID
            yield Reduction(
                kind, step.title, step.reduction_fen, reason, step.cut_code, step.cut_title
            )
        before = row.fen


def _step(view: AmountView, given: dict[int, dict[str, Any]], before: int | None) -> ChainStep:
    cut = 0 if before is None else max(0, before - view.fen)
    payload = given.get(view.version, {})
    said = next((str(payload[name]) for name in REASONS if payload.get(name)), None)
    reason = view.reason or said
    return ChainStep(
        kind=view.kind,
        title=TITLES[view.kind],
        fen=view.fen,
        reduction_fen=cut,
        reason=(reason or UNSAID) if cut else None,
        version=view.version,
        cut_code=view.cut_code if cut else None,
        cut_title=CUT_CODES.get(view.cut_code or "") if cut else None,
    )


def _given(session: Session, case: Case, versions: Sequence[int]) -> dict[int, dict[str, Any]]:
    query = select(Event.seq, Event.payload).where(Event.stream == case.id, Event.seq.in_(versions))
    return {row.seq: row.payload for row in session.execute(query)}


def _money(session: Session, case: Case, approved: int) -> Iterator[ChainStep]:
    """Yield what was paid and what came back, of the case and its children."""
    if case.approved_fen is None:
        return
    family = select(Case.id).where((Case.id == case.id) | (Case.parent_id == case.id))
    paid = session.scalar(select(func.sum(Case.paid_fen)).where(Case.id.in_(family))) or 0
    is_over = case.outcome is not None
    cut = approved - paid if is_over else 0
    reason = None if paid == approved else (_why_ended(session, case) if is_over else OUTSTANDING)
    yield ChainStep(PAID, TITLES[PAID], int(paid), int(max(0, cut)), reason, None)
    back = select(func.sum(LedgerEntry.fen)).where(
        LedgerEntry.case_id.in_(family), LedgerEntry.target == RECOVERED
    )
    recovered = session.scalar(back)
    if recovered:
        yield ChainStep(RECOVERED, TITLES[RECOVERED], int(recovered), 0, None, None)


def _why_ended(session: Session, case: Case) -> str:
    """Return what the event said that ended the case before everything was paid."""
    ended = (
        select(Event.payload)
        .where(Event.stream == case.id, Event.to_state == case.state)
        .order_by(Event.seq)
        .limit(1)
    )
    payload = session.scalars(ended).one_or_none() or {}
    return next((str(payload[name]) for name in REASONS if payload.get(name)), UNSAID)


def entries_of(session: Session, actor: Actor, case: Case) -> tuple[EntryView, ...]:
    """Return the case's ledger entries, oldest first; none for who may not see budgets."""
    if not any(each.role in WITHIN for each in actor.assignments):
        return ()
    query = (
        select(LedgerEntry, BudgetLine)
        .join(BudgetLine, BudgetLine.id == LedgerEntry.line_id)
        .where(LedgerEntry.case_id == case.id)
        .order_by(LedgerEntry.id)
    )
    return tuple(
        EntryView(
            version=entry.seq,
            at=entry.at,
            line=line.public_id,
            line_title=line.title,
            year=line.year,
            share=entry.share,
            source=entry.source,
            target=entry.target,
            fen=entry.fen,
        )
        for entry, line in session.execute(query)
    )
