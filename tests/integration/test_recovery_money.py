"""Every fen that comes back is counted once and goes to the share that paid it."""

from datetime import timedelta

import pytest

from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput
from tests.integration.claiming import CITY, DISTRICT, FEN, STOCKED, Claims
from tests.integration.walking import together


@pytest.fixture
def claims(standing_claims: Claims) -> Claims:
    """The module's stock; each test has a recovery of its own, or changes nothing."""
    standing_claims.town.now = STOCKED
    return standing_claims


@pytest.fixture(scope="module")
def opened(standing_claims: Claims) -> str:
    """A recovery that more is received on than these tests receive."""
    recovery = standing_claims.of("ruling")
    standing_claims.town.act(recovery, "order_recovery", recovery_fen=FEN, offset_allowed=False)
    standing_claims.town.walk(recovery, "recovery_due")
    return recovery


def test_two_shares_paid_40_to_60_get_back_what_each_paid(claims: Claims):
    recovery = claims.decided(claims.of("paid by both"), CITY + DISTRICT)

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
def test_no_more_is_received_than_is_left_and_never_nothing(claims: Claims, fen: int):
    recovery = claims.of("due")

    with pytest.raises(InvalidInput, match=f"不超过应追回未缴的 {FEN} 分"):
        claims.receive(recovery, fen)


def test_a_voucher_is_recorded_once(claims: Claims, opened: str):
    before = len(claims.shares(opened))
    claims.receive(opened, 1, "SK-ONCE")

    with pytest.raises(Conflict, match="uq_recovery_receipt_voucher"):
        claims.receive(opened, 1, "SK-ONCE")

    assert len(claims.shares(opened)) == before + 1


def test_a_receipt_without_a_day_came_today(claims: Claims, opened: str):
    claims.town.act(opened, "record_receipt", receipt_fen=1)

    days = claims.town.sql(
        "SELECT DISTINCT received_on FROM recovery_receipt WHERE recovery_id ="
        ' (SELECT id FROM "case" WHERE public_id = %s)',
        opened,
    )
    assert days == [(local_date(claims.town.now),)]


def test_nothing_is_received_tomorrow(claims: Claims):
    recovery = claims.of("due")
    tomorrow = (local_date(claims.town.now) + timedelta(days=1)).isoformat()

    with pytest.raises(InvalidInput, match="尚未到"):
        claims.town.act(recovery, "record_receipt", receipt_fen=1, received_on=tomorrow)


@pytest.mark.soak
def test_two_receipts_at_once_are_both_counted(claims: Claims):
    with claims.beforehand():
        case = claims.paid_by_both()
    recovery = claims.decided(case, CITY + DISTRICT)

    together(*(lambda n=n: claims.receive(recovery, 3, f"SK-{n}-{recovery}") for n in range(4)))

    assert sum(map(sum, claims.shares(recovery))) == claims.recovered(case) == 12
    assert sum(city for city, _ in claims.shares(recovery)) == 12 * CITY // (CITY + DISTRICT)


@pytest.mark.soak
def test_what_comes_back_makes_room_only_under_a_ceiling_that_says_so(claims: Claims):
    with claims.beforehand():
        freed = claims.paid()
    kept, recovery = claims.of("paid"), claims.decided(freed, FEN)
    for case, says_so in ((kept, False), (freed, True)):
        claims.owner(
            "UPDATE cap SET freed_by_recovery = %s WHERE key IN (SELECT u.cap_key FROM cap_use u"
            ' JOIN "case" c ON c.id = u.case_id WHERE c.public_id = %s)',
            says_so,
            case,
        )

    claims.receive(claims.decided(kept, FEN), FEN)
    claims.receive(recovery, 300)
    part = _held(claims, freed)
    claims.receive(recovery, FEN - 300)

    assert _held(claims, kept) == [(FEN, "final")]
    assert (part, _held(claims, freed)) == ([(FEN - 300, "final")], [(0, "released")])


def _held(claims: Claims, case: str) -> list[tuple[int, str]]:
    """Return what a case has taken of its ceilings."""
    return claims.town.sql(
        'SELECT u.fen, u.state FROM cap_use u JOIN "case" c ON c.id = u.case_id'
        " WHERE c.public_id = %s",
        case,
    )
