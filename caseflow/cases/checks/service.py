"""Checking a case: recording by hand, asking sources, computing from this house's own records.

No transaction is open while a source is asked. A source that does not answer leaves no check.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.checks.computing import RECORDS, computed
from caseflow.cases.checks.vetoes import note_vetoes
from caseflow.cases.models import Case
from caseflow.cases.queries import find_case
from caseflow.cases.reading import Asker, Reading, read_case
from caseflow.cases.service import Cases
from caseflow.documents.service import ReceivedFile, store_file
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import KINDS, POINTS, VETO
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, Unavailable
from caseflow.kernel.workflow.model import Workflow
from caseflow.reviews.checks.models import Check
from caseflow.reviews.checks.queries import answered
from caseflow.reviews.checks.service import Finding, Recorder, Snapshot, Subject, record_check
from caseflow.reviews.checks.sources import Answer, Question, Source, query_id

RECORDERS: Final = frozenset(
    {
        "bureau_handler",
        "bureau_reviewer",
        "district_handler",
        "district_head",
        "cosign_bureau",
        "finance_division",
        "treasury",
    }
)
"""Who checks: whoever handles a case, and the bureaus that are asked. 手册§5.5"""
PHASES: Final = {"payment": "payment", "decision": "publicity"}
"""The point that a case is at in a phase; in every other it is 受理."""
HAND: Final = "hand"
MOST_SNAPSHOT: Final = 1024 * 1024
Status = Literal["recorded", "already", "unanswered", "no_source"]


@dataclass(frozen=True)
class CheckLine:
    """What became of one kind: a check (`recorded` now, `already` today), or why there is none."""

    kind: str
    kind_title: str
    status: Status
    check: str | None
    result: str | None
    source: str | None
    reason: str | None


@dataclass(frozen=True)
class Checking:
    """What is to be checked, and when.

    `point` None: where the case is; `kinds` None: all that its measure asks for there. `again` asks
    anew what was answered today.
    """

    point: str | None = None
    kinds: tuple[str, ...] | None = None
    again: bool = False


@dataclass(frozen=True)
class _Task:
    """One case to be checked: as read, its point and kinds, its subject."""

    reading: Reading
    city: str
    point: str
    kinds: tuple[str, ...]
    subject: Organisation


def record_by_hand(
    cases: Cases, actor: Actor, case: str, finding: Finding, receive: Callable[[], ReceivedFile], *,
    at: datetime, point: str | None = None,
) -> CheckLine:  # fmt: skip
    """Record what somebody found out elsewhere, with the paper that says so; the same again is one.

    `receive` stores the paper, and is only called for who may record.

    Raises:
        NotFound: no such case that the actor may see. NotAllowed: not in a seat that checks.
        InvalidInput: the finding cannot be recorded, or is computed and never told by hand.
        Conflict: it says otherwise than a veto that this house's own records prove.
    """
    kind = KINDS.get(finding.kind)
    if kind and kind.computed and not kind.by_hand:
        reason = f"{KINDS[finding.kind].title}由系统根据台账核查，不手工登记"
        raise InvalidInput(f"{reason}。", fields={"kind": reason})
    with cases.database.session() as session:
        task = _task(cases, session, actor, case, Checking(point, ()), at)
        if kind and kind.computed and finding.result != VETO:
            _refuse_disproved(cases, session, actor, task, finding.kind, at=at)
    paper = receive()
    stored, day = paper.stored, local_date(finding.queried_at).isoformat()
    told = (HAND, case, finding.kind, finding.result, finding.source, day, stored.sha256)
    finding = replace(finding, query_id=query_id(*told))
    snapshot = Snapshot(stored.sha256, stored.size, paper.name, paper.media_type)
    return _keep(cases, actor, task, finding, snapshot, at=at)


def _refuse_disproved(
    cases: Cases, session: Session, actor: Actor, task: _Task, kind: str, *, at: datetime
) -> None:
    """Refuse to overrule by hand what the register proves: there it is put right, not here."""
    try:
        answer = computed(session, cases, task.reading, kind, actor_id=actor.id, at=at)
    except Unavailable:
        return
    if answer.result == VETO:
        raise Conflict(f"{RECORDS[kind]}与此不符，登记有误的须先更正登记：{answer.note}。")


def run_checks(
    cases: Cases, actor: Actor, case: str, checking: Checking, *, at: datetime
) -> tuple[CheckLine, ...]:
    """Check a case: ask for each kind whoever answers it, and record what comes back.

    Raises:
        NotFound: no such case that the actor may see. NotAllowed: not in a seat that checks.
        InvalidInput: there is no such point or kind.
    """
    with cases.database.session() as session:
        task = _task(cases, session, actor, case, checking, at)
    return tuple(_run(cases, actor, task, kind, checking, at=at) for kind in task.kinds)


def _task(
    cases: Cases, session: Session, actor: Actor, public_id: str, checking: Checking, at: datetime
) -> _Task:
    case = find_case(session, actor, public_id)
    refuse_outsider(actor, case)
    driver: Any = session.connection().connection.driver_connection
    reading = read_case(driver, case.public_id, Asker(actor.id, at))
    assert reading is not None
    if any(person in actor.people for person, _ in reading.recusals or ()):
        raise NotAllowed("您在本办件中已回避，不能办理核查。")
    workflow = cases.pinned.runner(driver, reading.workflow_hash).workflow
    measure = cases.pinned.measure(driver, reading.measure_version_id)
    point = checking.point or point_now(workflow, reading.state)
    kinds = workflow.checks.get(point, ()) if checking.kinds is None else checking.kinds
    _refuse_unknown(point, kinds)
    subject = session.get_one(Organisation, case.applicant_id)
    session.expunge(subject)
    return _Task(reading, measure.city, point, tuple(kinds), subject)


def refuse_outsider(actor: Actor, case: Case) -> None:
    """Refuse who does not check this case: a seat that checks, in a party of the case."""
    parties = {party for party in case.parties.values() if isinstance(party, int)}
    held = actor.holdings_on(case.measure_id)
    if not any(each.role in RECORDERS and each.organisation_id in parties for each in held):
        raise NotAllowed("核查由本办件的经办、复核、会办部门或财政办理，您不在该席位。")


def point_now(workflow: Workflow, state: str) -> str:
    """Return the point that a case is at: by the phase of its state."""
    return PHASES.get(workflow.states[state].phase, "acceptance")


def _refuse_unknown(point: str, kinds: Iterable[str]) -> None:
    fields = {} if point in POINTS else {"point": f"可用：{'、'.join(POINTS)}"}
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        fields["kinds"] = f"没有 {'、'.join(unknown)}；可用：{'、'.join(KINDS)}"
    if fields:
        raise InvalidInput("没有这样的核查时点或类别。", fields=fields)


def _run(
    cases: Cases, actor: Actor, task: _Task, kind: str, checking: Checking, *, at: datetime
) -> CheckLine:
    if not checking.again and (done := _today(cases, task, kind, at)):
        return _line(kind, "already", done)
    try:
        found = _found(cases, actor, task, kind, at=at)
    except Unavailable as error:
        return _line(kind, "unanswered", reason=error.message)
    if found is None:
        return _line(kind, "no_source", reason="没有可查询的来源，请取得查询结果后人工登记")
    finding, answer = found
    stored = store_file(cases.office.files, BytesIO(answer.snapshot), limit=MOST_SNAPSHOT)
    name = f"{kind}-{local_date(at).isoformat()}.json"
    snapshot = Snapshot(stored.sha256, stored.size, name, answer.media_type)
    line = _keep(cases, actor, task, finding, snapshot, at=at)
    return replace(line, reason=answer.note or None)


def _today(cases: Cases, task: _Task, kind: str, at: datetime) -> Check | None:
    """Return the check of this kind that stands, was made today and is no veto."""
    known = task.reading.known.get(kind)
    if known is None or known.result == VETO or not known.counts(local_date(at)):
        return None
    with cases.database.session() as session:
        check = session.get_one(Check, known.id)
        session.expunge(check)
    return check if local_date(check.queried_at) == local_date(at) else None


def _found(
    cases: Cases, actor: Actor, task: _Task, kind: str, *, at: datetime
) -> tuple[Finding, Answer] | None:
    """Return what this house itself or else a source answers, None where nobody can be asked.

    Raises:
        Unavailable: neither knows.
    """
    unknown = None
    if KINDS[kind].computed:
        try:
            with cases.database.session() as session:
                answer = computed(session, cases, task.reading, kind, actor_id=actor.id, at=at)
        except Unavailable as error:
            unknown = error
        else:
            return Finding(kind, answer.result, RECORDS[kind], at, answer.note), answer
    source = cases.office.sources.asked_for(task.city, kind)
    if source is None and unknown is not None:
        raise unknown
    return None if source is None else _asked(task, kind, source, at)


def _asked(task: _Task, kind: str, source: Source, at: datetime) -> tuple[Finding, Answer]:
    question = _question(task, kind, source, at)
    answer = source.ask(question, at)
    finding = Finding(
        kind,
        answer.result,
        source.title,
        at,
        answer.note,
        valid_days=source.valid_days,
        query_id=question.id,
    )
    return finding, answer


def _question(task: _Task, kind: str, source: Source, at: datetime) -> Question:
    subject, known = task.subject, task.reading.known.get(kind)
    before = known.check if known else ""
    day = local_date(at).isoformat()
    return Question(
        id=query_id(source.name, kind, subject.public_id, day, before),
        kind=kind,
        point=task.point,
        holder=str(subject.uscc or subject.identity_number),
        holder_type="uscc" if subject.uscc else str(subject.identity_type),
        name=subject.title,
    )


def _keep(
    cases: Cases, actor: Actor, task: _Task, finding: Finding, snapshot: Snapshot, *, at: datetime
) -> CheckLine:
    """Record the check; who was quicker with the same query has recorded it."""
    with cases.database.session() as session:
        _lock(session, task.subject.id)
        known = finding.query_id and answered(session, finding.source, finding.query_id)
        if known:
            session.expunge(known)
            return _line(finding.kind, "already", known)
        check = _record(session, cases, task, finding, snapshot, actor=actor, at=at)
    note_vetoes(cases, [check], at)
    return _line(finding.kind, "recorded", check)


def _lock(session: Session, subject_id: int) -> None:
    """Let one record checks of a subject at a time."""
    query = select(Organisation.id).where(Organisation.id == subject_id)
    session.execute(query.with_for_update(key_share=True))


def _record(
    session: Session, cases: Cases, task: _Task, finding: Finding, snapshot: Snapshot, *,
    actor: Actor, at: datetime,
) -> Check:  # fmt: skip
    reading = task.reading
    subject = Subject(task.subject.id, reading.id, reading.public_id, task.point)
    by = Recorder(actor.id, at, cases.ids, cases.office.signer)
    check = record_check(session, finding, snapshot, subject=subject, by=by)
    session.expunge(check)
    return check


def _line(
    kind: str, status: Status, check: Check | None = None, *, reason: str | None = None
) -> CheckLine:
    line = CheckLine(kind, KINDS[kind].title, status, None, None, None, reason)
    if check is None:
        return line
    return replace(line, check=check.public_id, result=check.result, source=check.source)
