"""The workflow while it is being compiled: what is known so far, and the faults found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from caseflow.kernel.conditions import ConditionError, fits, parse, plain
from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.joining import END, Place
from caseflow.kernel.workflow.model import Clock, Fact, State, Step, Test
from caseflow.kernel.workflow.source import Library, Path, Source, Where
from caseflow.kernel.workflow.vocabulary import (
    AMOUNTS,
    INPUTS,
    OUTCOMES,
    SEATS,
    SYSTEM_FACTS,
)


@dataclass
class Draft:
    """One workflow in the making; every part adds to it and notes its faults in `problems`."""

    name: str
    family: Source
    library: Library
    places: list[Place]
    problems: list[Problem]
    where: Where
    children: dict[str, str] = field(default_factory=dict)
    entered: dict[str, Fact] = field(default_factory=dict)
    known: dict[str, Fact] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    states: dict[str, State] = field(default_factory=dict)
    mains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    steps: dict[tuple[str, str], Step] = field(default_factory=dict)
    clocks: dict[str, Clock] = field(default_factory=dict)
    acts: dict[str, Step] = field(default_factory=dict)

    def fault(self, source: Source, path: Path, rule: str, message: str) -> None:
        """Note a problem at `path` of `source`."""
        self.problems.append(source.problem(path, rule, message))

    def names(
        self, source: Source, path: Path, *, written: Any, known: Iterable[str], what: str
    ) -> tuple[str, ...]:
        """Return a name or list of names as a tuple; each must be one of `known`."""
        names = [written] if isinstance(written, str) else list(written or ())
        table = set(known)
        for index, name in enumerate(names):
            if name not in table:
                at = path if isinstance(written, str) else (*path, index)
                self.fault(source, at, f"unknown-{what}", f"there is no {what} {name!r}")
        return tuple(names)

    def seats(self, source: Source, path: Path, written: Any) -> tuple[str, ...]:
        """Return the seats named by `written`."""
        return self.names(source, path, written=written, known=SEATS, what="seat")

    def tests(self, place: Place, path: Path, conditions: Mapping[str, Any]) -> tuple[Test, ...]:
        """Return the tests of a `when`, and remember the facts it reads."""
        values = {name: parameter.value for name, parameter in place.parameters.items()}
        try:
            tests = parse(conditions, facts=self.known, parameters=values)
        except ConditionError as error:
            for fault in error.faults:
                self.fault(place.source, (*path, *fault.path), fault.rule, fault.message)
            return ()
        self.used.update(test.fact for test in tests)
        return tests

    def end(self, source: Source, path: Path, target: str) -> str | None:
        """Return the code of the end state `end.<code>`, adding it when it is first used."""
        code = target.removeprefix(END)
        ends = self.library.ends
        if code not in ends.data["ends"]:
            self.fault(source, path, "unknown-state", f"there is no end state {code!r}")
            return None
        if code not in self.states:
            data = ends.data["ends"][code]
            if data["outcome"] not in OUTCOMES:
                message = f"there is no outcome {data['outcome']!r}; known are {OUTCOMES}"
                self.fault(ends, ("ends", code, "outcome"), "unknown-outcome", message)
            self.states[code] = State(
                code=code, title=data["title"], stage="ends", phase="end", end=data["outcome"]
            )
            self.where.put("state", code, ends, ("ends", code))
        return code


def add_facts(draft: Draft, declaring: Iterable[Source]) -> None:
    """Collect what conditions may read: the system's facts, the amounts, the stages' own.

    `declaring` are all stages of the family, those a measure leaves out included.
    """
    reserved = {**SYSTEM_FACTS, **AMOUNTS, **INPUTS}
    included = {place.source.file for place in draft.places}
    draft.known = {**SYSTEM_FACTS, **AMOUNTS}
    for source in declaring:
        for name, data in source.data.get("facts", {}).items():
            fact = _fact(draft, source, name, data)
            if name in reserved or draft.known.get(name, fact) != fact:
                message = f"the fact {name!r} is already declared otherwise"
                draft.fault(source, ("facts", name), "duplicate-fact", message)
            draft.known.setdefault(name, fact)
            if source.file in included:
                draft.entered.setdefault(name, fact)


def _fact(draft: Draft, source: Source, name: str, data: Mapping[str, Any]) -> Fact:
    sample = plain(data.get("sample"))
    fact = Fact(
        name=name,
        type=data["type"],
        title=data["title"],
        choices=tuple(data.get("choices", ())),
        unit=data.get("unit", "fen" if data["type"] == "fen" else ""),
        sample=list(sample) if isinstance(sample, tuple) else sample,
    )
    if data.get("sample") is not None and not fits(fact, data["sample"]):
        message = f"the sample {data['sample']!r} does not fit the type {fact.type}"
        draft.fault(source, ("facts", name, "sample"), "yaml-type", message)
    if (fact.type == "choice") != bool(fact.choices):
        message = "a choice needs `choices`, and only a choice has them"
        draft.fault(source, ("facts", name), "yaml-type", message)
    return fact
