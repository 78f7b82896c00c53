"""Reading facts: every value has the type its definition names; nothing merely looks like it."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from caseflow.kernel.benefits.model import BenefitFact, BenefitRule, Stretch
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN

MOST_COUNT: Final = 1_000_000
_PERCENT: Final = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,6})?", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
HIGHEST_PERCENT: Final = 100
LATEST_YEAR: Final = 2999
MOST_STRETCHES: Final = 500
_STRETCH: Final = ("principal_fen", "begins", "ends", "percent")


def read_facts(rule: BenefitRule, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts given, each as its type: fen and integers as int, percent as Fraction.

    A fact left out is absent; nothing is put in its place here.

    Raises:
        InvalidInput: unknown names and wrong values, all of them at once.
    """
    known = {fact.name: fact for fact in rule.facts}
    faults = {name: f"unknown; known are {', '.join(known)}" for name in given if name not in known}
    values = {}
    for name, value in given.items():
        if name not in known or value is None:
            continue
        try:
            values[name] = _read(known[name], value)
        except ValueError as error:
            faults[name] = f"{known[name].title}：{error}"
    if faults:
        told = "；".join(f"{name}: {reason}" for name, reason in faults.items())
        raise InvalidInput(f"事实有误：{told}", fields=faults)
    return values


def lacking(rule: BenefitRule, values: Mapping[str, Any]) -> Iterator[BenefitFact]:
    """Yield the facts without which nothing can be computed."""
    for fact in rule.facts:
        if fact.required and fact.name not in values:
            yield fact


def _read(fact: BenefitFact, value: Any) -> Any:
    return _READERS[fact.type](fact, value)


def _fen(_: BenefitFact, value: Any) -> int:
    return fen(value)


def fen(value: Any) -> int:
    """Return an amount in fen.

    Raises:
        ValueError: no whole number, or beyond all measure; the text says so in Chinese.
    """
    return whole(value, MOST_FEN, "须为以分为单位的整数")


def _integer(_: BenefitFact, value: Any) -> int:
    return whole(value, MOST_COUNT, "须为整数")


def whole(value: Any, most: int, what: str) -> int:
    """Return a whole number from 0 to `most`; a bool or a float is none.

    Raises:
        ValueError: it is none; `what` says in Chinese what is wanted.
    """
    if type(value) is not int:
        raise ValueError(f"{what}，不是 {value!r:.40}")
    if not 0 <= value <= most:
        raise ValueError(f"须在 0 与 {most} 之间")
    return value


def _percent(_: BenefitFact, value: Any) -> Fraction:
    return percent(value)


def percent(value: Any) -> Fraction:
    """Return a percentage written as text, e.g. "12.5", exactly.

    Raises:
        ValueError: not such a text, or over 100.
    """
    if not isinstance(value, str) or not _PERCENT.fullmatch(value):
        raise ValueError(f'须为文本写的百分数，如 "12.5"，不是 {value!r:.40}')
    read = Fraction(value)
    if read > HIGHEST_PERCENT:
        raise ValueError("不得超过 100")
    return read


def percent_text(value: Fraction) -> str:
    """Return a percentage as `percent` reads it."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


def _date(_: BenefitFact, value: Any) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError(f"须为日期，如 2026-05-14，不是 {value!r:.40}")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value} 不是日历上的日期") from None
    if day.year > LATEST_YEAR:
        raise ValueError(f"年份不得晚于 {LATEST_YEAR}")
    return day


def _boolean(_: BenefitFact, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"须为 true 或 false，不是 {value!r:.40}")  # noqa: TRY004 - see above
    return value


def _choice(fact: BenefitFact, value: Any) -> str:
    if not isinstance(value, str) or value not in fact.choices:
        raise ValueError(f"须为 {'、'.join(fact.choices)} 之一，不是 {value!r:.40}")
    return value


def _stretches(fact: BenefitFact, value: Any) -> tuple[Stretch, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_STRETCHES:
        raise ValueError(f"须为 1 至 {MOST_STRETCHES} 段的列表")
    return tuple(_stretch(fact, number, each) for number, each in enumerate(value, 1))


def _stretch(fact: BenefitFact, number: int, value: Any) -> Stretch:
    if not isinstance(value, dict) or set(value) != set(_STRETCH):
        raise ValueError(f"第{number}段须写明 {'、'.join(_STRETCH)}")
    try:
        stretch = Stretch(
            _fen(fact, value["principal_fen"]),
            _date(fact, value["begins"]),
            _date(fact, value["ends"]),
            _percent(fact, value["percent"]),
        )
    except ValueError as error:
        raise ValueError(f"第{number}段{error}") from None
    if stretch.ends < stretch.begins:
        raise ValueError(f"第{number}段止于 {stretch.ends}，早于起日 {stretch.begins}")
    return stretch


_READERS: Final[dict[str, Callable[[BenefitFact, Any], Any]]] = {
    "fen": _fen,
    "integer": _integer,
    "percent": _percent,
    "date": _date,
    "boolean": _boolean,
    "choice": _choice,
    "stretches": _stretches,
}
