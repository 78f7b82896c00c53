"""What becomes of a running case under another version of its workflow: what it lacks, may skip.

A move to another version is not a step: nothing was asked and nobody has decided. So it must not
lead past a gate that the law demands, nor to where a fact is read that nobody enters any more.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Final, Literal

from caseflow.kernel.workflow.graph import branch_tests, closure, edges, guard_tests, reachable
from caseflow.kernel.workflow.judging import faults_of_panel
from caseflow.kernel.workflow.model import SEAT_MARK, Step, Workflow
from caseflow.kernel.workflow.money_words import PAYS
from caseflow.kernel.workflow.vocabulary import AMOUNTS, FLAGS

Treatment = Literal["keep", "restart"]
KEEP, RESTART = TREATMENTS = ("keep", "restart")
"""What a limit that changed does with the days used: they stay used, or it begins anew."""
END: Final = "$end"
"""In a plan: the clock has no successor and ends."""

GATES: Final[Mapping[str, Callable[[Step], bool]]] = {
    "公示": lambda step: step.event == FLAGS["selective"],
    "市政府同意": lambda step: step.event == FLAGS["government_approval"],
    "审定": lambda step: "approved_fen" in step.requires,
    "开具拨付单": lambda step: bool(PAYS.intersection(step.effects)),
}
"""What a case must have passed on its own feet, by name."""


@dataclass(frozen=True)
class MovePlan:
    """How the cases of a measure move to its new version.

    `states` maps a state to the one the case enters anew (itself: its tasks are opened anew);
    who stands in one of `stay` keeps the old version. `clocks` maps a clock to its successor or
    to `$end`.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    stay: frozenset[str] = frozenset()
    clocks: Mapping[str, str] = field(default_factory=dict)
    treatment: Treatment = "keep"

    def stays(self, state: str) -> bool:
        """Return whether a case that stands in `state` keeps its version; `*` means all."""
        return state in self.stay or "*" in self.stay

    def to_data(self) -> dict[str, object]:
        """Return the plan as plain JSON data."""
        return {
            "states": dict(self.states),
            "stay": sorted(self.stay),
            "clocks": dict(self.clocks),
            "treatment": self.treatment,
        }


Answer = Callable[[Workflow, str], frozenset[str]]


def _once(answer: Answer) -> Answer:
    """Return `answer` with a memory: a search of the whole graph is the same for many cases."""
    known: dict[tuple[str, str], frozenset[str]] = {}

    @wraps(answer)
    def remembered(workflow: Workflow, state: str) -> frozenset[str]:
        key = workflow.hash, state
        if key not in known:
            known[key] = answer(workflow, state)
        return known[key]

    return remembered


@_once
def gates_passed(workflow: Workflow, state: str) -> frozenset[str]:
    """Return the gates that every road to `state` has passed."""
    ways = edges(workflow)
    return frozenset(
        name
        for name, is_gate in GATES.items()
        if state not in reachable([workflow.initial], ways, passing=_other_than(is_gate))
    )


def _other_than(is_gate: Callable[[Step], bool]) -> Callable[[Step], bool]:
    return lambda step: not is_gate(step)


def facts_lost(workflow: Workflow, state: str, known: Collection[str]) -> frozenset[str]:
    """Return the facts read on some road from `state` that nobody has entered and nobody will."""
    return _facts_needed(workflow, state) - frozenset(known)


@_once
def _facts_needed(workflow: Workflow, state: str) -> frozenset[str]:
    """Return the facts that are read on some road from `state`, and entered on none."""
    onward: dict[str, list[str]] = {}
    for way in edges(workflow):
        onward.setdefault(way.source, []).append(way.target)
    ahead = closure([state], onward)
    steps = tuple(step for step in workflow.steps.values() if step.source in ahead)
    tests = (*branch_tests(*steps), *(test for step in steps for test in guard_tests(step)))
    entered = {name for step in steps for name in (*step.requires, *step.accepts)}
    own = {name for name, fact in workflow.facts.items() if not fact.system} | AMOUNTS.keys()
    return frozenset({test.fact for test in tests} & own) - entered


def faults_of_state(old: Workflow, new: Workflow, state: str, target: str) -> list[str]:
    """Return why a case in `state` may not stand in `target` of the new version; for people."""
    title = old.states[state].title
    if target not in new.states:
        return [f"新版本没有“{title}”（{target}）环节"]
    if new.states[target].end is not None:
        return [f"“{new.states[target].title}”是终结环节，办件只能依事件办结"]
    skipped = gates_passed(new, target) - gates_passed(old, state)
    named = "、".join(name for name in GATES if name in skipped)
    gates = [f"进入“{new.states[target].title}”须先经{named}，不能以迁移越过"] if skipped else []
    return gates + faults_of_panel(old, new, state, target)


def faults_of_facts(
    old: Workflow, new: Workflow, state: str, target: str, known: Collection[str]
) -> list[str]:
    """Return the facts that the new version reads later and that the case can enter no more."""
    lost = facts_lost(new, target, known) - facts_lost(old, state, known)
    facts = {**AMOUNTS, **new.facts}
    return [
        f"缺少“{facts[name].title}”（{name}），新版本此后要用而不再录入" for name in sorted(lost)
    ]


def successor_of(plan: MovePlan, new: Workflow, clock: str) -> str | None:
    """Return the name an open clock goes on under, `$end`, or None where there is no successor."""
    own, mark, seat = clock.partition(SEAT_MARK)
    planned = plan.clocks.get(own)
    if planned is None:
        return clock if own in new.clocks else None
    return planned if planned == END else planned + mark + seat


def faults_of_plan(plan: MovePlan, new: Workflow) -> list[str]:
    """Return what a plan names that the new version does not have."""
    unknown = sorted({each for each in plan.states.values() if each not in new.states})
    clocks = sorted(
        {each for each in plan.clocks.values() if each != END and each not in new.clocks}
    )
    faults = [f"新版本没有环节 {each}" for each in unknown]
    return faults + [f"新版本没有时限 {each}" for each in clocks]
