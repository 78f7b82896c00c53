"""Refuses a workflow that is not sound: the rules of the graph, of conditions, of clocks, of law.

Every finding carries file and line of the definition it comes from.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Final

from caseflow.kernel.conditions import all_hold, can_all_hold, regions
from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.deciding import deciding_problems
from caseflow.kernel.workflow.graph import (
    REMEMBER,
    Edge,
    branch_tests,
    closure,
    edges,
    facts_known,
    guard_tests,
    main_events,
    main_road,
    reachable,
    with_way_out,
)
from caseflow.kernel.workflow.judging import judging_problems
from caseflow.kernel.workflow.legal import legal_problems
from caseflow.kernel.workflow.model import Clock, Fact, State, Step, Workflow
from caseflow.kernel.workflow.source import Where
from caseflow.kernel.workflow.vocabulary import PREVIOUS_STATE, SYSTEM_FACTS

SYSTEM: Final = "system"
_NONE: Final[Mapping[str, Workflow]] = MappingProxyType({})


def check(
    workflow: Workflow, where: Where, *, compiled: Mapping[str, Workflow] = _NONE
) -> list[Problem]:
    """Return everything that makes the workflow unsound; `compiled` holds its children by name."""
    ways = edges(workflow)
    return [
        *_state_problems(workflow, where),
        *_main_road_problems(workflow, where),
        *_graph_problems(workflow, where, ways),
        *_memory_problems(workflow, where, ways),
        *_branch_problems(workflow, where),
        *_missing_fact_problems(workflow, where, ways),
        *_automatic_problems(workflow, where, ways),
        *_clock_problems(workflow, where, ways),
        *deciding_problems(workflow, where),
        *judging_problems(workflow, where, ways),
        *legal_problems(workflow, where, ways, compiled=compiled),
    ]


def _state_problems(workflow: Workflow, where: Where) -> Iterator[Problem]:
    for state in workflow.states.values():
        if state.end is not None:
            continue
        for rule, message in _faults_of_state(workflow, state):
            yield where.problem("state", state.code, rule, message)


def _faults_of_state(workflow: Workflow, state: State) -> Iterator[tuple[str, str]]:
    if not state.holders:
        yield "state-without-holder", f"nobody holds the state {state.code!r} ({state.title})"
    if state.clock is None and any(holder != SYSTEM for holder in state.holders):
        yield "wait-without-clock", f"in {state.code!r} a person is waited for without a clock"
    if state.main is None:
        yield "main-missing", f"{state.code!r} does not say which event is its `main`"
    elif not main_events(workflow, state.code):
        yield "main-missing", f"the main event {state.main!r} is not possible in {state.code!r}"


def _main_road_problems(workflow: Workflow, where: Where) -> Iterator[Problem]:
    """The main road is what a rehearsal walks: it must arrive."""
    last = workflow.initial
    for _, target in main_road(workflow):
        last = target
    state = workflow.states[last]
    if state.end is None and main_events(workflow, last):
        message = f"the main road comes back to {last!r} and never reaches an end"
        yield where.problem("state", last, "main-never-ends", message)


def _graph_problems(workflow: Workflow, where: Where, ways: list[Edge]) -> Iterator[Problem]:
    reached = reachable([workflow.initial], ways)
    saved = with_way_out(workflow, ways)
    for code in workflow.states:
        if code not in reached:
            message = f"no road leads from {workflow.initial!r} to {code!r}"
            yield where.problem("state", code, "state-unreachable", message)
        if code not in saved:
            message = f"no road leads from {code!r} to an end"
            yield where.problem("state", code, "no-way-out", message)


def _memory_problems(workflow: Workflow, where: Where, ways: list[Edge]) -> Iterator[Problem]:
    """A step to `$previous` needs a state remembered on every road that leads to it."""
    blind = reachable([workflow.initial], ways, passing=lambda step: REMEMBER not in step.effects)
    for key, step in workflow.steps.items():
        reads = {test.fact for test in branch_tests(step)}
        if step.source in blind and PREVIOUS_STATE in reads:
            message = f"{step.event!r}: {step.source!r} can be reached without a remembered state"
            yield where.problem("step", key, "previous-without-memory", message)


# --- branches and automatic steps


def _branch_problems(workflow: Workflow, where: Where) -> Iterator[Problem]:
    for key, step in workflow.steps.items():
        if len(step.branches) == 1 and not step.branches[0].when:
            continue  # one way out, always open
        for rule, message in _faults_of_branches(step, facts_known(workflow, step)):
            yield where.problem("step", key, rule, message)


def _faults_of_branches(step: Step, facts: Mapping[str, Fact]) -> Iterator[tuple[str, str]]:
    guards = guard_tests(step)
    for one, other in combinations(step.branches, 2):
        if can_all_hold((*one.when, *other.when, *guards), facts):
            message = f"{step.event!r} can go both to {one.target!r} and to {other.target!r}"
            yield "branches-overlap", message
    if step.automatic:
        return  # it waits until a branch holds
    for region in regions(branch_tests(step), facts, within=guards):
        if not any(all_hold(branch.when, region) for branch in step.branches):
            example = ", ".join(f"{name} = {value}" for name, value in region.items())
            yield "branches-uncovered", f"{step.event!r} has no branch where {example}"
            return


def _missing_fact_problems(workflow: Workflow, where: Where, ways: list[Edge]) -> Iterator[Problem]:
    """A fact that decides where an event leads must have been required on every road to it."""
    reads = {
        key: {test.fact for test in branch_tests(step)} - {*SYSTEM_FACTS, *step.requires}
        for key, step in workflow.steps.items()
    }
    blind = {
        name: _states_without(workflow, name, ways) for name in sorted(set().union(*reads.values()))
    }
    for key, names in reads.items():
        source, event = key
        for name in sorted(names):
            if source in blind[name]:
                message = f"{event!r} reads {name!r}, which need not have been entered"
                yield where.problem("step", key, "fact-not-required", message)


def _states_without(workflow: Workflow, fact: str, ways: list[Edge]) -> set[str]:
    """Return the states that can be reached without the fact having been entered."""
    return reachable([workflow.initial], ways, passing=lambda step: fact not in step.requires)


def _automatic_problems(workflow: Workflow, where: Where, ways: list[Edge]) -> Iterator[Problem]:
    for code in workflow.states:
        automatic = [step for step in workflow.steps_from(code) if step.automatic]
        for one, other in combinations(automatic, 2):
            if _both_enabled(one, other, facts_known(workflow, *workflow.steps_from(code))):
                message = f"{one.event!r} and {other.event!r} can both fire in {code!r}"
                key = (code, other.event)
                yield where.problem("step", key, "automatic-overlap", message)
    yield from _automatic_loops(where, [way for way in ways if way.step.automatic])


def _both_enabled(one: Step, other: Step, facts: Mapping[str, Fact]) -> bool:
    guards = (*guard_tests(one), *guard_tests(other))
    return any(
        can_all_hold((*guards, *here.when, *there.when), facts)
        for here in one.branches
        for there in other.branches
    )


def _automatic_loops(where: Where, ways: list[Edge]) -> Iterator[Problem]:
    for way in ways:
        if way.source in reachable([way.target], ways):
            message = f"automatic events can lead from {way.source!r} back to it without end"
            yield where.problem("step", (way.source, way.step.event), "automatic-loop", message)


# --- clocks


def _clock_problems(workflow: Workflow, where: Where, ways: list[Edge]) -> Iterator[Problem]:
    onward: dict[str, list[str]] = {}
    for way in ways:
        if not way.step.ends:
            onward.setdefault(way.source, []).append(way.target)
    ending = [way for way in ways if way.step.ends]
    for clock in workflow.clocks.values():
        if not _is_armed(workflow, clock.name):
            message = f"no state runs the clock {clock.name!r} and no event starts it"
            yield where.problem("clock", clock.name, "clock-never-starts", message)
        started = {way.target for way in ways if clock.name in way.step.starts}
        left = [way for way in ending if clock.name not in way.step.ends]
        running = _running(workflow, clock.name, started, _joined(onward, left))
        for code in workflow.states:
            if code in running:
                yield from _expiry_problems(workflow, where, clock, code)


def _is_armed(workflow: Workflow, clock: str) -> bool:
    run_by_state = any(state.clock == clock for state in workflow.states.values())
    return run_by_state or any(clock in step.starts for step in workflow.steps.values())


def _joined(onward: Mapping[str, list[str]], more: Sequence[Edge]) -> Mapping[str, list[str]]:
    """Return where the ways lead by source, `more` besides those of `onward`."""
    joined = dict(onward)
    for way in more:
        joined[way.source] = [*joined.get(way.source, ()), way.target]
    return joined


def _running(
    workflow: Workflow, clock: str, started: set[str], carried: Mapping[str, list[str]]
) -> set[str]:
    """Return the states in which a clock may expire: not an end, and not one that stops it.

    `carried` is where the ways lead that do not end it.
    """
    own = {code for code, state in workflow.states.items() if state.clock == clock}
    found = own | closure(started, carried)
    states = workflow.states
    return {code for code in found if not states[code].end and clock not in states[code].stops}


def _expiry_problems(
    workflow: Workflow, where: Where, clock: Clock, state: str
) -> Iterator[Problem]:
    step = workflow.step(state, clock.expiry)
    if step is None:
        message = f"the expiry {clock.expiry!r} of {clock.name!r} is not possible in {state!r}"
    elif SYSTEM not in step.by:
        message = f"the expiry {clock.expiry!r} of {clock.name!r} is not by: system in {state!r}"
    else:
        return
    yield where.problem("clock", clock.name, "clock-expiry", message)
