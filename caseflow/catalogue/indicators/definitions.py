"""An indicator as `policy.yaml` describes it: a row of the annex, and how it is reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from caseflow.kernel.workflow.vocabulary import SEATS


@dataclass(frozen=True)
class Lead:
    """The bureau that leads the carrying out of a policy and gathers its reports, in its words."""

    bureau: str
    words: str


@dataclass(frozen=True)
class Comparison:
    """When the target is reached: a word of `kernel.indicators.COMPARISONS`, and where from."""

    rule: str
    source: str
    words: str | None = None


@dataclass(frozen=True)
class Step:
    """What is to be reached by the end of a year before the last, or was there before the first."""

    year: int
    value: int | str
    words: str


@dataclass(frozen=True)
class Reporting:
    """How often it is reported, and by which day of the month after the period (a day off: later).

    `by`: `one` of the owners reports the whole, the lead first; `each` owner reports its own part,
    and the parts are added. `decimals`: how many digits behind the point a value may have.
    """

    period: str
    day: int
    by: str
    source: str
    decimals: int = 0


@dataclass(frozen=True)
class Counting:
    """How cases count: those of `measures` that reached one of the states, and are not lost since.

    `distinct`: each `case` counts, or each `applicant` once; `kinds` are the only applicants.
    """

    measures: tuple[str, ...]
    reached: tuple[str, ...]
    distinct: str
    source: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Indicator:
    """A row of the annex: what is to be reached by the end of `year`, by whom; values add up."""

    id: str
    number: int
    title: str
    unit: str
    target: int | str
    year: int
    owners: tuple[str, ...]
    words: str
    source: str
    comparison: Comparison
    reporting: Reporting
    baseline: Step | None = None
    steps: tuple[Step, ...] = ()
    counting: Counting | None = None
    note: str | None = None


def exact(value: int | str) -> Decimal:
    """Return a figure of an indicator as the exact decimal that it is."""
    return Decimal(str(value))


def target_in(definition: Mapping[str, Any], year: int) -> tuple[int, Decimal]:
    """Return the year and the figure of the next target from `year` on; past the last, the last."""
    known = [(step["year"], step["value"]) for step in definition["steps"]]
    known = sorted([*known, (definition["year"], definition["target"])])
    due, value = next((each for each in known if each[0] >= year), known[-1])
    return due, exact(value)


REPORTER = SEATS["lead_bureau.handler"].role
CONFIRMERS = (SEATS["lead_bureau.reviewer"].role, SEATS["lead_bureau.division_head"].role)
"""The roles in an owner: who reports; and, there or in the leading bureau, who confirms."""
