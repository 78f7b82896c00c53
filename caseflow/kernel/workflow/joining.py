"""Joins the stages of a family for one measure: places, parameters, and where each exit leads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.source import Library, MeasureSpec, Path, Source
from caseflow.kernel.workflow.vocabulary import SEATS

END: Final = "end."
PASS: Final = "pass"  # noqa: S105  the name of an exit
NONE: Final = "none"
"""An exit joined to `none`, or to a stage the measure leaves out, is closed: its events vanish."""


@dataclass(frozen=True)
class Parameter:
    """A value of a stage with its unit and where it comes from."""

    value: Any
    unit: str
    source: str


@dataclass(frozen=True)
class Place:
    """A stage as it stands in one family. A second use of a stage has the suffix `#2`.

    `exits` maps exit names to a compiled state code, to `end.<code>`, or to `none`. `recast` maps
    a seat of the stage to those that take its part in this family (a platform that claims, three
    bureaus where the stage asks one).
    `order` is its position on the road, None for a stage whose events are possible anywhere;
    `path` leads to its entry in the family.
    """

    name: str
    suffix: str
    source: Source
    parameters: Mapping[str, Parameter]
    exits: Mapping[str, str]
    order: int | None
    path: Path
    recast: Mapping[str, Sequence[str]]

    @property
    def title(self) -> str:
        """Return the stage's title."""
        return str(self.source.data["title"])

    @property
    def states(self) -> Mapping[str, Any]:
        """Return the stage's states as written."""
        return self.source.data.get("states") or {}

    @property
    def entry(self) -> str:
        """Return the compiled code of the stage's first state."""
        return self.code(next(iter(self.states)))

    @property
    def clocks(self) -> set[str]:
        """Return the names of the clocks the stage defines, as written."""
        states = self.states.values()
        clocks = [state["clock"] for state in states if isinstance(state.get("clock"), Mapping)]
        return {*self.source.data.get("clocks", {}), *(str(clock["name"]) for clock in clocks)}

    def code(self, state: str) -> str:
        """Return the compiled code of one of the stage's states or clocks."""
        return state + self.suffix

    def cast(self, seats: str | Sequence[str] | None) -> list[str]:
        """Return the seats that hold or act here, as the family has cast them."""
        named = [seats] if isinstance(seats, str) else (seats or ())
        return [one for seat in named for one in self.recast.get(seat, (seat,))]


@dataclass(frozen=True)
class _Entry:
    """An entry of the family's lists, before exits are followed."""

    name: str
    suffix: str
    stage: Source
    data: Mapping[str, Any]
    path: Path
    order: int | None
    left_out: bool = False

    @property
    def entry(self) -> str:
        return str(next(iter(self.stage.data["states"]))) + self.suffix


def stages_used(family: Source) -> Iterator[tuple[str, Path]]:
    """Yield the name of every stage the family lists, with the path of its entry."""
    for index, item in enumerate(family.data["stages"]):
        yield item["stage"], ("stages", index)
    for index, item in enumerate(family.data.get("anywhere", [])):
        yield (item if isinstance(item, str) else item["stage"]), ("anywhere", index)


def join(
    family: Source, library: Library, measure: MeasureSpec, problems: list[Problem]
) -> list[Place]:
    """Return the family's places in order, the anywhere stages last; faults go to `problems`."""
    on_road = _road_entries(family, library, measure)
    aside = [
        _Entry(
            stage, "", library.stages[stage], _mapping(family.data["anywhere"][path[1]]), path, None
        )
        for stage, path in stages_used(family)
        if path[0] == "anywhere"
    ]
    joiner = _Joiner(family, library, measure, on_road, aside, problems)
    return [joiner.place(entry) for entry in (*on_road, *aside) if not entry.left_out]


def _mapping(item: Any) -> Mapping[str, Any]:
    return {"stage": item} if isinstance(item, str) else item


def road(family: Source) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield name, suffix and data of each entry on the road; a second use is named `stage#2`."""
    seen: dict[str, int] = {}
    for item in family.data["stages"]:
        stage = item["stage"]
        seen[stage] = seen.get(stage, 0) + 1
        suffix = f"#{seen[stage]}" if seen[stage] > 1 else ""
        yield stage + suffix, suffix, item


def _road_entries(family: Source, library: Library, measure: MeasureSpec) -> list[_Entry]:
    return [
        _Entry(
            name,
            suffix,
            library.stages[item["stage"]],
            item,
            ("stages", index),
            index,
            left_out=item.get("optional", False) and name in measure.without,
        )
        for index, (name, suffix, item) in enumerate(road(family))
    ]


@dataclass(frozen=True)
class _Joiner:
    family: Source
    library: Library
    measure: MeasureSpec
    road: list[_Entry]
    aside: list[_Entry]
    problems: list[Problem]

    def place(self, entry: _Entry) -> Place:
        declared = entry.stage.data.get("exits", [])
        for name in entry.data.get("exits", {}):
            if name not in declared:
                message = f"the stage {entry.name!r} has no exit {name!r}; it has {declared}"
                self._fault((*entry.path, "exits", name), "unknown-exit", message)
        for name in entry.data.get("seats", {}):
            if name not in SEATS:
                self._fault(
                    (*entry.path, "seats", name), "unknown-seat", f"there is no seat {name!r}"
                )
        exits = {name: self._follow(entry, name) for name in declared}
        return Place(
            name=entry.name,
            suffix=entry.suffix,
            source=entry.stage,
            parameters=self._parameters(entry),
            exits={name: target for name, target in exits.items() if target},
            order=entry.order,
            path=entry.path,
            recast={
                seat: [cast] if isinstance(cast, str) else cast
                for seat, cast in entry.data.get("seats", {}).items()
            },
        )

    def _follow(self, entry: _Entry, exit_name: str, passed: tuple[str, ...] = ()) -> str | None:
        target = entry.data.get("exits", {}).get(exit_name)
        path = (*entry.path, "exits", exit_name)
        if target is None:
            return self._next(entry, exit_name, passed)
        if target == NONE or target.startswith(END):
            return str(target)
        found = [other for other in (*self.road, *self.aside) if other.name == target]
        if not found:
            message = f"{target!r} is neither a stage of this family nor 'end.<code>'"
            self._fault(path, "unknown-state", message)
            return None
        if found[0].left_out and exit_name != PASS:
            return NONE
        return self._entry_of(found[0], passed)

    def _next(self, entry: _Entry, exit_name: str, passed: tuple[str, ...]) -> str | None:
        if exit_name == PASS and entry.order is not None and entry.order + 1 < len(self.road):
            return self._entry_of(self.road[entry.order + 1], passed)
        message = (
            f"the exit {exit_name!r} of {entry.name!r} is joined to nothing;"
            " give it a stage, end.<code> or none"
        )
        self._fault(entry.path, "exit-not-joined", message)
        return None

    def _entry_of(self, entry: _Entry, passed: tuple[str, ...]) -> str | None:
        """A stage that is left out is passed straight through."""
        if not entry.left_out:
            return entry.entry
        if entry.name in passed:
            message = f"{entry.name!r} is left out and only leads to others that are"
            self._fault(entry.path, "exit-not-joined", message)
            return None
        return self._follow(entry, PASS, (*passed, entry.name))

    def _parameters(self, entry: _Entry) -> dict[str, Parameter]:
        declared = entry.stage.data.get("parameters", {})
        own = entry.data.get("parameters", {})
        for name in own:
            if name not in declared:
                message = f"the stage {entry.name!r} has no parameter {name!r}"
                self._fault((*entry.path, "parameters", name), "unknown-parameter", message)
        layers = (self.family.data.get("parameters", {}), own, self.measure.parameters)
        return {name: _override(name, data, layers) for name, data in declared.items()}

    def _fault(self, path: Path, rule: str, message: str) -> None:
        self.problems.append(self.family.problem(path, rule, message))


def _override(
    name: str, declared: Mapping[str, Any], layers: tuple[Mapping[str, Any], ...]
) -> Parameter:
    value, unit, source = declared["default"], declared["unit"], declared["source"]
    for layer in layers:
        if name not in layer:
            continue
        given = layer[name]
        if isinstance(given, Mapping):
            value = given.get("value", given.get("default", value))
            unit, source = given.get("unit", unit), given.get("source", source)
        else:
            value = given
    return Parameter(value=value, unit=unit, source=source)
