"""Two ways to the database: sessions for most things, and the short road for acts and sweeps."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import orjson
import psycopg
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from caseflow.database.road import PREPARED_MOST, start_road
from caseflow.kernel.errors import Unavailable

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""Yields a psycopg connection in autocommit; `connection.transaction()` opens a transaction."""

STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "5s"
ROAD_PLANS = "SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1; SET jit = off"
"""The road's few statements are planned once a connection, by key, whatever they are asked for."""


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """Return an engine whose connections time out rather than wait for ever."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        use_native_hstore=False,  # else every engine first asks whether the type is there
    )
    _limit(engine)
    return engine


def make_road(url: str, *, pool_size: int = 8) -> tuple[Engine, Connect]:
    """Return the pool of the short road and the way to borrow from it.

    The connections stay in autocommit and are not reset on return: nothing crosses the network
    but what the borrower sends.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        use_native_hstore=False,
    )
    _limit(engine)
    event.listens_for(engine, "connect")(_smooth)

    @contextmanager
    def connect() -> Iterator[psycopg.Connection[Any]]:
        try:
            borrowed = engine.raw_connection()
        except OperationalError as error:
            raise Unavailable(f"The database does not answer: {error.orig}") from error
        driver: Any = borrowed.driver_connection
        try:
            yield driver
        except psycopg.OperationalError as error:
            borrowed.invalidate()
            raise Unavailable(f"The database does not answer: {error}") from error
        finally:
            borrowed.close()

    return engine, connect


def _limit(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.prepared_max = PREPARED_MOST
        was_autocommit = connection.autocommit
        connection.autocommit = True
        connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.autocommit = was_autocommit


def _smooth(connection: Any, _record: Any) -> None:
    connection.execute(ROAD_PLANS)
    set_json_loads(orjson.loads, connection)
    start_road(connection)
