"""The commands of bulk acts, on a founded house; a run that is killed goes on where it was."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest
from openpyxl import load_workbook

from caseflow.cli import main
from caseflow.clock import VirtualClock
from tests.factories.commands import Result
from tests.integration.conftest import House, shanghai

TOWN = ("--as", "huilong_zhen.handler")
PATIENCE = 60


@pytest.fixture
def run(house: House, tmp_path, monkeypatch, capsys):
    """Run commands on the house's database at one virtual instant."""
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    VirtualClock(house.cases.connect).move_to(shanghai(11, 9))

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_an_act_is_looked_at_done_followed_and_exported(run, house: House, tmp_path):
    cases = [house.submitted() for _ in range(3)]
    house.act(cases[0], "accept", TOWN[1], shanghai(11, 9))

    looked = run("bulk", "precheck", "accept", *cases, "--limit", "2", *TOWN)
    done = run("bulk", "start", "accept", *cases, *TOWN, "--json").json
    number = done["public_id"]
    refused = run("bulk", "items", number, "--status", "refused", *TOWN, "--json").json
    listed = run("bulk", "list", "--limit", "1", *TOWN)
    shown = run("bulk", "show", number, *TOWN)
    run("bulk", "export", number, "-o", str(tmp_path / "results.xlsx"), *TOWN)
    sheet = load_workbook(io.BytesIO((tmp_path / "results.xlsx").read_bytes())).active

    assert "3 件，可办 2 件" in looked.out
    assert "--after 2" in looked.err
    assert (done["status"], done["done"], done["refused"]) == ("done", 2, 1)
    assert [each["case"] for each in refused] == [cases[0]]
    assert number in listed.out
    assert "汇龙镇" in shown.out
    assert sheet is not None
    assert "未予办理" in {row[2] for row in sheet.iter_rows(values_only=True)}


@pytest.mark.soak
def test_what_is_put_down_for_later_is_cancelled_and_taken_up(run, house: House, tmp_path):
    cases = [house.submitted() for _ in range(2)]
    for case in cases:
        house.act(case, "accept", TOWN[1], shanghai(11, 9))
    values = tmp_path / "values.csv"
    values.write_text("办件编号,属地核定金额\n" + "\n".join(f"{each},9.5" for each in cases) + "\n")
    said = ("note=属实。", "cut_code=evidence", "reason=凭证不足。")
    asked = ("verify_claim", *(f"--set={each}" for each in said), "--values", str(values))

    later = run("bulk", "start", *asked, "--later", *TOWN, "--json").json
    given_up = run("bulk", "cancel", later["public_id"], *TOWN, "--json").json
    resumed = run("bulk", "resume", later["public_id"], *TOWN, "--json").json
    nothing = run("bulk", "resume", later["public_id"], *TOWN)

    assert (later["pending"], given_up["cancelled"], resumed["done"]) == (2, 2, 2)
    assert nothing.code == 1
    assert "没有尚未办理" in nothing.err
    fens = house.sql("SELECT DISTINCT fen FROM amount_step WHERE kind = 'verified'")
    assert fens == [(950,)]


@pytest.mark.soak
def test_a_killed_run_is_carried_on_by_a_worker_and_nothing_happens_twice(run, house: House):
    cases = [house.submitted() for _ in range(12)]
    command = [sys.executable, "-m", "caseflow", "bulk", "start", "accept", *cases]
    command += ["--batch", "1", *TOWN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE
    done = "SELECT count(*) FROM bulk_item WHERE status = 'done'"
    while house.sql(done)[0][0] == 0 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = house.sql(done)[0][0]

    swept = run("worker", "--once", "--json").json

    assert before >= 1
    assert swept.get("bulk_done", 0) == 12 - before
    assert house.sql("SELECT status FROM bulk_act") == [("done",)]
    assert house.sql("SELECT count(*) FROM event WHERE name = 'accept'") == [(12,)]
