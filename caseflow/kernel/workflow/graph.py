"""The state graph of a compiled workflow: which steps lead where, what can be reached."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from caseflow.kernel.conditions import all_hold, can_all_hold
from caseflow.kernel.workflow.model import Branch, Fact, Step, Test, Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS, GUARDS, PREVIOUS_STATE, SYSTEM_FACTS

Edge = tuple[str, Step, str]
"""From a state, by a step, to a state."""


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
    """Return every way that some facts can take; a branch that can never hold is none."""
    return [
        (step.source, step, branch.target)
        for step in workflow.steps.values()
        for branch in step.branches
        if is_possible(workflow, step, branch)
    ]


def is_possible(workflow: Workflow, step: Step, branch: Branch) -> bool:
    """Say whether some facts satisfy the step's guards and the branch's tests together."""
    tests = (*guard_tests(step), *branch.when)
    return not tests or can_all_hold(tests, facts_known(workflow, step))


def reachable(
    start: Iterable[str], ways: Iterable[Edge], *, passing: Callable[[Step], bool] | None = None
) -> set[str]:
    """Return the states reachable from `start` by steps that `passing` lets through."""
    onward: dict[str, list[str]] = {}
    for source, step, target in ways:
        if passing is None or passing(step):
            onward.setdefault(source, []).append(target)
    return closure(start, onward)


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

    Where the main event stays (a seat answers), the automatic event it waits for comes next.
    """
    state, met = workflow.initial, set[str]()
    while state not in met:
        met.add(state)
        for step in _main_steps(workflow, state):
            state = _main_target(workflow, step)
            yield step, state


def _main_steps(workflow: Workflow, state: str) -> list[Step]:
    step = workflow.step(state, workflow.states[state].main or "")
    if step is None:
        return []
    if any(branch.target != state for branch in step.branches):
        return [step]
    return [step, *[other for other in workflow.steps_from(state) if other.automatic][:1]]


def _main_target(workflow: Workflow, step: Step) -> str:
    samples = {name: fact.sample for name, fact in workflow.facts.items()}
    for branch in step.branches:
        if all_hold(branch.when, samples):
            return branch.target
    return step.branches[0].target
