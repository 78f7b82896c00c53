"""Checks (核查, 手册§5.5) of applicants: what is looked at, when, for how long, what follows.

A check is a fact about a subject with its source, the instant of the query, and a result. The
latest of each kind decides: a veto stands until a later check repairs it, a pass until it is stale.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

ACCEPTANCE, PUBLICITY, PAYMENT = "acceptance", "publicity", "payment"
POINTS: Final[dict[str, str]] = {
    ACCEPTANCE: "受理审核时",
    PUBLICITY: "拟定方案、公示前",
    PAYMENT: "拨付前",
}
"""When a case is checked. 手册§5.5: accept, before publicity, before payment."""

PASS, REDUCE, FLAG, VETO = "pass", "reduce", "flag", "veto"
RESULTS: Final[dict[str, str]] = {PASS: "通过", REDUCE: "酌减", FLAG: "提示", VETO: "否决"}
"""What a check may come to. 苏财规〔2016〕10号（手册 F22）: 优先、减少或取消支持."""

PASSED, VETOED, MISSING = "passed", "vetoed", "missing"
STANDINGS: Final[dict[str, str]] = {
    PASSED: "已通过",
    VETOED: "有否决",
    MISSING: "缺少有效核查",
}
"""How a case stands at a point."""

VALID_DAYS: Final = 30
"""A result counts to the end of this day after the query, that day included. 手册§5.5 (D)"""
MOST_VALID_DAYS: Final = 366


@dataclass(frozen=True)
class CheckKind:
    """What is looked at. `of_case`: about one case alone, not about its applicant as such.

    `computed`: answered from this house's own records; all others need a source. `by_hand`: and
    where the records do not know enough, a source or a person answers.
    """

    title: str
    question: str
    of_case: bool = False
    computed: bool = False
    by_hand: bool = False


CREDIT: Final = "credit"
KINDS: Final[dict[str, CheckKind]] = {
    CREDIT: CheckKind("信用审查", "有无失信被执行、严重违法失信、经营异常、重大税收违法、欠薪"),
    "territory": CheckKind("属地核查", "登记、纳税、统计是否均在本地"),
    "safety": CheckKind("安全生产核查", "近三年有无重大及以上安全事故"),
    "environment": CheckKind("生态环境核查", "近三年有无重大及以上环保事故"),
    "quality": CheckKind("质量核查", "近三年有无重大及以上质量事故"),
    "existence": CheckKind("存续核查", "有无注销、吊销、迁出"),
    "related_party": CheckKind(
        "关联方核查", "与供应方等其他当事人有无控制、持股、同一实际控制人等关系", of_case=True,
        computed=True, by_hand=True,
    ),
    "first_time": CheckKind(
        "首次核查", "是否首次享受同类支持", of_case=True, computed=True
    ),
    "duplicates": CheckKind(
        "查重", "同一事项有无享受或申报其他支持", of_case=True, computed=True
    ),
}  # fmt: skip

DEFAULT_POINTS: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(POINTS, (CREDIT,))
"""What a family is checked for where it says nothing else. 手册§5.5、§11.3(3)"""


@dataclass(frozen=True)
class Known:
    """The latest check of one kind: its result and its last valid day (inclusive)."""

    kind: str
    result: str
    valid_until: date
    check: str
    sha256: str
    id: int

    def counts(self, on: date) -> bool:
        """Return whether it is still valid on a day."""
        return on <= self.valid_until


def valid_until(queried_on: date, days: int = VALID_DAYS) -> date:
    """Return the last day on which a result of `queried_on` counts: day `days` still does."""
    return queried_on + timedelta(days=days)


def known_from(rows: Iterable[Iterable[Any]] | None) -> dict[str, Known]:
    """Return the latest check of each kind from rows of (kind, result, day, check, sha256, id)."""
    found = {}
    for kind, result, day, check, sha256, number in rows or ():
        found[kind] = Known(kind, result, date.fromisoformat(day), check, sha256, number)
    return found


def standing(kinds: Collection[str], known: Mapping[str, Known], on: date) -> str:
    """Return how a case stands that needs `kinds`: one of `STANDINGS`.

    Any valid veto counts, whether its kind was asked for or not; it goes before what is missing.
    """
    if not known:
        return MISSING if kinds else PASSED
    if any(check.result == VETO and check.counts(on) for check in known.values()):
        return VETOED
    return MISSING if missing(kinds, known, on) else PASSED


def missing(kinds: Iterable[str], known: Mapping[str, Known], on: date) -> list[str]:
    """Return the kinds of `kinds` that were never checked, or too long ago."""
    return [kind for kind in kinds if kind not in known or not known[kind].counts(on)]


def explained(kinds: Iterable[str], known: Mapping[str, Known], on: date) -> list[str]:
    """Return in words what stands in the way: each veto, each kind that is missing or stale."""
    words = [
        f"{KINDS[check.kind].title}为“否决”（有效至 {check.valid_until}），修复后须重新核查"
        for check in known.values()
        if check.result == VETO and check.counts(on)
    ]
    for kind in missing(kinds, known, on):
        old = known.get(kind)
        reason = f"已于 {old.valid_until} 失效，须重新核查" if old else "尚未核查"
        words.append(f"{KINDS[kind].title}{reason}")
    return words


def relied_on(kinds: Iterable[str], known: Mapping[str, Known], on: date) -> list[Known]:
    """Return the valid checks on which a decision at a point rests: those asked for, and vetoes."""
    wanted = set(kinds)
    return [
        check
        for check in known.values()
        if check.counts(on) and (check.kind in wanted or check.result == VETO)
    ]
