"""The commands of tasks and of standing in, on a founded house."""

import pytest

from caseflow.cli import main
from caseflow.clock import VirtualClock
from tests.factories.commands import Result
from tests.integration.conftest import House, shanghai


@pytest.fixture
def run(house: House, tmp_path, monkeypatch, capsys):
    """Run commands on the house's database at one virtual instant."""
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    VirtualClock(house.cases.connect).move_to(shanghai(11, 6, 17))

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


TOWN = "huilong_zhen.handler"


def test_a_task_is_listed_claimed_and_given_back(run, house: House):
    case = house.submitted()

    (task,) = run("tasks", "list", "--as", TOWN, "--json").json
    number = str(task["id"])
    claimed = run("tasks", "claim", number, "--as", TOWN, "--json").json
    listed = run("tasks", "list", "--view", "claimed", "--as", TOWN)
    shown = run("cases", "show", case, "--as", TOWN)
    released = run("tasks", "release", number, "--as", TOWN)
    stranger = run("tasks", "claim", number, "--as", "shujuju.handler")

    assert (task["case"], task["is_overdue"]) == (case, False)
    assert claimed["events"] == ["claim_task"]
    assert number in listed.out
    assert "属地经办" in shown.out
    assert (released.code, stranger.code) == (0, 1)


def test_who_stands_in_is_named_listed_and_revoked(run):
    period = ("--from-on", "2026-11-01", "--to-on", "2026-11-30", "--reason", "休假")

    added = run(
        "delegations", "add", "shujuju.handler", *period, "--measure", "QD26-7a",
        "--role", "district_handler", "--as", TOWN, "--json",
    ).json  # fmt: skip
    run("delegations", "add", "kejiju.handler", *period, "--as", "huilong_zhen.head")
    page = run("delegations", "list", "--limit", "1", "--as", TOWN)
    revoked = run("delegations", "revoke", added["id"], "--as", TOWN)
    again = run("delegations", "revoke", added["id"], "--as", TOWN)

    assert (added["roles"], added["measures"]) == (["district_handler"], ["QD26-7a"])
    assert added["id"] in page.out
    assert (revoked.code, again.code) == (0, 1)
