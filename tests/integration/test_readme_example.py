"""The README's worked example is true: its commands run as they stand and print what it shows."""

import os
import re
import subprocess
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from caseflow.catalogue.places import FOLDERS
from caseflow.clock import VirtualClock
from caseflow.kernel.calendar import SHANGHAI
from caseflow.notifications.rules import load_notices
from tests.conftest import EVERYTHING, _copy
from tests.integration.awake import program_in

pytestmark = [pytest.mark.long, pytest.mark.no_cover]

SECTION = re.compile(r"^#+ Adding a measure, worked\n(.*?)(?=^##+ |\Z)", re.DOTALL | re.MULTILINE)
BLOCKS = re.compile(r"<!-- run: \w+ -->\n```sh\n(.*?)```", re.DOTALL)
SHOWN = re.compile(r"^```console\n(.*?)```", re.DOTALL | re.MULTILINE)
BEGINS_AT = datetime(2026, 10, 12, 8, tzinfo=SHANGHAI)
ADDED = {
    "policies/qidong-2026/QD26-8g.yaml",
    "policies/qidong-2026/text.txt.old",
    "workflows/standards.yaml",
    "workflows/stages/standard_check.yaml",
    "notifications/standard_verified.yaml",
    "notifications/standard_verified.zh-CN.txt",
}


@pytest.fixture(scope="module")
def section():
    """What the README says under the heading of the example."""
    found = SECTION.search((EVERYTHING / "README.md").read_text(encoding="utf-8"))
    assert found, "README.md has no section 'Adding a measure, worked'"
    return found[1]


@pytest.fixture
def environment(server, founded_template, tmp_path):
    """`caseflow` on the path, and a founded house of 启东 on the run's own server.

    So nothing is founded twice; that a bare home becomes such a house, the README's tour shows.
    """
    awake, copied = program_in(tmp_path / "bin"), contextmanager(_copy)(server, founded_template)
    with awake as folder, copied as database:
        VirtualClock(database.connect).move_to(BEGINS_AT)
        yield {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(EVERYTHING),
            "CASEFLOW_DATABASE_URL": database.address.url,
            "CASEFLOW_OWNER_DATABASE_URL": database.address.owner_url,
            "CASEFLOW_MAC_KEY": "ab" * 32,
            "TMPDIR": str(tmp_path),
        }


def pasted(section, environment):
    """Run every block of the section in one shell that stands in the checkout."""
    script = "\n".join(["set -euo pipefail", *BLOCKS.findall(section), "pwd"])
    return subprocess.run(
        ["bash", "-c", script.replace('PATH="$PWD/.venv/bin:$PATH" ', "")],
        env=environment,
        cwd=EVERYTHING,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def files_of(root):
    """The names of the data files below a root."""
    found = (path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in found if "__pycache__" not in path.parts}


def test_a_measure_a_stage_and_a_notice_are_added_without_a_line_of_python(section, environment):
    done = pasted(section, environment)

    assert done.returncode == 0, done.stdout + done.stderr
    *printed, folder = (line.rstrip() for line in done.stdout.splitlines())
    rest = iter(printed)
    shown = [line for block in SHOWN.findall(section) for line in block.splitlines()]
    assert shown
    assert [line for line in shown if line.strip() != "…" and line not in rest] == []  # in order
    assert files_of(Path(folder)) - files_of(EVERYTHING) == ADDED
    book = load_notices(Path(folder) / "notifications")
    told = book.for_event("verify_standard", to_state="proposed", ended=None)
    assert [rule.notice for rule in told] == ["standard_verified", "task_opened"]
    assert book.knows("doubt_standard")
