"""`caseflow indicators` on the database of a house: listed, reported, confirmed, told."""

import pytest

from caseflow.cli import main
from caseflow.clock import VirtualClock
from tests.conftest import EVERYTHING, _copy
from tests.factories.commands import Result
from tests.integration.reporting import LEAD, POLICY, SECOND, day, office_on

PDF = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n"


@pytest.fixture
def run(server, drafts_template, tmp_path, monkeypatch, capsys):
    """Run a command on the house's database, on its virtual clock."""
    for database in _copy(server, drafts_template):
        office = office_on(database, tmp_path / "home")
        VirtualClock(office.cases.connect).move_to(day("2026-07-10"))
        office.sweep("2026-07-01")
        monkeypatch.setenv("CASEFLOW_DATA", str(EVERYTHING))
        monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
        monkeypatch.setenv("CASEFLOW_DATABASE_URL", database.address.url)
        monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", database.address.owner_url)

        def run(*arguments: str) -> Result:
            code = main(("indicators", *arguments))
            printed = capsys.readouterr()
            return Result(code, printed.out, printed.err)

        yield run


def test_an_indicator_is_listed_due_reported_confirmed_and_told(run, tmp_path):
    proof = tmp_path / "统计表.pdf"
    proof.write_bytes(PDF)
    listed = run("list", POLICY, "--json").json
    due = run("due", "--as", LEAD, "--limit", "1")
    rest = run("due", "--as", LEAD, "--after", f"{POLICY}/compute/2026Q2/nt_kejiju", "--json").json
    asked = ("report", POLICY, "compute", "320.5", "--period", "2026Q2", "--evidence", str(proof))
    refused = run(*asked, "--as", "nt_caizhengju.handler")
    made = run(*asked, "--as", LEAD, "--json").json
    confirmed = run("confirm", made["public_id"], "--as", SECOND)
    progress = run("progress", POLICY, "--json").json
    shown = run("show", POLICY, "compute", "--as", LEAD)

    assert [each["target"] for each in listed] == [500, 10, 20, 100, 100, 2]
    assert ("compute" in due.out, "待报送" in due.out, "datasets" in due.out) == (True, True, False)
    assert [each["indicator"] for each in rest][:2] == ["datasets", "models"]
    assert (refused.code, "不在该席位" in refused.err) == (1, True)
    assert (made["status"], made["evidence"][0]["name"]) == ("reported", "统计表.pdf")
    assert (confirmed.code, "统计表.pdf" in confirmed.out) == (0, True)
    assert [each["value"] for each in progress["items"]] == ["320.5", None, None, None, None, None]
    assert "2026年第2季度" in shown.out
    assert "64.1" in run("progress", POLICY).out
