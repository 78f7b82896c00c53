"""Who sits where in a case: which organisation a seat means, and what an actor may do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from caseflow.cases.reading import Reading
from caseflow.cases.tasks import OPEN, SeatTask
from caseflow.kernel.errors import CaseflowError, Conflict, NotAllowed
from caseflow.kernel.workflow.model import Step
from caseflow.kernel.workflow.vocabulary import ANSWER, OWN_TASK, SEATS, SEND_BACK, TASK_ACTS

ANYONE: Final = "public"
SYSTEM: Final = "system"
APPLICANT: Final = "applicant"
REPORTS: Final = "report_back"


class Place(NamedTuple):
    """The seat in which somebody acts, and for whom they stand in (代理), None for themselves."""

    seat: str
    acting_for: int | None = None


def seat_of(
    reading: Reading, step: Step, *, actor_id: int, is_system: bool, task: int | None = None
) -> Place:
    """Return the seat in which the actor may take `step`; `task` chooses among several.

    Raises:
        NotAllowed: none of the step's seats is the actor's or has still to answer; the actor, or
            whom they stand in for, is recused or holds another control role on this case (四眼).
        Conflict: somebody else has claimed the task; it names who.
    """
    if is_system:
        if SYSTEM not in step.by:
            raise NotAllowed(f"“{step.title}”须由 {titles(step.by)} 办理，系统不能代办。")
        return Place(SYSTEM)
    if REPORTS in step.effects:
        return _helper(reading, step, actor_id)
    mine = [place for place in places(reading, step) if _is_of(reading, place, task)]
    if not mine:
        raise NotAllowed(f"“{step.title}”须由 {titles(step.by)} 办理，您不在该席位。")
    refusals = []
    for place in mine:
        refusal = _refusal(reading, step, place, actor_id)
        if refusal is None:
            return place
        refusals.append(refusal)
    raise refusals[0]


def places(reading: Reading, step: Step) -> Iterator[Place]:
    """Yield the step's seats that are the actor's; a seat that was added answers as the others."""
    names = step.by
    if ANSWER in step.effects or not TASK_ACTS.isdisjoint(step.effects):
        added = [task.seat for task in reading.present if task.added_seq and task.is_unanswered]
        names = (*names, *added)
    for name in dict.fromkeys(names):
        if name == ANYONE:
            yield Place(ANYONE)
        elif name != SYSTEM:
            yield from places_of(reading, name)


def places_of(reading: Reading, seat: str) -> Iterator[Place]:
    """Yield how the asker sits in `seat` of this case: themselves first, then for others.

    Where the task was handed over (转办), its organisation is meant and not the case's party.
    """
    task, meant = task_of(reading, seat), SEATS[seat]
    organisation = task.organisation_id if task else reading.parties.get(meant.party)
    for held, role, principal in reading.seats or ():
        if organisation is not None and held == organisation and role == meant.role:
            yield Place(seat, principal)


def task_of(reading: Reading, seat: str) -> SeatTask | None:
    """Return the task by which the case waits for `seat` now."""
    for task in reading.present:
        if task.seat == seat and task.is_unanswered:
            return task
    return None


def _is_of(reading: Reading, place: Place, task_id: int | None) -> bool:
    if task_id is None:
        return True
    found = task_of(reading, place.seat)
    return found is not None and found.id == task_id


def _helper(reading: Reading, step: Step, actor_id: int) -> Place:
    for task in reading.present:
        if task.is_unanswered and task.helper_id == actor_id:
            return Place(task.seat)
    raise NotAllowed(f"“{step.title}”：没有委派给您的待办。")


def _refusal(reading: Reading, step: Step, place: Place, actor_id: int) -> CaseflowError | None:
    """Return why the actor may not take the step in this seat, None where they may."""
    people = [actor_id] if place.acting_for is None else [actor_id, place.acting_for]
    return (
        _second_duty(reading, step, people)
        or _recused(reading, step, place, people)
        or _task_refusal(reading, step, place, people)
    )


def _second_duty(reading: Reading, step: Step, people: list[int]) -> NotAllowed | None:
    if not step.duty:
        return None
    for person in people:
        held = reading.duty_of(person)
        if held and held != step.duty:
            return NotAllowed(
                f"{_who(person, people)}已在本办件中担任 {held}，不得再担任 {step.duty}："
                "经办、复核、审批、拨付须为不同的人。"
            )
    return None


def _who(person: int, people: list[int]) -> str:
    return "您" if person == people[0] else "委托您的人"


def _recused(reading: Reading, step: Step, place: Place, people: list[int]) -> NotAllowed | None:
    if place.seat in {APPLICANT, ANYONE} or "recuse" in step.effects:
        return None
    for person in people:
        ground = recusal_of(reading, person, is_asker=person == people[0])
        if ground:
            return NotAllowed(f"{_who(person, people)}须回避本办件（{ground}），不得办理。")
    return None


def recusal_of(reading: Reading, person: int, *, is_asker: bool) -> str | None:
    """Return why a person is recused: declared, or employed by the applicant, be it a bureau."""
    declared = dict(reading.recusals or ())
    if person in declared:
        return str(declared[person])
    employers = [held for held, _, principal in reading.seats or () if principal is None]
    return "在申报主体任职" if is_asker and reading.applicant_id in employers else None


def _task_refusal(
    reading: Reading, step: Step, place: Place, people: list[int]
) -> CaseflowError | None:
    task = task_of(reading, place.seat)
    needs_own = not OWN_TASK.isdisjoint(step.effects)
    if task is None:
        words = f"“{step.title}”：{titles([place.seat])} 已答复，不得重复答复或代其他席位答复。"
        return NotAllowed(words) if needs_own else None
    if not needs_own and not TASK_ACTS.isdisjoint(step.effects) and SEND_BACK not in step.effects:
        return None
    if task.status != OPEN and needs_own:
        return NotAllowed(f"“{step.title}”：须待 {titles([task.waits_for or ''])} 先答复。")
    if task.claimant_id is not None and task.claimant_id not in people:
        return Conflict(f"该待办已由 {task.claimant_name} 签收，须先退签或转办。")
    return None


def seats_held(parties: Mapping[str, Any], assignments: Iterable[Any]) -> set[str]:
    """Return the seats of a case that these (organisation, role, …) assignments fill."""
    roles = {(organisation, role) for organisation, role, *_ in assignments}
    return {
        name
        for name, seat in SEATS.items()
        if seat.party in parties and (parties[seat.party], seat.role) in roles
    }


def titles(seats: Iterable[str]) -> str:
    """Return the Chinese names of seats."""
    return "、".join(SEATS[seat].title for seat in seats if seat in SEATS)
