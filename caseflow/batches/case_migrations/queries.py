"""What is asked of migrations: which there are, how far they are, what became of each case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, select, true
from sqlalchemy.orm import Session, aliased

from caseflow.batches.case_migrations.models import ITEM_STATUSES, CaseMigration, MigrationItem
from caseflow.cases.models import Case
from caseflow.cases.queries import AUDITOR, visible_cases
from caseflow.catalogue.models import Measure, MeasureVersion, PolicyVersion
from caseflow.database.paging import last_of
from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotFound

MAX_PAGE: Final = 200
OFFICIALS: Final = ("bureau_handler", "bureau_reviewer", "bureau_division_head", "bureau_leader")


@dataclass(frozen=True)
class MigrationLine:
    """A migration and how many of its cases wait, moved, kept their version, were refused."""

    public_id: str
    measure: str
    to_policy_version: int
    status: str
    plan: Mapping[str, Any]
    reason: str
    basis: str
    document_no: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    finished_at: datetime | None
    withdrawn_at: datetime | None
    pending: int
    moved: int
    kept: int
    refused: int


@dataclass(frozen=True)
class MigrationPage:
    """Migrations, the last first; `next` is given back as `after`."""

    items: tuple[MigrationLine, ...]
    next: str | None


@dataclass(frozen=True)
class ItemLine:
    """One case of a migration: from where to where, and what changed or why it did not move."""

    case: str
    number: str
    status: str
    from_state: str
    to_state: str | None
    from_workflow: str
    to_workflow: str | None
    event: int | None
    result: Mapping[str, Any]
    done_at: datetime | None


@dataclass(frozen=True)
class MigrationItemPage:
    """Cases of a migration in the order of their opening; `next` is given back as `after`."""

    migration: MigrationLine
    items: tuple[ItemLine, ...]
    next: str | None


def visible_migrations(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that the actor may see a migration: its lead bureau and auditors."""
    if any(held.role == AUDITOR for held in actor.assignments):
        return true()
    bureaus = [held.organisation_id for held in actor.assignments if held.role in OFFICIALS]
    if not bureaus:
        return false()
    lead = MeasureVersion.organisations["lead_bureau"].as_integer()
    return CaseMigration.to_version_id.in_(
        select(MeasureVersion.id).where(lead.in_(sorted(set(bureaus))))
    )


def migration_list(
    session: Session,
    actor: Actor,
    *,
    measure: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> MigrationPage:
    """Return a page of the migrations that the actor may see; of one measure, or all.

    Raises:
        InvalidInput: `after` is none that the actor may see.
    """
    query = _lines().where(visible_migrations(actor))
    if measure is not None:
        query = query.where(Measure.code == measure)
    if after is not None:
        place = select(CaseMigration.id).where(
            CaseMigration.public_id == after, visible_migrations(actor)
        )
        query = query.where(CaseMigration.id < last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    rows = session.execute(query.order_by(CaseMigration.id.desc()).limit(size + 1)).all()
    items = tuple(_line(row) for row in rows[:size])
    return MigrationPage(items, items[-1].public_id if len(rows) > size else None)


def migration_line(session: Session, actor: Actor, public_id: str) -> MigrationLine:
    """Return one migration.

    Raises:
        NotFound: there is none that the actor may see.
    """
    query = _lines().where(CaseMigration.public_id == public_id, visible_migrations(actor))
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"没有办件迁移 {public_id!r}。")
    return _line(row)


def _lines() -> Any:
    proposer, approver = aliased(Person), aliased(Person)
    counted = [
        select(func.count())
        .where(MigrationItem.migration_id == CaseMigration.id, MigrationItem.status == status)
        .scalar_subquery()
        .label(status)
        for status in ITEM_STATUSES
    ]
    return (
        select(
            CaseMigration,
            Measure.code,
            PolicyVersion.version,
            proposer.name.label("proposed_by"),
            approver.name.label("approved_by"),
            *counted,
        )
        .join(Measure, Measure.id == CaseMigration.measure_id)
        .join(MeasureVersion, MeasureVersion.id == CaseMigration.to_version_id)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .join(proposer, proposer.id == CaseMigration.proposed_by)
        .outerjoin(approver, approver.id == CaseMigration.approved_by)
    )


def _line(row: Any) -> MigrationLine:
    found: CaseMigration = row.CaseMigration
    return MigrationLine(
        public_id=found.public_id,
        measure=row.code,
        to_policy_version=row.version,
        status=found.status,
        plan=found.plan,
        reason=found.reason,
        basis=found.basis,
        document_no=found.document_no,
        proposed_by=row.proposed_by,
        proposed_at=found.proposed_at,
        approved_by=row.approved_by,
        approved_at=found.approved_at,
        finished_at=found.finished_at,
        withdrawn_at=found.withdrawn_at,
        **{status: getattr(row, status) for status in ITEM_STATUSES},
    )


def item_list(
    session: Session,
    actor: Actor,
    public_id: str,
    *,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> MigrationItemPage:
    """Return a page of a migration's cases that the actor may see; `after` is a case.

    Raises:
        NotFound: no such migration. InvalidInput: an unknown status, `after` is no case of it.
    """
    migration = migration_line(session, actor, public_id)
    query = (
        select(MigrationItem, Case.public_id, Case.number)
        .join(CaseMigration, CaseMigration.id == MigrationItem.migration_id)
        .join(Case, Case.id == MigrationItem.case_id)
        .where(CaseMigration.public_id == public_id, visible_cases(actor))
    )
    if status is not None:
        if status not in ITEM_STATUSES:
            reason = f"{status!r} 不是 {'、'.join(ITEM_STATUSES)} 之一"
            raise InvalidInput(f"status：{reason}。", fields={"status": reason})
        query = query.where(MigrationItem.status == status)
    if after is not None:
        place = select(Case.id).where(Case.public_id == after, visible_cases(actor))
        query = query.where(MigrationItem.case_id > last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    rows = session.execute(query.order_by(MigrationItem.case_id).limit(size + 1)).all()
    items = tuple(_item(row) for row in rows[:size])
    return MigrationItemPage(migration, items, items[-1].case if len(rows) > size else None)


def _item(row: Any) -> ItemLine:
    item: MigrationItem = row.MigrationItem
    return ItemLine(
        case=row.public_id,
        number=row.number,
        status=item.status,
        from_state=item.from_state,
        to_state=item.to_state,
        from_workflow=item.from_workflow,
        to_workflow=item.to_workflow,
        event=item.seq,
        result=item.result,
        done_at=item.done_at,
    )
