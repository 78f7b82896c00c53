"""Leaves away what a family never uses of its anywhere stages.

A child family without a decision has no use for "withdrawal after publicity", and one whose stages
start no service clock has none to stop. Only anywhere stages are pruned: what stands on the road
and cannot be reached is a fault that the checker names.
"""

from dataclasses import replace

from caseflow.kernel.workflow.draft import Draft
from caseflow.kernel.workflow.graph import closure


def prune(draft: Draft, initial: str) -> None:
    """Drop unreachable states of anywhere stages, then clocks and ends that nothing uses."""
    onward: dict[str, list[str]] = {}
    for step in draft.steps.values():
        onward.setdefault(step.source, []).extend(branch.target for branch in step.branches)
    reached = closure([initial], onward)
    aside = {place.name for place in draft.places if place.order is None}
    for code, state in list(draft.states.items()):
        if state.stage in aside and code not in reached:
            del draft.states[code]
            del draft.mains[code]
    draft.steps = {key: step for key, step in draft.steps.items() if step.source in draft.states}
    _prune_ends(draft)
    _prune_clocks(draft, aside)


def _prune_ends(draft: Draft) -> None:
    targets = {branch.target for step in draft.steps.values() for branch in step.branches}
    for code, state in list(draft.states.items()):
        if state.end is not None and code not in targets:
            del draft.states[code]


def _prune_clocks(draft: Draft, aside: set[str]) -> None:
    used = {state.clock for state in draft.states.values()}
    used |= {clock for step in draft.steps.values() for clock in step.starts}
    names = {
        place.code(name) for place in draft.places if place.name in aside for name in place.clocks
    }
    for name in names - used:
        draft.clocks.pop(name, None)
    for code, state in draft.states.items():
        stops = tuple(clock for clock in state.stops if clock in draft.clocks)
        draft.states[code] = replace(state, stops=stops)
    for key, step in draft.steps.items():
        if not draft.clocks.keys() >= {*step.ends}:
            ends = tuple(clock for clock in step.ends if clock in draft.clocks)
            draft.steps[key] = replace(step, ends=ends)
