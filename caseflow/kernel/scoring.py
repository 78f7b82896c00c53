"""Score sheets (评分表): weighted, averaged exactly; an alarm for who is far from the others."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from caseflow.kernel.errors import InvalidInput, NotAllowed

MOST_POINTS: Final = 100
WHOLE: Final = 100
"""What the weights of a sheet add up to."""
TRIMMED_FROM: Final = 5
"""Fewer sheets than this are averaged as they are: cutting two of four would leave two. (§5.7)"""
ALARM_SIGMAS: Final = 2
"""|score − mean| > 2σ is told to the reviewer. 手册§5.7."""
LEAST_OPINION: Final = 10
"""How many characters an opinion has at least, where the call does not say. 惯例（手册§5.7，D）"""
MOST_CRITERIA: Final = 20


@dataclass(frozen=True)
class Criterion:
    """One line of a sheet; `weight` in percent of the whole."""

    code: str
    title: str
    weight: int


CUSTOMARY: Final = (
    Criterion("innovation", "创新性", 25),
    Criterion("effect", "应用成效", 25),
    Criterion("replicability", "可复制性", 25),
    Criterion("safety", "安全性", 25),
)
"""The index of 手册§4.3; equal weights where the call names none. 惯例（D，以申报通知为准）"""


@dataclass(frozen=True)
class Terms:
    """How a panel scores: recorded when it is drawn, so that no later word changes it."""

    criteria: tuple[Criterion, ...] = CUSTOMARY
    _: KW_ONLY
    trimmed: bool = False
    least_opinion: int = LEAST_OPINION


@dataclass(frozen=True)
class Panel:
    """A panel so far: its size and its terms, who sits in it, what each sheet has added up to.

    `totals` are weighted sums in hundredths of a point, by the expert's id; `asker` acts now.
    """

    size: int
    terms: Terms
    seated: frozenset[int] = frozenset()
    totals: Mapping[int, int] = field(default_factory=dict)
    asker: int = 0

    @property
    def sheets(self) -> Mapping[int, int]:
        """Return the totals of those who sit in the panel."""
        return {key: each for key, each in self.totals.items() if key in self.seated}

    @property
    def waiting(self) -> int:
        """Return how many sheets are still to come, vacant places counted."""
        return self.size - len(self.sheets)

    @property
    def mean(self) -> Fraction:
        """Return the score, exact; zero where there is no sheet."""
        return mean_of(list(self.sheets.values()), trimmed=self.terms.trimmed)

    def scored(self, scores: Mapping[str, int], opinion: str) -> "Panel":
        """Return the panel with the asker's sheet.

        Raises:
            NotAllowed: the asker does not sit in it, or has scored. InvalidInput: a wrong sheet.
        """
        self._refuse_others()
        total = total_of(scores, self.terms.criteria)
        refuse_short(opinion, self.terms.least_opinion)
        return replace(self, totals={**self.totals, self.asker: total})

    def left(self) -> "Panel":
        """Return the panel without the asker, whose place is vacant now.

        Raises:
            NotAllowed: the asker does not sit in it, or has scored.
        """
        self._refuse_others()
        return replace(self, seated=self.seated - {self.asker})

    def _refuse_others(self) -> None:
        if self.asker not in self.seated:
            raise NotAllowed("您不在本办件抽取的专家组中，不能评分。")
        if self.asker in self.totals:
            raise NotAllowed("您已提交本办件的评分表，每位专家只评一次。")


def terms_of(data: Mapping[str, Any]) -> Terms:
    """Return the terms that `terms_data` made plain data of."""
    criteria = criteria_of(data["criteria"])
    return Terms(criteria, trimmed=data["trimmed"], least_opinion=data["least_opinion"])


def terms_data(terms: Terms) -> dict[str, Any]:
    """Return the terms as plain JSON data; the inverse of `terms_of`."""
    return {**vars(terms), "criteria": [dict(vars(each)) for each in terms.criteria]}


def criteria_of(data: Sequence[Mapping[str, Any]]) -> tuple[Criterion, ...]:
    """Return the criteria that plain data names, in its order: the tie rule is a choice of them.

    Raises:
        InvalidInput: none, too many, a code twice, a weight that is none, or a sum that is not 100.
    """
    found = tuple(Criterion(str(e["code"]), str(e["title"]), int(e["weight"])) for e in data)
    codes = {each.code for each in found}
    if not 1 <= len(found) <= MOST_CRITERIA or len(codes) < len(found):
        raise _refused(f"须为 1 至 {MOST_CRITERIA} 项，代码不得重复")
    total = sum(each.weight for each in found)
    if total != WHOLE or any(each.weight < 1 for each in found):
        raise _refused(f"各项权重须为正整数，合计 {WHOLE}，现为 {total}")
    return found


def _refused(why: str) -> InvalidInput:
    return InvalidInput(f"评分指标{why}。", fields={"criteria": why})


def total_of(scores: Mapping[str, int], criteria: Sequence[Criterion]) -> int:
    """Return the weighted sum of a sheet in hundredths of a point.

    Raises:
        InvalidInput: a criterion is missing, unknown, or its points are not 0 to 100.
    """
    known = {each.code: each for each in criteria}
    problems = {code: f"“{known[code].title}”未评分" for code in known.keys() - scores.keys()}
    problems |= dict.fromkeys(scores.keys() - known.keys(), "评分表没有这一项")
    problems |= {
        code: f"须在 0 与 {MOST_POINTS} 之间"
        for code, points in scores.items()
        if code in known and not 0 <= points <= MOST_POINTS
    }
    if problems:
        told = "；".join(f"{code}：{why}" for code, why in sorted(problems.items()))
        raise InvalidInput(f"评分表有误：{told}。", fields={"scores": told})
    return sum(scores[code] * each.weight for code, each in known.items())


def refuse_short(opinion: str, least: int) -> None:
    """Refuse an opinion of fewer than `least` characters, blanks not counted at its ends.

    Raises:
        InvalidInput: as said. Source: 手册§5.7.
    """
    if len(opinion.strip()) < least:
        raise InvalidInput(
            f"评审意见不少于 {least} 字，现为 {len(opinion.strip())} 字。",
            fields={"note": f"不少于 {least} 字"},
        )


def mean_of(totals: Sequence[int], *, trimmed: bool) -> Fraction:
    """Return the mean in points, exact; trimmed: without one highest and one lowest (去高去低)."""
    kept = sorted(totals)
    if trimmed and len(kept) >= TRIMMED_FROM:
        kept = kept[1:-1]
    return Fraction(sum(kept), WHOLE * len(kept)) if kept else Fraction(0)


def left_out(totals: Mapping[int, int], *, trimmed: bool) -> frozenset[int]:
    """Return whose sheets `mean_of` does not count: of equal ones, that of the lowest id goes."""
    if not trimmed or len(totals) < TRIMMED_FROM:
        return frozenset()
    lowest = min(totals, key=lambda key: (totals[key], key))
    others = totals.keys() - {lowest}
    return frozenset({lowest, min(others, key=lambda key: (-totals[key], key))})


def alarms(totals: Mapping[int, int]) -> frozenset[int]:
    """Return who is further than 2σ from the mean of all sheets; σ of the sheets themselves.

    Compared in squares, so exact. Of five sheets or fewer none can be: the furthest that one of
    n can lie is √(n−1) σ.
    """
    count = len(totals)
    if not count:
        return frozenset()
    mean = Fraction(sum(totals.values()), count)
    variance = sum((each - mean) ** 2 for each in totals.values()) / count
    limit = ALARM_SIGMAS**2 * variance
    return frozenset(key for key, each in totals.items() if (each - mean) ** 2 > limit)


def told(points: Fraction) -> str:
    """Return points with two decimals, half up, for people; nothing is decided by it."""
    hundredths = (points * WHOLE * 2 + 1) // 2
    return f"{hundredths // WHOLE}.{hundredths % WHOLE:02d}"
