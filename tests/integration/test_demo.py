"""The demo: what it prints, what it leaves, and what happened around the policy's last day."""

import io
import json
import os
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from rich.console import Console
from sqlalchemy import true

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.calls.queries import CallFilter, call_list
from caseflow.database import migration
from caseflow.database.access import Database, open_database
from caseflow.database.server import Server
from caseflow.history.queries import verify
from caseflow.kernel.calendar import local_date
from caseflow.notifications.channels import Letter
from caseflow.rehearsal.demo import Demo, house_address, run_demo
from caseflow.rehearsal.post_office import Mail, post_office
from caseflow.rehearsal.scratch import PREFIX, name_of
from caseflow.rehearsal.story import PAUSES_AT
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
