"""What the picture of a family shows: its stages in order, as cards that a clerk reads downwards.

A card lists the states of the main road with who holds them and for how long. Beside it stand the
states that only some cases see, and the ends they can come to. Deadlines that pass (超期) and what
can happen anywhere do not clutter the road; the latter is told once, below.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from caseflow.catalogue.picture import BACK, PHASES, UNITS
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.graph import main_road
from caseflow.kernel.workflow.joining import road
from caseflow.kernel.workflow.legal import OPEN_CHILD, REFUSALS
from caseflow.kernel.workflow.model import State, Step, Workflow
from caseflow.kernel.workflow.source import Library, MeasureSpec, Source
from caseflow.kernel.workflow.vocabulary import PREVIOUS_STATE, SEATS

COSIGN: Final = "联审·"
SYSTEM: Final = "system"


@dataclass(frozen=True)
class Line:
    """A small line of a card. `mark` says what: onward, jump, ahead, back, stay, child, same."""

    mark: str
    text: str


@dataclass(frozen=True)
class Row:
    """A state: its title, who holds it, how long; `lines` are the steps of the road out of it."""

    title: str
    holders: str
    limit: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Aside:
    """A state beside the road: by which events a case gets there, and by which it goes on."""

    title: str
    holders: str
    limit: str
    entered_by: tuple[str, ...]
    left_by: str


class Ending(NamedTuple):
    """An end that a case may come to. `tone` is bad or neutral."""

    title: str
    tone: str


@dataclass(frozen=True)
class Card:
    """A stage of the family."""

    number: int
    title: str
    phase: str
    is_optional: bool
    rows: tuple[Row, ...]
    asides: tuple[Aside, ...]
    endings: tuple[Ending, ...]
    lines: tuple[Line, ...]


class Way(NamedTuple):
    """A step of the main road from one card to another, by their numbers."""

    source: int
    target: int
    label: str


@dataclass(frozen=True)
class Board:
    """All of one family. `last` is the step that reaches `goal`."""

    title: str
    code: str
    opened_by: str
    cards: tuple[Card, ...]
    ways: tuple[Way, ...]
    last: Way
    goal: str
    anywhere: tuple[str, ...]
    workflow_hash: str

    @property
    def phases(self) -> list[str]:
        """Return the phases of the cards, in the order of a case's life."""
        return [phase for phase in PHASES if phase in {card.phase for card in self.cards}]


def family_board(name: str, library: Library) -> Board:
    """Return the board of a family or other process of the library, with nothing left out.

    Its limits are the stages' and the family's own; a measure may have others.

    Raises:
        DefinitionError: the family is not sound.
    """
    source = library.families[name]
    title = str(source.data["title"])
    workflow = compile_workflows(source, library, MeasureSpec(name, title, name))[name]
    return _Painter(source, library, workflow).board()


@dataclass(frozen=True)
class _Painter:
    source: Source
    library: Library
    workflow: Workflow

    @cached_property
    def _entries(self) -> list[tuple[str, bool]]:
        """Return each stage of the road with whether a measure may leave it out."""
        return [
            (name, bool(item.get("optional", False)))
            for name, _, item in road(self.source)
            if self._states(name)
        ]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: at for at, (name, _) in enumerate(self._entries, start=1)}

    @cached_property
    def _road(self) -> list[tuple[Step, str]]:
        return list(main_road(self.workflow))

    @cached_property
    def _on_road(self) -> list[str]:
        return list(dict.fromkeys([self.workflow.initial, *(state for _, state in self._road)]))

    @cached_property
    def _anywhere(self) -> dict[str, str]:
        """Return the events that this family lets happen anywhere, with their titles."""
        entries = self.source.data.get("anywhere", [])
        names = [entry if isinstance(entry, str) else entry["stage"] for entry in entries]
        written = [self.library.stages[name].data["events"] for name in names]
        return {
            event: data["title"]
            for events in written
            for event, each in events.items()
            for data in (each if isinstance(each, list) else [each])
            if data["from"] == "anywhere"
        }

    def board(self) -> Board:
        step, end = self._road[-1]
        return Board(
            title=self.workflow.title,
            code=str(self.source.data["family"]),
            opened_by=_seats(self.workflow.opened_by),
            cards=tuple(
                self._card(stage, is_optional=optional) for stage, optional in self._entries
            ),
            ways=tuple(dict.fromkeys(self._ways())),
            last=Way(self._number(step.source), 0, step.title),
            goal=self.workflow.states[end].title,
            anywhere=tuple(self._told_anywhere()),
            workflow_hash=self.workflow.hash,
        )

    def _states(self, stage: str) -> list[State]:
        return [state for state in self.workflow.states.values() if state.stage == stage]

    def _number(self, state: str) -> int:
        return self._numbers.get(self.workflow.states[state].stage, 0)

    def _title(self, stage: str) -> str:
        name = stage.partition("#")[0]
        return str(self.library.stages[name].data["title"])

    def _ways(self) -> Iterator[Way]:
        for step, target in self._road:
            way = Way(self._number(step.source), self._number(target), step.title)
            if way.target and way.source != way.target:
                yield way

    def _card(self, stage: str, *, is_optional: bool) -> Card:
        states = self._states(stage)
        if "#" in stage:
            return self._same(stage, states)
        main = sorted(
            (state for state in states if state.code in self._on_road),
            key=lambda state: self._on_road.index(state.code),
        )
        steps = [step for state in states for step in self._own_steps(state)]
        return Card(
            number=self._numbers[stage],
            title=self._title(stage),
            phase=states[0].phase,
            is_optional=is_optional,
            rows=tuple(self._row(state) for state in main),
            asides=tuple(self._aside(state) for state in states if state not in main),
            endings=tuple(dict.fromkeys(self._endings(steps))),
            lines=tuple(self._lines(steps)),
        )

    def _own_steps(self, state: State) -> list[Step]:
        return [
            step
            for step in self.workflow.steps_from(state.code)
            if self._anywhere.get(step.event) != step.title
        ]

    def _row(self, state: State) -> Row:
        lines = dict.fromkeys(
            self._onward(step, target) for step, target in self._road if step.source == state.code
        )
        kept = tuple(line for line in lines if line is not None)
        return Row(state.title, _seats(state.holders), self._limit(state), kept)

    def _onward(self, step: Step, target: str) -> Line | None:
        """Return how the road goes on from here, None where an arrow shows it."""
        here, there = self._number(step.source), self._number(target)
        if target == step.source:
            return Line("stay", step.title)
        if here == there:
            return Line("onward", step.title)
        if there in {0, here + 1}:
            return None
        return Line("jump", f"{step.title} → {self._named(there)}")

    def _named(self, number: int) -> str:
        """Return how a line refers to a card."""
        return f"{number} {self._title(self._entries[number - 1][0])}"

    def _aside(self, state: State) -> Aside:
        events = (state.main or "").split("|")
        main = self.workflow.step(state.code, events[0])
        return Aside(
            title=state.title,
            holders=_seats(state.holders),
            limit=self._limit(state),
            entered_by=tuple(dict.fromkeys(self._entering(state))),
            left_by=main.title if main else "",
        )

    def _entering(self, state: State) -> Iterator[str]:
        for step in self.workflow.steps.values():
            targets = {branch.target for branch in step.branches}
            if state.code in targets and step.source != state.code and not _is_return(step):
                yield step.title

    def _endings(self, steps: Iterable[Step]) -> Iterator[Ending]:
        goal = self._road[-1][1]
        for step in steps:
            for branch in step.branches:
                state = self.workflow.states[branch.target]
                if state.end is not None and state.code != goal:
                    yield Ending(state.title, "bad" if state.end in REFUSALS else "neutral")

    def _lines(self, steps: list[Step]) -> Iterator[Line]:
        """Yield what happens beside the road of a card: ways to other cards, stays, children."""
        yield from self._ways_out(steps)
        told = {step.title for step, target in self._road if target == step.source}
        stays = dict.fromkeys(step.title for step in steps if _stays(step) and not _is_timed(step))
        if others := [title for title in stays if title not in told]:
            yield Line("stay", "、".join(others))
        for kind in dict.fromkeys(_children(steps)):
            family = self.source.data["children"][kind]
            yield Line("child", f"子办件：{self.library.families[family].data['title']}")

    def _ways_out(self, steps: Iterable[Step]) -> Iterator[Line]:
        """Yield the ways to other cards beside the road; the returns (退回) are told together."""
        ways: dict[tuple[int, int], dict[str, None]] = {}
        returns: set[int] = set()
        for step, here, there in self._crossings(steps):
            if step.event.startswith(BACK):
                returns.add(there)
            else:
                ways.setdefault((here, there), {})[step.title] = None
        for (here, there), titles in ways.items():
            mark = "ahead" if here < there else "back"
            yield Line(mark, f"{'、'.join(titles)} → {self._named(there)}")
        if returns:
            yield Line("back", f"可退回 {'、'.join(self._named(at) for at in sorted(returns))}")

    def _crossings(self, steps: Iterable[Step]) -> Iterator[tuple[Step, int, int]]:
        """Yield the steps to another card that the road does not take, with both numbers."""
        taken = {(step.source, step.event, target) for step, target in self._road}
        for step in steps:
            here = self._number(step.source)
            for branch in step.branches:
                there = self._number(branch.target)
                is_main = (step.source, step.event, branch.target) in taken
                if there not in {0, here} and not is_main and not _is_return(step):
                    yield step, here, there

    def _same(self, stage: str, states: list[State]) -> Card:
        """Return the card of a stage that is used again: what it is was told the first time."""
        steps = [step for state in states for step in self._own_steps(state)]
        first = self._named(self._numbers[stage.partition("#")[0]])
        return Card(
            number=self._numbers[stage],
            title=self._title(stage),
            phase=states[0].phase,
            is_optional=False,
            rows=(),
            asides=(),
            endings=(),
            lines=(Line("same", f"各环节同 {first}"), *self._ways_out(steps)),
        )

    def _limit(self, state: State) -> str:
        clock = self.workflow.clocks.get(state.clock or "")
        if clock is None:
            return ""
        if clock.limit is None or clock.unit is None:
            return clock.title
        return f"{clock.limit}{UNITS[clock.unit]}"

    def _told_anywhere(self) -> Iterator[str]:
        for event, title in self._anywhere.items():
            steps = [
                step
                for step in self.workflow.steps.values()
                if step.event == event and step.title == title and not _is_timed(step)
            ]
            if steps:
                yield self._told(steps)

    def _told(self, steps: list[Step]) -> str:
        found = {self.workflow.states[step.source].phase for step in steps}
        phases = "、".join(title for phase, title in PHASES.items() if phase in found)
        told = f"{steps[0].title}（{_seats(steps[0].by)}）：{phases}环节"
        if _stays(steps[0]):
            return told
        state = self.workflow.states[steps[0].branches[0].target]
        limit = self._limit(state)
        return f"{told} → {state.title}{f'（{limit}）' if limit else ''}"


def _seats(seats: Iterable[str]) -> str:
    """Return the seats' titles; those of a joint check share its name."""
    titles = [SEATS[seat].title for seat in seats]
    joint = [title.removeprefix(COSIGN) for title in titles if title.startswith(COSIGN)]
    others = [title for title in titles if not title.startswith(COSIGN)]
    return "、".join([*others, *([f"联审：{'、'.join(joint)}"] if joint else [])])


def _stays(step: Step) -> bool:
    return all(branch.target == step.source for branch in step.branches)


def _is_timed(step: Step) -> bool:
    """Return whether this is only a deadline that passed: it changes nothing but who knows."""
    return _stays(step) and step.by == (SYSTEM,)


def _is_return(step: Step) -> bool:
    """Return whether this goes back to where the case was set aside."""
    return any(test.fact == PREVIOUS_STATE for branch in step.branches for test in branch.when)


def _children(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        for effect in step.effects:
            if effect.startswith(OPEN_CHILD):
                yield effect.removeprefix(OPEN_CHILD)
