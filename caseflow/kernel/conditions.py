"""Conditions on facts: read from a definition, tested on a case, explained, searched exhaustively.

A condition is `{fact: {operator: value}}`; all of its tests must hold. A fact that is missing
fails every test. 以上、以下 (`at_least`, `at_most`) include the number; 超过、不满 do not.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import product
from typing import Any, Final

from caseflow.kernel.errors import CaseflowError
from caseflow.kernel.workflow.model import Fact, FactType, Test
from caseflow.kernel.workflow.vocabulary import OPERATORS


@dataclass(frozen=True)
class Fault:
    """What is wrong with a condition; `path` is (fact,) or (fact, operator)."""

    path: tuple[str, ...]
    rule: str
    message: str


class ConditionError(CaseflowError):
    """A condition uses a word that does not exist or a value of the wrong type; see `faults`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


# --- reading


def parse(
    conditions: Mapping[str, Mapping[str, Any]],
    *,
    facts: Mapping[str, Fact],
    parameters: Mapping[str, Any],
) -> tuple[Test, ...]:
    """Return the tests of `{fact: {operator: value}}`; a value may be `$parameter`.

    Raises:
        ConditionError: every unknown fact, operator and parameter and every wrong type at once.
    """
    tests: list[Test] = []
    faults: list[Fault] = []
    for name, comparisons in conditions.items():
        if name not in facts:
            message = f"the fact {name!r} is neither declared by a stage nor kept by the system"
            faults.append(Fault((name,), "unknown-fact", message))
            continue
        for op, written in comparisons.items():
            found = _test(facts[name], op, written, parameters)
            (tests if isinstance(found, Test) else faults).append(found)  # type: ignore[arg-type]
    if faults:
        raise ConditionError(faults)
    return tuple(tests)


def _test(fact: Fact, op: str, written: Any, parameters: Mapping[str, Any]) -> Test | Fault:
    path = (fact.name, op)
    if op not in OPERATORS:
        known = ", ".join(OPERATORS)
        return Fault(path, "unknown-operator", f"there is no operator {op!r}; known are {known}")
    if fact.type not in OPERATORS[op]:
        takes = ", ".join(OPERATORS[op])
        message = f"{op!r} compares {takes}; {fact.name!r} is {fact.type}"
        return Fault(path, "unknown-operator", message)
    value = written
    if isinstance(written, str) and written.startswith("$"):
        if written[1:] not in parameters:
            message = f"there is no parameter {written!r} in this stage"
            return Fault(path, "unknown-parameter", message)
        value = parameters[written[1:]]
    if not _fits(fact, op, value):
        message = f"{fact.name!r} ({fact.type}) cannot be compared by {op!r} with {value!r}"
        return Fault(path, "yaml-type", message)
    return Test(fact.name, op, plain(value))


def _fits(fact: Fact, op: str, value: Any) -> bool:
    if op == "one_of":
        return isinstance(value, list) and bool(value) and all(fits(fact, item) for item in value)
    return fits(fact, value)


def fits(fact: Fact, value: Any) -> bool:
    """Say whether `value` has the fact's type and, for a choice, is one of its choices."""
    if fact.type == "choice":
        return isinstance(value, str) and value in fact.choices
    if fact.type == "date":
        return isinstance(value, date) or (isinstance(value, str) and _is_iso_date(value))
    wanted = {"boolean": bool, "integer": int, "fen": int, "text": str}.get(fact.type, list)
    return type(value) is wanted


def _is_iso_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def plain(value: Any) -> Any:
    """Return `value` as it is stored: dates as ISO text, lists as tuples."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return value


# --- testing

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "is": operator.eq,
    "equals": operator.eq,
    "at_least": operator.ge,
    "more_than": operator.gt,
    "at_most": operator.le,
    "less_than": operator.lt,
}


def holds(test: Test, facts: Mapping[str, Any]) -> bool:
    """Say whether one test holds. A missing fact, or one of another type, fails it."""
    actual = plain(facts.get(test.fact))
    if test.op == "one_of":
        return any(_same_type(actual, item) and actual == item for item in test.value)
    value = plain(test.value)
    return _same_type(actual, value) and _COMPARE[test.op](actual, value)


def all_hold(tests: Iterable[Test], facts: Mapping[str, Any]) -> bool:
    """Say whether every test holds; no tests hold always."""
    return all(holds(test, facts) for test in tests)


def failed(tests: Iterable[Test], facts: Mapping[str, Any]) -> tuple[Test, ...]:
    """Return the tests that do not hold, in their order."""
    return tuple(test for test in tests if not holds(test, facts))


def _same_type(actual: Any, value: Any) -> bool:
    return actual is not None and type(actual) is type(value)


# --- explaining

_WORDS: Final = {
    "is": "要求为",
    "equals": "要求为",
    "one_of": "要求为下列之一：",
    "at_least": "要求不低于",
    "more_than": "要求超过",
    "at_most": "要求不超过",
    "less_than": "要求低于",
}
_DATE_WORDS: Final = {
    **_WORDS,
    "at_least": "要求不早于",
    "more_than": "要求晚于",
    "at_most": "要求不晚于",
    "less_than": "要求早于",
}


def explain(test: Test, facts: Mapping[str, Any], definitions: Mapping[str, Fact]) -> str:
    """Say in Chinese what the fact is and what is asked of it, e.g. 评审得分为55，要求不低于60."""
    fact = definitions[test.fact]
    words = _DATE_WORDS if fact.type == "date" else _WORDS
    asked = words[test.op] + _shown(fact, test.value)
    actual = facts.get(test.fact)
    if actual is None:
        return f"{fact.title}尚未填写，{asked}"
    return f"{fact.title}为{_shown(fact, actual)}，{asked}"


def _shown(fact: Fact, value: Any) -> str:
    if isinstance(value, list | tuple):
        return "、".join(_shown(fact, item) for item in value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if fact.type == "fen" and isinstance(value, int):
        sign, yuan, fen = "-" if value < 0 else "", abs(value) // 100, abs(value) % 100
        return f"{sign}{yuan:,}.{fen:02d}元"
    if fact.type == "date":
        return str(plain(value))
    return f"{value}{fact.unit}"


# --- searching


def points(fact: Fact, tests: Iterable[Test]) -> tuple[Any, ...]:
    """Return one value of every region into which the tests on `fact` cut its domain.

    Numbers and dates: each value compared with, and its neighbours, so every interval between two
    cuts is met. Counts of the system and amounts of money are never negative. Choices: each that
    is compared with, and one of the others.
    """
    if fact.type == "boolean":
        return (False, True)
    cuts = {value for test in tests if test.fact == fact.name for value in _values(test)}
    if fact.type == "choice":
        others = [choice for choice in fact.choices if choice not in cuts]
        return (*(choice for choice in fact.choices if choice in cuts), *others[:1])
    if fact.type == "date":
        return tuple(sorted({day for cut in cuts for day in _days_around(cut)}))
    around = {cut + step for cut in cuts for step in (-1, 0, 1)}
    if fact.system or fact.type == "fen":
        around = {number for number in around if number >= 0}
    return tuple(sorted(around))


def _values(test: Test) -> tuple[Any, ...]:
    return tuple(test.value) if test.op == "one_of" else (test.value,)


def _days_around(cut: str) -> Iterator[str]:
    day = date.fromisoformat(cut)
    return ((day + timedelta(days=step)).isoformat() for step in (-1, 0, 1))


def regions(
    tests: Sequence[Test], facts: Mapping[str, Fact], *, within: Sequence[Test] = ()
) -> Iterator[dict[str, Any]]:
    """Yield one assignment for every region of the facts that `tests` read and `within` allows."""
    names = dict.fromkeys(test.fact for test in tests)
    allowed = [_allowed(facts[name], (*tests, *within), within) for name in names]
    for values in product(*allowed):
        yield dict(zip(names, values, strict=True))


def can_all_hold(tests: Sequence[Test], facts: Mapping[str, Fact]) -> bool:
    """Say whether some facts satisfy all tests; each test reads one fact, so fact by fact."""
    names = dict.fromkeys(test.fact for test in tests)
    return all(
        _satisfiable(
            facts[name].type,
            facts[name].choices,
            tuple(test for test in tests if test.fact == name),
            system=facts[name].system,
        )
        for name in names
    )


@cache
def _satisfiable(
    kind: FactType, choices: tuple[str, ...], tests: tuple[Test, ...], *, system: bool
) -> bool:
    """Say whether one fact can satisfy all of its tests; the same few are asked again and again."""
    fact = Fact(tests[0].fact, kind, "", choices, system=system)
    return any(all_hold(tests, {fact.name: value}) for value in points(fact, tests))


def _allowed(fact: Fact, tests: Sequence[Test], within: Sequence[Test]) -> list[Any]:
    own = [test for test in within if test.fact == fact.name]
    return [value for value in points(fact, tests) if all_hold(own, {fact.name: value})]
