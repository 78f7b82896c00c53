"""Which keys a stage, a family and the end states may have, and of which type.

After `shape_problems` found nothing, the compiler may trust the shape of the data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from caseflow.kernel.checks import KINDS, POINTS
from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.model import COMMITS, DECIDES, JUDGED, FactType
from caseflow.kernel.workflow.source import Path, Source


@dataclass(frozen=True)
class Value:
    """A single value of one of some Python types; `allowed` closes the set of words."""

    name: str
    types: tuple[type, ...]
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListOf:
    """A list of one shape."""

    item: "Shape"
    name: str = "a list"


@dataclass(frozen=True)
class MapOf:
    """A mapping from free names to one shape."""

    item: "Shape"
    name: str = "a mapping"


@dataclass(frozen=True)
class Record:
    """A mapping with known keys."""

    required: Mapping[str, "Shape"]
    optional: Mapping[str, "Shape"] = field(default_factory=dict)
    name: str = "a mapping"


@dataclass(frozen=True)
class Either:
    """One of several shapes, told apart by whether it is a value, a list or a mapping."""

    options: tuple["Shape", ...]

    @property
    def name(self) -> str:
        """Return the names of the choices."""
        return " or ".join(option.name for option in self.options)


Shape = Value | ListOf | MapOf | Record | Either

TEXT: Final = Value("text", (str,))
FLAG: Final = Value("true or false", (bool,))
NUMBER: Final = Value("an integer", (int,))
ANY: Final = Value("any value", (object,))
NAMES: Final = ListOf(TEXT, "a list of names")
NAME_OR_NAMES: Final = Either((TEXT, NAMES))
UNITS: Final = ("working_days", "days", "months", "times", "percent", "fen", "score", "text")
WAITING_PHASES: Final = ("intake", "review", "decision", "payment", "follow_up")
PHASE: Final = Value("a phase", (str,), allowed=WAITING_PHASES)

_PARAMETER: Final = Record(
    {"unit": Value("a unit", (str,), allowed=UNITS), "default": ANY, "source": TEXT},
    {"label": TEXT},
)
_FACT: Final = Record(
    {"type": Value("a type", (str,), allowed=get_args(FactType)), "title": TEXT},
    {"choices": NAMES, "unit": TEXT, "sample": ANY},
)
_CLOCK_KEYS: Final[dict[str, Shape]] = {
    "title": TEXT,
    "limit": Either((TEXT, NUMBER)),
    "until": TEXT,
    "repeats": FLAG,
    "remind": ListOf(NUMBER),
    "source": TEXT,
}
_STATE: Final = Record(
    {"title": TEXT, "phase": PHASE},
    {
        "holder": NAME_OR_NAMES,
        "clock": Either((TEXT, Record({"name": TEXT, "expiry": TEXT}, _CLOCK_KEYS))),
        "stops": NAMES,
        "main": NAME_OR_NAMES,
        "decide": Value("how its seats decide", (str,), allowed=DECIDES),
        "votes": Record({"of": NUMBER, "needed": Either((TEXT, NUMBER))}),
        "silence": TEXT,
        "judged": Value("how experts judge", (str,), allowed=JUDGED),
    },
)
_CONDITIONS: Final = MapOf(MapOf(ANY, "an operator with its value"), "conditions")
_EVENT: Final = Record(
    {"from": NAME_OR_NAMES},
    {
        "title": TEXT,
        "phases": ListOf(PHASE),
        "except": NAMES,
        "to": TEXT,
        "branches": ListOf(Record({"to": TEXT}, {"when": _CONDITIONS})),
        "by": NAME_OR_NAMES,
        "duty": TEXT,
        "requires": NAMES,
        "accepts": NAMES,
        "guards": NAMES,
        "effects": NAMES,
        "automatic": FLAG,
        "starts": NAMES,
        "ends": NAMES,
    },
)
STAGE: Final = Record(
    {
        "stage": TEXT,
        "title": TEXT,
        "source": TEXT,
        "events": MapOf(Either((_EVENT, ListOf(_EVENT)))),
    },
    {
        "parameters": MapOf(_PARAMETER),
        "facts": MapOf(_FACT),
        "states": MapOf(_STATE),
        "clocks": MapOf(Record({"title": TEXT, "expiry": TEXT}, _CLOCK_KEYS)),
        "exits": NAMES,
    },
)
_PLACE: Final = Record(
    {"stage": TEXT},
    {
        "exits": MapOf(TEXT),
        "parameters": MapOf(ANY),
        "seats": MapOf(NAME_OR_NAMES),
        "optional": FLAG,
    },
)
_CHECK: Final = Value("a kind of check", (str,), allowed=tuple(KINDS))
FAMILY: Final = Record(
    {
        "family": TEXT,
        "title": TEXT,
        "source": TEXT,
        "opened_by": NAME_OR_NAMES,
        "stages": ListOf(_PLACE),
    },
    {
        "code": TEXT,
        "of": TEXT,
        "parameters": MapOf(ANY),
        "anywhere": ListOf(Either((TEXT, _PLACE))),
        "children": MapOf(TEXT),
        "child": FLAG,
        "payee": TEXT,
        "commits": Value("how the budget is bound", (str,), allowed=COMMITS),
        "follows": Value("what it follows", (str,), allowed=("payment",)),
        "checks": Record({}, dict.fromkeys(POINTS, ListOf(_CHECK, "a list of kinds of check"))),
    },
)
ENDS: Final = Record({"ends": MapOf(Record({"title": TEXT, "outcome": TEXT}))})


def shape_problems(source: Source, shape: Shape) -> list[Problem]:
    """Return every unknown key, missing key and wrong type of a file."""
    return list(_walk(source, (), source.data, shape))


def _walk(source: Source, path: Path, value: Any, shape: Shape) -> Iterator[Problem]:
    if isinstance(shape, Either):
        fitting = [option for option in shape.options if _fits(value, option)]
        shape = fitting[0] if fitting else shape
    if not _fits(value, shape):
        yield source.problem(
            path, "yaml-type", f"{_at(path)} must be {_wanted(shape)}, not {value!r}"
        )
    elif isinstance(shape, Record):
        yield from _record(source, path, value, shape)
    elif isinstance(shape, MapOf):
        for key, item in value.items():
            yield from _walk(source, (*path, key), item, shape.item)
    elif isinstance(shape, ListOf):
        for index, item in enumerate(value):
            yield from _walk(source, (*path, index), item, shape.item)


def _record(
    source: Source, path: Path, value: Mapping[str, Any], shape: Record
) -> Iterator[Problem]:
    known = {**shape.required, **shape.optional}
    for key in shape.required:
        if key not in value:
            yield source.problem(path, "yaml-missing-key", f"{_at(path)} lacks the key {key!r}")
    for key, item in value.items():
        if key in known:
            yield from _walk(source, (*path, key), item, known[key])
        else:
            message = f"{_at(path)} has the unknown key {key!r}; known are {', '.join(known)}"
            yield source.problem((*path, key), "yaml-unknown-key", message)


def _fits(value: Any, shape: Shape) -> bool:
    if isinstance(shape, Either):
        return False
    if isinstance(shape, ListOf):
        return isinstance(value, list)
    if isinstance(shape, MapOf | Record):
        return isinstance(value, dict)
    if isinstance(value, bool) and shape.types == (int,):
        return False
    return isinstance(value, shape.types) and (not shape.allowed or value in shape.allowed)


def _wanted(shape: Shape) -> str:
    if isinstance(shape, Value) and shape.allowed:
        return f"{shape.name} ({', '.join(shape.allowed)})"
    return shape.name


def _at(path: Path) -> str:
    return ".".join(str(part) for part in path) or "the file"
