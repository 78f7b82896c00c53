"""Client processes that decide as fast as they can, each on cases of its own."""

import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any, Final

from caseflow.cases.assembly import assemble
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.places import data_root
from caseflow.database.access import Address, open_database
from caseflow.database.ids import PublicIds
from caseflow.settings import Settings

WARM_UP: Final = 10
ANSWER_SECONDS: Final = 60


@dataclass(frozen=True)
class Turn:
    """One decision of the round that every case goes through: event, actor, payload."""

    event: str
    actor_id: int
    payload: dict[str, Any]


@dataclass(frozen=True)
class Work:
    """What one client does: `turns` in order on a random one of `cases`, again and again."""

    settings: Settings
    address: Address
    cases: Sequence[str]
    turns: Sequence[Turn]
    at: datetime


@dataclass(frozen=True)
class Slice:
    """What one client did in a slice: how long each decision took, and the processor time."""

    seconds: float
    cpu_seconds: float
    latencies: list[float]


class Clients:
    """Client processes that wait for their next slice."""

    def __init__(self, ends: Sequence["Connection[Any, Any]"]) -> None:
        self._ends = ends

    def run(self, seconds: float, *, clients: int) -> list[Slice]:
        """Let the first `clients` of them work for `seconds`; returns what each did."""
        for end in self._ends[:clients]:
            end.send(seconds)
        return [_answer(end, seconds) for end in self._ends[:clients]]


def _answer(end: "Connection[Any, Any]", seconds: float) -> Slice:
    if not end.poll(seconds + ANSWER_SECONDS):
        raise TimeoutError("a client of the benchmark does not answer")
    answer: Slice = end.recv()
    return answer


@contextmanager
def clients_of(works: Sequence[Work]) -> Iterator[Clients]:
    """Yield one warm client process for each of `works`; they end with the block."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in works]
    processes = [
        context.Process(target=_serve, args=(work, theirs), daemon=True)
        for work, (_, theirs) in zip(works, pairs, strict=True)
    ]
    for process, (_, theirs) in zip(processes, pairs, strict=True):
        process.start()
        theirs.close()
    try:
        clients = Clients([ours for ours, _ in pairs])
        clients.run(0, clients=len(works))
        yield clients
    finally:
        for ours, _ in pairs:
            ours.close()
        for process in processes:
            process.join(ANSWER_SECONDS)
            process.kill()


def _serve(work: Work, end: "Connection[Any, Any]") -> None:
    database = open_database(work.address, pool_size=1)
    cases = assemble(database, work.settings, data_root(), ids=PublicIds())
    for _ in range(WARM_UP):
        _round(cases, work)
    while True:
        try:
            seconds = end.recv()
        except EOFError:
            break
        end.send(_slice(cases, work, seconds))
    database.close()


def _slice(cases: Cases, work: Work, seconds: float) -> Slice:
    latencies: list[float] = []
    cpu, start = time.process_time(), time.perf_counter()
    until = start + seconds
    while time.perf_counter() < until:
        latencies += _round(cases, work)
    return Slice(time.perf_counter() - start, time.process_time() - cpu, latencies)


def _round(cases: Cases, work: Work) -> list[float]:
    """Let every turn happen to one random case; returns the seconds each took."""
    case = random.choice(work.cases)  # noqa: S311 - which case is no secret
    latencies = []
    for turn in work.turns:
        request = Request(turn.event, turn.actor_id, work.at, turn.payload, id=cases.ids.new())
        before = time.perf_counter()
        cases.act(case, request)
        latencies.append(time.perf_counter() - before)
    return latencies
