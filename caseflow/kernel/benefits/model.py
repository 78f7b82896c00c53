"""The vocabulary of benefit rules: facts, parts that add, caps that cut, and what a quote says.

Figures are the clause's own: a part or cap points at a rate or an amount of the measure by its
position, so that no figure stands twice. Money is integer fen, percentages are exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal

FactType = Literal["fen", "integer", "percent", "date", "boolean", "choice", "stretches"]
Role = Literal["base", "tier", "count", "months", "decided", "prior", "date", "condition"]
PartKind = Literal["rate", "amount", "range", "items", "months", "interest", "fee"]
CapKind = Literal[
    "case", "object", "joint", "year", "life", "times", "paid", "enterprise_year", "pool"
]
LineKind = Literal["base", "award", "cut"]

MATTER_ON: Final = "matter_on"
"""The fact that every measure has: the date of the matter, which the policy's life must hold."""

NEEDED: Final = frozenset({"base", "tier", "count", "months"})
"""The roles of facts from which an amount is computed."""


@dataclass(frozen=True)
class Stretch:
    """Days in which neither a loan's principal nor its reference rate changes."""

    principal_fen: int
    begins: date
    ends: date
    percent: Fraction


@dataclass(frozen=True)
class BenefitFact:
    """What a quote asks for. `must` bounds it (`{at_least: 5}`); of one `any` group one suffices.

    An optional fact is left out where it does not apply; a prior one counts as nothing then.
    """

    name: str
    title: str
    type: FactType
    role: Role
    unit: str = ""
    choices: tuple[str, ...] = ()
    must: Mapping[str, Any] = field(default_factory=dict)
    any: str | None = None
    words: str = ""
    optional: bool = False

    @property
    def required(self) -> bool:
        """Return whether nothing is computed without it; what else is not told stays open."""
        return self.role in NEEDED and not self.optional


@dataclass(frozen=True)
class Part:
    """Something a clause gives; the parts add up.

    `rate`, `amount` are positions in the clause's lists; `tiers` maps a choice of the fact `by` to
    a position (of a range: to the pair of its low and high end). `decided` is the fact with the
    figure a bureau decides within the clause's; where it `must_decide`, there is no amount without.
    `period` names four dates: a contract's first and last day, the supported first and last; where
    they are told, the base counts by days. Interest is that of `stretches`, of which only the days
    `within_months` months `since` the first one count; it is never more than was `paid`.
    """

    kind: PartKind
    title: str
    base: str | None = None
    less: tuple[str, ...] = ()
    rate: int | None = None
    amount: int | None = None
    by: str | None = None
    tiers: Mapping[str, Any] = field(default_factory=dict)
    count: str | None = None
    months: str | None = None
    months_each: int = 1
    period: tuple[str, ...] = ()
    decided: str | None = None
    must_decide: bool = False
    question: str = ""
    stretches: str | None = None
    paid: str | None = None
    since: str | None = None
    within_months: int | None = None


@dataclass(frozen=True)
class Cap:
    """A ceiling, in the order it applies; `less` is what was taken of it before.

    The amount is multiplied by the fact `count`, or by `most` where the clause itself has the
    number (3年 of a monthly amount: 36). `times` allows `most` awards, of which the fact `counted`
    were given; `paid` takes off what another award of the matter has given (补差). Where awards
    are counted for another thing than the first figure's, `per` and `within` say for which;
    `distinct` names the fact of a case whose values are each supported once. What an enterprise
    gets in a year under the whole policy, and a pool, are bounded by parameters. Money that comes
    back (追缴) makes room under the ceiling again only where it is `freed_by_recovery`.
    """

    kind: CapKind
    title: str
    amount: int | None = None
    by: str | None = None
    tiers: Mapping[str, int] = field(default_factory=dict)
    less: str | None = None
    count: str | None = None
    most: int | None = None
    counted: str | None = None
    words: str = ""
    per: str | None = None
    within: str | None = None
    distinct: str | None = None
    freed_by_recovery: bool = False


@dataclass(frozen=True)
class Figure:
    """A rate in percent or an amount in fen, as the clause words it; None: it names no period."""

    value: Fraction
    bound: str
    words: str
    period: str | None = None


@dataclass(frozen=True)
class BenefitRule:
    """All that a clause gives: its figures, the facts they ask for, what adds and what cuts."""

    rates: tuple[Figure, ...]
    amounts: tuple[Figure, ...]
    facts: tuple[BenefitFact, ...]
    parts: tuple[Part, ...]
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """What a bureau has settled of a clause from a day on, and by which document.

    The value has the type of its kind: a word, a truth, whole fen or a number, a percentage as
    Fraction; a table of tiers maps each name to fen or to a percentage.
    """

    name: str
    value: Any
    valid_from: date
    document_no: str

    @property
    def source(self) -> str:
        """Return the document and the day, as a line of a quote names them."""
        return f"{self.document_no}，自{self.valid_from}起"


@dataclass(frozen=True)
class Line:
    """A line of a quote: a base recognised, an award added, a cut and the rule that made it."""

    kind: LineKind
    rule: str
    title: str
    fen: int
    words: str = ""


@dataclass(frozen=True)
class Open:
    """What is still to be decided or shown; the amount stands under it."""

    id: str
    text: str


@dataclass(frozen=True)
class Quote:
    """An amount in fen that is the sum of its awards less its cuts, and what is still open."""

    amount_fen: int
    lines: tuple[Line, ...]
    open: tuple[Open, ...]
