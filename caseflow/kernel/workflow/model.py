"""The compiled form of a workflow: what the checker judges, the machine runs and a case pins.

Everything here is a value; `to_data` and `from_data` are inverse, and the hash of the canonical
JSON of `to_data` is the workflow's identity.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

FactType = Literal[
    "boolean", "integer", "fen", "date", "text", "choice", "list", "matters", "scores"
]
Unit = Literal["working_days", "days", "months"]
Phase = Literal["intake", "review", "decision", "payment", "follow_up", "end"]
PREVIOUS = "$previous"
OWN, WHOLE, DRAWS_ON_PARENT = COMMITS = ("own", "whole", "parent")
"""How a case binds the budget: for itself; once for all its children; or within its parent's."""
ALL, ANY, VOTES, IN_ORDER = DECIDES = ("all", "any", "votes", "in_order")
"""How the seats of a state decide: 会签 every one, 或签 the first, 票签 N of M, 顺签 in turn."""
BLIND, IN_PERSON = JUDGED = ("blind", "in_person")
"""How experts judge in a state: by an anonymous file (盲评), or face to face (现场答辩)."""
HOLDER: Final = "holder"
UNCLAIMED: Final = frozenset({"applicant", "experts"})
"""In `by` of an act on tasks: whoever holds the state, people of the applicant left out."""
SEAT_MARK = "@"
"""In the name of a running clock: the clock of one seat, `cosign@cosign.tax`."""
SEAT_ACTS = frozenset({"add_seat", "remove_seat"})
"""The effects of acts on tasks that make sense only where several seats decide."""


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
    """Where a case may stand. `end` is the outcome of a final state, None elsewhere.

    `decide` is one of `DECIDES` where several seats answer, each against a clock of its own;
    `needed` the votes that carry; `silence`: whoever lets that clock run out has said yes.
    `returns` are the states to which a case may be sent back from here (退回), `taken_from` those
    from which a step came that may be taken back (拿回). `judged` is one of `JUDGED`; where experts
    judge and nothing is said, they do so blind.
    """

    code: str
    title: str
    stage: str
    phase: Phase
    holders: tuple[str, ...] = ()
    clock: str | None = None
    stops: tuple[str, ...] = ()
    main: str | None = None
    end: str | None = None
    decide: str | None = None
    needed: int | None = None
    silence: bool = False
    returns: tuple[str, ...] = ()
    taken_from: tuple[str, ...] = ()
    judged: str | None = None


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
    draw on it: `parent`), otherwise by each case from the budget of its own year. `checks` are the
    kinds of check that a case needs at each point.
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
    acts: Mapping[str, Step] = field(default_factory=dict)
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def pays(self) -> bool:
        """Return whether the case itself is paid; a parent may leave that to its children."""
        return any("open_payment" in step.effects for step in self.steps.values())

    def step(self, state: str, event: str) -> Step | None:
        """Return what `event` does in `state`, or None where it is not possible."""
        return self.steps.get((state, event)) or self._acts.get((state, event))

    def clock(self, name: str) -> Clock:
        """Return the definition of a clock, be it the one of a seat."""
        return self.clocks[clock_of(name)]

    def acts_in(self, state: str) -> tuple[Step, ...]:
        """Return the acts on tasks (转办、加签、催办 …) possible in `state`; none moves it."""
        return self._acts_by_state.get(state, ())

    @cached_property
    def _acts(self) -> dict[tuple[str, str], Step]:
        found = {}
        for state in self.states.values():
            for act in self.acts.values():
                by = _who_acts(act, state)
                if by and _makes_sense(act, state):
                    step = replace(act, source=state.code, branches=(Branch(state.code),), by=by)
                    found[state.code, act.event] = step
        return found

    def steps_from(self, state: str) -> tuple[Step, ...]:
        """Return every step out of `state`, in the order of the definition."""
        return self._steps_by_state.get(state, ())

    @cached_property
    def _steps_by_state(self) -> dict[str, tuple[Step, ...]]:
        return _by_state(self.steps)

    @cached_property
    def _acts_by_state(self) -> dict[str, tuple[Step, ...]]:
        return _by_state(self._acts)

    @cached_property
    def gives(self) -> bool:
        """Return whether an amount is approved in it: its case draws on the ceilings itself."""
        return any("approved_fen" in step.requires for step in self.steps.values())

    @cached_property
    def planning(self) -> frozenset[str]:
        """Return the states in which a plan is still to be drawn up."""
        return frozenset(s.source for s in self.steps.values() if "planned_fen" in s.requires)

    def to_data(self) -> dict[str, Any]:
        """Return plain JSON data; the inverse of `from_data`.

        Workflows from before checks have none, and keep their hash.
        """
        checks = {point: list(kinds) for point, kinds in self.checks.items()}
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "opened_by": list(self.opened_by),
            "initial": self.initial,
            "states": [_plain_state(state) for state in self.states.values()],
            "steps": [_plain_step(step) for step in self.steps.values()],
            "clocks": [_plain(clock) for clock in self.clocks.values()],
            "facts": [_plain(fact) for fact in self.facts.values()],
            "children": dict(self.children),
            "flags": list(self.flags),
            "payee": self.payee,
            "commits": self.commits,
            "acts": [_plain_step(act) for act in self.acts.values()],
            **({"checks": checks} if checks else {}),
        }

    @cached_property
    def state_clocks(self) -> frozenset[str | None]:
        """Return the clocks that run while a case stands in some state."""
        return frozenset(state.clock for state in self.states.values())

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
        steps = [_step(row) for row in data["steps"]]
        acts = [_step(row) for row in data.get("acts", ())]
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
            acts={act.event: act for act in acts},
            checks={point: tuple(kinds) for point, kinds in data.get("checks", {}).items()},
        )


def _by_state(steps: Mapping[tuple[str, str], Step]) -> dict[str, tuple[Step, ...]]:
    found: dict[str, list[Step]] = {}
    for (source, _), step in steps.items():
        found.setdefault(source, []).append(step)
    return {state: tuple(some) for state, some in found.items()}


def clock_of(name: str) -> str:
    """Return the name of the clock of which `name` may be one seat's."""
    return name.partition(SEAT_MARK)[0]


def _makes_sense(act: Step, state: State) -> bool:
    """Say whether there is anything to add to, to be sent back to or to be taken back here."""
    return (
        (state.decide is not None or SEAT_ACTS.isdisjoint(act.effects))
        and (bool(state.returns) or "send_back" not in act.effects)
        and (bool(state.taken_from) or "take_back" not in act.effects)
    )


def _who_acts(act: Step, state: State) -> tuple[str, ...]:
    """Return the seats that may take an act on tasks in `state`; nobody does where nobody waits.

    What waits for an applicant or for a panel of experts is nobody's to claim or to hand over.
    """
    people = [holder for holder in state.holders if holder != "system"]
    if not people:
        return ()
    holders = [holder for holder in people if holder not in UNCLAIMED] if HOLDER in act.by else []
    return tuple(dict.fromkeys((*holders, *(seat for seat in act.by if seat != HOLDER))))


def _plain(value: Any) -> dict[str, Any]:
    """Return a flat dataclass as JSON data: its fields; a tuple is an array of JSON like a list."""
    return dict(vars(value))


def _plain_state(state: State) -> dict[str, Any]:
    """Return a state as JSON data; where it does not say how it is judged, as before it could."""
    found = _plain(state)
    return found if state.judged else {k: v for k, v in found.items() if k != "judged"}


def _plain_step(step: Step) -> dict[str, Any]:
    branches = [
        {"target": branch.target, "when": [_plain(test) for test in branch.when]}
        for branch in step.branches
    ]
    return {**_plain(step), "branches": branches}


def _step(row: Mapping[str, Any]) -> Step:
    return Step(**{**_tuples(row), "branches": tuple(_branch(b) for b in row["branches"])})


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}


def _fact(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "choices": tuple(row["choices"])}


def _branch(row: Mapping[str, Any]) -> Branch:
    tests = tuple(Test(**_tuples(test)) for test in row["when"])
    return Branch(target=row["target"], when=tests)
