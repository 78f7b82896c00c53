"""What single cases have of their own, from a file: JSON, or a table with a column an input.

A table's first column is 办件编号; the others are headed by an input's title, where money is in
yuan, or by its name, where it is in fen as in JSON. An empty cell says nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

import orjson

from caseflow.batches.bulk.wanted import Wanted, chosen
from caseflow.cases.service import Cases
from caseflow.funds.sheets import read_columns
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money
from caseflow.kernel.workflow.model import Fact
from caseflow.kernel.workflow.vocabulary import INPUTS

CASE: Final = "办件编号"
NUMBERING: Final = "序号"
WORDS: Final = {"是": True, "true": True, "否": False, "false": False}
Reader = Callable[[str], Any]


def with_values(cases: Cases, actor: Actor, wanted: Wanted, content: bytes, *, name: str) -> Wanted:
    """Return `wanted` with the values of the file `name` (.json, .xlsx, else CSV) beside its own.

    Where no case is named and no filter given, the file's cases are meant.

    Raises:
        InvalidInput: the file cannot be read; `fields` tells row and column of a wrong value.
    """
    if name.lower().endswith(".json"):
        return _joined(wanted, _json(content))
    rows = read_columns(content, CASE, name=name)
    named = _joined(wanted, {str(row[CASE]): {} for row in rows})
    inputs = _inputs(cases, actor, named)
    values: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        case = str(row.pop(CASE))
        if case in values:
            raise _wrong(number, CASE, f"{case} 出现两次")
        cells = {title: cell for title, cell in row.items() if cell is not None}
        cells.pop(NUMBERING, None)
        values[case] = dict(_value(number, inputs, *cell) for cell in cells.items())
    return _joined(wanted, values)


def _joined(wanted: Wanted, values: Mapping[str, Mapping[str, Any]]) -> Wanted:
    is_open = not wanted.cases and wanted.filter is None
    return replace(wanted, values=values, cases=tuple(values) if is_open else wanted.cases)


def _json(content: bytes) -> dict[str, dict[str, Any]]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"不是有效的 JSON：{error}。", fields={"file": "JSON"}) from error
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        told = '须为 {"办件编号": {"名称": 值}}'
        raise InvalidInput(f"{told}。", fields={"file": told})
    return found


def _inputs(cases: Cases, actor: Actor, wanted: Wanted) -> dict[str, Fact]:
    """Return what the event takes in any of the cases' workflows, by name."""
    with cases.database.session() as session:
        hashes = {each.workflow_hash for each in chosen(session, actor, wanted)}
    found: dict[str, Fact] = {}
    with cases.connect() as connection:
        for each in hashes:
            runner = cases.pinned.runner(connection, each)
            workflow = runner.workflow
            for step in (*workflow.steps.values(), *workflow.acts.values()):
                if step.event == wanted.event:
                    names = (*step.requires, *step.accepts)
                    found |= {name: INPUTS.get(name) or runner.facts[name] for name in names}
    return found


def _value(number: int, inputs: Mapping[str, Fact], title: str, cell: Any) -> tuple[str, Any]:
    """Return the name of the input that a cell is about, and its value."""
    named = inputs.get(title)
    fact = named or next((each for each in inputs.values() if _heads(title, each)), None)
    if fact is None:
        known = "、".join(each.title for each in inputs.values()) or "无"
        raise _wrong(number, title, f"不收此项；可填：{known}")
    try:
        return fact.name, _read(fact, cell, in_fen=named is not None)
    except (InvalidInput, ValueError, KeyError) as error:
        raise _wrong(number, title, f"{cell!s:.40} 不是{fact.title}应填的内容") from error


def _heads(title: str, fact: Fact) -> bool:
    """A heading comes without what stands in brackets, so a title counts without it as well."""
    return title in {fact.title, fact.title.split("（", maxsplit=1)[0]}


def _read(fact: Fact, cell: Any, *, in_fen: bool) -> Any:
    text = cell.isoformat() if isinstance(cell, date) else str(cell)
    if fact.type == "fen":
        return int(text) if in_fen else Money.from_yuan(text.replace(",", "")).fen
    return _READERS[fact.type](text)


def _list(text: str) -> list[str]:
    return [each for each in text.replace("；", "\n").splitlines() if each.strip()]


_READERS: Final[dict[str, Reader]] = {
    "boolean": lambda text: WORDS[text.lower()],
    "integer": int,
    "date": lambda text: date.fromisoformat(text).isoformat(),
    "text": str,
    "choice": str,
    "list": _list,
}
"""Matters and score sheets are no cells: they come as JSON."""


def _wrong(row: int, title: str, reason: str) -> InvalidInput:
    told = f"第 {row} 行“{title}”：{reason}"
    return InvalidInput(f"{told}。", fields={f"values.{row}.{title}": reason})
