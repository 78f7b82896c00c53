"""What a move to another version of its measure would do to one case; nothing is written.

A case stays on the version it pins, may move as it is, or would be stranded: its state is gone,
the law's gates would be skipped, a fact is lost, a clock has no successor, a task loses its seat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final, Literal

from caseflow.cases.reading import Reading
from caseflow.cases.tasks import OPEN, WAITING, SeatTask, holders
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.catalogue.seating import parties_of
from caseflow.kernel import clocks
from caseflow.kernel.calendar import Calendar, local_date
from caseflow.kernel.carrying import OPEN as OPEN_CLOCKS
from caseflow.kernel.carrying import carry, is_carried_as_is
from caseflow.kernel.clocks import ClockState
from caseflow.kernel.workflow.model import SEAT_MARK, State, Workflow, clock_of
from caseflow.kernel.workflow.succession import (
    END,
    MovePlan,
    faults_of_facts,
    faults_of_state,
    successor_of,
)
from caseflow.kernel.workflow.vocabulary import SEATS

Result = Literal["stays", "moves", "stranded"]
STAYS, MOVES, STRANDED = RESULTS = ("stays", "moves", "stranded")
LOOKED_AT: Final = (
    "approved_fen", "planned_fen", "reviewed_fen", "audited_fen", "verified_fen", "applied_fen",
)  # fmt: skip
"""The amounts of a case, the last that was looked at first."""


@dataclass(frozen=True)
class Target:
    """The version to which a case may move: the measure, and the workflow of this kind of case."""

    measure: MeasureInfo
    workflow: Workflow
    workflow_hash: str
    policy_ends_on: date | None


@dataclass(frozen=True)
class ClockChange:
    """What becomes of a clock; the days are None where there is none, or it stands still."""

    clock: str
    title: str
    due_before: date | None
    due_after: date | None


@dataclass(frozen=True)
class Assessment:
    """What a move would do to a case: where it stands then, why it cannot, what changes for it.

    `amount_before_fen` and `amount_after_fen` are the last amount looked at, within the figure of
    the clause; None where there is none yet.
    """

    result: Result
    from_state: str
    to_state: str
    reasons: tuple[str, ...]
    clocks: tuple[ClockChange, ...] = ()
    tasks: tuple[str, ...] = ()
    amount_before_fen: int | None = None
    amount_after_fen: int | None = None


@dataclass(frozen=True)
class Carried:
    """The clocks of a case after a move; `lost` have no successor."""

    before: Mapping[str, ClockState]
    after: Mapping[str, ClockState]
    lost: tuple[str, ...]

    @property
    def changed(self) -> list[ClockState]:
        """Return the clocks that are not as they were."""
        return [clock for name, clock in self.after.items() if clock != self.before.get(name)]


@dataclass(frozen=True)
class Tasks:
    """The tasks of a case after a move: to cancel, to open; `lost` seats are asked no more."""

    closed: tuple[SeatTask, ...]
    opened: tuple[dict[str, Any], ...]
    lost: tuple[str, ...]


class Prospect:
    """One case under another version of its measure, worked out once."""

    def __init__(
        self,
        reading: Reading,
        old: Workflow,
        target: Target,
        plan: MovePlan,
        *,
        calendar: Calendar,
        at: datetime,
    ) -> None:
        self.reading, self.old, self.new, self.target = reading, old, target.workflow, target
        self.plan, self.calendar, self.at = plan, calendar, at
        self.state: str = plan.states.get(reading.state, reading.state)
        self.is_entered_anew = reading.state in plan.states
        self.parties = _parties(reading, target.measure)
        self.faults = tuple(self._faults())

    @property
    def previous(self) -> str | None:
        """Return the remembered state, under its new name."""
        known: str | None = self.reading.previous_state
        return None if known is None else self.plan.states.get(known, known)

    def day_of(self, fact: str) -> date | None:
        """Return the day on which a clock with a fixed date is due; `fact` names it."""
        if fact == "policy_ends_on":
            return self.target.policy_ends_on
        known: date | None = getattr(self.reading, fact)
        return known

    def _faults(self) -> list[str]:
        reading, old, new = self.reading, self.old, self.new
        faults = faults_of_state(old, new, reading.state, self.state)
        if self.previous is not None and reading.previous_state in old.states:
            faults += faults_of_state(old, new, reading.previous_state, self.previous)
        if faults:
            return faults
        faults += faults_of_facts(old, new, reading.state, self.state, _known(reading))
        faults += _missing_parties(new.states[self.state], self.parties)
        if faults:
            return faults
        if not self.is_entered_anew and _decides(old, reading.state) != _decides(new, self.state):
            title = new.states[self.state].title
            return [f"“{title}”的答复方式或时限已变，须在方案中写明重新进入（{self.state}）"]
        titles = [
            f"正在计时的“{_clock_title(old, name)}”在新版本中没有对应" for name in self.carried.lost
        ]
        return titles + [
            f"待办席位“{SEATS[seat].title}”在新版本中不再办理" for seat in self.tasks.lost
        ]

    @cached_property
    def tasks(self) -> Tasks:
        """Return what becomes of the tasks."""
        opened = tuple(holders(self.new, self.state, self.parties))
        waiting = [task for task in self.reading.desk if task.is_unanswered]
        if self.is_entered_anew:
            return Tasks(tuple(waiting), opened, ())
        present = {task.seat for task in self.reading.present}
        seats = {task["seat"] for task in opened}
        unanswered = {task.seat for task in waiting}
        lost = [t.seat for t in waiting if t.seat not in seats and t.added_seq is None]
        fresh = (task for task in opened if task["seat"] not in present)
        return Tasks((), tuple(_in_turn(task, unanswered) for task in fresh), tuple(lost))

    @cached_property
    def carried(self) -> Carried:
        """Return what becomes of the clocks."""
        return _Carrier(self).carried()

    def assessment(self) -> Assessment:
        """Return what people are told of the move."""
        stays = self.plan.stays(self.reading.state)
        stranded = bool(self.faults)
        result: Result = "stays" if stays else "stranded" if stranded else "moves"
        found = Assessment(result, self.reading.state, self.state, self.faults)
        if stays or stranded:
            return found
        tasks = self.tasks
        closed = [f"撤销：{SEATS[task.seat].title}" for task in tasks.closed]
        opened = [f"新开：{SEATS[task['seat']].title}" for task in tasks.opened]
        before, after = self._amounts()
        return replace(
            found,
            clocks=tuple(self._clock_changes()),
            tasks=(*closed, *opened),
            amount_before_fen=before,
            amount_after_fen=after,
        )

    def _clock_changes(self) -> list[ClockChange]:
        carried = self.carried
        return [
            ClockChange(
                clock=clock.name,
                title=_clock_title(self.new, clock.name) or _clock_title(self.old, clock.name),
                due_before=_due(carried.before.get(clock.name)),
                due_after=_due(clock),
            )
            for clock in carried.changed
        ]

    def _amounts(self) -> tuple[int | None, int | None]:
        facts, kind = self.reading.facts, self.reading.child_kind
        fen = next((facts[name] for name in LOOKED_AT if facts.get(name) is not None), None)
        if fen is None:
            return None, None
        most = self.target.measure.ceiling_fen(kind)
        return fen, fen if most is None else min(fen, most)


class _Carrier:
    """Carries the clocks of one case over."""

    def __init__(self, prospect: Prospect) -> None:
        self._p = prospect
        self._on = local_date(prospect.at)
        rows = [clocks.from_row(row) for row in prospect.reading.clocks or []]
        self._before = {clock.name: clock for clock in rows}
        self._after = dict(self._before)
        self._lost: list[str] = []

    def carried(self) -> Carried:
        p = self._p
        source, target = p.old.states[p.reading.state], p.new.states[p.state]
        anew = p.is_entered_anew and (source.decide or target.decide)
        for clock in self._before.values():
            if clock.status not in OPEN_CLOCKS:
                continue
            is_own = clock_of(clock.name) == source.clock
            if is_own and p.is_entered_anew and (anew or self._waits(target, clock)):
                self._end(clock)
            elif is_own and p.is_entered_anew:
                self._carry(clock, str(target.clock))
            elif self._is_left_behind(clock):
                self._end(clock)
            else:
                self._succeed(clock)
        self._stop_and_go(source, target)
        self._start(target)
        return Carried(self._before, self._after, tuple(self._lost))

    def _is_left_behind(self, clock: ClockState) -> bool:
        """Return whether it is the clock of a remembered state to which no case goes back."""
        p, remembered = self._p, self._p.reading.previous_state
        if remembered not in p.plan.states or clock_of(clock.name) in p.plan.clocks:
            return False
        return clock_of(clock.name) == p.old.states[remembered].clock

    def _waits(self, target: State, clock: ClockState) -> bool:
        """Return whether the state's own clock goes on from before, or it has none."""
        known = self._before.get(target.clock or "")
        goes_on = known is not None and known.status in OPEN_CLOCKS and known != clock
        return target.clock is None or goes_on

    def _succeed(self, clock: ClockState) -> None:
        name = successor_of(self._p.plan, self._p.new, clock.name)
        if name is None:
            self._lost.append(clock.name)
        elif name == END:
            self._end(clock)
        else:
            self._carry(clock, name)

    def _carry(self, clock: ClockState, name: str) -> None:
        p, definition = self._p, self._p.new.clock(name)
        old = p.old.clocks.get(clock_of(clock.name))
        until = p.day_of(definition.until) if definition.until else None
        same_day = until is None or until == clock.due_on
        if same_day and is_carried_as_is(clock, old, definition, name):
            return
        carried = carry(
            clock, definition, name=name, on=self._on, calendar=p.calendar,
            until=until, treatment=p.plan.treatment,
        )  # fmt: skip
        if name != clock.name:
            self._end(clock)
            known = self._before.get(name)
            generation = max(carried.generation, known.generation + 1 if known else 1)
            carried = carried._replace(generation=generation)
        self._after[name] = carried

    def _end(self, clock: ClockState) -> None:
        self._after[clock.name] = clocks.end(clock)

    def _stop_and_go(self, source: State, target: State) -> None:
        """Let clocks stand still, or go on, as the state asks in which the case then stands."""
        for name, clock in self._after.items():
            own = clock_of(name)
            if own in target.stops:
                stopped = clocks.stop(clock, self._on, target.title, self._p.calendar)
                self._after[name] = stopped
            elif own in source.stops and clock.status == "stopped":
                self._after[name] = clocks.resume(clock, self._on, self._p.calendar)

    def _start(self, target: State) -> None:
        """Start the clocks of the state, and of the seats that are asked anew, that do not run."""
        p = self._p
        if target.decide:
            names = [task["clock"] for task in p.tasks.opened if task["status"] == OPEN]
        else:
            names = [target.clock] if p.is_entered_anew else []
        for name in names:
            known = self._after.get(name) if name else None
            if name is not None and not (known and known.status in OPEN_CLOCKS):
                self._begin(name, known.generation + 1 if known else 1)

    def _begin(self, name: str, generation: int) -> None:
        p, definition = self._p, self._p.new.clock(name)
        if definition.until:
            until = p.day_of(definition.until)
            if until is not None:
                begun = clocks.start_until(name, self._on, until, generation=generation)
                self._after[name] = begun
            return
        assert definition.limit is not None
        assert definition.unit is not None
        self._after[name] = clocks.start(
            name, self._on, p.calendar,
            limit=definition.limit, unit=definition.unit, generation=generation,
        )  # fmt: skip


def _parties(reading: Reading, measure: MeasureInfo) -> dict[str, int]:
    """Return who sits where: as until now, and the parties that the new version brings in."""
    return {**parties_of(measure.organisations), **reading.parties}


def _missing_parties(state: State, parties: Mapping[str, int]) -> list[str]:
    people = [name for name in state.holders if name != "system"]
    missing = [name for name in people if SEATS[name].party not in parties]
    return [f"席位“{SEATS[name].title}”没有对应的单位" for name in missing]


def _known(reading: Reading) -> set[str]:
    return {name for name, value in reading.facts.items() if value is not None}


def _decides(workflow: Workflow, state: str) -> tuple[Any, ...]:
    definition = workflow.states[state]
    return definition.decide, definition.clock


def _in_turn(task: dict[str, Any], unanswered: set[str]) -> dict[str, Any]:
    """Return a task that waits only where the seat before it has still to answer."""
    if task["status"] == WAITING and task["waits_for"] not in unanswered:
        return {**task, "status": OPEN, "waits_for": None}
    return task


def _clock_title(workflow: Workflow, name: str) -> str:
    own, _, seat = name.partition(SEAT_MARK)
    known = workflow.clocks.get(own)
    title = known.title if known else ""
    return f"{title}（{SEATS[seat].title}）" if title and seat else title


def _due(clock: ClockState | None) -> date | None:
    return clock.due_on if clock is not None and clock.status == "running" else None
