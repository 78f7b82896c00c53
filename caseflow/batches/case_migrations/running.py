"""Running an approved migration: case by case, each with its result and an event of its own.

A case is moved in a savepoint of its own: what is refused for one is told and stops no other. An
item is claimed by its row and settled in the transaction that moves its case: whoever is killed
leaves a set undone or done, and a worker, or the next run, goes on with what is pending.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from psycopg.errors import IntegrityError
from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from caseflow.batches.case_migrations.models import CaseMigration, MigrationItem
from caseflow.batches.case_migrations.service import (
    PROPOSERS,
    locked,
    result_of,
    seat_of,
)
from caseflow.batches.hands import Hand
from caseflow.batches.publications.dry_run import Assessed, Targets, assess
from caseflow.batches.publications.plans import read_plan
from caseflow.cases.service import Cases
from caseflow.cases.statement import Writes, write
from caseflow.cases.versions.moving import add_move, repin
from caseflow.catalogue.models import Measure, MeasureVersion, PolicyVersion
from caseflow.identity.queries import Actor
from caseflow.kernel.workflow.succession import MovePlan

BATCH: Final = 50
MOST_AT_ONCE: Final = 20
"""How many migrations one look takes a set of, the oldest first: a long one holds up no other."""
PENDING: Final = """
    SELECT case_id FROM case_migration_item WHERE migration_id = %s AND status = 'pending'
    ORDER BY case_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
DONE: Final = """
    UPDATE case_migration_item SET status = %(status)s, from_version_id = %(from_version)s,
        from_workflow = %(from_workflow)s, to_workflow = %(to_workflow)s,
        from_state = %(from_state)s, to_state = %(to_state)s, seq = %(seq)s, result = %(result)s,
        done_at = %(at)s
    WHERE migration_id = %(migration)s AND case_id = %(case)s
"""
GONE: Final = """
    UPDATE case_migration_item SET status = 'refused', done_at = %s, result = %s
    WHERE migration_id = %s AND case_id = %s
"""

Step = Callable[[str], None]


@dataclass(frozen=True)
class Ran:
    """What one run came to; `left` wait still (another worker has them, or the run was limited)."""

    moved: int
    kept: int
    refused: int
    left: int


def run(
    cases: Cases,
    actor: Actor,
    public_id: str,
    at: datetime,
    *,
    limit: int | None = None,
    progress: Step = lambda _: None,
) -> Ran:
    """Move what is pending, up to `limit` cases; run again, it goes on. Any number may run it.

    Raises:
        NotFound: none. NotAllowed: not of the lead bureau. Conflict: not approved, or over.
    """
    with cases.database.session() as session:
        row, measure = locked(session, public_id, ("approved",))
        seat_of(actor, measure, PROPOSERS, "执行")
        (runner,) = _runners(session, cases, CaseMigration.id == row.id, at)
    runner = replace(runner, actor_id=actor.id)
    counts: Counter[str] = Counter()
    while limit is None or counts.total() < limit:
        size = BATCH if limit is None else min(BATCH, limit - counts.total())
        done = runner.batch(size, progress)
        if not done:
            break
        counts += done
    return _ran(counts, runner.finish())


def run_due(cases: Cases, at: datetime, *, limit: int = BATCH) -> Ran:
    """Settle one set of each approved migration, by the hand of who approved it; finish what is.

    What others are at is left to them and waits in `left`.
    """
    with cases.database.session() as session:
        runners = _runners(session, cases, CaseMigration.status == "approved", at)
    counts: Counter[str] = Counter()
    left = 0
    for runner in runners:
        counts += runner.batch(limit)
        left += runner.finish()
    return _ran(counts, left)


def _ran(counts: Counter[str], left: int) -> Ran:
    return Ran(counts["moved"], counts["kept"], counts["refused"], left)


def _runners(
    session: Session, cases: Cases, which: ColumnElement[bool], at: datetime
) -> "list[_Runner]":
    """Return a run of each of these migrations in the name of who approved it."""
    found = CaseMigration
    query = (
        select(found, found.approved_by, Measure.code, PolicyVersion.effective_to)
        .join(Measure, Measure.id == found.measure_id)
        .join(MeasureVersion, MeasureVersion.id == found.to_version_id)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .where(which)
        .order_by(found.id)
        .limit(MOST_AT_ONCE)
    )
    return [
        _Runner(cases, row.id, row.public_id, row.to_version_id, code, read_plan(row.plan), ends_on,
                approver, at)
        for row, approver, code, ends_on in session.execute(query)
        if approver is not None
    ]  # fmt: skip


@dataclass(frozen=True)
class _Runner:
    """One run in the making."""

    cases: Cases
    migration: int
    public_id: str
    version: int
    code: str
    plan: MovePlan
    ends_on: date | None
    actor_id: int
    at: datetime

    def batch(self, size: int, progress: Step = lambda _: None) -> Counter[str]:
        """Settle up to `size` pending cases in one transaction; none where nothing is pending."""
        counts: Counter[str] = Counter()
        with self.cases.connect() as connection, connection.transaction():
            rows = connection.execute(PENDING, (self.migration, size)).fetchall()
            if not rows:
                return counts
            info = self.cases.pinned.measure(connection, self.version)
            targets = Targets(
                {self.code: info},
                lambda each: self.cases.pinned.runner(connection, each).workflow,
                self.ends_on,
            )
            found = assess(
                connection, [row[0] for row in rows], targets, {self.code: self.plan},
                pinned=self.cases.pinned, at=self.at, always=True,
            )  # fmt: skip
            for each in list(found):
                counts[self._settle(connection, each)] += 1
                progress(each.reading.number)
        return counts

    def _settle(self, connection: Any, each: Assessed) -> str:
        status = {"stays": "kept", "moves": "moved", "stranded": "refused"}[each.assessment.result]
        if each.reading.outcome is not None:
            status = "kept"
        try:
            with connection.transaction():
                connection.execute(DONE, self._row(each, status))
                if status == "moved" and each.prospect is not None:
                    repin(connection, each.prospect)
                    writes = Writes()
                    add_move(
                        writes, each.prospect, migration=self.public_id, actor_id=self.actor_id,
                        office=self.cases.office,
                    )  # fmt: skip
                    write(connection, writes)
        except IntegrityError as error:
            told = Jsonb({**result_of(each), "refused": error.diag.message_primary})
            connection.execute(GONE, (self.at, told, self.migration, each.reading.id))
            return "refused"
        return status

    def _row(self, each: Assessed, status: str) -> dict[str, Any]:
        reading, target = each.reading, each.prospect.target if each.prospect else None
        return {
            "status": status,
            "from_version": reading.measure_version_id,
            "from_workflow": reading.workflow_hash,
            "to_workflow": target.workflow_hash if target else None,
            "from_state": reading.state,
            "to_state": each.assessment.to_state,
            "seq": reading.head_seq + 1 if status == "moved" else None,
            "result": Jsonb(result_of(each)),
            "at": self.at,
            "migration": self.migration,
            "case": reading.id,
        }

    def finish(self) -> int:
        """Finish the migration where nothing is pending; returns how many cases still are."""
        hand = Hand(self.actor_id, self.at, self.cases.office.signer)
        with self.cases.database.session() as session:
            query = select(CaseMigration).where(CaseMigration.id == self.migration)
            row = session.scalars(query.with_for_update()).one()
            counts: dict[str, int] = dict(
                session.execute(
                    select(MigrationItem.status, func.count())
                    .where(MigrationItem.migration_id == self.migration)
                    .group_by(MigrationItem.status)
                ).all()
            )
            left = counts.get("pending", 0)
            if not left and row.status == "approved":
                row.status, row.finished_at = "finished", hand.at
                session.flush()
                hand.record(session, row.id, "migration_finished", {"counts": counts})
            return left
