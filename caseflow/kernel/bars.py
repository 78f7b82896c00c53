"""Bars from applying (禁止申报): whom they keep out, and on which days (手册§5.9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from caseflow.kernel.calendar import nominal_end
from caseflow.kernel.errors import NotAllowed

MONTHS_A_YEAR: Final = 12
LONGEST_YEARS: Final = 10
"""More is a slip of the pen: three years are customary. (惯例，手册§5.9)"""


@dataclass(frozen=True)
class Bar:
    """A bar from `from_on` to `to_on`, both days included, with the document it rests on."""

    from_on: date
    to_on: date
    basis: str

    def holds_on(self, day: date) -> bool:
        """Return whether `day` is barred: the first and the last day are, the day after is not."""
        return self.from_on <= day <= self.to_on


def last_day(from_on: date, years: int) -> date:
    """Return the last day of a bar of so many years from a decision's day.

    The day itself is not counted; the period ends on the same day of its last year.
    Source: 民法典 201–202.
    """
    return nominal_end(from_on, MONTHS_A_YEAR * years, "months")


def refuse_barred(bars: Iterable[Bar], on: date) -> None:
    """Refuse what a barred organisation asks for on a day.

    Raises:
        NotAllowed: a bar holds on that day; the words name it.
    """
    for bar in bars:
        if bar.holds_on(on):
            raise NotAllowed(
                f"该主体自 {bar.from_on} 至 {bar.to_on} 禁止申报和享受政策资金"
                f"（依据：{bar.basis}）；{on} 不得办理，{bar.to_on} 之后或者解除禁止后方可办理。"
            )
