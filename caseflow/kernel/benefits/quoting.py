"""From facts to an amount: conditions, parts that add, caps that cut; each a line with words."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from caseflow.kernel.benefits.caps import cut
from caseflow.kernel.benefits.facts import lacking, read_facts
from caseflow.kernel.benefits.model import BenefitFact, BenefitRule, Quote
from caseflow.kernel.benefits.parts import give
from caseflow.kernel.benefits.settled import settle, tell
from caseflow.kernel.benefits.sheet import Sheet, Terms
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.errors import QuoteRefused
from caseflow.kernel.workflow.model import Test


def quote(rule: BenefitRule, given: Mapping[str, Any], terms: Terms | None = None) -> Quote:
    """Return what the clause gives for these facts under the parameters in force, and why.

    Raises:
        InvalidInput: unknown facts, wrong types or units, figures beyond all measure.
        QuoteRefused: a fact is missing, a condition is not met, or a bureau must decide first.
    """
    terms = terms or Terms()
    rule = settle(rule, terms.parameters)
    sheet = Sheet(rule, read_facts(rule, given), terms)
    missing = lacking(rule, sheet.values)
    _refuse([(fact.name, f"须填写{fact.title}（{fact.name}）") for fact in missing])
    _refuse(list(_unmet(sheet)))
    tell(sheet)
    for part in rule.parts:
        give(sheet, part)
    for cap in rule.caps:
        cut(sheet, cap)
    return Quote(sheet.fen, tuple(sheet.lines), tuple(sheet.open))


def _refuse(reasons: list[tuple[str, str]]) -> None:
    if reasons:
        told = "；".join(text for _, text in reasons)
        raise QuoteRefused(f"不能计算：{told}。", reasons=dict(reasons))


def _unmet(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Yield the conditions that are not met; what is not told stays open."""
    groups: dict[tuple[str | None, str], list[tuple[BenefitFact, bool | None]]] = {}
    for fact in sheet.rule.facts:
        if fact.role == "condition" or fact.must:
            key = (fact.any, fact.any or fact.name)
            groups.setdefault(key, []).append((fact, _holds(sheet, fact)))
    for (_, name), members in groups.items():
        words = "，或".join(fact.words or fact.title for fact, _ in members)
        if any(holds for _, holds in members):
            continue
        if any(holds is None for _, holds in members):
            sheet.ask(name, f"待核实：{words}")
        else:
            yield name, f"不符合条件“{words}”"


def _holds(sheet: Sheet, fact: BenefitFact) -> bool | None:
    """Return whether a condition holds, None where the fact is not told."""
    if fact.name not in sheet.values:
        return None
    must = fact.must or {"is": True}
    tests = (Test(fact.name, op, _wanted(fact, value)) for op, value in must.items())
    return all_hold(tests, sheet.values)


def _wanted(fact: BenefitFact, value: Any) -> Any:
    return Fraction(value) if fact.type == "percent" else value
