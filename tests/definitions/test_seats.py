"""A family may cast another seat in a stage than the stage's own: `seats: {applicant: bank}`."""

import pytest

from caseflow.kernel.errors import DefinitionError
from tests.definitions.definitions import compile_demo, library_with, sound_text
from tests.definitions.families import workflow

HANDLER, BANK = "lead_bureau.handler", "bank"
ENTRY = "  - stage: review\n    exits: {reject: end.rejected, again: none}\n"


def demo(tmp_path, seats, *, entry=ENTRY, stage="review", **texts):
    family = sound_text("demo.yaml")
    assert entry in family
    first, rest = entry.split("\n", 1)
    cast = family.replace(entry, f"{first}\n    seats: {seats}\n{rest}", 1)
    return compile_demo(library_with(tmp_path, demo=cast, **texts))["M-1"]


def seats(flow):
    held = {code: state.holders for code, state in flow.states.items() if state.end is None}
    return held, {key: step.by for key, step in flow.steps.items()}


def changed(before, after):
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}


def test_the_seat_cast_holds_the_states_and_acts_in_the_events_of_that_stage_only(tmp_path):
    held, by = seats(compile_demo()["M-1"])
    held_now, by_now = seats(demo(tmp_path, f"{{{HANDLER}: {BANK}}}"))

    assert changed(held, held_now) == {"reviewing": ((HANDLER,), (BANK,))}
    assert changed(by, by_now) == {("reviewing", "conclude"): ((HANDLER,), (BANK,))}


def test_casting_changes_the_seat_and_nothing_else(tmp_path):
    before, after = compile_demo()["M-1"], demo(tmp_path, f"{{{HANDLER}: {BANK}}}")
    told = str(after.to_data()).replace(f"'{BANK}'", f"'{HANDLER}'")

    assert told == str(before.to_data())
    assert after.hash != before.hash


def test_a_seat_that_the_stage_does_not_have_changes_nothing(tmp_path):
    assert seats(demo(tmp_path, "{trustee: bank}")) == seats(compile_demo()["M-1"])


def test_one_of_several_seats_is_cast_and_keeps_its_place(tmp_path):
    review = sound_text("stages/review.yaml").replace(
        f"holder: {HANDLER}", f"holder: [finance.division, {HANDLER}, trustee]"
    )

    flow = demo(tmp_path, f"{{{HANDLER}: {BANK}}}", review=review)

    assert flow.states["reviewing"].holders == ("finance.division", BANK, "trustee")


def test_one_seat_may_be_cast_as_several_who_are_then_all_asked(tmp_path):
    flow = demo(tmp_path, f"{{{HANDLER}: [{HANDLER}, {BANK}]}}")

    assert flow.states["reviewing"].holders == (HANDLER, BANK)
    assert flow.steps["reviewing", "conclude"].by == (HANDLER, BANK)


def test_a_list_of_seats_that_names_none_is_refused(tmp_path):
    with pytest.raises(DefinitionError, match=r"unknown-seat|there is no seat"):
        demo(tmp_path, f"{{{HANDLER}: [bank, bnak]}}")


def test_the_selection_of_scenarios_asks_five_bureaus():
    held = workflow("scenarios").states["joint_check"].holders

    assert held == (
        "cosign.credit", "cosign.market", "cosign.safety", "cosign.environment", "cosign.tax",
    )  # fmt: skip


def test_two_seats_may_be_exchanged(tmp_path):
    other = "lead_bureau.reviewer"

    held, by = seats(demo(tmp_path, f"{{{HANDLER}: {other}, {other}: {HANDLER}}}"))

    assert (held["reviewing"], held["checking"]) == ((other,), (HANDLER,))
    assert by["checking", "confirm"] == (HANDLER,)


def test_a_stage_used_twice_is_cast_each_time_by_itself(tmp_path):
    twice = ENTRY + "  - stage: review\n    exits: {reject: end.rejected, again: none}\n"
    family = sound_text("demo.yaml").replace(ENTRY, twice)
    cast = family.replace(twice, f"{twice}    seats: {{{HANDLER}: {BANK}}}\n")

    flow = compile_demo(library_with(tmp_path, demo=cast))["M-1"]

    assert flow.states["reviewing"].holders == (HANDLER,)
    assert flow.states["reviewing#2"].holders == (BANK,)


def test_a_seat_cast_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(DefinitionError, match=r"unknown-seat.*there is no seat 'bnak'"):
        demo(tmp_path, f"{{{HANDLER}: bnak}}")


def test_the_library_casts_the_platform_where_it_claims_what_it_deducted():
    """The stages are those of every application; only who claims and is paid differs."""
    settled, redeemed = (
        workflow("instant_vouchers/settlement"),
        workflow("issued_vouchers/redemption"),
    )

    assert settled.states["account_correction"].holders == ("platform_operator",)
    assert redeemed.states["account_correction"].holders == ("applicant",)
