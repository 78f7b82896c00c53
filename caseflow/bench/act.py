"""`caseflow bench act`: decisions per second, next to pgbench writing the same rows.

The decision is a 补正: the head of division asks for a correction again (request_second_correction:
duty approver; the acceptance clock stops, the correction clock starts), then the applicant submits
again (resubmit: guarded by the full checklist of ten documents; the correction clock ends, the
acceptance clock resumes with what was left). Each of the two writes: the case's row; an event with
request id, chain and MAC; the open task closed and another opened; two clocks; five timers; a
notice in an inbox, the first with a letter in the outbox; the first also the control duty.

pgbench writes the same rows with the same triggers and constraints over the same socket as the same
role: prepared, statement by statement in a transaction. It reads nothing, decides nothing and
computes no MAC. Both sides take a random case of the client's own; `same_rows` proves before
anything is timed that both write the same number of rows of about the same size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from caseflow.bench.clients import Clients, Turn, Work, clients_of
from caseflow.bench.pgbench import ONCE, Load, ServerTime
from caseflow.bench.scratch import (
    Ground,
    Progress,
    ground,
    scratch_folder,
    settle,
    submitted_cases,
)
from caseflow.bench.script import record, script
from caseflow.cases.service import Request
from caseflow.database.access import EMBEDDED_FOLDER, Database
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import Conflict
from caseflow.settings import Settings

NAME: Final = "bench_act"
SUBMITTED_AT: Final = datetime(2026, 10, 13, 10, tzinfo=SHANGHAI)
DECIDED_AT: Final = datetime(2026, 10, 14, 9, tzinfo=SHANGHAI)
CASES_OF_A_CLIENT: Final = 1_000
TABLES: Final = {
    "event": "stream", "task": "case_id", "clock": "case_id", "timer": "case_id",
    "notification": "case_id", "duty": "case_id", "amount_step": "case_id",
}  # fmt: skip
WEIGHTS: Final = " UNION ALL ".join(
    f"SELECT '{table}', count(*), coalesce(sum(pg_column_size(t.*)), 0) FROM {table} t"
    f" WHERE {key} = %(case)s"
    for table, key in TABLES.items()
)
LETTERS: Final = """
    UNION ALL SELECT 'delivery', count(*), coalesce(sum(pg_column_size(d.*)), 0)
    FROM delivery d JOIN notification n ON n.id = d.notification_id WHERE n.case_id = %(case)s
    UNION ALL SELECT 'case', count(*), sum(pg_column_size(c.*)) FROM "case" c WHERE c.id = %(case)s
"""
MOST_PERCENT_APART: Final = 5


@dataclass(frozen=True)
class _Sample:
    """Both slices of one round at one number of clients."""

    per_second: float
    pgbench_per_second: float
    p99_ms: float
    client_us: float
    server_us: float

    @property
    def ratio(self) -> float:
        return self.per_second / self.pgbench_per_second


def run(
    settings: Settings,
    *,
    clients: Sequence[int] = (1, 4),
    seconds: int = 5,
    rounds: int = 3,
    cases: int = CASES_OF_A_CLIENT,
    progress: Progress = lambda _: None,
) -> dict[str, Any]:
    """Measure and return the medians of the rounds; `cases` is how many each client has.

    Raises:
        Unavailable: the embedded server or pgbench does not run.
    """
    most = max(clients)
    with ground(settings, NAME, progress) as where, scratch_folder() as folder:
        made = submitted_cases(where, 2 * most * cases + 2, at=SUBMITTED_AT, progress=progress)
        ours, theirs, proofs = made[: most * cases], made[most * cases : -2], made[-2:]
        turns = _turns(where)
        load = _load(where, turns, Path(folder), proofs)
        same_rows(where.database, *(case for case, _ in proofs))
        load = Load(load.server, load.database, load.script, lo=theirs[0][0], span=cases)
        settle(where.database)
        works = [
            Work(
                settings,
                where.database.address,
                [public for _, public in ours[each * cases : (each + 1) * cases]],
                turns,
                DECIDED_AT,
            )
            for each in range(most)
        ]
        time = ServerTime(settings.home / EMBEDDED_FOLDER)
        samples: dict[int, list[_Sample]] = {count: [] for count in clients}
        with clients_of(works) as processes:
            for number in range(rounds):
                for count in clients:
                    progress(f"round {number + 1}/{rounds}, {count} clients")
                    samples[count].append(_sample(processes, load, time, count, seconds))
    return {"clients": [_median(count, found) for count, found in samples.items()]}


def _turns(where: Ground) -> list[Turn]:
    head = where.person_at("lead_bureau.division_head")
    asked = {"items": ["补充2026年第三季度用量日志"], "reason": "用量日志与账单期间不一致。"}
    return [
        Turn("request_second_correction", head, asked),
        Turn("resubmit", where.applicant_id, {"note": "已补充用量日志。"}),
    ]


def _load(
    where: Ground, turns: Sequence[Turn], folder: Path, proofs: Sequence[tuple[int, str]]
) -> Load:
    """Record the turns on the first proof, and let pgbench play them once on the second."""
    recorded = [
        record(
            where.cases,
            proofs[0][1],
            Request(turn.event, turn.actor_id, DECIDED_AT, turn.payload, id=where.cases.ids.new()),
        )
        for turn in turns
    ]
    file = folder / "decision.sql"
    file.write_text(script(recorded), encoding="utf-8")
    server = where.database.address.server
    assert server is not None
    once = Load(server, NAME, file, lo=proofs[1][0], span=1)
    once.run(*ONCE)
    return once


def same_rows(database: Database, ours: int, theirs: int) -> None:
    """Compare what two cases have in every table, after the same decisions by act and by pgbench.

    Raises:
        Conflict: the rows differ in number, or by more than 5 % in size.
    """
    act, pgbench = _weights(database, ours), _weights(database, theirs)
    for table, (rows, size) in act.items():
        other_rows, other_size = pgbench[table]
        if rows != other_rows or abs(size - other_size) * 100 > MOST_PERCENT_APART * size:
            raise Conflict(
                f"{table}: act wrote {rows} rows of {size} bytes, pgbench {pgbench[table]}."
            )


def _weights(database: Database, case_id: int) -> Mapping[str, tuple[int, int]]:
    with database.connect() as connection:
        found = connection.execute(WEIGHTS + LETTERS, {"case": case_id}).fetchall()
    return {table: (rows, int(size)) for table, rows, size in found}


def _sample(
    processes: Clients, load: Load, time: ServerTime, clients: int, seconds: int
) -> _Sample:
    before = time.read()
    slices = processes.run(seconds, clients=clients)
    server = time.since(before)
    turns_per_second = 2 * load.for_seconds(seconds, clients=clients)
    latencies = [latency for each in slices for latency in each.latencies]
    return _Sample(
        per_second=sum(len(each.latencies) / each.seconds for each in slices),
        pgbench_per_second=turns_per_second,
        p99_ms=1e3 * quantiles(latencies, n=100)[-1],
        client_us=1e6 * sum(each.cpu_seconds for each in slices) / len(latencies),
        server_us=1e6 * server / len(latencies),
    )


def _median(clients: int, samples: Sequence[_Sample]) -> dict[str, Any]:
    def of(name: str, digits: int) -> float:
        return round(float(median(getattr(sample, name) for sample in samples)), digits)

    return {
        "clients": clients,
        "per_second": of("per_second", 1),
        "pgbench_per_second": of("pgbench_per_second", 1),
        "ratio": of("ratio", 3),
        "p99_ms": of("p99_ms", 2),
        "client_us": of("client_us", 0),
        "server_us": of("server_us", 0),
    }
