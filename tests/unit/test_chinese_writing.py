"""Amounts in capital figures, numbers of articles, dates: as official documents write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.chinese_writing import (
    capital_yuan,
    chinese_date,
    chinese_number,
    grouped_yuan,
)
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN

DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = {"拾": 10, "佰": 100, "仟": 1000, "万": 10_000, "亿": 100_000_000}


@pytest.mark.parametrize(
    ("fen", "written"),
    [
        (0, "人民币零元整"),
        (1, "人民币壹分"),
        (10, "人民币壹角"),
        (11, "人民币壹角壹分"),
        (100, "人民币壹元整"),
        (105, "人民币壹元零伍分"),
        (150, "人民币壹元伍角"),
        (1_000, "人民币壹拾元整"),
        (10_100, "人民币壹佰零壹元整"),
        (100_000_000, "人民币壹佰万元整"),
        (101_000_000, "人民币壹佰零壹万元整"),
        (100_010_000, "人民币壹佰万零壹佰元整"),
        (168_032, "人民币壹仟陆佰捌拾元叁角贰分"),
        (10_700_053, "人民币壹拾万柒仟元伍角叁分"),
        (1_001_000_000, "人民币壹仟零壹万元整"),
        (10_000_000_000, "人民币壹亿元整"),
        (10_001_000_000, "人民币壹亿零壹万元整"),
        (MOST_FEN, "人民币壹拾万亿元整"),
    ],
)
def test_an_amount_is_written_in_capital_figures(fen, written):
    assert capital_yuan(fen) == written


def _yuan(written: str) -> int:
    """Read capital figures back, by another road than they were written by."""
    for name in ("亿", "万"):
        high, found, low = written.rpartition(name)
        if found:
            return _yuan(high) * UNITS[name] + _yuan(low)
    total, digit = 0, 0
    for figure in written:
        if figure in UNITS:
            total, digit = total + digit * UNITS[figure], 0
        else:
            digit = DIGITS.index(figure)
    return total + digit


@given(st.integers(0, MOST_FEN // 100))
def test_whole_yuan_can_be_read_back_and_no_gap_is_written_twice(yuan):
    written = capital_yuan(yuan * 100).removeprefix("人民币").removesuffix("元整")

    assert _yuan(written) == yuan
    assert "零零" not in written


def test_what_is_no_amount_is_refused():
    with pytest.raises(InvalidInput):
        capital_yuan(-1)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "零"), (7, "七"), (10, "十"), (11, "十一"), (19, "十九"), (20, "二十"), (21, "二十一"),
        (100, "一百"), (107, "一百零七"), (110, "一百一十"), (1001, "一千零一"),
    ],
)  # fmt: skip
def test_articles_are_counted_as_texts_do(number, written):
    assert chinese_number(number) == written


def test_there_is_no_article_below_nothing():
    with pytest.raises(InvalidInput, match="-1"):
        chinese_number(-1)


def test_dates_are_full_and_yuan_are_grouped():
    assert chinese_date(date(2026, 11, 6)) == "2026年11月6日"
    assert grouped_yuan(123_456_705) == "1,234,567.05"
