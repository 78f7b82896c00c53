"""What an act brings with it: checked word by word before anything moves."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money
from caseflow.kernel.overlap.matters import matters_data, matters_of
from caseflow.kernel.workflow.model import Fact, Step
from caseflow.kernel.workflow.vocabulary import INPUTS

LONGEST_TEXT: Final = 4000
LONGEST_LIST: Final = 100
MOST_INTEGER: Final = 10**12
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL's text and UTF-8 cannot hold: NUL and halves of surrogate pairs."""


class Given(NamedTuple):
    """A checked payload: all of it, and the part that becomes facts of the case."""

    payload: Mapping[str, Any]
    facts: Mapping[str, Any]


def checked(step: Step, payload: Mapping[str, Any], facts: Mapping[str, Fact]) -> Given:
    """Return the payload of `step`, every value of its type.

    Raises:
        InvalidInput: `fields` names each missing, unknown or wrong value.
    """
    known = (*step.requires, *step.accepts)
    problems = {name: "必填" for name in step.requires if name not in payload}
    for name, value in payload.items():
        if name not in known:
            problems[name] = f"“{step.title}”不收此项；可填：{'、'.join(known) or '无'}"
            continue
        wrong = _wrong(INPUTS.get(name) or facts[name], value)
        if wrong:
            problems[name] = wrong
    if problems:
        listed = "；".join(f"{name}：{reason}" for name, reason in problems.items())
        raise InvalidInput(f"“{step.title}”所填内容有误：{listed}", fields=problems)
    entered = {name: value for name, value in payload.items() if name not in INPUTS}
    return Given(payload=dict(payload), facts=entered)


def _wrong(fact: Fact, value: Any) -> str:
    """Return why `value` is not of the fact's type, empty when it is."""
    return _CHECKS[fact.type](fact, value)


def _boolean(_fact: Fact, value: Any) -> str:
    return "" if isinstance(value, bool) else "须为 true 或 false"


def _integer(_fact: Fact, value: Any) -> str:
    if type(value) is not int:
        return "须为整数"
    return "" if 0 <= value <= MOST_INTEGER else f"须在 0 与 {MOST_INTEGER} 之间"


def _fen(_fact: Fact, value: Any) -> str:
    try:
        Money.from_fen(value)
    except InvalidInput:
        return "须为以分计的非负整数"
    return ""


def _date(_fact: Fact, value: Any) -> str:
    try:
        return "" if date.fromisoformat(value).isoformat() == value else "须为 YYYY-MM-DD"
    except (TypeError, ValueError):
        return "须为日期 YYYY-MM-DD"


def _text(_fact: Fact, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        return "须为非空文字"
    if _UNSTORABLE.search(value):
        return "不得含有空字符或残缺字符"
    return "" if len(value) <= LONGEST_TEXT else f"不得超过 {LONGEST_TEXT} 字"


def _choice(fact: Fact, value: Any) -> str:
    return "" if value in fact.choices else f"须为下列之一：{'、'.join(fact.choices)}"


def _list(fact: Fact, value: Any) -> str:
    if not isinstance(value, list) or not 1 <= len(value) <= LONGEST_LIST:
        return f"须为 1 至 {LONGEST_LIST} 项的列表"
    return next((wrong for item in value if (wrong := _text(fact, item))), "")


def _matters(_fact: Fact, value: Any) -> str:
    """What reaches a decision is in normal form already: a person's number is a commitment."""
    try:
        read = matters_data(matters_of(value, lambda _number: ""))
    except InvalidInput as error:
        return error.message
    return "" if read == value else "须为规范写法"


def _scores(_fact: Fact, value: Any) -> str:
    """Which criteria there are, and how many points, the panel's own terms say."""
    if not isinstance(value, dict) or not 1 <= len(value) <= LONGEST_LIST:
        return f"须为 1 至 {LONGEST_LIST} 项指标的得分"
    names_wrong = (_text(_fact, code) for code in value)
    points_wrong = (_integer(_fact, points) for points in value.values())
    return next((wrong for wrong in (*names_wrong, *points_wrong) if wrong), "")


_CHECKS: Final = {
    "boolean": _boolean,
    "integer": _integer,
    "fen": _fen,
    "date": _date,
    "text": _text,
    "choice": _choice,
    "list": _list,
    "matters": _matters,
    "scores": _scores,
}
