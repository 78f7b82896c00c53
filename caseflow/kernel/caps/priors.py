"""What others have taken of a case's ceilings, as the prior facts of its quote."""

from collections.abc import Mapping, Sequence
from typing import Final

from caseflow.kernel.benefits.model import Cap, CapKind
from caseflow.kernel.caps.model import Room, Scope
from caseflow.kernel.caps.rules import scope_of

SCOPES: Final[Mapping[CapKind, tuple[Scope, ...]]] = {
    "case": ("object", "enterprise_clause_life"),
    "object": ("object", "enterprise_clause_life"),
    "joint": ("object", "enterprise_clause_life"),
    "year": ("project_year", "enterprise_clause_year"),
    "life": ("project_life", "enterprise_clause_life"),
}
"""On which counters a cap's `less` is found; what another award gave (paid) is on none of them."""


def priors(caps: Sequence[Cap], room: Sequence[Room]) -> dict[str, int]:
    """Return `less` and `counted` of the caps: fen and times that are taken, by the fact's name."""
    found: dict[str, int] = {}
    for cap in caps:
        counter = _counter(cap, room)
        if counter is None:
            continue
        if cap.less is not None:
            found.setdefault(cap.less, counter.used_fen)
        if cap.counted is not None:
            found.setdefault(cap.counted, counter.used_times)
    return found


def _counter(cap: Cap, room: Sequence[Room]) -> Room | None:
    """Return the room that a cap speaks of, None where it is of no counter of the case."""
    if cap.kind == "times" and cap.per is None:
        return next((each for each in room if each.limit_times is not None), None)
    scopes = (scope_of(cap),) if cap.kind == "times" else SCOPES.get(cap.kind, ())
    return next((each for each in room if each.scope in scopes), None)
