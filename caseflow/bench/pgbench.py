"""Running pgbench, and the processor time of the server beside it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from caseflow.database.server import PROGRAM_ROLE, Server
from caseflow.kernel.errors import Unavailable

TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
GRACE_SECONDS: Final = 60
ONCE: Final = ("-t", "1")


@dataclass(frozen=True)
class Load:
    """A script on a database: each client has `span` cases to itself, the first from `lo` on."""

    server: Server
    database: str
    script: Path
    lo: int
    span: int

    def run(self, *how: str, clients: int = 1, timeout: int = GRACE_SECONDS) -> float:
        """Return the scripts per second of `clients` clients; `how` is -T or -t with its value.

        Raises:
            Unavailable: pgbench failed; the message has its last words.
        """
        command = [
            str(self.server.programs / "pgbench"),
            "--no-vacuum", "--protocol=prepared", f"--file={self.script}",
            "-h", self.server.socket_folder, "-U", PROGRAM_ROLE,
            "-c", str(clients), "-j", str(clients),
            "-D", f"lo={self.lo}", "-D", f"span={self.span}",
            *how, self.database,
        ]  # fmt: skip
        done = subprocess.run(  # noqa: S603 - the wheel's own program, our own arguments
            command, capture_output=True, text=True, timeout=timeout, check=False
        )
        found = TPS.search(done.stdout)
        if done.returncode or found is None or "aborted" in done.stderr:
            raise Unavailable(f"pgbench failed: {done.stderr.strip()[-500:]}")
        return float(found[1])

    def for_seconds(self, seconds: int, *, clients: int) -> float:
        """Return the scripts per second over a slice of time."""
        return self.run("-T", str(seconds), clients=clients, timeout=seconds + GRACE_SECONDS)


class ServerTime:
    """The processor time of a server: its postmaster and every process of it."""

    def __init__(self, folder: Path) -> None:
        first_line = (folder / "postmaster.pid").read_text().splitlines()[0]
        self._postmaster = psutil.Process(int(first_line))

    def read(self) -> dict[int, float]:
        """Return the seconds each living process has used."""
        used: dict[int, float] = {}
        for process in (self._postmaster, *self._postmaster.children()):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            used[process.pid] = times.user + times.system
        return used

    def since(self, before: dict[int, float]) -> float:
        """Return the seconds used since `before` was read, by those that still live."""
        return sum(now - before.get(pid, 0.0) for pid, now in self.read().items())
