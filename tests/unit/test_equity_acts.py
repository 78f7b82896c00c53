"""Acts on an equity case: what was entered is held against the arithmetic."""

from dataclasses import replace
from datetime import date

import pytest

from caseflow.kernel.equity.acts import (
    ACTS,
    is_within_cap,
    limit_of,
    limited,
    outstanding_in,
    position_in,
)
from caseflow.kernel.equity.conversion import Limit
from caseflow.kernel.equity.position import Movement, Position
from caseflow.kernel.equity.terms import Trigger
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.workflow.effects import apply
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Branch, Step
from tests.factories.equity import PRICE, TENTH, computed, entered_round, entered_terms, terms

TODAY = "2027-10-01"
GRANTED = Position(
    tranches=((date(2027, 1, 15), 500_000_055),), pooled_fen=500_000_055, granted_fen=500_000_055
)


def facts(position: Position | None = GRANTED, **changes):
    kept = {"today": TODAY, "paid_fen": 500_000_055, **entered_terms()}
    if position is not None:
        kept["equity_position"] = position.to_data()
    return {**kept, **changes}


def done(effect, payload=None, **changes):
    return ACTS[effect](facts(**changes), payload or {})


def after(effect, payload, **changes):
    """The facts after a step with that effect."""
    step = Step("act", "here", "办理", (Branch("here"),), ("trustee",), effects=(effect,))
    return apply(Move(step, "here", "here", payload), facts(**changes))


def test_the_terms_of_an_agreement_are_values():
    made = done("fix_equity_terms").made

    assert made == terms()


def test_a_trigger_of_each_kind_can_be_agreed():
    entered = {"revenue_trigger_fen": 7, "merger_trigger": True}

    made = done("fix_equity_terms", **entered).made

    assert [each.kind for each in made.triggers] == [
        "financing",
        "revenue",
        "listing",
        "merger",
        "fixed_date",
    ]


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("discount_percent", 100, 99),
        ("agreed_share_cap", 100, 99),
        ("agreed_share_cap", 0, 1),
        ("buyback_rate_bp", 10_001, 10_000),
        ("buyback_years", 0, 1),
        ("buyback_years", 100, 99),
        ("conversion_on", TODAY, "2027-10-02"),
    ],
)
def test_terms_beyond_reason_are_refused(name, wrong, right):
    done("fix_equity_terms", **{name: right})

    with pytest.raises(InvalidInput) as refused:
        done("fix_equity_terms", **{name: wrong})
    assert name in refused.value.fields


@pytest.mark.parametrize(
    ("kind", "fen", "on", "matched"),
    [
        ("financing", 2_500_000_000, TODAY, Trigger("financing", threshold_fen=2_500_000_000)),
        ("listing", 0, TODAY, Trigger("listing")),
        ("fixed_date", 0, "2029-12-31", Trigger("fixed_date", on=date(2029, 12, 31))),
    ],
)
def test_a_trigger_comes_true_at_its_figure_or_on_its_day(kind, fen, on, matched):
    reported = {"trigger_kind": kind, "trigger_fen": fen, "trigger_on": on}

    assert done("match_trigger", reported).made == matched


@pytest.mark.parametrize(
    ("kind", "fen", "on", "field"),
    [
        ("financing", 2_499_999_999, TODAY, "trigger_fen"),
        ("fixed_date", 0, "2029-12-30", "trigger_on"),
        ("merger", 0, TODAY, "trigger_kind"),
        ("revenue", 10**12, TODAY, "trigger_kind"),
    ],
)
def test_a_trigger_a_fen_or_a_day_short_or_never_agreed_is_refused(kind, fen, on, field):
    with pytest.raises(InvalidInput) as refused:
        done("match_trigger", {"trigger_kind": kind, "trigger_fen": fen, "trigger_on": on})

    assert list(refused.value.fields) == [field]


def test_a_tranche_is_what_was_paid_and_is_not_yet_at_the_company():
    effected = done("grant_from_pool", paid_fen=800_000_000)

    assert effected.position.tranches[-1] == (date(2027, 10, 1), 299_999_945)
    assert [(move.source, move.target) for move in effected.movements] == [
        ("pool_opening", "available"),
        ("available", "granted"),
    ]


def test_a_tranche_may_have_arrived_earlier_but_not_tomorrow():
    earlier = done("grant_from_pool", {"arrived_on": "2027-09-30"}, paid_fen=800_000_000)

    assert earlier.position.tranches[-1][0] == date(2027, 9, 30)
    with pytest.raises(InvalidInput, match="2027-10-02"):
        done("grant_from_pool", {"arrived_on": "2027-10-02"}, paid_fen=800_000_000)


def test_what_is_at_the_company_already_does_not_arrive_again():
    with pytest.raises(InvalidInput, match="没有待转资金"):
        done("grant_from_pool")


TWICE = replace(
    GRANTED,
    tranches=(*GRANTED.tranches, (date(2027, 9, 15), 7)),
    pooled_fen=500_000_062,
    granted_fen=500_000_062,
)


def test_a_transfer_that_the_bank_returned_is_undone_to_the_fen_and_waits_at_the_trustee():
    effected = done("return_to_trustee", {"bounced_fen": 7}, position=TWICE, paid_fen=500_000_062)

    assert effected.movements == (
        Movement("granted", "available", 7), Movement("available", "pool_opening", 7),
    )  # fmt: skip
    assert effected.position == GRANTED
    kept = {"paid_fen": 500_000_062, "equity_position": effected.position.to_data()}
    assert outstanding_in(facts(**kept)) == 500_000_062
    again = ACTS["grant_from_pool"](facts(**kept), {}).position
    assert again == replace(TWICE, tranches=(*GRANTED.tranches, (date.fromisoformat(TODAY), 7)))


@pytest.mark.parametrize(
    ("entered", "position", "words"),
    [
        ({"bounced_fen": 6}, TWICE, "应为 7"),
        ({"bounced_fen": 8}, TWICE, "应为 7"),
        ({"bounced_fen": 7, "bounced_on": "2027-09-14"}, TWICE, "2027-09-15 至 2027-10-01"),
        ({"bounced_fen": 7, "bounced_on": "2027-10-02"}, TWICE, "2027-09-15 至 2027-10-01"),
        ({"bounced_fen": 7}, replace(TWICE, granted_fen=6), "至多 6"),
        ({"bounced_fen": 7}, Position(), "无已转资金"),
    ],
)
def test_a_return_of_another_sum_or_day_or_of_what_is_no_more_there_is_refused(
    entered, position, words
):
    with pytest.raises(InvalidInput) as refused:
        done("return_to_trustee", entered, position=position)

    assert list(refused.value.fields.values()) == [words]


@pytest.mark.parametrize("day", ["2027-09-15", TODAY])
def test_a_return_may_come_on_the_day_of_the_transfer_and_today(day):
    entered = {"bounced_fen": 7, "bounced_on": day}

    assert done("return_to_trustee", entered, position=TWICE).position == GRANTED


def test_a_conversion_whose_figures_agree_moves_what_the_shares_cost():
    facts_after = after("convert_equity", {**entered_round(), **computed()})

    position = position_in(facts_after)
    assert (position.granted_fen, position.equity_fen) == (55, 500_000_000)
    assert position.converted_on == date(2027, 10, 1)


@pytest.mark.parametrize("name", list(computed()))
def test_a_figure_that_does_not_agree_is_refused_with_the_one_that_does(name):
    right = computed()[name]
    wrong = not right if isinstance(right, bool) else right + 1

    with pytest.raises(InvalidInput) as refused:
        done("convert_equity", {**entered_round(), **computed(**{name: wrong})})

    assert refused.value.fields == {name: f"应为 {right}"}


def test_no_more_is_converted_than_is_at_the_company():
    done("convert_equity", {**entered_round(), **computed()})

    with pytest.raises(InvalidInput, match="超过拨在企业的 500000055 分"):
        done("convert_equity", {**entered_round(converted_fen=500_000_056), **computed()})


@pytest.mark.parametrize("day", ["2027-06-29", "2027-10-02"])
def test_a_conversion_is_registered_after_its_round_and_not_in_the_future(day):
    with pytest.raises(InvalidInput) as refused:
        done("convert_equity", {**entered_round(), **computed(), "registered_on": day})

    assert "registered_on" in refused.value.fields


def test_a_conversion_beyond_the_cap_moves_nothing():
    position = replace(GRANTED, granted_fen=2 * TENTH * PRICE)
    beyond = {
        **entered_round(converted_fen=(TENTH + 1) * PRICE),
        **computed(shares_held=TENTH + 1, shares_total=11_250_000 + TENTH + 1, share_percent=11),
    }

    effected = done("convert_equity", beyond, position=position)

    assert (effected.position, effected.movements) == (position, ())
    assert effected.made.over_fen == PRICE


def test_the_meeting_goes_before_the_agreement():
    minutes = {"meeting_minutes_no": "联席会9号"}

    assert limit_of(facts()) == Limit(10, may_be_largest=False, words="三方协议")
    assert limit_of(facts(meeting_share_cap=30, **minutes)) == Limit(
        30, may_be_largest=False, words="联席会纪要联席会9号"
    )
    assert limit_of(facts(meeting_may_be_largest=True, **minutes)) == Limit(
        10, may_be_largest=True, words="联席会纪要联席会9号"
    )


@pytest.mark.parametrize(
    ("changes", "within"),
    [
        ({}, True),
        ({"share_percent": 10, "largest_shareholder": False}, True),
        ({"share_percent": 11, "largest_shareholder": False}, False),
        ({"share_percent": 10, "largest_shareholder": True}, False),
        ({"share_percent": 10, "largest_shareholder": True, "may_be_largest": True}, True),
    ],
)
def test_the_cap_is_kept_up_to_its_last_percent(changes, within):
    assert is_within_cap(facts(**changes)) is within


def test_a_case_without_an_agreement_keeps_every_cap():
    assert is_within_cap({"share_percent": 90}) is True


def test_what_the_meeting_decides_stays_with_the_case_until_it_decides_again():
    first = after("limit_conversion", {"meeting_share_cap": 30, "minutes_no": "9号"})
    again = limited({"minutes_no": "10号"})

    assert (first["meeting_share_cap"], first["meeting_may_be_largest"]) == (30, None)
    assert again == {
        "meeting_share_cap": None,
        "meeting_may_be_largest": None,
        "meeting_minutes_no": "10号",
    }


@pytest.mark.parametrize("cap", [0, 100])
def test_the_meeting_cannot_give_away_nothing_or_everything(cap):
    with pytest.raises(InvalidInput, match="1% 与 99%"):
        limited({"meeting_share_cap": cap, "minutes_no": "9号"})


def test_sealing_changes_no_fact():
    assert after("seal_equity_terms", {}) == facts()


HELD = replace(GRANTED, granted_fen=55, equity_fen=500_000_000, converted_on=date(2027, 6, 30))


def test_an_exit_settles_the_rest_at_the_company_too():
    entered = {"exit_principal_fen": 500_000_000, "exit_gain_fen": 9, "rest_returned_fen": 55}

    effected = done("exit_equity", entered, position=HELD, exit_route="transfer")

    assert effected.position.outstanding_fen == 0
    assert (effected.position.returned_fen, effected.position.gain_fen) == (500_000_055, 9)


def test_an_exit_does_not_come_before_the_conversion():
    entered = {"exit_principal_fen": 0, "exit_gain_fen": 0, "rest_returned_fen": 0}

    with pytest.raises(InvalidInput, match="2027-06-30"):
        done(
            "exit_equity",
            {**entered, "exit_on": "2027-06-29"},
            position=HELD,
            exit_route="transfer",
        )


@pytest.mark.parametrize(
    ("effect", "road", "complete"),
    [
        ("repay_pool", "repaid_fen", "repayment_complete"),
        ("recover_pool", "recovered_fen", "recovery_complete"),
    ],
)
def test_money_comes_back_by_its_road_until_all_is_there(effect, road, complete):
    half = done(effect, {road: 55, complete: False}).position
    all_ = done(effect, {road: 500_000_055, complete: True}, position=half).position

    assert (half.outstanding_fen, getattr(half, road)) == (500_000_000, 55)
    assert (all_.outstanding_fen, getattr(all_, road)) == (0, 500_000_055)
    for wrong in ({road: 54, complete: False}, {road: 500_000_056, complete: True},
                  {road: 500_000_055, complete: False}, {road: 56, complete: True}):  # fmt: skip
        with pytest.raises(InvalidInput):
            done(effect, wrong, position=half)


@pytest.mark.parametrize(
    ("loss", "salvaged"), [(500_000_055, 0), (500_000_000, 55), (1, 500_000_054)]
)
def test_what_is_not_salvaged_is_lost(loss, salvaged):
    entered = {"loss_fen": loss, "salvaged_fen": salvaged}

    effected = done("lose_equity", entered, position=HELD)

    assert effected.position.outstanding_fen == 0
    assert (effected.position.lost_fen, effected.position.returned_fen) == (loss, salvaged)


@pytest.mark.parametrize("loss", [500_000_054, 500_000_056])
def test_a_loss_a_fen_off_is_refused(loss):
    with pytest.raises(InvalidInput) as refused:
        done("lose_equity", {"loss_fen": loss}, position=HELD)

    assert refused.value.fields == {"loss_fen": "应为 500000055"}


def test_what_is_kept_as_a_grant_is_no_loss():
    effected = done("keep_grant")

    assert (effected.position.kept_fen, effected.position.lost_fen) == (500_000_055, 0)


def test_a_recovery_leaves_what_is_still_at_the_trustee_in_the_pool():
    entered = {"recovered_fen": 500_000_055, "recovery_complete": True}

    effected = done("recover_pool", entered, paid_fen=500_000_058)

    assert effected.movements[0] == Movement("pool_opening", "available", 3)
    assert (effected.position.pooled_fen, effected.position.outstanding_fen) == (500_000_058, 0)


@pytest.mark.parametrize(
    ("changes", "fen"),
    [
        ({}, 500_000_055),
        ({"paid_fen": 500_000_056}, 500_000_056),
        ({"position": HELD}, 500_000_055),
        ({"paid_fen": 0}, 500_000_055),
    ],
)
def test_what_is_out_is_at_the_company_in_shares_or_still_at_the_trustee(changes, fen):
    assert outstanding_in(facts(**changes)) == fen


def test_a_case_without_an_agreement_has_nothing_out():
    assert outstanding_in({"paid_fen": 100}) == 0


def test_an_act_that_moves_nothing_leaves_the_facts_alone():
    before = facts(position=None)

    assert "equity_position" not in after("keep_grant", {}, position=None)
    assert after("fix_equity_terms", {}, position=None) == before
