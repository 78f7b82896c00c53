"""Publishing a version over running cases; one that strands any of them is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.batches.changes.listing import record_amendment
from caseflow.batches.hands import Hand, lines
from caseflow.batches.publications.candidates import (
    Candidate,
    Comparison,
    compare_with,
    current_version,
    targets_of,
)
from caseflow.batches.publications.dry_run import (
    Assessed,
    CaseProspect,
    Key,
    Progress,
    assess,
    counted,
    live_cases,
)
from caseflow.batches.publications.models import Publication
from caseflow.batches.publications.plans import Plans
from caseflow.cases.service import Cases
from caseflow.catalogue.models import MeasureVersion, PolicyVersion
from caseflow.catalogue.pinned import Pinned
from caseflow.catalogue.seating import held
from caseflow.catalogue.service import load_policy
from caseflow.database.ids import PublicIds
from caseflow.history.part import Place
from caseflow.identity.queries import Actor
from caseflow.identity.service import LOADING_LOCK
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed
from caseflow.kernel.workflow.succession import faults_of_plan

MOST: Final = 1000
"""How many cases a dry run shows; all are counted."""
SHOWN: Final = 5
"""How many stranded cases a refusal names."""
PUBLISHERS: Final = frozenset({"bureau_division_head", "bureau_leader"})
OFFICE: Final = "government_office"


@dataclass(frozen=True)
class DryRun:
    """What publishing would do: how the version differs, and who would change.

    `counts` has for each measure the cases that stay, may move, would be stranded; `cases` the
    first of them, the stranded before the others.
    """

    policy: str
    version: int
    is_new: bool
    comparison: Comparison | None
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    cases: tuple[CaseProspect, ...] = ()
    stranded: int = 0


@dataclass(frozen=True)
class Published:
    """A version that was published, and what its publication says."""

    publication: str | None
    policy: str
    version: int
    counts: dict[str, dict[str, int]]
    change: str | None


@dataclass(frozen=True)
class Words:
    """Why a version is published, and by which document."""

    reason: str
    document_no: str


def dry_run(
    session: Session,
    cases: Cases,
    candidate: Candidate,
    plans: Plans,
    at: datetime,
    *,
    progress: Progress = lambda _: None,
) -> DryRun:
    """Tell what publishing the candidate with these plans would do; nothing is written.

    Raises:
        InvalidInput: a plan names a measure, state or clock that there is not.
    """
    before = current_version(session, candidate.files.policy.code)
    code = candidate.files.policy.code
    if before is None or before.content_hash == candidate.content:
        return DryRun(code, before.version if before else 0, is_new=before is None, comparison=None)
    found = _assessed(session, before, candidate, plans, at, pinned=cases.pinned, progress=progress)
    stranded = _stranded(session, before.policy_id, found)
    ordered = sorted(found, key=lambda each: each.assessment.result != "stranded")
    return DryRun(
        policy=code,
        version=before.version,
        is_new=True,
        comparison=compare_with(session, before, candidate),
        counts=counted(found),
        cases=tuple(each.line() for each in ordered[:MOST]),
        stranded=len(stranded),
    )


def publish(
    session: Session,
    cases: Cases,
    candidate: Candidate,
    plans: Plans,
    actor: Actor,
    words: Words,
    at: datetime,
    *,
    progress: Progress = lambda _: None,
) -> Published:
    """Make the candidate the current version, with what the plan says of running cases on record.

    The running cases are locked until the transaction ends; they keep their version, whatever
    the plan: moving them is a migration. A changed law makes an impact list.

    Raises:
        NotAllowed: not of the government's office, nor a head of a lead bureau of the policy.
        Conflict: the version strands cases and the plan does not say what becomes of them; nothing
            new to publish; the policy is repealed or replaced. InvalidInput: see `dry_run`.
    """
    said, hand = lines(vars(words).items()), Hand(actor.id, at, cases.office.signer)
    before, place = _to_replace(session, candidate, actor)
    found = _assessed(session, before, candidate, plans, at, pinned=cases.pinned, progress=progress)
    _refuse_stranding(before, _stranded(session, before.policy_id, found))
    comparison = compare_with(session, before, candidate)
    after = _loaded(session, candidate, hand)
    row = _row(before, after, plans, found, cases.ids)
    for name, text in said.items():
        setattr(row, name, text)
    row.published_by, row.published_at = hand.by, hand.at
    session.add(row)
    session.flush()
    payload = {"version": after.version, "plan": row.plan, "kept": row.kept, **said}
    hand.record(session, after.policy_id, "version_published", payload, place)
    change = record_amendment(
        session, before, after, comparison.touched, hand, ids=cases.ids, **said
    )
    return Published(
        publication=row.public_id,
        policy=candidate.files.policy.code,
        version=after.version,
        counts=row.counts,
        change=change.public_id if change else None,
    )


def _to_replace(
    session: Session, candidate: Candidate, actor: Actor
) -> tuple[PolicyVersion, Place]:
    """Return the version whose place the candidate takes, and the seat in which it is published.

    Nobody else loads meanwhile.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOADING_LOCK)))
    code = candidate.files.policy.code
    before = current_version(session, code)
    if before is None:
        raise Conflict(f"政策 {code} 尚未载入；首次载入请用 caseflow policies load。")
    place = publishers_seat(session, actor, before)
    if before.content_hash == candidate.content:
        raise Conflict(f"《{before.title}》与现行第 {before.version} 版相同，没有可发布的内容。")
    return before, place


def _loaded(session: Session, candidate: Candidate, hand: Hand) -> PolicyVersion:
    return load_policy(
        session, candidate.files, candidate.workflows,
        city=candidate.city, by=hand.by, at=hand.at, signer=hand.signer,
    )  # fmt: skip


def load_over_running_cases(
    session: Session, candidate: Candidate, hand: Hand, *, ids: PublicIds
) -> PolicyVersion:
    """Load a version as the files say it; refused where it would strand running cases.

    The same content again does nothing. A changed law makes an impact list.

    Raises:
        Conflict: cases would be stranded: `publish` takes a plan. See also `load_policy`.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOADING_LOCK)))
    before = current_version(session, candidate.files.policy.code)
    is_new = before is not None and before.content_hash != candidate.content
    touched: tuple[str, ...] = ()
    if before is not None and is_new and live_cases(_driver(session), before.policy_id):
        found = _assessed(session, before, candidate, {}, hand.at, pinned=Pinned())
        _refuse_stranding(before, _stranded(session, before.policy_id, found))
        touched = compare_with(session, before, candidate).touched
    after = _loaded(session, candidate, hand)
    if before is not None:
        number = after.document_no or before.document_no or "无文号"
        record_amendment(
            session, before, after, touched, hand, ids=ids, reason="载入新版本", document_no=number
        )
    return after


def _assessed(
    session: Session,
    before: PolicyVersion,
    candidate: Candidate,
    plans: Plans,
    at: datetime,
    *,
    pinned: Pinned,
    progress: Progress = lambda _: None,
) -> list[Assessed]:
    _refuse_plans(candidate, plans)
    session.flush()
    driver = _driver(session)
    targets = targets_of(session, candidate)
    running = live_cases(driver, before.policy_id)
    found = assess(driver, running, targets, plans, pinned=pinned, at=at, progress=progress)
    return list(found)


def _refuse_plans(candidate: Candidate, plans: Plans) -> None:
    for code, plan in plans.items():
        flows = candidate.workflows.get(code)
        if flows is None:
            if plan.states or plan.clocks:
                reason = "新版本没有本条款，只能写 stay"
                raise InvalidInput(f"{code}：{reason}。", fields={code: reason})
            continue
        faults = [faults_of_plan(plan, flow) for flow in flows.values()]
        named = min(faults, key=len)
        if named:
            raise InvalidInput(f"{code}：{'；'.join(named)}。", fields={code: "；".join(named)})


def _stranded(session: Session, policy_id: int, found: Sequence[Assessed]) -> list[Assessed]:
    """Return the cases that no plan, neither this one nor one before, has settled."""
    kept = _kept_before(session, policy_id)
    return [each for each in found if each.assessment.result == "stranded" and each.key not in kept]


def _kept_before(session: Session, policy_id: int) -> set[Key]:
    query = select(Publication.kept).where(Publication.policy_id == policy_id)
    return {(key[0], key[1], key[2]) for kept in session.scalars(query) for key in kept}


def _refuse_stranding(before: PolicyVersion, stranded: Sequence[Assessed]) -> None:
    if not stranded:
        return
    first = stranded[:SHOWN]
    told = "；".join(
        f"{each.reading.number}（{each.reading.state}）{'、'.join(each.assessment.reasons)}"
        for each in first
    )
    more = f" 等 {len(stranded)} 件" if len(stranded) > len(first) else ""
    raise Conflict(
        f"《{before.title}》的新版本使在办件无处可去：{told}{more}。"
        "请在方案中逐环节写明对应的新环节（states），或写明留在原版本办理（stay），"
        "再以 caseflow versions publish --plan 发布。",
        stranded=[each.reading.number for each in stranded[:MOST]],
    )


def _row(
    before: PolicyVersion,
    after: PolicyVersion,
    plans: Plans,
    found: Sequence[Assessed],
    ids: PublicIds,
) -> Publication:
    kept = {
        each.key for each in found if each.assessment.result == "stays" and each.would_be_stranded
    }
    return Publication(
        public_id=ids.new(),
        policy_id=before.policy_id,
        policy_version_id=after.id,
        replaces_id=before.id,
        plan={code: plan.to_data() for code, plan in plans.items()},
        kept=[list(key) for key in sorted(kept)],
        counts=counted(found),
    )


def publishers_seat(session: Session, actor: Actor, version: PolicyVersion) -> Place:
    """Return the actor's seat: the government's office, or a head's of one of its lead bureaus.

    Raises:
        NotAllowed: the actor sits in none of these seats.
    """
    query = select(MeasureVersion.organisations).where(
        MeasureVersion.policy_version_id == version.id
    )
    for organisations in session.scalars(query):
        office, lead = organisations["parties"].get(OFFICE), organisations["lead_bureau"]
        place = held(actor, [office], [OFFICE]) or held(actor, [lead], PUBLISHERS)
        if place is not None:
            return place
    raise NotAllowed(f"《{version.title}》的新版本须由市政府办或牵头部门负责人发布，您不在该席位。")


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection
