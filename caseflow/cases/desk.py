"""What an act does to the tasks of its case: closed, opened, claimed, handed over, added."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from caseflow.cases.reading import Reading
from caseflow.cases.seats import Place, task_of, titles
from caseflow.cases.tasks import (
    CANCELLED,
    DONE,
    OPEN,
    SILENT,
    WAITING,
    SeatTask,
    clock_of_seat,
    holders,
)
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotFound
from caseflow.kernel.workflow.machine import Decision, Move
from caseflow.kernel.workflow.model import Step, Workflow
from caseflow.kernel.workflow.vocabulary import ANSWER, SEATS, SILENCE, TASK_ACTS

ADDABLE: Final = frozenset(
    name for name, seat in SEATS.items()
    if seat.role in {
        "cosign_bureau", "finance_division", "bureau_handler", "district_handler", "talent_office",
        "government_office", "audit_firm",
    }
)  # fmt: skip
"""Seats that may be asked besides (加签): who answers a question, and nobody who decides. 惯例"""
HANDED_ON: Final = frozenset({"cosign_bureau"})
"""Roles whose question another organisation may turn out to be competent for (转办). 惯例"""
NAMED: Final = """
    SELECT p.id, p.name, o.id AS organisation_id,
        (SELECT json_agg(json_build_array(a.organisation_id, a.role)) FROM assignment a
          WHERE a.person_id = p.id AND a.valid_from <= %(at)s
            AND (a.valid_to IS NULL OR a.valid_to > %(at)s)) AS seats,
        EXISTS (SELECT FROM assignment a WHERE a.organisation_id = o.id AND a.role = ANY(%(roles)s)
            AND a.valid_from <= %(at)s AND (a.valid_to IS NULL OR a.valid_to > %(at)s)) AS staffed
    FROM (SELECT) one
    LEFT JOIN person p ON %(person)s IN (p.login, p.public_id)
    LEFT JOIN organisation o ON %(organisation)s IN (o.code, o.public_id)
"""


class Named(NamedTuple):
    """The person and the organisation that a payload names, each None where it names none."""

    person_id: int | None = None
    name: str | None = None
    organisation_id: int | None = None
    seats: list[Any] | None = None
    staffed: bool = False

    def holds(self, organisation_id: int, role: str | None = None) -> bool:
        """Return whether the person sits in the organisation, in that role where one is told."""
        return any(held == organisation_id and role in {None, r} for held, r in self.seats or [])


class Doer(NamedTuple):
    """Who does it: in which seat, for whom, when; `seq` is the number of the act's first event."""

    actor_id: int
    place: Place
    at: datetime
    seq: int

    @property
    def owner_id(self) -> int:
        """Return whose claim it is: who is stood in for comes before who stands in."""
        return self.place.acting_for or self.actor_id


@dataclass
class Desk:
    """The rows of an act's tasks; `told` are the organisations, roles or people that it is about.

    `closed` are (task, status, verdict), `opened` the rows of new tasks.
    """

    closed: list[tuple[SeatTask, str, str | None]] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    changed: list[SeatTask] = field(default_factory=list)
    copies: list[dict[str, Any]] = field(default_factory=list)
    recusals: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)


def named_in(connection: Any, reading: Reading, move: Move, at: datetime) -> Named:
    """Return whom the payload of an act on tasks names; other acts ask nothing.

    Raises:
        NotFound: nobody, or no organisation, is called so.
    """
    person, organisation = move.payload.get("person"), move.payload.get("organisation")
    if TASK_ACTS.isdisjoint(move.step.effects) or not (person or organisation):
        return Named()
    roles = [task.role for task in reading.present]
    said = {"person": person, "organisation": organisation, "at": at, "roles": roles}
    row = connection.execute(NAMED, said).fetchone()
    found = Named(row[0], row[1], row[2], row[3], staffed=row[4])
    if person and found.person_id is None:
        raise NotFound(f"没有人员 {person!r}。")
    if organisation and found.organisation_id is None:
        raise NotFound(f"没有单位 {organisation!r}。")
    return found


def desk_of(
    reading: Reading, workflow: Workflow, decision: Decision, doer: Doer, named: Named
) -> Desk:
    """Return what the decision does to the tasks.

    Raises:
        InvalidInput, Conflict: an act on tasks names what it cannot be done with, and why.
    """
    desk = Desk()
    scene = _Scene(reading, workflow, decision.moves[0].payload, doer, named)
    first = decision.moves[0].step
    for effect in first.effects:
        if effect in _WRITERS:
            _WRITERS[effect](scene, desk)
    moved = [index for index, move in enumerate(decision.moves) if not move.stays]
    if moved:
        _close_all(scene, desk, first)
        if workflow.states[decision.state].end is None:
            common = {"state": decision.state, "at": doer.at, "round": doer.seq + moved[-1]}
            parties = reading.parties
            desk.opened = [
                {**common, "added_seq": None, **each}
                for each in holders(workflow, decision.state, parties)
            ]
            desk.changed = []
    return desk


class _Scene(NamedTuple):
    reading: Reading
    workflow: Workflow
    payload: Mapping[str, Any]
    doer: Doer
    named: Named

    @property
    def task(self) -> SeatTask | None:
        return task_of(self.reading, self.doer.place.seat)

    @property
    def own(self) -> SeatTask:
        task = self.task
        assert task is not None, "seat_of lets nobody through without"
        return task

    @property
    def waiting(self) -> list[SeatTask]:
        return [task for task in self.reading.desk if task.is_unanswered]


def _close_all(scene: _Scene, desk: Desk, first: Step) -> None:
    """The state is left: who took the step is done, everybody else need not answer any more."""
    closed = {task.id for task, *_ in desk.closed}
    is_decision = TASK_ACTS.isdisjoint(first.effects)
    for task in scene.waiting:
        if task.id not in closed:
            done = is_decision and task.seat == scene.doer.place.seat and task.status == OPEN
            desk.closed.append((task, DONE if done else CANCELLED, None))


def _answer(scene: _Scene, desk: Desk) -> None:
    desk.closed.append((scene.own, DONE, scene.payload.get("verdict")))
    _wake(scene, desk, scene.own.seat)


def _pass_in_silence(scene: _Scene, desk: Desk) -> None:
    task = task_of(scene.reading, str(scene.payload.get("seat")))
    if task is None:
        raise InvalidInput("该席位已答复。", fields={"seat": "已答复"})
    desk.closed.append((task, SILENT, scene.payload.get("verdict")))
    _wake(scene, desk, task.seat)


def _wake(scene: _Scene, desk: Desk, seat: str) -> None:
    """Let those answer who waited for `seat`."""
    for task in scene.reading.present:
        if task.status == WAITING and task.waits_for == seat:
            desk.changed.append(task._replace(status=OPEN, waits_for=None))


def _claimed(scene: _Scene, task: SeatTask) -> SeatTask:
    return task._replace(claimant_id=scene.doer.owner_id, claimed_at=scene.doer.at.isoformat())


def _claim(scene: _Scene, desk: Desk) -> None:
    desk.changed.append(_claimed(scene, scene.own))


def _release(scene: _Scene, desk: Desk) -> None:
    if scene.own.claimant_id is None:
        raise Conflict("该待办无人签收，无须退签。")
    desk.changed.append(scene.own._replace(claimant_id=None, claimed_at=None, helper_id=None))


def _hand_over(scene: _Scene, desk: Desk) -> None:
    """转办: to another person of the seat, or to another organisation's same role."""
    task, named = scene.own, scene.named
    organisation = named.organisation_id or task.organisation_id
    if named.person_id is None and organisation == task.organisation_id:
        raise InvalidInput("转办须指明接办人或另一单位。", fields={"person": "必填其一"})
    if organisation != task.organisation_id and task.role not in HANDED_ON:
        words = f"{titles([task.seat])} 不得转办给其他单位。"
        raise InvalidInput(words, fields={"organisation": "不得转办"})
    if named.organisation_id and not named.staffed:
        raise InvalidInput("该单位无人担任此席位。", fields={"organisation": "无此席位"})
    if named.person_id == scene.doer.actor_id:
        raise InvalidInput("不得转办给自己。", fields={"person": "即为本人"})
    if named.person_id and not named.holds(organisation, task.role):
        words = f"{named.name} 不在该席位，不得接办。"
        raise InvalidInput(words, fields={"person": "不在该席位"})
    claimed_at = scene.doer.at.isoformat() if named.person_id else None
    changed = task._replace(
        organisation_id=organisation, claimant_id=named.person_id, claimed_at=claimed_at,
        helper_id=None, handed_seq=scene.doer.seq,
    )  # fmt: skip
    desk.changed.append(changed)
    desk.told.append(asked(changed))


def _entrust(scene: _Scene, desk: Desk) -> None:
    """委派: a colleague prepares; the decision stays with who asked."""
    task, named = scene.own, scene.named
    if named.person_id == scene.doer.actor_id or not named.holds(task.organisation_id):
        words = "委派须委派给本单位的其他人。"
        raise InvalidInput(words, fields={"person": "不是本单位的其他人"})
    desk.changed.append(_claimed(scene, task)._replace(helper_id=named.person_id))
    desk.told.append({"named_id": named.person_id})


def _report_back(scene: _Scene, desk: Desk) -> None:
    desk.changed.append(scene.own._replace(helper_id=None))
    desk.told.append({"named_id": scene.own.claimant_id})


def _add_seat(scene: _Scene, desk: Desk) -> None:
    """加签: one more seat answers, beside the others or before the one that asks."""
    seat, state = str(scene.payload["seat"]), scene.reading.state
    present = [task.seat for task in scene.reading.present if task.status != CANCELLED]
    if seat not in ADDABLE or scene.reading.parties.get(SEATS[seat].party) is None:
        raise InvalidInput(f"席位 {seat!r} 不能加签。", fields={"seat": "不能加签"})
    if seat in present:
        raise Conflict(f"{titles([seat])} 已在本环节答复之列。")
    organisation = scene.reading.parties[SEATS[seat].party]
    added = {
        "state": state, "seat": seat, "role": SEATS[seat].role, "organisation_id": organisation,
        "status": OPEN, "at": scene.doer.at, "clock": clock_of_seat(scene.workflow, state, seat),
        "round": scene.reading.present[0].round, "waits_for": None, "added_seq": scene.doer.seq,
    }  # fmt: skip
    desk.opened.append(added)
    desk.told.append({"organisation_id": organisation, "role": SEATS[seat].role})
    if scene.payload["placement"] == "before":
        if scene.task is None or scene.task.status != OPEN:
            words = "前加签只能由尚未答复的席位提出。"
            raise InvalidInput(words, fields={"placement": "没有待答复的席位"})
        desk.changed.append(scene.task._replace(status=WAITING, waits_for=seat))


def _remove_seat(scene: _Scene, desk: Desk) -> None:
    """减签: only a seat that was added, and that has not answered."""
    task = task_of(scene.reading, str(scene.payload["seat"]))
    if task is None or task.added_seq is None:
        words = "只能减去加签且尚未答复的席位。"
        raise InvalidInput(words, fields={"seat": "不是尚未答复的加签席位"})
    desk.closed.append((task, CANCELLED, None))
    desk.told.append(asked(task))
    _wake(scene, desk, task.seat)


def _urge(scene: _Scene, desk: Desk) -> None:
    """催办: whoever is waited for, once a day."""
    today = local_date(scene.doer.at)
    late = [task for task in scene.reading.present if task.status == OPEN]
    fresh = [task for task in late if _urged_on(task) != today]
    if not fresh:
        raise Conflict("今日已催办，每日至多一次。")
    desk.changed += [task._replace(urged_at=scene.doer.at.isoformat()) for task in fresh]
    desk.told += [asked(task) for task in fresh]


def _urged_on(task: SeatTask) -> Any:
    return local_date(datetime.fromisoformat(task.urged_at)) if task.urged_at else None


def asked(task: SeatTask) -> dict[str, Any]:
    """Return who is asked by a task: its claimant, else all who sit there."""
    if task.claimant_id is not None:
        return {"named_id": task.claimant_id}
    return {"organisation_id": task.organisation_id, "role": task.role}


def _copy(*, revoked: bool) -> Callable[[_Scene, Desk], None]:
    def copy(scene: _Scene, desk: Desk) -> None:
        desk.copies.append({"person_id": scene.named.person_id, "revoked": revoked})
        desk.told.append({"named_id": scene.named.person_id})

    return copy


def _recuse(scene: _Scene, desk: Desk) -> None:
    """回避: the person takes no control role of this case any more; what they claimed is free."""
    person = scene.named.person_id or scene.doer.actor_id
    if person in dict(scene.reading.recusals or []):
        raise Conflict("已登记回避。")
    desk.recusals.append({"person_id": person, "ground": scene.payload["reason"]})
    mine = [task for task in scene.waiting if task.claimant_id == person]
    freed = [task._replace(claimant_id=None, claimed_at=None, helper_id=None) for task in mine]
    desk.changed += freed
    desk.told += [asked(task) for task in freed]


_WRITERS: Final[dict[str, Callable[[_Scene, Desk], None]]] = {
    ANSWER: _answer,
    SILENCE: _pass_in_silence,
    "claim_task": _claim,
    "release_task": _release,
    "hand_over": _hand_over,
    "entrust": _entrust,
    "report_back": _report_back,
    "add_seat": _add_seat,
    "remove_seat": _remove_seat,
    "urge": _urge,
    "copy_to": _copy(revoked=False),
    "revoke_copy": _copy(revoked=True),
    "recuse": _recuse,
}
