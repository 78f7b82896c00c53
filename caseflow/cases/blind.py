"""Blind files (盲评): what experts see of a case has no applicant, no contact, no account.

Who sees a case from the expert's seat alone sees the project and what is to be judged. Its papers
name the applicant, so of those only the anonymised file may be opened. A panel that meets the
applicant (答辩) is told whom it meets and opens every paper, as long as it sits; the money, the
history and what others have found are not its business either.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from caseflow.cases.models import Case
from caseflow.cases.tasks import OPEN
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotAllowed
from caseflow.kernel.workflow.vocabulary import AMOUNTS
from caseflow.reviews.experts.models import PanelMember, ReviewPanel, ScoreSheet
from caseflow.reviews.experts.queries import EXPERT
from caseflow.reviews.models import Task

HIDDEN: Final = "（盲评，不予显示）"
SOMEONE: Final = "某单位"
BLIND_FILE: Final = "blind_file"
"""The kind of document that was made anonymous for the experts (匿名评审材料)."""
TOLD_OF_APPLICANT: Final = (
    "tasks", "amounts", "amount_chain", "entries", "payments", "caps", "children", "overlaps",
    "checks",
)  # fmt: skip
"""What of a detail would tell an expert whose case it is, and nobody needs for judging."""
JUDGED: Final = aliased(Task)
LATER: Final = aliased(ReviewPanel)
"""A task and a panel of their own, also where a list of tasks is asked for."""
Visible = Callable[[Actor], ColumnElement[bool]]
Line = TypeVar("Line")


def judged_by(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the condition on `Case` of what an expert sees: those whose panel they sit in.

    Where no panel was ever drawn (a defence alone), the pool's task is what is seen by.
    """
    pools = [each.organisation_id for each in actor.assignments if each.role == EXPERT]
    if not pools:
        return []
    sits = exists().where(
        PanelMember.case_id == Case.id,
        PanelMember.person_id == actor.id,
        PanelMember.status == "seated",
    )
    asked = exists().where(
        JUDGED.case_id == Case.id, JUDGED.role == EXPERT, JUDGED.organisation_id.in_(pools)
    )
    return [or_(sits, and_(asked, not_(exists().where(ReviewPanel.case_id == Case.id))))]


def _newest() -> Any:
    """Return the newest round of a case's panels."""
    newest = select(func.max(LATER.round)).where(LATER.case_id == Case.id)
    return newest.correlate(Case).scalar_subquery()


def _sits_now(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `Case` that the actor sits in the newest panel."""
    return exists().where(
        PanelMember.case_id == Case.id,
        PanelMember.round == _newest(),
        PanelMember.person_id == actor.id,
        PanelMember.status == "seated",
    )


def asked_of(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `Task` and `Case` that experts' tasks still wait for the actor."""
    scored = exists().where(
        ScoreSheet.case_id == Case.id,
        ScoreSheet.person_id == actor.id,
        ScoreSheet.round == _newest(),
    )
    unpanelled = not_(exists().where(ReviewPanel.case_id == Case.id))
    asked = and_(*judged_by(actor), or_(unpanelled, _sits_now(actor)), not_(scored))
    return or_(Task.role != EXPERT, asked)


def seen_as_expert(
    session: Session, actor: Actor, public_ids: Sequence[str], visible: Visible
) -> frozenset[str]:
    """Return which of these cases the actor sees from the expert's seat alone."""
    if not public_ids or not any(each.role == EXPERT for each in actor.assignments):
        return frozenset()
    others = tuple(each for each in actor.assignments if each.role != EXPERT)
    seen = visible(replace(actor, assignments=others))
    query = select(Case.public_id).where(Case.public_id.in_(public_ids), seen)
    return frozenset(public_ids) - set(session.scalars(query))


def blind_cases(
    session: Session, actor: Actor, public_ids: Sequence[str], visible: Visible
) -> frozenset[str]:
    """Return which of these cases the actor sees as an expert who must not know the applicant."""
    found = seen_as_expert(session, actor, public_ids, visible)
    if not found:
        return found
    meets = exists().where(
        ReviewPanel.case_id == Case.id, ReviewPanel.round == _newest(), ReviewPanel.in_person
    )
    waits = exists().where(JUDGED.case_id == Case.id, JUDGED.role == EXPERT, JUDGED.status == OPEN)
    query = select(Case.public_id).where(Case.public_id.in_(found), meets, waits, _sits_now(actor))
    return found - set(session.scalars(query))


def veiled(
    session: Session, actor: Actor, lines: Sequence[Line], visible: Visible, *, key: str
) -> tuple[Line, ...]:
    """Return the lines, of blind cases without the applicant; `key` names the case's public id."""
    blind = blind_cases(session, actor, [getattr(line, key) for line in lines], visible)
    return tuple(veil(line) if getattr(line, key) in blind else line for line in lines)


def veil(line: Any) -> Any:
    """Return a line without its applicant, whose name goes from the project's title as well."""
    hidden = {"title": line.title.replace(line.applicant_title, SOMEONE)}
    names = ("applicant", "applicant_title", "territory")
    return replace(line, **hidden, **{n: HIDDEN for n in names if hasattr(line, n)})


def as_experts_see(session: Session, actor: Actor, found: Any, visible: Visible) -> Any:
    """Return a detail as the actor may see it: whole, unless from the expert's seat alone."""
    ids = [found.case.public_id]
    if blind_cases(session, actor, ids, visible):
        return veiled_detail(found)
    return narrowed_detail(found) if seen_as_expert(session, actor, ids, visible) else found


def veiled_detail(found: Any) -> Any:
    """Return a detail as an expert judges by it: the amounts, the papers' kinds, one's acts."""
    return replace(
        narrowed_detail(found),
        case=veil(found.case),
        documents=tuple(
            each if each.kind == BLIND_FILE else replace(each, public_id=None, name=None)
            for each in found.documents
        ),
    )


def narrowed_detail(found: Any) -> Any:
    """Return a detail as a panel needs it that meets the applicant: who it is, every paper."""
    return replace(
        found,
        facts={name: value for name, value in found.facts.items() if name in AMOUNTS},
        **dict.fromkeys(TOLD_OF_APPLICANT, ()),
    )


def refuse_blind(session: Session, actor: Actor, case: Case, visible: Visible) -> None:
    """Refuse an expert what would tell who the applicant is.

    Raises:
        NotAllowed: the actor sees the case blind.
    """
    if blind_cases(session, actor, [case.public_id], visible):
        raise NotAllowed("专家盲评：评审期间只提供匿名材料，不能查阅此项。")


def refuse_experts(session: Session, actor: Actor, case: Case, visible: Visible) -> None:
    """Refuse an expert what is not for judging by, met the applicant or not.

    Raises:
        NotAllowed: the actor sees the case from the expert's seat alone.
    """
    refuse_blind(session, actor, case, visible)
    if seen_as_expert(session, actor, [case.public_id], visible):
        raise NotAllowed("评审专家只查阅申报材料，不能查阅此项。")
