"""Two supports of one matter: whether they clash, how much, and what the clause proposes.

Everything here is pure: `claims` are given, and an answer comes back.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final, Literal

from caseflow.kernel.overlap.matters import PER_HOLDER, Matter
from caseflow.kernel.overlap.rules import (
    INSIDE,
    INSIDE_QUESTION,
    VOUCHERS,
    Mode,
    OverlapTerms,
    settle,
)

Grade = Literal["same", "overlapping_base", "possible", "stacked"]
Treatment = Literal[
    "keep_this", "keep_other", "top_up", "refund_then_apply", "cut_base", "different"
]
Proposal = Literal[
    "keep_this", "keep_other", "top_up", "refund_then_apply", "cut_base", "applicant_chooses",
    "human_decides", "within_cost",
]  # fmt: skip

TREATMENTS: Final[dict[str, str]] = {
    "keep_this": "保留本件，另一项不再享受",
    "keep_other": "保留另一项，本件不再享受",
    "top_up": "补差",
    "refund_then_apply": "先退后补",
    "cut_base": "只计不重合部分",
    "different": "不是同一事项",
}
PROPOSALS: Final[dict[str, str]] = {
    **TREATMENTS,
    "applicant_chooses": "金额相等，由申报主体选择",
    "human_decides": "由人工核定并写明理由",
    "within_cost": "可以叠加，合计不超过成本",
}
GRADES: Final[dict[str, str]] = {
    "same": "同一事项",
    "overlapping_base": "部分重合",
    "possible": "疑似重复",
    "stacked": "上级资金，可以叠加",
}
SETTLES: Final = frozenset({"keep_this", "top_up", "cut_base", "different"})
"""Decisions after which the case goes on; the others say that it must not, or not yet."""

PENDING: Final = "pending"
HIGHER: Final = frozenset({"country", "province"})
SIMILAR: Final = 0.85
"""How alike two titles must be to be shown to a human; it decides nothing. 惯例（D）"""
_TAIL: Final = re.compile(r"(.*?)([0-9]+|[A-Z])\)?$")


@dataclass(frozen=True)
class Claim:
    """One support: an award that stands, or a case that asks (`status` pending), in fen.

    `total_fen` is what the matter has in all, an award that was topped up included.
    """

    id: str
    root: int | None
    holder: str
    policy: str | None
    measure: str | None
    family: str | None
    level: str
    place: str
    title: str
    total_fen: int | None
    status: str
    matters: frozenset[Matter]

    @property
    def is_pending(self) -> bool:
        """Return whether nothing has been approved yet."""
        return self.status == PENDING


@dataclass(frozen=True)
class Clash:
    """Where two supports meet: how surely, in which matters, and what is proposed.

    `overlap_fen` is the part of the base that both count, None where it is all of it or unknown;
    `pay_fen` what the proposal leaves for this case, None where that is not settled yet. `question`
    names the open question on which the clash rests, None where the policy's own words say it.
    """

    other: Claim
    grade: Grade
    shared: tuple[Matter, ...]
    proposal: Proposal
    reason: str
    words: str
    overlap_fen: int | None = None
    pay_fen: int | None = None
    question: str | None = None


def clashes(mine: Claim, others: Iterable[Claim], terms: OverlapTerms) -> list[Clash]:
    """Return every clash of `mine` under its clause, the surest first; its own family aside."""
    found = [
        clash
        for other in others
        if other.root is None or other.root != mine.root
        if (clash := _clash(mine, other, terms)) is not None
    ]
    order = ("same", "overlapping_base", "possible", "stacked")
    return sorted(found, key=lambda clash: (order.index(clash.grade), clash.other.id))


@dataclass(frozen=True)
class Decided:
    """The last decision on a clash; `allowed_fen` bounds what this case may still be given."""

    treatment: str
    allowed_fen: int | None = None


UNDECIDED: Final = Decided("")


def unsettled(found: Iterable[Clash], decided: Mapping[str, Decided]) -> list[Clash]:
    """Return the clashes of the surest grade that no decision lets pass; by the other's id."""
    return [
        clash
        for clash in found
        if clash.grade == "same" and decided.get(clash.other.id, UNDECIDED).treatment not in SETTLES
    ]


def allowed_fen(found: Iterable[Clash], decided: Mapping[str, Decided]) -> int | None:
    """Return the most that may be planned beside what the matter has, None where nothing bounds.

    Decisions bound it, and so does the cost where money of another level stacks (合计不超过成本).
    """
    clashes_ = list(found)
    bounds = [decided[c.other.id].allowed_fen for c in clashes_ if c.other.id in decided]
    stacked = [c for c in clashes_ if c.grade == "stacked" and not c.other.is_pending]
    shared = {(each.kind, each.key): each for c in stacked for each in c.shared}
    bounds.append(_left(cost_fen(shared.values()), (c.other for c in stacked)))
    return min((each for each in bounds if each is not None), default=None)


def refused_treatment(clash: Clash, treatment: str, mode: Mode) -> str:
    """Return why a clash may not be treated so, empty where it may."""
    if clash.grade != "same" or treatment == "keep_other":
        return ""
    if treatment == "different":
        return "双方登记的是同一事项；登记有误的，先更正事项"
    if treatment == "cut_base":
        return "双方成本相同或未列明，没有不重合部分；先登记费用期间或成本项"
    if treatment == "keep_this":
        return "" if clash.other.is_pending else "另一项已审定，不能只保留本件"
    if clash.other.is_pending:
        return "另一项尚未审定，不需补差或先退后补"
    return "" if treatment == mode else f"本条款的处理方式为 {mode}"


def _clash(mine: Claim, other: Claim, terms: OverlapTerms) -> Clash | None:
    shared = _shared(mine, other)
    if _stacks(mine, other):
        return _stacked(other, shared, terms) if shared else None
    if shared and terms.per_holder and mine.holder != other.holder:
        return _made(mine, other, terms, "possible", shared, "同一项目的另一单位已享受或正在申报")
    if shared:
        overlap_fen = _overlap(other, shared)
        if overlap_fen is not None:
            reason = "费用期间或成本项只部分重合"
            clash = _made(mine, other, terms, "overlapping_base", shared, reason)
            return replace(clash, overlap_fen=overlap_fen)
        return _made(mine, other, terms, "same", shared, "同一事项")
    reason = _alike(mine, other, terms)
    return _made(mine, other, terms, "possible", (), reason) if reason else None


def _stacks(mine: Claim, other: Claim) -> bool:
    """Return whether the other's money is of a level that the clause does not exclude.

    Only the city's own counts (市级); of its districts, vouchers.
    """
    if other.level == "district":
        return mine.family not in VOUCHERS
    return other.level in HIGHER or (other.level, other.place) != (mine.level, mine.place)


def _shared(mine: Claim, other: Claim) -> tuple[Matter, ...]:
    """Return my matters that the other has too; a title whatever its level (AMB-38)."""
    theirs = {(each.kind, each.stem) for each in other.matters}
    return tuple(
        sorted(
            each
            for each in mine.matters
            if (each.kind, each.stem) in theirs
            and (each.kind not in PER_HOLDER or mine.holder == other.holder)
        )
    )


def _overlap(other: Claim, shared: Iterable[Matter]) -> int | None:
    """Return the part of my base that the other counts too, None where that is all or unknown."""
    theirs = {(each.kind, each.stem): each for each in other.matters}
    parts = [_common(each, theirs[each.kind, each.stem]) for each in shared]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _common(mine: Matter, theirs: Matter) -> int | None:
    if _apart(mine, theirs):
        return 0
    if not mine.items or not theirs.items:
        return None
    common = mine.items.keys() & theirs.items.keys()
    overlap = sum(min(mine.items[name], theirs.items[name]) for name in common)
    return overlap if overlap < sum(mine.items.values()) else None


def _apart(mine: Matter, theirs: Matter) -> bool:
    """Return whether both cost periods are known and have no day in common."""
    if mine.cost_from is None or theirs.cost_from is None:
        return False
    assert mine.cost_to is not None  # a period has both days
    assert theirs.cost_to is not None
    return mine.cost_to < theirs.cost_from or theirs.cost_to < mine.cost_from


def _stacked(other: Claim, shared: tuple[Matter, ...], terms: OverlapTerms) -> Clash:
    """Province and country stack, up to what the matter costs (手册§4.5)."""
    room = _left(cost_fen(shared), (other,))
    reason = "上级或其他层级的资金，不在本条款限制之内"
    return Clash(other, "stacked", shared, "within_cost", reason, terms.words, pay_fen=room)


def cost_fen(matters: Iterable[Matter]) -> int | None:
    """Return what these matters cost, None where one of them does not say."""
    costs = [sum(each.items.values()) for each in matters]
    return sum(costs) if costs and all(costs) else None


def _left(cost: int | None, others: Iterable[Claim]) -> int | None:
    if cost is None:
        return None
    return max(0, cost - sum(other.total_fen or 0 for other in others))


def _made(
    mine: Claim,
    other: Claim,
    terms: OverlapTerms,
    grade: Grade,
    shared: tuple[Matter, ...],
    reason: str,
) -> Clash:
    inside = mine.policy is not None and mine.policy == other.policy
    question = INSIDE_QUESTION if inside and terms.trigger != INSIDE else None
    proposal, pay_fen = _proposal(mine, other, grade, terms.mode)
    return Clash(
        other,
        grade,
        shared,
        proposal,
        reason,
        terms.words,
        pay_fen=pay_fen,
        question=question,
    )


def _proposal(mine: Claim, other: Claim, grade: Grade, mode: Mode) -> tuple[Proposal, int | None]:
    if grade != "same":
        return ("human_decides" if grade == "possible" else "cut_base"), None
    if mine.total_fen is None or other.total_fen is None:
        return "human_decides", None
    if other.is_pending:
        return _of_two_pending(mine.total_fen, other.total_fen)
    settled = settle(mode, mine.total_fen, other.total_fen)
    if settled.pay_fen == 0:
        return "keep_other", 0
    return ("refund_then_apply" if settled.refund_fen else "top_up"), settled.pay_fen


def _of_two_pending(mine_fen: int, other_fen: int) -> tuple[Proposal, int | None]:
    if mine_fen == other_fen:
        return "applicant_chooses", None
    return ("keep_this", mine_fen) if mine_fen > other_fen else ("keep_other", 0)


def _alike(mine: Claim, other: Claim, terms: OverlapTerms) -> str:
    """Return why a human should look at two supports of one holder without a common matter."""
    if mine.holder != other.holder:
        return ""
    if _consecutive(mine, other):
        return "同一当事人的连号合同，疑似拆分合同"
    if mine.total_fen is not None and mine.total_fen > 0 and mine.total_fen == other.total_fen:
        return "同一单位，金额相同"
    if SequenceMatcher(None, mine.title, other.title).ratio() >= SIMILAR:
        return "同一单位，名称相近"
    kind_counts = terms.trigger in {"measure", "kind_of_policy"} and mine.policy != other.policy
    if kind_counts and mine.family is not None and mine.family == other.family:
        return "同一单位，同类政策"
    return ""


def _consecutive(mine: Claim, other: Claim) -> bool:
    """Return whether two contracts of the holder have numbers that follow each other."""
    ours = [_numbered(each.key) for each in mine.matters if each.kind == "contract"]
    theirs = [_numbered(each.key) for each in other.matters if each.kind == "contract"]
    return any(
        ours_key[0] == their_key[0] and abs(ours_key[1] - their_key[1]) == 1
        for ours_key in ours
        for their_key in theirs
    )


def _numbered(key: str) -> tuple[str, int]:
    """Return a contract number without its last count, and that count; a letter counts too."""
    number, _, party = key.partition("@")
    found = _TAIL.fullmatch(number)
    if found is None:
        return key, -1
    head, tail = found.groups()
    return f"{head}@{party}", int(tail) if tail.isdigit() else ord(tail)
