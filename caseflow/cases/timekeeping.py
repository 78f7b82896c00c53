"""What a move does to the clocks of a case, and the timers that follow."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from caseflow.kernel import clocks
from caseflow.kernel.calendar import Calendar, due_at, local_date
from caseflow.kernel.clocks import ClockState
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Clock, Workflow


class Timekeeper:
    """The clocks of one case during one act; `changed` are those to write."""

    def __init__(
        self, workflow: Workflow, known: Iterable[Mapping[str, Any]], calendar: Calendar
    ) -> None:
        self._workflow = workflow
        self._calendar = calendar
        self._before = {row["name"]: clocks.from_row(row) for row in known}
        self._now = dict(self._before)

    @property
    def changed(self) -> list[ClockState]:
        """Return the clocks that are not as they were."""
        return [clock for name, clock in self._now.items() if clock != self._before.get(name)]

    def running(self, state: str) -> ClockState | None:
        """Return the clock that `state` runs, None where it runs none."""
        name = self._workflow.states[state].clock
        clock = self._now.get(name) if name else None
        return clock if clock and clock.status == "running" else None

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
            name = self._workflow.states[move.target].clock
            if not (self._is_overdue(name) and name in self._workflow.states[move.source].stops):
                self._arm(name, facts, on)
        else:
            self._rearm_repeating(move, on)
        for name in move.step.starts:
            if not self._is_overdue(name):
                self._arm(name, facts, on)
        for name in move.step.ends:
            self._end(name)

    def _leave(self, move: Move, on: date) -> None:
        target = self._workflow.states[move.target]
        own = self._workflow.states[move.source].clock
        owned = {state.clock for state in self._workflow.states.values()}
        for name, clock in self._now.items():
            if target.end:
                self._end(name)
            elif name in target.stops:
                self._now[name] = clocks.stop(clock, on, target.title, self._calendar)
            elif name == target.clock or name not in owned:
                self._now[name] = clocks.resume(clock, on, self._calendar)
            elif name == own:
                self._end(name)

    def _arm(self, name: str | None, facts: Mapping[str, Any], on: date) -> None:
        """Start a clock that does not run or stand still already."""
        if name is None:
            return
        known = self._now.get(name)
        if known and known.status in {"running", "stopped"}:
            return
        generation = known.generation + 1 if known else 1
        started = self._started(self._workflow.clocks[name], facts, on, generation)
        if started:
            self._now[name] = started

    def _started(
        self, clock: Clock, facts: Mapping[str, Any], on: date, generation: int
    ) -> ClockState | None:
        if clock.until:
            until = facts.get(clock.until)
            if until is None:
                return None
            day = date.fromisoformat(until)
            return clocks.start_until(clock.name, on, day, generation=generation)
        assert clock.limit is not None
        assert clock.unit is not None
        return clocks.start(
            clock.name,
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
            definition = self._workflow.clocks.get(name)
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
            definition = self._workflow.clocks[clock.name]
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
    rows = []
    if clock.status == "running":
        due = due_at(clock.due_on).isoformat()
        rows.append({**common, "kind": "expiry", "rule": "expiry", "due_at": due})
    for reminder in clocks.reminders(clock, remind):
        at = reminder.at.isoformat()
        rows.append({**common, "kind": "reminder", "rule": reminder.rule, "due_at": at})
    return rows


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
