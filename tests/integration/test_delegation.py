"""Standing in for somebody: with dates and scope, recorded as A for B, never onward."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, select

from caseflow.cases.detail import case_detail
from caseflow.cases.queries import CaseFilter, case_list, find_case
from caseflow.cases.task_list import my_tasks
from caseflow.cases.trail import case_history
from caseflow.catalogue.queries import measure_codes, measure_ids
from caseflow.database.access import Database
from caseflow.identity.delegations.queries import delegations_of
from caseflow.identity.delegations.service import Wish, delegate, revoke
from caseflow.identity.models import Person
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed, NotFound
from tests.integration.kept_database import keep
from tests.integration.test_tasks import act, asked, claims, owner, seat, task
from tests.integration.walking import BEGINS, Town, found_town, together

pytestmark = pytest.mark.no_cover

AWAY, STAND_IN, THIRD = "shujuju.handler", "stand.in", "third"
TODAY = BEGINS.date()
REVIEWED = {"reviewed_fen": 100, "note": "同意", "cut_code": "audit", "reason": "审计核减"}


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Iterator[Town]:
    """A town in which everything is sound when its tests are over."""
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=("QD26-7a", "QD26-8b"))
    seat(town, STAND_IN, "jiaotongju", "bureau_handler")
    seat(town, THIRD, "jiaotongju", "bureau_handler")
    yield town
    town.now = max(town.now, town.swept)
    town.assert_sound()


@pytest.fixture
def town(founded) -> Iterator[Town]:
    """The town at the beginning of its time.

    Every delegation is over at the end, so that none forbids another.
    """
    founded.now = BEGINS
    yield founded
    with owner(founded) as raw:
        raw.execute("UPDATE delegation SET revoked_at = given_at, revoked_by = from_id"
                    " WHERE revoked_at IS NULL")  # fmt: skip


@pytest.fixture(scope="module")
def reviewing(founded) -> str:
    """A case that stays in its review: whoever stands in at the wrong time is refused."""
    founded.now = BEGINS
    return founded.reached("bureau_review")


def give(town: Town, giver: str = AWAY, to: str = STAND_IN, **scope: Any) -> Any:
    """Let `giver` be stood in for from today for a week."""
    wanted = {"first_on": town.now.date(), "last_on": town.now.date() + timedelta(days=7)}
    wish = Wish(**{"to": to, "reason": "休假", **wanted, **scope})
    house = town.house
    signer = house.cases.office.signer

    def use(session: Any, actor: Any) -> Any:
        return delegate(session, actor, wish, at=town.now, signer=signer, ids=house.ids).public_id

    return asked(town, giver, use)


def end(town: Town, login: str, public_id: str) -> None:
    signer = town.house.cases.office.signer
    asked(town, login, lambda s, a: revoke(s, a, public_id, at=town.now, signer=signer) and None)


def test_an_act_is_recorded_as_one_for_the_other_and_both_have_the_duty(town: Town):
    case = town.reached("bureau_review")
    give(town)

    act(town, case, "conclude_review", STAND_IN, **REVIEWED)

    def read(session: Any, actor: Any) -> Any:
        return case_history(session, actor, case, pinned=town.house.cases.pinned)[-1]

    last = asked(town, AWAY, read)
    duties = town.sql(
        "SELECT p.login, d.duty FROM duty d JOIN person p ON p.id = d.person_id"
        ' JOIN "case" c ON c.id = d.case_id WHERE c.public_id = %s AND d.duty = %s'
        " AND p.login = ANY(%s)",
        case, "handler", [AWAY, STAND_IN],
    )  # fmt: skip
    assert (last.actor, last.acting_for, last.event) == (STAND_IN, AWAY, "conclude_review")
    assert {login for login, _ in duties} == {AWAY, STAND_IN}


def test_lists_details_and_acts_open_on_the_first_day_and_close_after_the_last(
    town: Town, reviewing: str
):
    case = reviewing
    day = town.now.date()
    give(town, first_on=day + timedelta(days=1), last_on=day + timedelta(days=2))

    def sees(session: Any, actor: Any) -> tuple[bool, bool]:
        listed = case_list(session, actor, CaseFilter(state="bureau_review"), limit=200).items
        tasks = my_tasks(session, actor, town.now, limit=200).items
        return any(c.public_id == case for c in listed), any(t.case == case for t in tasks)

    seen, start = [], town.now.replace(hour=0, minute=0)
    for hours in (23, 24, 24 * 3 - 1, 24 * 3):
        town.now = start + timedelta(hours=hours, minutes=30)
        seen.append(asked(town, STAND_IN, sees))
    with pytest.raises(NotAllowed):
        act(town, case, "conclude_review", STAND_IN, **REVIEWED)

    assert seen == [(False, False), (True, True), (True, True), (False, False)]


def test_what_somebody_holds_for_two_others_is_told_apart_in_one_statement(town: Town):
    other, asked_for = "caizhengju.treasury", []
    with town.house.cases.database.session() as session:
        scope = tuple(measure_ids(session, ["QD26-7a"]))
        known = {each.login: each.id for each in session.scalars(select(Person))}
    give(town, measure_ids=scope)
    give(town, other)

    with town.house.cases.database.session() as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *said: asked_for.append(said[2]))
        who = actor_by_login(session, STAND_IN, town.now)

    assert len(asked_for) == 1
    assert [role for _, role in who.assignments] == ["bureau_handler"]
    assert [
        (each.person_id, each.measure_ids, [role for _, role in each.assignments])
        for each in who.stands_in
    ] == [(known[AWAY], scope, ["bureau_handler"]), (known[other], None, ["treasury"])]


def test_what_somebody_stands_in_for_is_offered_and_claimed_for_the_other(town: Town):
    case = town.reached("bureau_review")
    give(town)
    number = task(town, case, "lead_bureau.handler")[0]

    def offered(session: Any, actor: Any) -> set[str]:
        pinned = town.house.cases.pinned
        detail = case_detail(session, actor, case, town.now, pinned=pinned)
        return {option.event for option in detail.events if not option.blocked}

    events = asked(town, STAND_IN, offered)
    claims(town, STAND_IN, number)

    assert "conclude_review" in events
    assert task(town, case, "lead_bureau.handler")[2] == AWAY
    act(town, case, "conclude_review", AWAY, **REVIEWED)


def test_the_scope_is_kept_by_measure_and_by_role(town: Town):
    inside, outside = town.reached("bureau_review"), town.reached("bureau_review", "QD26-8b")

    def numbers(session: Any, _: Any) -> list[int]:
        return measure_ids(session, ["QD26-7a"])

    give(town, measure_ids=asked(town, AWAY, numbers), roles=["bureau_handler"])

    with pytest.raises(NotAllowed):
        act(town, outside, "conclude_review", STAND_IN, **REVIEWED)
    with pytest.raises(NotFound):
        asked(town, STAND_IN, lambda s, a: find_case(s, a, outside))
    act(town, inside, "conclude_review", STAND_IN, **REVIEWED)
    with pytest.raises(InvalidInput, match="不担任"):
        give(town, to=THIRD, roles=["bureau_leader"])


def test_the_separation_of_duties_counts_who_stands_in_and_who_is_stood_in_for(town: Town):
    case = town.reached("reviewed")
    reviewer = town.value(
        "SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id"
        " JOIN organisation o ON o.id = a.organisation_id"
        " WHERE o.code = 'shujuju' AND a.role = 'bureau_reviewer'"
    )
    give(town, giver=reviewer, to=AWAY)

    with pytest.raises(NotAllowed, match="已在本办件中担任"):
        act(town, case, "confirm_review", AWAY, note="x")


def test_nobody_stands_in_onward_in_circles_twice_or_for_themselves(town: Town):
    give(town)

    for giver, to in ((STAND_IN, THIRD), (STAND_IN, AWAY), (THIRD, AWAY), (AWAY, STAND_IN)):
        with pytest.raises(Conflict, match=r"转代理|同一范围"):
            give(town, giver=giver, to=to)
    with pytest.raises(Conflict, match="two_people"):
        give(town, giver=THIRD, to=THIRD)
    with pytest.raises(NotFound):
        give(town, giver=THIRD, to="nobody.there")
    with pytest.raises(InvalidInput, match="事由"):
        give(town, giver=THIRD, to="kejiju.handler", reason=" ")
    with pytest.raises(InvalidInput, match="代理期"):
        give(town, giver=THIRD, to="kejiju.handler", last_on=date(2026, 9, 1))


def test_a_circle_made_by_two_at_once_is_refused(town: Town):
    results = together(
        lambda: give(town, giver=STAND_IN, to=THIRD), lambda: give(town, giver=THIRD, to=AWAY)
    )

    assert sum(isinstance(each, CaseflowError) for each in results) == 1


def test_a_revoked_delegation_ends_at_once_and_is_listed_for_both(town: Town, reviewing: str):
    town.now -= timedelta(hours=1)  # so that it is over when the other tests begin
    public_id = give(town)
    town.now += timedelta(hours=1)

    with pytest.raises(NotFound):
        end(town, THIRD, public_id)
    end(town, AWAY, public_id)

    def listed(session: Any, actor: Any) -> Any:
        codes = measure_codes(session)
        return delegations_of(session, actor, town.now, codes=codes, limit=1).items[0]

    mine, theirs = asked(town, AWAY, listed), asked(town, STAND_IN, listed)
    assert (mine.id, mine.is_in_force) == (theirs.id, theirs.is_in_force) == (public_id, False)
    assert (mine.giver, mine.stand_in) == (AWAY, STAND_IN)
    with pytest.raises(Conflict, match="已经结束"):
        end(town, AWAY, public_id)
    with pytest.raises(NotAllowed):
        act(town, reviewing, "conclude_review", STAND_IN, **REVIEWED)


def test_raw_sql_makes_no_chain_and_takes_none_away(town: Town):
    give(town)
    chain = (
        "INSERT INTO delegation (public_id, from_id, to_id, valid_from, valid_to, reason, given_by,"
        " given_at) SELECT 'x', a.id, b.id, g.valid_from, g.valid_to, 'x', a.id, g.given_at"
        " FROM delegation g, person a, person b WHERE g.revoked_at IS NULL AND a.login = 'stand.in'"
        " AND b.login = 'third'"
    )

    for connection in (town.house.cases.connect(), owner(town)):
        with connection as raw:
            for statement in (chain, "DELETE FROM delegation"):
                with pytest.raises(psycopg.Error, match=r"转代理|append-only|denied"):
                    raw.execute(statement)
    with town.house.cases.connect() as raw, pytest.raises(psycopg.Error, match="denied"):
        raw.execute("UPDATE delegation SET valid_to = valid_to + interval '1 year'")
