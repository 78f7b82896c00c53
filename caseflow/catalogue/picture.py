"""What a drawing of a workflow shows: the road, and what would only clutter it folded away.

Three things are folded. Events that stay in a state and ways back (退回) become lines inside the
state. Events that are possible nearly everywhere (撤回, 中止, 终止) start from one note. And every
refusal gets its own small end beside the state, so that no line crosses the whole page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from caseflow.kernel.workflow.graph import main_road
from caseflow.kernel.workflow.legal import REFUSALS
from caseflow.kernel.workflow.model import State, Step, Workflow
from caseflow.kernel.workflow.vocabulary import PREVIOUS_STATE, SEATS

PHASES: Final[Mapping[str, str]] = {
    "intake": "受理",
    "review": "审核",
    "decision": "决定",
    "payment": "拨付",
    "follow_up": "后续",
    "end": "办结",
}
UNITS: Final[Mapping[str, str]] = {"working_days": "个工作日", "days": "日", "months": "个月"}
ANYWHERE: Final = "anywhere"
BACK: Final = "return_to_"
_FEW: Final = 4
_MOST: Final = 0.6


@dataclass(frozen=True)
class Node:
    """A box: `lines` begin with the title; `small` are the folded events below them."""

    key: str
    lines: tuple[str, ...]
    kind: str
    small: tuple[str, ...] = ()
    is_main: bool = False


@dataclass(frozen=True)
class Arrow:
    """A line between two boxes: main roads are thick, what can happen anywhere is dashed."""

    source: str
    target: str
    labels: tuple[str, ...]
    style: str = "plain"


@dataclass
class Picture:
    """All boxes and lines of one workflow, in a stable order."""

    title: str
    nodes: dict[str, Node] = field(default_factory=dict)
    arrows: dict[tuple[str, str], Arrow] = field(default_factory=dict)

    def join(self, source: str, target: str, label: str, style: str) -> None:
        """Add a line, or one more label to the line that is already there."""
        there = self.arrows.get((source, target), Arrow(source, target, (), style))
        others = tuple(other for other in there.labels if other != label)
        labels = (label, *others) if style == "main" else (*others, label)
        style = "main" if "main" in (style, there.style) else style
        self.arrows[source, target] = Arrow(source, target, labels, style)


def picture(workflow: Workflow) -> Picture:
    """Return what a clerk needs to see of a workflow."""
    main = {(step.source, step.event): target for step, target in main_road(workflow)}
    folded = _possible_anywhere(workflow)
    result = Picture(title=workflow.title)
    on_road = {workflow.initial, *(state for state, _ in main), *main.values()}
    for state in workflow.states.values():
        if state.end is None or state.code in main.values():
            node = _state_node(workflow, state, folded, is_main=state.code in on_road)
            result.nodes[state.code] = node
    for key, step in workflow.steps.items():
        if step.event not in folded:
            _add_arrows(result, workflow, step, main.get(key))
    if folded:
        _add_note(result, workflow, folded)
    return result


def _possible_anywhere(workflow: Workflow) -> dict[str, list[Step]]:
    """Return the events possible in most states of their phases, with one effect everywhere."""
    by_event: dict[str, list[Step]] = {}
    for step in workflow.steps.values():
        by_event.setdefault(step.event, []).append(step)
    return {
        event: steps
        for event, steps in by_event.items()
        if len(steps) >= _FEW and len(_targets(steps)) == 1 and _is_widespread(workflow, steps)
    }


def _targets(steps: Iterable[Step]) -> set[tuple[str, ...]]:
    return {
        tuple("" if branch.target == step.source else branch.target for branch in step.branches)
        for step in steps
    }


def _is_widespread(workflow: Workflow, steps: list[Step]) -> bool:
    phases = {workflow.states[step.source].phase for step in steps}
    there = [state for state in workflow.states.values() if state.phase in phases]
    return len(steps) >= _MOST * len(there)


def _state_node(
    workflow: Workflow, state: State, folded: Mapping[str, list[Step]], *, is_main: bool
) -> Node:
    if state.end is not None:
        return Node(state.code, (state.title,), "end-good", is_main=is_main)
    steps = [step for step in workflow.steps_from(state.code) if step.event not in folded]
    holders = "、".join(SEATS[holder].title for holder in state.holders)
    lines = (state.title, *([holders] if holders else []), *_clock_line(workflow, state))
    return Node(state.code, lines, state.phase, small=_small(workflow, steps), is_main=is_main)


def _tone(state: State) -> str:
    return "bad" if state.end in REFUSALS else "neutral"


def _clock_line(workflow: Workflow, state: State) -> tuple[str, ...]:
    clock = workflow.clocks.get(state.clock or "")
    if clock is None:
        return ()
    if clock.limit is None or clock.unit is None:
        return (f"{clock.title}",)
    return (f"{clock.title} {clock.limit}{UNITS[clock.unit]}",)


def _small(workflow: Workflow, steps: list[Step]) -> tuple[str, ...]:
    stays = [f"↻ {_label(workflow, step)}" for step in steps if _stays(step)]
    back = [
        workflow.states[step.branches[0].target].title
        for step in steps
        if step.event.startswith(BACK) and not _stays(step) and len(step.branches) == 1
    ]
    return (*stays, *([f"↩ 可退回：{'、'.join(back)}"] if back else []))


def _stays(step: Step) -> bool:
    return all(branch.target == step.source for branch in step.branches)


def _label(workflow: Workflow, step: Step) -> str:
    """Return the event's title, with who does it where that is not who holds the state."""
    holders = workflow.states[step.source].holders
    others = [seat for seat in step.by if seat not in holders]
    if not others:
        return step.title
    return f"{step.title}（{'、'.join(SEATS[seat].title for seat in others)}）"


def _add_arrows(result: Picture, workflow: Workflow, step: Step, main: str | None) -> None:
    if _stays(step) or step.event.startswith(BACK):
        return
    label = _label(workflow, step)
    if any(test.fact == PREVIOUS_STATE for branch in step.branches for test in branch.when):
        result.join(step.source, ANYWHERE, f"{label} → 原环节", "dashed")
        return
    for branch in step.branches:
        style = "main" if branch.target == main else "plain"
        state = workflow.states[branch.target]
        target = state.code
        if state.end is not None and style != "main":
            target = f"{step.source}/{state.code}"
            result.nodes[target] = Node(target, (state.title,), f"end-{_tone(state)}")
        result.join(step.source, target, label, style)


def _add_note(result: Picture, workflow: Workflow, folded: Mapping[str, list[Step]]) -> None:
    """Add the note of what is possible anywhere, its stays inside, its ways out as dashed lines."""
    inside = []
    for event, steps in folded.items():
        phases = dict.fromkeys(PHASES[workflow.states[step.source].phase] for step in steps)
        seats = "、".join(SEATS[seat].title for seat in steps[0].by)
        label = f"{steps[0].title}（{seats}）"
        if _stays(steps[0]):
            inside.append(f"↻ {label}：{'、'.join(phases)}环节")
            continue
        for branch in steps[0].branches:
            state = workflow.states[branch.target]
            target = branch.target if state.end is None else f"{ANYWHERE}/{event}"
            if state.end is not None:
                result.nodes[target] = Node(target, (state.title,), f"end-{_tone(state)}")
            words = f"{label}：{'、'.join(phases)}环节"
            result.join(ANYWHERE, target, words, "dashed")
    result.nodes[ANYWHERE] = Node(ANYWHERE, ("办理期间随时可发生",), "note", small=tuple(inside))
