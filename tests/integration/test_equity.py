"""拨投股 from the first tranche to the last fen: terms, shares, exits, losses, and the pool."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError, GuardFailed, InvalidInput
from tests.factories.equity import PRICE, TENTH, TOTAL, computed, entered_round, entered_terms
from tests.integration.equity_land import APPROVED, CONVERTED, FIRST, SECOND, Equity, lend
from tests.integration.kept_database import keep
from tests.integration.walking import at, together, visit

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Iterator[Equity]:
    yield from lend(kept, tmp_path_factory, pytestconfig)


@pytest.fixture
def equity(founded: Equity) -> Iterator[Equity]:
    for _ in visit(founded.land):
        yield founded


CONVERTS = {"converted_fen": APPROVED,
            **computed(shares_held=CONVERTED, shares_total=TOTAL + CONVERTED,
                       share_percent=6)}  # fmt: skip


def sold_back(equity: Equity, case: str) -> None:
    """Let the founders buy back what was converted."""
    equity.land.act(case, "record_holding")
    equity.land.act(case, "propose_exit", exit_route="founder_buyback")
    equity.land.act(case, "approve_exit")
    equity.land.now = at(12, 31, year=2027)
    equity.land.act(case, "record_equity_exit")


def failed(equity: Equity, case: str) -> None:
    """Let a project fail in good faith: seven fen are left, the rest is lost and exempted."""
    equity.land.act(case, "report_equity_loss", loss_fen=FIRST)
    for seat in ("finance.division", "audit_firm"):
        equity.land.ask(case, "answer_seat", seat, verdict="pass", note="尽职")
    equity.land.act(case, "recognise_equity_loss", loss_fen=FIRST - 7, salvaged_fen=7)
    equity.land.act(case, "record_exemption", document_no="免责〔2027〕1号")


def expected_gain(equity: Equity, case: str) -> int:
    """What the buy-back of `sold_back` earns, computed here in whole numbers: half a fen up."""
    second = equity.of(case).flows[2].on_date
    until = date(2027, 12, 31)
    days = FIRST * (until - date(2026, 9, 1)).days
    days += (CONVERTED * PRICE - FIRST) * (until - second).days
    return (2 * days * 345 + 3_600_000) // 7_200_000  # ÷ 10000 ÷ 360


@pytest.mark.soak
def test_two_projects_of_one_pool_balance_to_the_fen_after_every_act(equity: Equity):
    seen = []

    def look():
        pool = equity.pool("NT26-1d")
        assert (sum(pool.balances.values()), pool.is_whole) == (0, True)
        seen.append({name: fen for name, fen in pool.balances.items() if fen})

    first = equity.incubating("NT26-1d")
    look()
    equity.land.now = at(12, 30)
    equity.next_tranche(first)
    look()
    equity.convert(equity.converting(first), **CONVERTS)
    look()
    second = equity.incubating("NT26-1d")
    look()
    sold_back(equity, first)
    look()
    failed(equity, second)
    look()

    gain, shares = expected_gain(equity, first), CONVERTED * PRICE
    assert seen == [
        {"pool_opening": -FIRST, "granted": FIRST},
        {"pool_opening": -APPROVED, "granted": APPROVED},
        {"pool_opening": -APPROVED, "granted": 55, "equity": shares},
        {"pool_opening": -APPROVED - FIRST, "granted": FIRST + 55, "equity": shares},
        {"pool_opening": -APPROVED - FIRST, "available": APPROVED + gain, "granted": FIRST,
         "gain": -gain},
        {"pool_opening": -APPROVED - FIRST, "available": APPROVED + gain + 7, "gain": -gain,
         "lost": FIRST - 7},
    ]  # fmt: skip
    assert (equity.land.state(first), equity.land.state(second)) == ("exited", "exempted")
    assert equity.of(second).loss.exemption_no == "免责〔2027〕1号"
    told, left, sold = (
        equity.pool("NT26-1d"), equity.register("NT26-1d")[1], equity.of(first).exit,
    )  # fmt: skip
    assert (left.exit_route, left.exit_on) == ("founder_buyback", date(2027, 12, 31))
    assert (left.returned_fen, left.gain_fen, left.lost_fen) == (APPROVED, gain, 0)
    assert [line.name for line in sold.lines][:3] == ["cost", "interest", "interest"]
    assert (told.opening_fen, told.granted_fen) == (APPROVED + FIRST, APPROVED + FIRST)
    assert (told.converted_fen, told.exited_fen) == (shares, shares)
    assert (told.returned_fen, told.gain_fen, told.lost_fen) == (APPROVED + 7, gain, FIRST - 7)
    assert (told.balance_fen, told.outstanding_fen) == (APPROVED + 7 + gain, 0)


@pytest.mark.soak
def test_an_exit_stands_in_the_register_and_explains_its_interest(equity: Equity):
    case = equity.converting(equity.incubating())
    equity.convert(case, converted_fen=FIRST, **computed(shares_held=250_000,
                   shares_total=TOTAL + 250_000, share_percent=3))  # fmt: skip

    sold_back(equity, case)

    line = next(each for each in equity.register("NT24-7") if each.case == case)
    told = equity.of(case)
    assert (line.exit_route, line.exit_on) == ("founder_buyback", date(2027, 12, 31))
    assert (line.returned_fen, line.gain_fen) == (FIRST, 11_643_750)  # 250,000,000×3.45%×486/360
    assert [each.name for each in told.exit.lines][:2] == ["cost", "interest"]
    assert told.exit.lines[1].words == "250000000分×345/10000×486/360"
    assert told.position.dpi == "41863/40000"


def test_a_conversion_keeps_its_terms_its_cap_table_and_every_step_and_no_wrong_figure(
    equity: Equity,
):
    case = equity.converting(equity.incubating())
    with pytest.raises(InvalidInput, match="应为 250000") as refused:
        equity.convert(case, converted_fen=FIRST, **computed(shares_held=250_001,
                       shares_total=TOTAL + 250_000, share_percent=3))  # fmt: skip
    before = equity.land.state(case), equity.of(case).conversion

    equity.convert(case, converted_fen=FIRST, **computed(shares_held=250_000,
                   shares_total=TOTAL + 250_000, share_percent=3))  # fmt: skip

    told = equity.of(case)
    assert refused.value.fields == {"shares_held": "应为 250000"}
    assert before == ("converting", None)
    assert (told.round.price, told.conversion.price) == ("10000/9", "1000")
    assert (told.conversion.part, told.conversion.percent) == ("1/46", "2.1739")
    assert [
        (each.holder, each.shares_before, each.shares_after) for each in told.round.holders
    ] == [
        ("创始人", 9_000_000, 9_000_000),
        ("甲基金", 2_250_000, 2_250_000),
        ("受托机构", 0, 250_000),
    ]
    assert [line.name for line in told.conversion.lines][-1] == "percent"
    assert [(each.kind, each.threshold_fen) for each in told.terms[0].triggers] == [
        ("financing", 2_500_000_000),
        ("listing", None),
        ("fixed_date", None),
    ]
    assert [(flow.event, flow.source, flow.target) for flow in told.flows] == [
        ("transfer_to_company", "pool_opening", "available"),
        ("transfer_to_company", "available", "granted"),
        ("register_conversion", "granted", "equity"),
    ]


FIRST_SHARES = FIRST // PRICE
SMALL = 2_000_000
"""Shares before a round in which a share costs 1000 fen and the trustee gets over a tenth."""


def small_round(shares: int, held: int) -> dict[str, object]:
    """A round of a small company, 1000 fen a share after the discount, and what follows from it."""
    total = SMALL + shares
    return {
        **entered_round(
            converted_fen=shares * PRICE,
            pre_money_fen=SMALL * PRICE,
            raised_fen=0,
            shares_before=SMALL,
            shares_issued=0,
            holders=[f"创始人：{SMALL}"],
            round_on="2026-09-10",
        ),
        **computed(shares_held=held, shares_total=total, share_percent=-(-held * 100 // total)),
    }


@pytest.mark.parametrize(
    ("shares", "state"),
    [(222_221, "equity_held"), (222_222, "equity_held"), (222_223, "conversion_meeting")],
)
def test_a_share_over_the_agreed_tenth_is_for_the_joint_meeting(equity, shares, state):
    case = equity.converting(equity.incubating(discount_percent=0))

    equity.land.act(case, "register_conversion", **small_round(shares, shares))

    assert equity.land.state(case) == state  # 222,222 of 2,222,222 are 9.99999 %
    assert (equity.of(case).conversion is None) is (state == "conversion_meeting")


@pytest.mark.soak
def test_the_joint_meeting_may_let_more_be_converted_and_what_it_does_not_repeat_is_taken_back(
    equity: Equity,
):
    land = equity.land
    case = equity.converting(equity.incubating(discount_percent=0))
    beyond = small_round(FIRST_SHARES, FIRST_SHARES)
    land.act(case, "register_conversion", **beyond)
    waiting = [land.state(case)]
    land.act(case, "order_conversion", minutes_no="联席会11号", meeting_share_cap=12)
    land.act(case, "propose_waiver")
    land.act(case, "order_conversion", minutes_no="联席会12号")
    land.act(case, "register_conversion", **beyond)
    waiting.append(land.state(case))
    land.act(case, "order_conversion", minutes_no="联席会13号", meeting_share_cap=12)

    land.act(case, "register_conversion", **beyond)

    made = equity.of(case).conversion
    assert (waiting, land.state(case)) == (["conversion_meeting"] * 2, "equity_held")
    assert (made.part, made.meeting_minutes_no) == ("1/9", "联席会13号")


@pytest.mark.soak
def test_a_change_of_the_agreement_is_a_new_version_and_the_old_one_stays(equity: Equity):
    case = equity.incubating()
    changed = entered_terms(discount_percent=20, agreed_share_cap=15)
    equity.land.act(case, "amend_equity_agreement", document_no="补〔2026〕1号", **changed)

    equity.convert(equity.converting(case), converted_fen=8_000, share_price_fen=888,
                   shares_held=9, shares_total=TOTAL + 9, share_percent=1)  # fmt: skip

    told = equity.of(case)
    assert [(each.version, each.discount_percent, each.share_cap_percent, each.sealed_at is None)
            for each in told.terms] == [(1, 10, 10, False), (2, 20, 15, False)]  # fmt: skip
    assert (told.conversion.terms_version, told.conversion.price) == (2, "8000/9")
    assert told.conversion.remainder_fen == 0  # 9 shares of 8000/9 fen


@pytest.mark.soak
def test_terms_disputed_before_sealing_never_bound(equity: Equity):
    land = equity.land
    case = land.reached("equity_signing", "NT24-7", **entered_terms())
    land.act(case, "dispute_equity_agreement")
    land.act(case, "send_equity_agreement", **entered_terms(discount_percent=5))
    land.walk(case, "payment_requested")

    told = equity.of(case).terms

    assert [(each.version, each.sealed_at is None) for each in told] == [(1, True), (2, False)]
    assert told[1].document_no == "〔2026〕1号"


def test_terms_beyond_the_houses_cap_stay_in_drafting_and_are_no_version(equity: Equity):
    land = equity.land
    case = land.reached("equity_drafting", "NT24-7")

    land.act(case, "send_equity_agreement", **entered_terms(agreed_share_cap=21))

    assert (land.state(case), equity.of(case).terms) == ("equity_drafting", ())


def test_a_trigger_a_fen_short_is_not_reported_and_no_case_ends_while_its_money_is_out(
    equity: Equity,
):
    land, case = equity.land, equity.incubating()

    with pytest.raises(InvalidInput, match="差 1 分"):
        land.act(case, "report_trigger", trigger_kind="financing",
                 trigger_fen=2_499_999_999)  # fmt: skip
    with pytest.raises(GuardFailed, match=f"尚有 {FIRST} 分"):
        land.act(case, "terminate")

    assert (land.state(case), land.outcome(case)) == ("incubating", None)


@pytest.mark.soak
def test_a_sale_with_a_loss_needs_the_meetings_minutes(equity: Equity):
    land = equity.land
    case = equity.converting(equity.incubating())
    equity.convert(case, converted_fen=FIRST, **computed(shares_held=250_000,
                   shares_total=TOTAL + 250_000, share_percent=3))  # fmt: skip
    land.act(case, "record_holding")
    land.act(case, "propose_exit", exit_route="transfer")
    land.act(case, "approve_exit")
    sold = {"exit_principal_fen": FIRST - 1, "exit_gain_fen": 0, "rest_returned_fen": 0}
    with pytest.raises(InvalidInput, match="损失 1 分"):
        land.act(case, "record_equity_exit", **sold)

    land.act(case, "record_equity_exit", **sold, minutes_no="联席会20号")

    told = equity.of(case)
    assert (told.exit.loss_fen, told.exit.minutes_no) == (1, "联席会20号")
    assert (told.position.lost_fen, told.position.dpi) == (1, f"{FIRST - 1}/{FIRST}")


@pytest.mark.soak
def test_a_repayment_in_two_parts_and_money_kept_as_a_grant_leave_the_company(equity: Equity):
    land, repaid, kept = equity.land, equity.incubating(), equity.incubating()
    for case in (repaid, kept):
        land.act(case, "request_acceptance")
        land.act(case, "conclude_acceptance", acceptance_result="pass")
    land.act(repaid, "demand_repayment")
    land.act(repaid, "confirm_repayment", repaid_fen=1, repayment_complete=False)
    land.act(repaid, "confirm_repayment", repaid_fen=FIRST, repayment_complete=True)

    land.act(kept, "keep_as_grant")

    assert [flow.fen for flow in equity.of(repaid).flows[2:]] == [1, 1, FIRST - 1, FIRST - 1]
    assert (equity.of(repaid).position.returned_fen, equity.of(repaid).position.dpi) == (FIRST, "1")
    assert equity.of(kept).position.kept_fen == FIRST
    assert (land.state(repaid), land.state(kept)) == ("repaid", "kept_as_grant")


@pytest.mark.soak
def test_money_that_never_left_the_trustee_stays_in_the_pool(equity: Equity):
    land = equity.land
    case = equity.granted()
    with pytest.raises(GuardFailed, match=f"尚有 {FIRST} 分"):
        land.act(case, "terminate")
    land.act(case, "open_recovery", recovery_ground="fraud")
    land.act(case, "notify_breach")
    land.act(case, "make_statement")
    land.act(case, "decide_recovery")

    land.act(case, "record_recovery", recovered_fen=0, recovery_complete=True)

    flows = [(flow.source, flow.target, flow.fen) for flow in equity.of(case).flows]
    assert (land.state(case), flows) == ("recovered", [("pool_opening", "available", FIRST)])


@pytest.mark.soak
@pytest.mark.parametrize("number", [2, pytest.param(4, marks=pytest.mark.soak)])
def test_many_projects_move_the_balances_of_one_pool_at_once(equity: Equity, number: int):
    waiting = [equity.granted() for _ in range(number)]
    back = equity.incubating()
    equity.land.act(back, "request_acceptance")
    equity.land.act(back, "conclude_acceptance", acceptance_result="pass")
    equity.land.act(back, "demand_repayment")
    before = equity.pool("NT24-7")
    given = {"repaid_fen": FIRST, "repayment_complete": True, "document_no": "x"}

    answers = together(
        *(lambda case=case: equity.land.ask(case, "transfer_to_company", "trustee", document_no="x")
          for case in waiting),
        lambda: equity.land.ask(back, "confirm_repayment", "trustee", **given),
    )  # fmt: skip

    pool = equity.pool("NT24-7")
    assert [each for each in answers if isinstance(each, CaseflowError)] == []
    assert pool.balances["granted"] - before.balances["granted"] == (number - 1) * FIRST
    assert pool.balance_fen - before.balance_fen == FIRST
    assert sum(pool.balances.values()) == 0


@pytest.mark.soak
def test_two_registrations_of_one_exit_leave_one(equity: Equity):
    land = equity.land
    case = equity.converting(equity.incubating())
    equity.convert(case, converted_fen=FIRST, **computed(shares_held=250_000,
                   shares_total=TOTAL + 250_000, share_percent=3))  # fmt: skip
    land.act(case, "record_holding")
    land.act(case, "propose_exit", exit_route="listing")
    land.act(case, "approve_exit")
    sold = {"exit_principal_fen": FIRST, "exit_gain_fen": 9, "rest_returned_fen": 0,
            "document_no": "x"}  # fmt: skip

    answers = together(*[lambda: land.ask(case, "record_equity_exit", "trustee", **sold)] * 3)

    assert sum(isinstance(each, CaseflowError) for each in answers) == 2
    assert equity.of(case).position.gain_fen == 9


@pytest.mark.soak
def test_a_tranche_arrives_by_today_and_returned_leaves_the_pool_as_it_was_and_is_made_again(
    equity: Equity,
):
    def seen() -> tuple[int, int, int, int]:
        pool = equity.pool("NT24-7")
        assert (sum(pool.balances.values()), pool.is_whole) == (0, True)
        balances = pool.balances
        return pool.opening_fen, pool.granted_fen, balances["granted"], balances["pool_opening"]

    case = equity.granted()
    tomorrow = local_date(equity.land.now + timedelta(days=1)).isoformat()
    with pytest.raises(InvalidInput, match="不晚于"):
        equity.land.act(case, "transfer_to_company", arrived_on=tomorrow)
    assert equity.of(case).position.transferred_fen == 0
    before = seen()
    equity.land.act(case, "transfer_to_company", arrived_on="2026-09-01")
    granted = seen()

    equity.bounce(case, bounced_on="2026-09-03")

    back, waiting = seen(), equity.land.state(case)
    listed, flows = equity.register("NT24-7")[0], equity.of(case).flows
    equity.land.act(case, "transfer_to_company", arrived_on="2026-09-08")
    again, told = equity.register("NT24-7")[0], equity.of(case).position

    assert [b - a for a, b in zip(before, granted, strict=True)] == [FIRST, FIRST, FIRST, -FIRST]
    assert (back, seen(), waiting) == (before, granted, "granted")
    assert (listed.case, listed.granted_fen, listed.granted_on, listed.dpi) == (case, 0, (), None)
    assert [(each.event, each.source, each.target, each.fen) for each in flows] == [
        ("transfer_to_company", "pool_opening", "available", FIRST),
        ("transfer_to_company", "available", "granted", FIRST),
        ("return_transfer", "granted", "available", FIRST),
        ("return_transfer", "available", "pool_opening", FIRST),
    ]
    assert {each.on_date for each in flows[2:]} == {date(2026, 9, 3)}
    assert (again.granted_on, told.granted_fen) == ((date(2026, 9, 8),), FIRST)


@pytest.mark.soak
def test_only_the_last_tranche_bounces_to_the_fen_and_as_often_as_the_bank_returns_it(
    equity: Equity,
):
    case = equity.incubating()
    equity.land.now = at(12, 30)
    equity.next_tranche(case)

    for wrong in (SECOND - 1, SECOND + 1, FIRST, APPROVED):
        with pytest.raises(InvalidInput, match="不符"):
            equity.bounce(case, wrong)
    equity.bounce(case, SECOND)
    left = equity.of(case).position
    with pytest.raises(GuardFailed):
        equity.land.act(case, "terminate")  # what waits at the trustee is accounted for first
    equity.land.act(case, "transfer_to_company")
    answers = together(*[lambda: equity.bounce(case, SECOND)] * 4)
    equity.land.act(case, "transfer_to_company")

    assert sum(isinstance(each, CaseflowError) for each in answers) == 3
    assert (left.transferred_fen, left.granted_fen) == (FIRST, FIRST)
    told = equity.of(case)
    assert (told.position.transferred_fen, told.position.granted_fen) == (APPROVED, APPROVED)
    assert sum(each.event == "return_transfer" for each in told.flows) == 4


@pytest.mark.soak
def test_the_second_tranche_is_only_what_was_paid_since(equity: Equity):
    case = equity.incubating()

    equity.next_tranche(case)

    flows = equity.of(case).flows
    assert [flow.fen for flow in flows if flow.target == "granted"] == [FIRST, SECOND]
    assert TENTH * PRICE > APPROVED
