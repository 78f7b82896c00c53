from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ledger import Order
from caseflow.kernel.workflow.effects import _EFFECTS, OVERLAP_ALLOWED, apply, derive, money
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Branch, Step
from caseflow.kernel.workflow.vocabulary import EFFECTS, GUARDS, SYSTEM_FACTS
from tests.definitions.families import ALL, of_each, workflow

UNPAID = {"approved_fen": 1000, "unpaid_fen": 1000}


def after(*effects, payload=None, source="reviewing", **facts):
    """Return the facts after these effects of one step."""
    step = Step("act", source, "办理", (Branch("next"),), ("applicant",), effects=effects)
    return apply(Move(step, source, "next", payload or {}), facts)


def test_the_effects_are_those_of_the_vocabulary():
    assert list(_EFFECTS) == list(EFFECTS)


def test_the_facts_before_are_left_alone():
    before = {"holds": 0}
    step = Step("hold", "a", "", (Branch("a"),), ("auditor",), effects=("place_hold",))

    assert apply(Move(step, "a", "a", {}), before) == {"holds": 1}
    assert before == {"holds": 0}


def test_no_effects_change_nothing():
    assert after(score=1) == {"score": 1}


@pytest.mark.parametrize(
    ("effect", "fact", "before", "then"),
    [
        ("count_correction", "corrections_made", 0, 1),
        ("record_objection", "open_objections", 1, 2),
        ("settle_objection", "open_objections", 2, 1),
        ("place_hold", "holds", 0, 1),
        ("lift_hold", "holds", 1, 0),
        ("add_seat", "seats_waiting", 3, 4),
        ("remove_seat", "seats_waiting", 3, 2),
    ],
)
def test_a_counting_effect_counts_by_one(effect, fact, before, then):
    assert after(effect, **{fact: before})[fact] == then


@pytest.mark.parametrize("effect", ["count_correction", "record_objection", "place_hold"])
def test_what_nobody_has_counted_yet_begins_at_one(effect):
    assert list(after(effect).values()) == [1]


@pytest.mark.parametrize(("verdict", "vetoes"), [("pass", 0), ("flag", 0), ("veto", 1)])
def test_only_a_veto_is_counted_as_one(verdict, vetoes):
    facts = after("answer_seat", payload={"verdict": verdict}, seats_waiting=2, vetoes=0)

    assert (facts["seats_waiting"], facts["vetoes"]) == (1, vetoes)
    assert facts.get("votes_for", 0) == 1 - vetoes
    assert facts["vote"] == "open"


def test_effects_happen_in_the_order_of_the_step():
    paid = after("open_payment", "confirm_payment", **UNPAID)

    assert paid["paid_fen"] == 1000
    with pytest.raises(KeyError):
        after("confirm_payment", "open_payment", **UNPAID)


def test_an_opened_child_is_open_and_counted():
    assert after("open_child:period") == {"children_open": 1, "children_total": 1}
    assert after("open_child:year", children_open=0, children_total=4) == {
        "children_open": 1,
        "children_total": 5,
    }


def test_the_planned_amount_is_the_publicised_one():
    facts = after(
        "list_publicity",
        payload={"publicity_id": 7, "publicity_ends_on": "2027-01-07"},
        planned_fen=500,
        publicity_over=True,
    )

    assert facts == {
        "planned_fen": 500,
        "publicised_fen": 500,
        "publicity_listed": True,
        "publicity_over": False,
        "publicity_ends_on": "2027-01-07",
    }


def test_a_remembered_state_is_the_one_the_step_leaves():
    assert after("remember_state", source="bureau_review") == {"previous_state": "bureau_review"}


def test_escalation_changes_no_fact():
    assert after("escalate", holds=1) == {"holds": 1}


# --- payments


def orders(facts):
    """Return (instalment, share, fen, status) of the payment orders."""
    return [(o.instalment, o.share, o.fen, o.status) for o in facts["orders"]]


@pytest.mark.parametrize("fen", [1, 999, 1000])
def test_an_instalment_within_what_is_unpaid_is_ordered(fen):
    facts = after("open_payment", payload={"instalment_fen": fen}, **UNPAID)

    assert orders(facts) == [(1, "city", fen, "ordered")]
    assert facts["payments_open"] == facts["city_payments_open"] == 1
    assert facts["unpaid_fen"] == 1000


@pytest.mark.parametrize("fen", [-1, 0, 1001])
def test_an_instalment_outside_is_refused_with_its_bounds(fen):
    with pytest.raises(InvalidInput) as refused:
        after("open_payment", payload={"instalment_fen": fen}, **UNPAID)

    assert refused.value.message == (f"本期应拨 {fen} 分，须大于零且不超过尚未拨付的 1000 分。")
    assert refused.value.fields == {"instalment_fen": "大于 0，至多 1000"}


def test_without_an_instalment_all_that_is_unpaid_is_ordered():
    assert orders(after("open_payment", **UNPAID)) == [(1, "city", 1000, "ordered")]


def test_nothing_can_be_ordered_when_nothing_is_approved():
    with pytest.raises(InvalidInput, match="尚未拨付的 0 分"):
        after("open_payment", unpaid_fen=0)


def test_what_waits_to_be_paid_is_not_ordered_again():
    waiting = after("open_payment", payload={"instalment_fen": 600}, **UNPAID)

    with pytest.raises(InvalidInput, match="尚未拨付的 400 分"):
        after("open_payment", payload={"instalment_fen": 401}, **waiting)


def test_an_instalment_is_ordered_from_city_and_district():
    facts = after("open_payment", approved_fen=10_001, city_percent=Fraction(40))

    assert orders(facts) == [(1, "city", 4000, "ordered"), (1, "district", 6001, "ordered")]
    assert (facts["city_payments_open"], facts["district_payments_open"]) == (1, 1)


def test_a_share_of_nothing_makes_no_order():
    facts = after("open_payment", approved_fen=1, city_percent=Fraction(40))

    assert orders(facts) == [(1, "district", 1, "ordered")]


def test_instalments_together_are_split_as_the_whole_would_be():
    facts = {"approved_fen": 100, "city_percent": Fraction(100, 3), "ordered_before_fen": 1}

    for fen in (1, 1, 98):
        facts = after("open_payment", payload={"instalment_fen": fen}, **facts)

    assert sum(fen for _, share, fen, _ in orders(facts) if share == "city") == 101 * 100 // 300


def test_nothing_is_ordered_before_it_is_settled_who_bears_what():
    with pytest.raises(InvalidInput, match="分担比例尚未录入"):
        after("open_payment", approved_fen=1, city_percent=None)


def test_a_confirmed_payment_is_paid_and_no_longer_unpaid():
    ordered = after("open_payment", payload={"instalment_fen": 300}, **UNPAID)

    paid = after("confirm_payment", **ordered)

    assert orders(paid) == [(1, "city", 300, "paid")]
    assert (paid["paid_fen"], paid["unpaid_fen"], paid["last_paid_fen"]) == (300, 700, 300)
    assert (paid["payments_open"], paid["payments_paid"]) == (0, 1)


def test_each_share_is_confirmed_by_itself():
    facts = after("open_payment", approved_fen=1000, city_percent=Fraction(40))

    district = after("confirm_district_payment", **facts)
    both = after("confirm_payment", **district)

    assert (district["paid_fen"], district["last_paid_fen"]) == (600, 600)
    assert (district["city_payments_open"], district["district_payments_open"]) == (1, 0)
    assert (both["paid_fen"], both["last_paid_fen"], both["unpaid_fen"]) == (1000, 400, 0)


@pytest.mark.parametrize(
    ("effect", "first", "second"),
    [
        ("return_payment", "returned", "paid"),
        ("return_district_payment", "paid", "returned"),
    ],
)
def test_a_payment_returned_after_it_was_paid_waits_again_and_is_unpaid(effect, first, second):
    facts = after("open_payment", approved_fen=1000, city_percent=Fraction(40))
    paid = after("confirm_payment", "confirm_district_payment", **facts)

    returned = after(effect, **paid)

    assert [status for *_, status in orders(returned)] == [first, second]
    assert (returned["payments_open"], returned["payments_paid"]) == (1, 1)


def test_a_payment_returned_before_it_was_paid_only_waits_again():
    ordered = after("open_payment", **UNPAID)

    returned = after("return_payment", **ordered)

    assert orders(returned) == [(1, "city", 1000, "returned")]
    assert orders(after("return_payment", **returned)) == orders(returned)
    assert orders(after("confirm_payment", **returned)) == [(1, "city", 1000, "paid")]


def test_the_return_of_a_waiting_order_leaves_an_earlier_payment_paid():
    first = after("open_payment", "confirm_payment", payload={"instalment_fen": 300}, **UNPAID)
    second = after("open_payment", **first)

    returned = after("return_payment", **second)

    assert orders(returned) == [(1, "city", 300, "paid"), (2, "city", 700, "returned")]


def test_a_return_without_any_payment_changes_nothing():
    assert after("return_payment", unpaid_fen=1000) == {"unpaid_fen": 1000}


def test_a_new_account_changes_no_fact():
    assert after("renew_account", **UNPAID) == UNPAID


@given(
    st.integers(min_value=1, max_value=10**12),
    st.sampled_from([Fraction(0), Fraction(40), Fraction(100, 3), Fraction(100)]),
    st.lists(st.tuples(st.sampled_from("ocdrR"), st.integers(1, 10**12)), max_size=20),
)
def test_no_road_of_payments_loses_a_fen(approved, percent, road):
    facts = {"approved_fen": approved, "city_percent": percent, **money({"approved_fen": approved})}
    effects = {
        "c": "confirm_payment",
        "d": "confirm_district_payment",
        "r": "return_payment",
        "R": "return_district_payment",
    }
    for what, fen in road:
        ordered = sum(order.fen for order in facts.get("orders", ()))
        if what == "o" and ordered < approved:
            payload = {"instalment_fen": min(fen, approved - ordered)}
            facts = after("open_payment", payload=payload, **facts)
        elif what in "rR" or (what in "cd" and facts[OPEN_OF[what]]):
            facts = after(effects[what], **facts)
        total = sum(order.fen for order in facts.get("orders", ()))
        city = sum(order.fen for order in facts.get("orders", ()) if order.share == "city")
        assert facts["paid_fen"] + facts["unpaid_fen"] == approved
        assert 0 <= facts["paid_fen"] <= total <= approved
        assert city == total * percent // 100


OPEN_OF = {"c": "city_payments_open", "d": "district_payments_open"}


# --- what follows from the amounts


@pytest.mark.parametrize(("planned", "within"), [(99, True), (100, True), (101, False)])
def test_a_plan_may_reach_the_ceiling_but_not_pass_it(planned, within):
    assert derive({"planned_fen": planned, "ceiling_fen": 100})["plan_within_ceiling"] is within


@pytest.mark.parametrize(("approved", "within"), [(99, True), (100, True), (101, False)])
def test_an_approval_may_reach_what_was_publicised_but_not_pass_it(approved, within):
    facts = derive({"approved_fen": approved, "publicised_fen": 100})

    assert facts["approval_within_publicity"] is within


@pytest.mark.parametrize(("approved", "within"), [(99, True), (100, True), (101, False)])
def test_where_nothing_is_publicised_an_approval_may_not_pass_the_plan(approved, within):
    facts = derive({"approved_fen": approved, "planned_fen": 100})

    assert facts["approval_within_publicity"] is within


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"planned_fen": 5, "approved_fen": 5},
        {"ceiling_fen": 0, "publicised_fen": 0},
        {"planned_fen": None, "ceiling_fen": 0, "approved_fen": None, "publicised_fen": 0},
        {"planned_fen": 5, "ceiling_fen": None, "approved_fen": 5, "publicised_fen": None},
    ],
)
def test_an_order_of_amounts_with_one_missing_is_not_broken(facts):
    derived = derive(facts)

    assert derived["plan_within_ceiling"] is True
    assert derived["approval_within_publicity"] is True


@pytest.mark.parametrize(
    ("facts", "unpaid"),
    [
        ({}, 0),
        ({"approved_fen": None}, 0),
        ({"approved_fen": 1000}, 1000),
        ({"approved_fen": 1000, "orders": (Order(1, "city", 999, "paid"),)}, 1),
        ({"approved_fen": 1000, "orders": (Order(1, "city", 1000, "paid"),)}, 0),
        ({"approved_fen": 1000, "orders": (Order(1, "city", 1000, "ordered"),)}, 1000),
    ],
)
def test_unpaid_is_what_was_approved_less_what_was_paid(facts, unpaid):
    assert derive(facts)["unpaid_fen"] == unpaid


def test_derived_facts_are_facts_of_the_system():
    assert set(derive({})) <= set(SYSTEM_FACTS)


# --- what the definitions owe the effects


@of_each(ALL)
def test_a_step_gives_its_effects_what_they_read(name):
    steps = workflow(name).steps.values()

    listing = [step for step in steps if "list_publicity" in step.effects]
    paying = [step for step in steps if "open_payment" in step.effects]
    confirming = [step for step in steps if "confirm_payment" in step.effects]
    districts = [step for step in steps if "confirm_district_payment" in step.effects]

    assert all("publicity_ends_on" in step.requires for step in listing)
    assert all("some_unpaid" in step.guards for step in paying)
    assert all("city_payment_open" in step.guards for step in confirming)
    assert all("district_payment_open" in step.guards for step in districts)


@pytest.mark.parametrize(
    ("planned", "allowed", "within"),
    [(None, 5, True), (4, 5, True), (5, 5, True), (6, 5, False), (6, None, True)],
)
def test_a_plan_is_within_what_other_awards_leave(planned, allowed, within):
    facts = {"planned_fen": planned, OVERLAP_ALLOWED: allowed}

    assert derive(facts)["plan_within_overlap"] is within


@pytest.mark.parametrize(
    "effect", ["name_matters", "drop_matters", "check_overlap", "decide_overlap", "choose_award"]
)
def test_what_is_only_written_changes_no_fact(effect):
    assert after(effect, score=1) == {"score": 1}


@of_each(ALL)
def test_no_road_orders_a_payment_while_another_waits(name):
    flow = workflow(name)
    seen, waiting = set(), [(flow.initial, 0, 0)]

    while waiting:
        state, city, district = place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for step in flow.steps_from(state):
            if _refuses(step, city, district):
                continue
            ordered = "open_payment" in step.effects
            assert not (ordered and city + district), (state, step.event)
            for way in step.branches:
                if all(_allows(test, city, district) for test in way.when):
                    waiting += [(way.target, *_orders(step, city, district))]


def _refuses(step, city, district):
    tests = [test for name in step.guards for test in GUARDS[name].tests]
    return not all(_allows(test, city, district) for test in tests)


def _allows(test, city, district):
    counts = {
        "payments_open": city + district,
        "city_payments_open": city,
        "district_payments_open": district,
    }
    if test.fact not in counts:
        return True
    return (counts[test.fact] > 0) is (test.op == "at_least")


def _orders(step, city, district):
    effects = set(step.effects)
    if "open_payment" in effects:
        return 1, 1
    city = 0 if "confirm_payment" in effects else 1 if "return_payment" in effects else city
    if "confirm_district_payment" in effects:
        return city, 0
    return city, 1 if "return_district_payment" in effects else district


# --- recovery


def test_what_is_set_off_is_paid_and_what_was_wholly_set_off_never_comes_back():
    orders = (Order(1, "city", 1000, "ordered"),)
    facts = {"approved_fen": 1000, "orders": orders}

    part = after("offset_payment", payload={"offset_fen": 400}, **facts)
    whole = after("offset_payment", payload={"offset_fen": 600}, **part)

    assert (part["paid_fen"], part["unpaid_fen"], part["payments_open"]) == (400, 600, 1)
    assert (whole["paid_fen"], whole["payments_open"]) == (1000, 0)
    with pytest.raises(InvalidInput, match="已全部抵扣"):
        after("return_payment", **whole)


def test_an_offset_takes_from_what_is_claimed_like_a_receipt():
    found = after("record_offset", payload={"offset_fen": 40}, recovery_left_fen=100)

    assert (found["recovery_left_fen"], found["recovery_received_fen"]) == (60, 40)


def test_a_decision_leaves_everything_to_be_paid_and_receipts_take_from_it():
    said = {"recovery_fen": 100, "offset_allowed": False}
    decided = after("order_recovery", payload=said, recoverable_fen=100)
    received = after(
        "record_receipt", payload={"receipt_fen": 40}, recovery_received_fen=0, **decided
    )

    assert decided["recovery_left_fen"] == 100
    assert (received["recovery_left_fen"], received["recovery_received_fen"]) == (60, 40)


def test_a_decision_of_more_than_was_paid_is_refused():
    said = {"recovery_fen": 101, "offset_allowed": False}

    with pytest.raises(InvalidInput, match="100"):
        after("order_recovery", payload=said, recoverable_fen=100)


def test_a_decision_withdrawn_claims_nothing():
    assert after("withdraw_recovery", recovery_left_fen=100) == {"recovery_left_fen": 0}
