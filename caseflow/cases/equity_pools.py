"""The ledger of each measure's pool (资金池), over the cases that an actor may see (手册§4.1.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.cases.models import Case
from caseflow.cases.queries import MAX_PAGE, visible_cases
from caseflow.catalogue.models import Measure, MeasureVersion, Policy
from caseflow.funds.equity.pools.models import PoolAccount, PoolEntry
from caseflow.identity.queries import Actor
from caseflow.kernel.equity.explaining import written
from caseflow.kernel.equity.position import ACCOUNTS


@dataclass(frozen=True)
class PoolView:
    """A measure's pool. `opening_fen` came from finance, `balance_fen` may be granted again.

    `balances` are of all accounts and sum to nothing. `is_whole` is false where the actor may not
    see every case of the pool: then the figures are of the cases that may be seen.
    """

    measure: str
    measure_title: str
    policy: str
    projects: int
    opening_fen: int
    granted_fen: int
    converted_fen: int
    exited_fen: int
    returned_fen: int
    gain_fen: int
    lost_fen: int
    kept_fen: int
    outstanding_fen: int
    balance_fen: int
    balances: Mapping[str, int]
    dpi: str | None
    is_whole: bool


@dataclass(frozen=True)
class PoolPage:
    """Pools by measure; `next` is given back as `after`, None on the last page."""

    items: tuple[PoolView, ...]
    next: str | None


def pools(session: Session, actor: Actor, *, after: str | None = None, limit: int = 50) -> PoolPage:
    """Return the pools of which the actor may see a case, in the order of their measures' codes."""
    size = max(1, min(limit, MAX_PAGE))
    query = (
        select(PoolEntry.measure_id, Measure.code, func.count(PoolEntry.case_id.distinct()))
        .join(Case, Case.id == PoolEntry.case_id)
        .join(Measure, Measure.id == PoolEntry.measure_id)
        .where(visible_cases(actor))
        .group_by(PoolEntry.measure_id, Measure.code)
        .order_by(Measure.code)
        .limit(size + 1)
    )
    if after is not None:
        query = query.where(Measure.code > after)
    rows = session.execute(query).all()
    items = tuple(_pool(session, actor, *row) for row in rows[:size])
    return PoolPage(items, items[-1].measure if len(rows) > size else None)


def _pool(session: Session, actor: Actor, measure_id: int, code: str, projects: int) -> PoolView:
    moved = _turnover(session, actor, measure_id)
    balances = {
        account: sum(fen for (_, target), fen in moved.items() if target == account)
        - sum(fen for (source, _), fen in moved.items() if source == account)
        for account in ACCOUNTS
    }
    title, policy = _named(session, measure_id)
    granted = _net(moved, "available", "granted")
    returned = sum(fen for (_, target), fen in moved.items() if target == "returned")
    gain = moved.get(("gain", "available"), 0)
    return PoolView(
        measure=code,
        measure_title=title,
        policy=policy,
        projects=projects,
        opening_fen=_net(moved, "pool_opening", "available"),
        granted_fen=granted,
        converted_fen=moved.get(("granted", "equity"), 0),
        exited_fen=moved.get(("equity", "returned"), 0),
        returned_fen=returned,
        gain_fen=gain,
        lost_fen=balances["lost"],
        kept_fen=balances["kept"],
        outstanding_fen=balances["granted"] + balances["equity"],
        balance_fen=balances["available"],
        balances=balances,
        dpi=written(Fraction(returned + gain, granted)) if granted else None,
        is_whole=balances == _kept_balances(session, measure_id),
    )


def _net(moved: Mapping[tuple[str, str], int], source: str, target: str) -> int:
    """Return what went this way, less what went back because the bank returned it."""
    return moved.get((source, target), 0) - moved.get((target, source), 0)


def _turnover(session: Session, actor: Actor, measure_id: int) -> dict[tuple[str, str], int]:
    query = (
        select(PoolEntry.source, PoolEntry.target, func.sum(PoolEntry.fen))
        .join(Case, Case.id == PoolEntry.case_id)
        .where(PoolEntry.measure_id == measure_id, visible_cases(actor))
        .group_by(PoolEntry.source, PoolEntry.target)
    )
    return {(source, target): int(fen) for source, target, fen in session.execute(query)}


def _named(session: Session, measure_id: int) -> tuple[str, str]:
    """Return the title of a measure's latest version, and its policy's code."""
    query = (
        select(MeasureVersion.title, Policy.code)
        .join(Measure, Measure.id == MeasureVersion.measure_id)
        .join(Policy, Policy.id == Measure.policy_id)
        .where(Measure.id == measure_id)
        .order_by(MeasureVersion.id.desc())
        .limit(1)
    )
    title, policy = session.execute(query).one()
    return title, policy


def _kept_balances(session: Session, measure_id: int) -> dict[str, int]:
    """Return the balances that the entries' trigger keeps."""
    query = select(PoolAccount.account, PoolAccount.fen)
    query = query.where(PoolAccount.measure_id == measure_id)
    kept = dict(session.execute(query).all())
    return {account: kept[account] for account in ACCOUNTS}
