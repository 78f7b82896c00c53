"""A database that is lent again is what its template is; one with a changed schema is not lent."""

import random
from contextlib import contextmanager

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from tests.conftest import ROOT, WORKER
from tests.integration.conftest import house_on, shanghai
from tests.lending import lend

TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""


@pytest.fixture
def lent(server, house_template):
    return lambda: contextmanager(lend)(server, house_template, WORKER)


def owner_of(database):
    url = database.address.owner_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


def contents(database):
    """A hash of the rows of each table, and where each sequence stands."""
    with owner_of(database) as owner:
        found = {
            table: owner.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM public.\"{table}\" t"
            ).fetchone()
            for (table,) in owner.execute(TABLES).fetchall()
        }
        sequences = "SELECT sequencename, last_value FROM pg_sequences ORDER BY sequencename"
        return found, owner.execute(sequences).fetchall()


def test_what_was_written_changed_and_deleted_is_put_back(lent, settings):
    with lent() as database:
        first, before = database.address.url, contents(database)
        cases = assemble(database, settings, ROOT, ids=PublicIds(random.Random(2)))
        house = house_on(cases)
        case = house.submitted()
        house.act(case, "accept", "huilong_zhen.handler", shanghai(11, 9))
        with owner_of(database) as owner:
            owner.execute("UPDATE person SET name = name || '改'")
            owner.execute("SET session_replication_role = replica")
            owner.execute("DELETE FROM assignment")
            owner.execute("DELETE FROM event_pending")
        after = contents(database)

    with lent() as database:
        again = contents(database)
        same = database.address.url

    assert same == first
    changed = {table for table in before[0] if before[0][table] != after[0][table]}
    assert {"assignment", "case", "clock", "event", "event_pending", "person", "task"} <= changed
    assert again == before


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE person ALTER COLUMN email SET DEFAULT 'x'",
        "ALTER TABLE event DISABLE TRIGGER USER",
        "CREATE INDEX of_a_test ON person (name)",
    ],
)
def test_a_database_whose_schema_was_changed_is_not_lent_again(lent, change):
    with lent() as database:
        first = database.address.url
        with owner_of(database) as owner:
            owner.execute(change)

    with lent() as database:
        assert database.address.url != first
