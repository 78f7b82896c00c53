"""Ties (关联关系): who holds, controls or runs whom, and whether two parties are related.

Everything is pure: the ties that hold on a day are given, and an answer comes back with the ties
that prove it. Organisations are known by their credit code, people by a commitment to their number.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal

from caseflow.kernel.errors import InvalidInput

Grade = Literal["related", "small", "unrelated"]

SHAREHOLDER, CONTROLLER = "shareholder", "controller"
KINDS: Final[dict[str, str]] = {
    SHAREHOLDER: "股东",
    CONTROLLER: "实际控制人",
    "director": "董事",
    "supervisor": "监事",
    "officer": "高级管理人员",
    "same_address": "同一地址",
    "same_phone": "同一电话",
}
"""What a tie may be. 手册§5.5: 股东、实控人、董监高、地址、电话."""
OWNING: Final = frozenset({SHAREHOLDER, CONTROLLER})
SERVING: Final = frozenset({"director", "supervisor", "officer"})
ALIKE: Final = frozenset({"same_address", "same_phone"})
"""Kinds that say the same of both ends; they are a hint, never a proof."""

GRADES: Final[dict[Grade, str]] = {
    "related": "存在关联关系",
    "small": "间接小额持股或疑似关联",
    "unrelated": "未发现关联关系",
}
LEVELS: Final = 4
"""How many levels of owners are looked at above each party. 手册§5.5 wants at least two."""
SEEN_THROUGH: Final = 2
"""How many levels must be known before "unrelated" may be said. 手册§5.5: ≥2 levels up."""
WHOLE: Final = Fraction(100)
SIGNIFICANT_PERCENT: Final = Fraction(25)
"""From this share on (以上, itself included) an indirect holding makes two parties related.

The figure is that of the tax return on related parties (国家税务总局公告2016年第42号第二条(一));
that a smaller indirect holding passes with a flag is custom.
Source: 手册§5.5 [F13], grade [custom].
"""
STATE: Final = "11"
"""机构编制, 机关: how the credit code of an administration begins. GB 32100-2015."""
ORGANISATION: Final = 18
"""The length of a credit code; the key of a person is longer."""

REASONS: Final[dict[str, str]] = {
    "same_party": "双方为同一主体",
    "direct": "一方直接为另一方的股东、实际控制人或董监高",
    "indirect": "一方间接持有另一方{share}",
    "common_owner": "双方同为第三方控制或持股，较低一方持股{share}",
    "state_owner": "双方同受国家控股，不仅因此构成关联",
    "serving_owner": "一方的董监高同时持有或控制另一方{share}",
    "serving_parent": "一方在另一方的控股方任董监高",
    "serving_both": "同一人在双方任董监高",
    "alike": "双方的地址或电话相同",
    "none": "登记的关联关系中没有发现",
}


@dataclass(frozen=True)
class Tie:
    """`holder` is a `kind` of `held` (its shareholder, its director …); `percent` of shares only.

    `id` names the record, with its source. Of `ALIKE` kinds either end may come first.
    """

    id: int
    kind: str
    holder: str
    held: str
    percent: Decimal | None = None

    @property
    def share(self) -> Fraction:
        """Return how much of `held` the holder has: a controller all of it, who serves nothing."""
        if self.kind == CONTROLLER:
            return WHOLE
        return Fraction(self.percent) if self.percent is not None else Fraction(0)


@dataclass(frozen=True)
class Relation:
    """How two parties stand to each other, why, and the ties that prove it, from one to the other.

    `share` is the percentage on which the grade rests, None where it rests on none.
    """

    grade: Grade
    reason: str
    path: tuple[Tie, ...] = ()
    share: Fraction | None = None

    @property
    def words(self) -> str:
        """Return the reason in words."""
        share = "" if self.share is None else percent_words(self.share)
        return REASONS[self.reason].format(share=share)


@dataclass(frozen=True)
class Holding:
    """What somebody has of a party in all, and the ties of the largest way down from them."""

    share: Fraction
    path: tuple[Tie, ...]

    @property
    def is_significant(self) -> bool:
        """Return whether it is enough to make a relation."""
        return self.share >= SIGNIFICANT_PERCENT


_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*[%％]?")
UNRELATED: Final = Relation("unrelated", "none")


class Ties:
    """The ties that hold on one day; answers are remembered, so that a pool is cheap to compare."""

    def __init__(self, ties: Iterable[Tie]) -> None:
        self._ties = tuple(ties)
        self._holdings: dict[str, Mapping[str, Holding]] = {}

    @cached_property
    def _of(self) -> dict[str, list[Tie]]:
        """Return the ties by whom they are of (`held`)."""
        found: dict[str, list[Tie]] = {}
        for tie in self._ties:
            found.setdefault(tie.held, []).append(tie)
        return found

    @cached_property
    def _alike(self) -> dict[frozenset[str], Tie]:
        return {frozenset((t.holder, t.held)): t for t in self._ties if t.kind in ALIKE}

    def holders(self, code: str) -> Mapping[str, Holding]:
        """Return who holds a party, directly or not, up to `LEVELS` above it, and how much.

        Whoever has `SIGNIFICANT_PERCENT` of a middle party has what that party has; else the
        shares are multiplied. Several ways add up. Source: 国家税务总局公告2016年第42号第二条(一).
        """
        if code not in self._holdings:
            self._holdings[code] = self._climb(code)
        return self._holdings[code]

    def _climb(self, code: str) -> dict[str, Holding]:
        found: dict[str, Holding] = {}
        level = {code: Holding(WHOLE, ())}
        for _ in range(LEVELS):
            above: dict[str, Holding] = {}
            for middle, below in level.items():
                for owner, direct in self._owners(middle).items():
                    if owner != code and all(owner != tie.held for tie in below.path):
                        _add(above, owner, _through(direct, below))
            for owner, holding in above.items():
                _add(found, owner, holding)
            level = above
        return found

    def _owners(self, code: str) -> dict[str, Holding]:
        """Return who directly holds a party; an actual controller has all of it."""
        found: dict[str, Holding] = {}
        for tie in self._of.get(code, ()):
            if tie.kind in OWNING:
                _add(found, tie.holder, Holding(tie.share, (tie,)))
        return found

    def _serving(self, code: str) -> dict[str, Tie]:
        return {tie.holder: tie for tie in self._of.get(code, ()) if tie.kind in SERVING}

    def relation(self, one: str, other: str) -> Relation:
        """Return how two parties stand to each other: the strongest reason, the shortest path."""
        if one == other:
            return Relation("related", "same_party")
        found = [
            *self._direct(one, other),
            *self._above(one, other),
            *self._above(other, one),
            *self._common(one, other),
            *self._served(one, other),
            *self._served(other, one),
            *self._both_served(one, other),
        ]
        return min(found, key=_strength, default=UNRELATED)

    def _direct(self, one: str, other: str) -> Iterable[Relation]:
        for holder, held in ((one, other), (other, one)):
            for tie in self._of.get(held, ()):
                if tie.holder == holder and tie.kind not in ALIKE:
                    yield Relation("related", "direct", (tie,))
        hint = self._alike.get(frozenset((one, other)))
        if hint is not None:
            yield Relation("small", "alike", (hint,))

    def _above(self, one: str, other: str) -> Iterable[Relation]:
        """Yield whether `one` holds `other`, or serves whoever does."""
        holders = self.holders(other)
        if one in holders and len(holders[one].path) > 1:
            yield _graded("indirect", holders[one].share, holders[one].path)
        for parent, holding in holders.items():
            tie = self._serving(parent).get(one)
            if tie is not None and holding.is_significant:
                yield Relation("related", "serving_parent", (tie, *holding.path))

    def _common(self, one: str, other: str) -> Iterable[Relation]:
        left, right = self.holders(one), self.holders(other)
        for owner in left.keys() & right.keys():
            path = (*reversed(left[owner].path), *right[owner].path)
            share = min(left[owner].share, right[owner].share)
            if owner.startswith(STATE) and len(owner) == ORGANISATION:
                yield Relation("small", "state_owner", path, share)
            else:
                yield _graded("common_owner", share, path)

    def _served(self, one: str, other: str) -> Iterable[Relation]:
        """Yield who serves `one` and holds `other`."""
        holders = self.holders(other)
        for person, tie in self._serving(one).items():
            if person in holders:
                yield _graded("serving_owner", holders[person].share, (tie, *holders[person].path))

    def _both_served(self, one: str, other: str) -> Iterable[Relation]:
        others = self._serving(other)
        for person, tie in self._serving(one).items():
            if person in others:
                yield Relation("small", "serving_both", (tie, others[person]))

    def gaps(self, code: str) -> tuple[str, ...]:
        """Return whose owners must be known, and are not, before a party may be called unrelated.

        That is the party itself and, one level up, every organisation that holds enough of it. Of
        each, the owners are known who is in control, or so many shares that what is left cannot
        make a relation. People and administrations have no owners.
        """
        found, level = [], [code]
        for _ in range(SEEN_THROUGH):
            found += [each for each in level if not self._is_known(each)]
            level = [
                owner
                for each in level
                for owner, holding in self._owners(each).items()
                if holding.is_significant
            ]
        return tuple(dict.fromkeys(found))

    def _is_known(self, code: str) -> bool:
        if len(code) != ORGANISATION or code.startswith(STATE):
            return True
        owning = [tie for tie in self._of.get(code, ()) if tie.kind in OWNING]
        held = sum((tie.share for tie in owning), Fraction(0))
        return held > WHOLE - SIGNIFICANT_PERCENT


def percent_words(share: Fraction) -> str:
    """Return a percentage to the hundredth, as people read it: 33.33%, 25%."""
    exact = Decimal(share.numerator) / Decimal(share.denominator)
    shown = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{shown.normalize():f}%"


def _add(found: dict[str, Holding], owner: str, holding: Holding) -> None:
    """Put what somebody has one way to what they have by others, never above the whole."""
    known = found.get(owner)
    if known is None:
        found[owner] = holding
        return
    largest = known if known.share >= holding.share else holding
    found[owner] = Holding(min(WHOLE, known.share + holding.share), largest.path)


def _through(direct: Holding, below: Holding) -> Holding:
    share = below.share if direct.is_significant else direct.share * below.share / WHOLE
    if not below.path:
        share = direct.share
    return Holding(share, (*direct.path, *below.path))


def _graded(reason: str, share: Fraction, path: tuple[Tie, ...]) -> Relation:
    grade: Grade = "related" if share >= SIGNIFICANT_PERCENT else "small"
    return Relation(grade, reason, path, share)


def _strength(relation: Relation) -> tuple[bool, int, Fraction, list[int], str]:
    """Return what orders relations: the graver, the shorter, the larger first.

    Of equals the earlier record decides, from whichever end one looks.
    """
    ids = sorted(tie.id for tie in relation.path)
    share = relation.share or Fraction(0)
    return relation.grade != "related", len(ids), -share, ids, relation.reason


def read_percent(text: str) -> Decimal:
    """Return a shareholding as it was written, exact: above 0, at most 100, six decimals at most.

    Raises:
        InvalidInput: it is none.
    """
    written = _PERCENT.fullmatch(text.strip())
    found = Decimal(written.group(1)) if written else Decimal(0)
    if not 0 < found <= WHOLE:
        reason = f"持股比例须大于 0、不超过 100，至多六位小数，不是 {text!r:.40}"
        raise InvalidInput(f"{reason}。", fields={"percent": reason})
    return found
