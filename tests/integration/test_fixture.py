"""One case end to end, to the day: the fixture of the domain handbook, §6.6."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import true

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.calls.queries import CallFilter, call_list
from caseflow.database import migration
from caseflow.database.access import Address
from caseflow.database.ids import PublicIds
from caseflow.database.server import PROGRAM_ROLE, Server
from caseflow.deadlines.queries import load_calendar
from caseflow.history.queries import history
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import CalendarMissing
from caseflow.rehearsal import fixture
from caseflow.rehearsal.fixture import Moment
from caseflow.rehearsal.house import House, enter
from caseflow.rehearsal.queries import path
from caseflow.rehearsal.story import BEGINS_AT, PAUSES_AT, Played, Story
from tests.conftest import ROOT
from tests.factories.rehearsal import settings_on

NAME = "story_fixture"


@dataclass(frozen=True)
class Told:
    """The house at the story's pause, and what was seen on the way."""

    house: House
    played: Played

    @property
    def fixture_case(self) -> int:
        return self.played.roots[self.played.roots.index(self.played.disputed) - 2]

    @property
    def beside(self) -> int:
        return self.played.roots[self.played.roots.index(self.played.disputed) - 1]

    def moment(self, event: str) -> Moment:
        found = [moment for moment in self.played.moments if moment.event == event]
        assert len(found) == 1
        return found[0]

    def happened(self, case_id: int, event: str) -> datetime:
        """When an event of a case happened, in Shanghai."""
        with self.house.database.connect() as connection:
            rows = history(connection, case_id)
        found = [row.at for row in rows if row.name == event]
        assert len(found) == 1
        return found[0].astimezone(SHANGHAI)

    def row(self, case_id: int, columns: str) -> tuple[Any, ...]:
        with self.house.database.connect() as connection:
            found = connection.execute(
                f'SELECT {columns} FROM "case" WHERE id = %s',
                (case_id,),
            ).fetchone()
        assert found is not None
        return tuple(found)


@pytest.fixture(scope="module")
def told(
    server: Server, founded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """The story up to its pause, played once."""
    home = tmp_path_factory.mktemp("home")
    migration.create_database(server.url(NAME), template=founded_template)
    address = Address(server.url(NAME, role=PROGRAM_ROLE), server.url(NAME), server)
    house = enter(
        address,
        settings_on(server, home, database=NAME),
        ROOT,
        at=BEGINS_AT,
        files=home / "files",
        ids=PublicIds(random.Random(3)),
    )
    played = Story(house, lambda _: None, lambda _: None).play()
    yield Told(house, played)
    house.database.close()
    migration.drop_database(server.url(NAME))


def on(text: str) -> date:
    return date.fromisoformat(text)


def test_the_call_opens_on_its_first_day_and_names_the_eligible_use(told: Told) -> None:
    with told.house.database.session() as session:
        ((call, _),) = call_list(session, true(), CallFilter(measure="QD26-7a", status="closed"))
        window = (call.opens_on, call.closes_on)
        eligible = (call.eligible_from, call.eligible_to)
        status = call.status

    assert window == (on("2026-10-12"), on("2026-11-06"))
    assert eligible == (on("2026-05-14"), on("2026-10-31"))
    assert status == "closed"


def test_the_firm_is_the_handbooks(told: Told) -> None:
    with told.house.database.connect() as connection:
        row = connection.execute(
            'SELECT o.uscc FROM "case" c JOIN organisation o ON o.id = c.applicant_id'
            " WHERE c.id = %s",
            (told.fixture_case,),
        ).fetchone()

    assert row == ("91320681MA2TE5T28T",)


@pytest.mark.parametrize(
    ("event", "status", "used", "left", "due_on"),
    [
        ("submit", "running", 0, 5, "2026-11-13"),
        ("request_correction", "stopped", 2, 3, "2026-11-13"),
        ("resubmit", "running", 2, 3, "2026-11-20"),
        ("accept", "running", 0, 10, "2026-12-02"),
        ("recommend", "running", 0, 20, "2026-12-30"),
        ("send_to_audit", "stopped", 1, 19, "2026-12-30"),
        ("report_audit", "running", 1, 19, "2027-01-14"),
    ],
)
def test_a_clock_stands_as_the_handbook_says(
    told: Told, event: str, status: str, used: int, left: int, due_on: str
) -> None:
    moment = told.moment(event)

    assert (moment.status, moment.used, moment.left) == (status, used, left)
    assert moment.due_on == on(due_on)


@pytest.mark.parametrize(
    ("event", "instant"),
    [
        ("submit", "2026-11-06 16:20"),
        ("request_correction", "2026-11-10 10:00"),
        ("resubmit", "2026-11-17 10:00"),
        ("accept", "2026-11-18 10:00"),
        ("recommend", "2026-12-02 15:00"),
        ("send_to_audit", "2026-12-03 10:00"),
        ("report_audit", "2026-12-17 10:00"),
        ("draft_plan", "2026-12-18 09:30"),
        ("publicise", "2026-12-18 15:00"),
        ("close_publicity", "2026-12-26 00:05"),
    ],
)
def test_an_act_happens_to_the_minute(told: Told, event: str, instant: str) -> None:
    assert told.happened(told.fixture_case, event) == fixture.at(instant)


def test_only_what_reaches_into_the_unannounced_year_is_provisional(told: Told) -> None:
    assert told.moment("report_audit").provisional
    assert not told.moment("send_to_audit").provisional
    assert not told.moment("publicise").provisional


def test_the_audit_stops_the_bureaus_clock_but_the_correction_the_acceptance(told: Told) -> None:
    assert told.moment("send_to_audit").state == "third_party_audit"
    assert told.moment("send_to_audit").clock == "部门审核时限"
    assert told.moment("request_correction").clock == "受理时限"


def test_the_publicity_runs_to_the_end_of_friday(told: Told) -> None:
    assert told.played.publicity_ends_on == on("2026-12-25")
    assert told.moment("publicise").due_on == on("2026-12-25")
    assert told.played.publicity_ends_on.isoweekday() == 5


def test_a_publicity_begun_later_would_need_the_next_years_notice(told: Told) -> None:
    with told.house.database.connect() as connection:
        calendar = load_calendar(connection)

    with pytest.raises(CalendarMissing, match="2027"):
        calendar.add_working_days(on("2026-12-30"), 5)
    assert calendar.project(on("2026-12-30"), 5, "working_days").provisional


def test_the_plan_is_half_of_what_the_audit_left(told: Told) -> None:
    facts, approved, paid = told.row(told.fixture_case, "facts, approved_fen, paid_fen")

    assert facts["applied_fen"] == 120_000_000
    assert facts["audited_fen"] == 100_000_000
    assert facts["planned_fen"] == facts["publicised_fen"] == 100_000_000
    assert approved == paid == 100_000_000


def test_the_case_is_paid_in_the_working_days_that_follow(told: Told) -> None:
    state, ended_at = told.row(told.fixture_case, "state, ended_at")

    assert state == "disbursed"
    assert told.happened(told.fixture_case, "approve") == fixture.at("2026-12-28 10:00")
    assert ended_at.astimezone(SHANGHAI) == fixture.at("2027-01-05 10:00")


def test_the_corrected_documents_replace_the_first_ones(told: Told) -> None:
    with told.house.database.connect() as connection:
        rows = connection.execute(
            "SELECT kind, count(*) FROM document WHERE case_id = %s AND replaced GROUP BY kind"
            " ORDER BY kind",
            (told.fixture_case,),
        ).fetchall()

    assert rows == [("invoices", 1), ("usage_log", 1)]


def test_an_objection_holds_its_case_back_while_the_others_go_on(told: Told) -> None:
    held, other = told.played.disputed, told.beside

    assert told.happened(held, "object") == fixture.at("2026-12-24 10:00")
    assert told.happened(other, "close_publicity") == fixture.at("2026-12-26 00:05")
    assert told.happened(held, "close_publicity") == fixture.at("2027-01-05 10:00")


def test_the_disputed_case_goes_on_when_the_objection_is_dismissed(told: Told) -> None:
    with told.house.database.connect() as connection:
        states = path(connection, told.played.disputed)

    assert states[states.index("publicity") :][:4] == [
        "publicity",
        "objection",
        "publicity",
        "awaiting_approval",
    ]
    assert states[-1] == "disbursed"


def test_the_three_cases_were_in_one_publicity(told: Told) -> None:
    cases = (told.fixture_case, told.beside, told.played.disputed)

    assert len({told.row(case, "publicity_id") for case in cases}) == 1


def test_the_house_pauses_with_open_calls_for_every_measure(told: Told) -> None:
    with told.house.database.session() as session:
        measures = {measure.code for measure in catalogue.measures(session)}
        wanted = CallFilter(status="open", open_on=on("2027-01-29"))
        open_now = {measure for _, measure in call_list(session, true(), wanted, limit=500)}

    assert told.house.clock.now() == PAUSES_AT
    assert open_now == measures
    assert len(measures) == 25
