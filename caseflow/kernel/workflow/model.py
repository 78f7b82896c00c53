"""The compiled form of a workflow: what the checker judges, the machine runs and a case pins.

Everything here is a value; `to_data` and `from_data` are inverse, and the hash of the canonical
JSON of `to_data` is the workflow's identity.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

FactType = Literal[
    "boolean", "integer", "fen", "date", "text", "choice", "list", "matters", "scores"
]
Unit = Literal["working_days", "days", "months"]
Phase = Literal["intake", "review", "decision", "payment", "follow_up", "end"]
PREVIOUS = "$previous"
OWN, WHOLE, DRAWS_ON_PARENT = COMMITS = ("own", "whole", "parent")
"""How a case binds the budget: for itself; once for all its children; or within its parent's."""


@dataclass(frozen=True)
class Fact:
    """A typed value that conditions may read: entered by a person, or kept by the system."""

    name: str
    type: FactType
    title: str
    choices: tuple[str, ...] = ()
    unit: str = ""
    sample: Any = None
    system: bool = False


@dataclass(frozen=True)
class Test:
    """One comparison of a fact with a value, e.g. `score at_least 60`."""

    __test__ = False  # not pytest's

    fact: str
    op: str
    value: Any


@dataclass(frozen=True)
class Clock:
    """A time limit. Either `limit` with `unit`, or `until`, the name of a system date fact."""

    name: str
    title: str
    expiry: str
    limit: int | None = None
    unit: Unit | None = None
    until: str | None = None
    repeats: bool = False
    remind: tuple[int, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class State:
    """Where a case may stand. `end` is the outcome of a final state, None elsewhere."""

    code: str
    title: str
    stage: str
    phase: Phase
    holders: tuple[str, ...] = ()
    clock: str | None = None
    stops: tuple[str, ...] = ()
    main: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Branch:
    """A way out: taken when every test holds. No tests: always."""

    target: str
    when: tuple[Test, ...] = ()


@dataclass(frozen=True)
class Step:
    """One event in one state: who may ask, what must be given and hold, what follows."""

    event: str
    source: str
    title: str
    branches: tuple[Branch, ...]
    by: tuple[str, ...]
    duty: str | None = None
    requires: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    automatic: bool = False
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workflow:
    """One measure's concrete, checked workflow (or one kind of its child cases).

    `payee` is the party that receives the money (a trustee that passes it on). `commits` says how
    the budget is bound: the face of a voucher for all its redemptions at once (`whole`, and they
    draw on it: `parent`), otherwise by each case from the budget of its own year.
    """

    name: str
    title: str
    family: str
    opened_by: tuple[str, ...]
    initial: str
    states: Mapping[str, State]
    steps: Mapping[tuple[str, str], Step]
    clocks: Mapping[str, Clock]
    facts: Mapping[str, Fact]
    children: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    payee: str = "applicant"
    commits: str = OWN

    @cached_property
    def pays(self) -> bool:
        """Return whether the case itself is paid; a parent may leave that to its children."""
        return any("open_payment" in step.effects for step in self.steps.values())

    def step(self, state: str, event: str) -> Step | None:
        """Return what `event` does in `state`, or None where it is not possible."""
        return self.steps.get((state, event))

    def steps_from(self, state: str) -> tuple[Step, ...]:
        """Return every step out of `state`, in the order of the definition."""
        return tuple(step for (source, _), step in self.steps.items() if source == state)

    @cached_property
    def gives(self) -> bool:
        """Return whether an amount is approved in it: its case draws on the ceilings itself."""
        return any("approved_fen" in step.requires for step in self.steps.values())

    @cached_property
    def planning(self) -> frozenset[str]:
        """Return the states in which a plan is still to be drawn up."""
        return frozenset(s.source for s in self.steps.values() if "planned_fen" in s.requires)

    def to_data(self) -> dict[str, Any]:
        """Return plain JSON data; the inverse of `from_data`."""
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "opened_by": list(self.opened_by),
            "initial": self.initial,
            "states": [_plain(state) for state in self.states.values()],
            "steps": [_plain_step(step) for step in self.steps.values()],
            "clocks": [_plain(clock) for clock in self.clocks.values()],
            "facts": [_plain(fact) for fact in self.facts.values()],
            "children": dict(self.children),
            "flags": list(self.flags),
            "payee": self.payee,
            "commits": self.commits,
        }

    @cached_property
    def canonical(self) -> str:
        """Return the canonical JSON of `to_data`."""
        return json.dumps(self.to_data(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of the canonical JSON: the identity a case pins."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Workflow":
        """Rebuild a workflow from `to_data`'s result, e.g. as stored in the database."""
        states = [State(**_tuples(row)) for row in data["states"]]
        steps = [
            Step(**{**_tuples(row), "branches": tuple(_branch(b) for b in row["branches"])})
            for row in data["steps"]
        ]
        clocks = [Clock(**_tuples(row)) for row in data["clocks"]]
        facts = [Fact(**_fact(row)) for row in data["facts"]]
        return cls(
            name=data["name"],
            title=data["title"],
            family=data["family"],
            opened_by=tuple(data["opened_by"]),
            initial=data["initial"],
            states={state.code: state for state in states},
            steps={(step.source, step.event): step for step in steps},
            clocks={clock.name: clock for clock in clocks},
            facts={fact.name: fact for fact in facts},
            children=dict(data["children"]),
            flags=tuple(data["flags"]),
            payee=data.get("payee", "applicant"),
            commits=data.get("commits", OWN),
        )


def _plain(value: Any) -> dict[str, Any]:
    """Return a flat dataclass as JSON data: its fields, tuples as lists."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in vars(value).items()}


def _plain_step(step: Step) -> dict[str, Any]:
    branches = [
        {"target": branch.target, "when": [_plain(test) for test in branch.when]}
        for branch in step.branches
    ]
    return {**_plain(step), "branches": branches}


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}


def _fact(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "choices": tuple(row["choices"])}


def _branch(row: Mapping[str, Any]) -> Branch:
    tests = tuple(Test(**_tuples(test)) for test in row["when"])
    return Branch(target=row["target"], when=tests)
