"""The demo as a stranger starts it: five policies, every family, every measure, one JSON object."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EVERYTHING

pytestmark = pytest.mark.soak

FAMILIES = {
    "equity", "talent", "scenarios", "events", "vouchers", "investment", "titles", "interest",
    "guarantees", "funds", "platforms", "deals", "research", "allocations",
}  # fmt: skip
LAST_DAYS = {
    "nantong-2026": "2027-03-01",
    "nantong-agi-2024": "2027-12-31",
    "wuxi-2025": "2027-12-31",
    "yancheng-ai-plus": "2027-12-31",
    "qidong-2026": "2028-05-13",
}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `caseflow demo --no-serve --json` prints on an empty home."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "CASEFLOW_HOME": str(home),
        "CASEFLOW_DATA": str(EVERYTHING),
        "PYTHONPATH": str(EVERYTHING),
    }
    command = [sys.executable, "-m", "caseflow", "demo", "--no-serve", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    _stop(home)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _stop(home: Path) -> None:
    """Stop the embedded server, which outlives the command on purpose."""
    postmaster = home / "postgres" / "postmaster.pid"
    if postmaster.exists():
        os.kill(int(postmaster.read_text().split()[0]), signal.SIGINT)


def test_every_measure_is_rehearsed_to_its_end(result: dict[str, Any]) -> None:
    assert result["rehearsed"] == 132


def test_a_case_of_every_family_reaches_its_end(result: dict[str, Any]) -> None:
    intended = [case for case in result["cases"] if case["final"] not in {"lapsed", "rejected"}]

    assert {case["family"] for case in intended} == FAMILIES
    assert all(case["path"][-1] == case["final"] for case in result["cases"])


def test_every_policy_ends_on_its_last_day(result: dict[str, Any]) -> None:
    assert {each["policy"]: each["on"] for each in result["expired"]} == LAST_DAYS


def test_drafts_are_refused_and_what_comes_after_a_last_day(result: dict[str, Any]) -> None:
    reasons = [refusal["why"] for refusal in result["refused"]]

    assert [why[:10] for why in reasons if "征求意见稿，" in why] == ["2026-10-12"] * 2
    assert sorted({why[:10] for why in reasons}) == [
        "2026-10-12", "2027-03-02", "2028-01-01", "2028-05-14",
    ]  # fmt: skip


def test_the_enacted_draft_is_accepted_beside_the_older_clause(result: dict[str, Any]) -> None:
    ended = [(case["measure"], case["final"]) for case in result["cases"]]

    assert ended.count(("NT26-4a", "disbursed")) == 3
    assert ended.count(("NT26-4a", "lapsed")) == 1
    assert ("NT24-2", "settled") in ended


def test_applicants_are_reminded(result: dict[str, Any]) -> None:
    assert result["reminders"] >= 30
