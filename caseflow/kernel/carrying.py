"""A clock carried over to another version of its workflow: what was used stays used, or not."""

from datetime import date

from caseflow.kernel import clocks
from caseflow.kernel.calendar import Calendar
from caseflow.kernel.clocks import ClockState
from caseflow.kernel.workflow.model import Clock
from caseflow.kernel.workflow.succession import RESTART, Treatment

OPEN = frozenset({"running", "stopped"})


def carry(
    clock: ClockState,
    definition: Clock,
    *,
    name: str,
    on: date,
    calendar: Calendar,
    until: date | None,
    treatment: Treatment,
) -> ClockState:
    """Return an open clock as `definition` has it, its generation raised.

    `keep` counts what was used anew in the new unit and gives what is left of the new limit;
    `restart` begins on `on`. One that stands still stays so. `until` is the date of a clock that
    has a fixed one; without it the old date stays.
    """
    generation = clock.generation + 1
    if definition.limit is None or definition.unit is None:
        if until is None:
            return clock._replace(name=name, generation=generation)
        carried = clocks.start_until(name, clock.started_on, until, generation=generation)
    elif treatment == RESTART:
        carried = clocks.start(
            name, on, calendar, limit=definition.limit, unit=definition.unit, generation=generation
        )
    else:
        known = clock._replace(name=name, limit=definition.limit, unit=definition.unit)
        return clocks.recompute(known, calendar)._replace(generation=generation)
    if clock.status == "stopped":
        carried = clocks.stop(carried, on, clock.stops[-1].reason, calendar)
    return carried._replace(generation=generation)


def is_carried_as_is(clock: ClockState, old: Clock | None, new: Clock, name: str) -> bool:
    """Return whether nothing of an open clock, its end or its reminders changes."""
    same = old is not None and _terms(old) == _terms(new)
    return same and clock.name == name


def _terms(clock: Clock) -> tuple[object, ...]:
    return clock.limit, clock.unit, clock.until, clock.repeats, clock.remind
