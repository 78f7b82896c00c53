"""Moving running cases to the current version of their measure: one proposes, another approves."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from caseflow.batches.case_migrations.models import CaseMigration, MigrationItem
from caseflow.batches.changes.models import Impact, PolicyChange
from caseflow.batches.hands import Hand, lines
from caseflow.batches.publications.dry_run import Assessed, Targets, assess, counted
from caseflow.batches.publications.models import Publication
from caseflow.batches.publications.plans import read_plan
from caseflow.cases.models import Case
from caseflow.cases.service import Cases
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.models import Measure
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.catalogue.seating import held
from caseflow.history.part import Place
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.workflow.succession import MovePlan, faults_of_plan

SHOWN: Final = 5
PROPOSERS: Final = ("bureau_handler", "bureau_reviewer", "bureau_division_head", "bureau_leader")
APPROVERS: Final = ("bureau_division_head", "bureau_leader")


@dataclass(frozen=True)
class Proposal:
    """What is proposed: the cases of a measure, by which plan, why.

    `plan` None: that of the version's publication. `cases` None: all that run; `change`: those
    that its impact list says to re-evaluate.
    """

    measure: str
    reason: str
    basis: str
    document_no: str
    plan: MovePlan | None = None
    cases: tuple[str, ...] | None = None
    change: str | None = None


def propose(cases: Cases, actor: Actor, wanted: Proposal, at: datetime) -> str:
    """List the cases with what would become of each; returns the migration's public id.

    Raises:
        NotFound: no such measure. NotAllowed: not of the lead bureau. InvalidInput: the plan names
            what there is not, a case that is none. Conflict: no case to move, a case would be
            stranded, or is in another migration.
    """
    names = ("reason", "basis", "document_no")
    said = lines((name, getattr(wanted, name)) for name in names)
    hand = Hand(actor.id, at, cases.office.signer)
    with cases.database.session() as session:
        measure = catalogue.measure(session, wanted.measure)
        place = seat_of(actor, measure, PROPOSERS, "提出")
        plan = wanted.plan or _published_plan(session, measure)
        _refuse_plan(session, measure, plan)
        found = _assess(cases, session, measure, plan, _chosen(session, measure, wanted), at=at)
        _refuse_stranding(found)
        row = CaseMigration(
            public_id=cases.ids.new(),
            measure_id=measure.id,
            to_version_id=measure.version.id,
            plan=plan.to_data(),
            status="proposed",
            proposed_by=actor.id,
            proposed_at=at,
            **said,
        )
        session.add(row)
        session.flush()
        session.add_all(_item(row.id, each) for each in found)
        session.flush()
        counts = counted(found)
        payload = {"measure": measure.code, "plan": row.plan, "counts": counts, **said}
        hand.record(session, row.id, "migration_proposed", payload, place)
        return row.public_id


def _published_plan(session: Session, measure: LoadedMeasure) -> MovePlan:
    query = (
        select(Publication.plan)
        .where(Publication.policy_version_id == measure.policy.id)
        .order_by(Publication.id.desc())
    )
    plan = session.scalars(query).first()
    return read_plan((plan or {}).get(measure.code, {}))


def _refuse_plan(session: Session, measure: LoadedMeasure, plan: MovePlan) -> None:
    hashes = [measure.version.workflow_hash, *measure.version.children.values()]
    faults = [faults_of_plan(plan, catalogue.workflow(session, each)) for each in hashes]
    named = min(faults, key=len)
    if named:
        raise InvalidInput(f"plan：{'；'.join(named)}。", fields={"plan": "；".join(named)})


def _chosen(session: Session, measure: LoadedMeasure, wanted: Proposal) -> list[int]:
    """Return the running cases that are asked for and pin another version."""
    query = (
        select(Case.id, Case.public_id)
        .where(Case.measure_id == measure.id, Case.outcome.is_(None))
        .where(Case.measure_version_id != measure.version.id)
        .order_by(Case.id)
    )
    if wanted.change is not None:
        listed = (
            select(Impact.case_id)
            .join(PolicyChange, PolicyChange.id == Impact.change_id)
            .where(PolicyChange.public_id == wanted.change, Impact.decision == "re_evaluate")
        )
        query = query.where(Case.root_id.in_(listed))
    found = {row.public_id: row.id for row in session.execute(query)}
    if wanted.cases is not None:
        unknown = sorted(set(wanted.cases) - found.keys())
        if unknown:
            reason = f"{'、'.join(unknown)} 不是本条款须迁移的在办件"
            raise InvalidInput(f"cases：{reason}。", fields={"cases": reason})
        return sorted(found[each] for each in wanted.cases)
    return sorted(found.values())


def _assess(
    cases: Cases,
    session: Session,
    measure: LoadedMeasure,
    plan: MovePlan,
    case_ids: Sequence[int],
    *,
    at: datetime,
) -> list[Assessed]:
    if not case_ids:
        raise Conflict(f"{measure.code} 没有须迁移的在办件。")
    driver = session.connection().connection.driver_connection
    targets = _targets(cases, driver, measure)
    plans = {measure.code: plan}
    return list(assess(driver, case_ids, targets, plans, pinned=cases.pinned, at=at, always=True))


def _targets(cases: Cases, driver: Any, measure: LoadedMeasure) -> Targets:
    info = cases.pinned.measure(driver, measure.version.id)
    return Targets(
        {info.code: info},
        lambda each: cases.pinned.runner(driver, each).workflow,
        measure.policy.effective_to,
    )


def _refuse_stranding(found: Sequence[Assessed]) -> None:
    stranded = [each for each in found if each.assessment.result == "stranded"]
    if not stranded:
        return
    told = "；".join(
        f"{each.reading.number}（{each.reading.state}）{'、'.join(each.assessment.reasons)}"
        for each in stranded[:SHOWN]
    )
    more = f" 等 {len(stranded)} 件" if len(stranded) > SHOWN else ""
    raise Conflict(
        f"迁移使办件无处可去：{told}{more}。请在方案中写明对应的新环节，或写明留在原版本。",
        stranded=[each.reading.number for each in stranded],
    )


def _item(migration_id: int, each: Assessed) -> MigrationItem:
    reading, target = each.reading, each.prospect.target if each.prospect else None
    return MigrationItem(
        migration_id=migration_id,
        case_id=reading.id,
        status="pending",
        from_version_id=reading.measure_version_id,
        from_workflow=reading.workflow_hash,
        to_workflow=target.workflow_hash if target else None,
        from_state=reading.state,
        to_state=each.assessment.to_state,
        result=result_of(each),
    )


def result_of(each: Assessed) -> dict[str, Any]:
    """Return what the assessment says, as JSON data."""
    data = asdict(each.assessment)
    for clock in data["clocks"]:
        for name in ("due_before", "due_after"):
            clock[name] = clock[name].isoformat() if clock[name] else None
    return data


def approve(cases: Cases, actor: Actor, public_id: str, at: datetime) -> None:
    """Approve a migration as a second person; from now on it may run.

    Raises:
        NotFound: none. NotAllowed: not a head of the lead bureau, or who proposed it.
        Conflict: approved or withdrawn already, or its version is not the current one any more.
    """
    hand = Hand(actor.id, at, cases.office.signer)
    with cases.database.session() as session:
        row, measure = locked(session, public_id, ("proposed",))
        place = seat_of(actor, measure, APPROVERS, "批准")
        if row.proposed_by == actor.id:
            raise NotAllowed("办件迁移须由提出人以外的第二人批准。")
        if row.to_version_id != measure.version.id:
            raise Conflict("目标版本已不是现行版本，请撤回后重新提出。")
        row.status, row.approved_by, row.approved_at = "approved", actor.id, at
        session.flush()
        said = {"measure": measure.code}
        hand.record(session, row.id, "migration_approved", said, place)


def withdraw(cases: Cases, actor: Actor, public_id: str, reason: str, at: datetime) -> None:
    """Withdraw a proposal; every case keeps its version.

    Raises:
        NotFound: none. NotAllowed: not of the lead bureau. Conflict: approved already.
    """
    said = lines([("reason", reason)])
    hand = Hand(actor.id, at, cases.office.signer)
    with cases.database.session() as session:
        row, measure = locked(session, public_id, ("proposed",))
        place = seat_of(actor, measure, PROPOSERS, "撤回")
        items = update(MigrationItem).where(MigrationItem.migration_id == row.id)
        session.execute(items.values(status="kept", done_at=at))
        row.status, row.withdrawn_by, row.withdrawn_at = "withdrawn", actor.id, at
        session.flush()
        hand.record(session, row.id, "migration_withdrawn", said, place)


def locked(
    session: Session, public_id: str, statuses: tuple[str, ...]
) -> tuple[CaseMigration, LoadedMeasure]:
    """Return a migration in one of these statuses, locked, with its measure.

    Raises:
        NotFound: there is none. Conflict: it stands elsewhere.
    """
    query = select(CaseMigration).where(CaseMigration.public_id == public_id).with_for_update()
    row = session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(f"没有办件迁移 {public_id!r}。")
    if row.status not in statuses:
        raise Conflict(f"该办件迁移现为 {row.status}，须为 {'、'.join(statuses)}。")
    code = session.scalars(select(Measure.code).where(Measure.id == row.measure_id)).one()
    return row, catalogue.measure(session, code)


def seat_of(actor: Actor, measure: LoadedMeasure, roles: tuple[str, ...], what: str) -> Place:
    """Return the actor's seat in the measure's lead bureau, which alone migrates its cases.

    Raises:
        NotAllowed: the actor holds none of `roles` there.
    """
    place = held(actor, [measure.version.organisations["lead_bureau"]], roles)
    if place is None:
        bureau = measure.version.definition["bureaus"][0]
        raise NotAllowed(f"{measure.code} 的办件迁移须由{bureau}{what}，您不在该席位。")
    return place
