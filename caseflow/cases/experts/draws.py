"""Drawing a panel (抽取专家组): for one case or a whole call, and again for a vacant place.

Draw and act are one transaction. In which states a panel is drawn, how many sit in it and whether
it meets the applicant, the case's own workflow says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from caseflow.cases.experts.lots import Lots, Scope, draw_lots, driver_of, scope_of
from caseflow.cases.queries import find_case
from caseflow.cases.reading import Asker, Reading
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.models import Call
from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.kernel.drawing import refuse_size
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotFound
from caseflow.kernel.scoring import Terms, terms_data, terms_of
from caseflow.kernel.workflow.judging import SEATS_PANEL, is_in_person
from caseflow.kernel.workflow.model import Step, Workflow
from caseflow.reviews.experts.models import ExpertDraw, PanelMember, ReviewPanel
from caseflow.reviews.experts.queries import PanelReading, terms_for

REPLACE: Final = "replace_expert"
MEMBERS: Final = "panel_members"
REPLACED, ABSENT = GROUNDS = ("replaced", "absent")
"""Why somebody who still sits in a panel leaves it: 更换, 缺席 (of a panel that meets)."""

CALLED: Final = """
    SELECT c.id, c.public_id, c.number, c.state, c.workflow_hash
    FROM "case" c JOIN workflow w ON w.hash = c.workflow_hash
    WHERE c.call_id = %s AND c.outcome IS NULL AND w.panel_states ? c.state ORDER BY c.id
"""


@dataclass(frozen=True)
class PanelOrder:
    """What is asked of a draw: how many (None: the least the workflow takes), of which field.

    Of a call: for the cases that wait in `stage`, or for some of them (分组), by public id or
    number; none named means all.
    """

    document_no: str
    size: int | None = None
    field: str | None = None
    note: str | None = None
    stage: str | None = None
    cases: Sequence[str] = ()


@dataclass(frozen=True)
class Leaving:
    """Who leaves a panel first (public id), if somebody still sits there, and on which ground."""

    expert: str | None = None
    ground: str = REPLACED


NOBODY: Final = Leaving()


@dataclass(frozen=True)
class DrawView:
    """A draw as recorded: repeat it with `seed` over `pool`, where an empty text could be drawn.

    `panel` are the public ids of the experts in the order of their lots, `cases` their numbers.
    """

    id: int
    size: int
    seed: str
    pool: Mapping[str, str]
    pool_hash: str
    panel: tuple[str, ...]
    panel_hash: str
    reason: str | None
    drawn_at: datetime
    cases: tuple[str, ...]


def draw_panel(
    cases: Cases, actor: Actor, case: str, order: PanelOrder, *, at: datetime
) -> DrawView:
    """Draw the panel of one case and let its review begin.

    Raises:
        NotFound: no such case. Conflict: no panel is to be drawn, or the actor may not.
        InvalidInput: an even or too small panel, or too few experts who may judge.
    """
    with cases.database.session() as session:
        found = find_case(session, actor, case)
        scope = scope_of(session, [found.id], Asker(actor.id, at))
        return _draw(cases, session, actor, scope, order=order, at=at)


def draw_call(
    cases: Cases, actor: Actor, call: str, order: PanelOrder, *, at: datetime
) -> DrawView:
    """Draw one panel for the cases of a call that wait for one; who may not judge one is out.

    Raises:
        As `draw_panel`; all of the cases or none. Conflict: none waits, or some in one stage and
        some in another. InvalidInput: a named case does not wait.
    """
    with cases.database.session() as session:
        found = session.scalar(select(Call.id).where(Call.public_id == call))
        if found is None:
            raise NotFound(f"没有申报通知 {call!r}。")
        waiting = _waiting(cases, session, found, order)
        if not waiting:
            raise Conflict("本批没有等待组建专家组的办件。")
        scope = scope_of(session, waiting, Asker(actor.id, at), call_id=found)
        return _draw(cases, session, actor, scope, order=order, at=at)


def _waiting(cases: Cases, session: Session, call_id: int, order: PanelOrder) -> list[int]:
    """Return the cases of a call whose panel is to be drawn, those that the order means."""
    driver = driver_of(session)
    stages: dict[str, list[int]] = {}
    named = set(order.cases)
    for key, public_id, number, state, workflow_hash in driver.execute(CALLED, (call_id,)):
        workflow = cases.pinned.runner(driver, workflow_hash).workflow
        if _drawing(workflow, state) is None or (order.cases and not {public_id, number} & named):
            continue
        named -= {public_id, number}
        stages.setdefault(workflow.states[state].stage, []).append(key)
    if named:
        told = "、".join(sorted(named))
        raise InvalidInput(f"不在本批等待组建专家组的办件中：{told}。", fields={"cases": told})
    if order.stage is not None:
        return stages.get(order.stage, [])
    if len(stages) > 1:
        told = "、".join(sorted(stages))
        raise Conflict(f"本批有几个环节等待组建专家组，请指明一个（stage）：{told}。")
    return next(iter(stages.values()), [])


def replace_expert(
    cases: Cases,
    actor: Actor,
    case: str,
    reason: str,
    *,
    at: datetime,
    leaving: Leaving = NOBODY,
) -> DrawView:
    """Fill the vacant places of a panel by another draw; who is `leaving` goes first.

    Raises:
        NotFound: no such case or expert. Conflict: no place is vacant, the expert has scored.
        InvalidInput: an unknown ground, or absence from a panel that does not meet.
    """
    with cases.database.session() as session:
        found = find_case(session, actor, case)
        scope = scope_of(session, [found.id], Asker(actor.id, at))
        (reading,) = scope.readings
        panel = reading.judging.panel
        workflow = _workflow(cases, session, reading)
        if panel is None or panel.stage != workflow.states[reading.state].stage:
            raise Conflict("本办件没有专家组在评审。")
        if leaving.expert is not None:
            _refuse_ground(workflow, panel, leaving.ground)
            _remove(session, found.id, panel.round, leaving, reason=reason, at=at)
        return _refill(cases, session, actor, scope, panel, reason=reason, at=at)


def _refuse_ground(workflow: Workflow, panel: PanelReading, ground: str) -> None:
    if ground not in GROUNDS:
        why = f"须为 {'、'.join(GROUNDS)} 之一"
        raise InvalidInput(f"退出原因 {ground!r}：{why}。", fields={"ground": why})
    if ground == ABSENT and not is_in_person(workflow, panel.stage):
        why = "网上评审没有到场，逾期未评的请按更换（replaced）办理"
        raise InvalidInput(f"本环节不登记缺席：{why}。", fields={"ground": why})


def _refill(
    cases: Cases,
    session: Session,
    actor: Actor,
    scope: Scope,
    panel: PanelReading,
    *,
    reason: str,
    at: datetime,
) -> DrawView:
    case_id = scope.readings[0].id
    query = select(PanelMember.person_id, PanelMember.status).where(
        PanelMember.case_id == case_id, PanelMember.round == panel.round
    )
    ever = {row.person_id: row.status for row in session.execute(query)}
    vacant = panel.panel.size - sum(status == "seated" for status in ever.values())
    if not vacant:
        raise Conflict("专家组没有空出的名额，无须补抽。")
    lots = Lots(vacant, reason=reason, ever=frozenset(ever))
    row, ids = draw_lots(cases, session, actor, scope, lots, at=at)
    _seat(session, case_id, panel.round, row.id, ids)
    _act(cases, session, scope, Request(REPLACE, actor.id, at, {"reason": reason}))
    return _view(row, scope)


def _remove(
    session: Session, case_id: int, round_: int, leaving: Leaving, *, reason: str, at: datetime
) -> None:
    person = select(Person.id).where(Person.public_id == leaving.expert).scalar_subquery()
    gone = session.execute(
        update(PanelMember)
        .where(
            PanelMember.case_id == case_id,
            PanelMember.round == round_,
            PanelMember.person_id == person,
            PanelMember.status == "seated",
        )
        .values(status=leaving.ground, reason=reason, left_at=at)
        .returning(PanelMember.person_id)
    ).all()
    if not gone:
        raise NotFound(f"专家 {leaving.expert!r} 不在本办件的专家组中。")


def _draw(
    cases: Cases,
    session: Session,
    actor: Actor,
    scope: Scope,
    *,
    order: PanelOrder,
    at: datetime,
) -> DrawView:
    workflows = {each.id: _workflow(cases, session, each) for each in scope.readings}
    steps = [_step(workflows[each.id], each.state) for each in scope.readings]
    minimum = max(panel_minimum(step) for step in steps)
    size = order.size or minimum
    refuse_size(size, minimum)
    row, ids = draw_lots(cases, session, actor, scope, Lots(size, order.field), at=at)
    for reading in scope.readings:
        workflow = workflows[reading.id]
        stage = workflow.states[reading.state].stage
        known = reading.judging.panel
        panel = ReviewPanel(
            case_id=reading.id,
            round=1 if known is None else known.round + 1,
            stage=stage,
            in_person=is_in_person(workflow, stage),
            size=size,
            terms=terms_data(_terms(session, scope, stage)),
        )
        session.add(panel)
        session.flush()
        _seat(session, reading.id, panel.round, row.id, ids)
    payload = {"document_no": order.document_no, **({"note": order.note} if order.note else {})}
    _act(cases, session, scope, Request(steps[0].event, actor.id, at, payload))
    return _view(row, scope)


def _seat(session: Session, case_id: int, round_: int, draw_id: int, ids: Sequence[int]) -> None:
    session.add_all(
        PanelMember(
            case_id=case_id, round=round_, person_id=person, draw_id=draw_id, status="seated"
        )
        for person in ids
    )
    session.flush()


def _drawing(workflow: Workflow, state: str) -> Step | None:
    """Return the step that draws a panel in `state`, None where none does."""
    steps = workflow.steps_from(state)
    return next((step for step in steps if SEATS_PANEL in step.effects), None)


def _step(workflow: Workflow, state: str) -> Step:
    step = _drawing(workflow, state)
    if step is None:
        raise Conflict("本办件现不在抽取专家的环节，不能抽取专家组。")
    return step


def panel_minimum(step: Step) -> int:
    """Return the least panel that a draw takes, as its own branch says.

    Raises:
        Conflict: it is of the time when panels were entered by hand.
    """
    found = [
        int(test.value)
        for branch in step.branches
        for test in branch.when
        if test.fact == MEMBERS and test.op == "at_least"
    ]
    if not found:
        raise Conflict("本办件的流程不由系统抽取专家。")
    return found[0]


def _terms(session: Session, scope: Scope, stage: str) -> Terms:
    """Return what the call says of scoring in a stage, else what is customary."""
    row = terms_for(session, scope.readings[0].call_id or 0, stage)
    return Terms() if row is None else terms_of(row.terms)


def _act(cases: Cases, session: Session, scope: Scope, request: Request) -> None:
    """Let the act happen to every case, all or none."""
    numbers = {each.id: each.number for each in scope.readings}
    results = cases.act_many(driver_of(session), list(numbers), request)
    refused = {key: e for key, e in results.items() if isinstance(e, CaseflowError)}
    if len(numbers) == 1 and refused:
        raise next(iter(refused.values()))
    if refused:
        told = "；".join(f"{numbers[key]}：{error.message}" for key, error in refused.items())
        raise Conflict(f"不能抽取专家组：{told}")


def _workflow(cases: Cases, session: Session, reading: Reading) -> Workflow:
    return cases.pinned.runner(driver_of(session), reading.workflow_hash).workflow


def _view(row: ExpertDraw, scope: Scope) -> DrawView:
    return draw_view(row, [each.number for each in scope.readings])


def draw_view(row: ExpertDraw, numbers: Sequence[str]) -> DrawView:
    """Return a recorded draw as it is told."""
    return DrawView(
        id=row.id,
        size=row.size,
        seed=row.seed.hex(),
        pool=row.pool,
        pool_hash=row.pool_hash,
        panel=tuple(row.panel),
        panel_hash=row.panel_hash,
        reason=row.reason,
        drawn_at=row.drawn_at,
        cases=tuple(numbers),
    )
