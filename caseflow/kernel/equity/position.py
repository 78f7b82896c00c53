"""Where the money of one project is: fen move between the accounts of the pool (资金池).

A movement takes from one account and gives to another, so that nothing is ever made or lost. Two
accounts stand for the world outside and are never above zero: what finance put in (`pool_opening`)
and what was earned (`gain`). The money is no income of a budget year: principal and gain that come
back are `available` again. Source: 手册§4.1.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Final

from caseflow.kernel.errors import InvalidInput

ACCOUNTS: Final = {
    "pool_opening": "财政拨入",
    "available": "池内余额",
    "granted": "拨在企业",
    "equity": "转为股权",
    "returned": "收回本金",
    "gain": "收益",
    "lost": "核销损失",
    "kept": "转为补助",
}
OUTSIDE: Final = ("pool_opening", "gain")
MOVES: Final = (
    ("pool_opening", "available"),
    ("available", "granted"),
    ("granted", "equity"),
    ("granted", "returned"),
    ("equity", "returned"),
    ("returned", "available"),
    ("gain", "available"),
    ("granted", "lost"),
    ("equity", "lost"),
    ("granted", "kept"),
    ("granted", "available"),
    ("available", "pool_opening"),
)
"""The only ways that money of a pool goes; the last two undo a transfer that the bank returned."""


@dataclass(frozen=True)
class Movement:
    """So many fen from one account of the pool to another."""

    source: str
    target: str
    fen: int


@dataclass(frozen=True)
class Position:
    """The money of one project: what is at the company, what became shares, what ended how.

    `tranches` are (day of arrival, fen), `pooled_fen` is what finance put in for the project,
    `returned_fen` the principal that came back; `repaid_fen` and `recovered_fen` of it came by
    those two roads.
    """

    tranches: tuple[tuple[date, int], ...] = ()
    pooled_fen: int = 0
    granted_fen: int = 0
    equity_fen: int = 0
    returned_fen: int = 0
    gain_fen: int = 0
    lost_fen: int = 0
    kept_fen: int = 0
    repaid_fen: int = 0
    recovered_fen: int = 0
    converted_on: date | None = None

    @property
    def transferred_fen(self) -> int:
        """Return all that ever reached the company."""
        return sum(fen for _, fen in self.tranches)

    @property
    def outstanding_fen(self) -> int:
        """Return what has neither come back nor ended otherwise."""
        return self.granted_fen + self.equity_fen

    def after(self, movements: Iterable[Movement]) -> "Position":
        """Return the position after the movements.

        Raises:
            InvalidInput: more would leave the company or the shares than is there.
        """
        held = {
            "granted": self.granted_fen,
            "equity": self.equity_fen,
            "lost": self.lost_fen,
            "kept": self.kept_fen,
        }
        pooled, returned, gain = self.pooled_fen, self.returned_fen, self.gain_fen
        for move in movements:
            if move.source in held:
                held[move.source] -= move.fen
            if move.target in held:
                held[move.target] += move.fen
            pooled += move.fen * (move.source == "pool_opening")
            pooled -= move.fen * (move.target == "pool_opening")
            returned += move.fen * (move.target == "returned")
            gain += move.fen * (move.source == "gain")
        for account in ("granted", "equity"):
            if held[account] < 0:
                raise InvalidInput(
                    f"“{ACCOUNTS[account]}”不足：尚缺 {-held[account]} 分。",
                    fields={account: "金额超过现有余额"},
                )
        return replace(
            self,
            pooled_fen=pooled,
            granted_fen=held["granted"],
            equity_fen=held["equity"],
            lost_fen=held["lost"],
            kept_fen=held["kept"],
            returned_fen=returned,
            gain_fen=gain,
        )

    def to_data(self) -> dict[str, Any]:
        """Return the position as JSON knows it."""
        data = asdict(self)
        data["tranches"] = [[day.isoformat(), fen] for day, fen in self.tranches]
        data["converted_on"] = self.converted_on.isoformat() if self.converted_on else None
        return data


def position_of(data: Mapping[str, Any] | None) -> Position:
    """Return the position that `to_data` wrote, the empty one where nothing was."""
    if data is None:
        return Position()
    converted_on = data["converted_on"]
    return Position(
        **{
            **data,
            "tranches": tuple((date.fromisoformat(day), fen) for day, fen in data["tranches"]),
            "converted_on": date.fromisoformat(converted_on) if converted_on else None,
        }
    )


def moved(*steps: tuple[str, str, int]) -> tuple[Movement, ...]:
    """Return the movements of more than nothing."""
    return tuple(Movement(source, target, fen) for source, target, fen in steps if fen)


def pooled(fen: int) -> tuple[Movement, ...]:
    """Return money that finance put into the pool."""
    return moved(("pool_opening", "available", fen))


def granted(fen: int) -> tuple[Movement, ...]:
    """Return a tranche: finance put it into the pool, the pool gives it to the company."""
    return (*pooled(fen), *moved(("available", "granted", fen)))


def undone(movements: Sequence[Movement]) -> tuple[Movement, ...]:
    """Return the movements that undo these, the last first."""
    return tuple(Movement(each.target, each.source, each.fen) for each in reversed(movements))


def came_back(source: str, fen: int) -> tuple[Movement, ...]:
    """Return principal that comes back and may be used again."""
    return moved((source, "returned", fen), ("returned", "available", fen))


def taken_back(position: Position, fen: int) -> tuple[Movement, ...]:
    """Return principal that comes back: first what is money at the company, then the shares'."""
    of_granted = min(fen, position.granted_fen)
    return came_back("granted", of_granted) + came_back("equity", fen - of_granted)


def distributed(position: Position) -> Fraction | None:
    """Return DPI: what came back (principal and gain) ÷ what was paid in; None before that."""
    if not position.transferred_fen:
        return None
    return Fraction(position.returned_fen + position.gain_fen, position.transferred_fen)


def balances(movements: Sequence[Movement]) -> dict[str, int]:
    """Return every account's balance; they always sum to nothing."""
    found = dict.fromkeys(ACCOUNTS, 0)
    for move in movements:
        found[move.source] -= move.fen
        found[move.target] += move.fen
    return found
