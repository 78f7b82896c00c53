"""抵扣: only where the decision says so, never above what is open, told by both histories."""

from datetime import timedelta

import psycopg
import pytest

from caseflow.cases.recoveries.offsetting import Offset, offset_payment
from caseflow.cases.service import Outcome
from caseflow.kernel.errors import CaseflowError, EventNotAllowed, InvalidInput, RequestReused
from tests.integration.claiming import CITY, DISTRICT, FEN, RULING, STOCKED, Claims
from tests.integration.walking import together

ALLOWED = {"offset_allowed": True, "offset_words": "可从今后应拨付的奖补资金中抵扣。"}


class Desk:
    """A recovery that may be set off, and a payment to the same enterprise that waits."""

    def __init__(self, claims: Claims, claimed: str | None = None, fen: int = FEN) -> None:
        self.claims, self.town = claims, claims.town
        self.answers: list[Outcome] = []
        with claims.beforehand():
            self.claimed = claimed or claims.paid()
        with claims.beforehand():
            applicant = claims.applicant_of(self.claimed)
            self.paying = claims.reached_by(applicant, "fund_released")
        self.town.now = STOCKED
        self.recovery = claims.decided(self.claimed, fen, **ALLOWED)

    def offset(self, fen: int, recovery: str | None = None, **said: object):
        """Set off so much of the payment, as the treasury."""
        person = self.town.person(self.paying, "finance.treasury")
        self.town.now += timedelta(minutes=1)
        wanted = Offset(
            recovery=recovery or self.recovery,
            fen=fen,
            actor_id=person,
            at=self.town.now,
            **{"payment": self.paying, "voucher_no": f"DK-{fen}-{self.paying}", **said},
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
    """Where everything that is asked is refused."""
    return Desk(standing_claims, standing_claims.of("paid"))


@pytest.fixture
def claims(standing_claims: Claims) -> Claims:
    """The module's stock at the tests' time; each test that sets off has a desk of its own."""
    standing_claims.town.now = STOCKED
    return standing_claims


@pytest.fixture(scope="module")
def whole(standing_claims: Claims) -> Desk:
    """A payment that was wholly set off, by a request of which the answers are kept."""
    desk = Desk(standing_claims)
    said = {"voucher_no": "DK-ALL", "request_id": "once"}
    desk.answers = [desk.offset(FEN, **said) for _ in range(2)]
    return desk


@pytest.mark.soak
def test_part_of_a_payment_is_set_off_and_the_net_is_paid_also_after_a_return(claims: Claims):
    desk = Desk(claims)

    outcome = desk.offset(300)
    desk.town.act(desk.paying, "order_payment")
    with pytest.raises(EventNotAllowed, match="offset_payment"):  # the treasury was told to pay
        desk.offset(1)
    desk.town.act(desk.paying, "return_payment", reason="账号有误")
    returned = (desk.order(), desk.ledger(desk.paying))
    for event in ("correct_account", "confirm_payment"):
        desk.town.act(desk.paying, event)

    assert (outcome.state, outcome.events) == ("fund_released", ("offset_payment",))
    assert returned[0] == (FEN, 300, "returned")
    assert returned[1] == {"available": -FEN, "released": FEN - 300, "paid": 300}
    assert desk.order() == (FEN, 300, "paid")
    assert desk.town.value('SELECT paid_fen FROM "case" WHERE public_id = %s', desk.paying) == FEN
    assert desk.claims.shares(desk.recovery) == [(300, 0)]
    assert desk.claims.recovered(desk.claimed) == 300
    assert desk.town.state(desk.paying) == "disbursed"
    assert desk.ledger(desk.paying) == {"available": -FEN, "paid": FEN}
    assert desk.ledger(desk.claimed) == {"available": -FEN, "paid": FEN - 300, "recovered": 300}
    assert "offset_payment" in desk.town.events(desk.paying)
    assert desk.town.events(desk.recovery)[-1] == "record_offset"


@pytest.mark.soak
def test_a_payment_wholly_set_off_is_paid_without_the_bank(whole: Desk):
    assert whole.answers[0].events == ("offset_payment", "wholly_offset")
    assert whole.order() == (FEN, FEN, "paid")
    assert whole.town.state(whole.paying) == "disbursed"
    assert whole.town.state(whole.recovery) == "recovered"


@pytest.mark.soak
def test_both_shares_get_their_part_back_and_the_hold_on_the_paid_case_is_lifted(claims: Claims):
    desk = Desk(claims, claims.of("paid by both"), CITY + DISTRICT)

    desk.offset(CITY + DISTRICT)

    assert claims.shares(desk.recovery) == [(CITY, DISTRICT)]
    assert desk.order() == (FEN, CITY + DISTRICT, "ordered")
    assert claims.holds(desk.claimed) == [("clawback_open", True)]
    assert desk.town.events(desk.claimed)[-1] == "recovery_ended"


@pytest.mark.soak
@pytest.mark.parametrize(("fen", "words"), [(0, "大于零"), (FEN + 1, "不超过本期待付的")])
def test_no_more_is_set_off_than_waits_to_be_paid(standing_offsets: Desk, fen: int, words: str):
    with pytest.raises(InvalidInput, match=words):
        standing_offsets.offset(fen)


def test_a_decision_that_does_not_say_so_allows_no_offset(standing_offsets: Desk):
    silent = standing_offsets.claims.of("due")

    with pytest.raises(EventNotAllowed, match="没有写明可以抵扣"):
        standing_offsets.offset(1, silent)


@pytest.mark.soak
def test_nobody_pays_anothers_debt(standing_offsets: Desk):
    with standing_offsets.claims.beforehand():
        anothers = standing_offsets.town.reached("fund_released")

    with pytest.raises(EventNotAllowed, match="收款单位不是"):
        standing_offsets.offset(1, payment=anothers)


@pytest.mark.parametrize("event", ["offset_payment", "record_offset"])
def test_neither_side_of_an_offset_is_recorded_alone(standing_offsets: Desk, event: str):
    desk = standing_offsets
    case = desk.paying if event == "offset_payment" else desk.recovery
    said = {"offset_fen": 1, "counterpart": "x", "voucher_no": "x"}

    with pytest.raises(InvalidInput, match="须经抵扣办理"):
        desk.town.act(case, event, **said)


def test_the_same_request_sets_off_once(whole: Desk):
    first, again = whole.answers

    assert (first.version, again.version, again.replayed) == (first.version, first.version, True)
    assert whole.order()[1] == FEN
    with pytest.raises(RequestReused):
        whole.offset(FEN - 1, request_id="once")


@pytest.mark.soak
def test_many_offsets_at_once_never_take_more_than_is_open_and_none_a_fen_more(claims: Claims):
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
    with pytest.raises(InvalidInput, match="不超过应追回未缴的 100 分"):
        desk.offset(101)
    desk.offset(100)
    assert desk.town.state(desk.recovery) == "recovered"


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


def _paid(claims: Claims) -> str:
    with claims.beforehand():
        return claims.paid()


def _allowed(claims: Claims, recovery: str) -> str:
    """Let a recovery be decided that may be set off, and become due."""
    claims.town.act(recovery, "order_recovery", **{**RULING, "recovery_fen": FEN, **ALLOWED})
    claims.town.walk(recovery, "recovery_due")
    return recovery


@pytest.fixture(scope="module")
def attacked(standing_offsets: Desk) -> dict[str, int]:
    """Ids of a payment that waits and recoveries: allowed, silent, another's, without an event."""
    desk, claims = standing_offsets, standing_offsets.claims
    made = {
        "paying": desk.paying,
        "claim": desk.recovery,
        "silent": claims.of("due"),
        "other": _allowed(claims, claims.of("ruling")),
        "untold": claims.decided(_paid(claims), FEN, **ALLOWED),
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


def test_an_offset_once_recorded_stays(whole: Desk):

    for statement in ("UPDATE payment_offset SET fen = 1", "DELETE FROM payment_offset"):
        with pytest.raises(psycopg.Error, match="append-only"):
            whole.claims.owner(statement)
    with pytest.raises(psycopg.Error, match="refused"):
        whole.claims.owner(
            "UPDATE payment SET status = 'returned', paid_at = NULL, voucher_no = NULL"
            ' WHERE case_id = (SELECT id FROM "case" WHERE public_id = %s)',
            whole.paying,
        )
