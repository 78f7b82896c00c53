"""Money is integer fen; it enters only through `from_fen` and `from_yuan`."""

import re
from dataclasses import dataclass
from typing import Final

from caseflow.kernel.errors import InvalidInput

FEN_PER_YUAN: Final = 100
_YUAN: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,2}))?")
MOST_FEN: Final = 10**15
"""Ten trillion yuan: over this a figure is a mistake (and far below what BIGINT holds)."""


@dataclass(frozen=True, order=True)
class Money:
    """An amount in fen, never negative."""

    fen: int

    def __add__(self, other: "Money") -> "Money":
        return Money.from_fen(self.fen + other.fen)

    def __str__(self) -> str:
        yuan, fen = divmod(self.fen, FEN_PER_YUAN)
        return f"{yuan:,}.{fen:02d} 元"

    @classmethod
    def from_fen(cls, value: object) -> "Money":
        """Return the amount of `value` fen.

        Raises:
            InvalidInput: no whole number (a bool or a float is none), negative, over MOST_FEN.
        """
        if type(value) is not int:
            raise InvalidInput(f"An amount is a whole number of fen, not {value!r}.")
        if not 0 <= value <= MOST_FEN:
            shown = value if abs(value) <= MOST_FEN**2 else "one far beyond"
            raise InvalidInput(f"An amount lies between 0 and {MOST_FEN} fen, not {shown}.")
        return cls(value)

    @classmethod
    def from_yuan(cls, text: str) -> "Money":
        """Return the amount written in yuan with at most two decimals, e.g. "1000.50".

        Raises:
            InvalidInput: not ASCII digits with an optional point, finer than a fen, over MOST_FEN.
        """
        written = _YUAN.fullmatch(text) if isinstance(text, str) else None
        if written is None:
            raise InvalidInput(f"An amount in yuan is written like 1000.50, not {text!r:.40}.")
        yuan, fen = written[1], (written[2] or "").ljust(2, "0")
        return cls.from_fen(int(yuan) * FEN_PER_YUAN + int(fen))
