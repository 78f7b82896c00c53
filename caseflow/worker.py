"""The worker: APScheduler as its clock, the sweeps as its work; any number of them side by side.

Nothing is kept in the scheduler but when to look again: what is due stands in the database, is
claimed by its row and acts once. A killed worker loses nothing and repeats nothing. An error of a
sweep is logged and the sweep is tried again at its next tick.
"""

import logging
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import orjson
import psycopg
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from caseflow.batches.bulk.running import run_due
from caseflow.batches.case_migrations import running as migrating
from caseflow.batches.life import sweep_life
from caseflow.batches.publicity import close_due
from caseflow.batches.sweeps import sweep_timers
from caseflow.cases.assembly import assemble
from caseflow.cases.service import Cases
from caseflow.catalogue.places import data_root
from caseflow.clock import SystemClock, clock_for
from caseflow.database.access import Database, open_database
from caseflow.database.readiness import driver_errors, located, ready
from caseflow.history.checkpoints.notes import Seal
from caseflow.history.checkpoints.service import seal_of, seal_pending
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import CaseflowError, Unavailable
from caseflow.notifications.channels import SmtpChannel
from caseflow.notifications.service import deliver_due
from caseflow.settings import Settings, read_settings

BATCH: Final = 500
"""Timers claimed by one transaction (design §5: sets of 500 to 1,000)."""
LETTERS: Final = 100
HEARTBEAT: Final = "worker"
BEAT: Final = """
    INSERT INTO sweep (name, last_at, acted) VALUES (%s, %s, 1)
    ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at, acted = sweep.acted + 1
"""
SECONDS: Final[Mapping[str, int]] = {
    "timers": 5,
    "bulk_acts": 5,
    "case_migrations": 15,
    "publicities": 15,
    "life": 60,
    "deliveries": 10,
    "heartbeat": 30,
    "seals": 5,
}
"""How often each sweep looks whether something is due."""

log = structlog.get_logger("caseflow.worker")
Counts = Counter[str]
Sweep = Callable[[datetime], Counts]


@dataclass(frozen=True)
class Work:
    """The sweeps of one process on one database."""

    cases: Cases
    database: Database
    smtp: SmtpChannel
    seal: Seal
    batch: int = BATCH

    def now(self) -> datetime:
        """Return the present instant, of the virtual clock where there is one."""
        return clock_for(self.database.connect).now()

    def sweeps(self) -> dict[str, Sweep]:
        """Return one sweep for each name in `SECONDS`; each does one batch and says what it did."""
        return {
            "life": self.life,
            "publicities": self.publicities,
            "timers": self.timers,
            "bulk_acts": self.bulk_acts,
            "case_migrations": self.case_migrations,
            "deliveries": self.deliveries,
            "heartbeat": self.heartbeat,
            "seals": self.seals,
        }

    def timers(self, at: datetime) -> Counts:
        """Act on a batch of due timers."""
        swept = asdict(sweep_timers(self.cases, at, limit=self.batch))
        return Counter({f"timers_{name}": count for name, count in swept.items() if count})

    def publicities(self, at: datetime) -> Counts:
        """Close publicities whose period is over."""
        return _counted(cases_released=close_due(self.cases, at))

    def bulk_acts(self, at: datetime) -> Counts:
        """Do a set of every bulk act that is not over."""
        ran = run_due(self.cases, at, limit=self.batch)
        return _counted(bulk_done=ran.done, bulk_refused=ran.refused)

    def case_migrations(self, at: datetime) -> Counts:
        """Move a set of cases of every approved migration that is not over."""
        ran = migrating.run_due(self.cases, at, limit=min(self.batch, migrating.BATCH))
        return _counted(
            migration_moved=ran.moved, migration_kept=ran.kept, migration_refused=ran.refused
        )

    def life(self, at: datetime) -> Counts:
        """Open and close calls, warn of and end policies, open what is to be reported of them."""
        swept = sweep_life(self.cases, at)
        return _counted(
            calls_opened=swept.opened,
            calls_closed=swept.closed,
            policies_ended=len(swept.ended),
            people_warned=swept.warned,
            reports_due=swept.reports_due,
        )

    def seals(self, at: datetime) -> Counts:
        """Seal a batch of events under a signed checkpoint."""
        with self.database.connect() as connection:
            return _counted(events_sealed=seal_pending(connection, self.seal, at=at))

    def deliveries(self, at: datetime) -> Counts:
        """Send the letters that are due.

        Raises:
            Unavailable: the mail server does not answer; the letters wait.
        """
        report = deliver_due(
            self.database.connect,
            at=at,
            smtp=self.smtp,
            book=self.cases.office.notices,
            limit=LETTERS,
        )
        if report.problem is not None:
            raise Unavailable(report.problem)
        return _counted(
            letters_sent=report.sent, letters_failed=report.failed, letters_given_up=report.given_up
        )

    def heartbeat(self, _at: datetime) -> Counts:
        """Note, by the machine's clock, that a worker is alive."""
        with self.database.connect() as connection:
            connection.execute(BEAT, (HEARTBEAT, SystemClock().now()))
        return Counter()


def _counted(**counts: int) -> Counts:
    return Counter({name: count for name, count in counts.items() if count})


@contextmanager
def open_work(settings: Settings, root: Path, *, batch: int = BATCH) -> Iterator[Work]:
    """Yield the sweeps on the database of `settings`; the embedded one is made ready.

    Raises:
        Unavailable: the database does not answer, or is not migrated.
    """
    smtp = SmtpChannel(settings.smtp_host, settings.smtp_port, settings.mail_from)
    with driver_errors():
        address = ready(located(settings), root / "migrations")
        database = open_database(address, pool_size=settings.pool_size)
        try:
            cases, seal = assemble(database, settings, root), seal_of(settings)
            yield Work(cases, database, smtp, seal, batch=batch)
        finally:
            database.close()


def run_worker(
    settings: Settings,
    *,
    root: Path | None = None,
    once: bool = False,
    batch: int = BATCH,
    tick_seconds: float | None = None,
    stop: threading.Event | None = None,
) -> dict[str, int]:
    """Sweep until `stop` is set (or, with `once`, until nothing is due); return what was done.

    `tick_seconds` replaces every interval of `SECONDS`.

    Raises:
        Unavailable: the database does not answer at the start, or at all with `once`.
    """
    with open_work(settings, root or data_root(), batch=batch) as work:
        if once:
            return dict(sweep_once(work))
        return dict(_sweep_for_ever(work, stop or threading.Event(), tick_seconds))


def sweep_once(work: Work) -> Counts:
    """Sweep everything that is due now, until nothing is left; return what was done.

    Raises:
        CaseflowError: a sweep failed. A silent mail server is logged only: its letters wait.
    """
    at, done, sweeps = work.now(), Counts(), work.sweeps()
    while True:
        counts = Counts()
        for name, sweep in sweeps.items():
            if name == "deliveries":
                counts += guarded(name, sweep, at)
            else:
                counts += sweep(at)
        if not counts:
            return done
        done += counts


def guarded(name: str, sweep: Sweep, at: datetime) -> Counts:
    """Run one sweep; what goes wrong is logged, and tried again at the next tick."""
    try:
        counts = sweep(at)
    except Unavailable as error:
        log.warning("sweep_postponed", sweep=name, problem=error.message)
    except CaseflowError as error:
        log.error("sweep_refused", sweep=name, problem=error.message, **error.details)  # noqa: TRY400 - its message is enough
    except (SQLAlchemyError, psycopg.Error) as error:
        log.error("sweep_failed", sweep=name, problem=str(error))  # noqa: TRY400 - the driver says it
    else:
        if counts:
            log.info("swept", sweep=name, **counts)
        return counts
    return Counter()


def _sweep_for_ever(work: Work, stop: threading.Event, tick_seconds: float | None) -> Counts:
    done, lock = Counts(), threading.Lock()

    def tick(name: str, sweep: Sweep) -> None:
        """Sweep batch after batch while there is something to do."""
        while not stop.is_set():
            counts = _at_present(work, name, sweep)
            if not counts:
                return
            with lock:
                done.update(counts)

    scheduler = _scheduler()
    for name, sweep in work.sweeps().items():
        seconds = tick_seconds or SECONDS[name]
        scheduler.add_job(
            tick,
            "interval",
            seconds=seconds,
            args=(name, sweep),
            id=name,
            next_run_time=SystemClock().now(),
        )
    log.info("worker_started", batch=work.batch)
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)
    log.info("worker_stopped", **done)
    return done


def _at_present(work: Work, name: str, sweep: Sweep) -> Counts:
    """Run a sweep at the present instant; reading the instant may fail as well."""
    return guarded(name, lambda _: sweep(work.now()), SystemClock().now())


def _scheduler() -> BackgroundScheduler:
    """Return a scheduler that keeps nothing: late is run at once, missed is run once."""
    return BackgroundScheduler(
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(len(SECONDS))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=SHANGHAI,
    )


def log_as_json() -> None:
    """Let what is logged come out as JSON lines on stderr, tracebacks included.

    Libraries are heard from warnings on: `transitions` alone has several words for every step.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("caseflow").setLevel(logging.INFO)


@click.command()
@click.option("--once", is_flag=True, help="Sweep until nothing is due, then end.")
@click.option(
    "--batch",
    type=click.IntRange(1, 5000),
    default=BATCH,
    show_default=True,
    help="Timers in one transaction.",
)
@click.option(
    "--tick",
    type=click.FloatRange(0.1, 3600),
    default=None,
    metavar="SECONDS",
    help="Look this often, for every kind of work.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON document.")
def worker(*, once: bool, batch: int, tick: float | None, as_json: bool) -> None:  # fmt: skip
    """Let deadlines, publicities, the life of policies and letters happen, until SIGTERM or SIGINT.

    Bulk acts that were asked for and migrations of cases that were approved are carried on too.

    Any number of workers may run; each thing happens once. Logs are JSON lines on stderr.

    Example: caseflow worker --once --json
    """
    log_as_json()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    done = run_worker(read_settings(), once=once, batch=batch, tick_seconds=tick, stop=stop)
    if as_json:
        click.echo(orjson.dumps(done, option=orjson.OPT_INDENT_2))
    else:
        told = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in done.items())
        click.echo(told or "Nothing was due.")
