"""What the city bears of a case, from the clause, the policy, the place, or what was entered."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest

from caseflow.cases.splits import percent_of

FOUR_SIX = {
    "rule": "shares",
    "shares": [{"party": "city", "percent": "40"}, {"party": "district", "percent": "60"}],
}
FISCAL = {"rule": "fiscal_system"}
ALONE = {"rule": "city_alone"}


@pytest.mark.parametrize(
    ("own", "split", "level", "entered", "expected"),
    [
        (None, None, "county", None, 100),
        (None, FOUR_SIX, "county", None, 40),
        (None, FOUR_SIX, "prefecture", None, 100),
        (ALONE, FOUR_SIX, "county", None, 100),
        (None, FISCAL, "county", None, None),
        (None, FISCAL, "county", Decimal("45.5"), Fraction(91, 2)),
    ],
)
def test_the_clause_goes_before_the_policy_and_an_entry_before_nothing(
    own, split, level, entered, expected
):
    row = SimpleNamespace(own_split=own, split=split, fiscal_level=level, entered=entered)

    assert percent_of(row) == expected
