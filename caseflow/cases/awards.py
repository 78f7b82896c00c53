"""Who may read the ledger of awards, and the check of one case against it (就高不重复核查)."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from caseflow.cases.models import Case
from caseflow.cases.overlaps import claim_of
from caseflow.cases.queries import APPLICANT, AUDITOR, OFFICIAL_ROLES, find_case, visible_cases
from caseflow.cases.reading import Asker, Reading, read_case
from caseflow.catalogue.pinned import MeasureInfo, Pinned
from caseflow.funds.awards.claims import claims_of, holder_of, matter_of
from caseflow.funds.awards.models import OverlapDecision
from caseflow.funds.awards.queries import (
    AwardPage,
    YearLine,
    award_list,
    awards_of_applicant,
    claims_of_holder,
    year_lines,
)
from caseflow.history.part import Signer
from caseflow.identity.commitments import committing
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.identity.successions.queries import codes_of
from caseflow.kernel.errors import NotFound
from caseflow.kernel.overlap.clashes import GRADES, PENDING, PROPOSALS, TREATMENTS, Claim, Clash
from caseflow.kernel.overlap.clashes import clashes as compared
from caseflow.kernel.overlap.matters import KINDS
from caseflow.kernel.overlap.rules import MODES

READERS: Final = OFFICIAL_ROLES | {AUDITOR}
"""Who reads the whole ledger of an applicant whose case they see; third parties do not."""
SOMEBODY: Final = "另一单位"


@dataclass(frozen=True)
class ClashView:
    """§10.10: one overlap. `other` is the id that `decide_overlap` takes.

    `decided` is what was decided on it, None where nothing was. To the applicant another holder's
    support is nameless.
    """

    other: str
    is_award: bool
    title: str
    policy: str | None
    clause: str
    level: str
    total_fen: int | None
    matters: tuple[str, ...]
    grade: str
    grade_title: str
    overlap_fen: int | None
    proposal: str
    proposal_title: str
    pay_fen: int | None
    reason: str
    words: str
    question: str | None
    decided: str | None
    decided_reason: str | None


@dataclass(frozen=True)
class OverlapReport:
    """What a case names and meets, under the words of its clause; `warnings` stop nothing."""

    case: str
    number: str
    applicant_title: str
    measure: str
    asked_fen: int | None
    trigger: str
    mode: str
    mode_title: str
    words: str
    matters: tuple[str, ...]
    warnings: tuple[str, ...]
    clashes: tuple[ClashView, ...]


@dataclass(frozen=True)
class Ledger:
    """The awards of one applicant, by whichever system, and its years (企业享受政策台账)."""

    applicant: str
    applicant_title: str
    page: AwardPage
    years: tuple[YearLine, ...]


@dataclass(frozen=True)
class Desk:
    """Who asks at which instant, and the key behind people's commitments."""

    actor: Actor
    at: datetime
    signer: Signer


def ledger_of(
    session: Session, desk: Desk, public_id: str, *, after: str | None = None, limit: int = 50
) -> Ledger:
    """Return what an applicant was given, the newest first.

    Raises:
        NotFound: no such applicant, or none whose ledger the actor may read; not told apart.
    """
    query = select(Organisation).where(
        Organisation.public_id == public_id, Organisation.code.is_(None)
    )
    found = session.scalars(query).one_or_none()
    if found is None or not _may_read(session, desk.actor, found):
        raise NotFound(f"没有申报主体 {public_id!r}。")
    holders = codes_of(session, _holder(found, desk.signer))
    condition = awards_of_applicant(found.id, holders)
    page = award_list(session, condition, after=after, limit=limit)
    return Ledger(found.public_id, found.title, page, year_lines(session, condition))


def overlaps_of(session: Session, desk: Desk, public_id: str, *, pinned: Pinned) -> OverlapReport:
    """Return every overlap of a case, the surest first, with what its clause proposes.

    Raises:
        NotFound: there is no such case that the actor may see.
    """
    case = find_case(session, desk.actor, public_id)
    driver: Any = session.connection().connection.driver_connection
    reading = read_case(driver, case.public_id, Asker(desk.actor.id, desk.at))
    assert reading is not None
    measure = pinned.measure(driver, reading.measure_version_id)
    applicant = session.get_one(Organisation, case.applicant_id)
    mine = claim_of(reading, measure, _holder(applicant, desk.signer))
    holders = codes_of(session, mine.holder)
    others = _others(driver, reading, mine, case.applicant_id, holders)
    found = compared(mine, others, measure.overlap_terms)
    is_official = any(each.role in READERS for each in desk.actor.assignments)
    named = {clash.other.holder for clash in found} if is_official else {mine.holder}
    return _report(reading, measure, mine, _views(session, reading, found, named))


def _may_read(session: Session, actor: Actor, applicant: Organisation) -> bool:
    if actor.holds(applicant.id, APPLICANT):
        return True
    if not any(each.role in READERS for each in actor.assignments):
        return False
    seen = exists().where(Case.applicant_id == applicant.id, visible_cases(actor))
    return bool(session.scalar(select(seen)))


def _holder(organisation: Organisation, signer: Signer) -> str:
    commit = committing(signer)
    return holder_of(organisation.uscc, organisation.identity_number, commit)


def _others(
    driver: Any, reading: Reading, mine: Claim, applicant_id: int, holders: list[str]
) -> list[Claim]:
    """Return what shares a key with the case, and all that its applicant has or asks for."""
    known = {
        each.id: each for each in claims_of([*(reading.awarded or []), *(reading.asked or [])])
    }
    for row in claims_of_holder(driver, mine.holder, applicant_id, holders):
        matters = frozenset(map(matter_of, row.pop("matters")))
        known[row["id"]] = Claim(**row, matters=matters)
    return list(known.values())


def _views(
    session: Session, reading: Reading, found: Iterable[Clash], named: AbstractSet[str]
) -> tuple[ClashView, ...]:
    query = select(OverlapDecision).where(OverlapDecision.case_id == reading.id)
    decided = {row.other: row for row in session.scalars(query.order_by(OverlapDecision.seq))}
    return tuple(
        _view(clash, decided.get(clash.other.id), is_named=clash.other.holder in named)
        for clash in found
    )


def _view(clash: Clash, decision: OverlapDecision | None, *, is_named: bool) -> ClashView:
    other = clash.other
    return ClashView(
        other=other.id if is_named else "",
        is_award=other.status != PENDING,
        title=other.title if is_named else SOMEBODY,
        policy=other.policy if is_named else None,
        clause=(other.measure or "") if is_named else "",
        level=other.level,
        total_fen=other.total_fen if is_named else None,
        matters=tuple(f"{each.kind}:{each.key}" for each in clash.shared),
        grade=clash.grade,
        grade_title=GRADES[clash.grade],
        overlap_fen=clash.overlap_fen,
        proposal=clash.proposal,
        proposal_title=PROPOSALS[clash.proposal],
        pay_fen=clash.pay_fen,
        reason=clash.reason,
        words=clash.words,
        question=clash.question,
        decided=TREATMENTS[decision.treatment] if decision else None,
        decided_reason=decision.reason if decision else None,
    )


def _report(
    reading: Reading, measure: MeasureInfo, mine: Claim, found: tuple[ClashView, ...]
) -> OverlapReport:
    terms = measure.overlap_terms
    return OverlapReport(
        case=reading.public_id,
        number=reading.number,
        applicant_title=reading.applicant_title,
        measure=measure.code,
        asked_fen=mine.total_fen,
        trigger=terms.trigger,
        mode=terms.mode,
        mode_title=MODES[terms.mode],
        words=terms.words,
        matters=tuple(sorted(f"{each.kind}:{each.key}" for each in mine.matters)),
        warnings=_warnings(mine, terms.matters),
        clashes=found,
    )


def _warnings(mine: Claim, expected: Iterable[str]) -> tuple[str, ...]:
    """Return what the case ought to name and does not; a warning, never a refusal."""
    named = {each.kind for each in mine.matters}
    wanted = [KINDS[kind].title for kind in expected]
    if not wanted or named & set(expected):
        return ()
    return (f"尚未登记事项（{'或'.join(wanted)}），不能按事项核查重复享受",)
