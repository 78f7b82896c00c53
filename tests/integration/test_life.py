"""The life of the policy: its calls, the warnings ahead, its last day, and what comes after."""

from datetime import date

import pytest

from caseflow.batches.founding import plan_standing_calls
from caseflow.kernel.errors import PolicyClosed
from tests.integration.conftest import House, shanghai

WARNED = (
    "SELECT DISTINCT n.rule FROM notification n WHERE n.notice = 'policy_expiring' ORDER BY n.rule"
)


def _call(house: House, opens_on: date, closes_on: date) -> str:
    with house.cases.database.session() as session:
        calls = plan_standing_calls(
            session,
            ["QD26-7a"],
            opens_on=opens_on,
            closes_on=closes_on,
            at=shanghai(4, 1, year=2028),
            signer=house.cases.office.signer,
            ids=house.ids,
        )
        return calls["QD26-7a"].public_id


def _status(house: House) -> str:
    return house.sql("SELECT status FROM policy_version WHERE current")[0][0]


def test_a_submission_is_accepted_on_the_last_day_and_refused_the_day_after(house: House):
    call = _call(house, date(2028, 4, 1), date(2028, 5, 13))
    last = shanghai(5, 13, 23, 59, year=2028)
    house.sweep(last)
    on_time = house.open(last, call=call, matter_on=date(2028, 5, 1)).case
    late = house.open(last, call=call, matter_on=date(2028, 5, 1)).case
    for case in (on_time, late):
        house.attach_all(case, last)
    accepted = house.act(on_time, "submit", "applicant1", last, applied_fen=1)

    after = shanghai(5, 14, 0, 0, year=2028)
    with pytest.raises(Exception, match="政策不在有效期内"):
        house.act(late, "submit", "applicant1", after, applied_fen=1)
    with pytest.raises(PolicyClosed, match="2028-05-13"):
        house.open(after, call=call)

    assert accepted.state == "submitted"


def test_the_policy_expires_after_the_end_of_its_last_day(house: House):
    house.sweep(shanghai(5, 13, 23, 59, year=2028))
    before = _status(house)

    swept = house.sweep(shanghai(5, 14, 0, 5, year=2028))

    assert before == "in_force"
    assert _status(house) == "expired"
    assert [status for _, status in swept.life.ended] == ["expired"]
    assert house.sweep(shanghai(5, 14, 0, 6, year=2028)).life.ended == ()


def test_cases_in_flight_go_on_after_expiry(house: House):
    case = house.submitted()
    house.sweep(shanghai(5, 14, 0, 5, year=2028))

    outcome = house.act(
        case,
        "verify_claim",
        "huilong_zhen.handler",
        shanghai(5, 15, year=2028),
        verified_fen=1,
        cut_code="evidence",
        reason="凭证不足",
        note="属实",
    )

    assert outcome.events[0] == "verify_claim"


def test_bureaus_are_warned_so_many_days_ahead(house: House):
    for month, day, days in ((2, 13, 90), (3, 14, 60), (4, 13, 30), (5, 6, 7)):
        house.sweep(shanghai(month, day - 1, year=2028))
        before = set(house.sql(WARNED))

        house.sweep(shanghai(month, day, year=2028))
        house.sweep(shanghai(month, day, 12, year=2028))

        new = {rule for (rule,) in set(house.sql(WARNED)) - before}
        assert len(new) == 1
        assert f"-{days}:" in new.pop()


def test_applicants_with_drafts_are_warned_too(house: House):
    call = _call(house, date(2028, 4, 1), date(2028, 5, 13))
    house.sweep(shanghai(4, 10, year=2028))
    house.open(shanghai(4, 10, year=2028), call=call)

    house.sweep(shanghai(4, 13, year=2028))

    told = house.sql(
        "SELECT p.login FROM notification n JOIN person p ON p.id = n.person_id"
        " WHERE n.notice = 'draft_expiring'"
    )
    assert told == [("applicant1",)]


def test_calls_open_and_close_with_their_days(house: House):
    call = _call(house, date(2028, 4, 10), date(2028, 4, 20))
    query = "SELECT status FROM call WHERE public_id = %s"
    seen = []
    for day in (9, 10, 20, 21):
        house.sweep(shanghai(4, day, 0, 5, year=2028))
        seen.append(house.sql(query, call)[0][0])

    assert seen == ["published", "open", "open", "closed"]
