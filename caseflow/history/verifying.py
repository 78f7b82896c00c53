"""Verifying a long history in several processes, each with streams of its own, in one snapshot."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from multiprocessing import get_context
from typing import Any, Final

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import set_json_loads

from caseflow.history.queries import LAST_STREAM, Fault, verify

PROCESSES: Final = 2
LEAST: Final = 50_000
"""Events for which a second process is worth its start."""
BOUND: Final = "SELECT stream FROM event ORDER BY stream, seq OFFSET %s LIMIT 1"
SNAPSHOT: Final = "SELECT pg_export_snapshot()"
SAME: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@dataclass(frozen=True)
class _Part:
    """The streams behind `after` up to `last`, as the snapshot has them."""

    url: str
    snapshot: str
    key: bytes
    after: int
    last: int
    most: int


def verify_in_parts(
    connection: Any,
    url: str,
    key: bytes,
    *,
    events: int,
    most: int,
    processes: int = PROCESSES,
    least: int = LEAST,
) -> Iterator[Fault]:
    """Yield what `verify` does of the `events` that `connection` sees, `most` of each process.

    The connection is inside `frozen`; the processes connect to `url` and see the same instant.
    """
    if events < least or processes == 1:
        yield from verify(connection, key)
        return
    snapshot = connection.execute(SNAPSHOT).fetchone()[0]
    plain = url.replace("+psycopg", "")
    parts = [
        _Part(plain, snapshot, key, after, last, most)
        for after, last in pairwise(_bounds(connection, events, processes))
    ]
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        for found in pool.map(_verified, parts):
            yield from found


def _bounds(connection: Any, events: int, processes: int) -> list[int]:
    """Return the streams between which each process has about as many events as the others."""
    bounds = [-1]
    for number in range(1, processes):
        row = connection.execute(BOUND, (events * number // processes,)).fetchone()
        if row is not None and row[0] > bounds[-1]:
            bounds.append(row[0])
    return [*bounds, LAST_STREAM]


def _verified(part: _Part) -> list[Fault]:
    with psycopg.connect(part.url) as connection:
        set_json_loads(orjson.loads, connection)
        connection.execute(SAME)
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(part.snapshot))
        connection.execute("SET LOCAL statement_timeout = 0")
        found = verify(connection, part.key, after=part.after, last=part.last)
        return list(islice(found, part.most))
