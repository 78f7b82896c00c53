"""Measures as the files in `policies/<policy>/` describe them.

The words come from the policy's own text, which wins; a `source` says where anything else is from
(惯例: custom, no text; 文件: the text). Money is whole yuan here, as the texts write it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from caseflow.kernel.benefits.model import BenefitFact, Cap, Part

FEN_PER_YUAN = 100
ALLOWANCE = "allowance"
"""The form of a sum for every month or year of a person's service."""

ALLOWANCE_LENGTH = ("period_months", "allowance_periods")
"""What the workflow of an allowance must be told: the months of a period, and their number."""

SELDOM = frozenset({"overlap", "titles"})
"""What most measures do not say: left out of their data, so that their hashes stay."""


@dataclass(frozen=True)
class Rate:
    """A percentage of a base; `ceiling` bounds it, `fixed` is the rate itself."""

    percent: str
    bound: str
    base: str
    words: str


@dataclass(frozen=True)
class Amount:
    """An amount the clause states: what it counts per, for which period, for which tier."""

    yuan: int
    bound: str
    per: str
    words: str
    period: str | None = None
    months: int | None = None
    tier: str | None = None
    kind: str = "amount"

    @property
    def fen(self) -> int:
        """Return the amount in fen, the unit of every computation."""
        return self.yuan * FEN_PER_YUAN


@dataclass(frozen=True)
class Benefit:
    """What a measure gives; no rates and no amounts where the clause has no figure.

    `facts`, `parts` and `caps` are the rule by which it is computed (see `kernel.benefits`).
    """

    form: str
    rates: tuple[Rate, ...] = ()
    amounts: tuple[Amount, ...] = ()
    facts: tuple[BenefitFact, ...] = ()
    parts: tuple[Part, ...] = ()
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True)
class Condition:
    """Words of the clause that must hold, and how they are read."""

    words: str
    note: str = ""


@dataclass(frozen=True)
class Threshold:
    """A figure of the clause that decides who qualifies; never an amount paid."""

    words: str
    fact: str
    op: str
    value: Any
    yuan: int | None = None
    percent: str | None = None


@dataclass(frozen=True)
class Figure:
    """A figure of the clause that bounds no award of this measure, and what it is instead.

    E.g. the size of a fund, or the amount of another measure that shares the sentence.
    """

    words: str
    note: str
    yuan: int | None = None
    percent: str | None = None


@dataclass(frozen=True)
class Selection:
    """How it is decided who is supported."""

    method: str
    source: str
    words: str | None = None


@dataclass(frozen=True)
class Recommendation:
    """That cases reach the city only once recommended: until then it does not see them."""

    by: str
    source: str


@dataclass(frozen=True)
class Quota:
    """How many may be supported per period."""

    number: int
    per: str
    words: str


@dataclass(frozen=True)
class Exclusion:
    """What is not supported: words of the clause, or a note with its source."""

    source: str
    words: str | None = None
    note: str = ""


@dataclass(frozen=True)
class RequiredDocument:
    """A line of the checklist of the case, or of its child cases of the kind `child`."""

    kind: str
    title: str
    required: bool
    source: str
    child: str | None = None


@dataclass(frozen=True)
class MatterDate:
    """The date that decides whether the matter falls into the policy's life."""

    kind: str
    title: str
    source: str


@dataclass(frozen=True)
class OpenQuestion:
    """What the text leaves open (domain handbook 1.3) and how it is read until decided."""

    id: str
    text: str
    default: str


@dataclass(frozen=True)
class WorkflowChoice:
    """What differs from the family's workflow: values, optional stages left out.

    `process` names a workflow of the family other than the one that bears its name. `checks` says
    which kinds of check (核查) a point needs instead of the family's.
    """

    process: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """The part of an approved amount that one treasury bears."""

    party: str
    percent: str


@dataclass(frozen=True)
class Split:
    """Who bears an approved amount, in the text's words.

    `shares`: the parts named; `fiscal_system`: as city and district divide revenue today;
    `city_alone`. `in_principle` (原则上): a decision may say otherwise.
    """

    rule: str
    words: str
    shares: tuple[Share, ...] = ()
    in_principle: bool = False


@dataclass(frozen=True)
class MeasureOverlap:
    """What a measure says of overlaps for itself, where the policy's wording is too wide.

    `mode`: how it is settled when the lower support is already given; `matters`: the kinds of
    matter that its cases name.
    """

    source: str
    mode: str | None = None
    matters: tuple[str, ...] = ()


@dataclass(frozen=True)
class TitleServed:
    """A kind of title (称号、认定) at one level that the measure rewards without an application.

    `per`: whether an object of the holder (a product, a case, a filing) or the holder itself has
    it; `grade` narrows it to one 等次 of the list. `facts` are facts of the benefit that follow.
    """

    kind: str
    per: str
    level: str
    grade: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TitlesServed:
    """The titles whose lists make cases of the measure (免申即享), and where that is from."""

    source: str
    serves: tuple[TitleServed, ...]


@dataclass(frozen=True)
class Measure:
    """One support of a policy: its words and everything that runs it."""

    measure: str
    article: int
    title: str
    family: str
    clause: str
    bureaus: tuple[str, ...]
    applicants: tuple[str, ...]
    benefit: Benefit
    selection: Selection
    matter_date: MatterDate
    selective: bool
    government_approval: bool
    documents: tuple[RequiredDocument, ...]
    beside: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    figures: tuple[Figure, ...] = ()
    quota: Quota | None = None
    recommended_by: Recommendation | None = None
    exclusions: tuple[Exclusion, ...] = ()
    open_questions: tuple[OpenQuestion, ...] = ()
    split: Split | None = None
    workflow: WorkflowChoice = field(default_factory=WorkflowChoice)
    overlap: MeasureOverlap | None = None
    titles: TitlesServed | None = None

    @property
    def id(self) -> str:
        """Return the measure's id, e.g. QD26-7a."""
        return self.measure

    @property
    def amounts_yuan(self) -> list[int]:
        """Return every ceiling, fixed amount and upper end of a range, in the text's order."""
        return [a.yuan for a in self.benefit.amounts if a.kind != "range_low"]

    @property
    def rates_pct(self) -> list[str]:
        """Return every percentage that bounds an amount or a fee, in the text's order."""
        return [rate.percent for rate in self.benefit.rates]

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the legal flags that the workflow checker enforces."""
        named = {"selective": self.selective, "government_approval": self.government_approval}
        return tuple(name for name, is_set in named.items() if is_set)

    @property
    def order(self) -> tuple[int, str]:
        """Return the key that sorts measures as their ids read: 1a, 1b, 2a, 10a."""
        return self.article, re.sub(r".*-\d+", "", self.measure)

    def to_data(self) -> dict[str, Any]:
        """Return plain JSON data; what few measures say only where this one says it."""
        return {k: v for k, v in asdict(self).items() if k not in SELDOM or v is not None}

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of the canonical JSON of `to_data`."""
        return content_hash(self.to_data())


def content_hash(data: Any) -> str:
    """Return the SHA-256 (hex) of canonical JSON."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
