"""How several seats decide: what is counted, and when it is settled.

A flag (提示) is a yes with a remark, a veto is a no. Nothing here knows of silence: who has not
answered is waited for, unless a clause counts the silence and an event says so.
"""

from collections.abc import Mapping
from typing import Any, Final

from caseflow.kernel.workflow.model import ALL, ANY, VOTES, State

OPEN, PASSED, FAILED = "open", "passed", "failed"
VETO: Final = "veto"
DECIDING: Final = "deciding"
"""How the seats of the present state decide and how many must say yes: a fact of the engine."""


def entered(state: State) -> dict[str, Any]:
    """Return the facts of a state that was entered this moment: nobody has answered."""
    return counted(state, waiting=sum(holder != "system" for holder in state.holders), verdicts=())


def counted(state: State, *, waiting: int, verdicts: tuple[str, ...]) -> dict[str, Any]:
    """Return the facts of the seats of `state`: `waiting` have not answered, the others said so."""
    vetoes = verdicts.count(VETO)
    facts: dict[str, Any] = {
        DECIDING: (state.decide or ALL, state.needed or 0),
        "seats_waiting": waiting,
        "vetoes": vetoes,
        "votes_for": len(verdicts) - vetoes,
    }
    facts["vote"] = vote(facts)
    return facts


def vote(facts: Mapping[str, Any]) -> str:
    """Return whether the seats have decided: as soon as it is certain, and not before."""
    mode, needed = facts.get(DECIDING, (ALL, 0))
    waiting, no = facts.get("seats_waiting", 0), facts.get("vetoes", 0)
    yes = facts.get("votes_for", 0)
    if mode == ANY:
        return PASSED if yes else FAILED if no else OPEN
    if mode == VOTES:
        return PASSED if yes >= needed else FAILED if yes + waiting < needed else OPEN
    if waiting > 0:
        return OPEN
    return FAILED if no else PASSED
