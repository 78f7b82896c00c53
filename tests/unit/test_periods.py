"""Periods begin and end with the calendar, and their codes name one each."""

from datetime import date

import pytest

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.periods import (
    day_after,
    period_named,
    period_of,
    period_under,
    periods,
)


@pytest.mark.parametrize(
    ("kind", "day", "code", "first", "last", "title"),
    [
        ("month", "2028-02-29", "2028M02", "2028-02-01", "2028-02-29", "2028年2月"),
        ("month", "2027-12-01", "2027M12", "2027-12-01", "2027-12-31", "2027年12月"),
        ("quarter", "2026-09-30", "2026Q3", "2026-07-01", "2026-09-30", "2026年第3季度"),
        ("quarter", "2026-10-01", "2026Q4", "2026-10-01", "2026-12-31", "2026年第4季度"),
        ("half_year", "2026-06-30", "2026H1", "2026-01-01", "2026-06-30", "2026年上半年"),
        ("half_year", "2026-07-01", "2026H2", "2026-07-01", "2026-12-31", "2026年下半年"),
        ("year", "2026-07-01", "2026", "2026-01-01", "2026-12-31", "2026年度"),
    ],
)
def test_a_day_lies_in_one_period_of_each_kind(kind, day, code, first, last, title):
    found = period_of(kind, date.fromisoformat(day))

    days = (found.first.isoformat(), found.last.isoformat())
    assert (found.code, *days, found.title) == (code, first, last, title)
    assert period_named(kind, code) == period_under(code) == found


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("quarter", "2026Q0"),
        ("quarter", "2026Q5"),
        ("quarter", "2026H1"),
        ("quarter", "2026"),
        ("quarter", "2026q3"),
        ("quarter", "2026Q03"),
        ("quarter", "２０２６Q3"),
        ("quarter", "0000Q1"),
        ("month", "2026M13"),
        ("month", "2026M1"),
        ("half_year", "2026H3"),
        ("year", "2026Q1"),
        ("year", "26"),
        ("year", ""),
    ],
)
def test_another_code_is_refused(kind, code):
    with pytest.raises(InvalidInput, match="period"):
        period_named(kind, code)


@pytest.mark.parametrize("code", ["", "2026Q5", "2026M00", "soon"])
def test_a_code_of_no_kind_is_refused(code):
    with pytest.raises(InvalidInput, match="period"):
        period_under(code)


def test_periods_reach_from_the_one_around_the_first_day_to_the_one_around_the_last():
    found = periods("quarter", date(2025, 2, 1), date(2025, 10, 1))

    assert [each.code for each in found] == ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]
    assert [p.code for p in periods("quarter", date(2025, 2, 1), date(2025, 3, 31))] == ["2025Q1"]


def test_a_report_is_due_in_the_month_after():
    assert day_after(period_of("quarter", date(2027, 12, 31)), 15) == date(2028, 1, 15)
    assert day_after(period_of("month", date(2026, 1, 1)), 1) == date(2026, 2, 1)
