"""退回 and 拿回: to which earlier states a case may go back, compiled state by state.

Sent back is to where an earlier stage begins; taken back is to where the last step came from, and
only a step that did nothing but move. Neither leads out of or into payment, nor out of a running
publicity. The checker walks these roads as any other: who is sent back past a publicity, an
approval or whatever else the measure demands has all of it before him again.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from caseflow.kernel.workflow.draft import Draft
from caseflow.kernel.workflow.joining import Place
from caseflow.kernel.workflow.model import State, Step
from caseflow.kernel.workflow.vocabulary import FLAGS, SEND_BACK, TAKE_BACK

FROM: Final = frozenset({"review", "decision"})
INTO: Final = frozenset({"intake", *FROM})
PEOPLE: Final = frozenset({"applicant", "public", "system"})
"""Seats of nobody whose step a bureau takes back, or to whom it sends a case back so."""


def add_returns(draft: Draft) -> None:
    """Say on every state where it may be sent back to, and from where it may be taken back."""
    effects = {effect for act in draft.acts.values() for effect in act.effects}
    moves = [step for step in draft.steps.values() if _only_moves(step)]
    for code, state in draft.states.items():
        back = tuple(_sent_back(draft, state)) if SEND_BACK in effects else ()
        taken = tuple(_taken_back(draft, state, moves)) if TAKE_BACK in effects else ()
        draft.states[code] = replace(state, returns=back, taken_from=taken)


def _may_leave(draft: Draft, state: State) -> bool:
    place = next((place for place in draft.places if place.name == state.stage), None)
    if state.phase not in FROM or not _has_people(state) or place is None or place.order is None:
        return False
    is_listed = FLAGS["selective"] in place.source.data["events"]
    return not is_listed or state.code == place.entry


def _has_people(state: State) -> bool:
    return not PEOPLE.issuperset(state.holders)


def _sent_back(draft: Draft, state: State) -> Iterator[str]:
    if not _may_leave(draft, state):
        return
    order = _order(draft, state)
    for place in draft.places:
        if place.order is not None and place.order < order and _is_entered(draft, place):
            yield place.entry


def _order(draft: Draft, state: State) -> int:
    orders = (place.order for place in draft.places if place.name == state.stage)
    return next(order for order in orders if order is not None)


def _is_entered(draft: Draft, place: Place) -> bool:
    entry = draft.states[place.entry]
    return entry.phase in INTO and _has_people(entry)


def _taken_back(draft: Draft, state: State, moves: list[Step]) -> Iterator[str]:
    if not _may_leave(draft, state):
        return
    sources = (
        step.source
        for step in moves
        if any(branch.target == state.code for branch in step.branches)
    )
    for source in dict.fromkeys(sources):
        if source != state.code and _may_leave(draft, draft.states[source]):
            yield source


def _only_moves(step: Step) -> bool:
    """Say whether a step of an office changes nothing but where the case stands and its facts.

    An approval (审定) is more: it commits the budget, and the applicant has been told. A check of
    overlaps is not: it is only noted, and made again the next time.
    """
    acted = {*step.effects} - {"check_overlap"} or step.starts or step.ends or step.automatic
    return not acted and "approved_fen" not in step.requires and PEOPLE.isdisjoint(step.by)
