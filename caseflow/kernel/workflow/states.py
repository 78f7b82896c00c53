"""Compiles the states of each place and the clocks they, or the family, run."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast, get_args

from caseflow.kernel.workflow.deciding import needed_votes, silence_counts
from caseflow.kernel.workflow.draft import Draft
from caseflow.kernel.workflow.joining import Place
from caseflow.kernel.workflow.model import Clock, State, Unit
from caseflow.kernel.workflow.source import Path
from caseflow.kernel.workflow.vocabulary import SYSTEM_FACTS

TIME_UNITS: Final = get_args(Unit)
ALL: Final = "$all"


def add_states(draft: Draft) -> None:
    """Add every state and clock of every place; a second use of a stage gets `#2` on both."""
    for place in draft.places:
        for name, data in place.source.data.get("clocks", {}).items():
            _add_clock(draft, place, name, data, ("clocks", name))
        for code, data in place.states.items():
            clock = data.get("clock")
            if isinstance(clock, Mapping):
                title = data["title"]
                path = ("states", code, "clock")
                _add_clock(draft, place, clock["name"], {"title": title, **clock}, path)
    for place in draft.places:
        for code, data in place.states.items():
            _add_state(draft, place, code, data)


def _add_state(draft: Draft, place: Place, code: str, data: Mapping[str, Any]) -> None:
    path: Path = ("states", code)
    compiled = place.code(code)
    if compiled in draft.states:
        other = draft.states[compiled].stage
        message = f"the state {compiled!r} is also a state of {other!r}"
        draft.fault(place.source, path, "duplicate-state", message)
        return
    draft.where.put("state", compiled, place.source, path)
    own = _own_clock(draft, place, path, data.get("clock"))
    stops = clocks_named(draft, place, (*path, "stops"), data.get("stops", ()))
    draft.states[compiled] = State(
        code=compiled,
        title=data["title"],
        stage=place.name,
        phase=data["phase"],
        holders=draft.seats(place.source, (*path, "holder"), place.cast(data.get("holder"))),
        clock=own,
        stops=tuple(clock for clock in stops if clock != own),
        decide=data.get("decide"),
        needed=needed_votes(draft, place, code, data),
        silence=silence_counts(draft, place, code, data),
        judged=data.get("judged"),
    )
    main = data.get("main", ())
    draft.mains[compiled] = (main,) if isinstance(main, str) else tuple(main)


def _own_clock(draft: Draft, place: Place, path: Path, written: Any) -> str | None:
    if written is None:
        return None
    if isinstance(written, Mapping):
        return place.code(written["name"])
    if written not in place.clocks:
        message = f"no state of this stage defines the clock {written!r}"
        draft.fault(place.source, (*path, "clock"), "unknown-clock", message)
    return place.code(written)


def clocks_named(draft: Draft, place: Place, path: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Return the compiled names of the clocks a state stops, or a step starts or ends.

    A clock of the same place is meant before those of others; `$all` means all clocks. A clock of
    a stage that this family does not use is left away, unless it is to be started.
    """
    found = []
    for index, name in enumerate(names):
        meant = _clocks_meant(draft, place, name)
        found += meant
        if meant:
            continue
        if "starts" in path or not _in_library(draft, name):
            draft.fault(place.source, (*path, index), "unknown-clock", f"no clock {name!r}")
    return tuple(found)


def _clocks_meant(draft: Draft, place: Place, name: str) -> list[str]:
    if name == ALL:
        return list(draft.clocks)
    if name in place.clocks:
        return [place.code(name)]
    return [code for code in draft.clocks if code.partition("#")[0] == name]


def _in_library(draft: Draft, name: str) -> bool:
    return any(name in _raw_clocks(stage.data) for stage in draft.library.stages.values())


def _raw_clocks(data: Any) -> set[str]:
    """The clocks of a stage of the library whose shape may not have been checked."""
    stage = data if isinstance(data, Mapping) else {}
    clocks, states = stage.get("clocks"), stage.get("states")
    names = set(clocks) if isinstance(clocks, Mapping) else set()
    for state in states.values() if isinstance(states, Mapping) else ():
        clock = state.get("clock") if isinstance(state, Mapping) else None
        names |= {clock.get("name")} if isinstance(clock, Mapping) else set()
    return names


def _add_clock(draft: Draft, place: Place, name: str, data: Mapping[str, Any], path: Path) -> None:
    compiled = place.code(name)
    if compiled in draft.clocks:
        message = f"the clock {compiled!r} is defined twice in this workflow"
        draft.fault(place.source, path, "duplicate-clock", message)
        return
    limit, unit, source = _limit(draft, place, data, path)
    draft.where.put("clock", compiled, place.source, path)
    draft.clocks[compiled] = Clock(
        name=compiled,
        title=data["title"],
        expiry=data["expiry"],
        limit=limit,
        unit=unit,
        until=_until(draft, place, data, path),
        repeats=data.get("repeats", False),
        remind=tuple(data.get("remind", ())),
        source=data.get("source", source),
    )


def _until(draft: Draft, place: Place, data: Mapping[str, Any], path: Path) -> str | None:
    until = data.get("until")
    if until is None:
        return None
    fact = SYSTEM_FACTS.get(until)
    if fact is None or fact.type != "date":
        message = f"{until!r} is not a date that the system keeps"
        draft.fault(place.source, (*path, "until"), "unknown-fact", message)
    return str(until)


def _limit(
    draft: Draft, place: Place, data: Mapping[str, Any], path: Path
) -> tuple[int | None, Unit | None, str]:
    written = data.get("limit")
    if (written is None) == (data.get("until") is None):
        message = "a clock has either `limit` or `until`"
        draft.fault(place.source, path, "clock-without-unit", message)
    if written is None:
        return None, None, ""
    at = (*path, "limit")
    if isinstance(written, str) and written.startswith("$"):
        return _limit_from_parameter(draft, place, written[1:], at)
    number, _, unit = str(written).partition(" ")
    if not number.isdecimal() or unit not in TIME_UNITS:
        message = f"{written!r} is no limit; write e.g. '5 working_days' ({', '.join(TIME_UNITS)})"
        draft.fault(place.source, at, "clock-without-unit", message)
        return None, None, ""
    return int(number), cast("Unit", unit), ""


def _limit_from_parameter(
    draft: Draft, place: Place, name: str, path: Path
) -> tuple[int | None, Unit | None, str]:
    parameter = place.parameters.get(name)
    if parameter is None:
        message = f"the stage {place.name!r} has no parameter {name!r}"
        draft.fault(place.source, path, "unknown-parameter", message)
        return None, None, ""
    if parameter.unit not in TIME_UNITS or type(parameter.value) is not int or parameter.value < 0:
        message = (
            f"{name!r} is {parameter.value!r} {parameter.unit}, not a number of days or months"
        )
        draft.fault(place.source, path, "clock-without-unit", message)
        return None, None, ""
    return parameter.value, cast("Unit", parameter.unit), parameter.source
