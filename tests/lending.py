"""Copies of templates, lent to a test or a module and put back as they were.

Making a copy is cheap; what costs is that every connection to it plans anew what others have
planned. So a copy is lent again, with its connections, after what was written has been undone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import sql
from sqlalchemy import Engine, QueuePool

from caseflow.database import migration
from caseflow.database.access import Address, Database, open_database
from caseflow.database.server import PROGRAM_ROLE, Server

LENT_MOST: Final = 40
"""How often one copy is lent: what is deleted stays in its files, as nothing tidies them."""
FREE_MOST: Final = 4
"""Copies that wait to be lent; the server has a hundred connections for all."""
IDLE_MOST: Final = 2
"""Connections of a pool that wait with them."""

_numbers = count(1)

TABLES: Final = """
    SELECT c.relname,
        array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
        array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attnum = ANY (k.conkey))
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    GROUP BY c.oid ORDER BY c.relname
"""
SEQUENCES: Final = """
    SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'
"""
CATALOGS: Final = ("pg_class", "pg_attribute", "pg_constraint", "pg_index", "pg_proc", "pg_trigger")
"""Where a change of the schema leaves a row: such a copy is not lent again."""


@dataclass(eq=False)
class Copy:
    """A copy of a template, and the owner's connection that keeps what it was like."""

    template: str
    database: Database
    owner: psycopg.Connection[Any]
    times_lent: int = field(default=0)

    def put_back(self) -> bool:
        """Undo all that was written; return whether the copy may be lent again."""
        engines = (self.database.engine, self.database.road)
        if self.times_lent >= LENT_MOST or any(_pool(engine).checkedout() for engine in engines):
            return False
        for engine in engines:
            if _pool(engine).checkedin() > IDLE_MOST:
                engine.dispose()
        try:
            row = self.owner.execute("SELECT pg_temp.put_back()").fetchone()
        except psycopg.Error:
            return False
        return row is not None and bool(row[0])

    def drop(self) -> None:
        """Close every connection and drop the database."""
        self.owner.close()
        self.database.close()
        migration.drop_database(self.database.address.owner_url)


def _pool(engine: Engine) -> QueuePool:
    return cast("QueuePool", engine.pool)


_free: list[Copy] = []
"""What waits longest comes first."""


def lend(server: Server, template: str, worker: str) -> Iterator[Database]:
    """Yield a database that is as `template` is; nobody else has it meanwhile."""
    copy = _taken(template) or _copied(server, template, worker)
    copy.times_lent += 1
    try:
        yield copy.database
    finally:
        if copy.put_back():
            _free.append(copy)
        else:
            copy.drop()
        while len(_free) > FREE_MOST:
            _free.pop(0).drop()


def _taken(template: str) -> Copy | None:
    for copy in reversed(_free):
        if copy.template == template:
            _free.remove(copy)
            return copy
    return None


def drop_all() -> None:
    """Drop every copy that is not lent."""
    while _free:
        _free.pop().drop()


def _copied(server: Server, template: str, worker: str) -> Copy:
    name = f"copy_{worker}_{next(_numbers)}"
    url = server.url(name)
    migration.create_database(url, template=template)
    owner = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    with owner.transaction():
        _remember(owner)
    owner.execute("SET session_replication_role = replica")  # no trigger and no key in the way
    owner.execute("SET lock_timeout = '2s'")
    database = open_database(Address(server.url(name, role=PROGRAM_ROLE), url, server))
    return Copy(template, database, owner)


def _remember(owner: psycopg.Connection[Any]) -> None:
    """Keep the rows of every table in a temporary one, and make the function that restores them."""
    began = owner.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
    steps = [_undo(owner, *row, began=began[0]) for row in owner.execute(TABLES).fetchall()]
    for name, last in owner.execute(SEQUENCES).fetchall():
        called = (name, 1, "false") if last is None else (name, last, "true")
        steps.append(f"PERFORM setval('public.{called[0]}', {called[1]}, {called[2]});")
    changed = " OR ".join(
        f"EXISTS (SELECT FROM {name} x WHERE age(x.xmin) < age('{began[0]}'::xid))"
        for name in CATALOGS
    )
    body = f"BEGIN IF {changed} THEN RETURN false; END IF; {' '.join(steps)} RETURN true; END"
    owner.execute(
        sql.SQL("CREATE FUNCTION pg_temp.put_back() RETURNS boolean LANGUAGE plpgsql AS {}").format(
            sql.Literal(body)
        )
    )


def _undo(
    owner: psycopg.Connection[Any],
    table: str,
    columns: list[str],
    keys: list[str] | None,
    *,
    began: str,
) -> str:
    """Return the statements that make a table what it is now; rows are kept where it has any."""
    place = f'public."{table}"'
    if owner.execute(cast("LiteralString", f"SELECT FROM {place} LIMIT 1")).fetchone() is None:
        return f"DELETE FROM {place};"
    owner.execute(cast("LiteralString", f'CREATE TEMP TABLE "kept_{table}" AS TABLE {place}'))
    names = ", ".join(f'"{column}"' for column in columns)
    if keys is None:  # a queue: it is filled anew
        written, same = "true", "false"
    else:
        written = f"age(x.xmin) < age('{began}'::xid)"
        same = " AND ".join(f'x."{key}" = k."{key}"' for key in keys)
    return (
        f"DELETE FROM {place} x WHERE {written};"
        f" INSERT INTO {place} ({names}) OVERRIDING SYSTEM VALUE SELECT {names}"
        f' FROM pg_temp."kept_{table}" k WHERE NOT EXISTS (SELECT FROM {place} x WHERE {same});'
    )
