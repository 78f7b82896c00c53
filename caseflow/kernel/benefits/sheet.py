"""A quote while it is written: what was told, the lines so far, what stays open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from caseflow.kernel.benefits.model import BenefitRule, Figure, Line, LineKind, Open, Parameter
from caseflow.kernel.benefits.rounding import rounded
from caseflow.kernel.errors import InvalidInput, QuoteRefused
from caseflow.kernel.money import MOST_FEN

DEFAULT_ROUNDING: Final = "trunc_fen"
DEFAULT_DAY_COUNT: Final = "exclusive"


@dataclass(frozen=True)
class Terms:
    """What is settled for all cases: rounding, how days are counted, the parameters in force."""

    rounding: str = DEFAULT_ROUNDING
    day_count: str = DEFAULT_DAY_COUNT
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass
class Sheet:
    """A quote being written: values read, lines so far, what is open, the sum."""

    rule: BenefitRule
    values: Mapping[str, Any]
    terms: Terms
    lines: list[Line] = field(default_factory=list)
    open: list[Open] = field(default_factory=list)

    @property
    def fen(self) -> int:
        """Return awards less cuts so far."""
        signs = {"base": 0, "award": 1, "cut": -1}
        return sum(signs[line.kind] * line.fen for line in self.lines)

    def told(self, name: str) -> Any:
        """Return what was told of a fact without which there is no amount."""
        if name not in self.values:
            raise self.refuse(name, f"须填写{self.title(name)}（{name}）")
        return self.values[name]

    def prior(self, name: str | None) -> int:
        """Return what was given before, nothing where that is not told; then it stays open."""
        if name is None:
            return 0
        if name not in self.values:
            self.ask(name, f"{self.title(name)}未提供，按0计")
        return int(self.values.get(name, 0))

    def title(self, name: str) -> str:
        """Return what a fact is called."""
        return {fact.name: fact.title for fact in self.rule.facts}[name]

    def ask(self, identity: str, text: str) -> None:
        """Note something open, once."""
        if Open(identity, text) not in self.open:
            self.open.append(Open(identity, text))

    def refuse(self, name: str, text: str) -> QuoteRefused:
        """Return the refusal for one reason, to be raised."""
        return QuoteRefused(f"不能计算：{text}。", reasons={name: text})

    def write(self, kind: LineKind, rule: str, title: str, fen: int, words: str = "") -> None:
        """Add a line; a cut or award of nothing leaves none.

        Raises:
            InvalidInput: the figure is beyond all measure.
        """
        if fen > MOST_FEN:
            raise InvalidInput(f"{title}：金额超出 {MOST_FEN} 分")
        if fen or kind == "base":
            self.lines.append(Line(kind, rule, title, fen, words))

    def round(self, fen: Fraction) -> int:
        """Return `fen` as the call rounds."""
        return rounded(fen, self.terms.rounding)

    def figure(self, position: int | None, by: str | None, tiers: Mapping[str, Any]) -> Figure:
        """Return the clause's amount at `position`, or the one of the tier that was told."""
        if by is not None:
            position = tiers[self.told(by)]
        assert position is not None
        return self.rule.amounts[position]
