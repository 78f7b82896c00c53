"""A bar holds from its first day to its last, both included."""

from datetime import date, timedelta

import pytest

from caseflow.kernel.bars import Bar, last_day, refuse_barred
from caseflow.kernel.errors import NotAllowed

FIRST, LAST = date(2026, 11, 2), date(2029, 11, 2)
BAR = Bar(FIRST, LAST, "启数追〔2026〕1号")


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (FIRST - timedelta(days=1), False),
        (FIRST, True),
        (LAST, True),
        (LAST + timedelta(days=1), False),
    ],
)
def test_the_last_day_is_barred_and_the_day_after_is_not(day: date, holds):
    assert BAR.holds_on(day) is holds


@pytest.mark.parametrize(
    ("decided_on", "years", "last"),
    [
        (date(2026, 11, 2), 3, date(2029, 11, 2)),
        (date(2028, 2, 29), 1, date(2029, 2, 28)),
        (date(2028, 2, 29), 4, date(2032, 2, 29)),
    ],
)
def test_a_bar_ends_on_the_same_day_of_its_last_year(decided_on: date, years: int, last: date):
    assert last_day(decided_on, years) == last


def test_the_refusal_names_the_bar():
    with pytest.raises(NotAllowed) as refused:
        refuse_barred([Bar(date(2020, 1, 1), date(2021, 1, 1), "旧"), BAR], LAST)

    for words in ("2026-11-02 至 2029-11-02", "启数追〔2026〕1号", "解除"):
        assert words in refused.value.message


def test_whom_no_bar_holds_is_let_through():
    refuse_barred([BAR], LAST + timedelta(days=1))
    refuse_barred([], FIRST)
