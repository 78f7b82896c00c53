"""The README is true: its tour runs as it stands, against a real server in an empty home."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.awake import program_in

pytestmark = [pytest.mark.long, pytest.mark.no_cover]

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = dict(re.findall(r"<!-- run: (\w+) -->\n```sh\n(.*?)```", README, flags=re.DOTALL))
WAIT = """
for _ in $(seq 100); do curl -sf -o /dev/null "$BASE/health" && break; sleep 0.2; done
"""
STOP = """
kill %1; wait %1 || true
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An empty home, a free port, and `caseflow` on the path."""
    port = _free_port()
    home = tmp_path / "home"
    with program_in(tmp_path / "bin") as folder:
        yield {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CASEFLOW_HOME": str(home),
            "CASEFLOW_PORT": str(port),
            "BASE": f"http://127.0.0.1:{port}/api/v1",
        }
    postmaster = home / "postgres" / "postmaster.pid"
    if postmaster.exists():
        os.kill(int(postmaster.read_text().split()[0]), signal.SIGINT)


def test_the_tour_of_the_readme_runs_as_it_stands(environment, tmp_path):
    told = ("case", "any", "money", "desk", "checks", "experts")
    tour = (BLOCKS["start"], BLOCKS["serve"], WAIT, *(BLOCKS[name] for name in told), STOP)
    script = "\n".join(["set -euo pipefail", *tour])
    script = script.replace('export PATH="$PWD/.venv/bin:$PATH" ', "export ")

    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    shown = re.search(r"```console\nsubmitted\n(.*?)```", README, flags=re.DOTALL)
    assert shown
    assert shown.group(1).strip() in done.stdout


def test_every_folder_that_the_readme_names_exists():
    for name in re.findall(r"^\| `(\w[\w/]*)/` ", README, flags=re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_the_readme_names_every_top_level_folder():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    folders = {line.split("/")[0] for line in tracked.splitlines() if "/" in line}

    assert {f for f in folders if not f.startswith(".")} <= set(re.findall(r"`(\w+)/", README))
