"""`caseflow bench timers`: due timers acted on per second, among many that are not due.

Every case is submitted and waits to be accepted; of those submitted first, the limit of five
working days runs out. What is due is exactly those expiries: their reminders were acted on in an
earlier, untimed sweep. Each expiry is a full act, auto_accept (逾期未作决定视为受理): event with
chain and MAC, the case moved, one task closed and another opened, three clocks, ten timers, three
notices in inboxes and a letter in the outbox. One process sweeps in batches until nothing is due.
"""

import time
from datetime import datetime
from typing import Any, Final

from caseflow.batches.sweeps import TimersSwept, sweep_timers
from caseflow.bench.pgbench import ServerTime
from caseflow.bench.scratch import Ground, Progress, ground, settle, submitted_cases
from caseflow.database.access import EMBEDDED_FOLDER
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import Conflict
from caseflow.settings import Settings

NAME: Final = "bench_timers"
BATCH: Final = 500
EARLY: Final = datetime(2026, 10, 13, 10, tzinfo=SHANGHAI)
LATE: Final = datetime(2026, 10, 26, 10, tzinfo=SHANGHAI)
REMINDED_AT: Final = datetime(2026, 10, 20, 12, tzinfo=SHANGHAI)
DUE_AT: Final = datetime(2026, 10, 21, 0, tzinfo=SHANGHAI)
"""The limit of what was submitted on 13 October ends with 20 October."""
OPEN: Final = "SELECT count(*) FROM timer WHERE fired_at IS NULL"
MICRO: Final = 1_000_000


def run(
    settings: Settings,
    *,
    open_timers: int = 100_000,
    due_share: float = 0.01,
    batch: int = BATCH,
    progress: Progress = lambda _: None,
) -> dict[str, Any]:
    """Measure one sweep of all that is due; `open` counts every timer that waits before it.

    Raises:
        Unavailable: the embedded server does not start.
        Conflict: the sweep did not act on exactly what was due.
    """
    due = max(1, round(open_timers * due_share))
    with ground(settings, NAME, progress) as where:
        submitted_cases(where, due, at=EARLY, progress=progress)
        _sweep(where, REMINDED_AT, batch)
        _fill(where, open_timers, progress)
        settle(where.database)
        waiting = _open_timers(where)
        progress(f"{waiting} open, {due} due")
        used = ServerTime(settings.home / EMBEDDED_FOLDER)
        before, cpu, start = used.read(), time.process_time(), time.perf_counter()
        swept, batches = _sweep(where, DUE_AT, batch)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        server = used.since(before)
    if swept.acted != due:
        raise Conflict(f"{due} timers were due, but the sweep said {swept}.")
    return {
        "open": waiting,
        "due": due,
        "batch": batch,
        "batches": batches,
        "per_second": round(due / seconds, 1),
        "client_us": round(MICRO * cpu / due),
        "server_us": round(MICRO * server / due),
    }


def _sweep(where: Ground, at: datetime, batch: int) -> tuple[TimersSwept, int]:
    """Sweep until nothing is due; returns what came of it, and in how many batches."""
    total, batches = TimersSwept(), 0
    while True:
        swept = sweep_timers(where.cases, at, limit=batch)
        if not swept.claimed:
            return total, batches
        total, batches = total + swept, batches + 1


def _fill(where: Ground, open_timers: int, progress: Progress) -> None:
    """Submit later cases until so many timers wait."""
    have = _open_timers(where)
    submitted_cases(where, 1, at=LATE, progress=progress)
    each = _open_timers(where) - have
    missing = open_timers - have - each
    submitted_cases(where, max(0, -(-missing // each)), at=LATE, progress=progress)


def _open_timers(where: Ground) -> int:
    with where.database.connect() as connection:
        row = connection.execute(OPEN).fetchone()
    return int(row[0]) if row else 0
