"""Policies and measures as the files in `policies/<policy>/` describe them.

The words come from the policy's own text, which wins; a `source` says where anything else is from
(惯例: custom, no text; 文件: the text). Money is whole yuan here, as the texts write it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from caseflow.kernel.workflow.source import MeasureSpec, Source

FEN_PER_YUAN = 100


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
    """What a measure gives; no rates and no amounts where the clause has no figure."""

    form: str
    rates: tuple[Rate, ...] = ()
    amounts: tuple[Amount, ...] = ()


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
class Selection:
    """How it is decided who is supported."""

    method: str
    source: str
    words: str | None = None


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
    """What differs from the family's workflow: parameter values, optional stages left out."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


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
    quota: Quota | None = None
    exclusions: tuple[Exclusion, ...] = ()
    open_questions: tuple[OpenQuestion, ...] = ()
    workflow: WorkflowChoice = field(default_factory=WorkflowChoice)

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
        """Return plain JSON data."""
        return asdict(self)

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of the canonical JSON of `to_data`."""
        return content_hash(self.to_data())


@dataclass(frozen=True)
class Article:
    """A section of the text: its number in the document's own numbering, its heading's words."""

    number: int
    heading: str


@dataclass(frozen=True)
class Scope:
    """Where and to whom the policy applies, in its words."""

    words: str
    territory: str
    applicants: tuple[str, ...]


@dataclass(frozen=True)
class OverlapRule:
    """What happens when two policies support one matter, in the text's words."""

    rule: str
    against: str
    words: str


@dataclass(frozen=True)
class ChangeRule:
    """What happens when higher rules change, in the text's words."""

    rule: str
    words: str


@dataclass(frozen=True)
class Share:
    """The part of an approved amount that one treasury bears."""

    party: str
    percent: str


@dataclass(frozen=True)
class TailWindow:
    """How long after the last day applications are still taken."""

    days: int
    source: str


@dataclass(frozen=True)
class BureauNote:
    """How the text names the bureaus of a clause, e.g. （责任单位：甲、乙）."""

    before: str
    between: str
    after: str

    def words(self, bureaus: tuple[str, ...]) -> str:
        """Return the note that names `bureaus`."""
        return f"{self.before}{self.between.join(bureaus)}{self.after}"


@dataclass(frozen=True)
class Policy:
    """A policy document: number, life, scope and the rules that hold for all its measures."""

    policy: str
    prefix: str
    title: str
    doc_no: str | None
    legal_form: str
    issuer: str | None
    city: str
    status: str
    issued_on: date | None
    effective_from: date | None
    effective_to: date | None
    effective_words: str
    scope: Scope
    overlap: OverlapRule
    change: ChangeRule
    articles: tuple[Article, ...]
    support_ends_before: str
    bureau_note: BureauNote
    split: tuple[Share, ...] | None = None
    tail_window: TailWindow | None = None
    adopted_by: str | None = None

    @property
    def code(self) -> str:
        """Return the policy's code, the name of its folder."""
        return self.policy

    def status_on(self, day: date) -> str:
        """Return the legal state on `day`; the last day of `effective_to` still counts.

        A document issued but not yet effective is `in_force` with `effective_from` ahead; a draft
        that was never enacted before its own last day has `lapsed`.
        """
        if self.effective_to is None or day <= self.effective_to or self.status == "repealed":
            return self.status
        return {"in_force": "expired", "consultation_draft": "lapsed"}[self.status]

    def to_data(self) -> dict[str, Any]:
        """Return plain JSON data; dates as ISO text."""
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class PolicyFiles:
    """A policy's folder as read: its values, its words, and where each value stands."""

    folder: Path
    policy: Policy
    measures: tuple[Measure, ...]
    text: str
    sources: Mapping[str, Source]

    def measure(self, measure_id: str) -> Measure:
        """Return the measure of that id; KeyError if the policy has none."""
        return {measure.id: measure for measure in self.measures}[measure_id]

    def source(self, name: str) -> Source:
        """Return the file of a measure id, or of the policy's own code."""
        return self.sources[name]

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of the content; YAML comments and spacing do not count."""
        measures = [measure.to_data() for measure in self.measures]
        return content_hash([self.policy.to_data(), measures, self.text])

    def spec(self, measure: Measure) -> MeasureSpec:
        """Return what the workflow compiler needs to know of `measure`."""
        source = self.source(measure.id)
        return MeasureSpec(
            id=measure.id,
            title=measure.title,
            family=measure.family,
            parameters=measure.workflow.parameters,
            without=measure.workflow.without,
            flags=measure.flags,
            file=source.file,
            lines=source.lines,
        )


def content_hash(data: Any) -> str:
    """Return the SHA-256 (hex) of canonical JSON."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
