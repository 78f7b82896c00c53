"""When a year's notice is imported, open deadlines move, and the history says why."""

from datetime import date

from caseflow.cases.recomputing import recompute_deadlines
from caseflow.deadlines.holidays import Day
from caseflow.deadlines.service import confirm_year, import_year
from tests.integration.conftest import House, shanghai


def _import_2027(house: House, days: tuple[Day, ...]) -> None:
    at = shanghai(12, 1)
    with house.cases.database.session() as session:
        source = "测试用的安排，非国务院通知"
        by = house.people["shenjiju.auditor"]
        import_year(session, 2027, source=source, days=days, by=by, at=at)
        confirm_year(session, 2027, by=house.people["zhengfuban.office"], at=at)


def test_a_provisional_deadline_becomes_certain_and_moves_with_the_new_holidays_once(house: House):
    case = house.submitted()
    house.act(case, "accept", "huilong_zhen.handler", shanghai(11, 18))
    before = house.clock(case, "service")
    off = tuple(Day(date(2027, 1, day), "off", "假设") for day in (1, 4, 5))

    _import_2027(house, off)
    by = house.people["zhengfuban.office"]
    changed = recompute_deadlines(house.cases, 2027, actor_id=by, at=shanghai(12, 2))
    again = recompute_deadlines(house.cases, 2027, actor_id=by, at=shanghai(12, 3))

    after = house.clock(case, "service")
    assert (changed, again) == (1, 0)
    assert (before[3], after[3]) == (True, False)
    assert after[2] != before[2]
    events = house.sql(
        "SELECT payload->>'clock', payload->>'from', payload->>'to' FROM event"
        " WHERE name = 'deadline_recomputed'"
    )
    assert events == [("service", before[2].isoformat(), after[2].isoformat())]
