"""What was approved is carried on by workers: one is killed in the middle, each case moves once."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from caseflow.batches.case_migrations.queries import migration_line
from caseflow.batches.case_migrations.running import run, run_due
from caseflow.batches.case_migrations.service import Proposal, approve, propose
from caseflow.cases.assembly import assemble
from caseflow.clock import VirtualClock
from caseflow.database.ids import PublicIds
from caseflow.kernel.errors import Conflict
from tests.conftest import EVERYTHING, _copy, settings_of_templates
from tests.factories.in_flight import Works, data_folder, in_flight_template
from tests.integration.conftest import house_on, shanghai

pytestmark = pytest.mark.soak

AT = shanghai(10, 14)
NUMBER = 20
BESIDE = 2
PATIENCE = 60
LIMIT = re.compile(r"service_days: \{unit: working_days, default: \d\d")
DONE = "SELECT count(*) FROM case_migration_item WHERE status <> 'pending'"


@pytest.fixture(scope="module")
def works(server, empty_template, tmp_path_factory):
    """Twenty running cases, and a published version with another limit for them."""
    template, home = in_flight_template(server, empty_template), tmp_path_factory.mktemp("moving")
    root = data_folder(home / "data")
    with contextmanager(_copy)(server, template) as database:
        cases = assemble(database, settings_of_templates(str(home)), root,
                         ids=PublicIds(random.Random(8)))  # fmt: skip
        works = Works(house_on(cases), root)
        for _ in range(NUMBER):
            works.house.open(shanghai(10, 13))
        publish_limit(works, 40)
        VirtualClock(cases.connect).move_to(AT)
        yield works


def publish_limit(works: Works, days: int) -> None:
    """Publish a version with another limit."""
    stage = works.stage("universal")
    said = LIMIT.search(stage.read_text(encoding="utf-8"))[0]
    works.change(stage, {said: said[: -len("60")] + str(days)})
    works.publish(at=AT)


def proposed(works: Works) -> str:
    wanted = Proposal("QD26-7a", "流程优化", "会议纪要〔2026〕第3号", "启数〔2026〕9号")
    return propose(works.house.cases, works.actor("shujuju.handler", AT), wanted, AT)


def line_of(works: Works, migration: str) -> tuple[str, int, int]:
    """Return how a migration stands, how many it moved and how many wait."""
    with works.house.cases.database.session() as session:
        line = migration_line(session, works.actor("shujuju.handler", AT), migration)
    return line.status, line.moved, line.pending


def until(works: Works, condition) -> None:
    """Wait until `condition` holds of the number of cases that are settled."""
    deadline = time.monotonic() + PATIENCE
    while not condition(works.house.sql(DONE)[0][0]):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def worker(works: Works) -> subprocess.Popen:
    address, home = works.house.cases.database.address, works.root.parent
    environment = {
        **os.environ,
        "PYTHONPATH": str(EVERYTHING),
        "CASEFLOW_HOME": str(home / "home"),
        "CASEFLOW_MAC_KEY": "ab" * 32,
        "CASEFLOW_DATABASE_URL": address.url,
        "CASEFLOW_OWNER_DATABASE_URL": address.owner_url,
        "CASEFLOW_SMTP_PORT": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "caseflow", "worker", "--once", "--batch", "1"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.soak  # the kill in the middle of a sweep of timers is in test_worker
def test_what_is_only_proposed_is_moved_by_nobody_and_a_killed_worker_is_carried_on(works):
    house = works.house
    migration = proposed(works)
    before = run_due(house.cases, AT)
    approve(house.cases, works.actor("shujuju.leader", AT), migration, AT)

    killed, moved_here = worker(works), 0
    try:
        until(works, lambda done: done > 0)
        while moved_here < BESIDE:  # this process is the other worker
            moved_here += run_due(house.cases, AT, limit=1).moved
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    finally:
        killed.kill()
    left = NUMBER - house.sql(DONE)[0][0]
    until(works, lambda _: run_due(house.cases, AT).left == 0)

    assert (before.moved, before.left) == (0, 0)
    assert left > 0
    moved = house.sql("SELECT stream, count(*) FROM event WHERE name = 'case_migrated' GROUP BY 1")
    assert [count for _, count in moved] == [1] * NUMBER
    over = house.sql(
        "SELECT count(*), count(DISTINCT e.actor_id = m.approved_by) FROM event e"
        " JOIN case_migration m ON m.id = e.stream WHERE e.name = 'migration_finished'"
    )
    assert over == [(1, 1)]
    assert line_of(works, migration) == ("finished", NUMBER, 0)
    with pytest.raises(Conflict, match="现为 finished"):
        run(house.cases, works.actor("shujuju.handler", AT), migration, AT)


def test_a_worker_settles_a_set_of_each_migration_and_finishes_it_only_when_nothing_waits(works):
    house = works.house
    publish_limit(works, 50)
    migration = proposed(works)
    before = run_due(house.cases, AT)
    approve(house.cases, works.actor("shujuju.leader", AT), migration, AT)

    first = run_due(house.cases, AT, limit=NUMBER - 1)
    second = run_due(house.cases, AT, limit=NUMBER)

    assert (before.moved, before.left) == (0, 0)
    assert (first.moved, first.left) == (NUMBER - 1, 1)
    assert (second.moved, second.left) == (1, 0)
    who = "SELECT DISTINCT p.login, e.seat FROM event e JOIN person p ON p.id = e.actor_id"
    assert house.sql(f"{who} WHERE e.name = 'case_migrated'") == [("shujuju.leader", "system")]
    assert line_of(works, migration) == ("finished", NUMBER, 0)
    with pytest.raises(Conflict, match="现为 finished"):
        run(house.cases, works.actor("shujuju.handler", AT), migration, AT)


def test_what_another_worker_holds_is_left_to_it(works):
    cases = works.house.cases
    publish_limit(works, 45)
    approve(cases, works.actor("shujuju.leader", AT), proposed(works), AT)
    with cases.connect() as other, other.transaction():
        other.execute(
            "SELECT FROM case_migration_item WHERE status = 'pending'"
            " ORDER BY case_id LIMIT 1 FOR UPDATE"
        )
        beside = run_due(cases, AT)
    after = run_due(cases, AT)

    assert (beside.moved, beside.left) == (NUMBER - 1, 1)
    assert (after.moved, after.left) == (1, 0)
