"""Compiles events into steps: one for every state in which the event is possible."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from caseflow.kernel.cuts import EXPLAINS
from caseflow.kernel.workflow.draft import Draft
from caseflow.kernel.workflow.graph import REMEMBER, branch_tests, closure
from caseflow.kernel.workflow.joining import END, NONE, Place
from caseflow.kernel.workflow.model import HOLDER, PREVIOUS, Branch, State, Step, Test
from caseflow.kernel.workflow.returning import add_returns
from caseflow.kernel.workflow.source import Path
from caseflow.kernel.workflow.states import clocks_named
from caseflow.kernel.workflow.vocabulary import (
    AMOUNTS,
    DUTIES,
    EFFECTS,
    GUARDS,
    INPUTS,
    PREVIOUS_STATE,
    SILENCE,
    SYSTEM_FACTS,
    TASK_ACTS,
)

ANYWHERE: Final = "anywhere"
TASKS: Final = "tasks"
"""`from: tasks` is an act on the tasks of whatever state waits for people; it stays there."""
STAY: Final = "$stay"
EARLIER: Final = "$earlier"
OPEN_CHILD: Final = "open_child:"


@dataclass(frozen=True)
class _Variant:
    """One way an event is written: its place, its data, where it stands."""

    place: Place
    event: str
    data: Mapping[str, Any]
    path: Path
    title: str


def add_steps(draft: Draft) -> None:
    """Add the steps of all events; those possible anywhere last, so that a stage's own go first."""
    variants = [variant for place in draft.places for variant in _variants(place)]
    for variant in variants:
        if variant.data["from"] == TASKS:
            _add_act(draft, variant)
        elif variant.data["from"] != ANYWHERE:
            _add_variant(draft, variant, _sources(draft, variant))
    for variant in variants:
        if variant.data["from"] == ANYWHERE:
            taken = {state for state, event in draft.steps if event == variant.event}
            sources = [code for code in _everywhere(draft, variant) if code not in taken]
            _add_variant(draft, variant, sources)


def resolve(draft: Draft) -> None:
    """Settle what depends on all steps: where `$previous` may lead, which event is the main one."""
    _resolve_previous(draft)
    _choose_mains(draft)
    _name_seats_of_clocks(draft)
    add_returns(draft)


def _name_seats_of_clocks(draft: Draft) -> None:
    """Where seats decide, each has a clock: what expires it says whose, and counts a consent."""
    for state in draft.states.values():
        clock = draft.clocks.get(state.clock or "")
        key = (state.code, clock.expiry if clock else "")
        if state.decide is None or key not in draft.steps:
            continue
        step = draft.steps[key]
        effects = (*step.effects, SILENCE) if state.silence else step.effects
        accepts = tuple(dict.fromkeys((*step.accepts, "seat", "verdict")))
        draft.steps[key] = replace(step, effects=effects, accepts=accepts)


def _choose_mains(draft: Draft) -> None:
    """Write the events a state names as its `main`, those that are left, as `first|second`."""
    for code, events in draft.mains.items():
        possible = [event for event in events if (code, event) in draft.steps]
        main = "|".join(possible or events) or None
        draft.states[code] = replace(draft.states[code], main=main)


def _variants(place: Place) -> Iterator[_Variant]:
    for event, written in place.source.data["events"].items():
        if isinstance(written, Mapping):
            yield _Variant(place, event, written, ("events", event), written.get("title", event))
            continue
        title = next((data["title"] for data in written if "title" in data), event)
        for index, data in enumerate(written):
            path = ("events", event, index)
            yield _Variant(place, event, data, path, data.get("title", title))


def _sources(draft: Draft, variant: _Variant) -> list[str]:
    written = variant.data["from"]
    names = [written] if isinstance(written, str) else written
    known = [name for name in names if name in variant.place.states]
    for name in names:
        if name not in known:
            message = f"the stage {variant.place.name!r} has no state {name!r}"
            draft.fault(variant.place.source, (*variant.path, "from"), "unknown-state", message)
    return [variant.place.code(name) for name in known]


def _everywhere(draft: Draft, variant: _Variant) -> list[str]:
    source, path = variant.place.source, variant.path
    if variant.place.order is not None:
        message = "`from: anywhere` is for the stages a family lists under `anywhere`"
        draft.fault(source, (*path, "from"), "unknown-state", message)
        return []
    excepted = variant.data.get("except", ())
    stages = draft.library.stages.values()
    for index, name in enumerate(excepted):
        if not any(name in _raw_states(stage.data) for stage in stages):
            draft.fault(source, (*path, "except", index), "unknown-state", f"no state {name!r}")
    phases = variant.data.get("phases")
    return [
        state.code
        for state in draft.states.values()
        if state.end is None
        and state.code.partition("#")[0] not in excepted
        and (phases is None or state.phase in phases)
    ]


def _raw_states(data: Any) -> Mapping[str, Any]:
    states = data.get("states") if isinstance(data, Mapping) else None
    return states if isinstance(states, Mapping) else {}


def _add_variant(draft: Draft, variant: _Variant, sources: list[str]) -> None:
    template = _template(draft, variant)
    if variant.data.get("to") == EARLIER:
        for source in sources:
            for earlier in _earlier(draft, draft.states[source]):
                name, title = f"return_to_{earlier.entry}", f"退回{earlier.title}"
                step = replace(
                    template,
                    event=name,
                    title=title,
                    source=source,
                    branches=(Branch(earlier.entry),),
                )
                _add_step(draft, variant, step)
        return
    ways = _ways(draft, variant)
    if all(branch.target == NONE for branch in ways):
        return
    ways = tuple(branch for branch in ways if branch.target != NONE)
    for source in sources:
        branches = tuple(replace(b, target=source) if b.target == STAY else b for b in ways)
        _add_step(draft, variant, replace(template, source=source, branches=branches))


def _add_act(draft: Draft, variant: _Variant) -> None:
    """Add an act on tasks: once for the workflow, as it is the same in every state."""
    source, path, data = variant.place.source, variant.path, variant.data
    step = _template(draft, variant)
    stays = data.get("to", STAY) == STAY and "branches" not in data and not step.automatic
    if not stays or variant.place.order is not None:
        message = "an act on tasks stays where it is, and stands in a stage under `anywhere`"
        draft.fault(source, path, "state-of-act", message)
    if not step.effects or not TASK_ACTS.issuperset(step.effects):
        message = f"an act on tasks has one of the effects {', '.join(sorted(TASK_ACTS))}"
        draft.fault(source, path, "unknown-act", message)
    draft.acts[variant.event] = step


def _earlier(draft: Draft, state: State) -> list[Place]:
    order = next(place.order for place in draft.places if place.name == state.stage)
    if order is None:
        return []
    return [
        place
        for place in draft.places
        if place.order is not None and place.order < order and not _is_drafting(draft, place)
    ]


def _is_drafting(draft: Draft, place: Place) -> bool:
    """Nobody sends a case back to where the applicant alone prepares it; there is 补正 for that."""
    state = draft.states[place.entry]
    return state.phase == "intake" and state.holders == ("applicant",)


def _add_step(draft: Draft, variant: _Variant, step: Step) -> None:
    key = (step.source, step.event)
    if key in draft.steps:
        message = f"the event {step.event!r} is defined twice in the state {step.source!r}"
        draft.fault(variant.place.source, variant.path, "duplicate-event", message)
        return
    draft.steps[key] = step
    draft.where.put("step", key, variant.place.source, variant.path)


def _template(draft: Draft, variant: _Variant) -> Step:
    """Return the step without its source and branches: what is the same in every state."""
    data, place, path = variant.data, variant.place, variant.path
    source = place.source
    automatic = data.get("automatic", False)
    named = place.cast(data.get("by", "system" if automatic else ()))
    holder = [HOLDER] if data["from"] == TASKS and HOLDER in named else []
    seats = [name for name in named if name not in holder]
    by = (*holder, *draft.seats(source, (*path, "by"), seats))
    if not by or (automatic and by != ("system",)):
        message = "an event needs `by`; an automatic one is by: system"
        draft.fault(source, path, "event-without-seat", message)
    guards = draft.names(
        source, (*path, "guards"), written=data.get("guards"), known=GUARDS, what="guard"
    )
    draft.used.update(test.fact for name in guards if name in GUARDS for test in GUARDS[name].tests)
    requires = _inputs(draft, variant, "requires")
    return Step(
        event=variant.event,
        source="",
        title=variant.title,
        branches=(),
        by=by,
        duty=_duty(draft, variant),
        requires=requires,
        accepts=_explained(requires, _inputs(draft, variant, "accepts")),
        guards=guards,
        effects=_effects(draft, variant),
        automatic=automatic,
        starts=clocks_named(draft, place, (*path, "starts"), data.get("starts", ())),
        ends=clocks_named(draft, place, (*path, "ends"), data.get("ends", ())),
    )


def _explained(requires: tuple[str, ...], accepts: tuple[str, ...]) -> tuple[str, ...]:
    """An act that enters a later amount can say why it is less than the one before (核减原因)."""
    _, *later = AMOUNTS
    if set(later).isdisjoint((*requires, *accepts)):
        return accepts
    return tuple(name for name in dict.fromkeys((*accepts, *EXPLAINS)) if name not in requires)


def _duty(draft: Draft, variant: _Variant) -> str | None:
    duty = variant.data.get("duty")
    path = (*variant.path, "duty")
    draft.names(variant.place.source, path, written=duty or (), known=DUTIES, what="duty")
    return duty


def _inputs(draft: Draft, variant: _Variant, key: str) -> tuple[str, ...]:
    if not variant.data.get(key):
        return ()
    declared = {name for name in draft.known if name not in SYSTEM_FACTS}
    names = draft.names(
        variant.place.source,
        (*variant.path, key),
        written=variant.data.get(key),
        known=declared | set(INPUTS),
        what="input",
    )
    draft.used.update(name for name in names if name in AMOUNTS or name in declared)
    return names


def _effects(draft: Draft, variant: _Variant) -> tuple[str, ...]:
    written = variant.data.get("effects", ())
    for index, name in enumerate(written):
        at = (*variant.path, "effects", index)
        kind = name.removeprefix(OPEN_CHILD)
        if kind != name and kind not in draft.children:
            message = f"the family {draft.family.data['family']!r} has no child kind {kind!r}"
            draft.fault(variant.place.source, at, "unknown-child", message)
        elif kind == name and name not in EFFECTS:
            draft.fault(variant.place.source, at, "unknown-effect", f"there is no effect {name!r}")
    return tuple(written)


def _ways(draft: Draft, variant: _Variant) -> tuple[Branch, ...]:
    data, place, path = variant.data, variant.place, variant.path
    if ("to" in data) == ("branches" in data):
        message = "an event has either `to` or `branches`"
        draft.fault(place.source, path, "yaml-type", message)
        return ()
    if "to" in data:
        target = _target(draft, variant, data["to"], (*path, "to"))
        return (Branch(target),) if target else ()
    ways = []
    for index, branch in enumerate(data["branches"]):
        at = (*path, "branches", index)
        target = _target(draft, variant, branch["to"], (*at, "to"))
        tests = draft.tests(place, (*at, "when"), branch.get("when", {}))
        ways += [Branch(target, tests)] if target else []
    return tuple(ways)


def _target(draft: Draft, variant: _Variant, written: str, path: Path) -> str | None:
    place = variant.place
    if written in (STAY, PREVIOUS):
        return written
    if written in place.states:
        return place.code(written)
    if written.startswith(END):
        return draft.end(place.source, path, written)
    if written.startswith("$"):
        return _exit(draft, place, written[1:], path)
    message = f"the stage {place.name!r} has no state {written!r}"
    draft.fault(place.source, path, "unknown-state", message)
    return None


def _exit(draft: Draft, place: Place, name: str, path: Path) -> str | None:
    if name not in place.source.data.get("exits", ()):
        message = f"{name!r} is not among the exits of {place.name!r}"
        draft.fault(place.source, path, "unknown-exit", message)
        return None
    target = place.exits.get(name)
    if target is not None and target.startswith(END):
        return draft.end(draft.family, (*place.path, "exits", name), target)
    return target


def _resolve_previous(draft: Draft) -> None:
    """Turn `$previous` into one branch for every state from which a step remembers it."""
    onward: dict[str, list[str]] = {}
    for step in draft.steps.values():
        if REMEMBER not in step.effects and not _reads_previous(step):
            onward.setdefault(step.source, []).extend(branch.target for branch in step.branches)
    for key, step in draft.steps.items():
        if not any(branch.target == PREVIOUS for branch in step.branches):
            continue
        remembered = _remembered_in(draft, step.source, onward)
        if not remembered:
            message = f"{step.event!r} returns to a remembered state, but no event remembers one"
            draft.problems.append(
                draft.where.problem("step", key, "previous-without-memory", message)
            )
        draft.steps[key] = replace(step, branches=tuple(_previous_ways(step, remembered)))


def _remembered_in(draft: Draft, state: str, onward: Mapping[str, list[str]]) -> list[str]:
    """Return the states that may stand in the register while the case is in `state`.

    `onward` is where the steps lead that leave the register as it is.
    """
    return [
        step.source
        for step in draft.steps.values()
        if REMEMBER in step.effects
        and step.source != state
        and state in closure([branch.target for branch in step.branches], onward)
    ]


def _reads_previous(step: Step) -> bool:
    return any(test.fact == PREVIOUS_STATE for test in branch_tests(step))


def _previous_ways(step: Step, remembered: list[str]) -> Iterator[Branch]:
    for branch in step.branches:
        if branch.target != PREVIOUS:
            yield branch
            continue
        for code in dict.fromkeys(remembered):
            yield Branch(code, (*branch.when, Test(PREVIOUS_STATE, "equals", code)))
