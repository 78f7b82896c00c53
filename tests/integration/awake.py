"""A `caseflow` on the path that is awake already: each command is a fork of one process.

Importing the program and reading its data is most of what a short command costs, and the README's
blocks are many short commands. What runs for long (`serve`, `worker`, `demo`) is started as an
installation starts it.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONG = "serve|worker|demo"
ENOUGH = 1 << 20
ASK = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({address!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(door, [len(said).to_bytes(4, "big")], [0, 1, 2])
    door.sendall(said)
    answer = door.recv(1)
sys.exit(answer[0] if answer else 1)
"""
PROGRAM = """#!/bin/sh
case "$1" in
    {long}) exec {python} -m caseflow "$@" ;;
    *) exec {python} -S -E {ask} "$@" ;;
esac
"""


@contextmanager
def program_in(folder: Path) -> Iterator[Path]:
    """Yield a folder for the path with `caseflow` in it, while a process is there to run it."""
    folder.mkdir()
    address = str(folder / "door")
    (folder / "ask.py").write_text(ASK.format(address=address))
    program = folder / "caseflow"
    program.write_text(
        PROGRAM.format(long=LONG, python=sys.executable, ask=folder / "ask.py"), encoding="utf-8"
    )
    program.chmod(0o755)
    (folder / "python3").symlink_to(Path(sys.executable).resolve())  # no shim that looks for one
    resident = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.awake", address], cwd=ROOT
    )
    try:
        while not Path(address).exists():
            assert resident.poll() is None, "it did not wake up"
            time.sleep(0.05)
        yield folder
    finally:
        resident.terminate()
        resident.wait()


def _serve(address: str) -> None:
    """Answer each who asks with a fork of this process, until it is told to stop."""
    _wake()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as house:
        house.bind(address)
        house.listen(16)
        while True:
            door, _ = house.accept()
            if os.fork() == 0:
                house.close()
                _answer(door)
            door.close()


def _wake() -> None:
    """Import what commands import, and read what nearly all of them read."""
    from caseflow.catalogue.library import load_library
    from caseflow.catalogue.places import data_root
    from caseflow.cli.program import COMMANDS
    from caseflow.notifications.rules import load_notices

    for place in COMMANDS.values():
        import_module(place.target.partition(":")[0])
    for name in ("caseflow.app", "alembic.command"):
        import_module(name)
    load_library(data_root() / "workflows")
    load_notices(data_root() / "notifications")
    gc.freeze()


def _answer(door: socket.socket) -> None:
    """Become the command that is asked for: its words, folder, surroundings, and three files."""
    size, files, _, _ = socket.recv_fds(door, 4, 3)
    said = b""
    while len(said) < int.from_bytes(size, "big"):
        said += door.recv(ENOUGH)
    words, folder, surroundings = json.loads(said)
    for own, given in enumerate(files):
        os.dup2(given, own)
        os.close(given)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(surroundings)
    code = 1
    try:
        code = _run(words)
    finally:  # a fork never goes back to where it came from
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        door.sendall(bytes([code]))
        os._exit(code)


def _run(words: list[str]) -> int:
    from caseflow.cli import main

    sys.argv = ["caseflow", *words]
    try:
        return main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


if __name__ == "__main__":
    _serve(sys.argv[1])
