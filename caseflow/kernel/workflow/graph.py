"""The state graph of a compiled workflow: which steps lead where, what can be reached."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from caseflow.kernel.conditions import all_hold, can_all_hold
from caseflow.kernel.workflow.model import Branch, Fact, Step, Test, Workflow
from caseflow.kernel.workflow.vocabulary import (
    AMOUNTS,
    GUARDS,
    PREVIOUS_STATE,
    SEND_BACK,
    SYSTEM_FACTS,
    TAKE_BACK,
)

REMEMBER: Final = "remember_state"
"""The effect that fills the register to which `$previous` returns."""


class Edge(NamedTuple):
    """From a state, by a step, to a state. `is_return` goes back to a state that was remembered.

    A return leads nowhere new: who walks it has been there before, on the same road.
    """

    source: str
    step: Step
    target: str
    is_return: bool


def facts_known(workflow: Workflow, *steps: Step) -> dict[str, Fact]:
    """Return every fact that a test in this workflow may read.

    Which states may be remembered depends on the state: those `steps` out of it lead back to.
    """
    remembered = dict.fromkeys(
        test.value for test in branch_tests(*steps) if test.fact == PREVIOUS_STATE
    )
    previous = replace(SYSTEM_FACTS[PREVIOUS_STATE], choices=tuple(remembered))
    return {**SYSTEM_FACTS, **AMOUNTS, **workflow.facts, PREVIOUS_STATE: previous}


def branch_tests(*steps: Step) -> tuple[Test, ...]:
    """Return the tests of all branches of some steps."""
    return tuple(test for step in steps for branch in step.branches for test in branch.when)


def guard_tests(step: Step) -> tuple[Test, ...]:
    """Return the tests of all guards of a step."""
    return tuple(test for guard in step.guards for test in GUARDS[guard].tests)


def system_facts_read(workflow: Workflow) -> frozenset[str]:
    """Return the system's facts that guards, conditions and clocks of this workflow read."""
    steps = tuple(workflow.steps.values())
    tests = (*branch_tests(*steps), *(test for step in steps for test in guard_tests(step)))
    until = {clock.until for clock in workflow.clocks.values() if clock.until}
    return frozenset({test.fact for test in tests if test.fact in SYSTEM_FACTS} | until)


def edges(workflow: Workflow) -> list[Edge]:
    """Return every way that some facts can take; a branch that can never hold is none.

    The roads back (退回, 拿回) are among them; who takes a step back has come from there.
    """
    return [*_forward(workflow), *_back(workflow)]


def _back(workflow: Workflow) -> Iterator[Edge]:
    for state in workflow.states.values():
        for act in workflow.acts_in(state.code):
            if SEND_BACK in act.effects:
                yield from (Edge(state.code, act, target, False) for target in state.returns)
            if TAKE_BACK in act.effects:
                yield from (Edge(state.code, act, target, True) for target in state.taken_from)


def _forward(workflow: Workflow) -> list[Edge]:
    return [
        Edge(step.source, step, branch.target, _is_return(branch))
        for step in workflow.steps.values()
        for branch in step.branches
        if is_possible(workflow, step, branch)
    ]


def _is_return(branch: Branch) -> bool:
    return any(test.fact == PREVIOUS_STATE for test in branch.when)


def is_possible(workflow: Workflow, step: Step, branch: Branch) -> bool:
    """Say whether some facts satisfy the step's guards and the branch's tests together."""
    if not step.guards and not branch.when:
        return True
    tests = (*guard_tests(step), *branch.when)
    if any(test.fact == PREVIOUS_STATE for test in tests):
        return can_all_hold(tests, facts_known(workflow, step))
    return can_all_hold(tests, {test.fact: _fact(workflow, test.fact) for test in tests})


def _fact(workflow: Workflow, name: str) -> Fact:
    return workflow.facts.get(name) or AMOUNTS.get(name) or SYSTEM_FACTS[name]


def reachable(
    start: Iterable[str], ways: Iterable[Edge], *, passing: Callable[[Step], bool] | None = None
) -> set[str]:
    """Return the states reachable from `start` by steps that `passing` lets through."""
    onward: dict[str, list[str]] = {}
    for way in ways:
        if not way.is_return and (passing is None or passing(way.step)):
            onward.setdefault(way.source, []).append(way.target)
    return closure(start, onward)


def with_way_out(workflow: Workflow, ways: Sequence[Edge]) -> set[str]:
    """Return the states from which an end can be reached.

    A state that only returns has a way out where every state it may return to has one of its own.
    """
    ends = [code for code, state in workflow.states.items() if state.end is not None]
    saved = closure(ends, _backward(way for way in ways if not way.is_return))
    returns: dict[str, set[str]] = {}
    for way in ways:
        if way.is_return:
            returns.setdefault(way.source, set()).add(way.target)
    resumed = [code for code, targets in returns.items() if targets <= saved]
    plain = (way for way in ways if not way.is_return and REMEMBER not in way.step.effects)
    return saved | closure(resumed, _backward(plain))


def _backward(ways: Iterable[Edge]) -> dict[str, list[str]]:
    backward: dict[str, list[str]] = {}
    for way in ways:
        backward.setdefault(way.target, []).append(way.source)
    return backward


def closure(start: Iterable[str], onward: Mapping[str, Iterable[str]]) -> set[str]:
    """Return all nodes reachable from `start`, `start` included."""
    found, waiting = set(start), list(start)
    while waiting:
        for target in onward.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def main_path(workflow: Workflow) -> list[str]:
    """Return the events of the main road from the initial state until it ends or repeats.

    Of several branches the first that the facts' samples satisfy is taken, else the first.
    """
    return [step.event for step, _ in main_road(workflow)]


def main_road(workflow: Workflow) -> Iterator[tuple[Step, str]]:
    """Yield each step of the main road with the state it leads to.

    Of several main events of a state (`a|b`) the first not yet done is taken, else the last. Where
    it stays (a seat answers), the automatic event it waits for comes next.
    """
    state, done, met = workflow.initial, set[tuple[str, str]](), set[tuple[str, int]]()
    while (state, len(done)) not in met and main_events(workflow, state):
        met.add((state, len(done)))
        events = main_events(workflow, state)
        left = [event for event in events if (state, event) not in done] or events[-1:]
        done.add((state, left[0]))
        for step in _main_steps(workflow, state, left):
            state = main_target(step, workflow.facts)
            yield step, state


def main_events(workflow: Workflow, state: str) -> list[str]:
    """Return the events of the main road out of a state, in the order they are taken."""
    return [e for e in (workflow.states[state].main or "").split("|") if workflow.step(state, e)]


def _main_steps(workflow: Workflow, state: str, left: list[str]) -> list[Step]:
    step = workflow.steps[state, left[0]]
    if len(left) > 1 or any(branch.target != state for branch in step.branches):
        return [step]
    return [step, *[other for other in workflow.steps_from(state) if other.automatic][:1]]


def main_target(step: Step, facts: Mapping[str, Fact]) -> str:
    """Return the first target whose tests the samples of `facts` satisfy, else the first."""
    samples = {name: fact.sample for name, fact in facts.items()}
    for branch in step.branches:
        if all_hold(branch.when, samples):
            return branch.target
    return step.branches[0].target
