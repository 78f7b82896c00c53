"""The ranking (排序) of a call: by score, then by the call's tie rule, never by chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.scoring import told


@dataclass(frozen=True)
class Entry:
    """A case to be ranked. `subscores` are mean points by criterion, `submitted_at` breaks ties."""

    key: str
    number: str
    score: Fraction
    subscores: Mapping[str, Fraction]
    submitted_at: datetime


@dataclass(frozen=True)
class Place:
    """A case with its rank (1 is first) and the words that say why it is no lower."""

    rank: int
    entry: Entry
    reason: str


def ranked(
    entries: Sequence[Entry], tie_rule: Sequence[str], titles: Mapping[str, str]
) -> tuple[Place, ...]:
    """Return the entries in order; equal scores by the sub-scores named, then time, then number.

    `tie_rule` are codes of criteria, the first decides first; `titles` are what they are called.

    Raises:
        InvalidInput: the tie rule names a criterion that an entry has no points for, or one twice.
    """
    refuse_tie_rule(tie_rule, titles)
    order = sorted(entries, key=lambda entry: _key(entry, tie_rule))
    return tuple(
        Place(rank, entry, _reason(entry, order[rank:], tie_rule, titles))
        for rank, entry in enumerate(order, start=1)
    )


def refuse_tie_rule(tie_rule: Sequence[str], titles: Mapping[str, str]) -> None:
    """Refuse a tie rule that names no criterion, or one twice.

    Raises:
        InvalidInput: as said.
    """
    unknown = [code for code in tie_rule if code not in titles]
    if unknown or len(set(tie_rule)) < len(tie_rule):
        why = f"须为评分指标 {'、'.join(titles)} 中的若干项，不重复"
        raise InvalidInput(f"同分排序规则{why}。", fields={"tie_rule": why})


def _key(entry: Entry, tie_rule: Sequence[str]) -> tuple[Any, ...]:
    points = (-entry.subscores.get(code, Fraction(0)) for code in tie_rule)
    return (-entry.score, *points, entry.submitted_at, entry.number)


def _reason(
    entry: Entry, behind: Sequence[Entry], tie_rule: Sequence[str], titles: Mapping[str, str]
) -> str:
    """Say the score, and where the next has the same, what put this one before it."""
    said = f"评审得分 {told(entry.score)}"
    if not behind or behind[0].score != entry.score:
        return said
    after = behind[0]
    for code in tie_rule:
        mine, theirs = (each.subscores.get(code, Fraction(0)) for each in (entry, after))
        if mine != theirs:
            why = f"按“{titles[code]}”{told(mine)} 高于 {told(theirs)}"
            return f"{said}，与 {after.number} 同分，{why}"
    if entry.submitted_at != after.submitted_at:
        return f"{said}，与 {after.number} 各项同分，按提交时间在先"
    return f"{said}，与 {after.number} 各项同分且同时提交，按办件编号在先"
