import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN, Money

FEN = st.integers(0, MOST_FEN)
HUGE = pytest.param(10**5000, id="a number too long to print")
FULL_WIDTH = "１０００"


@pytest.mark.parametrize("fen", [0, 1, MOST_FEN - 1, MOST_FEN])
def test_an_amount_lies_between_nothing_and_ten_trillion_yuan(fen):
    assert Money.from_fen(fen).fen == fen


@pytest.mark.parametrize("fen", [-1, MOST_FEN + 1, 10**30, -(10**30), HUGE])
def test_an_amount_outside_is_refused(fen):
    with pytest.raises(InvalidInput, match=rf"between 0 and {MOST_FEN} fen, not "):
        Money.from_fen(fen)


@pytest.mark.parametrize(
    "value",
    [True, False, 1.0, 0.5, math.nan, math.inf, Decimal(1), "1", FULL_WIDTH, b"1", None, [1], {}],
)
def test_only_a_whole_number_is_an_amount_in_fen(value):
    with pytest.raises(InvalidInput, match="whole number of fen"):
        Money.from_fen(value)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("0.01", 1),
        ("0.1", 10),
        ("0.10", 10),
        ("1", 100),
        ("1000.50", 100_050),
        ("007", 700),
        ("9999999999999.99", MOST_FEN - 1),
        ("10000000000000", MOST_FEN),
        ("10000000000000.00", MOST_FEN),
    ],
)
def test_yuan_are_a_hundred_fen(text, fen):
    assert Money.from_yuan(text) == Money(fen)


@pytest.mark.parametrize("text", ["10000000000000.01", "10000000000001", "999999999999999.99"])
def test_more_yuan_than_the_most_are_refused(text):
    with pytest.raises(InvalidInput, match="An amount lies between"):
        Money.from_yuan(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "1.", ".5", "1..5", "1.2.3", "-1", "+1", "1e3", "1E3", "0x10", "1_000"),
        *("1,000", "1000元", "¥1", " 1", "1 ", "1\n", "NaN", "nan", "Infinity", "sNaN", "\x001"),
        *(FULL_WIDTH, "１.５", "1．5", "٣", "²", "一千", "½"),
        *("0.001", "1.000", "0.999", "1." + "0" * 30 + "1"),
        pytest.param("9" * 5000, id="a number too long to print"),
        pytest.param("9" * 1_000_001, id="a number too long for decimals"),
    ],
)
def test_yuan_are_written_with_ascii_digits_and_at_most_two_decimals(text):
    with pytest.raises(InvalidInput, match=r"written like 1000\.50") as refused:
        Money.from_yuan(text)

    assert len(refused.value.message) < 120


@pytest.mark.parametrize("value", [1, 1.0, 0.5, math.nan, True, None, b"1", Decimal(1), ["1"]])
def test_yuan_that_are_no_text_are_refused(value):
    with pytest.raises(InvalidInput, match=r"written like 1000\.50"):
        Money.from_yuan(value)


@given(FEN)
def test_what_is_written_in_yuan_is_read_as_the_same_fen(fen):
    assert Money.from_yuan(f"{fen // 100}.{fen % 100:02d}").fen == fen
    assert Money.from_yuan(str(Decimal(fen) / 100)) == Money(fen)


@given(FEN)
def test_what_is_shown_says_the_same_fen(fen):
    shown = str(Money(fen))

    assert Money.from_yuan(shown.removesuffix(" 元").replace(",", "")) == Money(fen)


@given(st.text())
def test_any_text_is_an_amount_or_refused(text):
    try:
        fen = Money.from_yuan(text).fen
    except InvalidInput:
        return
    assert 0 <= fen <= MOST_FEN


@pytest.mark.parametrize(
    ("fen", "shown"),
    [
        (0, "0.00 元"),
        (5, "0.05 元"),
        (100_000_00, "100,000.00 元"),
        (123_456_789, "1,234,567.89 元"),
    ],
)
def test_an_amount_is_shown_in_yuan(fen, shown):
    assert str(Money(fen)) == shown


def test_amounts_add_up_to_the_most_and_no_further():
    most = Money(MOST_FEN)

    assert Money(MOST_FEN - 1) + Money(1) == most
    with pytest.raises(InvalidInput):
        most + Money(1)


@given(FEN, FEN)
def test_amounts_are_ordered_like_their_fen(one, other):
    assert (Money(one) < Money(other)) is (one < other)
    assert (Money(one) == Money(other)) is (one == other)


def test_an_amount_is_not_comparable_with_a_number():
    with pytest.raises(TypeError):
        assert Money(1) < 1
    assert Money(1) != 1
