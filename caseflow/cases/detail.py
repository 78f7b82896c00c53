"""One case as the actor sees it: where it stands, its time, and what the actor may do with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.amounts import (
    AmountView,
    ChainStep,
    EntryView,
    amount_chain,
    amount_steps,
    entries_of,
)
from caseflow.cases.blind import as_experts_see
from caseflow.cases.caps import priors_of, room_of
from caseflow.cases.checks.points import PointView, points_of
from caseflow.cases.facts import facts_of
from caseflow.cases.models import Case, Hold
from caseflow.cases.overlaps import clashes_of
from caseflow.cases.queries import (
    CaseFilter,
    CaseLine,
    case_line,
    case_list,
    find_case,
    find_judged_case,
    visible_cases,
)
from caseflow.cases.reading import Asker, Reading, read_case
from caseflow.cases.seats import places, seat_of
from caseflow.cases.task_views import TaskView, task_views
from caseflow.catalogue.pinned import MeasureInfo, Pinned
from caseflow.deadlines.queries import load_calendar
from caseflow.documents.queries import ChecklistItem, checklist
from caseflow.funds.models import Payment
from caseflow.identity.identifiers import mask_account
from caseflow.identity.queries import Actor
from caseflow.kernel import clocks
from caseflow.kernel.calendar import local_date
from caseflow.kernel.caps.model import Room
from caseflow.kernel.conditions import failed
from caseflow.kernel.errors import CaseflowError, NotFound
from caseflow.kernel.overlap.clashes import GRADES, PROPOSALS
from caseflow.kernel.workflow.effects import derive
from caseflow.kernel.workflow.machine import Runner
from caseflow.kernel.workflow.model import SEAT_MARK, Step, Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS, GUARDS, INPUTS, SEATS, SEND_BACK
from caseflow.reviews.models import Objection, Task


@dataclass(frozen=True)
class InputView:
    """A value that an event takes in its payload."""

    name: str
    type: str
    title: str
    required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class EventOption:
    """An event that the actor may ask for; `blocked` says why not yet, empty when possible."""

    event: str
    title: str
    seats: tuple[str, ...]
    inputs: tuple[InputView, ...]
    blocked: tuple[str, ...]


@dataclass(frozen=True)
class ClockView:
    """A clock of the case. `used` and `remaining` count `unit`; a negative rest is overdue."""

    name: str
    title: str
    status: str
    limit: int | None
    unit: str | None
    used: int
    remaining: int
    started_on: date
    due_on: date
    light: str
    provisional: bool
    rule: str


@dataclass(frozen=True)
class PaymentView:
    """A payment order: one instalment of one share; of the account the last four digits."""

    instalment: int
    share: str
    fen: int
    status: str
    ordered_at: datetime
    paid_at: datetime | None
    voucher_no: str | None
    document_no: str
    account: str
    paid_on: date | None


@dataclass(frozen=True)
class HoldView:
    """A reason why nothing may be paid now, or might not be until it was lifted."""

    kind: str
    placed_at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True)
class CaseCaps:
    """The ceilings of a case in their order, and the prior facts of its quote that they tell.

    `own_fen` is the most that the clause gives one case, whatever others have taken.
    """

    case: str
    own_fen: int | None
    caps: tuple[Room, ...]
    priors: Mapping[str, int]


@dataclass(frozen=True)
class CaseDetail:
    """A case with everything that belongs to it; `version` is what `If-Match` takes.

    `overlaps` tells of other supports for its matters (就高不重复); it stops nothing by itself.
    """

    case: CaseLine
    matter_on: date | None
    corrections_made: int
    publicity_ends_on: date | None
    facts: Mapping[str, Any]
    clocks: tuple[ClockView, ...]
    tasks: tuple[TaskView, ...]
    events: tuple[EventOption, ...]
    amounts: tuple[AmountView, ...]
    amount_chain: tuple[ChainStep, ...]
    entries: tuple[EntryView, ...]
    payments: tuple[PaymentView, ...]
    caps: tuple[Room, ...]
    holds: tuple[HoldView, ...]
    objections: int
    objections_open: int
    documents: tuple[ChecklistItem, ...]
    children: tuple[CaseLine, ...]
    recovered_fen: int
    overlaps: tuple[str, ...]
    checks: tuple[PointView, ...]


def case_detail(
    session: Session, actor: Actor, public_id: str, at: datetime, *, pinned: Pinned
) -> CaseDetail:
    """Return the case as the actor sees it at `at`.

    Raises:
        NotFound: there is none that the actor may see.
    """
    case = find_judged_case(session, actor, public_id)
    reading, runner, measure = _read(session, actor, case.public_id, at, pinned=pinned)
    objections = session.scalars(select(Objection.status).where(Objection.case_id == case.id)).all()
    asked = list(measure.checklist(reading.child_kind, reading.call_documents or ()))
    amounts = amount_steps(session, case)
    found = CaseDetail(
        case=case_line(session, case),
        matter_on=reading.matter_on,
        corrections_made=reading.corrections_made,
        publicity_ends_on=reading.publicity_ends_on,
        facts=reading.facts,
        clocks=_clocks(session, reading, runner.workflow, local_date(at)),
        tasks=task_views(session, case, runner.workflow, at),
        events=tuple(_events(reading, runner, measure, at, actor.id)),
        amounts=amounts,
        amount_chain=amount_chain(session, case, amounts),
        entries=entries_of(session, actor, case),
        payments=_payments(session, case),
        caps=room_of(reading, measure, runner.workflow),
        holds=_holds(session, case),
        objections=len(objections),
        objections_open=sum(status == "open" for status in objections),
        documents=tuple(checklist(session, case.id, asked)),
        children=_children(session, actor, case) if _has_children(reading) else (),
        recovered_fen=reading.recovered_fen,
        overlaps=tuple(_overlaps(reading, measure)),
        checks=points_of(reading, runner.workflow, at),
    )
    shown: CaseDetail = as_experts_see(session, actor, found, visible_cases)
    return shown


def _overlaps(reading: Reading, measure: MeasureInfo) -> Iterable[str]:
    """Yield what is told of each overlap, to whoever sees the case: nothing of the other's."""
    for clash in clashes_of(reading, measure):
        matters = "、".join(f"{each.kind}:{each.key}" for each in clash.shared)
        yield f"{GRADES[clash.grade]}（{matters}）：{PROPOSALS[clash.proposal]}"


def case_caps(
    session: Session, actor: Actor, public_id: str, at: datetime, *, pinned: Pinned
) -> CaseCaps:
    """Return what the ceilings of the case leave it (told before a plan is drawn up).

    Raises:
        NotFound: there is none that the actor may see.
    """
    case = find_case(session, actor, public_id)
    reading, runner, measure = _read(session, actor, case.public_id, at, pinned=pinned)
    caps = room_of(reading, measure, runner.workflow)
    priors = priors_of(reading, measure, runner.workflow)
    return CaseCaps(case.public_id, measure.ceiling_fen(reading.child_kind), caps, priors)


def _read(
    session: Session, actor: Actor, public_id: str, at: datetime, *, pinned: Pinned
) -> tuple[Reading, Runner, MeasureInfo]:
    driver = _driver(session)
    reading = read_case(driver, public_id, Asker(actor.id, at))
    if reading is None:
        raise NotFound(f"没有办件 {public_id!r}。")
    runner = pinned.runner(driver, reading.workflow_hash)
    return reading, runner, pinned.measure(driver, reading.measure_version_id)


def may_upload(session: Session, actor: Actor, case: Case) -> bool:
    """Return whether the case lies on the actor's desk: whoever has it may put papers to it."""
    seats = select(Task.organisation_id, Task.role).where(
        Task.case_id == case.id, Task.status == "open"
    )
    held = actor.holdings_on(case.measure_id)
    return any((row.organisation_id, row.role) in held for row in session.execute(seats))


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


def _has_children(reading: Reading) -> bool:
    """Children that the case opened itself, or recoveries of what it was paid."""
    return bool(reading.children[0] or reading.paid_fen)


def _children(session: Session, actor: Actor, case: Case) -> tuple[CaseLine, ...]:
    wanted = CaseFilter(parent=case.public_id)
    return case_list(session, actor, wanted, sort="oldest", limit=200).items


def _clocks(
    session: Session, reading: Reading, workflow: Workflow, on: date
) -> tuple[ClockView, ...]:
    calendar = load_calendar(session, reading.calendar_stamp)
    found = []
    for row in reading.clocks or []:
        clock = clocks.from_row(row)
        found.append(
            ClockView(
                name=clock.name,
                title=_clock_title(workflow, clock.name),
                status=clock.status,
                limit=clock.limit,
                unit=clock.unit,
                used=clocks.used(clock, on, calendar),
                remaining=clocks.remaining(clock, on, calendar),
                started_on=clock.started_on,
                due_on=clock.due_on,
                light=clocks.light(clock, on, calendar),
                provisional=clock.provisional,
                rule=clock.rule,
            )
        )
    return tuple(sorted(found, key=lambda clock: (clock.status != "running", clock.due_on)))


def _clock_title(workflow: Workflow, name: str) -> str:
    """Return a clock's title, with the seat's where each has its own."""
    seat = name.partition(SEAT_MARK)[2]
    title = workflow.clock(name).title
    return f"{title}·{SEATS[seat].title}" if seat else title


def _events(
    reading: Reading, runner: Runner, measure: MeasureInfo, at: datetime, actor_id: int
) -> Iterable[EventOption]:
    facts = facts_of(reading, measure, runner.workflow, at)
    workflow = runner.workflow
    for step in (*workflow.steps_from(reading.state), *workflow.acts_in(reading.state)):
        mine = tuple(dict.fromkeys(place.seat for place in places(reading, step)))
        if mine:
            yield EventOption(
                event=step.event,
                title=step.title,
                seats=mine,
                inputs=tuple(_inputs(step, runner)),
                blocked=tuple(_blocked(step, facts, reading, actor_id)),
            )


def _inputs(step: Step, runner: Runner) -> Iterable[InputView]:
    for name in (*step.requires, *step.accepts):
        fact = INPUTS.get(name) or runner.facts[name]
        roads = _roads(step, runner.workflow) if name == "return_to" else ()
        yield InputView(
            name=name,
            type=fact.type,
            title=fact.title,
            required=name in step.requires,
            choices=roads or fact.choices,
        )


def _roads(step: Step, workflow: Workflow) -> tuple[str, ...]:
    """Return where an act leads back to, as compiled; a case that was never there is refused."""
    state = workflow.states[step.source]
    return state.returns if SEND_BACK in step.effects else state.taken_from


def _blocked(
    step: Step, facts: Mapping[str, Any], reading: Reading, actor_id: int
) -> Iterable[str]:
    """Yield why the event is refused now; guards on what the payload brings are not asked yet.

    An amount of before is not held against an event that brings it anew.
    """
    anew = dict.fromkeys(name for name in step.requires if name in AMOUNTS)
    facts = {**facts, **derive({**facts, **anew})} if anew else facts
    for name in step.guards:
        tests = GUARDS[name].tests
        if all(test.fact in facts for test in tests) and failed(tests, facts):
            yield GUARDS[name].refusal
    try:
        seat_of(reading, step, actor_id=actor_id, is_system=False)
    except CaseflowError as refusal:
        yield refusal.message


def _payments(session: Session, case: Case) -> tuple[PaymentView, ...]:
    query = select(Payment).where(Payment.case_id == case.id)
    rows = session.scalars(query.order_by(Payment.instalment, Payment.share))
    return tuple(
        PaymentView(
            instalment=row.instalment,
            share=row.share,
            fen=row.fen,
            status=row.status,
            ordered_at=row.ordered_at,
            paid_at=row.paid_at,
            voucher_no=row.voucher_no,
            document_no=row.document_no,
            account=mask_account(row.account_number),
            paid_on=row.paid_on,
        )
        for row in rows
    )


def _holds(session: Session, case: Case) -> tuple[HoldView, ...]:
    rows = session.scalars(select(Hold).where(Hold.case_id == case.id).order_by(Hold.seq))
    return tuple(
        HoldView(kind=row.kind, placed_at=row.placed_at, lifted_at=row.lifted_at) for row in rows
    )
