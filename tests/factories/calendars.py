"""The calendar that deadlines are tested with: 2026 confirmed, 2027 and 2028 statutory."""

from caseflow.deadlines.holidays import announced_year, statutory_year
from caseflow.kernel.calendar import Calendar

_NOTICE = announced_year(2026).days
_STATUTORY = [each for year in (2027, 2028) for each in statutory_year(year).days]

CALENDAR = Calendar(
    off=frozenset(each.day for each in [*_NOTICE, *_STATUTORY] if each.kind == "off"),
    working=frozenset(each.day for each in _NOTICE if each.kind == "work"),
    confirmed_years=frozenset({2026}),
    version=1,
)
