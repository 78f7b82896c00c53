"""Calendar years out of packages: the notice of 2026 exactly, 2027 only what the law says."""

from datetime import date

import pytest

from caseflow.deadlines.holidays import (
    Day,
    announced_year,
    announced_years,
    differing,
    statutory_year,
)
from caseflow.kernel.errors import CalendarMissing

OFF_2026 = [
    *((1, 1), (1, 2)),
    *((2, 16), (2, 17), (2, 18), (2, 19), (2, 20), (2, 23)),
    (4, 6),
    *((5, 1), (5, 4), (5, 5)),
    (6, 19),
    (9, 25),
    *((10, 1), (10, 2), (10, 5), (10, 6), (10, 7)),
]
WORK_2026 = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]


def days(year, kind):
    return [(each.day.month, each.day.day) for each in year.days if each.kind == kind]


def test_the_notice_of_2026_gives_nineteen_weekdays_off_and_six_working_weekend_days():
    year = announced_year(2026)

    assert days(year, "off") == OFF_2026
    assert days(year, "work") == WORK_2026


def test_the_days_have_chinese_names_and_the_year_its_source():
    year = announced_year(2026)

    assert year.days[0] == Day(date(2026, 1, 1), "off", "元旦")
    assert Day(date(2026, 10, 10), "work", "国庆节调休") in year.days
    assert "2026年部分节假日安排的通知" in year.source


def test_announced_years_go_from_2004_to_2026_without_a_gap():
    assert announced_years()[:23] == tuple(range(2004, 2027))


def test_a_notice_the_package_does_not_know_is_missing_not_invented():
    year = announced_years()[-1] + 1

    with pytest.raises(CalendarMissing, match=str(year)) as refusal:
        announced_year(year)

    assert refusal.value.details == {"year": year}


def test_the_statutory_days_of_2027_are_weekdays_off_without_any_working_weekend():
    year = statutory_year(2027)

    assert not days(year, "work")
    assert {(1, 1), (2, 5), (2, 8), (4, 5), (6, 9), (9, 15), (10, 1)} <= set(days(year, "off"))
    assert all(each.day.weekday() < 5 for each in year.days)
    assert "不含调休" in year.source


def test_a_statutory_day_on_a_weekend_is_made_up_on_a_working_day():
    """2027-10-02 and 03 are a Saturday and a Sunday (放假办法 7)."""
    assert {(10, 4), (10, 5)} <= set(days(statutory_year(2027), "off"))


@pytest.mark.parametrize(
    ("day", "kind", "kept"),
    [
        (date(2026, 1, 2), "off", True),  # Friday
        (date(2026, 1, 3), "off", False),  # Saturday
        (date(2026, 1, 4), "work", True),  # Sunday
        (date(2026, 1, 5), "work", False),  # Monday
        (date(2027, 1, 1), "off", False),  # of another year
    ],
)
def test_only_days_of_the_year_that_differ_from_the_week_are_kept(day, kind, kept):
    assert bool(differing([Day(day, kind, "元旦")], 2026)) is kept
