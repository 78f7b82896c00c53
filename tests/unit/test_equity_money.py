"""Where the money is: tranches, buy-back by day, gain, loss; no fen is ever made or lost."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.equity.exits import BUYBACK, Came, buyback_ends, interest, settle
from caseflow.kernel.equity.position import (
    ACCOUNTS,
    MOVES,
    OUTSIDE,
    Movement,
    Position,
    balances,
    came_back,
    distributed,
    granted,
    moved,
    position_of,
    taken_back,
)
from caseflow.kernel.errors import InvalidInput
from tests.factories.equity import terms

FIRST, SECOND = date(2027, 1, 15), date(2027, 7, 15)
CONVERTED, LEFT = date(2027, 10, 1), date(2028, 1, 15)
HELD = Position(
    tranches=((FIRST, 300_000_000), (SECOND, 200_000_055)),
    pooled_fen=500_000_055,
    granted_fen=55,
    equity_fen=500_000_000,
    converted_on=CONVERTED,
)
DUE = 14_020_417  # 300,000,000×3.45%×365/360 = 10,493,750; 200,000,000×3.45%×184/360 = 3,526,666.67


def leave(route="transfer", *, principal=500_000_000, gain=0, rest=55, on=LEFT, minutes=None):
    came = Came(principal, gain, rest)
    return settle(HELD, terms(), route, on=on, came=came, minutes_no=minutes)


def test_interest_runs_by_day_from_each_tranche_and_is_rounded_once():
    fen, lines = interest(HELD, terms(), LEFT)

    assert fen == DUE
    assert [(line.value, line.exact) for line in lines] == [
        (10_493_750, "10493750"),
        (3_526_666, "10580000/3"),
    ]


def test_interest_may_be_agreed_from_the_conversion():
    fen, _ = interest(HELD, terms(interest_from="conversion"), LEFT)

    assert fen == 5_079_167  # 500,000,000 × 3.45 % × 106/360 = 5,079,166.67


def test_the_earliest_tranche_was_converted_first():
    position = Position(
        tranches=((SECOND, 100), (FIRST, 100)), granted_fen=100, equity_fen=100, converted_on=LEFT
    )

    _, lines = interest(position, terms(), LEFT)

    assert [line.title for line in lines] == ["2027-01-15 起 365 天的利息"]


def test_no_interest_runs_backwards():
    with pytest.raises(InvalidInput, match="before it begins"):
        interest(HELD, terms(), FIRST - timedelta(days=1))


@pytest.mark.parametrize(
    ("converted", "last"),
    [
        (date(2027, 10, 1), date(2032, 10, 1)),
        (date(2028, 2, 29), date(2033, 2, 28)),
    ],
)
def test_founders_buy_back_up_to_the_same_day_five_years_on(converted, last):
    assert buyback_ends(terms(), converted) == last


def test_a_buyback_is_principal_and_interest_to_the_fen():
    made = leave(BUYBACK, gain=DUE)

    assert (made.principal_fen, made.gain_fen, made.loss_fen) == (500_000_000, DUE, 0)
    after = HELD.after(made.movements)
    assert (after.outstanding_fen, after.returned_fen, after.gain_fen) == (0, 500_000_055, DUE)
    assert distributed(after) == Fraction(500_000_055 + DUE, 500_000_055)
    assert made.lines[-1].title == "损失"


@pytest.mark.parametrize("gain", [DUE - 1, DUE + 1])
def test_a_buyback_a_fen_off_is_refused_with_what_is_due(gain):
    with pytest.raises(InvalidInput, match=f"应为 {DUE} 分") as refused:
        leave(BUYBACK, gain=gain)

    assert refused.value.fields == {"exit_gain_fen": f"应为 {DUE}"}


def test_a_buyback_pays_the_whole_principal():
    with pytest.raises(InvalidInput, match="付清本金"):
        leave(BUYBACK, principal=499_999_999, gain=DUE)


def test_a_buyback_is_possible_on_its_last_day_and_no_longer():
    last = buyback_ends(terms(), CONVERTED)
    due, _ = interest(HELD, terms(), last)

    assert leave(BUYBACK, gain=due, on=last).loss_fen == 0
    with pytest.raises(InvalidInput, match="已过期"):
        leave(BUYBACK, gain=due, on=last + timedelta(days=1))


def test_a_sale_over_what_the_shares_cost_is_gain():
    made = leave(gain=1)

    assert HELD.after(made.movements).gain_fen == 1


def test_a_gain_comes_only_after_the_whole_principal():
    with pytest.raises(InvalidInput, match="不得记收益"):
        leave(principal=499_999_999, gain=1)


def test_no_more_principal_comes_back_than_was_converted():
    with pytest.raises(InvalidInput, match="不得超过"):
        leave(principal=500_000_001)


def test_no_more_rest_comes_back_than_is_at_the_company():
    with pytest.raises(InvalidInput, match="未转股余额"):
        leave(rest=56)


@pytest.mark.parametrize(("principal", "rest", "loss"), [(499_999_999, 55, 1), (500_000_000, 54, 1),
                                                         (0, 0, 500_000_055)])  # fmt: skip
def test_a_loss_wants_the_meetings_minutes(principal, rest, loss):
    with pytest.raises(InvalidInput, match=f"损失 {loss} 分"):
        leave("liquidation", principal=principal, rest=rest)

    made = leave("liquidation", principal=principal, rest=rest, minutes="联席会9号")
    assert made.loss_fen == loss
    assert HELD.after(made.movements).lost_fen == loss


def test_a_position_survives_being_stored():
    assert position_of(HELD.to_data()) == HELD
    assert position_of(Position().to_data()) == position_of(None) == Position()


def test_nothing_leaves_that_is_not_there():
    with pytest.raises(InvalidInput, match="尚缺 1 分"):
        HELD.after([Movement("granted", "lost", 56)])


def test_money_at_the_company_comes_back_before_that_of_the_shares():
    assert taken_back(HELD, 57) == came_back("granted", 55) + came_back("equity", 2)


def test_nothing_was_distributed_before_anything_was_paid():
    assert distributed(Position()) is None


def test_a_movement_of_nothing_is_none():
    assert moved(("granted", "lost", 0)) == ()


ACT = st.tuples(
    st.sampled_from(["grant", "convert", "repay", "lose", "keep", "exit"]),
    st.integers(1, 10**9),
    st.integers(0, 10**9),
)


def steps_of(position: Position, act: str, fen: int, gain: int) -> tuple[Movement, ...]:
    """The movements of a random act that the position allows."""
    some, shares = min(fen, position.granted_fen), min(fen, position.equity_fen)
    if act == "grant":
        return granted(fen)
    if act == "repay":
        return taken_back(position, min(fen, position.outstanding_fen))
    if act == "exit":
        lost = position.equity_fen - shares
        back = came_back("equity", shares)
        return back + moved(("equity", "lost", lost), ("gain", "available", gain * (lost == 0)))
    target = {"convert": "equity", "lose": "lost", "keep": "kept"}[act]
    return moved(("granted", target, some))


@given(st.lists(ACT, max_size=30))
def test_money_of_the_pool_is_conserved_whatever_happens(acts):
    position, ledger = Position(), []
    for act, fen, gain in acts:
        movements = steps_of(position, act, fen, gain)
        if act == "grant":
            position = Position(**{**position.__dict__,
                                   "tranches": (*position.tranches, (FIRST, fen))})  # fmt: skip
        position = position.after(movements)
        ledger += movements
        found = balances(ledger)
        assert sum(found.values()) == 0
        assert all(found[name] >= 0 for name in ACCOUNTS if name not in OUTSIDE)
        assert all(found[name] <= 0 for name in OUTSIDE)
        assert found["returned"] == 0
        assert found["available"] == position.returned_fen + position.gain_fen
        assert (found["granted"], found["equity"]) == (position.granted_fen, position.equity_fen)
    assert {(move.source, move.target) for move in ledger} <= set(MOVES)
    assert position.pooled_fen == position.transferred_fen
    ended = position.returned_fen + position.lost_fen + position.kept_fen
    assert position.transferred_fen == position.outstanding_fen + ended
