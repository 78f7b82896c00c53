"""The demo: what it prints, what it leaves, its fixture, and what happened around the last day."""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
import pytest
from rich.console import Console
from sqlalchemy import true

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.calls.queries import CallFilter, call_list
from caseflow.database import migration
from caseflow.database.access import Database, open_database
from caseflow.database.server import Server
from caseflow.deadlines.queries import load_calendar
from caseflow.history.queries import history, verify
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.kernel.errors import CalendarMissing
from caseflow.notifications.channels import Letter
from caseflow.rehearsal import fixture
from caseflow.rehearsal.demo import Demo, house_address, run_demo
from caseflow.rehearsal.fixture import Moment
from caseflow.rehearsal.post_office import Mail, post_office
from caseflow.rehearsal.queries import path
from caseflow.rehearsal.scratch import PREFIX, name_of
from caseflow.rehearsal.story import PAUSES_AT, Played
from caseflow.rehearsal.telling import show
from caseflow.settings import Settings
from tests.conftest import ROOT
from tests.factories.rehearsal import KEY, settings_on

pytestmark = pytest.mark.long

NAME = "demo_house"
FAMILIES = {
    "investment", "research", "titles", "platforms", "scenarios",
    "vouchers", "events", "talent", "interest", "funds",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings_of_demo(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_on(server, tmp_path_factory.mktemp("demo"), database=NAME)


@pytest.fixture(scope="module")
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(scope="module")
def demo(
    server: Server, empty_template: str, settings_of_demo: Settings, printed: io.StringIO
) -> Iterator[Demo]:
    """The demo in an empty database, with one measure rehearsed; played once for all tests here."""
    migration.create_database(server.url(NAME), template=empty_template)
    console = Console(file=printed, width=200)
    yield run_demo(settings_of_demo, as_json=True, console=console, measures=["QD26-10b"])
    migration.drop_database(server.url(NAME))


@pytest.fixture(scope="module")
def house(demo: Demo) -> Iterator[Database]:
    """The database that the demo leaves to be served."""
    database = open_database(demo.address)
    yield database
    database.close()


def test_it_prints_one_json_object(demo: Demo, printed: io.StringIO) -> None:
    lines = printed.getvalue().strip().splitlines()

    assert len(lines) == 1
    assert json.loads(lines[0]) == demo.result


def test_the_object_has_the_promised_shape(demo: Demo) -> None:
    result = demo.result

    assert list(result) == ["cases", "refused", "expired", "reminders", "rehearsed"]
    assert all(list(case) == ["measure", "family", "final", "path"] for case in result["cases"])
    assert all(list(refusal) == ["why"] for refusal in result["refused"])
    assert result["rehearsed"] == 1


def test_a_case_of_every_family_reaches_its_end(demo: Demo) -> None:
    intended = [c for c in demo.result["cases"] if c["final"] in {"disbursed", "exited"}]

    assert {case["family"] for case in intended} == FAMILIES
    assert all(case["path"][-1] == case["final"] for case in demo.result["cases"])


def test_the_policy_expires_on_its_last_day(demo: Demo) -> None:
    assert demo.result["expired"] == [{"policy": "qidong-2026", "on": "2028-05-13"}]


def test_what_comes_after_the_last_day_is_refused(demo: Demo) -> None:
    reasons = [refusal["why"] for refusal in demo.result["refused"]]

    assert len(reasons) == 2
    assert all(reason.startswith("2028-05-14：") for reason in reasons)
    assert "政策不在有效期内" in reasons[0]


def test_what_comes_on_the_day_before_and_on_the_last_day_is_paid(demo: Demo) -> None:
    last = [case for case in demo.result["cases"] if case["measure"] == "QD26-5c"][-3:]

    assert [case["final"] for case in last] == ["disbursed", "disbursed", "lapsed"]


def test_the_objection_shows_in_one_case_alone(demo: Demo) -> None:
    disputed = [case for case in demo.result["cases"] if "objection" in case["path"]]

    assert [case["measure"] for case in disputed] == ["QD26-7a"]
    assert disputed[0]["final"] == "disbursed"


def test_applicants_are_reminded(demo: Demo) -> None:
    assert demo.result["reminders"] >= 10


def test_the_house_waits_at_the_pause_with_its_cases(demo: Demo, house: Database) -> None:
    with house.connect() as connection:
        clock = connection.execute("SELECT at FROM virtual_clock").fetchone()
        cases = connection.execute('SELECT count(*) FROM "case" WHERE parent_id IS NULL').fetchone()

    assert clock is not None
    assert clock[0] == PAUSES_AT
    assert cases == (len(demo.result["cases"]) - 3,)
    assert demo.database == NAME


def test_the_house_takes_new_cases_of_every_measure(house: Database) -> None:
    with house.session() as session:
        codes = {each.code for each in catalogue.measures(session)}
        wanted = CallFilter(status="open", open_on=local_date(PAUSES_AT))
        waiting = {measure for _, measure in call_list(session, true(), wanted, limit=500)}

    assert waiting == codes
    assert len(codes) == 25


def test_the_history_of_the_house_is_whole(house: Database) -> None:
    with house.connect() as connection:
        faults = list(verify(connection, KEY))

    assert faults == []


def test_letters_to_applicants_were_delivered(house: Database) -> None:
    with house.connect() as connection:
        rows = dict(
            connection.execute("SELECT status, count(*) FROM delivery GROUP BY status").fetchall()
        )

    assert rows.keys() == {"sent"}
    assert rows["sent"] >= 50


def test_no_copy_is_left(server: Server, demo: Demo) -> None:
    assert demo.result
    with psycopg.connect(server.url("postgres").replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            (f"{PREFIX}{os.getpid()}_",),
        ).fetchall()

    assert rows == []


def test_warnings_go_out_90_60_30_and_7_days_ahead(demo: Demo) -> None:
    days = [day for day, people in demo.told.years.warned if people]

    assert days == [date(2028, 2, 13), date(2028, 3, 14), date(2028, 4, 13), date(2028, 5, 6)]


def test_the_policy_is_swept_away_five_minutes_after_its_last_day(demo: Demo) -> None:
    assert [(day, how) for day, _, how in demo.told.years.ended] == [(date(2028, 5, 14), "expired")]


def test_a_parent_is_told_with_the_money_of_its_children(demo: Demo) -> None:
    paid = {tale.case.family: tale.case.paid_fen for tale in demo.told.cases}

    assert paid["platforms"] == 3 * paid["titles"]
    assert paid["interest"] == 3 * paid["titles"]


def test_tables_tell_it_in_chinese(demo: Demo) -> None:
    page = io.StringIO()

    show(demo.told, Console(file=page, width=400))

    text = page.getvalue()
    assert "2027-01-14（暂定）" in text
    assert "公示→异议处理→公示" in text
    assert "第三方专项审计" in text
    assert f"送达邮件 {demo.told.letters} 封" in text


def test_a_mail_server_takes_letters_until_it_is_closed() -> None:
    with post_office("caseflow@localhost") as office, office.channel.open() as mailing:
        mailing.send(
            Letter(
                to="a@applicant.example",
                title="受理通知",
                text="已受理。",
                message_id="<1@localhost>",
                written_at=PAUSES_AT,
            )
        )

    assert office.box.letters == [Mail(to="a@applicant.example", title="受理通知")]


@pytest.mark.soak
def test_a_second_demo_leaves_the_first_house_alone(
    demo: Demo, settings_of_demo: Settings, house: Database
) -> None:
    address = house_address(settings_of_demo, ROOT)

    assert name_of(address) == "caseflow_demo"
    assert migration.database_exists(address.owner_url)
    with house.connect() as connection:
        row = connection.execute('SELECT count(*) FROM "case"').fetchone()
    assert row is not None
    assert row[0] >= len(demo.result["cases"]) - 3
    migration.drop_database(address.owner_url)


def test_commits_of_the_house_wait_for_the_disk_again(house: Database) -> None:
    with house.connect() as connection:
        row = connection.execute("SHOW synchronous_commit").fetchone()

    assert row == ("on",)


# --- one case end to end, to the day: the fixture of the domain handbook, §6.6


@dataclass(frozen=True)
class Fixture:
    """The house at the story's pause, and what was seen on the way."""

    database: Database
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
        with self.database.connect() as connection:
            rows = history(connection, case_id)
        found = [row.at for row in rows if row.name == event]
        assert len(found) == 1
        return found[0].astimezone(SHANGHAI)

    def row(self, case_id: int, columns: str) -> tuple[Any, ...]:
        with self.database.connect() as connection:
            found = connection.execute(
                f'SELECT {columns} FROM "case" WHERE id = %s',
                (case_id,),
            ).fetchone()
        assert found is not None
        return tuple(found)


@pytest.fixture(scope="module")
def told(demo: Demo, house: Database) -> Fixture:
    """The fixture as the demo has played it."""
    return Fixture(house, demo.told.played)


def on(text: str) -> date:
    return date.fromisoformat(text)


def test_the_call_opens_on_its_first_day_and_names_the_eligible_use(told: Fixture) -> None:
    with told.database.session() as session:
        ((call, _),) = call_list(session, true(), CallFilter(measure="QD26-7a", status="closed"))
        window = (call.opens_on, call.closes_on)
        eligible = (call.eligible_from, call.eligible_to)
        status = call.status

    assert window == (on("2026-10-12"), on("2026-11-06"))
    assert eligible == (on("2026-05-14"), on("2026-10-31"))
    assert status == "closed"


def test_the_firm_is_the_handbooks(told: Fixture) -> None:
    with told.database.connect() as connection:
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
    told: Fixture, event: str, status: str, used: int, left: int, due_on: str
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
def test_an_act_happens_to_the_minute(told: Fixture, event: str, instant: str) -> None:
    assert told.happened(told.fixture_case, event) == fixture.at(instant)


def test_only_what_reaches_into_the_unannounced_year_is_provisional(told: Fixture) -> None:
    assert told.moment("report_audit").provisional
    assert not told.moment("send_to_audit").provisional
    assert not told.moment("publicise").provisional


def test_the_audit_stops_the_bureaus_clock_but_the_correction_the_acceptance(told: Fixture) -> None:
    assert told.moment("send_to_audit").state == "third_party_audit"
    assert told.moment("send_to_audit").clock == "部门审核时限"
    assert told.moment("request_correction").clock == "受理时限"


def test_the_publicity_runs_to_the_end_of_friday(told: Fixture) -> None:
    assert told.played.publicity_ends_on == on("2026-12-25")
    assert told.moment("publicise").due_on == on("2026-12-25")
    assert told.played.publicity_ends_on.isoweekday() == 5


def test_a_publicity_begun_later_would_need_the_next_years_notice(told: Fixture) -> None:
    with told.database.connect() as connection:
        calendar = load_calendar(connection)

    with pytest.raises(CalendarMissing, match="2027"):
        calendar.add_working_days(on("2026-12-30"), 5)
    assert calendar.project(on("2026-12-30"), 5, "working_days").provisional


def test_the_plan_is_half_of_what_the_audit_left(told: Fixture) -> None:
    facts, approved, paid = told.row(told.fixture_case, "facts, approved_fen, paid_fen")

    assert facts["applied_fen"] == 120_000_000
    assert facts["audited_fen"] == 100_000_000
    assert facts["planned_fen"] == facts["publicised_fen"] == 100_000_000
    assert approved == paid == 100_000_000


def test_the_case_is_paid_in_the_working_days_that_follow(told: Fixture) -> None:
    state, ended_at = told.row(told.fixture_case, "state, ended_at")

    assert state == "disbursed"
    assert told.happened(told.fixture_case, "approve") == fixture.at("2026-12-28 10:00")
    assert ended_at.astimezone(SHANGHAI) == fixture.at("2027-01-05 10:00")


def test_the_corrected_documents_replace_the_first_ones(told: Fixture) -> None:
    with told.database.connect() as connection:
        rows = connection.execute(
            "SELECT kind, count(*) FROM document WHERE case_id = %s AND replaced GROUP BY kind"
            " ORDER BY kind",
            (told.fixture_case,),
        ).fetchall()

    assert rows == [("invoices", 1), ("usage_log", 1)]


def test_an_objection_holds_its_case_back_while_the_others_go_on(told: Fixture) -> None:
    held, other = told.played.disputed, told.beside

    assert told.happened(held, "object") == fixture.at("2026-12-24 10:00")
    assert told.happened(other, "close_publicity") == fixture.at("2026-12-26 00:05")
    assert told.happened(held, "close_publicity") == fixture.at("2027-01-05 10:00")


def test_the_disputed_case_goes_on_when_the_objection_is_dismissed(told: Fixture) -> None:
    with told.database.connect() as connection:
        states = path(connection, told.played.disputed)

    assert states[states.index("publicity") :][:4] == [
        "publicity",
        "objection",
        "publicity",
        "awaiting_approval",
    ]
    assert states[-1] == "disbursed"


def test_the_three_cases_were_in_one_publicity(told: Fixture) -> None:
    cases = (told.fixture_case, told.beside, told.played.disputed)

    assert len({told.row(case, "publicity_id") for case in cases}) == 1
