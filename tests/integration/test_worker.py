"""The worker: everything that is due happens once, whatever fails or dies on the way."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import structlog
from click.testing import CliRunner

from caseflow.batches.founding import plan_standing_calls
from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.opening import Opening, open_case
from caseflow.catalogue.places import data_root
from caseflow.clock import SystemClock, VirtualClock
from caseflow.database.ids import PublicIds
from caseflow.history.checkpoints.service import seal_of
from caseflow.identity.service import assign, register_applicant, register_person
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import Conflict, Unavailable
from caseflow.notifications.channels import SmtpChannel
from caseflow.worker import SECONDS, Work, guarded, run_worker, sweep_once, worker
from tests.conftest import EVERYTHING
from tests.factories.identity import uscc_number

pytestmark = pytest.mark.long

ROOT = data_root()
OPENED = datetime(2026, 6, 1, 9, tzinfo=SHANGHAI)
CLOSES = date(2026, 6, 30)
LAST_MOMENT = datetime(2026, 6, 30, 23, 59, tzinfo=SHANGHAI)
OVER = datetime(2026, 7, 1, 0, 0, tzinfo=SHANGHAI)
NO_MAIL = SmtpChannel("127.0.0.1", 1, "caseflow@localhost")
PATIENCE = 120


def drafts(database, settings, number):
    """Open so many cases that lapse at the end of CLOSES when nobody submits them."""
    ids, signer = PublicIds(random.Random(11)), signer_of(settings)
    VirtualClock(database.connect).move_to(OPENED)
    with database.session() as session:
        firm = register_applicant(
            session, kind="enterprise", name="启东甲智能科技有限公司", territory_code="huilong",
            ids=ids, uscc=uscc_number(7),
        )  # fmt: skip
        person = register_person(
            session, login="jia.applicant", name="甲", ids=ids, email="jia@example.test"
        )
        assign(session, person, firm, role="applicant", at=OPENED)
        calls = plan_standing_calls(
            session, ["QD26-7a"], opens_on=OPENED.date(), closes_on=CLOSES, at=OPENED,
            signer=signer, ids=ids,
        )  # fmt: skip
        opening = Opening(
            "QD26-7a", firm.public_id, "算力券申报", person.id, OPENED,
            call=calls["QD26-7a"].public_id,
        )  # fmt: skip
    cases = assemble(database, settings, ROOT, ids=ids)
    for _ in range(number):
        open_case(cases, opening)
    return cases


@pytest.fixture
def work(city, settings):
    return Work(drafts(city, settings, 3), city, NO_MAIL, seal_of(settings))


def rows(database, query):
    with database.connect() as connection:
        return connection.execute(query).fetchall()


def outcomes(database):
    return dict(rows(database, 'SELECT outcome, count(*) FROM "case" GROUP BY outcome'))


def test_what_is_due_happens_when_it_is_over_and_not_a_minute_before(work, city):
    clock = VirtualClock(city.connect)

    clock.move_to(LAST_MOMENT)
    sweep_once(work)
    before = outcomes(city)
    clock.move_to(OVER)
    sweep_once(work)

    assert before == {None: 3}
    assert outcomes(city) == {"lapsed": 3}


def test_a_second_sweep_of_the_same_instant_does_nothing(work, city):
    VirtualClock(city.connect).move_to(OVER)
    first = sweep_once(work)
    history = rows(city, "SELECT stream, seq FROM event ORDER BY 1, 2")

    again = sweep_once(work)

    assert first["timers_acted"] == 3
    assert again == {}
    assert rows(city, "SELECT stream, seq FROM event ORDER BY 1, 2") == history


def test_a_silent_mail_server_stops_nothing_else(work, city):
    VirtualClock(city.connect).move_to(OVER)

    with structlog.testing.capture_logs() as logs:
        sweep_once(work)

    waiting = rows(city, "SELECT DISTINCT status FROM delivery")
    assert outcomes(city) == {"lapsed": 3}
    assert waiting == [("pending",)]
    assert ("sweep_postponed", "deliveries") in {(each["event"], each["sweep"]) for each in logs}


@pytest.mark.parametrize(
    ("error", "event"),
    [(Unavailable("gone"), "sweep_postponed"), (Conflict("no"), "sweep_refused")],
)
def test_an_error_of_a_sweep_is_logged_and_survived(error, event):
    def sweep(_at):
        raise error

    with structlog.testing.capture_logs() as logs:
        counts = guarded("timers", sweep, OVER)

    assert counts == {}
    assert [(each["event"], each["problem"]) for each in logs] == [(event, error.message)]


def test_every_kind_of_work_has_its_rhythm(work):
    assert set(work.sweeps()) == set(SECONDS)


def test_a_beat_is_noted_by_the_machines_clock(work, city):
    work.heartbeat(OVER)
    work.heartbeat(OVER)

    [(at, beats)] = rows(city, "SELECT last_at, acted FROM sweep WHERE name = 'worker'")
    assert beats == 2
    assert abs(SystemClock().now() - at) < timedelta(minutes=1)


def served(settings, database):
    return replace(
        settings, database_url=database.address.url, owner_url=database.address.owner_url
    )


def until(condition, *, alive=()):
    """Wait until `condition` holds; fail after PATIENCE seconds, or when a process has died."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        for process in alive:
            assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_running_worker_acts_when_the_time_comes_and_stops_when_told(work, city, settings):
    stop, done = threading.Event(), []

    def run():
        done.append(run_worker(served(settings, city), tick_seconds=0.1, stop=stop))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: rows(city, "SELECT 1 FROM sweep WHERE name = 'worker'"))
        VirtualClock(city.connect).move_to(OVER)
        until(lambda: outcomes(city) == {"lapsed": 3})
    finally:
        stop.set()
        thread.join(PATIENCE)

    assert not thread.is_alive()
    assert done[0]["timers_acted"] == 3


def test_a_worker_without_a_database_says_so_at_once(settings):
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"

    with pytest.raises(Unavailable):
        run_worker(replace(settings, database_url=nowhere, owner_url=nowhere), once=True)


def start(city, tmp_path, name, *options):
    """Start a worker process that PostgreSQL knows by `name`."""
    environment = {
        **os.environ,
        "PGAPPNAME": name,
        "PYTHONPATH": str(EVERYTHING),
        "CASEFLOW_HOME": str(tmp_path / "home"),
        "CASEFLOW_MAC_KEY": "ab" * 32,
        "CASEFLOW_DATABASE_URL": city.address.url,
        "CASEFLOW_OWNER_DATABASE_URL": city.address.owner_url,
        "CASEFLOW_SMTP_PORT": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "caseflow", "worker", "--json", *options],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_workers_and_a_kill_in_the_middle_of_a_sweep_act_on_every_timer_once(
    city, settings, tmp_path
):
    number = 60
    cases = drafts(city, settings, number)
    here = Work(cases, city, NO_MAIL, seal_of(settings), batch=2)
    VirtualClock(city.connect).move_to(OVER)
    fired = "SELECT 1 FROM timer WHERE fired_at IS NOT NULL"
    waiting = "SELECT count(*) FROM timer WHERE fired_at IS NULL"
    in_sweep = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE application_name = 'killed' AND xact_start IS NOT NULL"
        " AND (SELECT count(*) FROM timer WHERE fired_at IS NOT NULL) > 10"
    )

    killed, counts = start(city, tmp_path, "killed", "--once", "--batch", "2"), []
    other = threading.Thread(target=lambda: counts.append(sweep_once(here)))
    try:
        until(lambda: rows(city, fired), alive=[killed])
        other.start()  # this process is the other worker
        until(lambda: rows(city, in_sweep), alive=[killed])
        killed.send_signal(signal.SIGKILL)
        left = rows(city, f"{waiting} AND due_at <= '{OVER.isoformat()}'")[0][0]
        killed.communicate()
        other.join(PATIENCE)
    finally:
        killed.kill()
    counts.append(sweep_once(here))

    assert killed.returncode == -signal.SIGKILL
    assert left > 0
    assert not other.is_alive()
    assert len(counts) == 2
    assert all("timers_refused" not in each for each in counts)
    assert rows(city, f"{waiting} AND due_at <= '{OVER.isoformat()}'") == [(0,)]
    assert_acted_once(city, number)


def assert_acted_once(city, number):
    """Every draft has lapsed by one event, and nobody was told twice."""
    assert outcomes(city) == {"lapsed": number}
    acted = "SELECT stream, count(*) FROM event WHERE name = 'abandon_draft' GROUP BY stream"
    assert {count for _, count in rows(city, acted)} == {1}
    assert len(rows(city, acted)) == number
    twice = (
        "SELECT 1 FROM notification GROUP BY case_id, rule, due_on, person_id HAVING count(*) > 1"
    )
    assert rows(city, twice) == []


@pytest.fixture
def own_logging():
    """Give signals and logging back as they were."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.getsignal(number) for number in numbers]
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def commanded(city, settings, monkeypatch, own_logging):
    """A draft that is due, and surroundings in which the command finds its database."""
    drafts(city, settings, 1)
    VirtualClock(city.connect).move_to(OVER)
    monkeypatch.setenv("CASEFLOW_HOME", str(settings.home))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", city.address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", city.address.owner_url)
    monkeypatch.setenv("CASEFLOW_SMTP_PORT", "1")
    return city


def test_a_worker_told_to_end_finishes_and_says_what_it_did(commanded):
    def tell():
        try:
            until(lambda: outcomes(commanded) == {"lapsed": 1})
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    teller = threading.Thread(target=tell)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # until the command listens to it
    teller.start()
    ended = CliRunner().invoke(worker, ["--json", "--tick", "0.1"])
    teller.join(PATIENCE)

    events = [json.loads(line)["event"] for line in ended.stderr.splitlines()]
    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout)["timers_acted"] == 1
    assert (events[0], events[-1]) == ("worker_started", "worker_stopped")


@pytest.mark.usefixtures("commanded")
def test_the_command_logs_in_json_and_tells_in_words():
    acted = CliRunner().invoke(worker, ["--once"])
    again = CliRunner().invoke(worker, ["--once"])

    assert (acted.exit_code, again.exit_code) == (0, 0)
    assert "timers acted: 1" in acted.stdout
    assert {json.loads(line)["event"] for line in acted.stderr.splitlines()} == {"sweep_postponed"}
    assert again.stdout == "Nothing was due.\n"
