"""抵扣: only where the decision says so, never above what is open, told by both histories."""

from datetime import timedelta

import psycopg
import pytest

from caseflow.cases.recoveries.offsetting import Offset, offset_payment
from caseflow.kernel.errors import CaseflowError, EventNotAllowed, InvalidInput, RequestReused
from tests.integration.claiming import CITY, DISTRICT, FEN, Claims
from tests.integration.walking import together

ALLOWED = {"offset_allowed": True, "offset_words": "可从今后应拨付的奖补资金中抵扣。"}


class Desk:
    """A recovery that may be set off, and a payment to the same enterprise that waits."""

    def __init__(self, claims: Claims, *, shares: tuple[int, ...] = (FEN,), fen: int = FEN) -> None:
        self.claims, self.town = claims, claims.town
        self.claimed = claims.paid(fen) if len(shares) == 1 else claims.paid_by_both(shares)
        self.recovery = claims.decided(self.claimed, sum(shares), **ALLOWED)
        applicant = claims.applicant_of(self.recovery)
        self.paying = claims.reached_by(applicant, "fund_released")

    def offset(self, fen: int, recovery: str | None = None, **said: object):
        """Set off so much of the payment, as the treasury."""
        person = self.town.person(self.paying, "finance.treasury")
        self.town.now += timedelta(minutes=1)
        wanted = Offset(
            payment=self.paying,
            recovery=recovery or self.recovery,
            fen=fen,
            actor_id=person,
            at=self.town.now,
            **{"voucher_no": f"DK-{fen}", **said},
        )
        return offset_payment(self.town.house.cases, wanted)

    def order(self) -> tuple[int, int, str]:
        """Return fen, offset and status of the payment's one order."""
        return self.town.sql(
            'SELECT fen, offset_fen, p.status FROM payment p JOIN "case" c ON c.id = p.case_id'
            " WHERE c.public_id = %s",
            self.paying,
        )[0]

    def ledger(self, case: str) -> dict[str, int]:
        """Return what stands in each account of what the case has taken."""
        return dict(
            self.town.sql(
                "SELECT kind, sum(fen)::int FROM (SELECT case_id, target AS kind, fen"
                " FROM ledger_entry UNION ALL SELECT case_id, source, -fen FROM ledger_entry) e"
                ' JOIN "case" c ON c.id = e.case_id WHERE c.public_id = %s'
                " GROUP BY kind HAVING sum(fen) <> 0",
                case,
            )
        )


@pytest.fixture(scope="module")
def standing_offsets(standing_claims: Claims) -> Desk:
    """The same where everything that is asked is refused."""
    return Desk(standing_claims)


@pytest.fixture
def desk_of_offsets(claims: Claims) -> Desk:
    return Desk(claims)


def test_part_of_a_payment_is_set_off_and_the_net_is_paid(desk_of_offsets: Desk):
    desk = desk_of_offsets

    outcome = desk.offset(300)
    desk.town.walk(desk.paying)

    assert (outcome.state, outcome.events) == ("fund_released", ("offset_payment",))
    assert desk.order() == (FEN, 300, "paid")
    assert desk.claims.shares(desk.recovery) == [(300, 0)]
    assert desk.claims.recovered(desk.claimed) == 300
    assert desk.town.state(desk.paying) == "disbursed"
    assert desk.ledger(desk.paying) == {"available": -FEN, "paid": FEN}
    assert desk.ledger(desk.claimed) == {"available": -FEN, "paid": FEN - 300, "recovered": 300}
    assert "offset_payment" in desk.town.events(desk.paying)
    assert desk.town.events(desk.recovery)[-1] == "record_offset"


def test_a_payment_wholly_set_off_is_paid_without_the_bank(desk_of_offsets: Desk):
    desk = desk_of_offsets

    outcome = desk.offset(FEN, voucher_no="DK-ALL")

    assert outcome.events == ("offset_payment", "wholly_offset")
    assert desk.order() == (FEN, FEN, "paid")
    assert desk.town.state(desk.paying) == "disbursed"
    assert desk.town.state(desk.recovery) == "recovered"


def test_a_net_that_the_bank_gives_back_is_paid_again_and_the_offset_stands(
    desk_of_offsets: Desk,
):
    desk = desk_of_offsets
    desk.offset(300)
    desk.town.act(desk.paying, "order_payment")

    desk.town.act(desk.paying, "return_payment", reason="账号有误")
    returned = (desk.order(), desk.ledger(desk.paying))
    desk.town.walk(desk.paying)

    assert returned[0] == (FEN, 300, "returned")
    assert returned[1] == {"available": -FEN, "released": FEN - 300, "paid": 300}
    assert desk.order() == (FEN, 300, "paid")
    assert desk.town.value('SELECT paid_fen FROM "case" WHERE public_id = %s', desk.paying) == FEN
    assert desk.claims.recovered(desk.claimed) == 300


def test_both_shares_of_what_was_paid_get_their_part_back(claims: Claims):
    desk = Desk(claims, shares=(CITY, DISTRICT))

    desk.offset(CITY + DISTRICT)

    assert claims.shares(desk.recovery) == [(CITY, DISTRICT)]
    assert desk.order() == (FEN, CITY + DISTRICT, "ordered")


def test_the_paid_case_is_told_that_its_hold_is_lifted(claims: Claims):
    desk = Desk(claims, shares=(CITY, DISTRICT))

    desk.offset(CITY + DISTRICT)

    assert claims.holds(desk.claimed) == [("clawback_open", True)]
    assert desk.town.events(desk.claimed)[-1] == "recovery_ended"


@pytest.mark.parametrize(("fen", "words"), [(0, "大于零"), (FEN + 1, "不超过本期待付的")])
def test_no_more_is_set_off_than_waits_to_be_paid(standing_offsets: Desk, fen: int, words: str):
    with pytest.raises(InvalidInput, match=words):
        standing_offsets.offset(fen)


def test_no_more_is_set_off_than_the_recovery_still_claims(claims: Claims):
    desk = Desk(claims)
    claims.receive(desk.recovery, FEN - 100)

    with pytest.raises(InvalidInput, match="不超过应追回未缴的 100 分"):
        desk.offset(101)
    desk.offset(100)

    assert desk.town.state(desk.recovery) == "recovered"


def test_a_decision_that_does_not_say_so_allows_no_offset(standing_offsets: Desk):
    silent = standing_offsets.claims.of("due")

    with pytest.raises(EventNotAllowed, match="没有写明可以抵扣"):
        standing_offsets.offset(1, silent)


def test_nobody_pays_anothers_debt(claims: Claims):
    desk = Desk(claims)
    desk.paying = claims.town.reached("fund_released")

    with pytest.raises(EventNotAllowed, match="收款单位不是"):
        desk.offset(1)


def test_what_the_treasury_has_been_told_to_pay_is_not_set_off(claims: Claims):
    desk = Desk(claims)
    desk.town.act(desk.paying, "order_payment")

    with pytest.raises(EventNotAllowed, match="offset_payment"):
        desk.offset(1)


@pytest.mark.parametrize("event", ["offset_payment", "record_offset"])
def test_neither_side_of_an_offset_is_recorded_alone(standing_offsets: Desk, event: str):
    desk = standing_offsets
    case = desk.paying if event == "offset_payment" else desk.recovery
    said = {"offset_fen": 1, "counterpart": "x", "voucher_no": "x"}

    with pytest.raises(InvalidInput, match="须经抵扣办理"):
        desk.town.act(case, event, **said)


def test_the_same_request_sets_off_once(claims: Claims):
    desk = Desk(claims)

    first = desk.offset(300, request_id="once")
    again = desk.offset(300, request_id="once")

    assert (first.version, again.version, again.replayed) == (first.version, first.version, True)
    assert desk.order()[1] == 300
    with pytest.raises(RequestReused):
        desk.offset(301, request_id="once")


def test_many_offsets_at_once_never_take_more_than_is_open(claims: Claims):
    desk = Desk(claims)
    claims.receive(desk.recovery, FEN - 500)

    def once(number: int) -> object:
        try:
            return desk.offset(200, voucher_no=f"DK-{number}")
        except CaseflowError as error:
            return error

    done = together(*(lambda n=n: once(n) for n in range(6)))

    assert sum(not isinstance(each, CaseflowError) for each in done) == 2
    assert desk.order()[1] == 400
    assert claims.recovered(desk.claimed) == FEN - 100


EVENT = (
    "INSERT INTO event (stream, seq, at, name, actor_id, from_state, to_state, guards, payload,"
    " salt, body, prev_hash, hash, mac, key_id, algorithm) SELECT e.stream, e.seq + 1, e.at,"
    " %s, e.actor_id, e.to_state, e.to_state, e.guards, e.payload, e.salt, e.body,"
    " e.hash, sha256(e.hash), e.mac, e.key_id, e.algorithm FROM event e"
    ' JOIN "case" c ON c.id = e.stream AND c.head_seq = e.seq WHERE c.id = %s'
)
ROW = (
    "INSERT INTO payment_offset (case_id, seq, share, instalment, recovery_id, recovery_seq, fen,"
    " voucher_no, set_off_by, set_off_at) SELECT p.case_id, c.head_seq + 1, p.share, 1, r.id,"
    " k.head_seq + 1, {fen}, 'DK-SQL', r.opened_by, '2026-12-31' FROM payment p"
    ' JOIN "case" c ON c.id = p.case_id, recovery r JOIN "case" k ON k.id = r.id'
    " WHERE c.id = {paying} AND r.id = {claim}"
)


@pytest.fixture(scope="module")
def attacked(standing_offsets: Desk) -> dict[str, int]:
    """Ids of a payment that waits and recoveries: allowed, silent, another's, without an event."""
    desk, claims = standing_offsets, standing_offsets.claims
    made = {
        "paying": desk.paying,
        "claim": desk.recovery,
        "silent": claims.decided(claims.paid(), FEN),
        "other": claims.decided(claims.paid(), FEN, **ALLOWED),
        "untold": claims.decided(claims.paid(), FEN, **ALLOWED),
    }
    find = 'SELECT id FROM "case" WHERE public_id = %s'
    ids = {name: int(claims.town.value(find, case)) for name, case in made.items()}
    debtor = 'UPDATE "case" SET applicant_id = p.applicant_id FROM "case" p'
    claims.owner(f'{debtor} WHERE p.id = %s AND "case".id = %s', ids["paying"], ids["silent"])
    claims.owner(EVENT, "offset_payment", ids["paying"])
    for name in ("claim", "silent", "other"):
        claims.owner(EVENT, "record_offset", ids[name])
    return ids


@pytest.mark.parametrize(
    ("statement", "claim", "words"),
    [
        (ROW, "silent", "没有写明可以抵扣"),
        (ROW, "other", "不是被追缴单位"),
        (ROW, "untold", "办理记录中没有抵扣"),
        (ROW, "claim", "were set off, 0 received"),
        (ROW.replace("{fen}", "0"), "claim", "ck_payment_offset_fen"),
        (ROW.replace("{fen}", "fen + 1"), "claim", "ck_payment_offset"),
        ("UPDATE payment SET offset_fen = {fen} WHERE case_id = {paying}", "claim", "refused"),
    ],
)
def test_the_database_refuses_an_offset_that_may_not_be(
    attacked: dict[str, int], standing_offsets: Desk, statement: str, claim: str, words: str
):
    wanted = statement.format(fen=1, paying=attacked["paying"], claim=attacked[claim])

    with pytest.raises(psycopg.Error, match=words):
        standing_offsets.claims.owner(wanted)
    with pytest.raises(psycopg.Error, match=words):
        standing_offsets.town.sql(wanted)


def test_an_offset_once_recorded_stays(claims: Claims):
    desk = Desk(claims)
    desk.offset(FEN)

    for statement in ("UPDATE payment_offset SET fen = 1", "DELETE FROM payment_offset"):
        with pytest.raises(psycopg.Error, match="append-only"):
            claims.owner(statement)
    with pytest.raises(psycopg.Error, match="refused"):
        claims.owner(
            "UPDATE payment SET status = 'returned', paid_at = NULL, voucher_no = NULL"
            ' WHERE case_id = (SELECT id FROM "case" WHERE public_id = %s)',
            desk.paying,
        )
