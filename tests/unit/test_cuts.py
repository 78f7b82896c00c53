"""核减: an amount that falls has a reason; a rule explains just the figure that it leaves."""

import pytest

from caseflow.kernel.cuts import CUT_CODES, cut_of, refuse_silent
from caseflow.kernel.errors import InvalidInput

CHAIN = ("applied_fen", "audited_fen", "planned_fen")
TITLES = {"applied_fen": "申请金额", "audited_fen": "审计核定金额", "planned_fen": "拟支持金额"}


def code(fen: int, before: int, **facts: object) -> str | None:
    cut = cut_of("planned_fen", {"planned_fen": fen, "audited_fen": before, **facts}, CHAIN)
    assert cut is not None
    return cut.code


@pytest.mark.parametrize("fen", [1000, 1001])
def test_what_does_not_fall_is_no_reduction(fen: int):
    facts = {"applied_fen": 1000, "audited_fen": None, "planned_fen": fen}

    assert cut_of("planned_fen", facts, CHAIN) is None
    assert cut_of("applied_fen", facts, CHAIN) is None


def test_a_reduction_is_from_the_last_amount_before_it():
    facts = {"applied_fen": 1000, "audited_fen": 900, "planned_fen": 899}

    cut = cut_of("planned_fen", facts, CHAIN)

    assert cut is not None
    assert (cut.before, cut.before_fen, cut.fen, cut.code) == ("audited_fen", 900, 899, None)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"ceiling_fen": 500}, "ceiling"),
        ({"ceiling_fen": 499, "clause_ceiling_fen": 500}, "ceiling"),
        ({"ceiling_fen": 499}, None),
        ({"ceiling_fen": 501}, None),
        ({"overlap_allowed_fen": 500}, "overlap"),
        ({"ceiling_fen": 599, "settled_rounding": "trunc_yuan"}, "ceiling"),
        ({"overlap_allowed_fen": 501, "settled_rounding": "trunc_yuan"}, "overlap"),
        ({"ceiling_fen": 2000}, None),
    ],
)
def test_a_rule_explains_the_figure_that_it_leaves_to_the_fen(facts, found):
    assert code(500, 1000, **facts) == found


@pytest.mark.parametrize(("before", "found"), [(599, "rounding"), (600, None)])
def test_rounding_explains_less_than_its_unit(before: int, found: str | None):
    assert code(500, before, settled_rounding="trunc_yuan") == found


def test_a_silent_reduction_is_refused_with_the_step_and_both_figures():
    facts = {"applied_fen": 100_001, "planned_fen": 100_000}

    with pytest.raises(InvalidInput, match="低于申请金额") as said:
        refuse_silent({"planned_fen": 100_000, "reason": "x"}, facts, TITLES)

    assert list(said.value.fields) == ["cut_code"]


@pytest.mark.parametrize(
    "given", [{"cut_code": "audit", "reason": "x"}, {"note": "x"}, {"applied_fen": 5}]
)
def test_a_reason_or_no_lower_amount_is_all_that_is_asked(given):
    refuse_silent(given, {"applied_fen": 5, "planned_fen": 4}, TITLES)


def test_what_a_ceiling_leaves_needs_no_reason():
    facts = {"applied_fen": 1000, "planned_fen": 500, "ceiling_fen": 500}

    refuse_silent({"planned_fen": 500}, facts, TITLES)


def test_every_reason_has_words():
    assert all(CUT_CODES.values())
