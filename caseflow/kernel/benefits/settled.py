"""What parameters do to a quote: the facts, figures and ceilings they add, and what they replace.

Without parameters nothing changes. Every line that comes from one names its document and day.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from caseflow.kernel.benefits.model import (
    BenefitFact,
    BenefitRule,
    Cap,
    CapKind,
    Figure,
    Parameter,
    Part,
)
from caseflow.kernel.benefits.parameters import (
    VOUCHER_MODES,
    counts_open_period,
    takes_ratio,
    takes_tiers,
)
from caseflow.kernel.benefits.sheet import DEFAULT_DAY_COUNT, DEFAULT_ROUNDING, Sheet, Terms
from caseflow.kernel.errors import InvalidInput

TIER: Final = "tier"
"""The fact that says into which tier of a bureau's table a matter falls."""

THIS_YEAR: Final = "granted_this_year_fen"
IN_ALL: Final = "granted_in_all_fen"
ENTERPRISE_FEN: Final = "granted_to_enterprise_this_year_fen"
ENTERPRISE_TIMES: Final = "awards_to_enterprise_this_year"
POOL: Final = "committed_of_pool_fen"
PRIOR: Final = {
    THIS_YEAR: "本年度按本条款已享受金额",
    IN_ALL: "政策有效期内按本条款已享受金额",
    ENTERPRISE_FEN: "本年度该企业按本政策已享受金额合计",
    POOL: "本年度本条款已安排金额合计",
}
"""The sums that ceilings from parameters count, as they are asked for."""

PERIODS: Final[dict[str, tuple[CapKind, str, str]]] = {
    "once": ("life", IN_ALL, "按政策有效期累计"),
    "year": ("year", THIS_YEAR, "按年度"),
}
"""What `cap_period` makes of a ceiling: its kind, the fact it counts, and how that is called."""

_ASIDE: Final = re.compile(r"（[^（）]*）$")


@dataclass(frozen=True)
class Standard:
    """A figure that holds for a case, and by which words."""

    value: Fraction
    words: str


def settle(rule: BenefitRule, parameters: Mapping[str, Parameter]) -> BenefitRule:
    """Return the rule with what the parameters add to it and replace in it."""
    for name, change in _CHANGES.items():
        if name in parameters:
            rule = change(rule, parameters[name])
    return rule


def settled_terms(
    parameters: Mapping[str, Parameter], rounding: str | None = None, day_count: str | None = None
) -> Terms:
    """Return the terms of a quote: what is settled, else what is asked for, else the default.

    Raises:
        InvalidInput: another rounding or day count is asked for than is settled.
    """
    return Terms(
        _agreed(parameters, "rounding", rounding) or DEFAULT_ROUNDING,
        _agreed(parameters, "day_count", day_count) or DEFAULT_DAY_COUNT,
        parameters,
    )


def standard(sheet: Sheet, part: Part) -> Standard | None:
    """Return the figure that a bureau's parameters give this part, None where they give none."""
    parameters = sheet.terms.parameters
    if takes_tiers(part) and "tiers" in parameters:
        table = parameters["tiers"]
        tier = sheet.values.get(tier_fact(sheet.rule, part, table))
        if tier is not None:
            words = f"档次“{tier}”，{table.source}"
            return Standard(Fraction(table.value[tier]), words)
    if takes_ratio(part) and "ratio" in parameters:
        ratio = parameters["ratio"]
        return Standard(ratio.value, f"比例按{ratio.source}")
    return None


def tier_fact(rule: BenefitRule, part: Part, table: Parameter) -> str:
    """Return the fact that names a matter's tier: the clause's own where its names are the same."""
    own = next((fact for fact in rule.facts if fact.name == part.by), None)
    return own.name if own and set(own.choices) == set(table.value) else TIER


def vat_fact(base: str) -> str:
    """Return the fact that says how much VAT is in a base."""
    return f"{base.removesuffix('_fen')}_vat_fen"


def tell(sheet: Sheet) -> None:
    """Write what parameters say of the whole quote: how a voucher is paid."""
    mode = sheet.terms.parameters.get("voucher_mode")
    if mode is not None:
        title = f"兑付方式：{VOUCHER_MODES[mode.value]}（{mode.source}）"
        sheet.write("base", "voucher_mode", title, 0)


def tax_told(sheet: Sheet) -> str:
    """Return what a base's title says of VAT, nothing where that is not settled."""
    settled = sheet.terms.parameters.get("tax_inclusive")
    if settled is None:
        return ""
    return f"（{'含' if settled.value else '不含'}增值税，{settled.source}）"


def _agreed(parameters: Mapping[str, Parameter], name: str, asked: str | None) -> str | None:
    settled = parameters.get(name)
    if settled is None:
        return asked
    if asked not in {None, settled.value}:
        reason = f"已确认为 {settled.value}（{settled.source}），不能按 {asked} 测算"
        raise InvalidInput(f"{name}：{reason}。", fields={name: reason})
    return str(settled.value)


def _with_facts(rule: BenefitRule, *facts: BenefitFact) -> BenefitRule:
    known = {fact.name for fact in rule.facts}
    return replace(rule, facts=(*rule.facts, *(each for each in facts if each.name not in known)))


def _prior(name: str) -> BenefitFact:
    return BenefitFact(name, PRIOR[name], "fen", "prior", unit="fen")


def _with_tiers(rule: BenefitRule, table: Parameter) -> BenefitRule:
    for part in filter(takes_tiers, rule.parts):
        if tier_fact(rule, part, table) == TIER:
            choices = tuple(table.value)
            fact = BenefitFact(TIER, f"档次（{table.source}）", "choice", "tier", choices=choices,
                               optional=True)  # fmt: skip
            rule = _with_facts(rule, fact)
    return rule


def _without_tax(rule: BenefitRule, settled: Parameter) -> BenefitRule:
    if settled.value:
        return rule
    facts = (
        BenefitFact(vat_fact(part.base), f"{part.title}中的增值税额", "fen", "prior", unit="fen")
        for part in rule.parts
        if part.kind == "rate" and part.base
    )
    return _with_facts(rule, *facts)


def _with_period(rule: BenefitRule, settled: Parameter) -> BenefitRule:
    """Let ceilings whose words name no period count as settled, and what they counted go."""
    caps = tuple(
        _counted(cap, settled) if counts_open_period(rule, cap) else cap for cap in rule.caps
    )
    kept = {cap.less for cap in caps} | {name for part in rule.parts for name in part.less}
    gone = {cap.less for cap in rule.caps} - kept
    facts = tuple(fact for fact in rule.facts if fact.name not in gone)
    added = [_prior(PERIODS[settled.value][1])]
    return _with_facts(replace(rule, caps=caps, facts=facts), *added)


def _counted(cap: Cap, settled: Parameter) -> Cap:
    kind, less, words = PERIODS[settled.value]
    title = _ASIDE.sub("", cap.title).replace("每年", "")
    title = f"{title}（{words}，{settled.source}）"
    return replace(cap, kind=kind, less=cap.less if cap.kind == kind else less, title=title)


def _with_months(rule: BenefitRule, settled: Parameter) -> BenefitRule:
    title = f"累计不超过{settled.value}个月（{settled.source}）"
    caps = tuple(
        replace(cap, most=settled.value, title=title) if cap.kind == "life" and cap.most else cap
        for cap in rule.caps
    )
    return replace(rule, caps=caps)


def _with_ceiling(
    rule: BenefitRule, settled: Parameter, *, kind: CapKind, title: str, less: str
) -> BenefitRule:
    """Add a ceiling that no clause has the figure of, after those of the clause."""
    figure = Figure(Fraction(settled.value), "ceiling", settled.source)
    cap = Cap(kind, title, amount=len(rule.amounts), less=less)
    rule = replace(rule, amounts=(*rule.amounts, figure), caps=(*rule.caps, cap))
    return _with_facts(rule, _prior(less))


def _with_enterprise_total(rule: BenefitRule, settled: Parameter) -> BenefitRule:
    title = "单个企业年度总额"
    return _with_ceiling(rule, settled, kind="enterprise_year", title=title, less=ENTERPRISE_FEN)


def _with_enterprise_times(rule: BenefitRule, settled: Parameter) -> BenefitRule:
    title = f"单个企业每年不超过{settled.value}次（{settled.source}）"
    cap = Cap("times", title, most=settled.value, counted=ENTERPRISE_TIMES)
    fact = BenefitFact(ENTERPRISE_TIMES, "本年度该企业按本政策已享受次数", "integer", "prior",
                       unit="次")  # fmt: skip
    return _with_facts(replace(rule, caps=(*rule.caps, cap)), fact)


def _with_pool(rule: BenefitRule, settled: Parameter) -> BenefitRule:
    return _with_ceiling(rule, settled, kind="pool", title="本条款年度资金总量", less=POOL)


_CHANGES: Final[dict[str, Callable[[BenefitRule, Any], BenefitRule]]] = {
    "tiers": _with_tiers,
    "tax_inclusive": _without_tax,
    "cap_period": _with_period,
    "allowance_months": _with_months,
    "enterprise_year_times": _with_enterprise_times,
    "enterprise_year_fen": _with_enterprise_total,
    "pool_fen": _with_pool,
}
"""In the order of the ceilings (domain handbook 5.2): an enterprise's year before the pool."""
