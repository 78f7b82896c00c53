"""Lots (随机抽取): who may be drawn for which applicants, and a draw that anybody can repeat.

A draw is no shuffle: every eligible expert's lot is the SHA-256 of the seed and the expert's key,
and the smallest lots win. Seed and pool written down, the same panel follows anywhere, for ever.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.event_bytes import canonical


@dataclass(frozen=True)
class Candidate:
    """An expert of the pool: what may keep them from judging somebody.

    `holdings` are the credit codes of enterprises in which the expert has shares, `seats` the
    organisations in which the expert holds a role besides the pool's, `declared` the applicants
    from whom the expert withdrew by word, `tied` those to whom the register of ties (关联关系) ties
    the expert or the employer, with how.
    """

    key: str
    fields: frozenset[str] = frozenset()
    employer_uscc: str | None = None
    holdings: frozenset[str] = frozenset()
    seats: frozenset[int] = frozenset()
    declared: frozenset[int] = frozenset()
    tied: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """An applicant whose case is to be judged; `bureaus` are the parties that handle it."""

    id: int
    title: str
    uscc: str | None
    bureaus: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Drawn:
    """The result: the panel in the order of its lots, and why others could not be drawn."""

    panel: tuple[str, ...]
    excluded: Mapping[str, str]
    pool_hash: str
    panel_hash: str


def refusal(candidate: Candidate, judged: Iterable[Judged], field: str | None = None) -> str:
    """Return why the expert may not judge these applicants, empty when they may.

    Source: 手册§2.3(8)、§5.7 (回避：同一单位、持股、关联、本人声明、本单位或经办单位).
    """
    if field is not None and field not in candidate.fields:
        return f"专业领域不含“{field}”"
    return next((why for each in judged if (why := _conflict(candidate, each))), "")


def _conflict(candidate: Candidate, judged: Judged) -> str:
    grounds = (
        (judged.uscc is not None and judged.uscc == candidate.employer_uscc,
         f"与申报主体{judged.title}为同一工作单位"),
        (judged.uscc in candidate.holdings, f"持有申报主体{judged.title}的股份"),
        (judged.id in candidate.seats, f"在申报主体{judged.title}任职"),
        (bool(candidate.seats & judged.bureaus), f"在办理{judged.title}申报的部门任职"),
        (judged.id in candidate.declared, f"本人声明对{judged.title}回避"),
        (judged.id in candidate.tied,
         f"与申报主体{judged.title}有登记的关联关系：{candidate.tied.get(judged.id, '')}"),
    )  # fmt: skip
    return next((why for holds, why in grounds if holds), "")


def draw(
    candidates: Sequence[Candidate],
    judged: Collection[Judged],
    count: int,
    *,
    seed: bytes,
    field: str | None = None,
    seated: Collection[str] = (),
) -> Drawn:
    """Draw `count` experts who may judge all of `judged`; `seated` are on the panel or were.

    Raises:
        InvalidInput: fewer may be drawn than are wanted; `fields` names how many.
    """
    told = {each.key: refusal(each, judged, field) for each in candidates}
    told |= {key: "已在专家组或已退出" for key in seated if key in told and not told[key]}
    excluded = {key: why for key, why in told.items() if why}
    open_to = [each.key for each in candidates if each.key not in excluded]
    if len(open_to) < count:
        reasons = "；".join(sorted(excluded.values()))
        raise InvalidInput(
            f"可抽取的专家只有 {len(open_to)} 名，"
            f"不足 {count} 名（{reasons or '专家库人数不足'}）。",
            fields={"size": f"至多 {len(open_to)}"},
        )
    panel = tuple(sorted(open_to, key=lambda key: lot(seed, key))[:count])
    return Drawn(panel, excluded, hash_of(sorted(told.items())), hash_of(panel))


def lot(seed: bytes, key: str) -> bytes:
    """Return an expert's lot under a seed; the smallest are drawn."""
    return hashlib.sha256(seed + key.encode()).digest()


def replay(pool: Mapping[str, str], count: int, *, seed: bytes) -> tuple[str, ...]:
    """Draw again from what was recorded: `pool` says of each key why not, empty for who could."""
    open_to = [key for key, why in pool.items() if not why]
    return tuple(sorted(open_to, key=lambda key: lot(seed, key))[:count])


def hash_of(value: object) -> str:
    """Return the SHA-256 (hex) of plain data."""
    return hashlib.sha256(canonical(value)).hexdigest()


def refuse_size(size: int, minimum: int) -> None:
    """Refuse a panel that is too small or even.

    Raises:
        InvalidInput: as said. Source: 手册§4.1.2、§5.7 (五人以上单数).
    """
    if size < minimum or size % 2 == 0:
        raise InvalidInput(
            f"专家组须为 {minimum} 人以上的单数，不能是 {size} 人。",
            fields={"size": f"单数，至少 {minimum}"},
        )
