"""Timers act once: expiries, reminders, stale ones, several sweepers, a restart in between."""

import threading
from datetime import timedelta

from caseflow.batches.sweeps import sweep_timers
from tests.integration.conftest import House, shanghai

HANDLER = "huilong_zhen.handler"
REMINDED = (
    "SELECT split_part(rule, ':', 2), due_on::text FROM notification n"
    " JOIN person p ON p.id = n.person_id"
    " WHERE p.login = 'applicant1' AND rule LIKE 'correction:%%' ORDER BY n.id"
)


def _waiting_for_correction(house: House) -> str:
    """Return a case whose applicant has until 2026-11-24 to correct."""
    case = house.submitted()
    house.act(case, "request_correction", HANDLER, shanghai(11, 10), items=["用量日志"])
    return case


def test_the_applicant_is_reminded_in_the_morning_and_lapses_the_day_after_the_last(house: House):
    case = _waiting_for_correction(house)

    seen = []
    for day in range(10, 25):
        for hour, minute in ((8, 59), (9, 0)):
            house.sweep(shanghai(11, day, hour, minute))
            seen.append([rule for rule, _ in house.sql(REMINDED)])
    before, morning = seen[::2], seen[1::2]

    assert before[17 - 10] == []
    assert morning[17 - 10] == ["T-7"]
    assert morning[21 - 10] == ["T-7", "T-3"]
    assert morning[23 - 10] == ["T-7", "T-3", "T-1"]
    assert {due for _, due in house.sql(REMINDED)} == {"2026-11-24"}
    _sweeping_again_reminds_nobody_again(house)

    house.sweep(shanghai(11, 24, 23, 59))
    assert house.state(case) == "correction_requested"

    house.sweep(shanghai(11, 25, 0, 0))
    assert house.state(case) == "lapsed"


def _sweeping_again_reminds_nobody_again(house: House) -> None:
    first = house.sql("SELECT count(*) FROM notification")

    house.sweep(shanghai(11, 24))
    with house.cases.connect() as connection:
        connection.execute("UPDATE timer SET fired_at = NULL WHERE kind = 'reminder'")
    house.sweep(shanghai(11, 24))

    assert house.sql("SELECT count(*) FROM notification") == first


def test_a_moved_deadline_kills_the_old_timer_and_reminds_anew(house: House):
    case = _waiting_for_correction(house)
    house.act(case, "resubmit", "applicant1", shanghai(11, 17))

    swept = house.sweep(shanghai(11, 20, 23, 59))

    assert swept.timers.stale >= 1
    assert house.state(case) == "submitted"
    assert house.clock(case, "acceptance")[2].isoformat() == "2026-11-20"


def test_four_sweepers_act_on_every_timer_once(house: House):
    cases = [house.submitted() for _ in range(8)]
    due = shanghai(11, 14, 0, 0)
    reports = []

    def sweep() -> None:
        while (swept := sweep_timers(house.cases, due, limit=3)).claimed:
            reports.append(swept)

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.sweep(due)

    assert {house.state(case) for case in cases} == {"district_review"}
    accepted = house.sql(
        "SELECT count(*), count(DISTINCT stream) FROM event WHERE name = 'auto_accept'"
    )
    assert accepted == [(8, 8)]


def test_a_timer_whose_event_is_refused_keeps_the_reason_and_does_not_block_the_others(
    house: House,
):
    broken, sound = house.submitted(), house.submitted()
    with house.cases.connect() as connection:
        connection.execute(
            "UPDATE clock SET name = 'nowhere' WHERE name = 'acceptance' AND case_id ="
            ' (SELECT id FROM "case" WHERE public_id = %s)',
            (broken,),
        )
        connection.execute(
            "UPDATE timer SET clock_name = 'nowhere' WHERE clock_name = 'acceptance' AND case_id ="
            ' (SELECT id FROM "case" WHERE public_id = %s)',
            (broken,),
        )

    house.sweep(shanghai(11, 14, 0, 0))

    assert house.state(broken) == "submitted"
    assert house.state(sound) == "district_review"
    problems = house.sql("SELECT problem FROM timer WHERE problem IS NOT NULL")
    assert len(problems) >= 1
    assert all("nowhere" in problem for (problem,) in problems)


def test_an_outage_of_a_month_loses_nothing(house: House):
    case = house.submitted()

    house.sweep(shanghai(12, 31))

    names = [
        name for (name,) in house.sql("SELECT name FROM event WHERE stream > 0 ORDER BY at, seq")
    ]
    assert "auto_accept" in names
    assert house.state(case) == "district_review"
    assert not house.sql(
        "SELECT 1 FROM timer WHERE fired_at IS NULL AND due_at <= %s", shanghai(12, 31)
    )


def test_a_silent_district_is_chased_the_instant_after_its_last_day(house: House):
    case = house.submitted()
    house.act(case, "accept", HANDLER, shanghai(11, 18))
    last = shanghai(12, 3, 0, 0)

    house.sweep(last - timedelta(seconds=1))
    before = house.sql("SELECT count(*) FROM event WHERE name LIKE '%%overdue'")
    house.sweep(last)

    assert before == [(0,)]
    assert house.sql("SELECT count(*) FROM event WHERE name LIKE '%%overdue'") == [(1,)]
