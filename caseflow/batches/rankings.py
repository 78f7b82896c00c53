"""A call's ranking (排序): previewed, then recorded case by case in its order; 递补 afterwards.

Rank, tie rule and quota are the call's. The first ones take the places; the database counts them,
so that no second handler lets in one too many. Who finds no place left waits (候补).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.cases.experts.places import Counter, places_of, shortlist_size
from caseflow.cases.experts.results import OF_CALL, Result, find_call, results
from caseflow.cases.reading import Asker, read_locked
from caseflow.cases.service import Cases, Outcome, Request
from caseflow.catalogue.models import Call, MeasureVersion
from caseflow.catalogue.queries import workflow
from caseflow.history.service import append
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput
from caseflow.kernel.ranking import Place, ranked, refuse_tie_rule
from caseflow.kernel.scoring import Terms, terms_data, told
from caseflow.kernel.workflow.judging import judging_stages
from caseflow.kernel.workflow.model import Workflow
from caseflow.reviews.experts.models import ReviewTerms
from caseflow.reviews.experts.queries import EVERY_STAGE, terms_for

RANKING, WAITLISTED = "ranking", "waitlisted"
RECORD, PROMOTE = "record_rank", "promote"
DRAWN: Final = (
    'SELECT count(*) FROM review_panel p JOIN "case" c ON c.id = p.case_id'
    " WHERE c.call_id = %s AND %s IN (p.stage, '')"
)


@dataclass(frozen=True)
class CallTerms:
    """What a call says of its review: how sheets are scored, how ties break, how many places.

    `stage` is the stage that it says so of (a defence may have a sheet of its own); by default all.
    """

    terms: Terms
    tie_rule: tuple[str, ...] = ()
    quota: int | None = None
    stage: str = EVERY_STAGE


@dataclass(frozen=True)
class RankLine:
    """A case's rank. `result`: shortlisted, waitlisted, ranked before, or refused."""

    case: str
    number: str
    applicant: str
    score: str
    rank: int
    result: str
    reason: str


@dataclass(frozen=True)
class Ranking:
    """A call's ranking; `pending` are the cases that are still being reviewed."""

    call: str
    title: str
    tie_rule: tuple[str, ...]
    quota: int | None
    pending: tuple[str, ...]
    lines: tuple[RankLine, ...]


def set_terms(cases: Cases, actor: Actor, call: str, said: CallTerms, *, at: datetime) -> None:
    """Let a call say how its cases are scored and ranked; until the first panel is so drawn.

    Raises:
        NotFound: no such call. NotAllowed: not of the lead bureau.
        InvalidInput: the tie rule names no criterion; more places than the workflow lets in; no
            panel judges in the stage.
        Conflict: a panel was drawn by the terms that hold.
    """
    refuse_tie_rule(said.tie_rule, {each.code: each.title for each in said.terms.criteria})
    with cases.database.session() as session:
        found = find_call(session, actor, call)
        flow = _newest_workflow(session, found)
        _refuse_quota(flow, said.quota)
        _refuse_stage(flow, said.stage)
        if _driver(session).execute(DRAWN, (found.id, said.stage)).fetchone()[0]:
            raise Conflict(f"申报通知《{found.title}》已抽取专家组，评审办法不得再改。")
        data: dict[str, Any] = {
            "terms": terms_data(said.terms),
            "tie_rule": list(said.tie_rule),
            "quota": said.quota,
        }
        own = {"call_id": found.id, "stage": said.stage, "set_by": actor.id, "set_at": at}
        session.merge(ReviewTerms(**own, **data))
        signer = cases.office.signer
        data |= {"stage": said.stage} if said.stage else {}
        append(
            session, stream=found.id, name="review_terms_set", actor_id=actor.id, payload=data,
            at=at, signer=signer,
        )  # fmt: skip


def _newest_workflow(session: Session, call: Call) -> Workflow | None:
    query = session.query(MeasureVersion).filter(MeasureVersion.measure_id == call.measure_id)
    newest = query.order_by(MeasureVersion.id.desc()).first()
    return workflow(session, newest.workflow_hash) if newest else None


def _refuse_quota(flow: Workflow | None, quota: int | None) -> None:
    most = shortlist_size(flow) if flow else None
    if quota is not None and (most is None or not 1 <= quota <= most):
        why = f"1 至 {most}（条款或参数“入围名额”）" if most else "本条款不排序遴选"
        raise InvalidInput(f"名额 {quota}：{why}。", fields={"quota": why})


def _refuse_stage(flow: Workflow | None, stage: str) -> None:
    known = judging_stages(flow) if flow else ()
    if stage != EVERY_STAGE and stage not in known:
        why = f"须为 {'、'.join(known)} 之一" if known else "本条款没有专家评审环节"
        raise InvalidInput(f"环节 {stage!r}：{why}。", fields={"stage": why})


def preview_ranking(cases: Cases, actor: Actor, call: str, at: datetime) -> Ranking:
    """Return who would be ranked where and why; nothing is written.

    Raises:
        NotFound: no such call. NotAllowed: not of the lead bureau or 审计.
        InvalidInput: a case that stands in the ranking has no score.
    """
    with cases.database.session() as session:
        return _ranking(cases, session, actor, call, at=at)[0]


def apply_ranking(cases: Cases, actor: Actor, call: str, at: datetime) -> Ranking:
    """Record every rank, the first first, one transaction each; a refusal is a line that says so.

    Raises:
        As `preview_ranking`; Conflict: some of the call's cases are still being reviewed.
    """
    with cases.database.session() as session:
        ranking, versions = _ranking(cases, session, actor, call, at=at)
    if ranking.pending:
        waiting = "、".join(ranking.pending)
        raise Conflict(f"本批尚有 {len(ranking.pending)} 件未完成评审，不能排序：{waiting}。")
    return replace(
        ranking, lines=tuple(_record(cases, actor, versions, each, at) for each in ranking.lines)
    )


def _record(
    cases: Cases, actor: Actor, versions: Mapping[str, int], line: RankLine, at: datetime
) -> RankLine:
    if line.case not in versions:
        return line
    payload = {"rank": line.rank, "note": line.reason}
    request = Request(RECORD, actor.id, at, payload, expected_version=versions[line.case])
    try:
        outcome = cases.act(line.case, request)
    except CaseflowError as error:
        return replace(line, result="refused", reason=error.message)
    waits = outcome.state.partition("#")[0] == WAITLISTED
    return replace(line, result="waitlisted" if waits else "shortlisted")


def promote_next(
    cases: Cases, actor: Actor, call: str, *, reason: str, minutes_no: str, at: datetime
) -> Outcome:
    """Let the first of the waitlist take a place that became free (递补); it is publicised alone.

    Raises:
        NotFound: no such call. NotAllowed: not of the lead bureau.
        Conflict: nobody waits. GuardFailed: no place is free, or the titles are issued.
    """
    with cases.database.session() as session:
        found = find_call(session, actor, call)
        waiting = [
            each.row
            for each in results(_driver(session), OF_CALL, found.id)
            if each.row.state.partition("#")[0] == WAITLISTED
        ]
    if not waiting:
        raise Conflict("本批没有候补办件。")
    first = min(waiting, key=lambda row: (row.rank, row.number))
    payload = {"reason": reason, "minutes_no": minutes_no}
    return cases.act(first.public_id, Request(PROMOTE, actor.id, at, payload))


def _ranking(
    cases: Cases, session: Session, actor: Actor, call: str, *, at: datetime
) -> tuple[Ranking, dict[str, int]]:
    """Return the ranking, and the version of each case that is still to be ranked."""
    found = find_call(session, actor, call)
    read = results(_driver(session), OF_CALL, found.id)
    known = [each for each in read if each.row.rank is not None or _stands(each)]
    tie_rule, quota = _said(session, found.id, known)
    standing = [each for each in known if each.row.rank is None]
    pending = [each.row.number for each in read if each not in known and not each.row.outcome]
    titles = {c.code: c.title for each in known for c in each.terms.criteria}
    order = ranked([_entry(each) for each in known], tie_rule, titles) if known else ()
    by_case = {each.row.public_id: each for each in known}
    room = _Room(cases, session, at)
    return Ranking(
        call=found.public_id,
        title=found.title,
        tie_rule=tie_rule,
        quota=quota,
        pending=tuple(pending),
        lines=tuple(_line(each, by_case[each.entry.key], room) for each in order),
    ), {each.row.public_id: each.row.version for each in standing}


def _said(
    session: Session, call_id: int, known: Sequence[Result]
) -> tuple[tuple[str, ...], int | None]:
    """Return the tie rule of the stage whose panels are ranked, and the quota of the call."""
    stage = max((each.row.stage or EVERY_STAGE for each in known), default=EVERY_STAGE)
    row = terms_for(session, call_id, stage)
    query = select(func.min(ReviewTerms.quota)).where(ReviewTerms.call_id == call_id)
    return tuple(row.tie_rule) if row else (), session.scalar(query)


def _stands(found: Result) -> bool:
    return bool(found.row.state.partition("#")[0] == RANKING)


def _entry(found: Result) -> Any:
    score = found.score
    if score is None:
        raise InvalidInput(
            f"{found.row.number} 没有评审得分，不能排序。", fields={"score": found.row.number}
        )
    return found.entry(score)


def _line(place: Place, found: Result, room: "_Room") -> RankLine:
    is_old = found.row.rank is not None
    return RankLine(
        case=place.entry.key,
        number=place.entry.number,
        applicant=found.row.applicant,
        score=told(place.entry.score),
        rank=found.row.rank if is_old else place.rank,
        result="ranked" if is_old else room.take(found, place.rank),
        reason=place.reason,
    )


class _Room:
    """The places as a preview gives them away, in the order of the ranks."""

    def __init__(self, cases: Cases, session: Session, at: datetime) -> None:
        self._cases = cases
        self._driver = _driver(session)
        self._at = at
        self._taken: dict[str, int] = {}

    def take(self, found: Result, rank: int) -> str:
        """Return what recording this rank would lead to, and count it."""
        counters, quota = self._counters(found)
        within = rank <= quota and all(self._taken[each.key] < each.quota for each in counters)
        for each in counters if within else ():
            self._taken[each.key] += 1
        return "shortlisted" if within else WAITLISTED

    def _counters(self, found: Result) -> tuple[Sequence[Counter], int]:
        asker = Asker(self._cases.office.system_id, self._at)
        (reading,) = read_locked(self._driver, [found.row.id], asker)
        flow = self._cases.pinned.runner(self._driver, reading.workflow_hash).workflow
        measure = self._cases.pinned.measure(self._driver, reading.measure_version_id)
        places = reading.judging.places
        counters = places_of(reading, measure, flow, self._at)
        for each in counters:
            self._taken.setdefault(each.key, places.taken.get(each.key, 0) if places else 0)
        own, size = (places.quota if places else None), shortlist_size(flow) or 0
        return counters, size if own is None else min(own, size)


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection
