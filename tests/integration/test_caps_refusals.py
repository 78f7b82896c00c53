"""No statement passes a ceiling or moves its counter by hand: raw SQL, as owner and as program."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import found_house
from tests.integration.kept_database import keep

CAP = (
    "INSERT INTO cap (key, scope, organisation_id, title, words, limit_fen, limit_times)"
    " SELECT 'year:X:1:2026', 'enterprise_clause_year', id, '每年最高', '最高100分', 100, 2"
    " FROM organisation LIMIT 1"
)
USE = (
    "INSERT INTO cap_use (case_id, cap_key, fen, times, state)"
    " SELECT id, 'year:X:1:2026', {fen}, 1, 'reserved' FROM \"case\""
)

MOVED = f"WITH other AS ({CAP.replace('X:1', 'Y:1')}) UPDATE cap_use SET cap_key = 'year:Y:1:2026'"
HALF_USED = (
    "INSERT INTO cap (key, scope, organisation_id, title, words, used_fen)"
    " SELECT 'k', 'object', organisation_id, '', '', 1 FROM cap"
)


@pytest.fixture(scope="module")
def addresses(server: Server, founded_template: str, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The URLs of a database with one submitted case: the owner's and the program's."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("caps")))
    for database in keep(server, founded_template):
        found_house(assemble(database, settings, ROOT, ids=PublicIds(random.Random(4)))).submitted()
        urls = {"owner": database.address.owner_url, "program": database.address.url}
        yield {who: url.replace("+psycopg", "") for who, url in urls.items()}


def connection_of(url: str) -> Iterator[psycopg.Connection]:
    """A connection whose ceiling of 100 fen and two times has 60 fen and one time used."""
    with psycopg.connect(url) as connection:
        connection.execute(CAP)
        connection.execute(USE.format(fen=60))
        yield connection
        connection.rollback()


@pytest.fixture
def owner(addresses) -> Iterator[psycopg.Connection]:
    yield from connection_of(addresses["owner"])


@pytest.fixture
def program(addresses) -> Iterator[psycopg.Connection]:
    yield from connection_of(addresses["program"])


@pytest.fixture(params=["owner", "program"])
def anyone(request, addresses) -> Iterator[psycopg.Connection]:
    yield from connection_of(addresses[request.param])


def used(connection: psycopg.Connection) -> tuple[int, int]:
    return connection.execute("SELECT used_fen, used_times FROM public.cap").fetchone()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE cap_use SET fen = 101", "is reached"),
        ("UPDATE cap SET limit_fen = 59", "is reached"),
        ("UPDATE cap SET limit_times = 0", "is reached"),
        ("UPDATE cap_use SET fen = -1", "ck_cap_use_taken"),
        ("UPDATE cap_use SET fen = 0", "ck_cap_use_taken"),
        ("UPDATE cap_use SET times = 2", "ck_cap_use_taken"),
        ("UPDATE cap_use SET state = 'released'", "ck_cap_use_taken"),
        ("UPDATE cap_use SET state = 'kept'", "ck_cap_use_(state|taken)"),
        (USE.format(fen=1), "pk_cap_use"),
        (USE.format(fen=1).replace("X:1", "Y:1"), "fk_cap_use_cap_key"),
        (CAP, "pk_cap"),
        (CAP.replace("X:1", "Y:1").replace("enterprise_clause_year", "week"), "ck_cap_scope"),
    ],
)
def test_nobody_takes_what_is_not_there(anyone, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        anyone.execute(statement)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE cap SET used_fen = 0", "counted from its uses"),
        ("UPDATE cap SET used_times = 0", "counted from its uses"),
        ("UPDATE cap SET key = 'year:Y:1:2026'", "counted from its uses"),
        ("UPDATE cap SET scope = 'object'", "counted from its uses"),
        (MOVED, "stays what it is of"),
        (
            HALF_USED,
            "begins with nothing used",
        ),
        ("DELETE FROM cap_use", "append-only"),
        ("DELETE FROM cap", "append-only"),
        ("TRUNCATE cap_use", "append-only"),
        ("TRUNCATE cap, cap_use", "append-only"),
    ],
)
@pytest.mark.parametrize("who", ["owner", "program"])
def test_a_counter_is_not_moved_by_hand(request, who, statement, words):
    connection = request.getfixturevalue(who)

    with pytest.raises(psycopg.Error, match=words if who == "owner" else "permission denied"):
        connection.execute(statement)


@pytest.mark.parametrize(("fen", "fits"), [(99, True), (100, True), (101, False)])
def test_a_use_reaches_its_ceiling_and_never_passes_it(anyone, fen, fits):
    statement = f"UPDATE cap_use SET fen = {fen}, state = 'final'"

    if fits:
        anyone.execute(statement)
        assert used(anyone) == (fen, 1)
    else:
        with pytest.raises(psycopg.errors.CheckViolation):
            anyone.execute(statement)


def test_what_is_given_back_is_free_again(anyone):
    anyone.execute("UPDATE cap_use SET fen = 0, times = 0, state = 'released'")
    between = used(anyone)
    anyone.execute("UPDATE cap_use SET fen = 100, times = 1, state = 'reserved'")

    assert (between, used(anyone)) == ((0, 0), (100, 1))


def test_a_table_of_the_same_name_deceives_no_counter(program):
    program.execute("CREATE TEMP TABLE cap (LIKE public.cap)")

    program.execute("UPDATE cap_use SET fen = 90")

    assert used(program) == (90, 1)


def test_without_the_trigger_the_table_itself_still_refuses(owner):
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    owner.execute("ALTER TABLE cap DISABLE TRIGGER cap_counted")

    with pytest.raises(psycopg.Error, match="ck_cap_fen_within_limit"):
        owner.execute("UPDATE cap_use SET fen = 101")
