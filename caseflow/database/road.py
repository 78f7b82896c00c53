"""The short road's one call: a prepared statement with texts for parameters, asked by libpq itself.

A cursor costs three times the processor time of the question (90 against 25 us): it adapts types,
watches its cache of statements and drives the socket from Python. Parameters are texts with a cast
in the statement, and every answer has one column, so that nothing is left for it to do.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import psycopg
from psycopg import RawCursor
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

PREPARED_MOST: Final = 500
"""Statements that a connection keeps; what comes beyond goes through a cursor."""

ANSWERS: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


def start_road(connection: Any) -> None:
    """Let `ask` use libpq on this connection; what it has prepared there is kept beside it."""
    connection.prepared = {}


def ask(connection: Any, statement: bytes, parameters: Sequence[str | bytes | None]) -> list[bytes]:
    """Return the first column of the answer as texts; `$n` of the statement is the n-th parameter.

    A cursor asks where a transaction has yet to be opened, in a pipeline, and off the road.

    Raises:
        psycopg.Error: as a cursor raises it; OperationalError where the connection is lost.
    """
    name = _prepared(connection, statement)
    if name is None:
        words = [text.decode() if isinstance(text, bytes) else text for text in parameters]
        result: Any = RawCursor(connection).execute(statement, words, prepare=True).pgresult
    else:
        texts = [text.encode() if isinstance(text, str) else text for text in parameters]
        result = _sound(connection, connection.pgconn.exec_prepared(name, texts))
    return [result.get_value(row, 0) for row in range(result.ntuples)]


def _prepared(connection: Any, statement: bytes) -> bytes | None:
    """Return the name of the prepared statement, None where a cursor has to ask."""
    known: dict[bytes, bytes] | None = getattr(connection, "prepared", None)
    if known is None or not connection.autocommit or connection.pgconn.pipeline_status:
        return None
    name = known.get(statement)
    if name is None and len(known) < PREPARED_MOST:
        name = b"road_" + blake2b(statement, digest_size=8).hexdigest().encode()
        _sound(connection, connection.pgconn.prepare(name, statement))
        known[statement] = name
    return name


def _sound(connection: Any, result: PGresult) -> PGresult:
    """Return a result that is none of an error's."""
    if result.status in ANSWERS:
        return result
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)
