"""Which ceilings a measure has, read from its own figures and from nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from caseflow.kernel.benefits.model import Cap
from caseflow.kernel.caps.model import ORDER, TITLES, CapRule, Scope, StatedAmount

NO_PARAMETERS: Final[Mapping[str, Any]] = {}
APPLICANTS: Final = frozenset({"enterprise", "data_source", "association"})
"""What a figure counts per where that is the applicant; everything else is an object of his."""

BESIDE: Final = frozenset({"item", "range_low"})
"""Figures that add up or bound from below: no ceilings."""

SPOKEN: Final[Mapping[str, frozenset[Scope]]] = {
    "life": frozenset({"project_life", "enterprise_clause_life"}),
    "year": frozenset({"project_year", "enterprise_clause_year"}),
}
"""Of what a cap's title speaks, by its kind; the title of any other fits wherever it points."""

JOINT: Final = "joint_cap"
LIFE_CAP: Final = "life_cap"
MIXED: Final = 2
COUNTED: Final = frozenset({"times", "paid"})
"""Caps without a figure in fen: a number of awards, and what another award takes off (补差)."""

CAP_PERIOD: Final = "cap_period"
"""`year` or `once`: what a bureau decided where the text names no period (AMB-01, AMB-15)."""

POLICY_YEAR_FEN: Final = "policy_year_fen"
POLICY_YEAR_TIMES: Final = "policy_year_times"
"""年度总额控制 of one enterprise, in fen and times; the text has no numbers (AMB-10)."""

POLICY_YEAR_WORDS: Final = "policy_year_words"
"""The document that sets them."""


@dataclass(frozen=True)
class _Found:
    """A rule and the figure that it comes from."""

    rule: CapRule
    figure: StatedAmount


def rules_of(
    amounts: Sequence[StatedAmount],
    caps: Sequence[Cap],
    parameters: Mapping[str, Any] = NO_PARAMETERS,
) -> tuple[CapRule, ...]:
    """Return the ceilings of a measure in the order in which they apply.

    Figures of tiers stand for one another: the counter knows the highest, the quote the right one.
    """
    found = list(_stated(amounts, caps, parameters))
    plain = [each.rule for each in found if each.figure.tier is None]
    rules = _joined([*plain, *_of_tiers([each for each in found if each.figure.tier is not None])])
    rules = _joined([*rules, *_times(caps, rules)])
    rules += [*_distinct(caps), *_policy_year(parameters)]
    return tuple(sorted(rules, key=lambda rule: ORDER.index(rule.scope)))


def _stated(
    amounts: Sequence[StatedAmount], caps: Sequence[Cap], parameters: Mapping[str, Any]
) -> Iterator[_Found]:
    joint = any(amount.kind == JOINT for amount in amounts)
    for position, amount in enumerate(amounts):
        if amount.kind in BESIDE or (joint and amount.kind != JOINT):
            continue
        cap = _pointing(caps, position)
        for scope, times in _scopes(amount, cap, parameters):
            rule = CapRule(
                scope,
                _title(cap, scope),
                amount.words,
                limit_fen=amount.fen * times,
                freed_by_recovery=cap is not None and cap.freed_by_recovery,
            )
            yield _Found(rule, amount)


def _pointing(caps: Sequence[Cap], position: int) -> Cap | None:
    """Return the cap that cuts at the figure, None where none does."""
    for cap in caps:
        if cap.kind not in COUNTED and position in (cap.amount, *cap.tiers.values()):
            return cap
    return None


def _title(cap: Cap | None, scope: Scope) -> str:
    if cap is None or scope not in SPOKEN.get(cap.kind, {scope}):
        return TITLES[scope]
    return cap.title


def _scopes(
    amount: StatedAmount, cap: Cap | None, parameters: Mapping[str, Any]
) -> Iterator[tuple[Scope, int]]:
    """Yield what the figure bounds, and how often it counts there (36 months of an allowance)."""
    mine = amount.per in APPLICANTS
    lives = amount.kind == LIFE_CAP or (cap is not None and cap.kind == "life")
    if lives:
        yield "enterprise_clause_life" if mine else "project_life", (cap and cap.most) or 1
    period = amount.period or parameters.get(CAP_PERIOD) or _customary(cap)
    if period == "year":
        yield "enterprise_clause_year" if mine else "project_year", 1
    elif not lives and period != "month":
        yield "enterprise_clause_life" if mine else "object", 1


def _customary(cap: Cap | None) -> str:
    """Return the period of a figure whose words name none: as the measure's own cap reads it."""
    return "year" if cap is not None and cap.kind == "year" else "once"


def _of_tiers(tiers: Sequence[_Found]) -> list[CapRule]:
    """Tiers that count per different things bound the one object that the case is about."""
    if len({(each.figure.per, each.figure.period) for each in tiers}) < MIXED:
        return [each.rule for each in tiers]
    scope: Scope = "object"
    return [replace(each.rule, scope=scope, title=TITLES[scope]) for each in tiers]


def _joined(rules: Iterable[CapRule]) -> list[CapRule]:
    """Return one rule for each scope: the highest figure, the words of all."""
    joined: dict[Scope, CapRule] = {}
    for rule in rules:
        known = joined.get(rule.scope)
        joined[rule.scope] = _both(known, rule) if known else rule
    return list(joined.values())


def _both(first: CapRule, second: CapRule) -> CapRule:
    words = dict.fromkeys((*first.words.split("；"), *second.words.split("；")))
    titles = dict.fromkeys((first.title, second.title))
    return replace(
        first,
        title="、".join(titles),
        words="；".join(filter(None, words)),
        limit_fen=max(filter(None, (first.limit_fen, second.limit_fen)), default=None),
        limit_times=max(filter(None, (first.limit_times, second.limit_times)), default=None),
        freed_by_recovery=first.freed_by_recovery and second.freed_by_recovery,
    )


def _times(caps: Sequence[Cap], rules: Sequence[CapRule]) -> Iterator[CapRule]:
    """So many awards: of what the cap says itself, else of what the first figure bounds."""
    for cap in caps:
        if cap.kind == "times":
            own = rules[0].scope if rules else "object"
            scope = own if cap.per is None else scope_of(cap)
            yield CapRule(
                scope,
                cap.title,
                cap.words,
                limit_times=cap.most,
                freed_by_recovery=cap.freed_by_recovery,
            )


def scope_of(cap: Cap) -> Scope:
    """Return what a cap that says `per` counts for."""
    mine, yearly = cap.per in APPLICANTS, cap.within == "year"
    if mine:
        return "enterprise_clause_year" if yearly else "enterprise_clause_life"
    return "project_year" if yearly else "object"


def _distinct(caps: Sequence[Cap]) -> Iterator[CapRule]:
    """属于不同……: one award for each value of a fact, under the same ceiling."""
    for cap in caps:
        if cap.distinct is not None:
            title = f"{cap.title}（同类只支持一次）"
            yield CapRule(scope_of(cap), title, cap.words, limit_times=1, distinct=cap.distinct)


def _policy_year(parameters: Mapping[str, Any]) -> Iterator[CapRule]:
    fen, times = parameters.get(POLICY_YEAR_FEN), parameters.get(POLICY_YEAR_TIMES)
    if fen is not None or times is not None:
        scope: Scope = "enterprise_policy_year"
        words = str(parameters.get(POLICY_YEAR_WORDS, ""))
        yield CapRule(scope, TITLES[scope], words, limit_fen=fen, limit_times=times)
