"""A workflow as a Petri net, for judges that know nothing of this program.

The net is a workflow net (van der Aalst): one source, one sink, everything between them. A case is
its one token: a place a state, a transition a branch of a step, labelled with the event as the
history names it. What happens inside a state (the seats of a joint check answering, a reminder)
takes the token and puts it back. Guards and conditions are not in the net: it has every road that
some facts can take.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from caseflow.kernel.workflow.graph import Edge, edges
from caseflow.kernel.workflow.model import State, Workflow

OPENING: Final = "case_opened"
"""The event with which the history of every case begins: the transition out of the source."""

SOURCE: Final = "source"
SINK: Final = "sink"


class Place(NamedTuple):
    """Where the token can be. `title` is the state's, in Chinese."""

    id: str
    title: str


class Transition(NamedTuple):
    """What moves the token. `label` is the event; a silent transition has none."""

    id: str
    label: str | None
    title: str


class Arc(NamedTuple):
    """From a place to a transition or from a transition to a place; its weight is one."""

    source: str
    target: str


@dataclass(frozen=True)
class Net:
    """A workflow net in the order of the workflow's definition; the token begins in `source`."""

    name: str
    title: str
    workflow_hash: str
    places: tuple[Place, ...]
    transitions: tuple[Transition, ...]
    arcs: tuple[Arc, ...]
    source: str = SOURCE
    sink: str = SINK


def net_of(workflow: Workflow) -> Net:
    """Return the net of a workflow; its children's are nets of their own."""
    moves = [_opening(workflow), *_steps(workflow), *_endings(workflow)]
    states = workflow.states.values()
    return Net(
        name=workflow.name,
        title=workflow.title,
        workflow_hash=workflow.hash,
        places=(
            Place(SOURCE, "尚未开始"),
            *(Place(place_id(state.code), state.title) for state in states),
            Place(SINK, "已经结束"),
        ),
        transitions=tuple(move.transition for move in moves),
        arcs=tuple(arc for move in moves for arc in move.arcs),
    )


def place_id(state: str) -> str:
    """Return the id of a state's place, an XML name; a state used again has `#2` in its code."""
    return f"p.{state.replace('#', '-')}"


class _Move(NamedTuple):
    source: str
    transition: Transition
    target: str

    @property
    def arcs(self) -> tuple[Arc, Arc]:
        return Arc(self.source, self.transition.id), Arc(self.transition.id, self.target)


def _opening(workflow: Workflow) -> _Move:
    return _Move(SOURCE, Transition("t.open", OPENING, "新建办件"), place_id(workflow.initial))


def _steps(workflow: Workflow) -> list[_Move]:
    """Return a move for every branch that some facts can take, numbered within its step."""
    taken = Counter[tuple[str, str]]()
    return [_step(edge, taken) for edge in edges(workflow)]


def _step(edge: Edge, taken: Counter[tuple[str, str]]) -> _Move:
    step = edge.step
    taken[step.source, step.event] += 1
    number = taken[step.source, step.event]
    name = f"t.{step.source}.{step.event}.{number}".replace("#", "-")
    transition = Transition(name, step.event, step.title)
    return _Move(place_id(step.source), transition, place_id(edge.target))


def _endings(workflow: Workflow) -> list[_Move]:
    return [_ending(state) for state in workflow.states.values() if state.end is not None]


def _ending(state: State) -> _Move:
    name = f"t.end.{state.code}".replace("#", "-")
    return _Move(place_id(state.code), Transition(name, None, state.title), SINK)
