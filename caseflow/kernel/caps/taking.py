"""What an act makes a case take of its counters: reserved at plan, final at approval, given back.

A plan reserves; while a plan is being drawn up again nothing is reserved, but what was approved
before stands until something else is approved. A case that has ended keeps what was paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from caseflow.kernel.caps.model import NOTHING, Take


@dataclass(frozen=True)
class Doing:
    """What an act did: amounts that it gave (None: none), where it left the case.

    `standing_fen` is the approved amount that stands; `planning`: a plan is to be drawn up there;
    `spent_fen`: what a case that has ended was paid, by its children too.
    """

    planned_fen: int | None = None
    approved_fen: int | None = None
    standing_fen: int | None = None
    planning: bool = False
    spent_fen: int | None = None


def take_after(before: Take, doing: Doing) -> Take:
    """Return what the case takes after the act."""
    if doing.spent_fen is not None:
        return final(min(doing.spent_fen, before.fen))
    if doing.approved_fen is not None:
        return final(doing.approved_fen)
    if doing.planned_fen is not None:
        return _planned(before, doing.planned_fen)
    if doing.planning and before.state == "reserved":
        return final(doing.standing_fen or 0)
    return before


def final(fen: int) -> Take:
    """Return what was approved or paid; an award of nothing takes nothing."""
    return Take(fen, 1, "final") if fen else NOTHING


def _planned(before: Take, fen: int) -> Take:
    """A new plan of no more than what was approved leaves that as it is until it is approved."""
    if before.state == "final" and fen <= before.fen:
        return before
    return Take(fen, 1, "reserved") if fen else NOTHING


def changed(held: Mapping[str, Take], wanted: Mapping[str, Take]) -> dict[str, Take]:
    """Return the counters whose take differs, with the new one; a key given up is released."""
    given_up = {key: NOTHING for key in held if key not in wanted}
    differs = {key: take for key, take in wanted.items() if take != held.get(key, NOTHING)}
    return {**given_up, **differs}
