"""How two states of a policy differ: field by field, measure by measure, line by line."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

IDENTITIES: Final = (("id",), ("measure",), ("number",), ("party",), ("kind", "child"))
"""What names an item of a list: open questions, articles and indicators, shares, documents."""

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One value that differs; None on the side that does not have it.

    `path` leads to it: `benefit.amounts[0].yuan`, `documents[kind=contract].title`.
    """

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Content:
    """What is compared of a policy: its definition, its measures by id, its words; `name` of it."""

    name: str
    policy: Item
    measures: Mapping[str, Item]
    text: str


@dataclass(frozen=True)
class MeasureChanges:
    """What differs in a measure that both states have."""

    measure: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Difference:
    """How a policy differs from what it was; `text` has the lines of a unified diff."""

    policy: tuple[Change, ...]
    measures_added: tuple[str, ...]
    measures_removed: tuple[str, ...]
    measures_changed: tuple[MeasureChanges, ...]
    text: tuple[str, ...]


def compare(before: Content, after: Content) -> Difference:
    """Return how `after` differs from `before`."""
    old, new = before.measures, after.measures
    kept = sorted(old.keys() & new.keys(), key=_reading_order)
    found = (MeasureChanges(code, differences(old[code], new[code])) for code in kept)
    return Difference(
        policy=differences(before.policy, after.policy),
        measures_added=tuple(sorted(new.keys() - old.keys(), key=_reading_order)),
        measures_removed=tuple(sorted(old.keys() - new.keys(), key=_reading_order)),
        measures_changed=tuple(each for each in found if each.changes),
        text=_text_changes(before, after),
    )


def differences(before: Item, after: Item) -> tuple[Change, ...]:
    """Return every value that differs between two plain definitions, by path.

    Items of a list are matched by what names them (see IDENTITIES), else by their position. A key
    that one side lacks is the same as an empty one: an older version had no such field.
    """
    return tuple(_mappings(_plain(before), _plain(after), ""))


def _plain(value: Any) -> Any:
    """Return `value` as JSON would have it, so that a file and a row compare."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _mappings(before: Item, after: Item, path: str) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        if key in before and key in after:
            yield from _values(before[key], after[key], f"{path}{key}")
        elif (given := before.get(key, after.get(key))) not in (None, [], {}):
            yield _one_sided(given, f"{path}{key}", is_new=key in after)


def _values(before: Any, after: Any, path: str) -> Iterator[Change]:
    if json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _mappings(before, after, f"{path}.")
    elif _is_records(before) and _is_records(after):
        yield from _lists(before, after, path)
    else:
        yield Change(path, before, after)


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _lists(before: list[Item], after: list[Item], path: str) -> Iterator[Change]:
    keys = next((k for k in IDENTITIES if _names(before, k) and _names(after, k)), ())
    old, new = _by_name(before, keys), _by_name(after, keys)
    for name in dict.fromkeys([*old, *new]):
        inner = f"{path}[{name}]"
        if name in old and name in new:
            yield from _values(old[name], new[name], inner)
        else:
            yield _one_sided(old.get(name, new.get(name)), inner, is_new=name in new)
    order = [name for name in old if name in new], [name for name in new if name in old]
    if order[0] != order[1]:
        yield Change(f"{path}[order]", *order)


def _names(items: Sequence[Item], keys: tuple[str, ...]) -> bool:
    """Return whether `keys` name every item, each by another name."""
    has_all = all(key in item for item in items for key in keys)
    return has_all and len(_by_name(items, keys)) == len(items)


def _by_name(items: Sequence[Item], keys: tuple[str, ...]) -> dict[str, Item]:
    """Return the items by what names them; by their position where no keys are given."""
    if not keys:
        return {str(index): item for index, item in enumerate(items)}
    return {
        ",".join(f"{key}={item[key]}" for key in keys if item[key] is not None): item
        for item in items
    }


def _one_sided(value: Any, path: str, *, is_new: bool) -> Change:
    return Change(path, None, value) if is_new else Change(path, value, None)


def _text_changes(before: Content, after: Content) -> tuple[str, ...]:
    old, new = before.text.split("\n"), after.text.split("\n")
    lines = difflib.unified_diff(old, new, before.name, after.name, lineterm="", n=1)
    return tuple(lines)


def _reading_order(code: str) -> list[int | str]:
    """Return the key that sorts ids as they read: 1a, 1b, 2a, 10a."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", code)]
