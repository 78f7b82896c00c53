"""`caseflow recoveries` on a real database: open, list, show, export, bars, lift-bar."""

import pytest

from caseflow.cli import main
from caseflow.clock import VirtualClock
from tests.factories.commands import Result
from tests.factories.sheets import opened
from tests.integration.claiming import FEN, STOCKED, Claims

HEAD = ("--as", "shujuju.division_head")
AUDITOR = ("--as", "shenjiju.auditor")
LEADER = ("--as", "shujuju.leader")
LEAD = ("--ground", "misuse", "--evidence", "审计抽查")


@pytest.fixture
def claims(standing_claims: Claims) -> Claims:
    """The module's stock at the tests' time."""
    standing_claims.town.now = STOCKED
    return standing_claims


@pytest.fixture
def run(claims: Claims, tmp_path, monkeypatch, capsys):
    """Run commands in the house whose cases were paid."""
    address = claims.town.house.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    VirtualClock(claims.town.house.database.connect).move_to(STOCKED)

    def run(*arguments: str) -> Result:
        code = main(["recoveries", *arguments])
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_one_is_opened_by_the_cases_number_and_shown_by_its_own(run, claims: Claims):
    number = claims.town.value("SELECT number FROM \"case\" WHERE title = 'paid'")

    opened = run("open", number, *LEAD, *HEAD, "--json")
    shown = run("show", f"{number}/R1", *HEAD, "--json")

    assert (opened.code, opened.json["number"]) == (0, f"{number}/R1")
    assert shown.json["line"]["state_title"] == "追缴线索"
    assert shown.json["evidence"] == "审计抽查"


def test_another_than_the_head_is_refused(run, claims: Claims):
    refused = run("open", claims.of("paid"), *LEAD, *LEADER)

    assert refused.code == 1
    assert "处室负责人" in refused.err


@pytest.mark.soak
def test_the_ledger_is_listed_in_pages(run):
    whole = run("list", *AUDITOR, "--json")
    first = run("list", "--limit", "2", *AUDITOR, "--json")
    rest = run("list", "--after", first.json[-1]["public_id"], *AUDITOR, "--json")

    assert (len(first.json), len(rest.json) >= 1) == (2, True)
    assert first.json + rest.json == whole.json
    assert f"--after {first.json[-1]['public_id']}" in first.err
    table = run("list", *AUDITOR)
    for words in ("追缴台账", "待缴款", "100.01 元", "2026-10-15"):
        assert words in table.out


def test_a_recovery_is_shown_with_its_receipts(run, claims: Claims):
    recovery = claims.of("due by both")
    claims.receive(recovery, 3, "SK-0001")

    shown = run("show", recovery, *AUDITOR)

    for words in ("SK-0001", "0.03 元", "0.01 元", "0.02 元", "99.98 元"):
        assert words in shown.out


def test_an_offset_that_the_decision_does_not_allow_is_refused(run, claims: Claims):
    said = ("--fen", "1", "--voucher-no", "DK-1", "--as", "caizhengju.treasury")

    refused = run("offset", claims.of("due"), "--from", claims.of("paid by both"), *said)

    assert refused.code == 1
    assert "没有写明可以抵扣" in refused.err


def test_the_ledger_is_written_as_a_workbook(run, claims: Claims, tmp_path):
    path = tmp_path / "追缴台账.xlsx"
    known = claims.town.value(
        "SELECT count(*) FROM \"case\" WHERE child_kind = 'recovery' AND outcome IS NULL"
    )

    written = run("export", "-o", str(path), "--outcome", "open", *AUDITOR)

    assert (written.code, written.out) == (0, "")
    assert known >= 3
    assert f"{known} lines" in written.err
    assert opened(path.read_bytes())[0]["标题"] == "追缴台账"


def test_a_bar_is_listed_and_lifted(run, claims: Claims):
    recovery = claims.of("ruling")
    said = {**claims.ruling_without(""), "recovery_fen": FEN}
    claims.town.act(recovery, "order_recovery", **said, bar_years=3, bar_basis="惯例（三年）")
    applicant = claims.applicant_of(recovery).public_id

    lifted = run("lift-bar", recovery, "--reason", "已修复", *LEADER)
    bars = run("bars", applicant, *AUDITOR, "--json")

    assert lifted.code == 0
    assert [(bar["to_on"], bar["lift_reason"]) for bar in bars.json] == [("2029-09-28", "已修复")]
    assert "惯例（三年）" in run("bars", applicant, *AUDITOR).out
