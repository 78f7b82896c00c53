"""Who sits where in a case: which organisation a seat means, and what an actor may do."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from caseflow.cases.reading import Reading
from caseflow.kernel.errors import NotAllowed
from caseflow.kernel.workflow.model import Step, Workflow
from caseflow.kernel.workflow.vocabulary import SEATS

ANYONE: Final = "public"
SYSTEM: Final = "system"
ANSWER: Final = "answer_seat"
"""The effect of a step that each seat takes once, for itself. (手册§2.2 部门联审)"""


def seat_of(reading: Reading, step: Step, *, is_system: bool) -> str:
    """Return the seat in which the actor may take `step`.

    Raises:
        NotAllowed: none of the step's seats is the actor's, the seat has answered already, or the
            actor holds another control role on this case (四眼原则: the handler never approves).
    """
    if is_system:
        if SYSTEM not in step.by:
            raise NotAllowed(f"“{step.title}”须由 {titles(step.by)} 办理，系统不能代办。")
        return SYSTEM
    held = seats_held(reading.parties, reading.seats or [])
    mine = [seat for seat in step.by if seat == ANYONE or seat in held]
    if not mine:
        raise NotAllowed(f"“{step.title}”须由 {titles(step.by)} 办理，您不在该席位。")
    _refuse_second_duty(reading, step)
    return _unanswered(reading, step, mine) if ANSWER in step.effects else mine[0]


def _unanswered(reading: Reading, step: Step, mine: list[str]) -> str:
    """Return the first of the actor's seats that has not answered: none answers for another."""
    waiting = {seat for _, seat, state in reading.open_tasks if state == reading.state}
    for seat in mine:
        if seat in waiting:
            return seat
    raise NotAllowed(f"“{step.title}”：{titles(mine)} 已答复，不得重复答复或代其他席位答复。")


def seats_held(parties: Mapping[str, Any], assignments: Iterable[Any]) -> set[str]:
    """Return the seats of a case that these (organisation, role) assignments fill."""
    roles = {(organisation, role) for organisation, role in assignments}
    return {
        name
        for name, seat in SEATS.items()
        if seat.party in parties and (parties[seat.party], seat.role) in roles
    }


def holders(workflow: Workflow, state: str, parties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return seat, role and organisation of each task that `state` opens."""
    found = []
    for name in workflow.states[state].holders:
        if name == SYSTEM:
            continue
        seat = SEATS[name]
        found.append({"seat": name, "role": seat.role, "organisation_id": parties[seat.party]})
    return found


def titles(seats: Iterable[str]) -> str:
    """Return the Chinese names of seats."""
    return "、".join(SEATS[seat].title for seat in seats)


def _refuse_second_duty(reading: Reading, step: Step) -> None:
    if step.duty and reading.duty and reading.duty != step.duty:
        raise NotAllowed(
            f"您已在本办件中担任 {reading.duty}，不得再担任 {step.duty}："
            "经办、复核、审批、拨付须为不同的人。"
        )
