"""Values of indicators are exact, and a target is reached as its words say."""

from decimal import Decimal

import pytest

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.indicators import (
    COMPARISON_TITLES,
    COMPARISONS,
    compared,
    is_reached,
    percent_of,
    read_value,
    written,
)


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("at_least", False, True, True),
        ("more_than", False, False, True),
        ("at_most", True, True, False),
        ("less_than", True, False, False),
    ],
)
def test_a_target_is_reached_one_below_at_it_and_one_above(comparison, below, at, above):
    values = (Decimal("499.99"), Decimal(500), Decimal("500.01"))

    assert [is_reached(v, Decimal(500), comparison) for v in values] == [below, at, above]
    assert COMPARISON_TITLES.keys() == COMPARISONS.keys()


@pytest.mark.parametrize(
    ("text", "decimals", "value"), [("0", 0, "0"), ("100", 0, "100"), ("12.50", 2, "12.5")]
)
def test_a_value_is_read_exactly_and_written_plainly(text, decimals, value):
    assert written(read_value(text, decimals=decimals)) == value


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("12.5", 0),
        ("12.555", 2),
        ("-1", 2),
        ("+1", 2),
        ("1e3", 2),
        ("1,000", 2),
        ("１２", 0),
        ("NaN", 2),
        ("012", 0),
        (".5", 2),
        ("5.", 2),
        ("", 2),
        ("1234567890123456", 0),
    ],
)
def test_what_is_no_value_is_refused(text, decimals):
    with pytest.raises(InvalidInput, match="value"):
        read_value(text, decimals=decimals)


def test_the_share_of_a_target_is_never_rounded_up():
    assert percent_of(Decimal(499), Decimal(500)) == Decimal("99.8")
    assert percent_of(Decimal("499.9"), Decimal(500)) == Decimal("99.9")
    assert percent_of(Decimal("499.99"), Decimal(500)) == Decimal("99.9")
    assert percent_of(Decimal(3), Decimal(2)) == Decimal("150.0")
    assert percent_of(Decimal(3), Decimal(0)) is None


def test_large_values_are_written_without_exponents():
    assert (written(Decimal("1E+3")), written(Decimal("0.00"))) == ("1000", "0")


@pytest.mark.parametrize(("reported", "word"), [(3, "fewer"), (4, "equal"), (5, "more")])
def test_what_was_reported_is_held_against_what_was_counted(reported, word):
    assert compared(Decimal(reported), Decimal(4)) == word
