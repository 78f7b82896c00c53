"""The benchmarks run, compare like with like, and print what the issue asks for."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from caseflow.bench import act, publicity, timers
from caseflow.bench.act import same_rows
from caseflow.database.server import Server
from caseflow.kernel.errors import Conflict
from caseflow.settings import Settings
from tests.integration.conftest import House, shanghai

pytestmark = pytest.mark.long

KEYS = {
    "clients", "per_second", "pgbench_per_second", "ratio", "p99_ms", "client_us", "server_us",
}  # fmt: skip


@pytest.fixture
def embedded(settings: Settings, server: Server) -> Settings:
    """Settings under which the tests' own server is the embedded one."""
    return replace(settings, home=Path(server.socket_folder).parent)


@pytest.mark.soak
@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_a_short_run_of_act_compares_act_with_pgbench(embedded, count):
    result = act.run(embedded, clients=(count,), seconds=1, rounds=1, cases=5)

    assert set(result) == {"clients"}
    assert [row["clients"] for row in result["clients"]] == [count]
    for row in result["clients"]:
        assert set(row) == KEYS
        assert all(value > 0 for value in row.values())
        assert row["ratio"] == pytest.approx(
            row["per_second"] / row["pgbench_per_second"], rel=0.01
        )
    assert not multiprocessing.active_children()


def test_a_short_run_of_timers_acts_on_exactly_what_is_due(embedded):
    result = timers.run(embedded, open_timers=300, due_share=0.05, batch=10)

    assert result["due"] == 15
    assert result["batches"] == 2
    assert 300 <= result["open"] < 300 + 20
    assert result["per_second"] > 0


@pytest.mark.soak
def test_a_short_run_of_a_publicity_moves_every_case_with_an_event_each(embedded):
    result = publicity.run(embedded, cases=12)

    assert result["cases"] == 12
    assert result["events"] == 12
    assert result["plain_seconds"] > 0
    assert result["ratio"] > 0
    assert all(result[name] >= 0 for name in ("seconds", "client_seconds", "server_seconds"))


def test_two_cases_with_different_rows_are_not_taken_for_the_same(house: House, cases):
    quiet, moved = house.submitted(), house.submitted()
    house.act(moved, "accept", "huilong_zhen.handler", shanghai(11, 9))
    numbers = dict(house.sql('SELECT public_id, id FROM "case"'))

    with pytest.raises(Conflict, match="event"):
        same_rows(cases.database, numbers[quiet], numbers[moved])
