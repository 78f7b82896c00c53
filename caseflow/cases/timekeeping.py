"""What a move does to the clocks of a case, and the timers that follow."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from caseflow.cases.desk import Desk
from caseflow.cases.tasks import OPEN, SeatTask
from caseflow.kernel import clocks
from caseflow.kernel.calendar import REMEMBERED, Calendar, due_text, local_date
from caseflow.kernel.clocks import ClockState
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Workflow, clock_of


class Timekeeper:
    """The clocks of one case during one act; `changed` are those to write."""

    def __init__(
        self, workflow: Workflow, known: Iterable[Mapping[str, Any]], calendar: Calendar
    ) -> None:
        self._workflow = workflow
        self._calendar = calendar
        self._ended: dict[str, Mapping[str, Any]] = {}
        self._before: dict[str, ClockState] = {}
        for row in known:
            if row["status"] == "ended":
                self._ended[row["name"]] = row
            else:
                self._before[row["name"]] = clocks.from_row(row)
        self._now = dict(self._before)

    @property
    def changed(self) -> list[ClockState]:
        """Return the clocks that are not as they were."""
        return [clock for name, clock in self._now.items() if clock != self._before.get(name)]

    def _find(self, name: str | None) -> ClockState | None:
        """Return a clock; most have ended, and those are read only when they are asked for."""
        if name in self._ended:
            clock = clocks.from_row(self._ended.pop(name))
            self._before[clock.name] = self._now[clock.name] = clock
        return self._now.get(name or "")

    def running(self, state: str) -> ClockState | None:
        """Return the clock that `state` runs, of several seats' the nearest; None for none."""
        name = self._workflow.states[state].clock
        mine = (clock for clock in self._now.values() if clock_of(clock.name) == name)
        running = [clock for clock in mine if clock.status == "running"]
        return min(running, key=lambda clock: (clock.due_on, clock.name), default=None)

    def expire(self, name: str) -> None:
        """Mark a clock as run out, before the event that this causes."""
        self._now[name] = clocks.expire(self._now[name])

    def enter(self, state: str, facts: Mapping[str, Any], on: date) -> None:
        """Start the clock of a case's first state."""
        self._arm(self._workflow.states[state].clock, facts, on)

    def follow(self, move: Move, facts: Mapping[str, Any], on: date) -> None:
        """Stop, resume, start and end clocks as `move` says."""
        if not move.stays:
            self._leave(move, on)
            target = self._workflow.states[move.target]
            name = None if target.decide else target.clock
            if not (self._is_overdue(name) and name in self._workflow.states[move.source].stops):
                self._arm(name, facts, on)
        else:
            self._rearm_repeating(move, on)
        for name in move.step.starts:
            if not self._is_overdue(name):
                self._arm(name, facts, on)
        for name in move.step.ends:
            self._end(name)

    def follow_seats(self, came_from: str, desk: Desk, facts: Mapping[str, Any], on: date) -> None:
        """Start the clocks of the seats that may answer now, end those of the seats that have.

        Who waits for an added seat (前加签) stands still meanwhile. A seat whose time was up is
        given none anew by a stop (中止) in between.
        """
        stopped = self._workflow.states[came_from].stops
        for task, *_ in desk.closed:
            if task.clock and clock_of(task.clock) not in stopped:
                self._end(task.clock)
        for task in desk.changed:
            self._pause_or_go_on(task, facts, on)
        for name in (task["clock"] for task in desk.opened if task["status"] == OPEN):
            if not (self._is_overdue(name) and clock_of(name) in stopped):
                self._arm(name, facts, on)

    def _pause_or_go_on(self, task: SeatTask, facts: Mapping[str, Any], on: date) -> None:
        known = self._find(task.clock)
        if task.status == OPEN and known is None:
            self._arm(task.clock, facts, on)
        elif known and task.status == OPEN:
            self._now[known.name] = clocks.resume(known, on, self._calendar)
        elif known and known.status == "running":
            self._now[known.name] = clocks.stop(known, on, "前加签", self._calendar)

    def _leave(self, move: Move, on: date) -> None:
        target = self._workflow.states[move.target]
        own = self._workflow.states[move.source].clock
        owned = self._workflow.state_clocks
        for name, clock in self._now.items():
            kind = clock_of(name)
            if target.end:
                self._end(name)
            elif kind in target.stops:
                self._now[name] = clocks.stop(clock, on, target.title, self._calendar)
            elif kind == target.clock or kind not in owned:
                self._now[name] = clocks.resume(clock, on, self._calendar)
            elif kind == own:
                self._end(name)

    def _arm(self, name: str | None, facts: Mapping[str, Any], on: date) -> None:
        """Start a clock that does not run or stand still already."""
        if name is None:
            return
        known = self._find(name)
        if known and known.status in {"running", "stopped"}:
            return
        generation = known.generation + 1 if known else 1
        started = self._started(name, facts, on, generation)
        if started:
            self._now[name] = started

    def _started(
        self, name: str, facts: Mapping[str, Any], on: date, generation: int
    ) -> ClockState | None:
        clock = self._workflow.clock(name)
        if clock.until:
            until = facts.get(clock.until)
            if until is None:
                return None
            day = date.fromisoformat(until)
            return clocks.start_until(name, on, day, generation=generation)
        assert clock.limit is not None
        assert clock.unit is not None
        return clocks.start(
            name,
            on,
            self._calendar,
            limit=clock.limit,
            unit=clock.unit,
            generation=generation,
        )

    def _is_overdue(self, name: str | None) -> bool:
        """A limit that has run out is not given anew by a stop, nor by a second start."""
        known = self._now.get(name) if name else None
        return known is not None and known.status == "expired"

    def _rearm_repeating(self, move: Move, on: date) -> None:
        """A repeating clock whose own expiry this is runs again."""
        for name, clock in self._now.items():
            definition = self._workflow.clocks.get(clock_of(name))
            own = definition and definition.repeats and definition.expiry == move.step.event
            if own and clock.status == "expired":
                self._now[name] = clocks.rearm(clock, on, self._calendar)

    def _end(self, name: str) -> None:
        if name in self._now and self._now[name].status != "ended":
            self._now[name] = clocks.end(self._now[name])

    def timers(self, case_id: int) -> list[dict[str, Any]]:
        """Return the rows of the timers that the changed clocks ask for."""
        rows = []
        for clock in self.changed:
            before = self._before.get(clock.name)
            if before and before.generation == clock.generation:
                continue
            definition = self._workflow.clock(clock.name)
            rows += timer_rows(case_id, clock, remind=definition.remind)
        return rows


def timer_rows(case_id: int, clock: ClockState, *, remind: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the expiry of a running clock and its reminders as rows of table `timer`."""
    common = {
        "owner": case_id,
        "case_id": case_id,
        "clock_name": clock.name,
        "generation": clock.generation,
        "due_on": clock.due_on.isoformat(),
    }
    return [
        {**common, "kind": kind, "rule": rule, "due_at": at}
        for kind, rule, at in _signals(clock, remind)
    ]


@lru_cache(maxsize=REMEMBERED)
def _signals(clock: ClockState, remind: tuple[int, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return kind, rule and instant of each timer: those of many cases of one day are the same."""
    told = [
        ("reminder", each.rule, each.at.isoformat()) for each in clocks.reminders(clock, remind)
    ]
    if clock.status == "running":
        told.insert(0, ("expiry", "expiry", due_text(clock.due_on)))
    return tuple(told)


def wake_row(*, owner: int, case_id: int, reason: str, seq: int, at: datetime) -> dict[str, Any]:
    """Return the timer that lets `case_id` look for automatic events at once."""
    return {
        "owner": owner,
        "case_id": case_id,
        "kind": "wake",
        "clock_name": "",
        "generation": seq,
        "rule": reason,
        "due_on": local_date(at).isoformat(),
        "due_at": at.isoformat(),
    }
