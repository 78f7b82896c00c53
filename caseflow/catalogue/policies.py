"""Policy documents as `policies/<policy>/policy.yaml` describes them, with their measures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from caseflow.catalogue.indicators.definitions import Indicator, Lead
from caseflow.catalogue.measures import Measure, Split, content_hash
from caseflow.kernel.workflow.source import MeasureSpec, Source


@dataclass(frozen=True)
class Article:
    """A section of the text: its number in the document's own numbering, its heading's words."""

    number: int
    heading: str


@dataclass(frozen=True)
class Scope:
    """Where and to whom the policy applies, in its words.

    `territories` are the only parts of `territory` it covers, all of them if none is named;
    `may_follow` are the words on who may adopt it (可参照).
    """

    words: str
    territory: str
    applicants: tuple[str, ...]
    territories: tuple[str, ...] = ()
    may_follow: str | None = None


@dataclass(frozen=True)
class OverlapRule:
    """What happens when two policies support one matter, in the text's words."""

    rule: str
    against: str
    words: str
    yearly_control: str | None = None


@dataclass(frozen=True)
class ChangeRule:
    """What happens when higher rules change, in the text's words."""

    rule: str
    words: str


@dataclass(frozen=True)
class TailWindow:
    """How long after the last day applications are still taken."""

    days: int
    source: str


@dataclass(frozen=True)
class BureauNote:
    """How the text names the bureaus of a clause, e.g. （责任单位：甲、乙）."""

    before: str
    between: tuple[str, ...]
    after: tuple[str, ...]


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
    split: Split | None = None
    tail_window: TailWindow | None = None
    adopted_by: str | None = None
    artefacts: tuple[str, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    lead: Lead | None = None

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
            process=measure.workflow.process,
            parameters=measure.workflow.parameters,
            without=measure.workflow.without,
            flags=measure.flags,
            checks=measure.workflow.checks,
            file=source.file,
            lines=source.lines,
        )
