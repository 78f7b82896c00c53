"""What an act does to the budget: the transfers between the case's standing before and after."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.statement import Writes
from caseflow.funds.ledger import ENTRIES
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ledger import ROAD, Order, Standing, Transfer, standing_of, transfers_between
from caseflow.kernel.shares import SHARES, Share
from caseflow.kernel.workflow.effects import CITY_PERCENT, ORDERS
from caseflow.kernel.workflow.model import DRAWS_ON_PARENT, WHOLE

PLANNED, APPROVED = "planned_fen", "approved_fen"
DRAWN: Final = ("committed", "released", "paid")
"""The road of what draws on its parent's commitment: only its orders and payments move money."""


def add_entries(act: Act, writes: Writes) -> None:
    """Put the ledger entries of the act; an act that moves no money has none.

    Raises:
        InvalidInput: money is planned before it is settled what the city bears.
    """
    flow = act.workflow
    if not flow.pays and flow.commits != WHOLE:
        return
    before, after = _sums(act, act.reading.facts, act.reading.orders), _after(act)
    if before == after:
        return
    percent = act.decision.facts[CITY_PERCENT]
    if percent is None:
        raise InvalidInput(
            "市区两级按现行财政体制分担，本属地的分担比例尚未录入并复核，不能安排资金。",
            fields={"split": "未录入"},
        )
    seq = act.reading.head_seq + len(act.decision.moves)
    for share in SHARES:
        for transfer in _transfers(act, share, before, after, percent):
            row = {"stream": act.case_id, "case_id": act.case_id, "seq": seq, "at": act.at}
            writes.add(ENTRIES, {**vars(transfer), **row})


def _sums(
    act: Act, facts: Any, orders: Sequence[Order], *, ended: bool = False
) -> tuple[int | None, int | None, tuple[Order, ...], bool]:
    """Return planned and approved fen, the orders, and whether the case is over."""
    planned, approved = facts.get(PLANNED), facts.get(APPROVED)
    if ended and act.workflow.commits == WHOLE:
        planned = approved = act.reading.children[3]
        ended = False
    return planned, approved, tuple(orders), ended


def _after(act: Act) -> tuple[int | None, int | None, tuple[Order, ...], bool]:
    facts = act.decision.facts
    ended = act.workflow.states[act.decision.state].end is not None
    return _sums(act, facts, facts[ORDERS], ended=ended)


def _transfers(
    act: Act, share: Share, before: Any, after: Any, percent: Fraction
) -> Sequence[Transfer]:
    early, late = _standing(share, before, percent), _standing(share, after, percent)
    if act.workflow.commits != DRAWS_ON_PARENT:
        return transfers_between(share, early.levels, late.levels, road=ROAD)
    moved = transfers_between(share, early.levels[2:], late.levels[2:], road=DRAWN)
    return (*moved, *_given_back(act, share, early, late))


def _standing(share: Share, sums: Any, percent: Fraction) -> Standing:
    planned, approved, orders, ended = sums
    return standing_of(
        share, planned=planned, approved=approved, orders=orders, percent=percent, ended=ended
    )


def _given_back(act: Act, share: Share, early: Standing, late: Standing) -> Sequence[Transfer]:
    """Return what a child gives back that outlived its parent, which had kept it for the child."""
    if act.reading.parent_outcome is None or late.reserved >= early.reserved:
        return ()
    rest = early.reserved - late.reserved
    return (Transfer(share, "committed", "available", rest),)
