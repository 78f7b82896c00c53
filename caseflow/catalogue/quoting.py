"""Quotes: what a measure would give for these facts on this day, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import prod
from typing import Any, Final

from caseflow.catalogue.measures import ALLOWANCE, ALLOWANCE_LENGTH, FEN_PER_YUAN, Measure
from caseflow.catalogue.policies import Policy
from caseflow.catalogue.queries import NOT_IN_FORCE, LoadedMeasure, status_on
from caseflow.kernel.benefits.facts import read_facts
from caseflow.kernel.benefits.model import (
    MATTER_ON,
    BenefitFact,
    BenefitRule,
    Cap,
    Figure,
    Open,
    Parameter,
    Part,
    Quote,
)
from caseflow.kernel.benefits.parameters import PARAMETERS, Subject, settled_questions
from caseflow.kernel.benefits.quoting import quote
from caseflow.kernel.benefits.settled import settle
from caseflow.kernel.benefits.sheet import Terms
from caseflow.kernel.errors import QuoteRefused

DRAFT: Final = "consultation_draft"
SHOWN: Final = ("name", "title", "type", "unit", "role")
"""What is told of every fact; its choices, bounds and words where it has any."""

VOUCHERS: Final = "vouchers"
MODES: Final = {"vouchers": "A", "issued_vouchers": "B", "instant_vouchers": "C"}
"""How each workflow of the family pays its vouchers. (domain handbook 4.5)"""


@dataclass(frozen=True)
class Clause:
    """A measure on a day, as a quote needs it: its definition and its policy's life."""

    code: str
    definition: Mapping[str, Any]
    status: str
    first: date | None
    last: date | None

    @classmethod
    def of_files(cls, policy: Policy, measure: Measure, on: date) -> "Clause":
        """Return a measure as its file has it."""
        first, last = policy.effective_from, policy.effective_to
        return cls(measure.id, measure.to_data(), policy.status_on(on), first, last)

    @classmethod
    def of_loaded(cls, measure: LoadedMeasure, on: date) -> "Clause":
        """Return a measure as its current version has it."""
        policy, definition = measure.policy, measure.version.definition
        first, last = policy.effective_from, policy.effective_to
        return cls(measure.code, definition, status_on(policy, on), first, last)


def quote_clause(
    clause: Clause, given: Mapping[str, Any], *, on: date, terms: Terms | None = None
) -> Quote:
    """Return what a measure would give on the day `on`; `terms` hold the parameters in force.

    Under a draft it is a simulation, and says so.

    Raises:
        InvalidInput: unknown facts, wrong types. QuoteRefused: the policy is over, the matter lies
            outside its life, a condition is not met, the clause has no figure, or a bureau must
            decide first; the message says who.
    """
    rule = rule_of(clause.definition)
    terms = terms or Terms()
    values = read_facts(settle(rule, terms.parameters), given)
    try:
        _refuse_outside(clause, values.get(MATTER_ON, on), on)
        _refuse_without_figure(rule)
        found = quote(rule, given, terms)
    except QuoteRefused as refusal:
        names = "、".join(clause.definition["bureaus"])
        message = f"{clause.code} {refusal.message}责任单位：{names}。"
        raise QuoteRefused(message, reasons=refusal.reasons) from refusal
    return Quote(
        found.amount_fen, found.lines, (*found.open, *_questions(clause, terms.parameters))
    )


def rule_of(definition: Mapping[str, Any]) -> BenefitRule:
    """Return what a measure gives, as the kernel computes it; versions before had no rule."""
    benefit = definition["benefit"]
    return BenefitRule(
        rates=tuple(_figure(Fraction(each["percent"]), each) for each in benefit["rates"]),
        amounts=tuple(
            _figure(Fraction(each["yuan"] * FEN_PER_YUAN), each) for each in benefit["amounts"]
        ),
        facts=facts_of(definition),
        parts=tuple(Part(**_frozen(each)) for each in benefit.get("parts", ())),
        caps=tuple(Cap(**_frozen(each)) for each in benefit.get("caps", ())),
    )


def subject_of(definition: Mapping[str, Any]) -> Subject:
    """Return a measure as its parameters see it."""
    workflow, form = definition["workflow"], definition["benefit"]["form"]
    process = workflow["process"] or definition["family"]
    lengths = (_stated(workflow["parameters"][name]) for name in ALLOWANCE_LENGTH)
    return Subject(
        rule=rule_of(definition),
        form=form,
        questions=frozenset(each["id"] for each in definition["open_questions"]),
        voucher_mode=MODES.get(process) if definition["family"] == VOUCHERS else None,
        most_months=prod(lengths) if form == ALLOWANCE else None,
    )


def _stated(value: Any) -> int:
    return int(value["value"] if isinstance(value, Mapping) else value)


def facts_of(definition: Mapping[str, Any]) -> tuple[BenefitFact, ...]:
    """Return every fact a quote of a measure may be given; the matter's date is always one."""
    listed = definition["benefit"].get("facts", ())
    title = definition["matter_date"]["title"]
    matter = BenefitFact(name=MATTER_ON, title=title, type="date", role="date", optional=True)
    return (*(BenefitFact(**_frozen(each)) for each in listed), matter)


def facts_listing(
    definition: Mapping[str, Any], parameters: Mapping[str, Parameter] | None = None
) -> list[dict[str, Any]]:
    """Return the facts of a measure under the parameters in force, as plain JSON data."""
    rule = settle(rule_of(definition), parameters or {})
    return [
        {name: getattr(fact, name) for name in SHOWN}
        | ({"choices": list(fact.choices)} if fact.choices else {})
        | ({"must": dict(fact.must)} if fact.must else {})
        | ({"words": fact.words} if fact.words else {})
        | {"required": fact.required}
        for fact in rule.facts
    ]


def quote_data(found: Quote) -> dict[str, Any]:
    """Return a quote as plain JSON data."""
    return {
        "amount_fen": found.amount_fen,
        "lines": [vars(line) for line in found.lines],
        "open": [vars(each) for each in found.open],
    }


def _refuse_outside(clause: Clause, matter: date, on: date) -> None:
    """Refuse on a day after the policy's life, and for a matter outside it; both days inside."""
    if clause.status in NOT_IN_FORCE and clause.status != DRAFT:
        _refuse("policy", f"政策{NOT_IN_FORCE[clause.status]}")
    if clause.first is not None and on < clause.first:
        _refuse("policy", f"政策自{clause.first}起施行")
    before = clause.first is not None and matter < clause.first
    if before or (clause.last is not None and matter > clause.last):
        _refuse(MATTER_ON, f"事项日期{matter}不在政策有效期内")


def _refuse_without_figure(rule: BenefitRule) -> None:
    if not rule.parts:
        _refuse("amount", "条款没有写明金额，须由责任单位录入金额并附依据文件")


def _refuse(name: str, text: str) -> None:
    raise QuoteRefused(f"不能计算：{text}。", reasons={name: text})


def _questions(clause: Clause, parameters: Mapping[str, Parameter]) -> tuple[Open, ...]:
    """Return the clause's questions that no parameter settles, and that a draft is one."""
    settled, partly = settled_questions(subject_of(clause.definition), frozenset(parameters))
    draft = [Open("draft", "政策尚为征求意见稿，仅供测算，不得据以受理、拨付")]
    asked = [
        Open(each["id"], _question(each, [parameters[name] for name in partly[each["id"]]]))
        for each in clause.definition["open_questions"]
        if each["id"] not in settled
    ]
    return (*(draft if clause.status == DRAFT else ()), *asked)


def _question(question: Mapping[str, Any], settling: Sequence[Parameter]) -> str:
    """Return a question with its reading till it is settled, and what is settled of it."""
    told = "；".join(f"{PARAMETERS[each.name].title}已明确（{each.source}）" for each in settling)
    return f"{question['text']}（暂按：{question['default']}）{f'其中{told}' if told else ''}"


def _figure(value: Fraction, written: Mapping[str, Any]) -> Figure:
    return Figure(value, written["bound"], written["words"], written.get("period"))


def _frozen(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
