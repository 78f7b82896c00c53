import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.workflow.effects import _EFFECTS, OPEN_PAYMENT, OVERLAP_ALLOWED, apply, derive
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Branch, Step
from caseflow.kernel.workflow.vocabulary import EFFECTS, GUARDS, SYSTEM_FACTS
from tests.definitions.families import ALL, workflow

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
        ("answer_seat", "seats_waiting", 3, 2),
    ],
)
def test_a_counting_effect_counts_by_one(effect, fact, before, then):
    assert after(effect, **{fact: before}) == {fact: then}


@pytest.mark.parametrize("effect", ["count_correction", "record_objection", "place_hold"])
def test_what_nobody_has_counted_yet_begins_at_one(effect):
    assert list(after(effect).values()) == [1]


@pytest.mark.parametrize(("verdict", "vetoes"), [("pass", 0), ("flag", 0), ("veto", 1)])
def test_only_a_veto_is_counted_as_one(verdict, vetoes):
    facts = after("answer_seat", payload={"verdict": verdict}, seats_waiting=2, vetoes=0)

    assert facts == {"seats_waiting": 1, "vetoes": vetoes}


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


@pytest.mark.parametrize("fen", [1, 999, 1000])
def test_an_instalment_lies_between_one_fen_and_what_is_unpaid(fen):
    facts = after("open_payment", payload={"instalment_fen": fen}, **UNPAID)

    assert facts[OPEN_PAYMENT] == fen
    assert facts["payments_open"] == 1
    assert facts["unpaid_fen"] == 1000


@pytest.mark.parametrize("fen", [-1, 0, 1001])
def test_an_instalment_outside_is_refused_with_its_bounds(fen):
    with pytest.raises(InvalidInput) as refused:
        after("open_payment", payload={"instalment_fen": fen}, **UNPAID)

    assert refused.value.message == (f"本期应拨 {fen} 分，须大于零且不超过尚未拨付的 1000 分。")
    assert refused.value.fields == {"instalment_fen": "大于 0，至多 1000"}


def test_without_an_instalment_all_that_is_unpaid_is_ordered():
    assert after("open_payment", **UNPAID)[OPEN_PAYMENT] == 1000


def test_nothing_can_be_ordered_when_all_is_paid():
    with pytest.raises(InvalidInput, match="尚未拨付的 0 分"):
        after("open_payment", unpaid_fen=0)


def test_a_confirmed_payment_is_paid_and_no_longer_unpaid():
    ordered = after("open_payment", payload={"instalment_fen": 300}, **UNPAID)

    paid = after("confirm_payment", **ordered)

    assert paid["paid_fen"] == 300
    assert paid["unpaid_fen"] == 700
    assert paid["last_paid_fen"] == 300
    assert (paid["payments_open"], paid["payments_paid"]) == (0, 1)


def test_a_payment_returned_after_it_was_paid_waits_again_and_is_unpaid():
    ordered = after("open_payment", payload={"instalment_fen": 300}, **UNPAID)
    paid = after("confirm_payment", **ordered)

    returned = after("return_payment", **paid)

    assert returned[OPEN_PAYMENT] == 300
    assert (returned["payments_open"], returned["payments_paid"]) == (1, 0)
    assert (returned["paid_fen"], returned["unpaid_fen"]) == (0, 1000)
    assert after("confirm_payment", **returned) == paid


def test_a_payment_returned_before_it_was_paid_only_waits_again():
    ordered = after("open_payment", **UNPAID)

    assert after("return_payment", **ordered) == ordered


def test_the_return_of_a_waiting_order_leaves_an_earlier_payment_paid():
    first = after("open_payment", "confirm_payment", payload={"instalment_fen": 300}, **UNPAID)
    second = after("open_payment", **first)

    assert after("return_payment", **second) == second
    assert second[OPEN_PAYMENT] == 700


def test_a_return_without_any_payment_changes_nothing():
    assert after("return_payment", unpaid_fen=1000) == {"unpaid_fen": 1000}


@given(
    approved=st.integers(1, 10**9),
    acts=st.lists(st.one_of(st.integers(1, 10**9), st.sampled_from(["confirm", "return"]))),
)
def test_paid_and_unpaid_are_always_what_was_approved(approved, acts):
    facts = {"approved_fen": approved, "paid_fen": 0, "payments_open": 0, "payments_paid": 0}
    facts |= derive(facts)

    for act in acts:
        waiting = facts["payments_open"] == 1
        if act == "confirm" and waiting:
            facts = after("confirm_payment", **facts)
        elif act == "return":
            facts = after("return_payment", **facts)
        elif isinstance(act, int) and not waiting and facts["unpaid_fen"] > 0:
            fen = min(act, facts["unpaid_fen"])
            facts = after("open_payment", payload={"instalment_fen": fen}, **facts)

        assert facts["paid_fen"] + facts["unpaid_fen"] == approved
        assert 0 <= facts["paid_fen"] <= approved
        assert facts["payments_open"] in {0, 1}
        assert facts["payments_paid"] >= 0


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
        ({"approved_fen": 1000, "paid_fen": 999}, 1),
        ({"approved_fen": 1000, "paid_fen": 1000}, 0),
    ],
)
def test_unpaid_is_what_was_approved_less_what_was_paid(facts, unpaid):
    assert derive(facts)["unpaid_fen"] == unpaid


def test_derived_facts_are_facts_of_the_system():
    assert set(derive({})) <= set(SYSTEM_FACTS)


# --- what the definitions owe the effects


@pytest.mark.parametrize("name", ALL)
def test_a_step_gives_its_effects_what_they_read(name):
    steps = workflow(name).steps.values()

    listing = [step for step in steps if "list_publicity" in step.effects]
    paying = [step for step in steps if "open_payment" in step.effects]
    confirming = [step for step in steps if "confirm_payment" in step.effects]

    assert all("publicity_ends_on" in step.requires for step in listing)
    assert all("some_unpaid" in step.guards for step in paying)
    assert all("payment_open" in step.guards for step in confirming)


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


@pytest.mark.parametrize("name", ALL)
def test_no_road_orders_a_payment_while_another_waits(name):
    flow = workflow(name)
    seen, waiting = set(), [(flow.initial, 0)]

    while waiting:
        state, orders = place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for step in flow.steps_from(state):
            if _refuses(step, orders):
                continue
            assert not (orders and "open_payment" in step.effects), (state, step.event)
            waiting += [(way.target, _orders(step, orders)) for way in step.branches]


def _refuses(step, orders):
    tests = [test for name in step.guards for test in GUARDS[name].tests]
    return any(
        test.fact == "payments_open" and (orders > 0) is (test.op == "at_most") for test in tests
    )


def _orders(step, orders):
    if "confirm_payment" in step.effects:
        return orders - 1
    return 1 if {"open_payment", "return_payment"} & set(step.effects) else orders
