"""Running an approved migration: case by case, each with its result and an event of its own.

A case is moved in a savepoint of its own: what is refused for one is told and stops no other. A run
that was killed is run again: it goes on with what is pending.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.errors import IntegrityError
from psycopg.types.json import Jsonb
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.batches.case_migrations.models import CaseMigration, MigrationItem
from caseflow.batches.case_migrations.service import (
    PROPOSERS,
    locked,
    refuse_stranger,
    result_of,
)
from caseflow.batches.hands import Hand
from caseflow.batches.publications.dry_run import Assessed, Targets, assess
from caseflow.batches.publications.plans import read_plan
from caseflow.cases.service import Cases
from caseflow.cases.statement import Writes, write
from caseflow.cases.versions.moving import add_move, repin
from caseflow.catalogue.models import MeasureVersion, PolicyVersion
from caseflow.identity.queries import Actor
from caseflow.kernel.workflow.succession import MovePlan

BATCH: Final = 50
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
        refuse_stranger(actor, measure, PROPOSERS, "执行")
        migration, version, plan = row.id, row.to_version_id, read_plan(row.plan)
        code, ends_on = measure.code, _ends_on(session, version)
    runner = _Runner(cases, migration, public_id, version, code, plan, ends_on, actor.id, at)
    counts: Counter[str] = Counter()
    while limit is None or counts.total() < limit:
        size = BATCH if limit is None else min(BATCH, limit - counts.total())
        done = runner.batch(size, progress)
        if not done:
            break
        counts += done
    left = _finish(cases, migration, Hand(actor.id, at, cases.office.signer))
    return Ran(counts["moved"], counts["kept"], counts["refused"], left)


def _ends_on(session: Session, version_id: int) -> date | None:
    query = select(PolicyVersion.effective_to).join(
        MeasureVersion, MeasureVersion.policy_version_id == PolicyVersion.id
    )
    return session.scalars(query.where(MeasureVersion.id == version_id)).one()


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

    def batch(self, size: int, progress: Step) -> Counter[str]:
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


def _finish(cases: Cases, migration_id: int, hand: Hand) -> int:
    """Finish the migration where nothing is pending; returns how many cases still are."""
    with cases.database.session() as session:
        query = select(CaseMigration).where(CaseMigration.id == migration_id).with_for_update()
        row = session.scalars(query).one()
        counts: dict[str, int] = dict(
            session.execute(
                select(MigrationItem.status, func.count())
                .where(MigrationItem.migration_id == migration_id)
                .group_by(MigrationItem.status)
            ).all()
        )
        left = counts.get("pending", 0)
        if not left and row.status == "approved":
            row.status, row.finished_at = "finished", hand.at
            session.flush()
            hand.record(session, row.id, "migration_finished", {"counts": counts})
        return left
