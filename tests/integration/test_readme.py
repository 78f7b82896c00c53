"""The README is true: its tour and its worked example run as they stand and print what it shows.

The tour runs against a real server in an empty home.
"""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
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

README = (EVERYTHING / "README.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- run: (\w+) -->\n```sh\n(.*?)```", README, flags=re.DOTALL))
WAIT = """
for _ in $(seq 100); do curl -sf -o /dev/null "$BASE/health" && break; sleep 0.2; done
"""
STOP = """
kill %1; wait %1 || true
"""
SECTION = re.compile(r"^#+ Adding a measure, worked\n(.*?)(?=^##+ |\Z)", re.DOTALL | re.MULTILINE)
RUN = re.compile(r"<!-- run: \w+ -->\n```sh\n(.*?)```", re.DOTALL)
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
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a shell is told that has `caseflow` on its path."""
    with program_in(tmp_path_factory.mktemp("program") / "bin") as folder:
        yield {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(EVERYTHING),
        }


def run(script: str, environment: dict[str, str], folder: Path) -> str:
    """Run a script in one shell and return what it printed."""
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def empty_home(program: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """An empty home, and a free port."""
    port, home = _free_port(), tmp_path / "home"
    yield {
        **program,
        "CASEFLOW_HOME": str(home),
        "CASEFLOW_PORT": str(port),
        "BASE": f"http://127.0.0.1:{port}/api/v1",
    }
    postmaster = home / "postgres" / "postmaster.pid"
    if postmaster.exists():
        os.kill(int(postmaster.read_text().split()[0]), signal.SIGINT)


def test_the_tour_of_the_readme_runs_as_it_stands(empty_home, tmp_path):
    told = ("case", "any", "money", "desk", "checks", "experts")
    tour = (BLOCKS["start"], BLOCKS["serve"], WAIT, *(BLOCKS[name] for name in told), STOP)
    script = "\n".join(tour).replace('export PATH="$PWD/.venv/bin:$PATH" ', "export ")

    printed = run(script, empty_home, tmp_path)

    shown = re.search(r"```console\nsubmitted\n(.*?)```", README, flags=re.DOTALL)
    assert shown
    assert shown.group(1).strip() in printed


@pytest.fixture(scope="module")
def section() -> str:
    """What the README says under the heading of the example."""
    found = SECTION.search(README)
    assert found, "README.md has no section 'Adding a measure, worked'"
    return found[1]


@pytest.fixture
def founded_home(server, founded_template, program, tmp_path):
    """A founded house of 启东 on the run's own server.

    So nothing is founded twice; that a bare home becomes such a house, the tour shows.
    """
    with contextmanager(_copy)(server, founded_template) as database:
        VirtualClock(database.connect).move_to(BEGINS_AT)
        yield {
            **program,
            "CASEFLOW_DATABASE_URL": database.address.url,
            "CASEFLOW_OWNER_DATABASE_URL": database.address.owner_url,
            "CASEFLOW_MAC_KEY": "ab" * 32,
            "TMPDIR": str(tmp_path),
        }


def files_of(root: Path) -> set[str]:
    """The names of the data files below a root."""
    found = (path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in found if "__pycache__" not in path.parts}


def test_a_measure_a_stage_and_a_notice_are_added_without_a_line_of_python(section, founded_home):
    script = "\n".join([*RUN.findall(section), "pwd"])

    done = run(script.replace('PATH="$PWD/.venv/bin:$PATH" ', ""), founded_home, EVERYTHING)

    *printed, folder = (line.rstrip() for line in done.splitlines())
    rest = iter(printed)
    shown = [line for block in SHOWN.findall(section) for line in block.splitlines()]
    assert shown
    assert [line for line in shown if line.strip() != "…" and line not in rest] == []  # in order
    assert files_of(Path(folder)) - files_of(EVERYTHING) == ADDED
    book = load_notices(Path(folder) / "notifications")
    told = book.for_event("verify_standard", to_state="proposed", ended=None)
    assert [rule.notice for rule in told] == ["standard_verified", "task_opened"]
    assert book.knows("doubt_standard")


def test_every_folder_that_the_readme_names_exists():
    for name in re.findall(r"^\| `(\w[\w/]*)/` ", README, flags=re.MULTILINE):
        assert (EVERYTHING / name).is_dir(), name


def test_the_readme_names_every_top_level_folder():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=EVERYTHING, capture_output=True, text=True, check=True
    ).stdout
    folders = {line.split("/")[0] for line in tracked.splitlines() if "/" in line}

    assert {f for f in folders if not f.startswith(".")} <= set(re.findall(r"`(\w+)/", README))
