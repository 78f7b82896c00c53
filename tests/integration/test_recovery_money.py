"""Every fen that comes back is counted once and goes to the share that paid it."""

from datetime import timedelta

import pytest

from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput
from tests.integration.claiming import CITY, DISTRICT, FEN, Claims
from tests.integration.walking import together


def test_two_shares_paid_40_to_60_get_back_what_each_paid(claims: Claims):
    recovery = claims.of("due by both")

    outcome = claims.receive(recovery, CITY + DISTRICT)

    assert outcome.state == "recovered"
    assert claims.shares(recovery) == [(4_000, 6_001)]


def test_receipts_of_odd_fen_lose_none(claims: Claims):
    recovery = claims.of("due by both")

    for fen in (1, 1, 1, 3_333, 6_665):
        claims.receive(recovery, fen)

    assert claims.shares(recovery) == [(0, 1), (0, 1), (1, 0), (1_333, 2_000), (2_666, 3_999)]
    assert claims.town.state(recovery) == "recovered"


@pytest.mark.parametrize("fen", [0, FEN + 1])
def test_no_more_is_received_than_is_left_and_never_nothing(standing_claims: Claims, fen: int):
    recovery = standing_claims.of("due")

    with pytest.raises(InvalidInput, match=f"不超过应追回未缴的 {FEN} 分"):
        standing_claims.receive(recovery, fen)


def test_a_voucher_is_recorded_once(claims: Claims):
    recovery = claims.of("due")
    claims.receive(recovery, 1, "SK-ONCE")

    with pytest.raises(Conflict, match="uq_recovery_receipt_voucher"):
        claims.receive(recovery, 1, "SK-ONCE")

    assert len(claims.shares(recovery)) == 1


def test_a_receipt_without_a_day_came_today(claims: Claims):
    claims.town.act(claims.of("due"), "record_receipt", receipt_fen=1)

    days = claims.town.sql("SELECT DISTINCT received_on FROM recovery_receipt")
    assert days == [(local_date(claims.town.now),)]


def test_nothing_is_received_tomorrow(standing_claims: Claims):
    recovery = standing_claims.of("due")
    tomorrow = (local_date(standing_claims.town.now) + timedelta(days=1)).isoformat()

    with pytest.raises(InvalidInput, match="尚未到"):
        standing_claims.town.act(recovery, "record_receipt", receipt_fen=1, received_on=tomorrow)


def test_two_receipts_at_once_are_both_counted(claims: Claims):
    recovery = claims.of("due by both")

    together(*(lambda n=n: claims.receive(recovery, 3, f"SK-{n}-{recovery}") for n in range(4)))

    assert (
        sum(map(sum, claims.shares(recovery))) == claims.recovered(claims.paid_case(recovery)) == 12
    )
    assert sum(city for city, _ in claims.shares(recovery)) == 12 * CITY // (CITY + DISTRICT)


@pytest.mark.parametrize(
    ("freed", "fen", "taken"),
    [(False, FEN, (FEN, "final")), (True, 300, (FEN - 300, "final")), (True, FEN, (0, "released"))],
)
def test_what_comes_back_makes_room_only_under_a_ceiling_that_says_so(
    claims: Claims, freed, fen: int, taken: tuple[int, str]
):
    recovery = claims.of("due")
    claims.owner("UPDATE cap SET freed_by_recovery = %s", freed)

    claims.receive(recovery, fen)

    held = claims.town.sql(
        'SELECT u.fen, u.state FROM cap_use u JOIN "case" c ON c.id = u.case_id'
        " WHERE c.public_id = %s",
        claims.paid_case(recovery),
    )
    assert held == [taken]
