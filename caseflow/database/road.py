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
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

PREPARED_MOST: Final = 500
"""Statements that a connection keeps; what comes beyond goes through a cursor."""

ANSWERS: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


def start_road(connection: Any) -> None:
    """Let `ask` use libpq on this connection; what it has prepared there is kept beside it."""
    connection.prepared = {}


def ask(connection: Any, statement: bytes, parameters: Sequence[str | bytes | None]) -> list[bytes]:
    """Return the first column of the answer as texts; `$n` of the statement is the n-th parameter.

    Inside a transaction, or where the question opens one, in a pipeline, and off the road a cursor
    asks: after a rollback the driver lets go of every prepared statement (DEALLOCATE ALL), and in
    a transaction the question could not be put again.

    Raises:
        psycopg.Error: as a cursor raises it; OperationalError where the connection is lost.
    """
    if _is_alone(connection) and _has_room(connection.prepared, statement):
        texts = [text.encode() if isinstance(text, str) else text for text in parameters]
        try:
            result = _answer(connection, statement, texts)
        except InvalidSqlStatementName:
            connection.prepared.clear()
            result = _answer(connection, statement, texts)
    else:
        words = [text.decode() if isinstance(text, bytes) else text for text in parameters]
        result = RawCursor(connection).execute(statement, words, prepare=True).pgresult
    return [result.get_value(row, 0) for row in range(result.ntuples)]


def _is_alone(connection: Any) -> bool:
    """Return whether a question is a transaction of its own."""
    libpq = connection.pgconn
    return (
        hasattr(connection, "prepared")
        and connection.autocommit
        and libpq.transaction_status == TransactionStatus.IDLE
        and libpq.pipeline_status == PipelineStatus.OFF
    )


def _has_room(known: dict[bytes, bytes], statement: bytes) -> bool:
    """Return whether a statement is prepared on the road, or may be."""
    return statement in known or len(known) < PREPARED_MOST


def _answer(connection: Any, statement: bytes, texts: Sequence[bytes | None]) -> Any:
    known: dict[bytes, bytes] = connection.prepared
    name = known.get(statement)
    if name is None:
        name = b"road_" + blake2b(statement, digest_size=8).hexdigest().encode()
        _sound(connection, connection.pgconn.prepare(name, statement))
        known[statement] = name
    return _sound(connection, connection.pgconn.exec_prepared(name, texts))


def _sound(connection: Any, result: PGresult) -> PGresult:
    """Return a result that is none of an error's."""
    if result.status in ANSWERS:
        return result
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)
