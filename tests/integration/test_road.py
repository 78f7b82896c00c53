"""The short road asks by libpq, and where it cannot, by a cursor: the same answers and errors."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from caseflow.database.access import Database, open_database
from caseflow.database.road import PREPARED_MOST, ask
from caseflow.kernel.errors import Unavailable
from tests.integration.kept_database import keep

ECHO = b"SELECT said FROM unnest($1::text[], $2::int[]) AS row (said, number) ORDER BY number DESC"
SPOKEN = ("{一,二}", b"{1,2}")
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"
TELL = b"INSERT INTO told VALUES ($1::int) RETURNING number"


@pytest.fixture(scope="module")
def kept(server, empty_template) -> Iterator[Database]:
    yield from keep(server, empty_template)


@pytest.fixture
def database(kept) -> Iterator[Database]:
    """The module's database, with connections of the test's own."""
    opened = open_database(kept.address)
    yield opened
    opened.close()


def cursor_only(connection):
    del connection.prepared


def in_transaction(connection):
    connection.autocommit = False


@pytest.mark.parametrize("road", [lambda _: None, cursor_only, in_transaction])
def test_the_answer_is_the_first_column_as_text(database, road):
    with database.connect() as connection:
        road(connection)
        answers = [ask(connection, ECHO, SPOKEN) for _ in range(2)]
        connection.rollback()
        connection.autocommit = True

    assert answers == [["二".encode(), "一".encode()]] * 2


def test_an_absent_value_is_said_as_none(database):
    with database.connect() as connection:
        assert ask(connection, b"SELECT coalesce($1::text, 'none')", [None]) == [b"none"]


def test_a_statement_is_prepared_once_a_connection(database):
    with database.connect() as connection:
        for _ in range(3):
            ask(connection, ECHO, SPOKEN)

        assert connection.execute(PREPARED, ("SELECT said%",)).fetchone() == (1,)


def test_what_a_connection_has_no_room_for_goes_by_a_cursor(database):
    with database.connect() as connection:
        connection.prepared |= {str(number).encode(): b"" for number in range(PREPARED_MOST)}

        assert ask(connection, ECHO, SPOKEN) == ["二".encode(), "一".encode()]
        assert ECHO not in connection.prepared


def test_what_a_full_connection_has_prepared_goes_on_by_libpq(database):
    with database.connect() as connection:
        ask(connection, ECHO, SPOKEN)
        connection.prepared |= {str(number).encode(): b"" for number in range(PREPARED_MOST)}

        assert ask(connection, ECHO, SPOKEN) == ["二".encode(), "一".encode()]
        assert connection.execute(PREPARED, ("SELECT said%",)).fetchone() == (1,)


def test_what_the_driver_let_go_of_after_a_rollback_is_prepared_again(database):
    with database.connect() as connection:
        ask(connection, ECHO, SPOKEN)
        with connection.transaction() as block:
            connection.execute("SELECT 1", prepare=True)
            raise psycopg.Rollback(block)

        assert connection.execute(PREPARED, ("SELECT said%",)).fetchone() == (0,)
        with connection.transaction():
            assert ask(connection, ECHO, SPOKEN) == ["二".encode(), "一".encode()]
        assert ask(connection, ECHO, SPOKEN) == ["二".encode(), "一".encode()]


def test_outside_autocommit_the_question_opens_the_transaction(database):
    with database.connect() as connection:
        connection.autocommit = False
        ask(connection, ECHO, SPOKEN)
        status = connection.info.transaction_status
        connection.rollback()
        connection.autocommit = True

    assert status == TransactionStatus.INTRANS


def test_inside_an_open_block_the_question_takes_part_in_it(database):
    with database.connect() as connection:
        connection.execute("CREATE TEMPORARY TABLE told (number int PRIMARY KEY)")
        with connection.transaction() as block:
            assert ask(connection, TELL, ["7"]) == [b"7"]
            raise psycopg.Rollback(block)

        assert connection.execute("SELECT count(*) FROM told").fetchone() == (0,)


@pytest.mark.parametrize("road", [lambda _: None, cursor_only])
def test_a_constraint_refuses_as_it_does_by_a_cursor(database, road):
    with database.connect() as connection:
        road(connection)
        connection.execute("CREATE TEMPORARY TABLE told (number int CONSTRAINT once PRIMARY KEY)")
        ask(connection, TELL, ["7"])
        with pytest.raises(psycopg.errors.UniqueViolation, match="once") as refusal:
            ask(connection, TELL, ["7"])

        assert refusal.value.diag.constraint_name == "once"
        assert ask(connection, TELL, ["8"]) == [b"8"]


def test_a_wrong_statement_is_an_error_and_is_not_kept(database):
    with database.connect() as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            ask(connection, b"SELECT nothing", [])

        assert connection.prepared == {}


def asked_after_its_server_died(database):
    """Ask once, let the backend be ended, ask again."""
    owner = database.address.owner_url.replace("+psycopg", "")
    with database.connect() as connection:
        ask(connection, ECHO, SPOKEN)
        with psycopg.connect(owner, autocommit=True) as killer:
            killer.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        ask(connection, ECHO, SPOKEN)


def test_a_lost_connection_is_told_as_such_and_not_lent_again(database):
    with database.connect() as connection:
        lost = connection.info.backend_pid
    with pytest.raises(Unavailable):
        asked_after_its_server_died(database)

    with database.connect() as connection:
        assert connection.info.backend_pid != lost
        assert ask(connection, ECHO, SPOKEN) == ["二".encode(), "一".encode()]
