"""Setting off (抵扣): part of a later award stays with the treasury against a recovery. Pure.

Only where the recovery's decision says so (手册§5.9), and only before the order goes to the
treasury: the file that pays says the net.
"""

from collections.abc import Sequence
from dataclasses import replace

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ledger import ORDERED, PAID, Order
from caseflow.kernel.recovery import Shares, proportion
from caseflow.kernel.shares import CITY


def set_off(orders: Sequence[Order], fen: int) -> tuple[Order, ...]:
    """Return the orders after `fen` were set off against those that wait, in proportion.

    The city's order bears the floor to the fen, the district's the rest. An order of which nothing
    is left to pay is paid: no payment of nothing goes out.

    Raises:
        InvalidInput: nothing, or more than waits to be paid.
    """
    waiting = [order for order in orders if order.status == ORDERED]
    net = Shares(
        sum(order.net_fen for order in waiting if order.share == CITY),
        sum(order.net_fen for order in waiting if order.share != CITY),
    )
    if not 0 < fen <= net.total:
        raise InvalidInput(
            f"抵扣 {fen} 分，须大于零且不超过本期待付的 {net.total} 分。",
            fields={"offset_fen": f"大于 0，至多 {net.total}"},
        )
    parts = proportion(fen, net)
    return tuple(
        _less(order, parts.city if order.share == CITY else parts.district)
        if order in waiting
        else order
        for order in orders
    )


def _less(order: Order, fen: int) -> Order:
    offset = order.offset_fen + fen
    status = PAID if offset == order.fen else order.status
    return replace(order, offset_fen=offset, status=status)
