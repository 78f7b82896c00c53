"""What the compiler is given: plain data with the line every value stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.model import Workflow

Path = tuple[str | int, ...]
"""The keys and indices that lead to a value inside a file."""


@dataclass(frozen=True, eq=False)
class Source:
    """One definition file: its data, and `lines`, the 1-based line of every key and item."""

    file: str
    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, *path: str | int) -> int:
        """Return the line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, rule: str, message: str) -> Problem:
        """Return a problem that points at `path`."""
        return Problem(self.file, self.line(*path), rule, message)


@dataclass(frozen=True, eq=False)
class Library:
    """All stages and families by name, and the end states.

    `shapely` are the files whose shape was found right: each is looked at once. `followed` has
    what follows payments, compiled for a measure, by all that a measure may say of it.
    """

    stages: Mapping[str, Source]
    families: Mapping[str, Source]
    ends: Source
    shapely: set[Source] = field(default_factory=set, repr=False)
    followed: dict[str, tuple["MeasureSpec", dict[str, Workflow]]] = field(
        default_factory=dict, repr=False
    )


@dataclass(frozen=True, eq=False)
class MeasureSpec:
    """What a measure says about its workflow.

    `parameters` maps names to values (or to `{value, source}`), `without` names optional stages
    left out, `flags` are the legal flags: "selective", "government_approval". `process` is the
    workflow of the family that runs it, where it is not the one that bears the family's name.
    `checks` says for a point which kinds of check it needs instead of the family's.
    """

    id: str
    title: str
    family: str
    process: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: str = ""
    lines: Mapping[Path, int] = field(default_factory=dict)

    def problem(self, path: Path, rule: str, message: str) -> Problem:
        """Return a problem that points into the measure's own file, below `workflow:`."""
        return Source(self.file, None, self.lines).problem(("workflow", *path), rule, message)


@dataclass(frozen=True)
class Where:
    """The file and line each compiled state, step and clock comes from."""

    fallback: tuple[str, int]
    places: dict[tuple[str, Any], tuple[str, int]] = field(default_factory=dict)

    def put(self, kind: str, key: Any, source: Source, path: Path) -> None:
        """Remember where `key` of `kind` ("state", "step", "clock") is defined."""
        self.places[kind, key] = (source.file, source.line(*path))

    def problem(self, kind: str, key: Any, rule: str, message: str) -> Problem:
        """Return a problem that points at the definition of `key`."""
        file, line = self.places.get((kind, key), self.fallback)
        return Problem(file, line, rule, message)
