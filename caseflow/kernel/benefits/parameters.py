"""The closed vocabulary of what a bureau may settle where a clause leaves it open.

Each parameter has a type, a unit, bounds, and the ambiguities (domain handbook 1.3) that it
answers. It applies to a measure only where a quote of that measure uses it, and is never wider
than the clause's own figure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, TypeVar

from caseflow.kernel.benefits.facts import fen, percent, percent_text, whole
from caseflow.kernel.benefits.model import BenefitRule, Cap, Figure, Part
from caseflow.kernel.benefits.rounding import DAY_COUNTS, ROUNDINGS
from caseflow.kernel.errors import InvalidInput

Number = TypeVar("Number", int, Fraction)
ValueType = Literal["choice", "boolean", "percent", "fen", "integer", "tiers"]
VOUCHER_MODES: Final = {"A": "先用后补", "B": "先领后兑", "C": "即领即用"}
"""The three ways in which vouchers are paid. (domain handbook 4.5)"""

OPEN_PERIOD: Final = frozenset({"AMB-01", "AMB-14", "AMB-15"})
"""The questions that ask whether a ceiling counts once or every year."""

OPEN_RATE_TIERS: Final = "AMB-19"
YEAR_CONTROLS: Final = ("enterprise_year_fen", "enterprise_year_times")
"""年度总额控制 of an enterprise: 次数 and 资金额度; the text has no numbers (AMB-10)."""
MOST_TIMES: Final = 1000
MOST_TIERS: Final = 20
LONGEST_TIER: Final = 40
"""Bounds against slips of the pen, not of any text: awards a year, tiers, letters of a name."""


@dataclass(frozen=True)
class ParameterKind:
    """A parameter: `answers` are the questions it settles, `bears_on` those it settles in part.

    A question that several kinds answer is settled once all that apply are in force.
    """

    name: str
    title: str
    type: ValueType
    unit: str = ""
    choices: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    bears_on: tuple[str, ...] = ()


PARAMETERS: Final = {
    kind.name: kind
    for kind in (
        ParameterKind("rounding", "金额取整方式", "choice", choices=tuple(ROUNDINGS)),
        ParameterKind("day_count", "天数计算方式", "choice", "天", choices=DAY_COUNTS),
        ParameterKind("tax_inclusive", "基数是否含增值税", "boolean", bears_on=("AMB-37",)),
        ParameterKind(
            "tiers", "分档标准", "tiers", "fen 或 %", answers=("AMB-19", "AMB-21", "AMB-23")
        ),
        ParameterKind("ratio", "支持比例", "percent", "%", (), ("AMB-21",), ("AMB-20",)),
        ParameterKind(
            "cap_period", "最高限额的期间", "choice", "", ("once", "year"),
            ("AMB-01", "AMB-15"), ("AMB-14",),
        ),
        ParameterKind(
            "enterprise_year_fen", "单个企业年度总额", "fen", "fen", answers=("AMB-10",)
        ),
        ParameterKind(
            "enterprise_year_times", "单个企业年度次数", "integer", "次", answers=("AMB-10",)
        ),
        ParameterKind("pool_fen", "本条款年度资金总量", "fen", "fen", answers=("AMB-10",)),
        ParameterKind("voucher_mode", "券的兑付方式", "choice", choices=tuple(VOUCHER_MODES)),
        ParameterKind(
            "allowance_months", "津贴发放月数", "integer", "月", bears_on=("AMB-28",)
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A measure as its parameters see it.

    `questions` are the ids of what its text leaves open, `voucher_mode` is how its workflow pays
    vouchers, `most_months` how many months of an allowance its workflow can run.
    """

    rule: BenefitRule
    form: str
    questions: frozenset[str] = frozenset()
    voucher_mode: str | None = None
    most_months: int | None = None


def applicable(subject: Subject) -> tuple[ParameterKind, ...]:
    """Return the kinds that a quote of this measure uses, in the order of the vocabulary."""
    return tuple(kind for name, kind in PARAMETERS.items() if _USES[name](subject))


def controlling(subject: Subject) -> tuple[ParameterKind, ...]:
    """Return what must be settled of an enterprise's year before anything is planned (AMB-10).

    The pool's total is not among them: the budget line is the pool, and never overdrawn.
    """
    return tuple(PARAMETERS[name] for name in YEAR_CONTROLS if _USES[name](subject))


def takes_tiers(part: Part) -> bool:
    """Return whether a part's figure comes from a table of tiers: it has none of its own."""
    if part.kind == "rate":
        return part.must_decide and OPEN_RATE_TIERS in part.question
    return part.must_decide


def takes_ratio(part: Part) -> bool:
    """Return whether a part's rate is one that a bureau decides for all cases alike."""
    return part.kind in {"rate", "interest"} and bool(part.decided) and not takes_tiers(part)


def counts_open_period(rule: BenefitRule, cap: Cap) -> bool:
    """Return whether a ceiling's words name no period."""
    if cap.kind not in {"case", "object", "year", "life"} or cap.most or cap.count:
        return False
    return any(figure.period is None for figure in figures_of_cap(rule, cap))


def figures_of_cap(rule: BenefitRule, cap: Cap) -> Iterator[Figure]:
    """Yield the figures that a ceiling may have, one a tier."""
    positions = cap.tiers.values() if cap.by else [cap.amount]
    return (rule.amounts[position] for position in positions if position is not None)


def settled_questions(
    subject: Subject, in_force: frozenset[str]
) -> tuple[frozenset[str], Mapping[str, tuple[str, ...]]]:
    """Return the questions that parameters in force settle, and what settles others in part."""
    kinds = applicable(subject)
    settled, partly = set(), {}
    for question in subject.questions:
        answering = [kind.name for kind in kinds if question in kind.answers]
        if answering and in_force.issuperset(answering):
            settled.add(question)
            continue
        touching = [kind.name for kind in kinds if question in kind.bears_on]
        partly[question] = tuple(name for name in (*answering, *touching) if name in in_force)
    return frozenset(settled), partly


def read_parameter(subject: Subject, name: str, given: Any) -> Any:
    """Return the value of a parameter of this measure, as its type.

    A table of tiers is an object: a name to whole fen, or to a percentage written as text.

    Raises:
        InvalidInput: no parameter of this measure, another type, out of bounds, or wider than the
            clause's own figure, whose words the message gives.
    """
    known = {kind.name: kind for kind in applicable(subject)}
    if name not in known:
        raise _refusal("name", f"本条款不使用参数 {name!r}；可录入：{'、'.join(known) or '无'}")
    kind = known[name]
    try:
        return _READERS[kind.type](subject, kind, given)
    except ValueError as error:
        raise _refusal("value", f"{kind.title}：{error}") from None


def stored_value(name: str, value: Any) -> Any:
    """Return a value as JSON that keeps the order of tiers: a list of pairs."""
    if PARAMETERS[name].type == "tiers":
        return [[tier, _plain(figure)] for tier, figure in value.items()]
    return _plain(value)


def typed_value(name: str, stored: Any) -> Any:
    """Return what `stored_value` wrote, as its type."""
    if PARAMETERS[name].type == "tiers":
        return {tier: _typed(figure) for tier, figure in stored}
    return Fraction(stored) if PARAMETERS[name].type == "percent" else stored


def told_value(name: str, value: Any) -> Any:
    """Return a value as it is given: what `read_parameter` reads."""
    stored = stored_value(name, value)
    return dict(stored) if PARAMETERS[name].type == "tiers" else stored


def _plain(value: Any) -> Any:
    return percent_text(value) if isinstance(value, Fraction) else value


def _typed(figure: Any) -> Any:
    return Fraction(figure) if isinstance(figure, str) else figure


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{reason}。", fields={field: reason})


def _choice(subject: Subject, kind: ParameterKind, given: Any) -> str:
    if not isinstance(given, str) or given not in kind.choices:
        raise ValueError(f"须为 {'、'.join(kind.choices)} 之一，不是 {given!r:.40}")
    if kind.name == "voucher_mode" and given != subject.voucher_mode:
        mode = str(subject.voucher_mode)
        raise ValueError(f"本条款的流程是 {mode}（{VOUCHER_MODES[mode]}），参数须与流程一致")
    return given


def _boolean(_: Subject, __: ParameterKind, given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(f"须为 true 或 false，不是 {given!r:.40}")  # noqa: TRY004 - see facts
    return given


def _fen(_: Subject, __: ParameterKind, given: Any) -> int:
    return _positive(fen(given))


def _integer(subject: Subject, kind: ParameterKind, given: Any) -> int:
    most = subject.most_months if kind.name == "allowance_months" else MOST_TIMES
    assert most is not None
    return _positive(whole(given, most, "须为整数"))


def _percent(subject: Subject, _: ParameterKind, given: Any) -> Fraction:
    ratio = _positive(percent(given))
    for part in filter(takes_ratio, subject.rule.parts):
        if part.rate is not None:
            _inside(ratio, subject.rule.rates[part.rate], f"{percent_text(ratio)}%")
    return ratio


def _tiers(subject: Subject, _: ParameterKind, given: Any) -> dict[str, int | Fraction]:
    if not isinstance(given, dict) or not 1 <= len(given) <= MOST_TIERS:
        raise ValueError(f"须为 1 至 {MOST_TIERS} 档的对象：档次名称对应金额（分）或百分数")
    part = next(filter(takes_tiers, subject.rule.parts))
    return {_tier(tier): _figure(subject.rule, part, tier, given[tier]) for tier in given}


def _tier(name: Any) -> str:
    if not isinstance(name, str) or name != name.strip() or not name.isprintable():
        raise ValueError(f"档次名称须为可见文字，首尾不得有空格，不是 {name!r:.40}")
    if not 1 <= len(name) <= LONGEST_TIER:
        raise ValueError(f"档次名称须为 1 至 {LONGEST_TIER} 个字")
    return name


def _figure(rule: BenefitRule, part: Part, tier: str, given: Any) -> int | Fraction:
    """Return what a tier gives, never more than the clause does for that tier or at most."""
    value: int | Fraction
    try:
        value = _positive(percent(given)) if part.kind == "rate" else _positive(fen(given))
    except ValueError as error:
        raise ValueError(f"{tier}：{error}") from None
    limits = sorted(_limits(rule, part, tier), key=lambda figure: figure.value)
    for limit in limits[-1:]:
        _inside(value, limit, tier)
    return value


def _limits(rule: BenefitRule, part: Part, tier: str) -> list[Figure]:
    """Return the clause's figure of that very tier, all it has where none bears its name."""
    if part.kind == "rate":
        return [] if part.rate is None else [rule.rates[part.rate]]
    if part.by is None:
        return [rule.amounts[position] for position in (part.amount,) if position is not None]
    positions = [part.tiers[tier]] if tier in part.tiers else part.tiers.values()
    return [rule.amounts[position] for position in positions]


def _inside(value: int | Fraction, figure: Figure, what: str) -> None:
    if value > figure.value:
        raise ValueError(f"{what}超过条款规定（{figure.words}）")


def _positive(value: Number) -> Number:
    if not value:
        raise ValueError("须大于 0")
    return value


def _pays(subject: Subject) -> bool:
    """Return whether public money is paid: a guarantor's lower fee is not."""
    return bool(subject.rule.parts) and subject.form != "guarantee"


def _has_taxed_base(subject: Subject) -> bool:
    """Return whether a base is a cost, which has VAT in it; money received has none."""
    is_cost = subject.form not in {"matching", "guarantee"}
    return is_cost and any(part.kind == "rate" for part in subject.rule.parts)


def _has_open_period(subject: Subject) -> bool:
    rule = subject.rule
    is_asked = bool(OPEN_PERIOD & subject.questions)
    return is_asked and any(counts_open_period(rule, cap) for cap in rule.caps)


def _controls_years(subject: Subject) -> bool:
    """Return whether the policy puts enterprises under a yearly total (年度总额控制)."""
    return _pays(subject) and "AMB-10" in subject.questions


def _any_part(*kinds: str) -> Callable[[Subject], bool]:
    return lambda subject: any(part.kind in kinds for part in subject.rule.parts)


_USES: Final[dict[str, Callable[[Subject], bool]]] = {
    "rounding": _any_part("rate", "months", "interest"),
    "day_count": lambda subject: any(
        part.period or part.kind == "interest" for part in subject.rule.parts
    ),
    "tax_inclusive": _has_taxed_base,
    "tiers": lambda subject: any(map(takes_tiers, subject.rule.parts)),
    "ratio": lambda subject: any(map(takes_ratio, subject.rule.parts)),
    "cap_period": _has_open_period,
    "enterprise_year_fen": _controls_years,
    "enterprise_year_times": _controls_years,
    "pool_fen": _pays,
    "voucher_mode": lambda subject: bool(subject.rule.parts and subject.voucher_mode),
    "allowance_months": lambda subject: (
        "AMB-28" in subject.questions
        and subject.most_months is not None
        and any(cap.most and cap.kind == "life" for cap in subject.rule.caps)
    ),
}
_READERS: Final[dict[str, Callable[[Subject, ParameterKind, Any], Any]]] = {
    "choice": _choice,
    "boolean": _boolean,
    "percent": _percent,
    "fen": _fen,
    "integer": _integer,
    "tiers": _tiers,
}
